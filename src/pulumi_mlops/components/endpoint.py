"""Endpoint: a model behind an address."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops import bridges
from pulumi_mlops.components.endpoint_ref import CapturedView, EndpointRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView, OnlineView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Component, Scope
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.existing import Existing, take_over
from pulumi_mlops.core.inputs import Flag, In, Needs, Number, OneOf, Spec, Whole, earlier, given, refuse
from pulumi_mlops.core.principals import Principals
from pulumi_mlops.core.refs import Either, Given, Of, SecretRef
from pulumi_mlops.core.schedules import Schedule
from pulumi_mlops.core.workload import (
    FEATURES,
    HEALTH,
    OURS,
    PORT,
    SECRET,
    Grant,
    Image,
    Key,
    Place,
    Workload,
    taken,
    twins,
    variable,
)

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.endpoint import EndpointArgs, ExistingEndpointArgs

_VARIANT_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAIN = "main"
"""The name of the only variant of an endpoint that does not name its own."""
SHADOW = "shadow"
"""The name of the part that serves the shadow."""
ANSWER_SECONDS = 60
"""How long an answer may take on every backend."""


def _same_as_min(data: Mapping[str, Any]) -> int:
    low = data.get("min")
    return low if isinstance(low, int) and low >= 1 else 1


def _at_least_min(value: int, info: ValidationInfo) -> int:
    low = info.data.get("min")
    if low is not None and value < low:
        raise refuse(f"{value} is below min ({low}); write at least {low}")
    return value


def _no_twins(names: list[str]) -> None:
    if twins := sorted({name for name in names if names.count(name) > 1}):
        raise refuse(f"{', '.join(map(repr, twins))} stands here twice; give each a name of its own")


class Serve(Spec):
    """The container that serves versions of the registry or an image of your own; any change of it is a release."""

    image: In[str] | None = None
    """The image that serves versions of the registry; the default is the backend's own model server. Where the model
    is an image with files, its image stands in ``model``."""
    command: Annotated[list[In[str]] | None, Needs("endpoint.serve.command")] = None
    """The program and its arguments, instead of those of the image."""
    port: Annotated[Whole, Field(ge=1024, le=65535), Needs("endpoint.serve.port", lambda port: port != PORT)] = PORT
    """Where the container listens."""
    health: Annotated[str | None, Needs("endpoint.serve.health", lambda path: path not in (None, HEALTH))] = None
    """The path that answers with 200 when the container is ready, such as ``/health``; the default is the backend's own
    check. ``/ping`` is a path that every backend can ask for."""
    startup_minutes: Annotated[Annotated[Whole, Field(ge=1, le=60)] | None, Needs("endpoint.serve.startup", given)] = (
        None
    )
    """Minutes that a container may take to load its model and be ready; the default is the backend's own bound."""
    timeout_seconds: Annotated[
        Annotated[Whole, Field(ge=1, le=3600)], Needs("endpoint.serve.timeout", lambda most: most > ANSWER_SECONDS)
    ] = ANSWER_SECONDS
    """Seconds that an answer may take."""
    shared_memory_gb: Annotated[Annotated[Number, Field(gt=0)] | None, Needs("endpoint.serve.shared_memory", given)] = (
        None
    )
    """Size of ``/dev/shm`` in GiB, of the memory of ``compute``; the default is the size that containers have."""

    @field_validator("command")
    @classmethod
    def _something(cls, value: list[object] | None) -> list[object] | None:
        if value == []:
            raise refuse("is empty; write the program and its arguments, or leave command out")
        return value

    @field_validator("health")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("/"):
            raise refuse(f"{value!r} is not a path; write one such as '/health'")
        return value

    @field_validator("timeout_seconds")
    @classmethod
    def _no_less_than_usual(cls, value: int) -> int:
        if value < ANSWER_SECONDS:
            raise refuse(f"{value} is less than the {ANSWER_SECONDS} seconds that every endpoint allows; leave it out")
        return value


class ModelFiles(Spec):
    """A model that is in no registry: an image and, where the image does not hold them, its files."""

    image: In[str]
    """Full address of the serving image."""
    artifact: In[str] | None = None
    """Address of the model's files: an archive, or a folder, which ends in a slash."""
    artifact_key: Annotated[In[str] | None, Needs("endpoint.artifact_key", given)] = None
    """Full address of the key that the files are encrypted with, where it is not the platform's. Its own policy must
    let the platform's account use it."""


Served = Annotated[ModelVersionRef | ModelFiles, Either()]


class Variant(Spec):
    """One of several models that share an endpoint's traffic."""

    name: str
    """What the cloud calls it. It cannot be changed later."""
    model: Served
    """The version that it serves."""
    weight: Annotated[Number, Field(ge=0)] = 1
    """Share of traffic, relative to the sum of all weights. Changing it moves traffic in place."""
    compute: Compute | None = None
    """Its machine; the endpoint's unless told."""

    @field_validator("name")
    @classmethod
    def _word(cls, value: str) -> str:
        if not _VARIANT_NAME.fullmatch(value):
            raise refuse(f"{value!r} must be at most 63 letters, digits and hyphens, not ending in a hyphen")
        return value


class Shadow(Spec):
    """A version that gets a copy of the traffic; its answers are kept, not returned."""

    model: Served
    """The version that is tried."""
    percent: Annotated[Number, Field(gt=0, le=100)] = 100
    """Share of the traffic that is copied."""
    compute: Compute | None = None
    """Its machine; the endpoint's unless told."""


class Serverless(Spec):
    """No machine: capacity comes with each request. Its memory is that of ``compute``."""

    max_concurrency: Annotated[Whole, Field(ge=1)] = 20
    """Requests served at one time; more are refused."""
    provisioned: Annotated[Whole, Field(ge=1)] | None = None
    """Requests for which capacity is kept warm."""

    @field_validator("provisioned")
    @classmethod
    def _below_max(cls, value: int | None, info: ValidationInfo) -> int | None:
        ceiling = info.data.get("max_concurrency")
        if value is not None and ceiling is not None and value > ceiling:
            raise refuse(f"{value} is above max_concurrency ({ceiling}); write at most that")
        return value


class Asynchronous(Spec):
    """Requests are queued, and answers are written to the artifact store: for large inputs and long computations."""

    max_concurrency: Annotated[Whole, Field(ge=1)] | None = None
    """Requests that one replica works on at one time; the backend chooses unless told."""
    notify: In[str] | None = None
    """Full address of a topic that is told of each success and each error."""


class Mode(Spec):
    """How requests are served: at most one of the two; neither is real-time on machines of its own."""

    one_of = OneOf("serverless", "asynchronous", optional=True)

    serverless: Annotated[Serverless | None, Needs("endpoint.serverless", given)] = None
    """Serve without machines."""
    asynchronous: Annotated[Asynchronous | None, Needs("endpoint.asynchronous", given)] = None
    """Serve from a queue."""


class ScalingSchedule(Schedule):
    """Bounds that hold from a moment on, until another schedule changes them."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,38}$")]
    """A short name, unique within the endpoint."""
    min: Annotated[Whole, Field(ge=0)]
    """Replicas at least."""
    max: Annotated[Whole, Field(ge=1)]
    """Replicas at most."""

    @field_validator("max")
    @classmethod
    def _ordered(cls, value: int, info: ValidationInfo) -> int:
        return _at_least_min(value, info)


class Scaling(Spec):
    """How many replicas each variant has, and why. Counts reached by scaling survive an update of the endpoint."""

    min: Annotated[Whole, Field(ge=0), Needs("endpoint.scaling.zero", lambda least: least == 0)] = 1
    """Replicas at least; 0 lets an asynchronous endpoint sleep; ``mode={"serverless": {}}`` has no replicas at all."""
    max: Annotated[Whole, Field(ge=1)] = Field(default_factory=_same_as_min)
    """Replicas at most; the default is ``min``, and 1 where that is 0."""
    requests_per_replica: Annotated[Number, Field(gt=0)] | None = None
    """Requests a minute that one replica should see (asynchronous: requests waiting for each replica). Needed
    when max is above min."""
    cooldown_in_seconds: Annotated[Whole, Field(ge=0)] = 300
    """Seconds to wait after removing a replica before removing another."""
    cooldown_out_seconds: Annotated[Whole, Field(ge=0)] = 60
    """Seconds to wait after adding a replica before adding another."""
    schedules: Annotated[list[ScalingSchedule], Needs("endpoint.scaling.schedule")] = []
    """Bounds by the clock."""

    @field_validator("max")
    @classmethod
    def _ordered(cls, value: int, info: ValidationInfo) -> int:
        return _at_least_min(value, info)

    @field_validator("requests_per_replica")
    @classmethod
    def _a_reason(cls, value: float | None, info: ValidationInfo) -> float | None:
        low, high = info.data.get("min"), info.data.get("max")
        if value is None and low is not None and high is not None and high > low:
            raise refuse(
                f"is required to scale between {low} and {high}; write the requests a minute that one replica "
                "should see, such as 400"
            )
        return value

    @field_validator("schedules")
    @classmethod
    def _unique(cls, value: list[ScalingSchedule]) -> list[ScalingSchedule]:
        _no_twins([schedule.name for schedule in value])
        return value

    @property
    def moves(self) -> bool:
        """Whether the number of replicas can change by itself."""
        return self.max > self.min or bool(self.schedules)


class Canary(Spec):
    """First a part of the traffic, then, if no alarm goes off, all of it."""

    percent: Annotated[Whole, Field(ge=1, le=99)]
    """Share that the new version gets first."""
    bake_minutes: Annotated[Whole, Field(ge=0)] = 10
    """Minutes to watch before the rest follows."""


class Linear(Spec):
    """The traffic in equal steps, watched after each."""

    step_percent: Annotated[Whole, Field(ge=1, le=50)]
    """Share that each step moves."""
    interval_minutes: Annotated[Whole, Field(ge=0)] = 5
    """Minutes to watch after each step."""


class Release(Spec):
    """How a new version takes over. The default is all at once, with the old one ready until no alarm went off."""

    one_of = OneOf("canary", "linear", optional=True)

    canary: Annotated[Canary | None, Needs("endpoint.release.canary", given)] = None
    """A part first."""
    linear: Annotated[Linear | None, Needs("endpoint.release.linear", given)] = None
    """In steps."""
    owner: Annotated[
        Literal["program", "registry"], Needs("endpoint.release.registry", lambda owner: owner == "registry")
    ] = "program"
    """``program``: this program deploys. ``registry``: whoever listens to the registry does, and this program
    lets go of the version after the first."""
    rollback_alarms: list[In[str]] = []
    """Names of further alarms that send a release back while it is watched."""
    unmeasured: Annotated[
        Literal["refuse", "promote"], Needs("endpoint.release.unmeasured", lambda what: what == "promote")
    ] = "refuse"
    """What becomes of a new version of which nothing is measured: ``refuse`` sends it back, since no data is no good
    news; ``promote`` lets it take over, watched by its readiness alone."""


class Health(Spec):
    """When the endpoint is unwell: alarms that are told to the platform's alerts, and that send a release back."""

    errors_percent: Annotated[Number, Field(gt=0, le=100)] = 5
    """Share of requests that fail inside the model."""
    latency_ms: Annotated[Number, Field(gt=0)] | None = None
    """99th percentile of the model's time for an answer, in milliseconds; not watched unless told."""


class EndpointSpec(Spec):
    """What an endpoint is asked to be."""

    one_of = OneOf("model", "variants")

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    model: Served | None = None
    """What it serves: ``model.approved(…)``, ``model.version(n)``, or an image with files. A new version is
    released as ``release`` says, without an outage."""
    variants: Annotated[list[Variant], Needs("endpoint.variants", lambda variants: len(variants) > 1)] = []
    """Several models that share the traffic, instead of ``model``."""
    shadow: Annotated[Shadow | None, Needs("endpoint.shadow", given)] = None
    """A version that is tried on a copy of the traffic."""
    mode: Mode = Mode()
    """``{"serverless": {…}}`` or ``{"asynchronous": {…}}``; real-time unless told. Changing it is a release like
    any other, except to or from serverless on some backends."""
    compute: Compute = Compute(cpus=2, memory_gb=8)
    """The machine of one replica. Changing it is released like a new version."""
    serve: Serve = Serve()
    """The container: image, command, port, health check, time limits, shared memory."""
    scaling: Scaling = Scaling()
    """How many replicas, and why."""
    release: Release = Release()
    """How a new version takes over."""
    health: Health = Health()
    """When it is unwell."""
    reads: Annotated[list[Annotated[OnlineView, Given()]], Needs("endpoint.reads")] = []
    """What it looks up while it answers: ``[profile.online]``. Being listed here is what grants it. The container finds
    in ``MLOPS_FEATURES_<GROUP>`` what to ask for."""
    environment: dict[str, In[str]] = {}
    """Environment variables of the serving container, beside those of ``reads`` and ``secrets``; never secrets."""
    secrets: Annotated[dict[str, Of[SecretRef]], Needs("endpoint.secrets")] = {}
    """Secrets that the container may read, by the name under which it finds each: ``MLOPS_SECRET_<NAME>`` holds the
    address, never the value."""
    capture_percent: Annotated[
        Whole,
        Field(ge=0, le=100),
        Needs("endpoint.capture"),
        Needs("endpoint.capture.sampled", lambda percent: 0 < percent < 100),  # noqa: PLR2004 (per cent)
    ] = 0
    """Share of requests and answers that is written to the artifact store, for monitoring and retraining."""
    invokers: Annotated[Principals, Needs("endpoint.invokers")] = []
    """Principals that may call it."""
    isolated: Annotated[Flag | None, Needs("endpoint.isolated")] = None
    """Cut the container off from every network. True unless told, where it reads nothing and has no secrets."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("variants")
    @classmethod
    def _told_apart(cls, value: list[Variant]) -> list[Variant]:
        _no_twins([variant.name for variant in value])
        if value and sum(variant.weight for variant in value) == 0:
            raise refuse("all weights are 0; give at least one variant a weight above it")
        return value

    @field_validator("shadow")
    @classmethod
    def _one_beside_the_shadow(cls, value: Shadow | None, info: ValidationInfo) -> Shadow | None:
        beside = len(earlier(info, "variants") or [])
        if value is not None and beside > 1:
            raise refuse(
                f"a shadow stands beside one model, not beside {beside} variants; leave one, or take the shadow away"
            )
        return value

    @field_validator("reads")
    @classmethod
    def _readable(cls, value: list[OnlineView]) -> list[OnlineView]:
        groups: dict[str, FeatureGroupRef] = {}
        for view in value:
            name = variable(FEATURES, view.group.name)
            if groups.setdefault(name, view.group) != view.group:
                raise refuse(
                    f"two feature groups are called {view.group.name!r}, and both make {name}; read one of them"
                )
        return value

    @field_validator("serve")
    @classmethod
    def _of_whose_image(cls, value: Serve, info: ValidationInfo) -> Serve:
        parts = [*(info.data.get("variants") or []), info.data.get("shadow")]
        models = [info.data.get("model"), *(part.model for part in parts if part)]
        if value.image is not None and any(isinstance(model, ModelFiles) for model in models):
            raise refuse(
                "image is for versions of the registry, and the model has an image of its own; leave it out here"
            )
        own = {"command": value.command, "health": value.health, "port": None if value.port == PORT else value.port}
        if value.image is None and any(isinstance(model, ModelVersionRef) for model in models):
            for field_name, wanted in own.items():
                if wanted is not None:
                    raise refuse(
                        f"{field_name} belongs to an image of your own, and versions of the registry are served by the "
                        "backend's model server; write image as well"
                    )
        return value

    @field_validator("environment", "secrets")
    @classmethod
    def _variables(cls, value: dict[str, object]) -> dict[str, object]:
        if wrong := [key for key in value if not _VARIABLE.fullmatch(key)]:
            raise refuse(f"{', '.join(map(repr, wrong))}: not a name for an environment variable")
        return value

    @field_validator("environment")
    @classmethod
    def _not_ours(cls, value: dict[str, object]) -> dict[str, object]:
        if wrong := taken(value):
            raise refuse(
                f"{', '.join(map(repr, wrong))}: variables that begin with {OURS} are set by the library; take another "
                "name"
            )
        return value

    @field_validator("secrets")
    @classmethod
    def _of_this_backend(cls, value: dict[str, SecretRef], info: ValidationInfo) -> dict[str, SecretRef]:
        for one, other in twins(value):
            raise refuse(f"{one!r} and {other!r} make one variable, {variable(SECRET, one)}; rename one of them")
        platform = info.data.get("platform")
        for key, secret in value.items():
            if platform is not None and secret.backend != platform.backend:
                raise refuse(
                    f"{key!r} is a secret of backend {secret.backend!r}, and the platform is on {platform.backend!r}; "
                    "keep it there as well: Platform(secrets={…}), and platform.secret('…')"
                )
        return value

    @field_validator("isolated")
    @classmethod
    def _isolation_or_reading(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and (info.data.get("reads") or info.data.get("secrets")):
            raise refuse(
                "an isolated container reaches neither feature stores nor secrets; leave isolated out, or reads "
                "and secrets"
            )
        return value

    @property
    def is_isolated(self) -> bool:
        """Whether the container is cut off."""
        return not (self.reads or self.secrets) if self.isolated is None else self.isolated

    @property
    def served(self) -> list[Variant]:
        """The variants, of which a plain ``model`` is the only one."""
        return self.variants or ([Variant(name=MAIN, model=self.model)] if self.model is not None else [])

    @property
    def records(self) -> dict[str, str]:
        """By variant, the record of the step that made what it serves, where the registry names one."""
        versions = {part.name: part.model for part in self.served if isinstance(part.model, ModelVersionRef)}
        return {name: version.record for name, version in versions.items() if version.record is not None}

    @property
    def waiting(self) -> list[ModelVersionRef]:
        """The models of which no version is approved yet."""
        parts = [variant.model for variant in self.served] + ([self.shadow.model] if self.shadow else [])
        return [part for part in parts if isinstance(part, ModelVersionRef) and part.waiting]

    @property
    def parts(self) -> list[Variant]:
        """Everything that serves a model, each with its machine, the shadow last."""
        found = list(self.served)
        if self.shadow:
            found.append(Variant(name=SHADOW, model=self.shadow.model, compute=self.shadow.compute))
        return [part.model_copy(update={"compute": part.compute or self.compute}) for part in found]

    def workloads(self) -> list[Workload[FeatureView]]:
        """Return the containers that serve, each with what it may do; the shadow's is the last."""
        return [self._workload(part) for part in self.parts]

    def _workload(self, part: Variant) -> Workload[FeatureView]:
        files = part.model if isinstance(part.model, ModelFiles) else None
        version = part.model if isinstance(part.model, ModelVersionRef) else None
        image = files.image if files else self.serve.image
        artifact = files.artifact if files else version.files if version and image is not None else None
        grants: list[Grant] = [("use", self.platform)]
        grants += [] if image is None else [("pull", Image(image))]
        if version:
            grants += [("pull", version)] if image is None else []
            grants.append(("read", version))
            grants += [("follow", version)] if self.release.owner == "registry" else []
        if files and files.artifact is not None:
            grants.append(("read", Place(files.artifact)))
        if files and files.artifact_key is not None:
            grants.append(("use", Key(files.artifact_key)))
        grants += [("read", view) for view in self.reads]
        grants += [("read", secret) for secret in self.secrets.values()]
        return Workload(
            name=part.name,
            compute=part.compute or self.compute,
            image=image,
            command=self.serve.command,
            files=artifact,
            environment=self.environment,
            features=self.reads,
            secrets=self.secrets,
            port=self.serve.port,
            health=self.serve.health,
            startup_minutes=self.serve.startup_minutes,
            timeout_seconds=self.serve.timeout_seconds,
            shared_memory_gb=self.serve.shared_memory_gb,
            isolated=self.is_isolated,
            grants=tuple(grants),
        )

    def uses(self) -> frozenset[str]:
        """Name what follows from two fields, or from the platform."""
        wanted = {
            "endpoint.realtime": not (self.mode.serverless or self.mode.asynchronous),
            "endpoint.scaling": self.scaling.max > self.scaling.min,
            "endpoint.private": self.platform.private,
        }
        models = [part.model for part in self.parts if isinstance(part.model, ModelVersionRef)]
        return frozenset(name for name, used in wanted.items() if used).union(
            *(bridges.needed(bridges.of_version(model.shared), self.platform, model.platform) for model in models),
            *(bridges.needed("feature_group", self.platform, view.group.platform) for view in self.reads),
        )


class ExistingEndpointSpec(Existing):
    """What is said of an endpoint that exists already."""

    platform: Of[PlatformRef]
    """The platform from which it is called."""


def waiting(scope: Scope, spec: EndpointSpec, address: Mapping[str, str]) -> EndpointRef:
    """Say what an endpoint waits for, and stand for it until then: nothing is made."""
    models = ", ".join(sorted({model.name for model in spec.waiting}))
    scope.say(f"waits for the first approved version of {models}; approve one, and the next up creates the endpoint")
    return EndpointRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        url=None,
        status="waiting",
        variants=[variant.name for variant in spec.served],
        capture_percent=spec.capture_percent,
        address=address,
    )


EXISTING = Task[[str, ExistingEndpointSpec], EndpointRef]("Endpoint.existing")
"""Look up an endpoint that no program of ours made."""


class Endpoint(Component[EndpointSpec, EndpointRef]):
    """A model behind an address: real-time, serverless or asynchronous.

    A new model, another size or other settings are released while the old ones keep answering, and go back by
    themselves when an alarm goes off; the ``up`` then fails and says so. While ``model.approved(otherwise="wait")``
    waits, nothing is created and ``status`` is ``waiting``.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend cannot do this, or not together; the message names the nearest thing.
    :raises ReleaseRolledBack: the cloud went back to the version before.
    """

    url: Output[str | None]
    """Where requests go; None while it waits for a first approved version."""
    status: Output[str]
    """``live``, or ``waiting`` for a first approved version."""
    captured: Output[str | None]
    """Where captured requests and answers are, as a URI; None where nothing is captured."""

    spec_type = EndpointSpec
    ref_type = EndpointRef
    existing_type = ExistingEndpointSpec

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[EndpointArgs]") -> None:
        self.build(name, args, opts)

    @classmethod
    def existing(cls, name: str, **args: "Unpack[ExistingEndpointArgs]") -> EndpointRef:
        """Use an endpoint that exists already: it is called, and never changed or deleted."""
        return take_over(EXISTING, ExistingEndpointSpec, name, args)

    def requests(self, *, hours: int) -> CapturedView:
        """Return what was asked and answered in the last hours; see :meth:`EndpointRef.requests`."""
        return self.ref.requests(hours=hours)
