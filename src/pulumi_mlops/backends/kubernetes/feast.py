"""What Feast is told: its repository (``feature_store.yaml`` and the programs beside it), and groups as data."""

import json
from collections.abc import Mapping
from typing import Any

from pulumi import Input

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import Fields, program
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.naming import physical

IMAGE = "quay.io/feastdev/feature-server:0.67.0"  # has Feast's extras for Postgres, Redis, DuckDB and S3
PORT = 6566
REPOSITORY = "/etc/feast"
GROUP = "/etc/feature-group"
GROUP_FILE = "group.json"
_REGISTRY_SECONDS = 10  # after which a server knows of a feature that was added


def project_name(platform: PlatformRef, store: str) -> str:
    """Name a store's project in Feast, which takes letters, digits and underscores."""
    return physical(platform.name, platform.stage, store, separator="_")


def view_name(group: str) -> str:
    """Name a group's feature view."""
    return group.replace("-", "_")


def location(platform: PlatformRef, store: str, group: str) -> str:
    """Return where the rows of a group are kept."""
    return f"s3://{PlatformAddress.of(platform).store.bucket}/features/{store}/{group}/"


def repository(project: str, online_store: str) -> dict[str, str]:
    """Write the files of a store's repository; what is secret comes from the environment.

    :param online_store: host and port.
    """
    settings = {
        "project": project,
        "provider": "local",
        "registry": {"registry_type": "sql", "path": "${DB_URI}", "cache_ttl_seconds": _REGISTRY_SECONDS},
        "online_store": {
            "type": "feast_online.ValkeyOnlineStore",
            "connection_string": online_store + ",password=${ONLINE_STORE_PASSWORD}",
        },
        "offline_store": {"type": "feast_offline.ParquetOfflineStore"},
        "entity_key_serialization_version": 3,
        "auth": {"type": "no_auth"},  # who may connect is the network policies' to say
    }
    # JSON is YAML, and quotes what needs it.
    return {"feature_store.yaml": json.dumps(settings, indent=2), **PROGRAMS}


PROGRAMS = {name: program(name) for name in ("features.py", "feast_offline.py", "feast_online.py")}


def environment(platform: PlatformRef) -> list[Fields]:
    """Return what every process of Feast's finds in its environment, besides the addresses of its stores."""
    plain = {
        "PYTHONPATH": REPOSITORY,
        "HOME": "/tmp",  # noqa: S108 (an emptyDir)
        "AWS_REGION": PlatformAddress.of(platform).store.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return [{"name": name, "value": value} for name, value in plain.items()]


SERVE = [
    "feast", "--chdir", REPOSITORY, "serve", "--host", "0.0.0.0", "--port", str(PORT),  # noqa: S104 (a pod's own)
    "--registry_ttl_sec", str(_REGISTRY_SECONDS), "--no-access-log",
]  # fmt: skip
MATERIALIZE = [
    "/bin/sh", "-ec",
    f'exec feast --chdir {REPOSITORY} materialize-incremental "$(date -u +%Y-%m-%dT%H:%M:%S)"',
]  # fmt: skip
APPLY = ["python", f"{REPOSITORY}/features.py", f"{GROUP}/{GROUP_FILE}", REPOSITORY]


def container(name: str, command: list[str], variables: list[Any], **more: Any) -> Fields:
    """Write a container that runs Feast on a store's repository."""
    mounts = [{"name": "repository", "mount_path": REPOSITORY, "read_only": True}, *more.pop("volume_mounts", [])]
    return {"name": name, "image": IMAGE, "command": command, "env": variables, "volume_mounts": mounts, **more}


def volume(config: Input[str]) -> Fields:
    """Mount a store's repository."""
    return {"name": "repository", "config_map": {"name": config}}


def group(name: str, spec: FeatureGroupSpec, tags: Mapping[str, str]) -> dict[str, Any]:
    """Write a feature group down as data, which ``jobs/features.py`` turns into Feast's objects."""
    platform = spec.store.platform
    return {
        "store": spec.store.name,
        "view": view_name(name),
        "keys": spec.keys,
        "event_time": spec.event_time,
        "features": dict(spec.features),
        "online": spec.online is not None,
        "offline": spec.offline is not None,
        "ttl_hours": spec.online.ttl_hours if spec.online else None,
        "description": spec.description,
        "tags": dict(tags),
        "location": location(platform, spec.store.name, name),
        "endpoint": PlatformAddress.of(platform).store.url,
    }
