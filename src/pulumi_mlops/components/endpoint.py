"""Endpoint: a model behind an address."""

import re
from typing import Annotated, Literal, Unpack

from pulumi import Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.args import EndpointArgs
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.inputs import Flag, In, Number, Spec, Whole, given, refuse
from pulumi_mlops.core.refs import (
    EndpointRef,
    FeatureView,
    ModelVersionRef,
    Of,
    PlatformRef,
    SecretRef,
    View,
    same_platform,
)
from pulumi_mlops.core.schedules import Schedule

_VARIANT_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAIN = "main"
"""The name of the only variant of an endpoint that does not name its own."""


def _at_least_min(value: int, info: ValidationInfo) -> int:
    low = info.data.get("min")
    if low is not None and value < low:
        raise refuse(f"{value} is below min ({low}); write at least {low}")
    return value


def _no_twins(names: list[str]) -> None:
    if twins := sorted({name for name in names if names.count(name) > 1}):
        raise refuse(f"{', '.join(map(repr, twins))} stands here twice; give each a name of its own")


class ModelFiles(Spec):
    """A model that is in no registry: an image and, where the image does not hold them, its files."""

    image: In[str]
    """Full address of the serving image."""
    artifact: In[str] | None = None
    """Address of the model's files (on AWS: the S3 URI of a ``model.tar.gz``; on Kubernetes: what KServe's storage
    initializer takes, such as an ``s3://`` folder, which the container finds at ``/mnt/models``)."""


Served = Of[ModelVersionRef] | ModelFiles


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

    serverless: Serverless | None = None
    """Serve without machines."""
    asynchronous: Asynchronous | None = None
    """Serve from a queue."""

    @field_validator("asynchronous")
    @classmethod
    def _one(cls, value: Asynchronous | None, info: ValidationInfo) -> Asynchronous | None:
        if value is not None and info.data.get("serverless") is not None:
            raise refuse("takes one of 'serverless' and 'asynchronous', not both")
        return value


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

    min: Annotated[Whole, Field(ge=0)] = 1
    """Replicas at least; 0 lets the endpoint sleep where the backend can."""
    max: Annotated[Whole, Field(ge=1)] = 1
    """Replicas at most."""
    requests_per_replica: Annotated[Number, Field(gt=0)] | None = None
    """Requests a minute that one replica should see (asynchronous: requests waiting for each replica). Needed
    when max is above min."""
    cooldown_in_seconds: Annotated[Whole, Field(ge=0)] = 300
    """Seconds to wait after removing a replica before removing another."""
    cooldown_out_seconds: Annotated[Whole, Field(ge=0)] = 60
    """Seconds to wait after adding a replica before adding another."""
    schedules: list[ScalingSchedule] = []
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
    """Share that the new version gets first (on AWS: of the capacity, 50 at most; on Kubernetes: of the requests)."""
    bake_minutes: Annotated[Whole, Field(ge=0)] = 10
    """Minutes to watch before the rest follows (on AWS: 60 at most)."""


class Linear(Spec):
    """The traffic in equal steps, watched after each."""

    step_percent: Annotated[Whole, Field(ge=1, le=50)]
    """Share that each step moves (on AWS: of the capacity, 10 at least; on Kubernetes: of the requests)."""
    interval_minutes: Annotated[Whole, Field(ge=0)] = 5
    """Minutes to watch after each step (on AWS: 60 at most)."""


class Release(Spec):
    """How a new version takes over. All at once, with the old one kept ready until no alarm went off, unless told."""

    canary: Canary | None = None
    """A part first."""
    linear: Linear | None = None
    """In steps."""
    owner: Literal["program", "registry"] = "program"
    """``program``: this program deploys. ``registry``: whoever listens to the registry does, and this program
    lets go of the version after the first."""
    rollback_alarms: list[In[str]] = []
    """Names of further alarms that send a release back while it is watched (on AWS: of CloudWatch; on Kubernetes: of
    Prometheus)."""

    @field_validator("linear")
    @classmethod
    def _one(cls, value: Linear | None, info: ValidationInfo) -> Linear | None:
        if value is not None and info.data.get("canary") is not None:
            raise refuse("takes one of 'canary' and 'linear', not both")
        return value


class Health(Spec):
    """When the endpoint is unwell: alarms that are told to the platform's alerts, and that send a release back."""

    errors_percent: Annotated[Number, Field(gt=0, le=100)] = 5
    """Share of requests that fail inside the model."""
    latency_ms: Annotated[Number, Field(gt=0)] | None = None
    """99th percentile of the model's time for an answer, in milliseconds; not watched unless told."""


class EndpointSpec(Spec):
    """What an endpoint is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    model: Served | None = None
    """What it serves: ``model.approved(…)``, ``model.version(n)``, or an image with files. A new version is
    released as ``release`` says, without an outage."""
    variants: list[Variant] = []
    """Several models that share the traffic, instead of ``model``."""
    shadow: Shadow | None = None
    """A version that is tried on a copy of the traffic."""
    mode: Mode = Mode()
    """``{"serverless": {…}}`` or ``{"asynchronous": {…}}``; real-time unless told. Changing it is a release like
    any other, except to or from serverless on some backends."""
    compute: Compute = Compute(cpus=2, memory_gb=8)
    """The machine of one replica. Changing it is released like a new version."""
    scaling: Scaling = Scaling()
    """How many replicas, and why."""
    release: Release = Release()
    """How a new version takes over."""
    health: Health = Health()
    """When it is unwell."""
    reads: list[View] = []
    """What it looks up while it answers: ``[profile.online]``. Being listed here is what grants it. The container finds
    in ``MLOPS_FEATURES_<GROUP>`` what to ask for (on AWS: the name of the feature group, for the Feature Store API; on
    Kubernetes: of the feature view, at the address in ``MLOPS_FEATURE_SERVER_<GROUP>``)."""
    environment: dict[str, In[str]] = {}
    """Environment variables of the serving container, beside those of ``reads`` and ``secrets``; never secrets. (On
    Kubernetes they can also set the options of MLServer, which serves versions of the registry: ``MLSERVER_…``.)"""
    secrets: dict[str, Of[SecretRef]] = {}
    """Secrets that the container may read, by the name under which it finds each: ``MLOPS_SECRET_<NAME>`` holds the
    address, never the value (on AWS: of the secret in Secrets Manager, which it fetches; on Kubernetes: of a file, as
    ``file:///…``, which it reads)."""
    capture_percent: Annotated[Whole, Field(ge=0, le=100)] = 0
    """Share of requests and answers that is written to the artifact store, for monitoring and retraining."""
    invokers: list[str] = []
    """Principals that may call it (on AWS: names of IAM roles of the account; on Kubernetes: namespaces)."""
    isolated: Flag | None = None
    """Cut the container off from every network. True unless told, where it reads nothing and has no secrets."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("variants")
    @classmethod
    def _model_or_variants(cls, value: list[Variant], info: ValidationInfo) -> list[Variant]:
        if "model" in info.data and (info.data["model"] is None) == (not value):
            raise refuse("write exactly one of 'model' and 'variants'")
        _no_twins([variant.name for variant in value])
        if value and sum(variant.weight for variant in value) == 0:
            raise refuse("all weights are 0; give at least one variant a weight above it")
        return value

    @field_validator("shadow")
    @classmethod
    def _one_beside_the_shadow(cls, value: Shadow | None, info: ValidationInfo) -> Shadow | None:
        beside = len(given(info, "variants") or [])
        if value is not None and beside > 1:
            raise refuse(
                f"a shadow stands beside one model, not beside {beside} variants; leave one, or take the shadow away"
            )
        return value

    @field_validator("model", "variants", "shadow")
    @classmethod
    def _of_this_platform(cls, value: object, info: ValidationInfo) -> object:
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            served = getattr(part, "model", part)
            if isinstance(served, ModelVersionRef) and (
                wrong := same_platform(info.data.get("platform"), served.platform, f"model {served.name!r}")
            ):
                raise wrong
        return value

    @field_validator("reads")
    @classmethod
    def _readable(cls, value: list[FeatureView], info: ValidationInfo) -> list[FeatureView]:
        for view in value:
            if view.tier != "online":
                raise refuse(f"an endpoint reads online stores; write {view.group.name}.online")
            if wrong := same_platform(
                info.data.get("platform"), view.group.platform, f"feature group {view.group.name!r}"
            ):
                raise wrong
        return value

    @field_validator("environment", "secrets")
    @classmethod
    def _variables(cls, value: dict[str, object]) -> dict[str, object]:
        if wrong := [key for key in value if not _VARIABLE.fullmatch(key)]:
            raise refuse(f"{', '.join(map(repr, wrong))}: not a name for an environment variable")
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
    def waiting(self) -> list[ModelVersionRef]:
        """The models of which no version is approved yet."""
        parts = [variant.model for variant in self.served] + ([self.shadow.model] if self.shadow else [])
        return [part for part in parts if isinstance(part, ModelVersionRef) and part.waiting]

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        sizes = [self.compute, *(part.compute for part in (*self.variants, self.shadow) if part and part.compute)]
        kind = "serverless" if self.mode.serverless else "asynchronous" if self.mode.asynchronous else "realtime"
        wanted = {
            "endpoint.accelerator": any(size.accelerator for size in sizes),
            "endpoint.variants": len(self.served) > 1,
            "endpoint.shadow": self.shadow,
            "endpoint.scaling": self.scaling.max > self.scaling.min,
            "endpoint.scaling.zero": self.scaling.min == 0,
            "endpoint.scaling.schedule": self.scaling.schedules,
            "endpoint.release.canary": self.release.canary,
            "endpoint.release.linear": self.release.linear,
            "endpoint.release.registry": self.release.owner == "registry",
            "endpoint.capture": self.capture_percent,
            "endpoint.capture.sampled": 0 < self.capture_percent < 100,  # noqa: PLR2004 (per cent)
            "endpoint.reads": self.reads,
            "endpoint.secrets": self.secrets,
            "endpoint.invokers": self.invokers,
            "endpoint.isolated": self.isolated,
            "endpoint.private": self.platform.private,
        }
        return frozenset(["endpoint", f"endpoint.{kind}", *(name for name, used in wanted.items() if used)])


class Endpoint(Component[EndpointRef]):
    """A model behind an address: real-time, serverless or asynchronous.

    A new model, another size or other settings are released while the old ones keep answering, and go back by
    themselves when an alarm goes off; the ``up`` then fails and says so. While ``model.approved(otherwise="wait")``
    waits, nothing is created and ``status`` is ``waiting``.

    On AWS: SageMaker Model, EndpointConfig and Endpoint with blue/green guardrails, Application Auto Scaling,
    CloudWatch alarms. See https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html.
    On Kubernetes: one KServe InferenceService a version, an HTTPRoute of the Gateway API that divides the traffic, a
    Job that moves it while it watches Prometheus, a KEDA ScaledObject.
    See https://kserve.github.io/website/ and https://gateway-api.sigs.k8s.io/.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend cannot do this, or not together; the message names the nearest thing.
    :raises ReleaseRolledBack: the cloud went back to the version before (on Kubernetes the failed release Job says so).
    """

    url: Output[str | None]
    """Where requests go; None while it waits for a first approved version.

    On AWS: the address that takes a signed invocation (``sagemaker:InvokeEndpoint``, or its asynchronous sister).
    On Kubernetes: the base of all paths, at the gateway where the platform has one, else inside the cluster. Versions
    of the registry answer at ``/invocations`` and at ``/v2/models/<endpoint>/infer`` below it, images of your own where
    they choose.
    """
    status: Output[str]
    """``live``, or ``waiting`` for a first approved version."""
    captured: Output[str | None]
    """Where captured requests and answers are, as a URI; None where nothing is captured."""

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[EndpointArgs]) -> None:
        scope, spec = self.begin(EndpointSpec, name, args, opts)
        self.finish(scope.backend.endpoint(scope, spec))

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> EndpointRef:
        """Use the endpoint that another stack exports; see :meth:`Ref.from_stack`."""
        return EndpointRef.from_stack(stack, output)
