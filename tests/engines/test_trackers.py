"""Engines of trackers: the same on each backend, and their keys nowhere but in the platform's secrets."""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from support.changes.common import BY_TOKEN, CLEARML, MLFLOW, WANDB, hidden
from support.mocks import Cloud, Registration

KEY = "not-for-anyones-eyes-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Case:
    """An engine, its arguments, and what a workload is told."""

    engine: str
    args: Mapping[str, Any]
    url: str
    project: str
    environment: Mapping[str, str]
    keys: tuple[str, ...]
    """Variables whose values are secrets."""
    secrets: tuple[str, ...]
    """The arguments that hold them."""
    servers: tuple[str, ...]

    def given(self, **change: Any) -> dict[str, Any]:
        return {self.engine: hidden({**self.args, **{name: f"{KEY}-{name}" for name in self.secrets}, **change})}


CASES = {
    "wandb": Case(
        "wandb",
        WANDB,
        "https://wandb.ai/acme/churn",
        "churn",
        {"WANDB_ENTITY": "acme", "WANDB_PROJECT": "churn", "WANDB_BASE_URL": "https://api.wandb.ai"},
        ("WANDB_API_KEY",),
        ("api_key",),
        ("https://api.wandb.ai",),
    ),
    "wandb-own": Case(
        "wandb",
        {**WANDB, "base_url": "https://wandb.example.com"},
        "https://wandb.example.com/acme/churn",
        "churn",
        {"WANDB_ENTITY": "acme", "WANDB_PROJECT": "churn", "WANDB_BASE_URL": "https://wandb.example.com"},
        ("WANDB_API_KEY",),
        ("api_key",),
        ("https://wandb.example.com",),
    ),
    "mlflow": Case(
        "mlflow",
        MLFLOW,
        "https://mlflow.example.com",
        "runs",
        {
            "MLFLOW_TRACKING_URI": "https://mlflow.example.com",
            "MLFLOW_EXPERIMENT_NAME": "runs",
            "MLFLOW_TRACKING_USERNAME": "ci",
        },
        ("MLFLOW_TRACKING_PASSWORD",),
        ("password",),
        ("https://mlflow.example.com",),
    ),
    "mlflow-token": Case(
        "mlflow",
        {**BY_TOKEN, "experiment": "churn"},
        "https://mlflow.example.com",
        "churn",
        {"MLFLOW_TRACKING_URI": "https://mlflow.example.com", "MLFLOW_EXPERIMENT_NAME": "churn"},
        ("MLFLOW_TRACKING_TOKEN",),
        ("token",),
        ("https://mlflow.example.com",),
    ),
    "mlflow-open": Case(
        "mlflow",
        {"url": "http://mlflow.tools.svc:5000/ml"},
        "http://mlflow.tools.svc:5000/ml",
        "runs",
        {"MLFLOW_TRACKING_URI": "http://mlflow.tools.svc:5000/ml", "MLFLOW_EXPERIMENT_NAME": "runs"},
        (),
        (),
        ("http://mlflow.tools.svc:5000/ml",),
    ),
    "clearml": Case(
        "clearml",
        CLEARML,
        "https://app.example.com/projects",
        "churn",
        {
            "CLEARML_PROJECT": "churn",
            "CLEARML_API_HOST": "https://api.example.com",
            "CLEARML_WEB_HOST": "https://app.example.com",
            "CLEARML_FILES_HOST": "https://files.example.com",
        },
        ("CLEARML_API_ACCESS_KEY", "CLEARML_API_SECRET_KEY"),
        ("access_key", "secret_key"),
        ("https://api.example.com", "https://app.example.com", "https://files.example.com"),
    ),
}
every_backend = pytest.mark.parametrize("backend", registry.ours("backends"))
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
keyed = pytest.mark.parametrize("case", [case for case in CASES.values() if case.keys], ids=lambda one: one.engine)


def tracker(backend: str, given: Callable[[], Mapping[str, Any]], **args: Any) -> mlops.ExperimentTracker:
    hub = mlops.Platform("hub", backend=backend, stage=args.pop("stage", "dev"), tags={"team": "growth"})
    return mlops.ExperimentTracker("runs", platform=hub, **given(), **args)


def run(build: Callable[[], mlops.ExperimentTracker], preview: bool = False) -> tuple[Cloud, Any]:
    cloud = Cloud(preview=preview)

    def program() -> list[Any]:
        exported = Output.from_input(build().ref.export())
        return [exported, Output.from_input(exported.is_secret())]

    return cloud, cloud.run(program)


def own(cloud: Cloud) -> list[Registration]:
    return [item for item in cloud.registered if item.parent.endswith("::runs")]


@every_backend
@every_case
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_keys_are_in_the_platforms_secrets_only(backend: str, case: Case, preview: bool) -> None:
    cloud, (exported, secret) = run(lambda: tracker(backend, case.given), preview)
    encoded = [base64.b64encode(f"{KEY}-{name}".encode()).decode() for name in case.secrets]
    texts = (KEY, *encoded)
    holding = [
        (item.name, key)
        for item in cloud.registered
        for key, value in item.inputs.items()
        if any(text in json.dumps(value, default=str) for text in texts)
    ]
    assert len(holding) == len(case.keys), holding
    hiding = [key in item.secret for item in own(cloud) for key in item.inputs if (item.name, key) in holding]
    assert hiding == [True] * len(case.keys)
    told = json.dumps([exported, cloud.outputs, cloud.warnings, cloud.infos], default=str)
    assert not any(text in told for text in texts)
    assert not secret


@every_backend
@keyed
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_a_step_that_records_is_given_the_addresses_of_keys(backend: str, case: Case, preview: bool) -> None:
    cloud = Cloud(preview=preview)

    def program() -> Any:
        runs = tracker(backend, case.given)
        shown: Any = {"image": "registry.example.com/fit:1", "command": ["fit"], "tracker": runs}
        fit = mlops.train(**shown, compute={"cpus": 4, "memory_gb": 16})
        tried = mlops.train(**shown, compute={"cpus": 4, "memory_gb": 16})
        best = mlops.tune(tried, maximize="auc", trials=2, over={"lr": {"uniform": [0.1, 0.2]}})
        return mlops.Pipeline("retrain", platform=runs.ref.platform, steps={"fit": fit, "best": best}).ref.export()

    exported = cloud.run(program)
    encoded = [base64.b64encode(f"{KEY}-{name}".encode()).decode() for name in case.secrets]
    written = {item.name: json.dumps(item.inputs, default=str) for item in cloud.registered}
    holding = [name for name, text in written.items() if any(key in text for key in (KEY, *encoded))]
    assert len(holding) == len(case.keys), holding
    assert not [name for name in holding if name.startswith("retrain")]
    told = json.dumps([exported, cloud.outputs, cloud.warnings, cloud.infos], default=str)
    assert not any(key in told for key in (KEY, *encoded))
    if not preview:  # where Azure puts a key is known when it is there
        ours = " ".join(text for name, text in written.items() if name.startswith("retrain"))
        assert all(f"MLOPS_ENV_{name}" in ours for name in case.keys)


@every_backend
@every_case
def test_the_ref_says_what_a_workload_is_told(backend: str, case: Case) -> None:
    _, (exported, _) = run(lambda: tracker(backend, case.given))
    assert (exported["engine"], exported["backend"]) == (case.engine, backend)
    assert exported["platform"]["backend"] == backend
    assert (exported["url"], exported["project"]) == (case.url, case.project)
    assert exported["environment"] == case.environment
    assert tuple(exported["keys"]) == case.keys
    assert tuple(exported["servers"]) == case.servers
    assert all(one["address"]["id"] and one["backend"] == backend for one in exported["keys"].values())


@every_backend
@every_case
def test_the_ref_can_leave_the_stack_and_come_back(backend: str, case: Case) -> None:
    _, (exported, _) = run(lambda: tracker(backend, case.given))

    async def there_and_back() -> Any:
        return rpc.deserialize_properties(await rpc.serialize_properties(exported, {}))

    back = mlops.ExperimentTracker.load(asyncio.run(there_and_back()))
    assert back == mlops.ExperimentTracker.load(back.export())
    assert (back.url, back.engine, back.project, back.backend) == (case.url, case.engine, case.project, backend)
    assert back.environment == case.environment
    assert tuple(sorted(back.keys)) == tuple(sorted(case.keys))
    for name, key in back.keys.items():
        assert isinstance(key, mlops.SecretRef)
        assert key.address == exported["keys"][name]["address"]
    if backend == "aws":
        pages = {"github": {"repository": "acme/ranker", "branch": "main"}}
        cloud = Cloud()
        cloud.run(lambda: mlops.Identity("job", platform=back.platform, records=[back], trusts=pages) and None)


@every_backend
@keyed
def test_keys_are_kept_as_the_platforms_own_are(backend: str, case: Case) -> None:
    cloud = Cloud()

    def program() -> None:
        hub = mlops.Platform("hub", backend=backend, stage="prod", secrets={"token": "theirs"}, tags={"team": "growth"})
        runs = mlops.ExperimentTracker("runs", platform=hub, **case.given())
        assert set(runs.native) == {f"key.{name}" for name in case.keys}

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
@keyed
def test_the_longest_name_fits(backend: str, case: Case) -> None:
    name = "r" * 40
    cloud = Cloud()

    def program() -> None:
        mlops.ExperimentTracker(name, platform=mlops.Platform("hub", backend=backend), **case.given())

    cloud.run(program)
    assert len([item for item in cloud.registered if item.parent.endswith(f"::{name}")]) >= len(case.keys)


@pytest.mark.parametrize("private", [True, False])
def test_a_private_platform_is_told_of_what_is_beyond_it(private: bool) -> None:
    cloud = Cloud(preview=True)

    def program() -> None:
        network: Any = {"network": {"private": {}}} if private else {}
        hub = mlops.Platform("hub", backend="aws", **network)
        mlops.ExperimentTracker("runs", platform=hub, **CASES["wandb"].given())
        mlops.ExperimentTracker("own", platform=hub)

    cloud.run(program)
    assert (
        sorted(line for line in cloud.infos if "the platform is private" in line)
        == [
            "the platform is private, and its network has no endpoint of SageMaker's MLflow (docs/security.md)",
            "the platform is private: what records has to be let out of its network to https://api.wandb.ai",
        ][: 2 * private]
    )


BAD: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    (
        "wandb",
        {"entity": "acme/churn", "project": "", "api_key": " ", "base_url": "wandb.example.com"},
        {
            "wandb.entity": "without slashes",
            "wandb.project": "at least 1",
            "wandb.api_key": "is empty, and a secret is needed; write pulumi.Config().require_secret",
            "wandb.base_url": "must be an address without a path",
        },
    ),
    ("wandb", {**WANDB, "api_key": KEY}, {"wandb.api_key": "is a text in the program, and a secret is needed"}),
    ("wandb", {**WANDB, "api_key": None}, {"wandb.api_key": ""}),
    ("mlflow", {}, {"mlflow.url": "is required"}),
    ("mlflow", {"url": "https://ci:pw@mlflow.example.com"}, {"mlflow.url": "without a login in it"}),
    ("mlflow", {"url": "https://mlflow.example.com/"}, {"mlflow.url": "without a slash at its end"}),
    ("mlflow", {"url": "mlflow.example.com"}, {"mlflow.url": "must be an address"}),
    ("mlflow", {"url": MLFLOW["url"], "username": "ci"}, {"mlflow.password": "belong together"}),
    ("mlflow", {**MLFLOW, "password": ""}, {"mlflow.password": "is empty"}),
    ("mlflow", {**MLFLOW, "password": KEY}, {"mlflow.password": "is a text in the program"}),
    ("mlflow", {"url": MLFLOW["url"], "token": KEY}, {"mlflow.token": "is a text in the program"}),
    (
        "clearml",
        {**CLEARML, "project": " churn", "api": "api.example.com", "secret_key": "", "access_key": KEY},
        {
            "clearml.project": "without spaces around it",
            "clearml.api": "must be an address without a path",
            "clearml.access_key": "is a text in the program",
            "clearml.secret_key": "is empty",
        },
    ),
]


@pytest.mark.parametrize(("engine", "args", "said"), BAD)
def test_every_problem_is_told_and_nothing_registered(engine: str, args: dict[str, Any], said: dict[str, str]) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: tracker("aws", lambda: {engine: args}))
    found = {problem.field: problem.message for problem in caught.value.problems}
    assert sorted(found) == sorted(said)
    assert all(text in found[field] for field, text in said.items()), found
    assert KEY not in str(caught.value)
    assert "runs" not in {item.name for item in cloud.registered}


def test_two_ways_in_exclude_each_other() -> None:
    both = {**MLFLOW, "token": "two"}
    with pytest.raises(InvalidArgs, match="mlflow: takes at most one of 'password' and 'token', and both are given"):
        run(lambda: tracker("aws", lambda: {"mlflow": hidden(both)}))


@pytest.mark.parametrize("second", ["wandb", "clearml", "managed"])
def test_two_engines_are_two_trackers(second: str) -> None:
    given = {"wandb": WANDB, "clearml": CLEARML, "managed": {}}[second]
    with pytest.raises(InvalidArgs, match="takes at most one of 'managed', 'mlflow', 'wandb', 'clearml' and 'engine'"):
        run(lambda: tracker("aws", lambda: hidden({"mlflow": BY_TOKEN, second: given})))


@pytest.mark.parametrize("field", ["wandb.base_url", "mlflow.url", "clearml.api", "clearml.web", "clearml.files"])
def test_an_address_may_be_an_output(field: str) -> None:
    engine, _, part = field.partition(".")
    args = {"wandb": WANDB, "mlflow": BY_TOKEN, "clearml": CLEARML}[engine]
    late = "https://late.example.com"
    _, (exported, _) = run(
        lambda: tracker("aws", lambda: {engine: {**hidden(args), part: Output.from_input(late)}}),
    )
    assert late in exported["servers"]
    assert any(value == late for value in exported["environment"].values())


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
        cloud.run(lambda: tracker("aws", CASES["wandb"].given))
        assert cloud.warnings == ["platform.secrets: it forgets. Instead: remember."]
        return
    wanted = "it keeps none" if said == "absent" else "backend 'aws' has no secret.keep"
    with pytest.raises(Unsupported, match=wanted) as caught:
        cloud.run(lambda: tracker("aws", CASES["wandb"].given))
    assert "engine 'wandb' builds over secret.keep" in str(caught.value)
    assert "runs" not in {item.name for item in cloud.registered}


def test_the_table_of_the_engine_is_read_as_that_of_a_backend() -> None:
    assert {row.capability: row.cells["wandb"].level for row in matrix(["wandb"])} == {
        "dataset": "native",
        "experiment_tracker": "native",
        "experiment_tracker.self_hosted": "native",
        "pipeline.tune": "absent",
    }
