"""What Azure has for the client: jobs of Azure Machine Learning, their logs, and what an endpoint serves."""

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_mlops.backends.azure import blobs, live, runs, sessions, spending, starts
from pulumi_mlops.backends.azure.addresses import EndpointAddress, ModelAddress, PipelineAddress, safe
from pulumi_mlops.backends.azure.approvals import APPROVAL
from pulumi_mlops.backends.azure.asking import asking, refused
from pulumi_mlops.backends.azure.client_features import Features
from pulumi_mlops.backends.azure.client_predictions import Predictions
from pulumi_mlops.backends.azure.client_versions import IMAGE, Versions
from pulumi_mlops.clients import records
from pulumi_mlops.clients.backend import Backend
from pulumi_mlops.clients.lineage import Known, Served, Unknown, Version, numbers
from pulumi_mlops.clients.runs import Run, StepState
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.endpoint import SHADOW
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError, NotFound

_MODEL = re.compile(r"/models/([^/]+)/versions/([^/]+)$")
_FINE = range(200, 300)
_LINES = 20
_NO_DIGEST = "the image is named by a tag, and Azure does not keep which digest it pulled"


class _Azure(Versions, Predictions, Features):
    """Azure, as the client asks it."""

    def start(self, pipeline: PipelineRef, parameters: Mapping[str, str]) -> str:
        """Make a job of the pipeline's component; return its name."""
        platform = pipeline.platform
        job = starts.job(pipeline, parameters)
        name = f"{pipeline.name}-{uuid.uuid4().hex[:8]}"
        what = f"a run of pipeline {pipeline.name!r}"
        path = f"{live.workspace_path(platform)}/jobs/{name}"
        with asking(what):
            answer = sessions.ask(live.provider_of(platform), "PUT", path, live.ML, body={"properties": job})
        if answer.status not in _FINE:
            raise refused(what, answer)
        return name

    def look(self, pipeline: PipelineRef, run: str) -> Run | None:
        """Read a job with its steps."""
        found = runs.job(pipeline.platform, run)
        if found is None or found["properties"].get("experimentName") != PipelineAddress.of(pipeline).experiment:
            return None
        return _named(runs.run(pipeline.platform, pipeline.name, found), pipeline)

    def runs(self, pipeline: PipelineRef, most: int) -> Sequence[Run]:
        """List jobs."""
        return runs.newest(pipeline.platform, pipeline.name, PipelineAddress.of(pipeline).experiment, most)

    def record(self, pipeline: PipelineRef, run: Run, step: str) -> str:
        """Return where a job leaves its record."""
        return f"{pipeline.runs}{run.id}/{step}/facts.json"

    def text(self, platform: PlatformRef, address: str) -> Known[str]:
        """Read a file of the store."""
        try:
            found = blobs.text(platform, address)
        except MlopsError as error:
            return Unknown(str(error))
        return Unknown(f"{address} is not there any more") if found is None else found

    def last_lines(self, pipeline: PipelineRef, _run: Run, step: StepState) -> Sequence[str]:
        """Read what the job of a step printed last."""
        if not step.address:
            return []
        try:
            return runs.printed(pipeline.platform, step.address, _LINES)
        except MlopsError as error:
            return [f"The log could not be read. {error}"]

    def served(self, endpoint: EndpointRef, models: Sequence[ModelRef]) -> Sequence[Served]:
        """Read the deployments of an endpoint that get requests."""
        name = str(EndpointAddress.of(endpoint).name)
        there = live.endpoint(endpoint.platform, name)
        if there is None:
            if endpoint.status == "live":
                raise NotFound(
                    f"Endpoint {endpoint.name!r} is not there any more: the workspace has none called {name}."
                )
            return []
        traffic = there["properties"].get("traffic") or {}
        copies = there["properties"].get("mirrorTraffic") or {}
        found = []
        for one in live.deployments(endpoint.platform, name):
            deployment = str(one["name"])
            percent, shadow = traffic.get(deployment, 0), deployment in copies
            if not percent and not shadow:
                continue  # of an earlier release
            found.append(
                Served(
                    variant=SHADOW if shadow else deployment,
                    percent=float(copies[deployment] if shadow else percent),
                    shadow=shadow,
                    version=_of_deployment(endpoint.platform, one, models),
                )
            )
        return found

    def version(self, model: ModelRef, number: int | None) -> Version | None:
        """Describe a version of a model, the newest unless told."""
        found = [one for one in live.versions_of_model(model) if one["name"].isdigit()]
        wanted = [one for one in found if number is None or int(one["name"]) == number]
        newest = max(wanted, key=lambda one: int(one["name"]), default=None)
        return None if newest is None else _version(model.platform, newest, model.name)

    def spent(self, platform: PlatformRef) -> Known[Spent]:
        """Read what the budget of a platform counts."""
        return spending.spent(platform)


def _named(run: Run, pipeline: PipelineRef) -> Run:
    """Give parameters the names that the program gives them: Azure takes no hyphens."""
    names = {safe(name): name for name in pipeline.parameters}
    return Run(**{**vars(run), "parameters": {names.get(key, key): value for key, value in run.parameters.items()}})


def _of_deployment(
    platform: PlatformRef, deployment: Mapping[str, Any], models: Sequence[ModelRef]
) -> Version | Unknown:
    address = deployment["properties"].get("model")
    found = _MODEL.search(str(address or ""))
    if found is None:
        return Unknown(
            "it serves an image without a version of the registry" if not address else f"it serves {address}"
        )
    name, number = found[1], found[2]
    ref = next((one for one in models if ModelAddress.of(one).called == name), None)
    if ref is not None:
        one = live.of_model(ref, f"/versions/{number}")
        return _version(platform, one, ref.name) if one else Unknown(f"version {number} of {name} is gone")
    if not str(address).startswith("/"):
        return Unknown(f"it serves {address}, of a registry whose model the stack does not export")
    one = live.get(live.provider_of(platform), f"version {number} of {name}", str(address), live.ML)
    return _version(platform, one, name) if one else Unknown(f"version {number} of {name} is gone")


def _version(platform: PlatformRef, found: Mapping[str, Any], model: str) -> Version:
    said = found["properties"]
    facts = {key: str(value) for key, value in (said.get("properties") or {}).items() if value is not None}
    labels = {key: str(value) for key, value in (said.get("tags") or {}).items() if value is not None}
    (lineage, facts), (_, labels) = records.parted(facts), records.parted(labels)
    approval, image = labels.pop(APPROVAL, "none"), labels.pop(IMAGE, None)
    made = (found.get("systemData") or {}).get("createdAt")
    measured = numbers(facts)
    return Version(
        model=model,
        version=int(found["name"]),
        approval=approval,
        made=dt.datetime.fromisoformat(made) if made else None,
        files=said.get("modelUri") or Unknown("the registry does not say"),
        image=image or Unknown("it names none: whoever serves it does"),
        metrics=measured,
        metadata={**labels, **{name: value for name, value in facts.items() if name not in measured}},
        by=records.making(lineage, _run(platform, lineage), lambda address: _text(platform, address), _NO_DIGEST),
    )


def _run(platform: PlatformRef, facts: Mapping[str, str]) -> Known[Run]:
    """Read the job that registered a version."""
    found = runs.job(platform, facts[records.RUN]) if records.RUN in facts else None
    if found is None:
        return Unknown("the workspace has no such job any more")
    return runs.run(platform, facts.get(records.PIPELINE, ""), found)


def _text(platform: PlatformRef, address: str) -> Known[str]:
    """Read a record, of which the store is asked with whose token this is."""
    try:
        found = runs.blob(platform, address)
    except MlopsError as error:
        return Unknown(str(error))
    return json.dumps(found) if found is not None else Unknown(f"{address} is not there any more")


CLIENT: Backend = _Azure()
