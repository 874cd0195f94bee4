"""A Postgres database for a part that needs one: a CloudNativePG cluster of its own, or one on the user's server."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi import Input

from pulumi_mlops.backends.kubernetes import access, live, outside, trust, waiting
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, custom, gibibytes, resources, secret_variable
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.naming import physical

IMAGE = "ghcr.io/cloudnative-pg/postgresql:17.6"
_API = "postgresql.cnpg.io/v1"
_READY_MINUTES = 15
_PATIENCE_SECONDS = 15
"""How long a Postgres that is told to end refuses new connections and waits until those that it has are closed. Servers
keep theirs open, so a database whose node is drained is away for all of it; the operator's default is 180."""
_NAME_LIMIT = 63  # of Postgres, which cuts what is longer in silence
_PORT = 5432
_STATUS_PORT = 8000
_OPERATOR_NAMESPACE = "cnpg-system"


@dataclass(frozen=True)
class Postgres:
    """A database, and how to connect to it."""

    variables: Sequence[Fields]
    """Environment variables of a container; ``DB_URI`` is an address that begins with ``postgresql://``."""
    door: Door
    needs: Sequence[Input[pulumi.Resource]]
    """What must be there before somebody connects."""
    cluster: pulumi.Resource | None = None
    """What the operator runs, where it is one of our own."""


def database_name(platform: PlatformRef, component: str, part: str) -> str:
    """Name a database on the user's server, where it has to be there."""
    return physical(platform.name, platform.stage, component, part, limit=_NAME_LIMIT, separator="_")


def postgres(app: App, platform: PlatformRef, part: str, *, disk_gb: int = 10) -> Postgres:
    """Give one part of a component a database; one of our own is protected where the stage says so."""
    given = PlatformAddress.of(platform).database
    if given:
        name = database_name(platform, app.scope.name, part)
        app.scope.say(f"expects database {name!r} on {given.host}, owned by the user that the platform was given")
        host = f"[{given.host}]" if ":" in given.host else given.host
        address = f"postgresql://$(DB_USERNAME):$(DB_PASSWORD)@{host}:{given.port}/{name}"
        variables = [
            secret_variable("DB_USERNAME", given.secret, "username"),  # both as they must be within an address
            secret_variable("DB_PASSWORD", given.secret, "password"),
            {"name": "DB_URI", "value": f"{address}?{trust.mode(given.tls, own=given.ca is not None)}"},
        ]
        server = f"postgresql://{host}:{given.port}"
        return Postgres(variables, outside.door("database", server, outside.Around.of(platform)), [])
    return _own(app, platform, part, disk_gb)


def _own(app: App, platform: PlatformRef, part: str, disk_gb: int) -> Postgres:
    """Have the operator run a cluster (https://cloudnative-pg.io/documentation/current/)."""
    scope, name = app.scope, app.name(f"{part}-db")
    cluster = custom(
        scope.child(f"{part}-db"),
        _API,
        "Cluster",
        metadata=app.metadata(name),
        spec={
            "instances": 3 if scope.profile.protect else 1,
            "imageName": IMAGE,
            "storage": {"size": gibibytes(disk_gb)},
            "bootstrap": {"initdb": {"database": part, "owner": part}},
            "enablePDB": scope.profile.protect,
            "enableSuperuserAccess": False,
            "primaryUpdateStrategy": "unsupervised",
            "smartShutdownTimeout": _PATIENCE_SECONDS,
            "seccompProfile": {"type": "RuntimeDefault"},
            "resources": resources("250m", "512Mi"),
        },
        opts=scope.guarded(),
    )
    there = waiting.ready(
        scope, cluster, waiting.Watched(platform, _API, "clusters", name, "cnpg.io/cluster", _READY_MINUTES)
    )
    instances = {"cnpg.io/cluster": name}
    inside = access.ports(_STATUS_PORT, _PORT)
    context = live.context_of(platform)
    # The operator asks each instance how it is; instances copy from each other and write their state to the API.
    access.allow(
        app,
        f"{part}-db",
        instances,
        ingress=[{"from_": [access.namespace(_OPERATOR_NAMESPACE), access.pods(instances)], "ports": inside}],
        egress=[{"to": [access.pods(instances)], "ports": inside}, *access.api_server(context)],
    )
    access.reach_api_server(app, f"{part}-db", instances, context)
    return Postgres(
        [secret_variable("DB_URI", f"{name}-app", "uri")], Door(f"{part}-db", _PORT, instances), [there], cluster
    )
