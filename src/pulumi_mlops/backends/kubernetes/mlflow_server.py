"""An MLflow server of our own, with its database, its keys and its ways; and the Jobs that set something up in it.

A model registry has one, and so has a tracker.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import access, database, mlflow, tracking, trust
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress
from pulumi_mlops.backends.kubernetes.gateway import Gateway
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    after,
    disruption_budget,
    mark_of,
    once,
    program,
    resources,
    secret,
    secret_variable,
)
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import content_name

_REPLICAS = {"dev": 1, "staging": 1, "prod": 2}
_SETTINGS, _SCRIPT, _FOLDER = "settings.json", "registry.py", "/etc/mlops"
_SETUP_SECONDS = 900


@dataclass(frozen=True)
class Kind:
    """What a server is for."""

    part: str
    """What its objects are called, after the component's name."""
    label: str
    """The label of the Jobs that work on it."""

    def of(self, component: str) -> dict[str, str]:
        """Return the label of those that work on the server of a component."""
        return {self.label: component}


@dataclass(frozen=True)
class Served:
    """A server that is there."""

    kind: Kind
    name: str
    """Of its Service, its Deployment, and the Secret with its keys."""
    deployment: k8s.apps.v1.Deployment
    keys: k8s.core.v1.Secret
    url: str
    """Where it is called: at the gateway where it is published."""
    inside: str
    """Where pods of the cluster call it."""
    door: Door
    native: dict[str, pulumi.Resource]

    def let_in(self, app: App) -> list[pulumi.Resource]:
        """Let the Jobs that work on it reach it."""
        way = Door(self.kind.part, tracking.PORT, app.selector)
        return access.call(app, "setup", self.kind.of(app.scope.name), [way])


def serve(
    app: App,
    platform: PlatformRef,
    kind: Kind,
    artifacts: str,
    *,
    published: bool,
    callers: Sequence[Fields] = (),
    ways: Callable[[], Sequence[pulumi.Resource]] = list,
) -> Served:
    """Make database and server, and what leads to both.

    :param artifacts: the folder of the object store in which it keeps files.
    :param callers: who else reaches it, as peers of a network policy.
    :param ways: makes further ways out, which are there before the server starts.
    """
    scope, name = app.scope, app.name(kind.part)
    account = access.identity(app, kind.part)
    postgres = database.postgres(app, platform, kind.part)
    keys = secret(app, kind.part, _keys(scope), opts=scope.guarded())
    gateway = Gateway.of(platform) if published else None
    env = mlflow.variables(platform, keys.metadata.name, postgres.variables)
    peers = [*(access.namespace(space) for space in (gateway.proxies if gateway else ())), *callers]
    opened: list[pulumi.Resource] = [
        *access.call(app, kind.part, app.selector, [postgres.door, access.store_door(platform)]),
        *([access.listen(app, "callers", app.selector, tracking.PORT, peers)] if peers else []),
        *ways(),
    ]
    replicas = _REPLICAS[scope.profile.name]
    k8s.core.v1.Service(
        scope.child(kind.part),
        metadata=app.metadata(name),
        spec={
            "selector": app.selector,
            "ports": [{"name": "http", "port": tracking.PORT, "target_port": "http"}],
        },
        opts=scope.opts,
    )
    if replicas > 1:
        disruption_budget(app, name, app.selector)
    mounts = trust.mounts(platform)
    hosts = mlflow.hosts(app, name, gateway.host(scope.name) if gateway else None)
    pages = mlflow.origins(app, name, gateway.url(scope.name) if gateway else None)
    server = k8s.apps.v1.Deployment(
        scope.child(f"{kind.part}-server"),
        metadata=app.metadata(name),
        spec={
            "replicas": replicas,
            "selector": {"match_labels": app.selector},
            "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
            "template": app.pod(
                mlflow.server(artifacts, hosts, pages, env, mounts),
                first=mlflow.first(keys.metadata.name, env, mounts),
                volumes=trust.volumes(platform),
                account=account.metadata.name,
                annotations={"keys": mark_of(keys), **PlatformAddress.of(platform).logins},
                spread=True,
            ),
        },
        opts=after(scope.opts, *postgres.needs, *opened),
    )
    native: dict[str, pulumi.Resource] = {"server": server, "keys": keys}
    if gateway:
        native["route"] = gateway.route(app, name, mlflow.rules(name), opts=scope.opts)
    inside = f"http://{app.host(name)}:{tracking.PORT}"
    return Served(
        kind=kind,
        name=name,
        deployment=server,
        keys=keys,
        url=gateway.url(scope.name) if gateway else inside,
        inside=inside,
        door=Door(scope.name, tracking.PORT, app.selector),
        native=native,
    )


def _keys(scope: Scope) -> dict[str, Input[str]]:
    """Make the server's secrets. A webhook's key is 32 bytes in base64, as Fernet wants them."""

    # What the database remembers lives as long as that: where it is protected, so are they.
    def made(part: str, length: int) -> Output[str]:
        return random.RandomPassword(scope.child(part), length=length, special=False, opts=scope.guarded()).result

    fernet = made("webhook-key", 32).apply(lambda text: base64.urlsafe_b64encode(text.encode()).decode())
    return {
        "username": "admin",
        "password": made("admin-password", 32),
        "session": made("session-key", 32),
        "webhooks": fernet,
        "signature": made("signature-key", 32),
    }


def password(app: App, part: str) -> Output[str]:
    """Make the password of a user."""
    made = random.RandomPassword(app.scope.child(f"{part}-password"), length=32, special=False, opts=app.scope.opts)
    return made.result


def setup(
    app: App,
    part: str,
    member: Mapping[str, str],
    server: Input[str],
    settings: Mapping[str, Any],
    *,
    passwords: Sequence[Fields] = (),
    content: Mapping[str, Any] | None = None,
    mark: Input[str] | None = None,
    guard: ResourceOptions | None = None,
    opts: ResourceOptions,
) -> tuple[k8s.batch.v1.Job, k8s.core.v1.ConfigMap]:
    """Run the job that brings the server to what the program says, once for each content.

    :param member: the label by which the server lets the Job in.
    :param content: the settings whose change runs it again; all of them unless told.
    :param mark: another one when a password is another, which runs it again as well.
    """
    scope = app.scope
    other = replace(app, kind="mlflow-setup")
    script = program(_SCRIPT)
    address = Output.format("http://{0}:{1}", server, tracking.PORT)
    text = Output.json_dumps({"url": address, **settings}, sort_keys=True)
    config = k8s.core.v1.ConfigMap(
        scope.child(f"{part}-settings"),
        metadata=other.metadata(app.name(part)),
        data={_SCRIPT: script, _SETTINGS: text},
        opts=guard or scope.opts,
    )
    container: Fields = {
        "name": "setup",
        "image": PYTHON,
        "command": ["python", f"{_FOLDER}/{_SCRIPT}", f"{_FOLDER}/{_SETTINGS}"],
        "env": [
            secret_variable("ADMIN_PASSWORD", server, "password"),
            secret_variable("WEBHOOK_SECRET", server, "signature"),
            *passwords,
        ],
        "resources": resources("100m", "128Mi"),
        "volume_mounts": [{"name": "settings", "mount_path": _FOLDER, "read_only": True}],
    }
    judged = text if content is None else Output.json_dumps({"url": address, **content}, sort_keys=True)
    name = Output.all(judged, mark).apply(
        lambda known: content_name(
            app.name(part), [known[0], script, container["command"], PYTHON, *([known[1]] if known[1] else [])]
        )
    )
    job = k8s.batch.v1.Job(
        scope.child(part),
        metadata=other.job_metadata(name),
        spec={
            "backoff_limit": 6,
            "active_deadline_seconds": _SETUP_SECONDS,
            "template": other.pod(
                container,
                volumes=[{"name": "settings", "config_map": {"name": config.metadata.name}}],
                labels=member,
                restart_policy="OnFailure",
            ),
        },
        opts=once(opts),
    )
    return job, config
