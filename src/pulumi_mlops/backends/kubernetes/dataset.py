"""Dataset on Kubernetes: a folder of the object store, its facts, and a CronJob that deletes what is old.

The object store may be of the user's, whose lifecycle rules are the owner's, and the platform's own has one bucket, on
which other components stand: so what is old is found and deleted by ``jobs/dataset.py``, alike on both.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pulumi_kubernetes as k8s

from pulumi_mlops.backends.kubernetes import access, live, mlflow, trust
from pulumi_mlops.backends.kubernetes.addresses import DatasetAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, after, program, resources, secret_variable
from pulumi_mlops.components.dataset import DatasetSpec, fixed_problems, kind_of_files
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem

if TYPE_CHECKING:
    import pulumi

FACTS, FILE = "dataset", "dataset.json"
_LATE_SECONDS, _LONGEST_SECONDS, _TRIES = 6 * 3600, 4 * 3600, 2
_NIGHTLY = "15 3 * * *"


@dataclass(frozen=True)
class _Facts:
    """What is written down of a dataset: what cannot be changed under its files is compared with it."""

    location: str
    files: str
    columns: dict[str, Any]
    retention_days: int | None
    parents: list[str]
    description: str | None


def dataset(scope: Scope, spec: DatasetSpec) -> DatasetRef:
    """Write the facts down, and delete what is old once a day where a retention is given."""
    app = access.app_of(scope, spec.platform, "dataset")
    where = location(spec.platform, scope.name)
    facts = _Facts(
        where,
        kind_of_files(spec.format, spec.partition),
        dict(spec.columns),
        spec.retention_days,
        [parent.name for parent in spec.parents],
        spec.description,
    )
    config = k8s.core.v1.ConfigMap(
        scope.child("facts"),
        metadata=app.metadata(app.name(FACTS)),
        data={FILE: json.dumps(asdict(facts), indent=2)},
        opts=scope.guarded(spec.protect),
    )
    native: dict[str, pulumi.Resource] = {"facts": config}
    if spec.retention_days is not None:
        native["retention"] = _retention(app, spec, where, spec.retention_days)
    return DatasetRef(
        name=scope.name,
        backend="kubernetes",
        platform=spec.platform,
        location=where,
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        retention_days=spec.retention_days,
        parents=spec.parents,
        address=DatasetAddress().plain(),
        native=native,
    )


def location(platform: PlatformRef, name: str) -> str:
    """Return the folder of a dataset."""
    return f"s3://{PlatformAddress.of(platform).store.bucket}/datasets/{name}/"


def variables(platform: PlatformRef, secret: Any) -> list[Fields]:
    """Tell boto3 of the object store, and of the key to it that a Secret holds."""
    store = PlatformAddress.of(platform).store
    plain = {
        "AWS_ENDPOINT_URL_S3": store.url,
        "AWS_DEFAULT_REGION": store.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MLOPS_S3_ADDRESSING": "path" if store.path_style else "virtual",
        "HOME": "/tmp",  # noqa: S108 (an emptyDir)
    }
    return [
        *(secret_variable(name, secret, name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        *trust.variables(platform),
        *({"name": name, "value": value} for name, value in plain.items()),
    ]


def _retention(app: App, spec: DatasetSpec, where: str, days: int) -> k8s.batch.v1.CronJob:
    """Delete what is old, each night."""
    scope, platform = app.scope, spec.platform
    account = access.identity(app, FACTS)
    opened = access.call(app, "retention", app.selector, [access.store_door(platform)])
    command = ["python", "-c", program("dataset.py"), "expire", where, "--days", str(days)]
    container: Fields = {
        "name": "expire",
        "image": mlflow.IMAGE,  # has boto3, and is on the nodes where there is a registry
        "command": [*command, *(["--partitions"] if spec.partition else [])],
        "env": variables(platform, PlatformAddress.of(platform).store.writer),
        "resources": resources("100m", "256Mi"),
        "volume_mounts": trust.mounts(platform),
    }
    template = app.pod(
        container,
        volumes=trust.volumes(platform),
        account=account.metadata.name,
        restart_policy="Never",
    )
    return k8s.batch.v1.CronJob(
        scope.child("retention"),
        metadata=app.metadata(app.name("retention")),
        spec={
            "schedule": _NIGHTLY,
            "time_zone": "UTC",
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": _LATE_SECONDS,
            "successful_jobs_history_limit": 1,
            "failed_jobs_history_limit": 3,
            "job_template": {
                "spec": {
                    "backoff_limit": _TRIES,
                    "active_deadline_seconds": _LONGEST_SECONDS,
                    "template": template,
                }
            },
        },
        opts=after(scope.opts, *opened),
    )


def dataset_problems(name: str, spec: DatasetSpec) -> Iterator[Problem]:
    """Refuse another format or another partition of files that are there."""
    there = live.namespaced(spec.platform, "v1", "configmaps", f"{name}-{FACTS}")
    if there is not None:
        yield from fixed_problems(spec, json.loads(there["data"][FILE])["files"])
