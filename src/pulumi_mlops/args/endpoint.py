"""What Endpoint accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.compute import Compute
    from pulumi_mlops.args.principals import Principal
    from pulumi_mlops.components.feature_group import OnlineView
    from pulumi_mlops.components.model import ModelVersionRef
    from pulumi_mlops.components.platform import PlatformRef
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import Has, SecretRef

__all__ = [
    "Asynchronous",
    "Canary",
    "EndpointArgs",
    "ExistingEndpointArgs",
    "Health",
    "Linear",
    "Mode",
    "ModeWithAsynchronous",
    "ModeWithServerless",
    "ModelFiles",
    "Release",
    "ReleaseWithCanary",
    "ReleaseWithLinear",
    "Scaling",
    "ScalingSchedule",
    "Serve",
    "Serverless",
    "Shadow",
    "Variant",
]


class Asynchronous(TypedDict, total=False):
    """Requests are queued, and answers are written to the artifact store: for large inputs and long computations."""

    max_concurrency: int | None
    """Requests that one replica works on at one time; the backend chooses unless told."""
    notify: Input[str] | None
    """Full address of a topic that is told of each success and each error."""


class Canary(TypedDict, total=False):
    """First a part of the traffic, then, if no alarm goes off, all of it."""

    percent: Required[int]
    """Share that the new version gets first. On AWS: a share of the capacity, 50 at most. On Kubernetes: a share of the
    requests."""
    bake_minutes: int
    """Minutes to watch before the rest follows. On AWS: 60 at most."""


class EndpointArgs(TypedDict, total=False):
    """What an endpoint is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    model: Has[ModelVersionRef] | ModelFiles | None
    """What it serves: ``model.approved(…)``, ``model.version(n)``, or an image with files. A new version is released as
    ``release`` says, without an outage."""
    variants: Sequence[Variant]
    """Several models that share the traffic, instead of ``model``."""
    shadow: Shadow | None
    """A version that is tried on a copy of the traffic."""
    mode: Mode
    """``{"serverless": {…}}`` or ``{"asynchronous": {…}}``; real-time unless told. Changing it is a release like any
    other, except to or from serverless on some backends."""
    compute: Compute
    """The machine of one replica. Changing it is released like a new version."""
    serve: Serve
    """The container: image, command, port, health check, time limits, shared memory."""
    scaling: Scaling
    """How many replicas, and why."""
    release: Release
    """How a new version takes over."""
    health: Health
    """When it is unwell."""
    reads: Sequence[OnlineView]
    """What it looks up while it answers: ``[profile.online]``. Being listed here is what grants it. The container finds
    in ``MLOPS_FEATURES_<GROUP>`` what to ask for. On AWS: the name of the feature group, for the Feature Store API. On
    Kubernetes: the name of the feature view, at the address in ``MLOPS_FEATURE_SERVER_<GROUP>``."""
    environment: Mapping[str, Input[str]]
    """Environment variables of the serving container, beside those of ``reads`` and ``secrets``; never secrets. On
    Kubernetes: they can also set the options of MLServer, which serves versions of the registry: ``MLSERVER_…``."""
    secrets: Mapping[str, Has[SecretRef]]
    """Secrets that the container may read, by the name under which it finds each: ``MLOPS_SECRET_<NAME>`` holds the
    address, never the value. On AWS: the address of the secret in Secrets Manager, which the container fetches. On
    Azure: the address of the secret in Key Vault, which the container fetches as the identity that ``AZURE_CLIENT_ID``
    names. On Kubernetes: the address of a file, as ``file:///…``, which the container reads."""
    capture_percent: int
    """Share of requests and answers that is written to the artifact store, for monitoring and retraining."""
    invokers: Sequence[Has[PrincipalRef] | Principal]
    """Principals that may call it. On AWS: IAM roles of the account, and Identities. On Azure: users, groups,
    applications and Identities. On Kubernetes: namespaces, service accounts and Identities."""
    isolated: bool | None
    """Cut the container off from every network. True unless told, where it reads nothing and has no secrets."""
    tags: Mapping[str, str]
    """Further tags."""


class ExistingEndpointArgs(TypedDict, total=False):
    """What is said of an endpoint that exists already."""

    called: str | None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""
    platform: Required[Has[PlatformRef]]
    """The platform from which it is called."""


class Health(TypedDict, total=False):
    """When the endpoint is unwell: alarms that are told to the platform's alerts, and that send a release back."""

    errors_percent: float
    """Share of requests that fail inside the model. On AWS: answers from 500 on. Containers that answer 400 when their
    model fails, as MLflow's own server does, need an alarm of yours on ``Invocation4XXErrors`` in
    ``release.rollback_alarms``. On Kubernetes: answers from 500 on. A release also goes back where the new version
    answers 4xx to so much more of its requests than the old one, as servers do whose model fails."""
    latency_ms: float | None
    """99th percentile of the model's time for an answer, in milliseconds; not watched unless told."""


class Linear(TypedDict, total=False):
    """The traffic in equal steps, watched after each."""

    step_percent: Required[int]
    """Share that each step moves. On AWS: a share of the capacity, 10 at least. On Kubernetes: a share of the
    requests."""
    interval_minutes: int
    """Minutes to watch after each step. On AWS: 60 at most."""


class ModeWithServerless(TypedDict, total=False):
    """How requests are served: at most one of the two; neither is real-time on machines of its own."""

    serverless: Serverless | None
    """Serve without machines."""


class ModeWithAsynchronous(TypedDict, total=False):
    """How requests are served: at most one of the two; neither is real-time on machines of its own."""

    asynchronous: Asynchronous | None
    """Serve from a queue. On AWS: requests lie below ``requests/<endpoint>/`` of the artifact store, which its role
    reads, and answers below ``answers/<endpoint>/``."""


Mode: TypeAlias = ModeWithServerless | ModeWithAsynchronous
"""How requests are served: at most one of the two; neither is real-time on machines of its own."""


class ModelFiles(TypedDict, total=False):
    """A model that is in no registry: an image and, where the image does not hold them, its files."""

    image: Required[Input[str]]
    """Full address of the serving image."""
    artifact: Input[str] | None
    """Address of the model's files: an archive, or a folder, which ends in a slash. On AWS: the S3 URI of a
    ``model.tar.gz``, or of a folder, which the container finds at ``/opt/ml/model``. On Azure: the address of a folder
    or a file of Azure Storage, ``https://<account>.blob.core.windows.net/<container>/<path>``, or one that begins with
    ``azureml://``; the container finds it below ``/mnt/models``, where ``AZUREML_MODEL_DIR`` leads. On Kubernetes: what
    KServe's storage initializer takes, such as an ``s3://`` folder, which the container finds at ``/mnt/models``."""
    artifact_key: Input[str] | None
    """Full address of the key that the files are encrypted with, where it is not the platform's. Its own policy must
    let the platform's account use it. On AWS: the ARN of a KMS key."""


class _Release(TypedDict, total=False):
    """How a new version takes over. The default is all at once, with the old one ready until no alarm went off."""

    owner: Literal["program", "registry"]
    """``program``: this program deploys. ``registry``: whoever listens to the registry does, and this program lets go
    of the version after the first."""
    rollback_alarms: Sequence[Input[str]]
    """Names of further alarms that send a release back while it is watched. On AWS: alarms of CloudWatch. On Azure: ids
    of alert rules, or names of metric alerts of the platform's resource group. On Kubernetes: alerts of Prometheus."""
    unmeasured: Literal["refuse", "promote"]
    """What becomes of a new version of which nothing is measured: ``refuse`` sends it back, since no data is no good
    news; ``promote`` lets it take over, watched by its readiness alone."""


class ReleaseWithCanary(_Release, total=False):
    """How a new version takes over. The default is all at once, with the old one ready until no alarm went off."""

    canary: Canary | None
    """A part first."""


class ReleaseWithLinear(_Release, total=False):
    """How a new version takes over. The default is all at once, with the old one ready until no alarm went off."""

    linear: Linear | None
    """In steps."""


Release: TypeAlias = ReleaseWithCanary | ReleaseWithLinear
"""How a new version takes over. The default is all at once, with the old one ready until no alarm went off."""


class Scaling(TypedDict, total=False):
    """How many replicas each variant has, and why. Counts reached by scaling survive an update of the endpoint."""

    min: int
    """Replicas at least; 0 lets an asynchronous endpoint sleep; ``mode={"serverless": {}}`` has no replicas at all."""
    max: int
    """Replicas at most; the default is ``min``, and 1 where that is 0. On Azure: 50 at most."""
    requests_per_replica: float | None
    """Requests a minute that one replica should see (asynchronous: requests waiting for each replica). Needed when max
    is above min."""
    cooldown_in_seconds: int
    """Seconds to wait after removing a replica before removing another."""
    cooldown_out_seconds: int
    """Seconds to wait after adding a replica before adding another."""
    schedules: Sequence[ScalingSchedule]
    """Bounds by the clock."""


class ScalingSchedule(TypedDict, total=False):
    """Bounds that hold from a moment on, until another schedule changes them."""

    cron: Required[str]
    """Five fields as in Unix cron: minute, hour, day of month, month, day of week (0 or 7 is Sunday)."""
    timezone: str
    """A name of the IANA time zone database, such as ``Europe/Berlin``."""
    name: Required[str]
    """A short name, unique within the endpoint."""
    min: Required[int]
    """Replicas at least."""
    max: Required[int]
    """Replicas at most."""


class Serve(TypedDict, total=False):
    """The container that serves versions of the registry or an image of your own; any change of it is a release."""

    image: Input[str] | None
    """The image that serves versions of the registry; the default is the backend's own model server. Where the model is
    an image with files, its image stands in ``model``. On AWS: the default is the image that the model package names.
    Another image finds the version's files at ``/opt/ml/model``, and SageMaker does not ask then whether the version is
    approved. On Azure: the default is the image that the version names in its tag ``serving_image``, else Azure's own
    server of MLflow models. Another image finds the version's files below ``/mnt/models``. On Kubernetes: the container
    finds the version's files at ``/mnt/models``."""
    command: Sequence[Input[str]] | None
    """The program and its arguments, instead of those of the image."""
    port: int
    """Where the container listens."""
    health: str | None
    """The path that answers with 200 when the container is ready, such as ``/health``; the default is the backend's own
    check. ``/ping`` is a path that every backend can ask for."""
    startup_minutes: int | None
    """Minutes that a container may take to load its model and be ready; the default is the backend's own bound. On AWS:
    as much for the download of the files, and as much again for the health check."""
    timeout_seconds: int
    """Seconds that an answer may take. On Azure: 180 at most."""
    shared_memory_gb: float | None
    """Size of ``/dev/shm`` in GiB, of the memory of ``compute``; the default is the size that containers have."""


class Serverless(TypedDict, total=False):
    """No machine: capacity comes with each request. Its memory is that of ``compute``."""

    max_concurrency: int
    """Requests served at one time; more are refused."""
    provisioned: int | None
    """Requests for which capacity is kept warm."""


class Shadow(TypedDict, total=False):
    """A version that gets a copy of the traffic; its answers are kept, not returned."""

    model: Required[Has[ModelVersionRef] | ModelFiles]
    """The version that is tried."""
    percent: float
    """Share of the traffic that is copied. On Azure: a whole number, 50 at most."""
    compute: Compute | None
    """Its machine; the endpoint's unless told."""


class Variant(TypedDict, total=False):
    """One of several models that share an endpoint's traffic."""

    name: Required[str]
    """What the cloud calls it. It cannot be changed later. On Azure: at most 20 lower-case letters, digits and single
    hyphens."""
    model: Required[Has[ModelVersionRef] | ModelFiles]
    """The version that it serves."""
    weight: float
    """Share of traffic, relative to the sum of all weights. Changing it moves traffic in place."""
    compute: Compute | None
    """Its machine; the endpoint's unless told."""
