"""What Kubernetes has for the client of versions: MLflow's registry, and the files that its server keeps."""

import base64
import contextlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.kubernetes import live, tracking, workflows
from pulumi_mlops.backends.kubernetes.addresses import ModelAddress, PlatformAddress
from pulumi_mlops.clients import records
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Approval, Decision, RegisteredVersion, Registration
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.core.errors import MlopsError, NotFound, Problem, Unavailable

_PAGE = 100
_WORDS: Mapping[str, Approval] = {"Approved": "approved", "Rejected": "rejected", "Pending": "pending"}
_OWN = f"{records.PREFIX}registration"
"""The tag by which a version is found that was made by a request whose answer was lost."""
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Versions:
    """Versions of models, as the client asks for them."""

    def caller(self, model: ModelRef) -> str:
        """Return as whom the cluster knows who asks; of a registry outside of it, the login."""
        with _server(model) as server:
            login = server.headers.get("Authorization", "").removeprefix("Basic ")
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        with contextlib.suppress(MlopsError):  # an approver's login is enough, without a kubeconfig
            cluster = live.of(model.platform)
            if cluster is not None and (found := cluster.create(_WHO, body)) is not None:
                return str(found["status"]["userInfo"]["username"])
        return base64.b64decode(login).decode().partition(":")[0] or "unknown"

    def register_problems(self, model: ModelRef, facts: Mapping[str, object], _image: str | None) -> Iterator[Problem]:
        """Judge what a version in MLflow takes."""
        if model.address.get("door") is not None and ModelAddress.of(model).files is None:
            told = (
                "is of a registry of which nobody said where it keeps files; write ModelRegistry.existing(…, files=…)"
            )
            yield Problem("model", told)
        for name in sorted(facts.keys() & {tracking.APPROVAL, tracking.IMAGE}):
            yield Problem(f"metadata.{name}", "is the library's own word; write another name")

    def register(self, model: ModelRef, given: Registration, _patience: Patience) -> RegisteredVersion:
        """Have the server keep the files, and make a version of them."""
        own, name = uuid.uuid4().hex[:12], ModelAddress.of(model).model
        folder = f"models/{name}/client-{own}"
        image = {tracking.IMAGE: given.image} if given.image else {}
        tags = {**given.facts, **image, tracking.APPROVAL: "Pending", _OWN: own}
        body = {
            "name": name,
            "source": f"{kept_in(model)}/{folder}",
            "tags": [{"key": key, "value": value} for key, value in sorted(tags.items())],
        }
        with _server(model) as server:
            for path in given.files:
                server.put(f"{folder}/{given.name_of(path)}", path)
            try:
                made = server.post("model-versions/create", repeatable=False, **body)
            except Unavailable:
                # Whether it was made is not known: the tag tells.
                found = list(listed(server, f"name = '{name}' AND tags.`{_OWN}` = '{own}'"))
                if not found:
                    raise
                return registered(server, found[0], model.name)
            if made is None:
                raise NotFound(f"Model {model.name!r} is not in its registry any more.")
            return registered(server, made["model_version"], model.name)

    def versions(self, model: ModelRef, number: int | None = None) -> Iterator[RegisteredVersion]:
        """Yield the versions of a model, the newest first."""
        name = ModelAddress.of(model).model
        with _server(model) as server:
            if number is not None:
                found = server.get("model-versions/get", name=name, version=number)
                yield from [registered(server, found["model_version"], model.name)] if found else []
                return
            for one in listed(server, f"name = '{name}'"):
                yield registered(server, one, model.name)

    def decide(self, model: ModelRef, version: int, approval: Approval, decision: Decision) -> RegisteredVersion:
        """Set the tags of a version: what was decided comes last, since webhooks tell of it."""
        name, word = ModelAddress.of(model).model, next(key for key, told in _WORDS.items() if told == approval)
        with _server(model) as server:
            for key, value in {**records.facts_of(decision), tracking.APPROVAL: word}.items():
                said = server.post(
                    "model-versions/set-tag", repeatable=True, name=name, version=str(version), key=key, value=value
                )
                if said is None:
                    raise NotFound(f"Model {model.name!r} has no version {version}.")
            found = server.get("model-versions/get", name=name, version=version)
            if found is None:
                raise NotFound(f"Model {model.name!r} has no version {version} any more.")
            return registered(server, found["model_version"], model.name)


def kept_in(model: ModelRef) -> str:
    """Return the folder of the object store in which the server of a model keeps files.

    MLflow takes an address of its own (``mlflow-artifacts:``) for what a run has left, and for nothing else.
    """
    address = ModelAddress.of(model)
    if address.files is not None:
        return address.files.rstrip("/")
    return f"s3://{PlatformAddress.of(model.platform).store.bucket}/mlflow/{address.registry}"


@contextlib.contextmanager
def _server(model: ModelRef) -> Iterator[tracking.Tracking]:
    found = tracking.server(model)
    if found is None:
        raise NotFound(f"The registry of model {model.name!r} is not there, or not ready.")
    with contextlib.closing(found):
        yield found


def listed(server: tracking.Tracking, wanted: str) -> Iterator[dict[str, Any]]:
    """Yield versions, newest first."""
    query: dict[str, str | int] = {"filter": wanted, "order_by": "version_number DESC", "max_results": _PAGE}
    page = server.get("model-versions/search", **query) or {}
    while True:
        yield from page.get("model_versions", [])
        if not (token := page.get("next_page_token")):
            return
        page = server.get("model-versions/search", **query, page_token=token) or {}


def metrics_of_run(server: tracking.Tracking, found: Mapping[str, Any]) -> dict[str, str]:
    """Read what the run of a version measured, where it has one."""
    run = found.get("run_id")
    data = (server.get("runs/get", run_id=run) or {}).get("run", {}).get("data", {}) if run else {}
    return {one["key"]: str(one["value"]) for one in data.get("metrics", [])}


def registered(server: tracking.Tracking, found: Mapping[str, Any], model: str) -> RegisteredVersion:
    """Tell of a version."""
    tags = {tag["key"]: str(tag["value"]) for tag in found.get("tags", [])}
    approval, image = tags.pop(tracking.APPROVAL, "none"), tags.pop(tracking.IMAGE, None)
    measured, told = records.measured({**metrics_of_run(server, found), **tags})
    made = found.get("creation_timestamp")
    return RegisteredVersion(
        model=model,
        version=int(found["version"]),
        approval=_WORDS.get(approval, "none"),
        made=workflows.since_epoch(int(made)) if made else None,
        files=str(found["source"]) if found.get("source") else None,
        image=image,
        metrics=measured,
        metadata=told,
        decision=records.decided(tags),
    )
