"""What each component accepts, as editors and type checkers see it.

Written by tools/generate_args.py out of the specs in components/; do not edit.
A plain dict and a call mean the same: ``scaling={"min": 1}`` is ``scaling=mlops.Scaling(min=1)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.core.refs import (
        FeatureStoreRef,
        FeatureView,
        Has,
        ModelRegistryRef,
        ModelVersionRef,
        PlatformRef,
        SecretRef,
    )

__all__ = [
    "Asynchronous",
    "Canary",
    "Compute",
    "Database",
    "EndpointArgs",
    "ExistingNetwork",
    "ExistingParts",
    "FeatureGroupArgs",
    "FeatureStoreArgs",
    "Gateway",
    "Health",
    "ImageRegistry",
    "Linear",
    "Mode",
    "ModelArgs",
    "ModelFiles",
    "ModelRegistryArgs",
    "Network",
    "Notice",
    "ObjectStore",
    "Offline",
    "Online",
    "PlatformArgs",
    "PrivateNetwork",
    "Quota",
    "Release",
    "Scaling",
    "ScalingSchedule",
    "Schedule",
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
    """Share that the new version gets first (on AWS: of the capacity, 50 at most; on Kubernetes: of the requests)."""
    bake_minutes: int
    """Minutes to watch before the rest follows (on AWS: 60 at most)."""


class ModelFiles(TypedDict, total=False):
    """A model that is in no registry: an image and, where the image does not hold them, its files."""

    image: Required[Input[str]]
    """Full address of the serving image."""
    artifact: Input[str] | None
    """Address of the model's files (on AWS: the S3 URI of a ``model.tar.gz``; on Kubernetes: what KServe's storage
    initializer takes, such as an ``s3://`` folder, which the container finds at ``/mnt/models``)."""


class Compute(TypedDict, total=False):
    """What one machine, or one replica, must have at least; the backend picks the smallest that fits."""

    cpus: int | None
    """Virtual CPUs."""
    memory_gb: float | None
    """Memory in GiB."""
    accelerator: str | None
    """Accelerators as ``"model:count"``, such as ``"A10G:1"`` or ``"H100:8"``."""
    pin: Mapping[str, str] | None
    """The machine by its own name, a backend each: ``{"aws": "ml.p5.48xlarge"}``. Wins over the other fields there."""


class Variant(TypedDict, total=False):
    """One of several models that share an endpoint's traffic."""

    name: Required[str]
    """What the cloud calls it. It cannot be changed later."""
    model: Required[Has[ModelVersionRef] | ModelFiles]
    """The version that it serves."""
    weight: float
    """Share of traffic, relative to the sum of all weights. Changing it moves traffic in place."""
    compute: Compute | None
    """Its machine; the endpoint's unless told."""


class Shadow(TypedDict, total=False):
    """A version that gets a copy of the traffic; its answers are kept, not returned."""

    model: Required[Has[ModelVersionRef] | ModelFiles]
    """The version that is tried."""
    percent: float
    """Share of the traffic that is copied."""
    compute: Compute | None
    """Its machine; the endpoint's unless told."""


class Serverless(TypedDict, total=False):
    """No machine: capacity comes with each request. Its memory is that of ``compute``."""

    max_concurrency: int
    """Requests served at one time; more are refused."""
    provisioned: int | None
    """Requests for which capacity is kept warm."""


class Mode(TypedDict, total=False):
    """How requests are served: at most one of the two; neither is real-time on machines of its own."""

    serverless: Serverless | None
    """Serve without machines."""
    asynchronous: Asynchronous | None
    """Serve from a queue."""


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


class Scaling(TypedDict, total=False):
    """How many replicas each variant has, and why. Counts reached by scaling survive an update of the endpoint."""

    min: int
    """Replicas at least; 0 lets the endpoint sleep where the backend can."""
    max: int
    """Replicas at most."""
    requests_per_replica: float | None
    """Requests a minute that one replica should see (asynchronous: requests waiting for each replica). Needed
    when max is above min."""
    cooldown_in_seconds: int
    """Seconds to wait after removing a replica before removing another."""
    cooldown_out_seconds: int
    """Seconds to wait after adding a replica before adding another."""
    schedules: Sequence[ScalingSchedule]
    """Bounds by the clock."""


class Linear(TypedDict, total=False):
    """The traffic in equal steps, watched after each."""

    step_percent: Required[int]
    """Share that each step moves (on AWS: of the capacity, 10 at least; on Kubernetes: of the requests)."""
    interval_minutes: int
    """Minutes to watch after each step (on AWS: 60 at most)."""


class Release(TypedDict, total=False):
    """How a new version takes over. All at once, with the old one kept ready until no alarm went off, unless told."""

    canary: Canary | None
    """A part first."""
    linear: Linear | None
    """In steps."""
    owner: Literal["program", "registry"]
    """``program``: this program deploys. ``registry``: whoever listens to the registry does, and this program
    lets go of the version after the first."""
    rollback_alarms: Sequence[Input[str]]
    """Names of further alarms that send a release back while it is watched (on AWS: of CloudWatch; on Kubernetes: of
    Prometheus)."""


class Health(TypedDict, total=False):
    """When the endpoint is unwell: alarms that are told to the platform's alerts, and that send a release back."""

    errors_percent: float
    """Share of requests that fail inside the model."""
    latency_ms: float | None
    """99th percentile of the model's time for an answer, in milliseconds; not watched unless told."""


class EndpointArgs(TypedDict, total=False):
    """What an endpoint is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    model: Has[ModelVersionRef] | ModelFiles | None
    """What it serves: ``model.approved(…)``, ``model.version(n)``, or an image with files. A new version is
    released as ``release`` says, without an outage."""
    variants: Sequence[Variant]
    """Several models that share the traffic, instead of ``model``."""
    shadow: Shadow | None
    """A version that is tried on a copy of the traffic."""
    mode: Mode
    """``{"serverless": {…}}`` or ``{"asynchronous": {…}}``; real-time unless told. Changing it is a release like
    any other, except to or from serverless on some backends."""
    compute: Compute
    """The machine of one replica. Changing it is released like a new version."""
    scaling: Scaling
    """How many replicas, and why."""
    release: Release
    """How a new version takes over."""
    health: Health
    """When it is unwell."""
    reads: Sequence[FeatureView]
    """What it looks up while it answers: ``[profile.online]``. Being listed here is what grants it. The container finds
    in ``MLOPS_FEATURES_<GROUP>`` what to ask for (on AWS: the name of the feature group, for the Feature Store API; on
    Kubernetes: of the feature view, at the address in ``MLOPS_FEATURE_SERVER_<GROUP>``)."""
    environment: Mapping[str, Input[str]]
    """Environment variables of the serving container, beside those of ``reads`` and ``secrets``; never secrets. (On
    Kubernetes they can also set the options of MLServer, which serves versions of the registry: ``MLSERVER_…``.)"""
    secrets: Mapping[str, Has[SecretRef]]
    """Secrets that the container may read, by the name under which it finds each: ``MLOPS_SECRET_<NAME>`` holds the
    address, never the value (on AWS: of the secret in Secrets Manager, which it fetches; on Kubernetes: of a file, as
    ``file:///…``, which it reads)."""
    capture_percent: int
    """Share of requests and answers that is written to the artifact store, for monitoring and retraining."""
    invokers: Sequence[str]
    """Principals that may call it (on AWS: names of IAM roles of the account; on Kubernetes: namespaces)."""
    isolated: bool | None
    """Cut the container off from every network. True unless told, where it reads nothing and has no secrets."""
    tags: Mapping[str, str]
    """Further tags."""


class Online(TypedDict, total=False):
    """The online store: the newest row of each key, within milliseconds."""

    ttl_hours: int | None
    """Hours after its event time at which a row is dropped; kept for ever unless told. Changing it updates in place."""


class Offline(TypedDict, total=False):
    """The offline store: every row ever written, for training."""

    format: Literal["parquet", "iceberg"]
    """Table format. It cannot be changed later."""


class FeatureGroupArgs(TypedDict, total=False):
    """What a feature group is asked to be."""

    store: Required[Has[FeatureStoreRef]]
    """The store that it belongs to."""
    features: Required[Mapping[str, Literal["string", "integer", "float", "boolean", "timestamp"]]]
    """Every column with its type, key and event time among them. Adding one updates in place; removing or
    retyping one is refused."""
    keys: Required[Sequence[str]]
    """The features that identify a row. They cannot be changed later."""
    event_time: Required[str]
    """The feature that says when a row was true: a ``timestamp`` (ISO 8601) or a ``float`` (seconds since 1970).
    It cannot be changed later."""
    online: Online | None
    """``{}`` for an online store, ``{"ttl_hours": 72}`` for one that forgets; none unless told."""
    offline: Offline | None
    """The offline store; ``None`` for none."""
    description: str | None
    """What the rows are. It cannot be changed later."""
    protect: bool | None
    """Refuse to delete the group; as the stage says unless told."""
    tags: Mapping[str, str]
    """Further tags."""


class Schedule(TypedDict, total=False):
    """When something happens."""

    cron: Required[str]
    """Five fields as in Unix cron: minute, hour, day of month, month, day of week (0 or 7 is Sunday)."""
    timezone: str
    """A name of the IANA time zone database, such as ``Europe/Berlin``."""


class FeatureStoreArgs(TypedDict, total=False):
    """What a feature store is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    materialize: Schedule | None
    """When rows of the offline stores are brought into the online stores, for backends that do not write both at
    once. Without it online stores hold what is pushed to them."""
    tags: Mapping[str, str]
    """Further tags."""


class Notice(TypedDict, total=False):
    """Somebody who is told when the approval of a version changes."""

    to: Required[Input[str]]
    """Full address of who is told (on AWS: the ARN of a queue, topic or function, whose own policy must let the
    cloud's event service deliver; on Kubernetes: an http or https URL)."""
    on: Sequence[Literal["approved", "rejected", "pending"]]
    """Which changes are told."""


class ModelRegistryArgs(TypedDict, total=False):
    """What a registry is asked to be."""

    platform: Required[Has[PlatformRef]]
    """The platform that it stands on."""
    approvers: Sequence[str]
    """Principals that may approve and reject versions (on AWS: names of IAM roles of the account; on Kubernetes: users
    of the registry, made with it)."""
    consumers: Sequence[str] | None
    """Principals outside that may read and deploy versions (on AWS: account ids; on Kubernetes: namespaces); the
    platform's unless told."""
    events: Mapping[str, Notice]
    """Who is told of approvals, by short name: ``{"deploy": {"to": queue.arn}}``."""
    tags: Mapping[str, str]
    """Further tags."""


class ModelArgs(TypedDict, total=False):
    """What a model is asked to be."""

    registry: Required[Has[ModelRegistryRef]]
    """The registry that it belongs to."""
    gate: Mapping[str, str]
    """What a version's metrics must reach before ``approved()`` takes it: ``{"auc": ">=0.92"}``. Judged against
    the metadata of the version."""
    description: str | None
    """What the model does. It cannot be changed later."""
    metadata: Mapping[str, str]
    """Facts about the model as a whole, kept as tags."""
    protect: bool | None
    """Refuse to delete the model; as the stage says unless told."""
    tags: Mapping[str, str]
    """Further tags."""


class Database(TypedDict, total=False):
    """A Postgres server that the user has, with one database for each part that needs one."""

    host: Required[str]
    """Its host name."""
    port: int
    """Its port."""
    username: Required[str]
    """Who owns the databases."""
    password: Required[Input[str]]
    """A Pulumi secret from here on."""
    tls: Literal["require", "verify-full", "disable"]
    """How the connection is protected (``sslmode``)."""


class ExistingNetwork(TypedDict, total=False):
    """A network that the user has."""

    subnets: Required[Sequence[Input[str]]]
    """Ids of the subnets in which workloads run."""
    security_groups: Required[Sequence[Input[str]]]
    """Ids of the security groups that workloads get."""


class ObjectStore(TypedDict, total=False):
    """A server that speaks S3, outside the cloud's own."""

    url: Required[str]
    """Its address, such as ``https://s3.example.com``."""
    bucket: Required[str]
    """The bucket for artifacts. Its encryption, versions and lifecycle stay the owner's business."""
    region: str
    """What requests are signed for; most servers take any."""
    access_key: Required[Input[str]]
    """Key that may read and write the bucket."""
    secret_key: Required[Input[str]]
    """Its secret; a Pulumi secret from here on."""
    reader_access_key: Input[str] | None
    """Key that may only read, for what only reads; the one above unless told."""
    reader_secret_key: Input[str] | None
    """Its secret; a Pulumi secret from here on."""


class ImageRegistry(TypedDict, total=False):
    """A registry for images, outside the cloud's own."""

    address: Required[str]
    """What image names begin with, such as ``registry.example.com/ml``."""
    username: Input[str] | None
    """Who pulls; nobody logs in unless told."""
    password: Input[str] | None
    """A Pulumi secret from here on."""


class Gateway(TypedDict, total=False):
    """A way in from outside: endpoints are reached at ``<name>.<domain>`` through it."""

    name: Required[str]
    """Its address in the backend's own terms (on Kubernetes: ``namespace/name`` of a Gateway)."""
    domain: Required[str]
    """The domain under which endpoints get their host names; the owner points it at the gateway."""
    tls: bool
    """Whether it is reached by https."""


class ExistingParts(TypedDict, total=False):
    """Parts that the user has already; the platform uses them and neither changes nor deletes them."""

    artifacts: Input[str] | None
    """Name of the bucket for artifacts. Its encryption, policy and lifecycle stay the owner's business."""
    object_store: ObjectStore | None
    """A server that speaks S3, with the bucket for artifacts."""
    database: Database | None
    """A Postgres server for the parts that need one."""
    images: ImageRegistry | None
    """A registry for ``images``."""
    gateway: Gateway | None
    """A way in from outside."""
    metrics: str | None
    """Address of a Prometheus that scrapes the platform's endpoints: releases are watched, and replicas counted, by
    what it says."""
    key: Input[str] | None
    """Full address (on AWS: ARN) of the encryption key. Its policy must let the services use it that the
    platform uses."""
    alerts: Input[str] | None
    """Full address of who gets alerts (on AWS: the ARN of a topic; on Kubernetes: the URL of a webhook)."""


class PrivateNetwork(TypedDict, total=False):
    """A network of the platform's own, without a way to the internet; cloud services have endpoints in it."""

    cidr: str
    """Address range, at least a /20. Changing it replaces the network."""
    zones: int
    """Availability zones, each with one subnet."""


class Network(TypedDict, total=False):
    """Where workloads run: exactly one of the two."""

    private: PrivateNetwork | None
    """Make a network."""
    existing: ExistingNetwork | None
    """Use a network that is there."""


class Quota(TypedDict, total=False):
    """The most that everything on the platform may ask for at one time."""

    cpus: Required[int]
    """CPUs."""
    memory_gb: Required[float]
    """Memory in GiB."""
    accelerators: int
    """Accelerators of any model."""
    storage_gb: int | None
    """Disks in GiB; not bounded unless told."""


class PlatformArgs(TypedDict, total=False):
    """What a platform is asked to be."""

    backend: str | None
    """``"aws"`` or ``"kubernetes"``; the stack's configuration value ``backend`` unless told. Changing it makes another
    platform."""
    stage: Literal["dev", "staging", "prod"]
    """A profile: ``dev`` is cheap and can be destroyed, ``prod`` protects what holds data and keeps logs for a year."""
    region: str | None
    """The cloud's own region name; the provider's unless told. Changing it replaces everything."""
    account: str | None
    """The account that this must be (on AWS: twelve digits; on Kubernetes: a context of the kubeconfig); anything else
    is refused before it is touched."""
    owner: str | None
    """Who answers for it; becomes a tag."""
    tags: Mapping[str, str]
    """Tags on every resource of every component of the platform. Changing them updates in place."""
    alerts: Sequence[str]
    """E-mail addresses that budget and alarm messages go to. Each has to confirm once."""
    quota: Quota | None
    """The most that everything on the platform may ask for at one time; the backend's own limits unless told."""
    addons: Sequence[str]
    """Software that the backend needs and that is to be installed with the platform, by the backend's own names (on
    Kubernetes: operators such as ``"kserve"``). Nothing is installed that is not named here."""
    monthly_budget: float | None
    """US dollars a month for everything that carries the platform's ``project`` tag. It is an alarm, not a limit."""
    budget_thresholds: Sequence[int]
    """Percentages of the budget at which a message is sent: by actual cost, and at 100 by forecast too."""
    images: Sequence[str]
    """Image repositories; ``platform.image(name, tag)`` is an address in one. A repository that still has images
    is not deleted in prod."""
    secrets: Mapping[str, Input[str]]
    """Secrets to keep, by short name; values are Pulumi secrets from here on. ``platform.secret(name)`` is the
    address of one."""
    network: Network | None
    """``{"private": {}}``, ``{"existing": {…}}``, or none: workloads then use the cloud's own network and public
    service addresses."""
    existing: ExistingParts
    """Parts that are there already."""
    consumers: Sequence[str]
    """Principals outside that may read artifacts, images and models (on AWS: account ids; on Kubernetes:
    namespaces). Only the owner's stack can grant that."""
    log_days: int | None
    """Days that logs are kept: 14 in dev, 30 in staging, 365 in prod unless told."""
