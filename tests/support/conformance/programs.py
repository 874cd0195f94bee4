"""The neutral programs: for each capability that any backend's table names, a program that asks for it.

Nothing here knows a backend. What only one cloud understands comes from ``words``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pulumi_mlops as mlops
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.refs import Ref
from support.changes.common import CLEARML, WANDB, hidden
from support.conformance.words import Words

T = TypeVar("T")
Build = Callable[[Words], Component[Any, Any] | Ref]

SECRET = "not-for-anyones-eyes"
"""The value of everything secret that a program is given: it must not be found anywhere else."""
TAGS = {"team": "growth"}
FEATURES = {"customer_id": "string", "country": "string", "at": "timestamp", "spend": "float"}
TOKENS = {"issuer": "https://login.example.com/", "audiences": ["ml"], "keys": "https://login.example.com/keys"}
STEPS = {"max": 4, "requests_per_replica": 400}


def platform(words: Words, **args: Any) -> mlops.Platform:
    least: dict[str, Any] = {"backend": words.backend, "tags": TAGS, "existing": {**words.parts}}
    return mlops.Platform("hub", **(least | args))


def store(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.FeatureStore:
    return mlops.FeatureStore("features", platform=on or platform(words), **args)


def group(words: Words, on: mlops.FeatureStore | None = None, **args: Any) -> mlops.FeatureGroup:
    least: dict[str, Any] = {"features": FEATURES, "keys": ["customer_id"], "event_time": "at"}
    return mlops.FeatureGroup("profile", store=on or store(words), **(least | args))


def dataset(words: Words, on: mlops.Platform | None = None, name: str = "rows", **args: Any) -> mlops.Dataset:
    return mlops.Dataset(name, platform=on or platform(words), **args)


def dated(words: Words, **args: Any) -> mlops.Dataset:
    return dataset(words, format="parquet", columns={"id": "string", "spend": "float"}, **args)


def made_of(words: Words, *parents: mlops.DatasetRef, on: mlops.Platform | None = None) -> mlops.Dataset:
    return dataset(words, on or platform(words), "features", parents=parents)


def registry(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.ModelRegistry:
    return mlops.ModelRegistry("models", platform=on or platform(words), **args)


def model(words: Words, on: mlops.ModelRegistry | None = None, **args: Any) -> mlops.Model:
    return mlops.Model("churn", registry=on or registry(words), **args)


def files(words: Words, version: str = "") -> dict[str, str]:
    return {"image": words.image, "artifact": words.artifact.replace("churn", f"churn{version}")}


def endpoint(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.Endpoint:
    least: dict[str, Any] = {} if "variants" in args else {"model": files(words)}
    return mlops.Endpoint("score", platform=on or platform(words), **(least | args))


def variants(words: Words) -> list[dict[str, Any]]:
    return [
        {"name": "old", "model": files(words, "-1"), "weight": 3},
        {"name": "new", "model": files(words, "-2"), "weight": 1},
    ]


def training(words: Words, **args: Any) -> mlops.TrainStep:
    return mlops.train(**({"image": words.image, "command": ["train"], "outputs": ["model"]} | args))


def pipeline(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.Pipeline:
    least: dict[str, Any] = {"alerts": False, "steps": {"fit": training(words)}}
    return mlops.Pipeline("retrain", platform=on or platform(words), **(least | args))


def trained_on(words: Words, **args: Any) -> mlops.Pipeline:
    return pipeline(words, steps={"fit": training(words, **args)})


def reading_rows(words: Words) -> mlops.Pipeline:
    hub = platform(words)
    rows = dataset(words, hub)
    return pipeline(words, hub, steps={"fit": training(words, inputs={"y": rows.latest()})})


def reading_requests(words: Words, *, reads: bool = True) -> mlops.Pipeline:
    hub = platform(words)
    score = endpoint(words, hub, capture_percent=100)
    seen = {"seen": score.requests(hours=24)} if reads else {}
    return pipeline(words, hub, steps={"fit": training(words, inputs=seen)})


def publishing(words: Words, *, published: bool = True) -> mlops.Pipeline:
    hub = platform(words)
    seen, rows = dataset(words, hub, "seen"), dataset(words, hub, format="csv", partition="day")
    first = mlops.prepare(
        image=words.image,
        command=["select"],
        inputs={"y": seen.latest()},
        outputs=["x"],
        publish={"x": rows} if published else {},
    )
    return pipeline(words, hub, steps={"rows": first})


def monitor(
    words: Words, *, watches: bool = True, breach: Any = None, truth: Any = None, **args: Any
) -> mlops.Monitor | mlops.Endpoint:
    """Declare a monitor, with what it may start and labels that it may read beside it.

    :param breach: further arguments of ``on_breach``, or False for the pipeline without it.
    :param truth: further arguments of ``ground_truth``, or False for the dataset without it.
    """
    hub = platform(words)
    score, rows = endpoint(words, hub, capture_percent=100), dataset(words, hub)
    least: dict[str, Any] = {"signals": [{"kind": "data_drift"}], "image": words.image, "baseline": rows.latest()}
    if breach is not None:
        step = training(words, parameters={"days": mlops.parameter("days")})
        retrain = pipeline(words, hub, parameters={"days": 7}, steps={"fit": step})
        least |= {} if breach is False else {"on_breach": {"run": retrain, **breach}}
    if truth is not None:
        least["signals"] = [{"kind": "data_drift"}, {"kind": "model_quality", "threshold": 0.9}]
        labels = dataset(words, hub, "labels").latest()
        known = {"dataset": labels, "join": "id", "label": "churned"}
        least |= {"signals": [{"kind": "data_drift"}]} if truth is False else {"ground_truth": {**known, **truth}}
    given = {name: value(rows) if callable(value) else value for name, value in args.items()}
    return mlops.Monitor("drift", endpoint=score, **(least | given)) if watches else score


def managed(words: Words, *, wanted: bool = True) -> mlops.Monitor | mlops.Endpoint:
    signals = [{"kind": "data_drift", "features": ["age"]}]
    return monitor(words, signals=signals, window_hours=1, **({"managed": True} if wanted else {}))


def batch(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.BatchInference:
    hub = on or platform(words)
    least: dict[str, Any] = {
        "model": {"image": words.image, "artifact": f"{words.rows}models/3/"},
        "command": ["score", "$(MLOPS_INPUT_ROWS)"],
        "input": dataset(words, hub, format="csv", columns={"id": "string", "spend": "float"}).latest(),
        "output": dataset(words, hub, "scores", format="csv"),
    }
    return mlops.BatchInference("nightly", platform=hub, **(least | args))


def of_a_version(words: Words, version: int = 3, **args: Any) -> mlops.BatchInference:
    hub = platform(words)
    found = model(words, registry(words, hub)).version(version)
    kept = replace(found, files=words.rows.replace("theirs/rows", f"models/{version}"))
    return batch(words, hub, **({"model": kept, "command": []} | args))


def loop(words: Words) -> mlops.Loop:
    fit = mlops.train(image=words.image, command=["fit"], outputs=["model", "baseline"])
    return mlops.Loop(
        "loop",
        platform=platform(words),
        steps={"fit": fit},
        files=fit.out("model"),
        baseline=fit.out("baseline"),
        image=words.image,
        release={},
        monitor_image=words.image,
    )


def scoring(words: Words, *, with_a_version: bool = False) -> mlops.Pipeline:
    hub = platform(words)
    first = mlops.prepare(image=words.image, command=["select"], outputs=["rows"])
    fit = training(words)
    kept = replace(model(words, registry(words, hub)).version(3), files=words.rows.replace("theirs/rows", "models/3"))
    score = mlops.batch(
        kept if with_a_version else fit.out("model"),
        image=words.image,
        command=["score"],
        inputs={"rows": first.out("rows")},
    )
    return pipeline(words, hub, steps={"rows": first, "fit": fit, "score": score})


def recorded(words: Words) -> mlops.Pipeline:
    hub = platform(words)
    runs = mlops.ExperimentTracker("runs", platform=hub)
    return pipeline(words, hub, steps={"fit": training(words, tracker=runs)})


def several(words: Words, **args: Any) -> mlops.Pipeline:
    return pipeline(words, steps={name: training(words) for name in ("one", "two", "three")}, **args)


def on_a_cluster(words: Words) -> mlops.Pipeline:
    hub = platform(words)
    gpus = mlops.TrainingCluster("gpus", platform=hub, nodes={"max": 2})
    return pipeline(words, hub, steps={"fit": training(words, cluster=gpus)})


def reading_history(words: Words) -> mlops.Pipeline:
    hub = platform(words)
    history = group(words, store(words, hub)).as_of(days=90)
    return pipeline(words, hub, steps={"fit": training(words, inputs={"x": history})})


def registering(words: Words, **args: Any) -> mlops.Pipeline:
    hub = platform(words)
    fit, churn = training(words), model(words, registry(words, hub))
    served = {"image": words.image} if words.backend == "aws" else {}
    return pipeline(
        words, hub, steps={"fit": fit, "register": mlops.register(churn, fit.out("model"), **(served | args))}
    )


def after_approval(words: Words, *, triggered: bool = True) -> mlops.Pipeline:
    hub = platform(words)
    churn = model(words, registry(words, hub))
    return pipeline(words, hub, triggers=[{"approval": churn}] if triggered else [])


def after_another(words: Words, *, triggered: bool = True) -> mlops.Pipeline:
    hub = platform(words)
    first = mlops.Pipeline("first", platform=hub, alerts=False, steps={"fit": training(words)})
    return pipeline(words, hub, triggers=[{"pipeline": first}] if triggered else [])


def after_data(words: Words, *, triggered: bool = True) -> mlops.Pipeline:
    hub = platform(words)
    rows = dataset(words, hub)
    return pipeline(words, hub, triggers=[{"data": rows}] if triggered else [])


def private(words: Words) -> mlops.Platform:
    return platform(words, network={"private": {}})


def object_store(words: Words) -> dict[str, Any]:
    return {"url": "https://s3.example.com", "bucket": words.bucket, "access_key": "id", "secret_key": SECRET}


def reading(words: Words, **args: Any) -> mlops.Endpoint:
    hub = platform(words)
    profile = group(words, store(words, hub), online={})
    return endpoint(words, hub, reads=[profile.online], **args)


def with_secret(words: Words, **args: Any) -> mlops.Endpoint:
    hub = platform(words, secrets={"hub-token": SECRET})
    return endpoint(words, hub, secrets={"HUB_TOKEN": hub.secret("hub-token")}, **args)


def existing(words: Words, **parts: Any) -> mlops.Platform:
    return platform(words, existing={**words.parts, **parts})


def serverless(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.Endpoint:
    wanted: dict[str, Any] = {
        "mode": {"serverless": {"max_concurrency": 5}},
        "compute": {"memory_gb": 4},
        "isolated": False,
    }
    return endpoint(words, on, **(wanted | args))


def asynchronous(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.Endpoint:
    return endpoint(words, on, mode={"asynchronous": {"max_concurrency": 2}}, **args)


def identity(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.Identity:
    least: dict[str, Any] = {"trusts": words.trust}
    return mlops.Identity("team", platform=on or platform(words), **(least | args))


def with_group(words: Words, use: Callable[[mlops.FeatureGroup], Any]) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, **use(group(words, store(words, hub), online={})))


def with_model(words: Words, verb: str) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, **{verb: [model(words, registry(words, hub))]})


def invoking(words: Words) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, invokes=[endpoint(words, hub)])


def materializing(words: Words) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, materializes=[store(words, hub)])


def knowing(words: Words) -> mlops.Identity:
    hub = platform(words, secrets={"hub-token": SECRET})
    return identity(words, hub, secrets=[hub.secret("hub-token")])


def with_rows(words: Words, use: Callable[[mlops.FeatureGroup], Any]) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, **use(group(words, store(words, hub))))


def group_beside(words: Words) -> mlops.Identity:
    return with_group(words, lambda _: {})


def rows_beside(words: Words) -> mlops.Identity:
    return with_rows(words, lambda _: {})


def model_beside(words: Words) -> mlops.Identity:
    hub = platform(words)
    model(words, registry(words, hub))
    return identity(words, hub)


def endpoint_beside(words: Words) -> mlops.Identity:
    hub = platform(words)
    endpoint(words, hub)
    return identity(words, hub)


def tracker(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.ExperimentTracker:
    return mlops.ExperimentTracker("runs", platform=on or platform(words), **args)


def recording(words: Words) -> mlops.Identity:
    hub = platform(words)
    return identity(words, hub, records=[tracker(words, hub)])


TRACKERS: dict[str, dict[str, Any]] = {"wandb": WANDB, "clearml": CLEARML}


def published(words: Words, engine: str, *, enters: bool = False) -> mlops.Identity:
    """Declare who publishes versions of a dataset, which are entered at an engine as well or not."""
    hub = platform(words)
    runs: Any = tracker(words, hub, **hidden({engine: TRACKERS[engine]}))
    rows = dataset(words, hub, **{engine: runs} if enters else {})
    return identity(words, hub, writes=[rows])


def tracker_beside(words: Words) -> mlops.Identity:
    hub = platform(words)
    tracker(words, hub)
    return identity(words, hub)


def existing_store(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.FeatureStoreRef:
    return mlops.FeatureStore.existing("features", platform=on or platform(words), called="theirs", **args)


def existing_group(words: Words, on: Mapping[str, Any] | None = None, **args: Any) -> mlops.FeatureGroupRef:
    least: dict[str, Any] = {"features": FEATURES, "keys": ["customer_id"], "event_time": "at", "called": "theirs"}
    where = on or {"store": store(words)}
    return mlops.FeatureGroup.existing("profile", **(least | dict(where) | args))


def existing_dataset(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.DatasetRef:
    return mlops.Dataset.existing("rows", platform=on or platform(words), location=words.rows, **args)


def existing_registry(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.ModelRegistryRef:
    return mlops.ModelRegistry.existing("models", platform=on or platform(words), called="theirs", **args)


def existing_model(words: Words, on: Mapping[str, Any] | None = None, **args: Any) -> mlops.ModelRef:
    where = on or {"registry": registry(words)}
    return mlops.Model.existing("churn", **(dict(where) | {"called": "theirs"} | args))


def existing_endpoint(words: Words, on: mlops.Platform | None = None) -> mlops.EndpointRef:
    return mlops.Endpoint.existing("score", platform=on or platform(words), called="theirs")


def existing_identity(words: Words, on: mlops.Platform | None = None) -> mlops.IdentityRef:
    return mlops.Identity.existing("team", platform=on or platform(words), called="theirs")


def cluster(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.TrainingCluster:
    return mlops.TrainingCluster("gpus", platform=on or platform(words), **args)


def beside_cluster(words: Words, **args: Any) -> mlops.TrainingCluster:
    hub = platform(words)
    cluster(words, hub, nodes={"max": 4})
    return mlops.TrainingCluster("spare", platform=hub, nodes={"max": 2}, **args)


def sharing_cluster(words: Words, **args: Any) -> mlops.TrainingCluster:
    hub = platform(words)
    theirs = cluster(words, hub, nodes={"max": 4})
    return mlops.TrainingCluster("spare", platform=hub, nodes={"max": 2}, shares=theirs, **args)


def existing_cluster(words: Words, on: mlops.Platform | None = None, **args: Any) -> mlops.TrainingClusterRef:
    return mlops.TrainingCluster.existing("gpus", platform=on or platform(words), called="theirs", **args)


def theirs(words: Words, **args: Any) -> mlops.Platform:
    """Another platform, which shares with the program's own what two platforms can share."""
    least: dict[str, Any] = {"backend": words.backend, "tags": TAGS, "existing": {**words.parts, **words.shared}}
    return mlops.Platform("theirs", **(least | args))


def sharing(words: Words, **args: Any) -> mlops.Platform:
    return platform(words, existing={**words.parts, **words.shared}, **args)


def version_of(words: Words, there: mlops.Platform | None = None) -> mlops.ModelVersionRef:
    made = model(words, registry(words, there or theirs(words))).version(3)
    return replace(made, files=words.artifact)


def shared_version(words: Words, there: mlops.Platform | None = None) -> mlops.ModelVersionRef:
    """Name a version of a registry that platforms share; where there are none, a version that says so of itself."""
    if not words.shares:
        return replace(version_of(words, there), shared=True)
    on = registry(words, there or theirs(words), regions=[*words.shares])
    return replace(model(words, on).version(3), image=words.image)


def elsewhere(ref: T, **facts: Any) -> T:
    """Move a thing to a platform with other facts."""
    there: mlops.PlatformRef = getattr(ref, "platform")  # noqa: B009 (refs of several kinds)
    return replace(ref, platform=replace(there, **facts))  # type: ignore[type-var]


def serving_theirs(words: Words, version: mlops.ModelVersionRef, **args: Any) -> mlops.Endpoint:
    return endpoint(words, sharing(words), model=version, **args)


def group_of(words: Words, there: mlops.Platform | None = None) -> mlops.FeatureGroup:
    return group(words, store(words, there or theirs(words)), online={})


def reading_theirs(words: Words, group: mlops.FeatureGroupRef, on: mlops.Platform | None = None) -> mlops.Endpoint:
    return endpoint(words, on or sharing(words), reads=[group.online], isolated=False)


def beside(words: Words) -> mlops.Endpoint:
    return endpoint(words, sharing(words), isolated=False)


def apart(ref: T, words: Words) -> T:
    """Move a thing to a platform in another account."""
    there: mlops.PlatformRef = getattr(ref, "platform")  # noqa: B009 (refs of several kinds)
    return elsewhere(ref, address={**there.address, **words.other_account})


CLUSTER = {"token": {"issuer": "https://oidc.example.com/cluster", "subject": "system:serviceaccount:ranking:web"}}
OBJECT = "0f8fad5b-d9cb-469f-a165-70867728950e"
"""The id of somebody in a directory."""
GITHUB = {"github": {"repository": "acme/ranker", "branch": "main"}}


@dataclass(frozen=True)
class Program:
    """A program that asks for a capability."""

    build: Build
    """Returns the component that asks for it; what it stands on is made along the way."""
    without: Build | None = None
    """The same without the capability, to compare with; the program of the next shorter name unless told."""
    otherwise: tuple[Build, ...] = ()
    """Further ways to ask for it, for backends that can do it only in another combination."""
    against: Build | None = None
    """The program to compare with where the backend does not take the first one either."""


SHADOW = {"percent": 20}
CANARY = {"canary": {"percent": 10, "bake_minutes": 15}}
LINEAR = {"linear": {"step_percent": 25, "interval_minutes": 5}}
STAY: dict[str, Any] = {"nodes": {"min": 2, "max": 2}, "persistent": {}}
FOUR: dict[str, Any] = {"nodes": {"max": 4}}
EIGHT = {"accelerator": "A100:8"}
DAY = {"name": "day", "cron": "0 8 * * *", "min": 2, "max": 6}
SLOW = {"timeout_seconds": 300}
ZERO = {"min": 0, "max": 2, "requests_per_replica": 5}

OFFLINE = {"writer": {"role": "feature-writer"}, "rows": "s3://theirs/rows/"}

PROGRAMS: Mapping[str, Program] = {
    "pipeline": Program(pipeline, without=platform),
    "pipeline.features": Program(reading_history, without=lambda w: group(w, store(w))),
    "pipeline.retries": Program(lambda w: trained_on(w, retries=2), without=pipeline),
    "pipeline.distributed": Program(lambda w: trained_on(w, nodes=2, launcher="torchrun"), without=pipeline),
    "pipeline.distributed + pipeline.retries": Program(
        lambda w: trained_on(w, nodes=2, launcher="torchrun", retries=2)
    ),
    "pipeline.datasets": Program(reading_rows, without=dataset),
    "pipeline.captured": Program(reading_requests, without=lambda w: reading_requests(w, reads=False)),
    "pipeline.publish": Program(publishing, without=lambda w: publishing(w, published=False)),
    "loop": Program(loop, without=platform),
    "monitor": Program(monitor, without=lambda w: monitor(w, watches=False)),
    "monitor.metrics": Program(monitor, without=lambda w: monitor(w, watches=False)),
    "monitor.managed": Program(managed, without=lambda w: managed(w, wanted=False)),
    "monitor.ground_truth": Program(lambda w: monitor(w, truth={}), without=lambda w: monitor(w, truth=False)),
    "monitor.on_breach": Program(lambda w: monitor(w, breach={}), without=lambda w: monitor(w, breach=False)),
    "batch_inference": Program(batch, without=lambda w: (hub := platform(w), dataset(w, hub))[1]),
    "batch_inference.server": Program(
        of_a_version, without=lambda w: of_a_version(w, image=w.image, command=["score"])
    ),
    "pipeline.batch": Program(scoring, without=pipeline),
    "pipeline.versions": Program(lambda w: scoring(w, with_a_version=True), without=scoring),
    "pipeline.tracker": Program(recorded, without=pipeline),
    "pipeline.cluster": Program(on_a_cluster, without=pipeline),
    "pipeline.checkpoints": Program(lambda w: trained_on(w, checkpoints=True), without=pipeline),
    "pipeline.register.image": Program(lambda w: registering(w, image=w.image), without=pipeline),
    "pipeline.schedule": Program(
        lambda w: pipeline(w, schedule={"cron": "0 3 * * MON", "timezone": "Europe/Berlin"}), without=pipeline
    ),
    "pipeline.triggers": Program(after_approval, without=lambda w: after_approval(w, triggered=False)),
    "pipeline.triggers.approval": Program(after_approval, without=lambda w: after_approval(w, triggered=False)),
    "pipeline.triggers.data": Program(after_data, without=lambda w: after_data(w, triggered=False)),
    "pipeline.triggers.alarm": Program(lambda w: pipeline(w, triggers=[{"alarm": w.alarm}]), without=pipeline),
    "pipeline.triggers.pipeline": Program(after_another, without=lambda w: after_another(w, triggered=False)),
    "pipeline.overlap.skip": Program(
        lambda w: pipeline(w, schedule={"cron": "0 * * * *"}, overlap="skip"),
        without=lambda w: pipeline(w, schedule={"cron": "0 * * * *"}),
    ),
    "pipeline.parallel": Program(lambda w: several(w, parallel=2), without=several),
    "pipeline.alerts": Program(lambda w: pipeline(w, alerts=True), without=pipeline),
    "bridge.dataset.platform": Program(
        lambda w: made_of(w, existing_dataset(w, theirs(w)), on=sharing(w)),
        without=lambda w: made_of(w, on=sharing(w)),
    ),
    "bridge.dataset.place": Program(
        lambda w: made_of(w, existing_dataset(w, theirs(w, region=w.region, existing=w.parts))), without=made_of
    ),
    "bridge.dataset.account": Program(
        lambda w: made_of(w, apart(existing_dataset(w, theirs(w, existing=w.parts)), w)), without=made_of
    ),
    "bridge.dataset.backend": Program(
        lambda w: made_of(w, elsewhere(existing_dataset(w, theirs(w)), backend="elsewhere")), without=made_of
    ),
    "bridge.identity": Program(lambda w: identity(w, reads=[group_of(w).online]), without=identity),
    "bridge.feature_group.platform": Program(lambda w: reading_theirs(w, group_of(w).ref), without=beside),
    "bridge.feature_group.place": Program(
        lambda w: reading_theirs(w, group_of(w, theirs(w, region=w.region)).ref), without=beside
    ),
    "bridge.feature_group.account": Program(lambda w: reading_theirs(w, apart(group_of(w).ref, w)), without=beside),
    "bridge.feature_group.backend": Program(
        lambda w: reading_theirs(w, elsewhere(group_of(w).ref, backend="elsewhere")), without=beside
    ),
    "bridge.feature_group.place + endpoint.private": Program(
        lambda w: reading_theirs(w, group_of(w, theirs(w, region=w.region)).ref, sharing(w, network={"private": {}}))
    ),
    "bridge.model_version.platform": Program(lambda w: serving_theirs(w, version_of(w)), without=beside),
    "bridge.model_version.place": Program(
        lambda w: serving_theirs(
            w, version_of(w, theirs(w, region=w.region, existing=w.parts)), serve={"image": w.image}
        ),
        without=beside,
    ),
    "bridge.model_version.account": Program(
        lambda w: serving_theirs(w, apart(version_of(w, theirs(w, existing=w.parts)), w)), without=beside
    ),
    "bridge.model_version.backend": Program(
        lambda w: serving_theirs(w, elsewhere(version_of(w), backend="elsewhere")), without=beside
    ),
    "bridge.shared_version.platform": Program(lambda w: serving_theirs(w, shared_version(w)), without=beside),
    "bridge.shared_version.place": Program(
        lambda w: serving_theirs(w, shared_version(w, theirs(w, region=w.region, existing=w.parts))), without=beside
    ),
    "bridge.shared_version.account": Program(
        lambda w: serving_theirs(w, apart(shared_version(w, theirs(w, existing=w.parts)), w)), without=beside
    ),
    "bridge.shared_version.backend": Program(
        lambda w: serving_theirs(w, elsewhere(shared_version(w), backend="elsewhere")), without=beside
    ),
    "identity": Program(identity, without=platform),
    "identity.reads": Program(
        lambda w: with_group(w, lambda one: {"reads": [one.online]}),
        without=group_beside,
        otherwise=(lambda w: with_rows(w, lambda one: {"reads": [one.as_of(days=90)]}),),
        against=rows_beside,
    ),
    "identity.writes": Program(
        lambda w: with_group(w, lambda one: {"writes": [one]}),
        without=group_beside,
        otherwise=(lambda w: with_rows(w, lambda one: {"writes": [one]}),),
        against=rows_beside,
    ),
    "identity.materializes": Program(materializing, without=group_beside),
    "identity.registers": Program(lambda w: with_model(w, "registers"), without=model_beside),
    "identity.approves": Program(lambda w: with_model(w, "approves"), without=model_beside),
    "identity.deploys": Program(lambda w: with_model(w, "deploys"), without=model_beside),
    "identity.invokes": Program(invoking, without=endpoint_beside),
    "identity.secrets": Program(knowing, without=lambda w: identity(w, platform(w, secrets={"hub-token": SECRET}))),
    "identity.trusts.github": Program(lambda w: identity(w, trusts=GITHUB), without=identity),
    "identity.trusts.token": Program(lambda w: identity(w, trusts=CLUSTER), without=identity),
    "identity.trusts.account": Program(
        lambda w: identity(w, trusts={"account": {"id": "444455556666", "external_id": "acme"}}), without=identity
    ),
    "identity.trusts.role": Program(
        lambda w: identity(w, trusts={"role": "arn:aws:iam::444455556666:role/other"}), without=identity
    ),
    "identity.trusts.namespace": Program(lambda w: identity(w, trusts={"namespace": "ranking"}), without=identity),
    "identity.trusts.service_account": Program(
        lambda w: identity(w, trusts={"service_account": "ranking/web"}), without=identity
    ),
    "principal.account": Program(lambda w: platform(w, consumers=[{"account": "444455556666"}]), without=platform),
    "principal.role": Program(lambda w: endpoint(w, invokers=[{"role": "shop"}]), without=endpoint),
    "principal.namespace": Program(lambda w: endpoint(w, invokers=[{"namespace": "shop"}]), without=endpoint),
    "principal.service_account": Program(
        lambda w: endpoint(w, invokers=[{"service_account": "shop/web"}]), without=endpoint
    ),
    "principal.user": Program(
        lambda w: registry(w, approvers=[{"user": "lead"}]),
        without=registry,
        otherwise=(lambda w: model(w, registry(w, approvers=[{"user": OBJECT}])),),
        against=model,
    ),
    "principal.group": Program(lambda w: platform(w, consumers=[{"group": OBJECT}]), without=platform),
    "principal.application": Program(lambda w: platform(w, consumers=[{"application": OBJECT}]), without=platform),
    "identity.existing": Program(existing_identity, without=identity),
    "platform": Program(platform),
    "platform.addons": Program(lambda w: platform(w, addons=[w.addon])),
    "platform.budget": Program(
        lambda w: platform(w, alerts=["ml@example.com"], monthly_budget=100),
        without=lambda w: platform(w, alerts=["ml@example.com"]),
    ),
    "platform.consumers": Program(lambda w: platform(w, consumers=[w.consumer])),
    "platform.existing.alerts": Program(lambda w: existing(w, alerts=w.alerts)),
    "platform.existing.artifacts": Program(lambda w: existing(w, artifacts=w.bucket)),
    "platform.existing.cidrs": Program(
        lambda w: endpoint(w, existing(w, object_store=object_store(w), cidrs=["192.0.2.0/24"])),
        without=lambda w: endpoint(w, existing(w, object_store=object_store(w))),
    ),
    "platform.existing.database": Program(
        lambda w: registry(w, existing(w, database={"host": "db.example.com", "username": "ml", "password": SECRET})),
        without=registry,
    ),
    "platform.existing.gateway": Program(
        lambda w: endpoint(w, existing(w, gateway={"name": w.gateway, "domain": "ml.example.com"})), without=endpoint
    ),
    "platform.existing.gateway.tokens": Program(
        lambda w: endpoint(w, existing(w, gateway={"name": w.gateway, "domain": "ml.example.com", "tokens": TOKENS})),
        without=lambda w: endpoint(w, existing(w, gateway={"name": w.gateway, "domain": "ml.example.com"})),
    ),
    "platform.existing.group": Program(lambda w: existing(w, group="theirs"), without=platform),
    "platform.existing.workspace": Program(lambda w: existing(w, workspace="theirs"), without=platform),
    "platform.existing.images": Program(
        lambda w: existing(w, images={"address": "registry.example.com", "username": "ml", "password": SECRET})
    ),
    "platform.existing.key": Program(lambda w: existing(w, key=w.key)),
    "platform.existing.metrics": Program(
        lambda w: endpoint(w, existing(w, metrics="http://prometheus.example.com:9090"), scaling=STEPS),
        without=lambda w: endpoint(w, scaling=STEPS),
    ),
    "platform.existing.object_store": Program(lambda w: existing(w, object_store=object_store(w))),
    "platform.images": Program(lambda w: platform(w, images=["ranker"])),
    "platform.log_days": Program(lambda w: platform(w, log_days=60)),
    "platform.network.existing": Program(
        lambda w: endpoint(w, platform(w, network={"existing": {**w.network}})), without=endpoint
    ),
    "platform.network.existing.security_groups": Program(
        lambda w: endpoint(w, platform(w, network={"existing": {**w.network, "security_groups": ["sg-1"]}})),
        without=lambda w: endpoint(w, platform(w, network={"existing": {**w.network, "security_groups": ["sg-2"]}})),
    ),
    "platform.network.private": Program(private),
    "platform.quota": Program(lambda w: platform(w, quota={"cpus": 64, "memory_gb": 256})),
    "platform.region": Program(lambda w: platform(w, region=w.region)),
    "platform.secrets": Program(lambda w: platform(w, secrets={"hub-token": SECRET})),
    "dataset": Program(dataset, without=platform),
    "dataset.partition": Program(lambda w: dated(w, partition="day"), without=dated),
    "dataset.retention": Program(
        lambda w: dated(w, partition="day", retention_days=400), without=lambda w: dated(w, partition="day")
    ),
    "dataset.existing": Program(existing_dataset, without=dataset),
    "dataset.existing.key": Program(lambda w: existing_dataset(w, key=w.key), without=existing_dataset),
    "feature_store": Program(store, without=platform),
    "feature_store.materialize": Program(lambda w: store(w, materialize={"cron": "0 * * * *"})),
    "feature_group": Program(group, without=store),
    "feature_group.online": Program(lambda w: group(w, online={})),
    "feature_group.online.ttl": Program(lambda w: group(w, online={"ttl_hours": 72})),
    "feature_group.offline": Program(
        lambda w: group(w, online={}),
        without=lambda w: group(w, online={}, offline=None),
        otherwise=(group,),
        against=store,
    ),
    "feature_group.offline.iceberg": Program(lambda w: group(w, offline={"format": "iceberg"}), without=group),
    "feature_group.compound_key": Program(lambda w: group(w, keys=["customer_id", "country"])),
    "feature_group.existing": Program(existing_group, without=group),
    "feature_group.existing.by_itself": Program(lambda w: existing_group(w, {"platform": platform(w)}), without=group),
    "feature_store.existing": Program(
        existing_store, without=store, otherwise=(lambda w: existing_store(w, **OFFLINE),)
    ),
    "feature_store.existing.rows": Program(
        lambda w: existing_store(w, **OFFLINE),
        without=lambda w: existing_store(w, **(OFFLINE | {"rows": "s3://others/rows/"})),
        otherwise=(lambda w: existing_store(w, rows="https://theirs.blob.core.windows.net/rows/"),),
        against=existing_store,
    ),
    "feature_store.existing.writer": Program(
        lambda w: existing_store(w, **OFFLINE),
        without=lambda w: existing_store(w, **(OFFLINE | {"writer": {"role": "another"}})),
    ),
    "experiment_tracker": Program(tracker, without=platform),
    "experiment_tracker.size": Program(lambda w: tracker(w, managed={"size": "small"})),
    "experiment_tracker.published": Program(lambda w: tracker(w, managed={"published": True})),
    "identity.records": Program(recording, without=tracker_beside),
    "training_cluster": Program(cluster, without=platform),
    "training_cluster.elastic": Program(cluster, without=platform),
    "training_cluster.nodes.min": Program(
        lambda w: cluster(w, nodes={"min": 1, "max": 4}),
        without=lambda w: cluster(w, **FOUR),
        otherwise=(lambda w: cluster(w, **STAY),),
        against=cluster,
    ),
    "training_cluster.elastic + training_cluster.nodes.min": Program(lambda w: cluster(w, nodes={"min": 1, "max": 4})),
    "training_cluster.persistent": Program(lambda w: cluster(w, **STAY), without=cluster),
    "training_cluster.spot": Program(lambda w: cluster(w, spot={"max_wait_hours": 6})),
    "training_cluster.persistent + training_cluster.spot": Program(
        lambda w: cluster(w, **STAY, spot={"max_wait_hours": 6})
    ),
    "training_cluster.warm": Program(lambda w: cluster(w, warm_minutes=30)),
    "training_cluster.spot + training_cluster.warm": Program(
        lambda w: cluster(w, warm_minutes=30, spot={"max_wait_hours": 6})
    ),
    "training_cluster.persistent + training_cluster.warm": Program(lambda w: cluster(w, **STAY, warm_minutes=30)),
    "training_cluster.idle": Program(lambda w: cluster(w, idle_minutes=20)),
    "training_cluster.max_hours": Program(lambda w: cluster(w, max_hours=12)),
    "training_cluster.max_hours + training_cluster.persistent": Program(lambda w: cluster(w, **STAY, max_hours=12)),
    "training_cluster.interconnect": Program(
        lambda w: cluster(w, **FOUR, compute=EIGHT, interconnect=True),
        without=lambda w: cluster(w, **FOUR),
    ),
    "training_cluster.priority": Program(lambda w: cluster(w, priority="low")),
    "training_cluster.shares": Program(sharing_cluster, without=beside_cluster),
    "training_cluster.existing": Program(
        existing_cluster,
        without=cluster,
        otherwise=(lambda w: existing_cluster(w, compute={"cpus": 4}),),
        against=cluster,
    ),
    "training_cluster.existing.compute": Program(
        lambda w: existing_cluster(w, compute={"cpus": 8}), without=lambda w: existing_cluster(w, compute={"cpus": 4})
    ),
    "training_cluster.existing.nodes": Program(
        lambda w: existing_cluster(w, compute={"cpus": 4}, nodes={"max": 9}),
        without=lambda w: existing_cluster(w, compute={"cpus": 4}),
    ),
    "model_registry": Program(registry, without=platform),
    # Where rights are given on single models, the program needs one.
    "model_registry.approvers": Program(lambda w: model(w, registry(w, approvers=[w.approver])), without=model),
    "model_registry.consumers": Program(lambda w: model(w, registry(w, consumers=[w.consumer])), without=model),
    "model_registry.published": Program(lambda w: registry(w, published=True), without=registry),
    "model_registry.events": Program(lambda w: registry(w, events={"deploy": {"to": w.told}})),
    "model": Program(model, without=registry),
    "model.gate": Program(lambda w: model(w, gate={"auc": ">=0.9"})),
    "model.existing": Program(existing_model, without=model),
    "model.existing.by_itself": Program(lambda w: existing_model(w, {"platform": platform(w)}), without=model),
    "model.existing.files": Program(lambda w: existing_model(w, files="s3://theirs/churn/"), without=existing_model),
    "model.existing.key": Program(lambda w: existing_model(w, key=w.key), without=existing_model),
    "model_registry.regions": Program(lambda w: registry(w, regions=[*(w.shares or [w.region])])),
    "model_registry.existing": Program(existing_registry, without=registry),
    "model_registry.existing.files": Program(
        lambda w: existing_registry(w, files="s3://theirs/mlflow/"), without=existing_registry
    ),
    "endpoint.existing": Program(existing_endpoint, without=endpoint),
    "endpoint": Program(endpoint, without=platform),
    "endpoint.realtime": Program(endpoint, without=platform),
    "endpoint.serverless": Program(serverless),
    "endpoint.asynchronous": Program(asynchronous),
    "accelerator": Program(lambda w: endpoint(w, compute={"accelerator": "T4:1"})),
    "endpoint.variants": Program(lambda w: endpoint(w, variants=variants(w))),
    "endpoint.shadow": Program(lambda w: endpoint(w, shadow={"model": files(w, "-2"), **SHADOW})),
    "endpoint.scaling": Program(lambda w: endpoint(w, scaling=STEPS)),
    "endpoint.scaling.zero": Program(
        lambda w: endpoint(w, scaling=ZERO),
        otherwise=(lambda w: asynchronous(w, scaling=ZERO), lambda w: serverless(w, scaling=ZERO)),
    ),
    "endpoint.scaling.schedule": Program(lambda w: endpoint(w, scaling={**STEPS, "schedules": [DAY]})),
    "endpoint.release.canary": Program(lambda w: endpoint(w, release=CANARY)),
    "endpoint.release.linear": Program(lambda w: endpoint(w, release=LINEAR)),
    "endpoint.release.unmeasured": Program(lambda w: endpoint(w, release={"unmeasured": "promote"})),
    "endpoint.release.registry": Program(lambda w: endpoint(w, release={"owner": "registry"})),
    "endpoint.capture": Program(lambda w: endpoint(w, capture_percent=100)),
    "endpoint.capture.sampled": Program(lambda w: endpoint(w, capture_percent=20), without=endpoint),
    "endpoint.reads": Program(reading),
    "endpoint.secrets": Program(with_secret),
    "endpoint.artifact_key": Program(
        lambda w: endpoint(w, model={**files(w), "artifact_key": w.key}), without=endpoint
    ),
    "endpoint.serve.command": Program(lambda w: endpoint(w, serve={"command": ["serve", "--all"]}), without=endpoint),
    "endpoint.serve.port": Program(lambda w: endpoint(w, serve={"port": 8000}), without=endpoint),
    "endpoint.serve.health": Program(lambda w: endpoint(w, serve={"health": "/health"}), without=endpoint),
    "endpoint.serve.startup": Program(lambda w: endpoint(w, serve={"startup_minutes": 40}), without=endpoint),
    "endpoint.serve.timeout": Program(
        lambda w: endpoint(w, serve=SLOW),
        without=endpoint,
        otherwise=(lambda w: asynchronous(w, serve=SLOW), lambda w: endpoint(w, serve={"timeout_seconds": 120})),
    ),
    "endpoint.serve.shared_memory": Program(lambda w: endpoint(w, serve={"shared_memory_gb": 2}), without=endpoint),
    "endpoint.realtime + endpoint.serve.timeout": Program(
        lambda w: endpoint(w, serve=SLOW), otherwise=(lambda w: endpoint(w, serve={"timeout_seconds": 120}),)
    ),
    "endpoint.serve.timeout + endpoint.serverless": Program(lambda w: serverless(w, serve=SLOW)),
    "endpoint.serve.startup + endpoint.serverless": Program(lambda w: serverless(w, serve={"startup_minutes": 40})),
    "endpoint.invokers": Program(lambda w: endpoint(w, invokers=[w.invoker])),
    "endpoint.isolated": Program(lambda w: endpoint(w, isolated=True), without=lambda w: endpoint(w, isolated=False)),
    "endpoint.private": Program(
        lambda w: endpoint(w, private(w), isolated=False), without=lambda w: endpoint(w, isolated=False)
    ),
    "endpoint.realtime + endpoint.scaling.zero": Program(lambda w: endpoint(w, scaling=ZERO)),
    "endpoint.scaling + endpoint.serverless": Program(lambda w: serverless(w, scaling=STEPS)),
    "endpoint.scaling.schedule + endpoint.serverless": Program(lambda w: serverless(w, scaling={"schedules": [DAY]})),
    "accelerator + endpoint.serverless": Program(
        lambda w: serverless(w, compute={"memory_gb": 4, "accelerator": "A10G:1"})
    ),
    "endpoint.serverless + endpoint.variants": Program(lambda w: serverless(w, variants=variants(w))),
    "endpoint.serverless + endpoint.shadow": Program(
        lambda w: serverless(w, shadow={"model": files(w, "-2"), **SHADOW})
    ),
    "endpoint.capture + endpoint.serverless": Program(lambda w: serverless(w, capture_percent=100)),
    "endpoint.private + endpoint.serverless": Program(lambda w: serverless(w, private(w))),
    "endpoint.isolated + endpoint.serverless": Program(lambda w: serverless(w, isolated=True)),
    "endpoint.release.canary + endpoint.serverless": Program(lambda w: serverless(w, release=CANARY)),
    "endpoint.release.linear + endpoint.serverless": Program(lambda w: serverless(w, release=LINEAR)),
    "endpoint.asynchronous + endpoint.shadow": Program(
        lambda w: asynchronous(w, shadow={"model": files(w, "-2"), **SHADOW})
    ),
    "endpoint.asynchronous + endpoint.variants": Program(lambda w: asynchronous(w, variants=variants(w))),
}
