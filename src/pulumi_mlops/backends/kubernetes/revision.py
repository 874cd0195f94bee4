"""One revision of one variant: a KServe InferenceService of its own, named after everything that needs a release.

A revision never changes but for its number of replicas and its labels. Another version, image, size or setting is
another revision beside it, and the old one is deleted when the program no longer names it and the release went well.
"""

from dataclasses import dataclass

import pulumi
from pulumi import CustomTimeouts, Input, Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import runtime
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress, ModelVersionAddress, SecretAddress
from pulumi_mlops.backends.kubernetes.health import VARIANT
from pulumi_mlops.backends.kubernetes.objects import (
    App,
    Fields,
    after,
    camel_case,
    content_name,
    custom,
    pod_security,
    spread_over_nodes,
)
from pulumi_mlops.components.endpoint import MAIN, EndpointSpec, ModelFiles, Variant
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core import private

SHADOW = "shadow"
TIMEOUT_SECONDS = 60
"""The longest that an answer may take."""
_GRACE_SECONDS = 90
_START = "30m"  # a node may have to be made, and a large model loaded


@dataclass(frozen=True)
class Revision:
    """What a variant serves now."""

    variant: str
    name: str
    """The InferenceService's name, and the name of the resource in the program."""
    served: ModelVersionRef | ModelFiles
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


def stem(endpoint: str, variant: str) -> str:
    """Name a variant of an endpoint within the namespace; the only one needs no name of its own."""
    return endpoint if variant == MAIN else f"{endpoint}-{variant}"


def revisions(app: App, spec: EndpointSpec, account: Input[str]) -> list[Revision]:
    """Work out the revisions that the arguments ask for, the shadow last.

    :param account: the service account of the pods, which may write captured traffic.
    """
    fixed = None if spec.scaling.moves else spec.scaling.min
    found = [_revision(app, spec, part, account, fixed) for part in spec.served]
    if spec.shadow:
        shadow = Variant(name=SHADOW, model=spec.shadow.model, compute=spec.shadow.compute)
        found.append(_revision(app, spec, shadow, account, max(spec.scaling.min, 1)))
    return found


def _revision(app: App, spec: EndpointSpec, part: Variant, account: Input[str], fixed: int | None) -> Revision:
    variant, served = part.name, part.model
    machine = runtime.machine(part.compute or spec.compute)
    container = runtime.container(runtime.server_of(served), runtime.image_of(served), app.scope.name)
    added = {
        "resources": machine.resources,
        "env": _variables(app, spec, served),
        "volumeMounts": [*container["volumeMounts"], *_secret_mounts(spec)],
    }
    predictor: Fields = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": camel_case(pod_security()),
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "timeout": TIMEOUT_SECONDS,
        "deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "topologySpreadConstraints": [
            {
                **camel_case(spread_over_nodes({**app.selector, VARIANT: variant})),
                "matchLabelKeys": ["pod-template-hash"],  # each revision by itself
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}, *_secret_volumes(spec)],
        **machine.placement,
    }
    if isinstance(served, ModelFiles):
        predictor["containers"] = [{**container, **added}]
        if served.artifact is not None:
            predictor["storageUris"] = [{"uri": served.artifact, "mountPath": runtime.MODELS}]
    else:
        predictor["model"] = {
            "modelFormat": {"name": "mlflow"},
            "protocolVersion": "v2",
            "storageUri": ModelVersionAddress.of(served).uri,
            **added,
        }
    if spec.capture_percent:
        predictor["logger"] = {
            "mode": "all",
            "url": captured_prefix(spec, app.scope.name),
            # The agent writes nothing while the path is empty; below it are requests and answers, a file each.
            # KServe's webhook wants a key as well, which nothing reads: the account's Secret has the login.
            "storage": {"path": "calls", "parameters": {"format": "json"}, "key": "credentials"},
        }
    name = content_name(stem(app.scope.name, variant), settled({"predictor": predictor, "container": container}))
    if "model" in predictor:
        predictor["model"]["runtime"] = name
    if "logger" in predictor:
        predictor["logger"]["storage"]["serviceAccountName"] = account
    return Revision(variant, name, served, predictor, container, fixed)


def settled(content: object) -> str | None:
    """Write content down as it is now, waiting for what other resources of the program still have to tell.

    A revision is a resource of its own name, and a name in the program cannot be an Output. In a preview, what is not
    known yet gives None: the resource is shown as new, under a name that the update will replace.
    """
    return private.resolve(Output.json_dumps(content, sort_keys=True).future())


def captured_prefix(spec: EndpointSpec, endpoint: str) -> Output[str]:
    """Say where captured requests and answers go."""
    return Output.format("{0}captured/{1}", spec.platform.artifacts, endpoint)


def _variables(app: App, spec: EndpointSpec, served: ModelVersionRef | ModelFiles) -> list[Fields]:
    """Set what the container finds in its environment: addresses, never a secret's value."""
    found: dict[str, Input[str]] = {**runtime.server_of(served).variables}
    if isinstance(served, ModelVersionRef):
        found["MLSERVER_MODEL_NAME"] = app.scope.name  # part of every request's path: it stays from version to version
    for view in spec.reads:
        group, address = view.group.name.upper().replace("-", "_"), FeatureGroupAddress.of(view.group)
        found[f"MLOPS_FEATURES_{group}"] = address.view
        found["MLOPS_FEATURE_SERVER"] = found[f"MLOPS_FEATURE_SERVER_{group}"] = address.url
    found |= {f"MLOPS_SECRET_{key}": f"file://{runtime.SECRETS}/{key}" for key in spec.secrets}
    return [{"name": key, "value": value} for key, value in sorted({**found, **spec.environment}.items())]


def _secret_volumes(spec: EndpointSpec) -> list[Fields]:
    if not spec.secrets:
        return []
    sources = [
        {"secret": {"name": SecretAddress.of(secret).id, "items": [{"key": "value", "path": key}]}}
        for key, secret in sorted(spec.secrets.items())
    ]
    return [{"name": "secrets", "projected": {"sources": sources}}]


def _secret_mounts(spec: EndpointSpec) -> list[Fields]:
    return [{"name": "secrets", "mountPath": runtime.SECRETS, "readOnly": True}] if spec.secrets else []


def make(app: App, revision: Revision, account: Input[str], needs: list[pulumi.Resource]) -> pulumi.CustomResource:
    """Make a revision, and wait until it can answer (https://kserve.github.io/website/)."""
    scope = app.scope
    if isinstance(revision.served, ModelVersionRef):
        needs = [*needs, _runtime(app, revision)]
    scaler = "none" if revision.fixed is not None else "external"
    replicas = {} if revision.fixed is None else {"minReplicas": revision.fixed, "maxReplicas": revision.fixed}
    return custom(
        scope.child(revision.part(app)),
        "serving.kserve.io/v1beta1",
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
        opts=ResourceOptions.merge(
            after(scope.opts, *needs), ResourceOptions(custom_timeouts=CustomTimeouts(create=_START, update=_START))
        ),
        wait="condition=Ready",
    )


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
