"""What the roles of AWS may have, as the policies that the library writes for made-up names."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from pulumi_mlops.backends.aws.policy import document
from pulumi_mlops.backends.aws.rights import Catalogue, LogGroup, statements
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.primitives import WatchRef
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import Image, Key, Place, Topic

_HUB = PlatformRef(
    name="PLATFORM",
    backend="aws",
    stage="STAGE",
    artifacts="s3://BUCKET/",
    private=True,
    address={
        "account": "ACCOUNT",
        "region": "REGION",
        "partition": "aws",
        "domain": "amazonaws.com",
        "key": "arn:aws:kms:REGION:ACCOUNT:key/KEY",
        "bucket": "BUCKET",
        "logs": "LOGS",
        "log_days": 14,
        "topic": "arn:aws:sns:REGION:ACCOUNT:ALERTS",
        "repositories": {"r": "arn:aws:ecr:REGION:ACCOUNT:repository/REPOSITORY"},
        "subnets": ["SUBNET"],
        "security_groups": ["GROUP"],
    },
)
_GROUP = FeatureGroupRef(
    name="FEATURES",
    backend="aws",
    platform=_HUB,
    keys=["id"],
    event_time="at",
    features={"id": "string", "at": "timestamp"},
    has_online=True,
    has_offline=True,
    address={
        "name": "FEATURES",
        "arn": "arn:aws:sagemaker:REGION:ACCOUNT:feature-group/FEATURES",
        "database": "DATABASE",
        "offline": "s3://BUCKET/features/STORE/",
    },
)
_ROWS = DatasetRef(
    name="ROWS",
    backend="aws",
    platform=_HUB,
    location="s3://DATASET/",
    address={"key": _HUB.address["key"], "database": "DATABASE", "table": "ROWS"},
)
_MODEL = ModelRef(
    name="MODEL",
    backend="aws",
    platform=_HUB,
    gate={"METRIC": ">=0.9"},
    address={"group": "MODELS", "arn": "arn:aws:sagemaker:REGION:ACCOUNT:model-package-group/MODELS"},
)
_ENDPOINT = EndpointRef(name="e", backend="aws", platform=_HUB, status="live", address={"name": "ENDPOINT"})
_KINDS = {"an app": "mlflow-app", "a server": "mlflow-tracking-server"}
_TRACKERS = {
    words: ExperimentTrackerRef(
        name="TRACKER",
        backend="aws",
        platform=_HUB,
        engine="mlflow",
        url="",
        project="",
        address={
            "arn": f"arn:aws:sagemaker:REGION:ACCOUNT:{kind}/TRACKER",
            "artifacts": "s3://BUCKET/mlflow/TRACKER/",
            "serverless": words == "an app",
        },
    )
    for words, kind in _KINDS.items()
}
_SECRET = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:SECRET-AbCdEf"  # noqa: S105 (an address)

_WATCH = WatchRef(name="MONITOR", address="", facts={"namespace": "mlops-monitors/PLATFORM-STAGE/MONITOR"})

_GRANTS: dict[str, tuple[str, Any]] = {
    "runs on a platform": ("use", _HUB),
    "pulls an image": ("pull", Image("111122223333.dkr.ecr.eu-west-1.amazonaws.com/repository:1")),
    "reads files": ("read", Place("s3://BUCKET/FOLDER/")),
    "reads files under a key of their own": ("use", Key("arn:aws:kms:REGION:ACCOUNT:key/OTHER")),
    "writes captured data or answers": ("write", Place("s3://BUCKET/FOLDER/")),
    "writes its logs": ("write", LogGroup("/aws/sagemaker/Endpoints/ENDPOINT")),
    "tells a topic": ("tell", Topic("arn:aws:sns:REGION:ACCOUNT:ALERTS")),
    "sends what a monitor measures": ("measure", _WATCH),
    "`secrets`": ("read", SecretRef(name="s", backend="aws", address={"id": _SECRET}, native={"secret": None})),
    "`reads=[group.online]`": ("read", _GROUP.online),
    "`reads=[group.as_of(…)]`": ("read", _GROUP.as_of(days=1)),
    "`writes`": ("write", _GROUP),
    "`reads=[rows]`": ("read", _ROWS),
    "`writes=[rows]`": ("write", _ROWS),
    "`registers`": ("register", _MODEL),
    "`approves`": ("approve", _MODEL),
    "`deploys`": ("deploy", _MODEL),
    "`invokes`": ("invoke", _ENDPOINT),
    **{f"`records` in {words}": ("record", tracker) for words, tracker in _TRACKERS.items()},
    "is the writer of a FeatureStore": ("write", Catalogue("DATABASE", "s3://BUCKET/features/STORE/")),
}
"""What the roles of AWS may have, and how that is asked for."""


def rows() -> Iterator[list[str]]:
    """Give each statement: what asks for it (once), actions, resources, conditions."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        try:
            for words, grant in _GRANTS.items():
                text = loop.run_until_complete(document(statements(_HUB, [grant])).future())
                for index, one in enumerate(json.loads(text or "{}")["Statement"]):
                    yield [
                        "" if index else words,
                        ("Deny " if one["Effect"] == "Deny" else "") + ", ".join(one["Action"]),
                        ", ".join(_listed(one["Resource"])),
                        _when(one),
                    ]
        finally:
            asyncio.set_event_loop(None)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _when(statement: dict[str, Any]) -> str:
    return "; ".join(
        f"{operator} {key}: {', '.join(_listed(values))}"
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )
