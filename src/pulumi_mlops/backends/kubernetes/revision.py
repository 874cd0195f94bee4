"""One revision of one variant: a KServe InferenceService of its own, named after everything that needs a release.

A revision never changes but for its number of replicas and its labels. Another version, image, size or setting is
another revision beside it, and the old one is deleted when the program no longer names it and the release went well.
"""

from dataclasses import dataclass, replace

import pulumi
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import runtime, workload
from pulumi_mlops.backends.kubernetes.addresses import ModelVersionAddress
from pulumi_mlops.backends.kubernetes.health import REVISION, VARIANT, stem
from pulumi_mlops.backends.kubernetes.objects import (
    App,
    Fields,
    after,
    camel_case,
    custom,
    pod_security,
    spread_over_nodes,
)
from pulumi_mlops.backends.kubernetes.runtime import Server
from pulumi_mlops.backends.kubernetes.waiting import Watched, ready
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, Variant
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.content import content_name, settled
from pulumi_mlops.core.workload import Workload

API = "serving.kserve.io/v1beta1"
_EVENTS, _KEPT_WITHIN = 20, "5s"
"""How many requests and answers are written in one go, and when at the latest, where there are not so many.

KServe's agent writes one file after the other, and has room for 100 events: when that is full, it holds requests back
(https://github.com/kserve/kserve/issues/6193). One file for each event would bound the requests that a replica answers
by the files that the store takes; more events in one would fill the agent's memory where requests are large.
"""
START_MINUTES = 30  # a node may have to be made, and a large model loaded


@dataclass(frozen=True)
class Revision:
    """What a variant serves now."""

    variant: str
    name: str
    """The InferenceService's name, and the name of the resource in the program."""
    server: Server
    predictor: Fields
    container: Fields
    """The container of the runtime, for a version of the registry."""
    fixed: int | None
    """Its number of replicas, where nothing moves it."""

    def part(self, app: App) -> str:
        """Name it within its endpoint, as resources of the program are named."""
        return self.name.removeprefix(f"{app.scope.name}-")

    @property
    def service(self) -> str:
        """The Service that KServe puts before its pods."""
        return f"{self.name}-predictor"

    @property
    def deployment(self) -> str:
        """The Deployment that KServe makes of it."""
        return f"{self.name}-predictor"


def revisions(app: App, spec: EndpointSpec, account: Input[str]) -> list[Revision]:
    """Work out the revisions that the arguments ask for, the shadow last.

    :param account: the service account of the pods, which may write captured traffic.
    """
    fixed = None if spec.scaling.moves else spec.scaling.min
    beside = max(spec.scaling.min, 1)
    return [
        _revision(app, spec, (part, load), account, beside if spec.shadow and part.name == SHADOW else fixed)
        for part, load in zip(spec.parts, spec.workloads(), strict=True)
    ]


def _revision(
    app: App,
    spec: EndpointSpec,
    part: tuple[Variant, Workload[FeatureView]],
    account: Input[str],
    fixed: int | None,
) -> Revision:
    (variant, served), load = (part[0].name, part[0].model), part[1]
    machine, server = runtime.machine(load.compute), runtime.server_of(served, spec.serve)
    own = runtime.is_own(served, spec.serve)
    if not own:
        load = replace(load, image=runtime.brought_image(served))
    container = workload.container(load, server, app.scope.name)
    added = {
        "resources": machine.resources,
        "env": workload.environment(load, server, app.scope.name),
        "volumeMounts": [*container["volumeMounts"], *workload.mounts(load)],
    }
    predictor: Fields = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": camel_case(pod_security(assigned=app.assigned_users)),
        "terminationGracePeriodSeconds": workload.grace_seconds(load),
        "timeout": load.timeout_seconds,
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "topologySpreadConstraints": [
            {
                **camel_case(spread_over_nodes({**app.selector, VARIANT: variant})),
                "matchLabelKeys": ["pod-template-hash"],  # each revision by itself
            }
        ],
        "volumes": workload.volumes(load),
        **machine.placement,
    }
    files = ModelVersionAddress.of(served).uri if isinstance(served, ModelVersionRef) else load.files
    if own:
        predictor["containers"] = [{**container, **added}]
        if files is not None:
            predictor["storageUris"] = [{"uri": files, "mountPath": runtime.MODELS}]
    else:
        predictor["model"] = {
            "modelFormat": {"name": "mlflow"},
            "protocolVersion": "v2",
            "storageUri": files,
            **added,
        }
    if spec.capture_percent:
        predictor["logger"] = {
            "mode": "all",
            "url": captured_prefix(spec, app.scope.name),
            # The agent writes nothing while the path is empty; below it are requests and answers.
            # KServe's webhook wants a key as well, which nothing reads: the account's Secret has the login.
            "storage": {"path": "calls", "parameters": {"format": "json"}, "key": "credentials"},
            "batchSize": _EVENTS,
            "batchInterval": _KEPT_WITHIN,
        }
    name = content_name(stem(app.scope.name, variant), settled({"predictor": predictor, "container": container}))
    if "model" in predictor:
        predictor["model"]["runtime"] = name
    if "logger" in predictor:
        predictor["logger"]["storage"]["serviceAccountName"] = account
    return Revision(variant, name, server, predictor, container, fixed)


def captured_prefix(spec: EndpointSpec, endpoint: str) -> Output[str]:
    """Say where captured requests and answers go."""
    return Output.format("{0}captured/{1}", spec.platform.artifacts, endpoint)


def start_minutes(spec: EndpointSpec) -> int:
    """Return how long a revision may take to be ready: what its container may take, beside what a node may."""
    return max(START_MINUTES, (spec.serve.startup_minutes or 0) + START_MINUTES // 2)


def make(
    app: App, spec: EndpointSpec, revision: Revision, account: Input[str], needs: list[pulumi.Resource]
) -> tuple[pulumi.CustomResource, Input[pulumi.Resource]]:
    """Make a revision, and wait until it can answer (https://kserve.github.io/website/).

    :returns: the InferenceService, and the same when it is ready.
    """
    scope = app.scope
    if "model" in revision.predictor:
        needs = [*needs, _runtime(app, revision)]
    scaler = "none" if revision.fixed is not None else "external"
    replicas = {} if revision.fixed is None else {"minReplicas": revision.fixed, "maxReplicas": revision.fixed}
    made = custom(
        scope.child(revision.part(app)),
        API,
        "InferenceService",
        metadata=app.metadata(
            revision.name,
            annotations={
                "serving.kserve.io/deploymentMode": "Standard",
                "serving.kserve.io/autoscalerClass": scaler,
            },
            # KServe writes no route then: the endpoint's own divides the traffic.
            labels={VARIANT: revision.variant, "networking.kserve.io/visibility": "cluster-local"},
        ),
        spec={"predictor": {**revision.predictor, **replicas, "serviceAccountName": account}},
        opts=after(scope.opts, *needs),
    )
    watched = Watched(spec.platform, API, "inferenceservices", revision.name, REVISION, start_minutes(spec))
    return made, ready(scope, made, watched)


def _runtime(app: App, revision: Revision) -> pulumi.CustomResource:
    """Bring the runtime along, so that an admin's edits of the cluster's own runtimes change nothing here."""
    return custom(
        app.scope.child(f"{revision.part(app)}-runtime"),
        "serving.kserve.io/v1alpha1",
        "ServingRuntime",
        metadata=app.metadata(revision.name),
        spec={
            "supportedModelFormats": [{"name": "mlflow", "version": "1"}, {"name": "mlflow", "version": "2"}],
            "protocolVersions": ["v2"],
            "containers": [revision.container],
        },
        opts=app.scope.opts,
    )
