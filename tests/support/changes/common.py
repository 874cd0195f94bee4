"""Changes that every backend takes, in the same words: a row is as in the backends' own files."""

from dataclasses import replace
from typing import Any

from pulumi import Output

from pulumi_mlops import DatasetRef, ExperimentTrackerRef, PlatformRef, TrainingClusterRef

Change = tuple[str, str, dict[str, Any], dict[str, Any]]
MANAGED: dict[str, Any] = {"wandb": None, "managed": {}}
WANDB = {"entity": "acme", "project": "churn", "api_key": "one"}
MLFLOW = {"url": "https://mlflow.example.com", "username": "ci", "password": "one"}
BY_TOKEN = {"url": "https://mlflow.example.com", "token": "one"}
CLEARML = {
    "project": "churn",
    "api": "https://api.example.com",
    "web": "https://app.example.com",
    "files": "https://files.example.com",
    "access_key": "one",
    "secret_key": "one",
}
_KEYS = ("api_key", "password", "token", "access_key", "secret_key")
SEARCH = {"tags": {"team": "search"}}
SCALED = {"scaling": {"min": 1, "max": 4, "requests_per_replica": 100}}
NIGHT = {"name": "night", "cron": "0 22 * * *", "min": 1, "max": 2}
CANARY = {"release": {"canary": {"percent": 10}}}
LINEAR = {"release": {"linear": {"step_percent": 20}}}
WAIT = {"spot": {"max_wait_hours": 6}}
LATENCY = {"health": {"latency_ms": 200}}


def scaled(**change: Any) -> dict[str, Any]:
    """Change how it scales."""
    return {"scaling": {**SCALED["scaling"], **change}}


def at_night(**change: Any) -> dict[str, Any]:
    """Scale by a schedule too."""
    return scaled(schedules=[{**NIGHT, **change}])


def hidden(args: Any) -> Any:
    """Make secrets of the keys of engines, as their arguments want them: within the program, which has a loop."""
    if not isinstance(args, dict):
        return args
    return {name: Output.secret(value) if name in _KEYS else hidden(value) for name, value in args.items()}


def engine(**given: Any) -> dict[str, Any]:
    """Name another engine than the one that a tracker has without being told."""
    return {"wandb": None, **given}


def _of_engine(name: str, before: dict[str, Any], **change: Any) -> Change:
    (field,) = change
    spec = name.capitalize()
    return (f"{spec}.{field}", "ExperimentTracker", engine(**{name: before}), engine(**{name: {**before, **change}}))


TRACKERS: list[Change] = [
    ("ExperimentTracker.tags", "ExperimentTracker", {}, {"tags": {"tier": "gold"}}),
    ("Managed.experiment", "ExperimentTracker", MANAGED, engine(managed={"experiment": "other"})),
    *(
        _of_engine("wandb", WANDB, **change)
        for change in (
            {"entity": "other"},
            {"project": "other"},
            {"api_key": "two"},
            {"base_url": "https://wandb.example.com"},
        )
    ),
    *(
        _of_engine("mlflow", MLFLOW, **change)
        for change in (
            {"url": "https://other.example.com"},
            {"experiment": "other"},
            {"username": "cd"},
            {"password": "two"},
        )
    ),
    _of_engine("mlflow", BY_TOKEN, token="two"),
    *(
        _of_engine("clearml", CLEARML, **change)
        for change in (
            {"project": "other"},
            *({server: f"https://other-{server}.example.com"} for server in ("api", "web", "files")),
            {"access_key": "two"},
            {"secret_key": "two"},
        )
    ),
]
"""Of a tracker's arguments nothing but its keys is anywhere in a cloud: what others are told follows from its ref."""

DAILY = {"format": "parquet", "partition": "day", "columns": {"id": "string"}, "retention_days": 400}


def beside(hub: PlatformRef, folder: str) -> list[Change]:
    """Have the dataset be made of another one of the platform, and its versions be entered in a tracker as well."""
    raw = DatasetRef(name="raw", backend=hub.backend, platform=hub, location=folder)
    runs = ExperimentTrackerRef(name="runs", backend=hub.backend, platform=hub, engine="wandb", url="u", project="p")
    return [
        ("Dataset.parents", "Dataset", {}, {"parents": [raw]}),
        ("Dataset.wandb", "Dataset", {}, {"wandb": runs}),
        ("Dataset.clearml", "Dataset", {}, {"clearml": replace(runs, engine="clearml")}),
    ]


def shared(hub: PlatformRef) -> TrainingClusterRef:
    """Return machines that others have as well."""
    return TrainingClusterRef(
        name="theirs", backend=hub.backend, platform=hub, cpus=4, memory_gb=16, nodes_max=4, address={}
    )


COMMON: list[Change] = [
    *TRACKERS,
    ("Dataset.columns", "Dataset", {}, {"columns": {"id": "integer", "at": "timestamp"}}),
    ("Dataset.columns", "Dataset", {}, {"columns": {}}),
    ("Dataset.retention_days", "Dataset", {}, {"retention_days": 30}),
    ("Dataset.retention_days", "Dataset", {}, {"retention_days": None}),
    ("Dataset.retention_days", "Dataset", {"partition": None}, {"retention_days": 30}),
    ("Dataset.description", "Dataset", {}, {"description": "Who pays"}),
    ("Dataset.protect", "Dataset", {}, {"protect": False}),
    ("Dataset.tags", "Dataset", {}, SEARCH),
    ("FeatureStore.tags", "FeatureStore", {}, SEARCH),
    ("FeatureGroup.protect", "FeatureGroup", {}, {"protect": False}),
    ("FeatureGroup.tags", "FeatureGroup", {}, SEARCH),
    ("ModelRegistry.tags", "ModelRegistry", {}, SEARCH),
    ("Model.gate", "Model", {}, {"gate": {"auc": ">=0.9"}}),
    ("Model.metadata", "Model", {}, {"metadata": {"team": "search"}}),
    ("Model.protect", "Model", {}, {"protect": False}),
    ("Model.tags", "Model", {}, SEARCH),
    ("Endpoint.environment", "Endpoint", {}, {"environment": {"LOG_LEVEL": "debug"}}),
    ("Endpoint.capture_percent", "Endpoint", {}, {"capture_percent": 20}),
    ("Endpoint.capture_percent", "Endpoint", {"capture_percent": 20}, {"capture_percent": 50}),
    ("Endpoint.tags", "Endpoint", {}, SEARCH),
    ("Scaling.min", "Endpoint", SCALED, scaled(min=2)),
    ("Scaling.max", "Endpoint", SCALED, scaled(max=8)),
    ("Scaling.max", "Endpoint", {}, SCALED),
    ("Scaling.requests_per_replica", "Endpoint", SCALED, scaled(requests_per_replica=200)),
    ("Scaling.cooldown_in_seconds", "Endpoint", SCALED, scaled(cooldown_in_seconds=600)),
    ("Scaling.cooldown_out_seconds", "Endpoint", SCALED, scaled(cooldown_out_seconds=120)),
    ("Endpoint.release", "Endpoint", {}, CANARY),
    ("Release.canary", "Endpoint", {}, CANARY),
    ("Release.linear", "Endpoint", {}, LINEAR),
    ("Canary.percent", "Endpoint", CANARY, {"release": {"canary": {"percent": 20}}}),
    ("Canary.bake_minutes", "Endpoint", CANARY, {"release": {"canary": {"percent": 10, "bake_minutes": 20}}}),
    ("Linear.step_percent", "Endpoint", LINEAR, {"release": {"linear": {"step_percent": 25}}}),
    (
        "Linear.interval_minutes",
        "Endpoint",
        LINEAR,
        {"release": {"linear": {"step_percent": 20, "interval_minutes": 9}}},
    ),
    ("TrainingCluster.compute", "TrainingCluster", {}, {"compute": {"cpus": 32}}),
    ("Compute.cpus", "TrainingCluster", {}, {"compute": {"cpus": 32}}),
    ("TrainingCluster.nodes", "TrainingCluster", {}, {"nodes": {"max": 9}}),
    ("Nodes.max", "TrainingCluster", {}, {"nodes": {"max": 9}}),
    ("TrainingCluster.spot", "TrainingCluster", {}, WAIT),
    ("Spot.max_wait_hours", "TrainingCluster", WAIT, {"spot": {"max_wait_hours": 9}}),
    ("TrainingCluster.max_hours", "TrainingCluster", {}, {"max_hours": 12}),
    ("TrainingCluster.tags", "TrainingCluster", {}, SEARCH),
    ("Endpoint.health", "Endpoint", {}, {"health": {"errors_percent": 1}}),
    ("Health.errors_percent", "Endpoint", {}, {"health": {"errors_percent": 1}}),
    ("Health.latency_ms", "Endpoint", {}, LATENCY),
    ("Health.latency_ms", "Endpoint", LATENCY, {"health": {"latency_ms": 300}}),
]

SCHEDULED: list[Change] = [
    ("Scaling.schedules", "Endpoint", SCALED, at_night()),
    ("ScalingSchedule.cron", "Endpoint", at_night(), at_night(cron="0 23 * * *")),
    ("ScalingSchedule.timezone", "Endpoint", at_night(), at_night(timezone="Europe/Berlin")),
    ("ScalingSchedule.name", "Endpoint", at_night(), at_night(name="late")),
    ("ScalingSchedule.min", "Endpoint", at_night(), at_night(min=2)),
    ("ScalingSchedule.max", "Endpoint", at_night(), at_night(max=3)),
]
"""Where a schedule scales."""
