"""What Platform accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi import Input

    from pulumi_mlops.args.principals import Principal
    from pulumi_mlops.core.principals import PrincipalRef
    from pulumi_mlops.core.refs import Has

__all__ = [
    "Database",
    "ExistingNetwork",
    "ExistingParts",
    "Gateway",
    "ImageRegistry",
    "Network",
    "NetworkWithExisting",
    "NetworkWithPrivate",
    "ObjectStore",
    "PlatformArgs",
    "PrivateNetwork",
    "Quota",
    "Tokens",
]


class Database(TypedDict, total=False):
    """A Postgres server that the user has, with one database for each part that needs one."""

    host: Required[str]
    """Its host name, or its address."""
    port: int
    """Its port."""
    username: Required[str]
    """Who owns the databases."""
    password: Required[Input[str]]
    """A Pulumi secret from here on."""
    tls: Literal["require", "verify-full", "disable"]
    """How the connection is protected (``sslmode``)."""
    ca: Input[str] | None
    """Certificates (PEM) of the authority that signed the server's; the usual authorities unless told."""


class ExistingNetwork(TypedDict, total=False):
    """A network that the user has."""

    subnets: Required[Sequence[Input[str]]]
    """Ids of the subnets in which workloads run, or their private ways to services."""
    security_groups: Sequence[Input[str]]
    """Ids of the security groups that workloads get, where the backend has such."""


class ExistingParts(TypedDict, total=False):
    """Parts that the user has already; the platform uses them and neither changes nor deletes them."""

    group: str | None
    """Name of the group of resources in which the platform's parts are made; it is its owner's, and stays. Changing it
    replaces everything."""
    workspace: str | None
    """A workspace that is there, by its name or by its full address. The platform stands on what that stands on, which
    is found by asking it, and changes nothing of it. Changing it replaces everything."""
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
    cidrs: Sequence[str]
    """Ranges of addresses in which the parts are that are outside of the platform's network, such as ``192.0.2.0/24``:
    containers reach no other address for them. They reach any where there is none; a private platform needs them."""
    key: Input[str] | None
    """Full address of the encryption key. Its policy must let the services use it that the platform uses. On AWS: an
    ARN."""
    alerts: Input[str] | None
    """Full address of who gets alerts. On AWS: the ARN of a topic. On Kubernetes: the URL of a webhook."""


class Gateway(TypedDict, total=False):
    """A way in from outside: endpoints are reached at ``<name>.<domain>`` through it, by whom it lets in."""

    name: Required[str]
    """Its address in the backend's own terms. On Kubernetes: ``namespace/name`` of a Gateway."""
    domain: Required[str]
    """The domain under which endpoints get their host names; the owner points it at the gateway."""
    tls: bool
    """Whether it is reached by https."""
    listener: str | None
    """Name of its listener that leads to the platform's endpoints, such as an internal one, or one that asks for client
    certificates; the default is one that ``tls`` asks for. On Kubernetes: the routes' ``sectionName``. The default is
    looked up: the first listener that speaks HTTPS (HTTP where ``tls`` is false) for the domain; ``https`` or ``http``
    where the Gateway cannot be read."""
    tokens: Tokens | None
    """The tokens that callers of endpoints must bring; without them the gateway lets in whoever reaches the listener:
    ``invokers`` are judged inside the platform's own network only. On Kubernetes: judged by Envoy Gateway, of
    Endpoints. Registries have logins of their own."""


class ImageRegistry(TypedDict, total=False):
    """A registry for images, outside the cloud's own."""

    address: Required[str]
    """What image names begin with, such as ``registry.example.com/ml``."""
    username: Input[str] | None
    """Who pulls; nobody logs in unless told."""
    password: Input[str] | None
    """A Pulumi secret from here on."""


class NetworkWithPrivate(TypedDict, total=False):
    """Where workloads run: exactly one of the two."""

    private: Required[PrivateNetwork]
    """Make a network."""


class NetworkWithExisting(TypedDict, total=False):
    """Where workloads run: exactly one of the two."""

    existing: Required[ExistingNetwork]
    """Use a network that is there."""


Network: TypeAlias = NetworkWithPrivate | NetworkWithExisting
"""Where workloads run: exactly one of the two."""


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
    path_style: bool
    """Whether the bucket stands in the path of addresses; else it is part of the host name."""
    ca: Input[str] | None
    """Certificates (PEM) of the authority that signed the server's; the usual authorities unless told."""


class PlatformArgs(TypedDict, total=False):
    """What a platform is asked to be."""

    backend: str | None
    """The backend's name; the default is the stack's configuration value ``backend``. Changing it makes another
    platform."""
    stage: str
    """A short name, which is part of the names of everything: 1 to 12 lower-case letters and digits. The default is
    ``dev``. Changing it makes another platform."""
    profile: Literal["dev", "staging", "prod"] | None
    """How the stage is treated: ``dev`` is cheap and can be destroyed, ``staging`` keeps logs for 30 days, ``prod``
    protects what holds data and keeps logs for a year. The default is the stage's name where it is one of these; a
    stage of another name needs it. What a change does is the backend's: see the page of updates."""
    region: str | None
    """The cloud's own region name; the provider's unless told. Changing it replaces everything. On Azure: such as
    ``westeurope``."""
    account: str | None
    """The account that this must be; anything else is refused before it is touched. On AWS: twelve digits. On Azure:
    the id of a subscription. On Kubernetes: a context of the kubeconfig."""
    owner: str | None
    """Who answers for it; becomes a tag."""
    tags: Mapping[str, str]
    """Tags on every resource of every component of the platform. Changing them updates in place. The keys ``project``,
    ``stage``, ``component``, ``managed-by`` and ``owner`` are the library's, in upper and in lower case."""
    tag_prefix: str
    """What the keys of the library's own tags begin with, such as ``mlops-``; nothing unless told. Changing it updates
    in place."""
    alerts: Sequence[str]
    """E-mail addresses that budget and alarm messages go to. Each has to confirm once."""
    quota: Quota | None
    """The most that everything on the platform may ask for at one time; the backend's own limits unless told."""
    addons: Sequence[str]
    """Software that the backend needs and that is to be installed with the platform, by the backend's own names.
    Nothing is installed that is not named here. On Kubernetes: operators such as ``"kserve"``."""
    monthly_budget: float | None
    """US dollars a month for everything that carries the platform's ``project`` tag. It is an alarm, not a limit."""
    budget_thresholds: Sequence[int]
    """Percentages of the budget at which a message is sent: by actual cost, and at 100 by forecast too."""
    images: Sequence[str]
    """Image repositories; ``platform.image(name, tag)`` is an address in one. A repository that still has images is not
    deleted in prod."""
    secrets: Mapping[str, Input[str]]
    """Secrets to keep, by short name; values are Pulumi secrets from here on. ``platform.secret(name)`` is the address
    of one."""
    network: Network | None
    """``{"private": {}}``, ``{"existing": {…}}``, or none: workloads then use the cloud's own network and public
    service addresses."""
    existing: ExistingParts
    """Parts that are there already."""
    consumers: Sequence[Has[PrincipalRef] | Principal]
    """Principals outside that may read artifacts, images and models: ``[{"account": …}]``, or an Identity. Only the
    owner's stack can grant that. On AWS: accounts, roles and Identities. They read ``models/`` of the artifact store,
    and images. On Azure: users, groups, applications and Identities. They read ``models/`` of the artifact store,
    images, and the workspace's list of models. On Kubernetes: namespaces, service accounts and Identities."""
    log_days: int | None
    """Days that logs are kept: 14 in dev, 30 in staging, 365 in prod unless told."""


class PrivateNetwork(TypedDict, total=False):
    """A network of the platform's own, without a way to the internet; cloud services have endpoints in it."""

    cidr: str
    """Address range, at least a /20. Changing it replaces the network."""
    zones: int
    """Availability zones, each with one subnet."""
    zone_names: Sequence[str]
    """The zones by name, where it matters which; instead of ``zones``. Changing them replaces subnets."""


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


class Tokens(TypedDict, total=False):
    """The tokens that callers from outside bring (JWT), as an identity provider of OpenID Connect issues them."""

    issuer: Required[str]
    """Who issues them: the claim ``iss``, such as ``https://login.example.com/``."""
    audiences: Required[Sequence[str]]
    """For whom they are issued: one of these must be in the claim ``aud``."""
    keys: Required[str]
    """Address of the issuer's public keys (JWKS), such as ``https://login.example.com/keys``."""
