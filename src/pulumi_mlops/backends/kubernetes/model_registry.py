"""ModelRegistry and Model on Kubernetes: an MLflow server, its database and users, and what is in it."""

import base64
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import access, database, mlflow, tracking
from pulumi_mlops.backends.kubernetes.addresses import Door, ModelAddress, ModelRegistryAddress, ModelVersionAddress
from pulumi_mlops.backends.kubernetes.gateway import Gateway
from pulumi_mlops.backends.kubernetes.objects import (
    NAMESPACE,
    PYTHON,
    App,
    Fields,
    after,
    content_name,
    disruption_budget,
    program,
    resources,
    secret,
    secret_variable,
)
from pulumi_mlops.components.model import ModelRef, ModelSpec, ModelVersionRef
from pulumi_mlops.components.model_registry import ModelRegistryRef, ModelRegistrySpec
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.inputs import is_deferred

READER = "reader"
"""The user by whom consumers read; every user may read everything."""
MEMBER = "pulumi-mlops/registry"
"""The label of the Jobs that work on a registry."""
_REPLICAS = {"dev": 1, "staging": 1, "prod": 2}
_SETTINGS, _SCRIPT, _FOLDER = "settings.json", "registry.py", "/etc/mlops"
_SETUP_SECONDS = 900
_USER = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
_URL = re.compile(r"https?://[^\s/]+\S*")


def model_registry(scope: Scope, spec: ModelRegistrySpec) -> ModelRegistryRef:
    """Make database and server, then a Job that makes users and webhooks."""
    platform = spec.platform
    consumers = platform.consumers if spec.consumers is None else spec.consumers
    app = access.app_of(scope, platform, "mlflow")
    name = app.name("mlflow")
    account = access.identity(app, "mlflow")
    postgres = database.postgres(app, platform, "mlflow")
    keys = secret(app, "mlflow", _keys(scope))
    gateway = Gateway.of(platform)
    public = gateway.host(scope.name) if gateway else None
    env = mlflow.variables(platform, keys.metadata.name, postgres.variables)
    callers = [access.namespace(space) for space in [*(gateway.proxies if gateway else ()), *consumers]]
    opened: list[pulumi.Resource] = [
        *access.call(app, "mlflow", app.selector, [postgres.door, access.store_door(platform)]),
        *([access.listen(app, "callers", app.selector, tracking.PORT, callers)] if callers else []),
        *_ways_to(app, spec),
    ]
    replicas = _REPLICAS[scope.stage]
    k8s.core.v1.Service(
        scope.child("mlflow"),
        metadata=app.metadata(name),
        spec={
            "selector": app.selector,
            "ports": [{"name": "http", "port": tracking.PORT, "target_port": "http"}],
        },
        opts=scope.opts,
    )
    if replicas > 1:
        disruption_budget(app, name, app.selector)
    container = mlflow.server(mlflow.artifacts(platform, scope.name), mlflow.hosts(app, public), env)
    server = k8s.apps.v1.Deployment(
        scope.child("mlflow-server"),
        metadata=app.metadata(name),
        spec={
            "replicas": replicas,
            "selector": {"match_labels": app.selector},
            "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
            "template": app.pod(
                container, first=mlflow.first(keys.metadata.name, env), account=account.metadata.name, spread=True
            ),
        },
        opts=after(scope.opts, *postgres.needs, *opened),
    )
    native: dict[str, pulumi.Resource] = {"server": server, "keys": keys}
    if gateway:
        rules: list[Fields] = [{"backendRefs": [{"name": name, "port": tracking.PORT}]}]
        native["route"] = gateway.route(app, name, rules, opts=scope.opts)
    users = {user: _user(app, user) for user in [*spec.approvers, *[READER] * bool(consumers)]}
    for consumer in consumers:
        access.grant(
            app,
            f"consumer-{consumer}",
            [access.rule("", "secrets", ["get"], [app.name(f"user-{READER}")])],
            [access.accounts_in(consumer)],
        )
    hooks = [{"name": f"mlops-{short}", "url": notice.to} for short, notice in sorted(spec.events.items())]
    settings = {
        "users": [
            {"name": user, "password": _variable(user), "role": "approver" if user in spec.approvers else READER}
            for user in users
        ],
        "webhooks": hooks,
    }
    passwords = [secret_variable(_variable(user), found, "password") for user, found in users.items()]
    member = {MEMBER: scope.name}
    way = access.call(app, "setup", member, [Door("mlflow", tracking.PORT, app.selector)])
    setup, _ = _setup(
        app, "registry", scope.name, name, settings, passwords=passwords, opts=after(scope.opts, server, *way)
    )
    native["setup"] = setup
    # Models take the name from here: known when the server has its users.
    ready = Output.all(server.metadata.name, setup.id).apply(lambda known: str(known[0]))
    return ModelRegistryRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        approvers=spec.approvers,
        consumers=consumers,
        address=ModelRegistryAddress(
            server=ready,
            url=gateway.url(scope.name) if gateway else f"http://{app.host(name)}",
            door=Door(scope.name, tracking.PORT, app.selector),
        ).plain(),
        native=native,
    )


def _keys(scope: Scope) -> dict[str, Input[str]]:
    """Make the server's secrets. A webhook's key is 32 bytes in base64, as Fernet wants them."""

    def made(part: str, length: int) -> Output[str]:
        return random.RandomPassword(scope.child(part), length=length, special=False, opts=scope.opts).result

    fernet = made("webhook-key", 32).apply(lambda text: base64.urlsafe_b64encode(text.encode()).decode())
    return {
        "username": "admin",
        "password": made("admin-password", 32),
        "session": made("session-key", 32),
        "webhooks": fernet,
        "signature": made("signature-key", 32),
    }


def _user(app: App, user: str) -> Input[str]:
    """Keep the login of a user where whoever is that user may read it."""
    part = f"user-{user}"
    password = random.RandomPassword(
        app.scope.child(f"{part}-password"), length=32, special=False, opts=app.scope.opts
    ).result
    return secret(app, part, {"username": user, "password": password}).metadata.name


def _variable(user: str) -> str:
    return f"USER_{user.upper().replace('-', '_')}"


def _ways_to(app: App, spec: ModelRegistrySpec) -> list[pulumi.Resource]:
    """Let the server reach whoever is told of approvals; of an address that is not known yet, by http and https."""
    ports: set[int] = set()
    for notice in spec.events.values():
        if is_deferred(notice.to):
            ports |= {80, 443}
        else:
            ports.add(access.port_of(str(notice.to)))
    return [access.allow(app, "events", app.selector, egress=[access.anywhere(*sorted(ports))])] if ports else []


def _setup(
    app: App,
    part: str,
    registry: str,
    server: Input[str],
    settings: Mapping[str, Any],
    *,
    passwords: Sequence[Fields] = (),
    guard: ResourceOptions | None = None,
    opts: ResourceOptions,
) -> tuple[k8s.batch.v1.Job, k8s.core.v1.ConfigMap]:
    """Run the job that brings the server to what the program says, once for each content."""
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
    name = text.apply(lambda known: content_name(app.name(part), [known, script, container["command"], PYTHON]))
    job = k8s.batch.v1.Job(
        scope.child(part),
        metadata=other.metadata(name),
        spec={
            "backoff_limit": 6,
            "active_deadline_seconds": _SETUP_SECONDS,
            "template": other.pod(
                container,
                volumes=[{"name": "settings", "config_map": {"name": config.metadata.name}}],
                labels={MEMBER: registry},
                restart_policy="OnFailure",
            ),
        },
        opts=opts,
    )
    return job, config


def model(scope: Scope, spec: ModelSpec) -> ModelRef:
    """Write the model down, and have it made; versions are never touched, and stay when the program forgets it."""
    registry = spec.registry
    platform = registry.platform
    app = access.app_of(scope, platform, "mlflow-setup")
    wanted = {
        "name": scope.name,
        "description": spec.description,
        "tags": {**spec.metadata, **scope.tags},
    }
    job, config = _setup(
        app,
        "model",
        registry.name,
        ModelRegistryAddress.of(registry).server,
        {"models": [wanted]},
        guard=scope.guarded(spec.protect),
        opts=scope.opts,
    )
    return ModelRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        gate=spec.gate,
        address=ModelAddress(model=scope.name, registry=registry.name).plain(),
        native={"definition": config, "setup": job},
    )


def approved(model: ModelRef) -> ModelVersionRef | None:
    """Return the newest approved version whose metrics pass the gate."""
    with contextlib.closing(tracking.approved(model)) as versions:
        for found in versions:
            short = missed(model.gate, found.metrics)
            if not short:
                return _ref(model, found)
            pulumi.log.warn(
                f"Model {model.name!r}: version {found.number} is approved but misses its gate ({'; '.join(short)}); "
                "looking at the one before"
            )
    return None


def version(model: ModelRef, number: int) -> ModelVersionRef:
    """Return one version, which has to be there: where its files are is known to the registry alone."""
    if private.mocked():
        return _ref(model, tracking.Version(number, {}, f"mlflow-artifacts:/{model.name}/{number}", None))
    found = tracking.version(model, number)
    if found is None:
        raise MlopsError(
            f"Model {model.name!r} has no version {number} in registry {ModelAddress.of(model).registry!r} yet"
        )
    return _ref(model, found)


def _ref(model: ModelRef, found: tracking.Version) -> ModelVersionRef:
    # A server that keeps the files itself gives addresses of its own, relative to its folder in the object store.
    folder = mlflow.artifacts(model.platform, ModelAddress.of(model).registry)
    uri = found.source.replace("mlflow-artifacts:", folder, 1)
    return ModelVersionRef(
        name=model.name,
        backend="kubernetes",
        platform=model.platform,
        version=found.number,
        address=ModelVersionAddress(uri=uri, image=found.image).plain(),
    )


def registry_problems(spec: ModelRegistrySpec) -> Iterator[Problem]:
    """Judge a registry."""
    for short, notice in spec.events.items():
        if not is_deferred(notice.to) and not _URL.fullmatch(str(notice.to)):
            yield Problem(f"events.{short}.to", f"{notice.to!r} is not an http or https address")
    for user in spec.approvers:
        if not _USER.fullmatch(user) or user in ("admin", READER):
            yield Problem(
                "approvers",
                f"{user!r} must be at most 30 lower-case letters, digits and hyphens, neither 'admin' nor {READER!r}",
            )
    for consumer in spec.consumers or []:
        if not NAMESPACE.fullmatch(consumer):
            yield Problem("consumers", f"{consumer!r} is not the name of a namespace")
