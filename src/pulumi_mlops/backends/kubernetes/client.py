"""What Kubernetes has for the client: runs of Argo Workflows, logs of their pods, and what an endpoint serves."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_mlops.backends.kubernetes import live, reading, tracking, workflows
from pulumi_mlops.backends.kubernetes.addresses import EndpointAddress, ModelAddress, PipelineAddress
from pulumi_mlops.backends.kubernetes.client_features import Features
from pulumi_mlops.backends.kubernetes.client_predictions import Predictions
from pulumi_mlops.backends.kubernetes.client_versions import Versions, listed, metrics_of_run
from pulumi_mlops.backends.kubernetes.health import VARIANT
from pulumi_mlops.backends.kubernetes.objects import namespace_name
from pulumi_mlops.backends.kubernetes.shares import KSERVE, shares
from pulumi_mlops.clients import records
from pulumi_mlops.clients.backend import Backend
from pulumi_mlops.clients.lineage import Known, Served, Unknown, Version, numbers
from pulumi_mlops.clients.runs import Run, StepState
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError, NotFound

_NODE, _WORKFLOW = "workflows.argoproj.io/node-id", "workflows.argoproj.io/workflow"
_LINES = 20
_NO_DIGEST = "the image is named by a tag, and Argo does not keep which digest a node pulled"
_GONE = "Argo shows a run for 30 days, and has this one no more"


class _Kubernetes(Versions, Predictions, Features):
    """Kubernetes, as the client asks it."""

    def start(self, pipeline: PipelineRef, parameters: Mapping[str, str]) -> str:
        """Make a workflow of the pipeline's template; return its name."""
        template, namespace = PipelineAddress.of(pipeline).template, _namespace(pipeline.platform)
        cluster = _cluster(pipeline.platform)
        given = [{"name": name, "value": value} for name, value in parameters.items()]
        found = live.namespaced(pipeline.platform, workflows.API, workflows.TEMPLATES, template)
        if found is None:
            raise NotFound(
                f"Pipeline {pipeline.name!r} cannot run: namespace {namespace!r} has no WorkflowTemplate {template!r}."
            )
        made = cluster.create(
            f"/apis/{workflows.API}/namespaces/{namespace}/{workflows.WORKFLOWS}",
            {
                "apiVersion": workflows.API,
                "kind": "Workflow",
                "metadata": {
                    "generateName": f"{template[:50]}-",
                    "labels": {workflows.PIPELINE: pipeline.name},
                    "ownerReferences": [workflows.owner(template, found["metadata"]["uid"])],
                },
                "spec": {
                    "workflowTemplateRef": {"name": template},
                    **({"arguments": {"parameters": given}} if given else {}),
                },
            },
        )
        if made is None:
            raise NotFound(f"Pipeline {pipeline.name!r} cannot run: the cluster has no Argo Workflows any more.")
        return str(made["metadata"]["name"])

    def look(self, pipeline: PipelineRef, run: str) -> Run | None:
        """Read a workflow."""
        found = workflows.read(pipeline.platform, pipeline.name, run)
        if found is None:
            return None
        if not found.templates:  # no controller has seen it yet
            template = live.namespaced(
                pipeline.platform, workflows.API, workflows.TEMPLATES, PipelineAddress.of(pipeline).template
            )
            kept = {"storedWorkflowTemplateSpec": (template or {}).get("spec") or {}}
            found = workflows.Workflow({**found.found, "status": {**found.status, **kept}})
        return found.run(pipeline.name)

    def runs(self, pipeline: PipelineRef, most: int) -> Sequence[Run]:
        """List workflows."""
        return workflows.newest(pipeline.platform, pipeline.name, most)

    def record(self, pipeline: PipelineRef, run: Run, step: str) -> str:
        """Return where a pod leaves its record: by the uid of its workflow, whose name may come again."""
        found = workflows.read(pipeline.platform, pipeline.name, run.id)
        return f"{pipeline.runs}{found.uid if found else run.id}/{step}/facts.json"

    def text(self, platform: PlatformRef, address: str) -> Known[str]:
        """Read an object of the platform's store."""
        return reading.text(platform, address)

    def last_lines(self, pipeline: PipelineRef, run: Run, step: StepState) -> Sequence[str]:
        """Read what the pod of a step printed last."""
        if not step.address:
            return []
        try:
            listed = live.namespaced(pipeline.platform, "v1", "pods", labelSelector=f"{_WORKFLOW}={run.id}") or {}
            for pod in listed.get("items", []):
                if (pod["metadata"].get("annotations") or {}).get(_NODE) == step.address:
                    path = f"/api/v1/namespaces/{_namespace(pipeline.platform)}/pods/{pod['metadata']['name']}/log"
                    text = _cluster(pipeline.platform).text(path, container="main", tailLines=str(_LINES))
                    return (text or "").splitlines()
        except MlopsError as error:
            return [f"The log could not be read. {error}"]
        return [f"The pod is gone; what it printed is kept below {pipeline.runs}"]

    def served(self, endpoint: EndpointRef, models: Sequence[ModelRef]) -> Sequence[Served]:
        """Read what the route of an endpoint leads to, or its Service where it has no route."""
        address = EndpointAddress.of(endpoint)
        if address.service is None:
            return []
        found_shares = list(shares(endpoint.platform, address.service.partition(".")[0]))
        if not found_shares:
            raise NotFound(f"Endpoint {endpoint.name!r} is not there any more: nothing leads to {address.service}.")
        found = []
        for name, percent, shadow in found_shares:
            there = live.namespaced(endpoint.platform, KSERVE, "inferenceservices", name)
            labels = (there or {}).get("metadata", {}).get("labels") or {}
            version = _of_files(endpoint.platform, _files(there), models) if there else Unknown(f"{name} is gone")
            found.append(Served(variant=labels.get(VARIANT, name), percent=percent, shadow=shadow, version=version))
        return found

    def version(self, model: ModelRef, number: int | None) -> Version | None:
        """Describe a version of the registry, the newest unless told."""
        server = tracking.server(model)
        if server is None:
            raise NotFound(f"The registry of model {model.name!r} is not there, or not ready.")
        with contextlib.closing(server):
            for one in listed(server, f"name = '{ModelAddress.of(model).model}'"):
                if number is None or int(one["version"]) == number:
                    return _version(model.platform, server, one)
        return None

    def spent(self, _platform: PlatformRef) -> Known[Spent]:
        """Say why that is not known."""
        return Unknown("a cluster knows no prices; OpenCost beside it tells them")


def _cluster(platform: PlatformRef) -> live.Cluster:
    found = live.of(platform)
    assert found is not None  # noqa: S101 (there are no mocks where there is a client)
    return found


def _namespace(platform: PlatformRef) -> str:
    return namespace_name(platform.name, platform.stage)


def _files(service: Mapping[str, Any]) -> str | None:
    """Return where the files are that an InferenceService serves."""
    predictor = service["spec"]["predictor"]
    found = (predictor.get("model") or {}).get("storageUri")
    uris = [one["uri"] for one in predictor.get("storageUris", [])]
    return found or next(iter(uris), None)


def _of_files(platform: PlatformRef, files: str | None, models: Sequence[ModelRef]) -> Version | Unknown:
    """Find the version with these files: an InferenceService does not name one."""
    if files is None:
        return Unknown("it serves an image without files, which is of no registry")
    registries = {ModelAddress.of(one).registry: one for one in models}
    for name in _registries(platform):
        address = ModelAddress(model="", registry=name).plain()
        registries.setdefault(name, ModelRef(name=name, backend="kubernetes", platform=platform, address=address))
    for one in registries.values():
        server = tracking.server(one)
        if server is None:
            continue
        with contextlib.closing(server):
            for source in (files, files.rstrip("/"), f"{files.rstrip('/')}/"):
                for found in listed(server, f"source_path = '{source}'"):
                    return _version(platform, server, found)
    for model in models:
        if (version := _by_address(model, files)) is not None:
            return version
    looked = f" in {', '.join(registries)}" if registries else ""
    return Unknown(f"no version with the files {files} was found{looked}")


def _by_address(model: ModelRef, files: str) -> Version | None:
    """Look through the versions of a model, whose server may keep the files under addresses of its own."""
    from pulumi_mlops.backends.kubernetes import model_registry  # noqa: PLC0415 (it brings the provider's SDK along)

    server = tracking.server(model)
    if server is None:
        return None
    with contextlib.closing(server):
        for one in listed(server, f"name = '{ModelAddress.of(model).model}'"):
            ref = model_registry.version(model, int(one["version"]))
            if str(ref.files).rstrip("/") == files.rstrip("/"):
                return _version(model.platform, server, one)
    return None


def _registries(platform: PlatformRef) -> list[str]:
    """Name the registries of a platform."""
    found = live.namespaced(platform, "apps/v1", "deployments", labelSelector="app.kubernetes.io/name=mlflow") or {}
    labels = [(one["metadata"].get("labels") or {}) for one in found.get("items", [])]
    return [one["app.kubernetes.io/instance"] for one in labels if "app.kubernetes.io/instance" in one]


def _version(platform: PlatformRef, server: tracking.Tracking, found: Mapping[str, Any]) -> Version:
    tags = {tag["key"]: str(tag["value"]) for tag in found.get("tags", [])}
    lineage, tags = records.parted(tags)
    approval, image = tags.pop(tracking.APPROVAL, "none"), tags.pop(tracking.IMAGE, None)
    metrics = {**metrics_of_run(server, found), **numbers(tags)}
    made = found.get("creation_timestamp")
    return Version(
        model=str(found["name"]),
        version=int(found["version"]),
        approval=approval.lower(),
        made=workflows.since_epoch(int(made)) if made else None,
        files=str(found.get("source")) or Unknown("the registry does not say"),
        image=image or Unknown("it names none: whoever serves it does"),
        metrics=metrics,
        metadata={name: value for name, value in tags.items() if name not in metrics},
        by=records.making(
            lineage, _run(platform, lineage), lambda address: reading.text(platform, address), _NO_DIGEST
        ),
    )


def _run(platform: PlatformRef, facts: Mapping[str, str]) -> Known[Run]:
    """Read the run that registered a version."""
    pipeline = facts.get(records.PIPELINE, "")
    found = workflows.read(platform, pipeline, facts[records.RUN]) if records.RUN in facts else None
    return found.run(pipeline) if found else Unknown(_GONE)


CLIENT: Backend = _Kubernetes()
