"""A stack as `pulumi` tells of it, made by a program under mocks, and a backend that answers about it."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

import pulumi_mlops as mlops
from pulumi_mlops import EndpointRef, ModelRef, PipelineRef, PlatformRef, Run, StepState
from pulumi_mlops.clients.client import Client
from pulumi_mlops.clients.lineage import Code, Known, Making, Read, Served, Unknown, Version
from pulumi_mlops.clients.results import Decision, RegisteredVersion
from pulumi_mlops.clients.runs import State
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops.core.errors import MlopsError
from support.facts.aws import IMAGE
from support.mocks import Cloud

HUSH = "do-not-tell-this"
"""A secret, wherever the program takes one."""
CIPHER = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:AAAA:BBBB"}
"""How the engine writes a secret."""
T0 = dt.datetime(2026, 11, 30, 3, 0, tzinfo=dt.UTC)
NOT_LET = "AWS does not let this program ask about model 'rows <b>'"


def program() -> dict[str, Any]:
    """Declare a platform with most of what there is; three of its nouns are not exported."""
    platform = mlops.Platform(
        "shop",
        backend="aws",
        alerts=["ml@example.com"],
        monthly_budget=200,
        images=["churn"],
        secrets={"token": pulumi.Output.secret(HUSH)},
    )
    store = mlops.FeatureStore("features", platform=platform)
    profile = mlops.FeatureGroup(
        "profile",
        store=store,
        keys=["id"],
        event_time="at",
        features={"id": "string", "at": "timestamp"},
        online={"ttl_hours": 72},
    )
    labels = mlops.Dataset("labels", platform=platform, format="parquet")
    runs = mlops.ExperimentTracker(
        "runs", platform=platform, wandb={"entity": "acme", "project": "churn", "api_key": pulumi.Output.secret(HUSH)}
    )
    machines = mlops.TrainingCluster(
        "machines", platform=platform, compute={"cpus": 4, "memory_gb": 16}, nodes={"max": 2}
    )
    registry = mlops.ModelRegistry("models", platform=platform)
    churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"})
    mlops.Model("rows", registry=registry)
    # A step that is called like the argument of another noun, and a command like the name of one.
    fit = mlops.train(
        image=IMAGE,
        command=["labels", "profile.online", "churn"],
        inputs={"labels": labels.latest(), "x": profile.as_of(days=90)},
        tracker=runs,
        cluster=machines,
        environment={"TOKEN": pulumi.Output.secret(HUSH)},
    )
    retrain = mlops.Pipeline(
        "retrain",
        platform=platform,
        steps={"model": fit, "register": mlops.register(churn, fit.out("model"), image=IMAGE)},
        schedule={"cron": "0 3 * * MON", "timezone": "UTC"},
    )
    score = mlops.Endpoint(
        "score",
        platform=platform,
        model=churn.version(3),
        reads=[profile.online],
        compute={"cpus": 2, "memory_gb": 8},
        environment={"TOKEN": pulumi.Output.secret(HUSH)},
        capture_percent=20,
    )
    drift = mlops.Monitor(
        "drift",
        endpoint=score,
        baseline=labels.latest(),
        signals=[{"kind": "data_drift"}, {"kind": "data_quality"}],
        image=IMAGE,
        on_breach={"run": retrain},
    )
    return {
        "platform": platform.ref.export(),
        "all": {"retrain": retrain.ref.export(), "churn": churn.ref.export()},
        "score": score.ref.export(),
        "drift": drift.ref.export(),
    }


def told() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs of the stack, and the state that the engine keeps of it."""
    cloud = Cloud()
    outputs = cloud.run(program)
    resources = [
        {"urn": one.urn, "type": one.type, "custom": one.custom, "inputs": _encrypted(one.inputs)}
        for one in cloud.registered
    ]
    return {**outputs, "password": "[secret]"}, {"deployment": {"resources": resources}}


def _encrypted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _encrypted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encrypted(inner) for inner in value]
    return CIPHER if value == HUSH else value


def moment(minutes: float) -> dt.datetime:
    return T0 + dt.timedelta(minutes=minutes)


VERSION = Version(
    model="churn",
    version=3,
    approval="approved",
    made=moment(62),
    files="s3://artifacts/models/churn/9f2c/",
    image=IMAGE,
    metrics={"auc": "0.93"},
    metadata={"owner": "ml <team>"},
    by=Making(
        pipeline="retrain",
        run="9f2c",
        state="succeeded",
        began=T0,
        step="fit",
        code=Code(image=IMAGE, digest=Unknown("it is named by a tag")),
        parameters={"days": "7"},
        settings={"lr": "0.1"},
        reads=(
            Read(kind="dataset", name="labels", version="3", step="fit", location="s3://labels/"),
            Read(kind="features", name="profile", version=Unknown("it is not told"), step="fit"),
        ),
    ),
)
VERSIONS = (
    RegisteredVersion(model="churn", version=4, approval="pending", made=moment(10080), metrics={"auc": 0.5}),
    RegisteredVersion(
        model="churn",
        version=3,
        approval="approved",
        made=moment(62),
        metrics={"auc": 0.93},
        decision=Decision(by="lead <l@example.com>", reason="better on every segment", at=moment(90)),
    ),
)
RUNS = (
    Run(
        id="b71e",
        pipeline="retrain",
        state="failed",
        began=moment(10080),
        ended=moment(10093),
        reason="step fit failed",
        parameters={"days": "7"},
        steps=(
            StepState(
                name="model", state="failed", began=moment(10080), ended=moment(10092), reason="KeyError: 'x' & <more>"
            ),
            StepState(name="register", state="stopped", registers=True),
        ),
    ),
    Run(id="9f2c", pipeline="retrain", state="succeeded", began=T0),
)

_STATES: tuple[State, ...] = ("running", "succeeded", "succeeded", "succeeded")
LOOKS = tuple(
    Run(id=f"l{4 - ago}", pipeline="drift-monitor", state=state, began=moment(240 - 60 * ago))
    for ago, state in enumerate(_STATES)
)
"""What the monitor's pipeline ran; the newest goes on."""
_DATA = {"name": "data_drift", "metric": "psi", "threshold": 0.2, "value": 0.41372, "breached": True}
_QUALITY = {"name": "data_quality", "metric": "bad_values", "threshold": 0.05, "value": None, "breached": False}
FOUND: Mapping[str, Mapping[str, Any]] = {
    "l3": {
        "rows": 240,
        "breached": True,
        "signals": [_DATA, {**_QUALITY, "reason": "column <age> has no values"}],
        "started": {"run": "b71e", "reason": ""},
    },
    "l2": {"rows": 220, "breached": True, "started": {"run": None, "reason": "it runs, or has just run"}},
    "l1": {"rows": 7, "status": "insufficient", "reason": "7 rows are too few"},
}
"""What each look has left."""


class Backend:
    """Answers as a cloud that does not let one ask about everything."""

    def runs(self, pipeline: PipelineRef, most: int) -> Sequence[Run]:
        ran = LOOKS if pipeline.name == "drift-monitor" else RUNS
        return [Run(id=one.id, pipeline=one.pipeline, state=one.state, began=one.began) for one in ran[:most]]

    def look(self, _: PipelineRef, run: str) -> Run | None:
        return next((one for one in (*RUNS, *LOOKS) if one.id == run), None)

    def record(self, _: PipelineRef, run: Run, __: str) -> str:
        return f"s3://artifacts/{run.id}/facts.json"

    def text(self, _: PlatformRef, address: str) -> Known[str]:
        run = address.split("/")[3]
        facts = {"folders": {"report": f"s3://artifacts/{run}/report/"}}
        return json.dumps(facts if address.endswith("facts.json") else FOUND[run])

    def served(self, _: EndpointRef, __: Sequence[ModelRef]) -> Sequence[Served]:
        return [
            Served(variant="main", percent=90.0, version=VERSION),
            Served(variant="next", percent=10.0, version=Unknown("it serves an image of no registry")),
            Served(variant="shadow", percent=50.0, shadow=True, version=VERSION),
        ]

    def versions(self, model: ModelRef, _: int | None = None) -> Iterator[RegisteredVersion]:
        if model.name != "churn":
            raise MlopsError(NOT_LET)
        yield from VERSIONS

    def version(self, model: ModelRef, _: int | None) -> Version | None:
        if model.name != "churn":
            raise MlopsError(NOT_LET)
        return VERSION

    def spent(self, _: PlatformRef) -> Known[Spent]:
        return Spent(amount=46.5, currency="USD", budget=200.0, of="what is tagged project=shop in account 1")


def client(outputs: Mapping[str, Any], state: Mapping[str, Any] | None) -> Client:
    """Return the client of a stack that has these."""

    class Told(Stack):
        def recorded(self) -> dict[str, Any]:
            if state is None:
                raise MlopsError("the state cannot be read")
            return dict(state)

    return Client(Told("acme/shop/dev", outputs))
