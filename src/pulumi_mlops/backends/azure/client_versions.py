"""What Azure has for the client of versions: versions of a model of the workspace, and their files in the store."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.azure import blobs, live, sessions
from pulumi_mlops.backends.azure.addresses import ModelAddress, PlatformAddress
from pulumi_mlops.backends.azure.approvals import APPROVAL
from pulumi_mlops.backends.azure.asking import asking, refused
from pulumi_mlops.clients import records
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Approval, Decision, RegisteredVersion, Registration
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import MlopsError, NotFound, Problem

IMAGE = "serving_image"
"""The tag of a version that names the image which serves it."""
_WORDS: Mapping[str, Approval] = {"approved": "approved", "rejected": "rejected", "pending": "pending"}
_FINE = range(200, 300)
_TAKEN = (400, 409)
_MOST_TAKEN = 20


class Versions:
    """Versions of models, as the client asks for them."""

    def caller(self, model: ModelRef) -> str:
        """Return as whom Azure knows who asks: the name, else the object id."""
        return sessions.caller(live.provider_of(model.platform))

    def register_problems(self, model: ModelRef, facts: Mapping[str, object], _image: str | None) -> Iterator[Problem]:
        """Judge what a version of a workspace's model takes."""
        if ModelAddress.of(model).root is not None:
            told = "is in a registry that platforms share, whose files Azure keeps itself; register there with: az ml "
            yield Problem("model", told + "model create --registry-name")
        for name in sorted(facts.keys() & {APPROVAL, IMAGE}):
            yield Problem(f"metadata.{name}", "is the library's own word; write another name")

    def register(self, model: ModelRef, given: Registration, patience: Patience) -> RegisteredVersion:
        """Upload the files below the folder of the model, and make the next version of them."""
        platform, called = model.platform, ModelAddress.of(model).called
        folder = f"models/{called}/client-{uuid.uuid4().hex[:12]}/"
        for path in given.files:
            blobs.upload(platform, f"{platform.artifacts}{folder}{given.name_of(path)}", path, patience)
        is_mlflow = any(given.name_of(path) == "MLmodel" for path in given.files)
        body = {
            "properties": {
                "modelType": "mlflow_model" if is_mlflow else "custom_model",
                "modelUri": f"{_datastore(platform)}{folder}",
                "tags": {APPROVAL: "pending", **({IMAGE: given.image} if given.image else {})},
                "properties": dict(given.facts),
            }
        }
        taken = [int(one["name"]) for one in live.versions_of_model(model) if one["name"].isdigit()]
        first = max(taken, default=0) + 1
        for number in range(first, first + _MOST_TAKEN):
            if (made := _made(model, number, body)) is not None:
                return registered(made, model.name)
        raise MlopsError(f"Others take every number of model {model.name!r}; register it again.")

    def versions(self, model: ModelRef, number: int | None = None) -> Iterator[RegisteredVersion]:
        """Read the versions of a model, the newest first."""
        if number is not None:
            one = live.of_model(model, f"/versions/{number}")
            found = [] if one is None else [one]
        else:
            found = [one for one in live.versions_of_model(model) if one["name"].isdigit()]
        found.sort(key=lambda one: int(one["name"]), reverse=True)
        return (registered(one, model.name) for one in found)

    def decide(self, model: ModelRef, version: int, approval: Approval, decision: Decision) -> RegisteredVersion:
        """Change the tags of a version; all else of it is sent as it was read."""
        there = live.of_model(model, f"/versions/{version}")
        if there is None:
            raise NotFound(f"Model {model.name!r} has no version {version}.")
        said = dict(there["properties"])
        said["tags"] = {**(said.get("tags") or {}), **records.facts_of(decision), APPROVAL: approval}
        said.pop("provisioningState", None)
        answer = _put(model, version, {"properties": said})
        if answer.status not in _FINE:
            raise refused(f"version {version} of model {model.name!r}", answer)
        return registered(answer.body, model.name)


def _put(model: ModelRef, number: int, body: Mapping[str, Any]) -> sessions.Answer:
    address = ModelAddress.of(model)
    root = address.root or live.workspace_path(model.platform)
    path = f"{root}/models/{address.called}/versions/{number}"
    with asking(f"version {number} of model {model.name!r}"):
        return sessions.ask(live.provider_of(model.platform), "PUT", path, live.ML, body=body)


def _made(model: ModelRef, number: int, body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Make a version; nothing where somebody else has the number: what a version is of cannot be changed."""
    if live.of_model(model, f"/versions/{number}") is not None:
        return None
    answer = _put(model, number, body)
    if answer.status in _FINE:
        return answer.body
    if answer.status in _TAKEN and live.of_model(model, f"/versions/{number}") is not None:
        return None
    raise refused(f"version {number} of model {model.name!r}", answer)


def _datastore(platform: PlatformRef) -> str:
    """Return how the workspace names the root of the artifact store."""
    at = PlatformAddress.of(platform)
    return (
        f"azureml://subscriptions/{at.subscription}/resourcegroups/{at.group}/workspaces/{at.workspace}"
        f"/datastores/{at.datastore}/paths/"
    )


def registered(found: Mapping[str, Any], model: str) -> RegisteredVersion:
    """Tell of a version."""
    said = found["properties"]
    facts = {key: str(value) for key, value in (said.get("properties") or {}).items() if value is not None}
    labels = {key: str(value) for key, value in (said.get("tags") or {}).items() if value is not None}
    decision = records.decided(labels)
    approval, image = labels.pop(APPROVAL, "none"), labels.pop(IMAGE, None)
    measured, told = records.measured({**facts, **labels})
    made = (found.get("systemData") or {}).get("createdAt")
    return RegisteredVersion(
        model=model,
        version=int(found["name"]),
        approval=_WORDS.get(approval, "none"),
        made=dt.datetime.fromisoformat(made) if made else None,
        files=said.get("modelUri"),
        image=image,
        metrics=measured,
        metadata=told,
        decision=decision,
    )
