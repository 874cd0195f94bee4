"""A day with a stack of AWS and of Azure in the sandbox: registered, approved, served, asked, and taken back."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import Tenant

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PROGRAM = """
import pulumi
import pulumi_mlops as mlops

cloud = pulumi.Config().require("cloud")
platform = mlops.Platform("day", backend=cloud, images=["serve"])
models = mlops.ModelRegistry("models", platform=platform)
churn = mlops.Model("churn", registry=models, gate={"auc": ">=0.9"})
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    serve={"image": platform.image("serve", "1")},
    compute={"cpus": 2, "memory_gb": 8},
    capture_percent=0,
)
pulumi.export("score", score.ref.export())
pulumi.export("churn", churn.ref.export())
if cloud == "aws":
    store = mlops.FeatureStore("features", platform=platform)
    profile = mlops.FeatureGroup(
        "profile",
        store=store,
        keys=["id"],
        event_time="at",
        features={"id": "integer", "at": "timestamp", "age": "integer", "new": "boolean"},
        online={},
    )
    pulumi.export("profile", profile.ref.export())
"""
FEATURES = """
import datetime as dt, json, sys
import pulumi_mlops as mlops
client = mlops.client("dev")
at = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
client.put_features("profile", {"id": [1, 2], "at": [at, at], "age": [41, None], "new": [True, False]})
print(json.dumps(client.get_features("profile", [2, 1, 3]), default=str))
"""
WRITER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor."""
CLOUDS = {"aws": {"aws:region": "us-east-1"}, "azure": {"azure-native:location": "westeurope"}}


class Here:
    """A stack, and the commands in its folder."""

    def __init__(self, stack: Stack, cloud: str) -> None:
        self.stack, self.cloud = stack, cloud

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.stack.sandbox.run([sys.executable, *words], cwd=self.stack.folder)

    def refused(self, *words: str) -> str:
        done = self.python("-m", "pulumi_mlops", *words)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    def command(self, *words: str) -> str:
        done = self.python("-m", "pulumi_mlops", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def told(self, *words: str) -> Any:
        return json.loads(self.command(*words, "--output", "json"))

    def served(self) -> list[int]:
        return [one["version"]["version"] for one in self.told("lineage", "dev", "score")["served"]]


@pytest.fixture(scope="module", params=CLOUDS)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    cloud: str = request.param
    sandbox = Sandbox(tmp_path_factory.mktemp(f"sandbox-{cloud}"))
    sandbox.up([cloud])
    folder = tmp_path_factory.mktemp("day")
    (folder / "Pulumi.yaml").write_text("name: day\nruntime: python\n")
    (folder / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    for name in ("first", "second"):
        (folder / name).mkdir()
        (folder / name / "weights").write_text(name)
    stack = Stack(sandbox, folder)
    stack.configure(cloud=cloud, **CLOUDS[cloud])
    succeeded(stack.up())
    yield Here(stack, cloud)
    sandbox.down()


def test_a_day(here: Here) -> None:
    assert "answers nobody yet" in here.refused("predict", "dev", "score", "Pulumi.yaml")
    words = ("register", "dev", "churn", "first", "--image", "registry.example.com/serve:1")
    if here.cloud == "azure":
        assert "does not let this program" in here.refused(*words, "--metric", "auc=0.95")
        storage = here.stack.outputs()["churn"]["platform"]["address"]["storage_id"]
        Tenant(here.stack.sandbox).give(storage, WRITER, DEPLOYER, 1)
    image = here.stack.outputs()["churn"]["platform"]["images"]["serve"] + ":1"
    words = (*words[:4], "--image", image)
    assert here.told(*words, "--metric", "auc=0.95")["version"] == 1
    assert here.told(*words, "--metric", "auc=0.5")["version"] == 2
    assert "its gate does not let it through" in here.refused("approve", "dev", "churn", "2", "--reason", "no")
    made = here.told("approve", "dev", "churn", "1", "--reason", "the first")
    assert (made["approval"], made["decision"]["reason"]) == ("approved", "the first")
    succeeded(here.stack.up())
    assert here.served() == [1]
    assert json.loads(here.command("predict", "dev", "score", "Pulumi.yaml"))
    assert here.command("predict", "dev", "score", "Pulumi.yaml", "--stream")
    here.command("register", "dev", "churn", "second", "--image", image, "--metric", "auc=0.97")
    here.command("approve", "dev", "churn", "3", "--reason", "better")
    succeeded(here.stack.up())
    assert here.served() == [3]
    back = here.told("rollback", "dev", "score", "--reason", "refuses every tenth request")
    assert (back["before"], back["rejected"], back["version"], back["serves"]) == ([3], [3], 1, True)
    assert here.served() == [1]
    approvals = {one["version"]: one["approval"] for one in here.told("versions", "dev", "churn")}
    assert approvals == {1: "approved", 2: "pending", 3: "rejected"}
    again = succeeded(here.stack.up())
    assert not again.changes, again.output
    if here.cloud == "aws":
        done = here.python("-c", FEATURES)
        assert done.returncode == 0, done.stderr
        at = "2026-11-30 00:00:00+00:00"
        rows = [{"id": 2, "at": at, "age": None, "new": False}, {"id": 1, "at": at, "age": 41, "new": True}, None]
        assert json.loads(done.stdout) == rows
