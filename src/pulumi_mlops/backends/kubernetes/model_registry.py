"""ModelRegistry and Model on Kubernetes: an MLflow server, its database and users, and what is in it."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, gateway, mlflow, mlflow_server, outside, tracking
from pulumi_mlops.backends.kubernetes.addresses import (
    ModelAddress,
    ModelRegistryAddress,
    ModelVersionAddress,
)
from pulumi_mlops.backends.kubernetes.objects import (
    App,
    Fields,
    after,
    mark_of,
    secret,
    secret_variable,
)
from pulumi_mlops.components.model import ModelRef, ModelSpec, ModelVersionRef, no_version
from pulumi_mlops.components.model_registry import ModelRegistryRef, ModelRegistrySpec
from pulumi_mlops.core import principals, private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical

READER = "reader"
"""The user by whom consumers read; every user may read everything."""
REGISTRY = mlflow_server.Kind("mlflow", "pulumi-mlops/registry")
"""The server of a registry."""
_USER_CHARACTERS = 30
_USER = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
_URL = re.compile(r"https?://[^\s/]+\S*")


def model_registry(scope: Scope, spec: ModelRegistrySpec) -> ModelRegistryRef:
    """Make database and server, then a Job that makes users and webhooks."""
    platform = spec.platform
    consumers = [access.caller(index, who) for index, who in enumerate(spec.readers)]
    approvers = _approvers(spec)
    app = access.app_of(scope, platform, "mlflow")
    callers = [peer for one in [*consumers, *(login.caller for login in approvers)] for peer in one.peers]
    made = mlflow_server.serve(
        app,
        platform,
        REGISTRY,
        mlflow.artifacts(platform, scope.name),
        published=spec.published,
        callers=callers,
        ways=lambda: _ways_to(app, spec),
    )
    native: dict[str, pulumi.Resource] = made.native
    users = {login.short: _user(app, login.short, login.name) for login in approvers}
    if consumers:
        users[READER] = _user(app, READER, READER)
    for consumer in consumers:
        _may_log_in(app, f"consumer-{consumer.word}", READER, consumer)
    for login in approvers:
        if login.reads_it:
            _may_log_in(app, f"approver-{login.short}", login.short, login.caller)
    hooks = [{"name": f"mlops-{short}", "url": _hook(short)} for short in sorted(spec.events)]
    settings = {
        "users": [
            {"name": name, "password": _variable(short), "role": role}
            for short, name, role in [
                *((login.short, login.name, "approver") for login in approvers),
                *[(READER, READER, READER)] * bool(consumers),
            ]
        ],
        "webhooks": hooks,
    }
    passwords = [secret_variable(_variable(user), found.metadata.name, "password") for user, found in users.items()]
    addresses = {short: notice.to for short, notice in sorted(spec.events.items())}
    # Such an address often has a token in it.
    told = [secret(app, "webhooks", addresses)] if addresses else []
    passwords += [secret_variable(_hook(short), one.metadata.name, short) for one in told for short in addresses]
    setup, _ = mlflow_server.setup(
        app,
        "registry",
        REGISTRY.of(scope.name),
        made.name,
        settings,
        passwords=passwords,
        mark=mark_of(made.keys, *users.values(), *told),
        opts=after(scope.opts, made.deployment, *made.let_in(app)),
    )
    native["setup"] = setup
    # Models take the name from here: known when the server has its users.
    ready = Output.all(made.deployment.metadata.name, setup.id).apply(lambda known: str(known[0]))
    return ModelRegistryRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        approvers=principals.plain(spec.approvers),
        consumers=principals.plain(spec.readers),
        address=ModelRegistryAddress(
            server=ready,
            url=made.url,
            door=made.door,
        ).plain(),
        native=native,
    )


@dataclass(frozen=True)
class _Login:
    """A user of the registry who approves."""

    short: str
    """What its objects are called."""
    name: Input[str]
    """Its name in the registry."""
    caller: access.Caller
    reads_it: bool
    """Whether it is somebody of the cluster, who reads the login there."""


def _approvers(spec: ModelRegistrySpec) -> list[_Login]:
    """Return the users who approve: those that are named, and one for each account of the cluster."""
    found = []
    for index, who in enumerate(spec.approvers):
        caller = access.caller(index, who)
        if who.kind == "user":
            found.append(_Login(caller.word, who.value, replace(caller, subjects=[]), reads_it=False))
        else:
            short = physical(caller.word, limit=_USER_CHARACTERS)
            found.append(_Login(short, short, caller, reads_it=True))
    return found


def _may_log_in(app: App, part: str, user: str, caller: access.Caller) -> None:
    """Let somebody of the cluster read the login of a user."""
    access.grant(app, part, [access.rule("", "secrets", ["get"], [app.name(f"user-{user}")])], caller.subjects)


def _user(app: App, user: str, name: Input[str]) -> k8s.core.v1.Secret:
    """Keep the login of a user where whoever is that user may read it."""
    part = f"user-{user}"
    return secret(app, part, {"username": name, "password": mlflow_server.password(app, part)})


def _variable(user: str) -> str:
    return f"USER_{user.upper().replace('-', '_')}"


def _hook(short: str) -> str:
    return f"WEBHOOK_{short.upper().replace('-', '_')}"


def _ways_to(app: App, spec: ModelRegistrySpec) -> list[pulumi.Resource]:
    """Let the server reach whoever is told of approvals; of an address that is not known yet, by http and https."""
    around = outside.Around.of(spec.platform)
    rules: list[Fields] = []
    for _, notice in sorted(spec.events.items()):
        if is_deferred(notice.to):
            numbers = (80, 443)
            ranges = {"to": access.blocks(around.cidrs), "ports": access.ports(*numbers)}
            rule = ranges if around.cidrs else access.anywhere(*numbers)
        else:
            rule = access.way_out(outside.door("receiver", str(notice.to), around))
        rules += [] if rule in rules else [rule]
    return [access.allow(app, "events", app.selector, egress=rules)] if rules else []


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
    job, config = mlflow_server.setup(
        app,
        "model",
        REGISTRY.of(registry.name),
        ModelRegistryAddress.of(registry).server,
        {"models": [wanted]},
        # Tags of the platform come along with the next change: another owner runs no Job.
        content={"models": [{**wanted, "tags": {**spec.metadata, **spec.tags}}]},
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
        return _ref(
            model, tracking.Version(number, {}, f"mlflow-artifacts:/{ModelAddress.of(model).model}/{number}", None)
        )
    found = tracking.version(model, number)
    if found is None:
        raise no_version(model, number, f"registry {ModelAddress.of(model).registry!r}")
    return _ref(model, found)


def _ref(model: ModelRef, found: tracking.Version) -> ModelVersionRef:
    # A server that keeps the files itself gives addresses of its own, relative to its folder in the object store.
    uri = found.source.replace("mlflow-artifacts:", _folder(model, found), 1)
    return ModelVersionRef(
        name=model.name,
        backend="kubernetes",
        platform=model.platform,
        version=found.number,
        files=uri if uri.endswith("/") else f"{uri}/",
        image=found.image,
        digest=found.image.partition("@")[2] or None if found.image else None,
        flavour="mlflow",
        record=found.record,
        address=ModelVersionAddress(uri=uri, image=found.image).plain(),
    )


def _folder(model: ModelRef, found: tracking.Version) -> str:
    """Return the folder in which the server of a model's registry keeps files."""
    address = ModelAddress.of(model)
    if address.door is None:
        return mlflow.artifacts(model.platform, address.registry)
    if address.files is None and found.source.startswith("mlflow-artifacts:"):
        told = (
            f"is required: version {found.number} of {model.name!r} is at {found.source}, in a folder that only the "
            "server knows; write ModelRegistry.existing(…, files='s3://…')"
        )
        raise InvalidArgs("ModelRegistry", address.registry, [Problem("files", told)])
    return (address.files or "").rstrip("/")


def registry_problems(spec: ModelRegistrySpec) -> Iterator[Problem]:
    """Judge a registry."""
    for short, notice in spec.events.items():
        if not is_deferred(notice.to) and not _URL.fullmatch(str(notice.to)):
            yield Problem(f"events.{short}.to", f"{notice.to!r} is not an http or https address")
    if spec.platform.private:
        told = {f"events.{short}.to": notice.to for short, notice in spec.events.items()}
        yield from outside.named(told, outside.Around.of(spec.platform))
    if spec.published:
        yield from gateway.published_problems("published", spec.platform)
    yield from access.principal_problems("consumers", spec.consumers or [], ("namespace", "service_account"))
    yield from access.principal_problems("approvers", spec.approvers, ("user", "service_account"))
    for index, who in enumerate(spec.approvers):
        user = None if is_deferred(who.value) or who.kind != "user" else str(who.value)
        if user is not None and (not _USER.fullmatch(user) or user in ("admin", READER)):
            yield Problem(
                f"approvers[{index}].user",
                f"{user!r} must be at most {_USER_CHARACTERS} lower-case letters, digits and hyphens, neither 'admin' "
                f"nor {READER!r}",
            )
    names = [login.short for login in _approvers(spec)]
    if twins := sorted({name for name in names if names.count(name) > 1}):
        yield Problem("approvers", f"two of them are user {', '.join(map(repr, twins))} of the registry; rename one")
