"""Weights & Biases: one engine, the same on each backend, and its key nowhere but in the platform's secret."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi import Output
from pulumi.runtime import rpc

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.backends.aws import capabilities as aws_capabilities
from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import Entry
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.matrix import matrix
from support.mocks import Cloud, Registration

KEY = "not-for-anyones-eyes-0123456789abcdef0123456789abcdef"
WANDB = {"entity": "acme", "project": "churn", "api_key": KEY}
every_backend = pytest.mark.parametrize("backend", registry.ours("backends"))


def tracker(backend: str, **args: Any) -> mlops.ExperimentTracker:
    hub = mlops.Platform("hub", backend=backend, stage=args.pop("stage", "dev"), tags={"team": "growth"})
    return mlops.ExperimentTracker("runs", platform=hub, **({"wandb": WANDB} | args))


def run(build: Callable[[], mlops.ExperimentTracker], preview: bool = False) -> tuple[Cloud, Any]:
    cloud = Cloud(preview=preview)

    def program() -> list[Any]:
        exported = Output.from_input(build().ref.export())
        return [exported, Output.from_input(exported.is_secret())]

    return cloud, cloud.run(program)


def own(cloud: Cloud) -> list[Registration]:
    return [item for item in cloud.registered if item.parent.endswith("::runs")]


@every_backend
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
@pytest.mark.parametrize("given", [str, Output.secret], ids=["plain", "secret"])
def test_the_key_is_in_the_platforms_secret_only(backend: str, preview: bool, given: Callable[[str], Any]) -> None:
    cloud, (exported, secret) = run(lambda: tracker(backend, wandb={**WANDB, "api_key": given(KEY)}), preview)
    hidden = (KEY, base64.b64encode(KEY.encode()).decode())
    holding = [
        (item.name, key)
        for item in cloud.registered
        for key, value in item.inputs.items()
        if any(text in json.dumps(value, default=str) for text in hidden)
    ]
    assert len(holding) == 1, holding
    assert [key in item.secret for item in own(cloud) for key in item.inputs if (item.name, key) in holding] == [True]
    told = json.dumps([exported, cloud.outputs, cloud.warnings, cloud.infos], default=str)
    assert not any(text in told for text in hidden)
    assert not secret


@every_backend
def test_the_ref_says_where_runs_go(backend: str) -> None:
    _, (exported, _) = run(lambda: tracker(backend))
    assert (exported["engine"], exported["backend"], exported["platform"]["backend"]) == ("wandb", backend, backend)
    assert exported["url"] == "https://wandb.ai/acme/churn"
    assert (exported["server"], exported["entity"], exported["project"]) == ("https://api.wandb.ai", "acme", "churn")
    assert exported["key"]["backend"] == backend
    assert exported["key"]["address"]["id"]


@every_backend
def test_a_server_of_ones_own(backend: str) -> None:
    _, (exported, _) = run(lambda: tracker(backend, wandb={**WANDB, "base_url": "https://wandb.example.com"}))
    assert (exported["url"], exported["server"]) == (
        "https://wandb.example.com/acme/churn",
        "https://wandb.example.com",
    )


@every_backend
def test_the_ref_can_leave_the_stack_and_come_back(backend: str) -> None:
    _, (exported, _) = run(lambda: tracker(backend))

    async def there_and_back() -> Any:
        return rpc.deserialize_properties(await rpc.serialize_properties(exported, {}))

    back = mlops.ExperimentTracker.load(asyncio.run(there_and_back()))
    assert back == mlops.ExperimentTracker.load(back.export())
    assert (back.url, back.server, back.engine) == (exported["url"], exported["server"], "wandb")
    assert (back.entity, back.project, back.backend) == ("acme", "churn", backend)
    assert back.key.address == exported["key"]["address"]
    cloud, _ = run(lambda: mlops.ExperimentTracker("runs", platform=back.platform, wandb=WANDB))
    assert own(cloud)


@every_backend
def test_the_secret_is_kept_as_the_platforms_own_are(backend: str) -> None:
    cloud = Cloud()

    def program() -> None:
        hub = mlops.Platform("hub", backend=backend, stage="prod", secrets={"token": "theirs"}, tags={"team": "growth"})
        runs = mlops.ExperimentTracker("runs", platform=hub, wandb=WANDB)
        assert set(runs.native) == {"key"}

    cloud.run(program)
    ours = {item.type: item for item in own(cloud)}
    theirs = {item.type: item for item in cloud.registered if item.name.startswith("hub-secret-token")}
    assert set(ours) == set(theirs)
    for kind, item in ours.items():
        assert item.protect == theirs[kind].protect
        assert set(item.inputs) == set(theirs[kind].inputs)
        assert item.secret == theirs[kind].secret
        for shared in ("kmsKeyId", "recoveryWindowInDays"):
            assert item.inputs.get(shared) == theirs[kind].inputs.get(shared)
    assert any(item.protect for item in ours.values())
    assert "growth" in json.dumps([item.inputs for item in ours.values()])


@every_backend
def test_the_longest_name_fits(backend: str) -> None:
    name = "r" * 40
    cloud = Cloud()

    def program() -> None:
        mlops.ExperimentTracker(name, platform=mlops.Platform("hub", backend=backend), wandb=WANDB)

    cloud.run(program)
    assert [item for item in cloud.registered if item.parent.endswith(f"::{name}")]


@every_backend
def test_without_an_engine_the_backend_says_what_to_write(backend: str) -> None:
    cloud = Cloud()
    with pytest.raises(Unsupported, match=r"wandb=\{'entity': …, 'project': …, 'api_key': …\}"):
        cloud.run(lambda: mlops.ExperimentTracker("runs", platform=mlops.Platform("hub", backend=backend)))
    assert not own(cloud)
    assert "runs" not in {item.name for item in cloud.registered}


@every_backend
def test_every_problem_is_told_and_nothing_registered(backend: str) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(
            lambda: tracker(
                backend, wandb={"entity": "acme/churn", "project": "", "api_key": " ", "base_url": "wandb.example.com"}
            )
        )
    wrong = [problem.field for problem in caught.value.problems]
    assert wrong == ["wandb.entity", "wandb.project", "wandb.api_key", "wandb.base_url"]
    assert "runs" not in {item.name for item in cloud.registered}


@pytest.mark.parametrize("said", ["nothing", "absent", "lossy"])
def test_a_backend_without_the_primitive_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge by the table where it says that there are no secrets, and by what there is where it does not."""
    real = registry.load("aws")
    entries = {
        "absent": Entry("absent", "it keeps none.", "a platform on another backend."),
        "lossy": Entry("lossy", "it forgets.", "remember."),
    }
    bare = Engine(
        provides=[part for part in real.provides if part.task != "secret.keep" or said == "lossy"],
        capabilities={
            **aws_capabilities.CAPABILITIES,
            **({frozenset(["platform.secrets"]): entries[said]} if said in entries else {}),
        },
    )
    monkeypatch.setattr(registry, "load", lambda name, load=registry.load: bare if name == "aws" else load(name))
    cloud = Cloud(preview=True)
    if said == "lossy":
        cloud.run(lambda: tracker("aws"))
        assert cloud.warnings == ["platform.secrets: it forgets. Instead: remember."]
        return
    wanted = "it keeps none" if said == "absent" else "backend 'aws' has no secret.keep"
    with pytest.raises(Unsupported, match=wanted) as caught:
        cloud.run(lambda: tracker("aws"))
    assert "engine 'wandb' builds over secret.keep" in str(caught.value)
    assert "runs" not in {item.name for item in cloud.registered}


def test_the_table_of_the_engine_is_read_as_that_of_a_backend() -> None:
    assert {row.capability: row.cells["wandb"].level for row in matrix(["wandb"])} == {
        "experiment_tracker": "native",
        "experiment_tracker.self_hosted": "native",
    }
