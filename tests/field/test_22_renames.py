"""A stack that was renamed was refused its own namespace for ever."""

from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from support.mocks import Cloud

TOKEN = "pulumi:pulumi:readStackResourceOutputs"
URN = "urn:pulumi:{0}::{1}::pulumi-mlops:index:Platform$kubernetes:core/v1:Namespace::churn-namespace"


class There:
    """A cluster in which the namespace is another stack's, by its name."""

    server, uid = "https://cluster", "1"

    def __init__(self, owner: str | None) -> None:
        self.owner = owner

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        annotations = {"pulumi-mlops/stack": self.owner} if self.owner else {}
        return {"metadata": {"annotations": annotations}} if path == "/api/v1/namespaces/churn-dev" else None


def run(monkeypatch: pytest.MonkeyPatch, owner: str | None, state: dict[str, Any]) -> Cloud:
    monkeypatch.setattr(live, "cluster", lambda _: There(owner))
    cloud = Cloud(preview=True, answers={TOKEN: {"outputs": state}})
    cloud.run(lambda: mlops.Platform("churn", backend="kubernetes") and None)
    return cloud


@pytest.mark.parametrize(
    ("owner", "urn"),
    [
        ("organization/project/before", URN.format("stack", "project")),
        ("organization/former/stack", URN.format("stack", "project")),
        ("acme/project/stack", URN.format("stack", "project")),
    ],
    ids=["stack", "project", "backend"],
)
def test_ownership_survives(owner: str, urn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = run(monkeypatch, owner, {urn: {"metadata": {"name": "churn-dev"}}})
    annotations = cloud.one("Namespace").inputs["metadata"]["annotations"]
    assert annotations["pulumi-mlops/stack"] != owner, "the next run needs no look into the state"


@pytest.mark.parametrize(
    ("owner", "state"),
    [
        ("acme/other/dev", {}),
        ("acme/other/dev", {URN.format("stack", "project"): {"metadata": {"name": "churn-prod"}}}),
        ("acme/other/dev", {"urn:pulumi:a::b::kubernetes:core/v1:ConfigMap::x": {"metadata": {"name": "churn-dev"}}}),
        ("acme/other/dev", {URN.format("stack", "project"): None}),
        (None, {URN.format("stack", "project"): {"metadata": {"name": "churn-dev"}}}),
    ],
    ids=["no state", "another namespace", "another kind", "no outputs", "nobody's"],
)
def test_somebody_elses_is_refused(owner: str | None, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(mlops.InvalidArgs, match="namespace 'churn-dev' is there and"):
        run(monkeypatch, owner, state)


def test_a_backend_that_tells_nothing_is_no_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("not supported")

    monkeypatch.setattr(pulumi.runtime, "invoke", refuse)
    with pytest.raises(mlops.InvalidArgs, match="If this stack's state was lost, import the namespace"):
        run(monkeypatch, "acme/other/dev", {})
