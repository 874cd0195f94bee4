"""A stack that was renamed was refused its own namespace for ever."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import checks, live
from pulumi_mlops_sandbox.environment import Sandbox
from support.mocks import Cloud

KIND = "kubernetes:core/v1:Namespace"


def state(uid: str | None = "7", kind: str = KIND) -> dict[str, Any]:
    """Return what the engine tells of a stack's resources."""
    metadata = {"name": "churn-dev", "uid": uid}
    return {"urn:pulumi:stack::project::a": {"type": kind, "outputs": {"metadata": metadata}}}


class There:
    """A cluster in which the namespace is another stack's, by its name."""

    server, uid = "https://cluster", "1"

    def __init__(self, owner: str | None) -> None:
        self.owner = owner

    def get(self, path: str, **_: str) -> dict[str, Any] | None:
        annotations = {"pulumi-mlops/stack": self.owner} if self.owner else {}
        return (
            {"metadata": {"uid": "7", "annotations": annotations}} if path == "/api/v1/namespaces/churn-dev" else None
        )


def run(monkeypatch: pytest.MonkeyPatch, owner: str | None, kept: dict[str, Any]) -> Cloud:
    monkeypatch.setattr(live, "cluster", lambda _: There(owner))
    monkeypatch.setattr(checks, "_state", lambda: kept)
    cloud = Cloud(preview=True)
    cloud.run(lambda: mlops.Platform("churn", backend="kubernetes") and None)
    return cloud


@pytest.mark.parametrize(
    "owner",
    ["organization/project/before", "organization/former/stack", "acme/project/stack"],
    ids=["stack", "project", "backend"],
)
def test_ownership_survives(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = run(monkeypatch, owner, state())
    annotations = cloud.one("Namespace").inputs["metadata"]["annotations"]
    assert annotations["pulumi-mlops/stack"] != owner, "the next run needs no look into the state"


@pytest.mark.parametrize(
    ("owner", "kept"),
    [
        ("acme/other/dev", {}),
        ("acme/other/dev", state("8")),
        ("acme/other/dev", state(None)),
        ("acme/other/dev", state(kind="kubernetes:core/v1:ConfigMap")),
        ("acme/other/dev", {"urn:pulumi:stack::project::a": {"type": KIND}}),
        (None, state()),
    ],
    ids=["no state", "another one of this name", "not made yet", "another kind", "no outputs", "nobody's"],
)
def test_somebody_elses_is_refused(owner: str | None, kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(mlops.InvalidArgs, match="namespace 'churn-dev' is there and"):
        run(monkeypatch, owner, kept)


def test_the_way_back_after_a_lost_state_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(mlops.InvalidArgs, match="pulumi import kubernetes:core/v1:Namespace churn-dev churn-dev"):
        run(monkeypatch, "acme/other/dev", {})


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_a_stack_is_renamed(cluster: Sandbox, project: Callable[..., Path]) -> None:
    """The engine tells the program what is in its state, under the stack's new name."""
    folder = project(
        """
        import pulumi_mlops as mlops

        store = {"url": "https://s3.example.com", "bucket": "ml", "access_key": "i", "secret_key": "k"}
        mlops.Platform("renamed", backend="kubernetes", existing={"object_store": store})
        """,
        name="renamed",
    )

    def pulumi(*arguments: str) -> str:
        done = cluster.run(["pulumi", *arguments, "--color", "never"], cwd=folder)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    pulumi("stack", "init", "before")
    pulumi("up", "--yes", "--skip-preview")
    pulumi("stack", "rename", "after")
    said = pulumi("up", "--yes")
    assert "1 updated" in said, said
    assert "replaced" not in said
    assert "updated" not in pulumi("up", "--yes", "--skip-preview")
    pulumi("destroy", "--yes", "--skip-preview")
    pulumi("stack", "rm", "--yes")
