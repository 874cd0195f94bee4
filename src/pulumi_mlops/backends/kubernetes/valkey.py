"""Valkey, which answers in Redis's protocol: the online store of features."""

from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes.addresses import Door
from pulumi_mlops.backends.kubernetes.objects import (
    App,
    Fields,
    resources,
    secret,
    secret_variable,
)
from pulumi_mlops.core.content import content_name

_IMAGE = "docker.io/valkey/valkey:9.1.2"  # since 9.0 a feature can expire
_PORT = 6379
_MEMORY_GB = {"dev": 1, "staging": 2, "prod": 8}
_DISK_GB = {"dev": 5, "staging": 10, "prod": 40}
_CONFIGURATION = "/etc/valkey"
_PASSWORD = "password"  # noqa: S105 (the name of a key)


@dataclass(frozen=True)
class Valkey:
    """A server, and how to connect to it."""

    host: str
    port: int
    secret: str
    """The Secret that has the password, under the key ``password``."""
    door: Door
    server: pulumi.Resource
    mark: Output[str]
    """Another one when the password is another."""


def valkey(app: App, part: str, account: Input[str]) -> Valkey:
    """Run one server with its disk: what is acknowledged is on the disk within a second (``appendonly``).

    It takes no more rows when its memory is full, rather than forgetting some (https://valkey.io/topics/lru-cache/).
    """
    scope, name = app.scope, app.name(part)
    app = replace(app, kind="valkey")
    # Two small letters: Feast reads what looks like a number as one, and then it is another password.
    password = random.RandomPassword(
        scope.child(f"{part}-password"), length=40, special=False, min_lower=2, opts=scope.opts
    ).result
    memory_gb = _MEMORY_GB[scope.profile.name]
    settings = {
        "port": str(_PORT),
        "dir": "/data",
        "appendonly": "yes",
        "maxmemory": f"{memory_gb * 768}mb",  # three quarters: rewriting the file on the disk takes memory as well
        "maxmemory-policy": "noeviction",
    }
    lines = "".join(f"{key} {value}\n" for key, value in settings.items())
    configuration = Output.format("{0}requirepass {1}\n", lines, password)
    keys = secret(app, part, {_PASSWORD: password, "valkey.conf": configuration})
    k8s.core.v1.Service(
        scope.child(part),
        metadata=app.metadata(name),
        spec={
            "cluster_ip": "None",
            "selector": app.selector,
            "ports": [{"name": "valkey", "port": _PORT, "target_port": "valkey"}],
        },
        opts=scope.opts,
    )
    mark = Output.unsecret(keys.data.apply(lambda data: content_name("settings", data or {})))
    configured = {"name": "settings", "secret": {"secret_name": keys.metadata.name}}
    server = k8s.apps.v1.StatefulSet(
        scope.child(f"{part}-server"),
        metadata=app.metadata(name),
        spec={
            "service_name": name,
            "replicas": 1,
            "selector": {"match_labels": app.selector},
            "template": app.pod(
                _container(name, memory_gb), volumes=[configured], account=account, annotations={"settings": mark}
            ),
            "volume_claim_templates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "access_modes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": f"{_DISK_GB[scope.profile.name]}Gi"}},
                    },
                }
            ],
        },
        opts=scope.guarded(),
    )
    return Valkey(app.host(name), _PORT, name, Door("valkey", _PORT, app.selector), server, mark)


def _container(password: str, memory_gb: int) -> Fields:
    # It answers LOADING while it reads its file: a port that is open is not enough.
    answers = {"exec_": {"command": ["/bin/sh", "-ec", "valkey-cli ping | grep -qx PONG"]}, "timeout_seconds": 5}
    return {
        "name": "valkey",
        "image": _IMAGE,
        "command": ["valkey-server", f"{_CONFIGURATION}/valkey.conf"],
        "env": [secret_variable("REDISCLI_AUTH", password, _PASSWORD)],
        "ports": [{"name": "valkey", "container_port": _PORT}],
        "startup_probe": {**answers, "period_seconds": 5, "failure_threshold": 120},
        "readiness_probe": {**answers, "period_seconds": 10},
        "liveness_probe": {"tcp_socket": {"port": "valkey"}, "period_seconds": 20},
        "resources": resources("250m", f"{memory_gb}Gi"),
        "volume_mounts": [
            {"name": "data", "mount_path": "/data"},
            {"name": "settings", "mount_path": _CONFIGURATION, "read_only": True},
        ],
    }
