"""Platform: the hub that every other component stands on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

import pulumi
from pulumi import Input, Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.core.component import Component
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import (
    URL,
    Flag,
    In,
    Needs,
    Number,
    OneOf,
    Sensitive,
    Spec,
    Whole,
    demand_text,
    given,
    is_deferred,
    is_host,
    kind_of,
    nearest,
    refuse,
)
from pulumi_mlops.core.principals import Principals
from pulumi_mlops.core.refs import HubRef, SecretRef
from pulumi_mlops.core.stages import PROFILES, STAGE_RULE, ProfileName, is_stage, told_by
from pulumi_mlops.core.tags import PREFIX, PREFIX_RULE

if TYPE_CHECKING:  # read by type checkers; a program need not make a TypedDict of each spec
    from pulumi_mlops.args.platform import PlatformArgs

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_KEYS = re.compile(r"https://[^\s/]+/\S*")
_SHORT_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")


class PrivateNetwork(Spec):
    """A network of the platform's own, without a way to the internet; cloud services have endpoints in it."""

    cidr: str = "10.64.0.0/16"
    """Address range, at least a /20. Changing it replaces the network."""
    zones: Annotated[Whole, Field(ge=1, le=4)] = 2
    """Availability zones, each with one subnet."""
    zone_names: list[str] = []
    """The zones by name, where it matters which; instead of ``zones``. Changing them replaces subnets."""

    @field_validator("zone_names")
    @classmethod
    def _at_most_four(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value) or len(value) > 4:  # noqa: PLR2004 (the address range is cut into four)
            raise refuse("takes at most four zones, each once")
        return value

    @field_validator("cidr")
    @classmethod
    def _range(cls, value: str) -> str:
        import ipaddress  # noqa: PLC0415 (not free to import)

        try:
            network = ipaddress.ip_network(value)
        except ValueError as error:
            raise refuse(f"{error}; write a range such as '10.64.0.0/16'") from None
        if not network.is_private or not 16 <= network.prefixlen <= 20:  # noqa: PLR2004 (said in the message)
            raise refuse(f"{value!r} must be a private range between /16 and /20, such as '10.64.0.0/16'")
        return value


class ExistingNetwork(Spec):
    """A network that the user has."""

    subnets: Annotated[list[In[str]], Field(min_length=1)]
    """Ids of the subnets in which workloads run, or their private ways to services."""
    security_groups: Annotated[list[In[str]], Needs("platform.network.existing.security_groups")] = []
    """Ids of the security groups that workloads get, where the backend has such."""


class Network(Spec):
    """Where workloads run: exactly one of the two."""

    one_of = OneOf("private", "existing", advice="leave network out for none at all")

    private: Annotated[PrivateNetwork | None, Needs("platform.network.private", given)] = None
    """Make a network."""
    existing: Annotated[ExistingNetwork | None, Needs("platform.network.existing", given)] = None
    """Use a network that is there."""


def certificates(value: object) -> object:
    """Judge the text of certificates; one that is not known yet passes."""
    if isinstance(value, str) and "-----BEGIN CERTIFICATE-----" not in value:
        raise refuse("is no certificate in PEM; write the text itself, such as pathlib.Path('ca.pem').read_text()")
    return value


class ObjectStore(Spec):
    """A server that speaks S3, outside the cloud's own."""

    url: str
    """Its address, such as ``https://s3.example.com``."""
    bucket: str
    """The bucket for artifacts. Its encryption, versions and lifecycle stay the owner's business."""
    region: str = "us-east-1"
    """What requests are signed for; most servers take any."""
    access_key: In[str]
    """Key that may read and write the bucket."""
    secret_key: Annotated[In[str], Sensitive()]
    """Its secret; a Pulumi secret from here on."""
    reader_access_key: In[str] | None = None
    """Key that may only read, for what only reads; the one above unless told."""
    reader_secret_key: Annotated[In[str] | None, Sensitive()] = None
    """Its secret; a Pulumi secret from here on."""
    path_style: Flag = True
    """Whether the bucket stands in the path of addresses; else it is part of the host name."""
    ca: In[str] | None = None
    """Certificates (PEM) of the authority that signed the server's; the usual authorities unless told."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not URL.fullmatch(value):
            raise refuse(f"{value!r} must be an address without a path, such as 'https://s3.example.com'")
        return value

    @field_validator("ca")
    @classmethod
    def _authority(cls, value: object) -> object:
        return certificates(value)

    @field_validator("reader_secret_key")
    @classmethod
    def _both(cls, value: object, info: ValidationInfo) -> object:
        if (value is None) != (info.data.get("reader_access_key") is None):
            raise refuse("reader_access_key and reader_secret_key belong together; write both or neither")
        return value


class Database(Spec):
    """A Postgres server that the user has, with one database for each part that needs one."""

    host: str
    """Its host name, or its address."""
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5432
    """Its port."""
    username: str
    """Who owns the databases."""
    password: Annotated[In[str], Sensitive()]
    """A Pulumi secret from here on."""
    tls: Literal["require", "verify-full", "disable"] = "require"
    """How the connection is protected (``sslmode``)."""
    ca: In[str] | None = None
    """Certificates (PEM) of the authority that signed the server's; the usual authorities unless told."""

    @field_validator("ca")
    @classmethod
    def _authority(cls, value: object) -> object:
        return certificates(value)

    @field_validator("host")
    @classmethod
    def _bare(cls, value: str) -> str:
        if not is_host(value):
            raise refuse(
                f"{value!r} must be a host name or an address, without scheme, port and path, such as 'db.example.com'"
            )
        return value


class ImageRegistry(Spec):
    """A registry for images, outside the cloud's own."""

    address: str
    """What image names begin with, such as ``registry.example.com/ml``."""
    username: In[str] | None = None
    """Who pulls; nobody logs in unless told."""
    password: Annotated[In[str] | None, Sensitive()] = None
    """A Pulumi secret from here on."""

    @field_validator("address")
    @classmethod
    def _bare(cls, value: str) -> str:
        if "://" in value or value.endswith("/"):
            raise refuse(f"{value!r}: write it without scheme and without a slash at the end, as in an image's name")
        return value

    @field_validator("password")
    @classmethod
    def _both(cls, value: object, info: ValidationInfo) -> object:
        if (value is None) != (info.data.get("username") is None):
            raise refuse("username and password belong together; write both or neither")
        return value


class Tokens(Spec):
    """The tokens that callers from outside bring (JWT), as an identity provider of OpenID Connect issues them."""

    issuer: str
    """Who issues them: the claim ``iss``, such as ``https://login.example.com/``."""
    audiences: Annotated[list[str], Field(min_length=1)]
    """For whom they are issued: one of these must be in the claim ``aud``."""
    keys: str
    """Address of the issuer's public keys (JWKS), such as ``https://login.example.com/keys``."""

    @field_validator("keys")
    @classmethod
    def _address(cls, value: str) -> str:
        if not _KEYS.fullmatch(value):
            raise refuse(f"{value!r} must be an https address, such as 'https://login.example.com/keys'")
        return value


class Gateway(Spec):
    """A way in from outside: endpoints are reached at ``<name>.<domain>`` through it, by whom it lets in."""

    name: str
    """Its address in the backend's own terms."""
    domain: str
    """The domain under which endpoints get their host names; the owner points it at the gateway."""
    tls: Flag = True
    """Whether it is reached by https."""
    listener: str | None = None
    """Name of its listener that leads to the platform's endpoints, such as an internal one, or one that asks for client
    certificates; the default is one that ``tls`` asks for."""
    tokens: Annotated[Tokens | None, Needs("platform.existing.gateway.tokens", given)] = None
    """The tokens that callers of endpoints must bring; without them the gateway lets in whoever reaches the listener:
    ``invokers`` are judged inside the platform's own network only."""

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str) -> str:
        if not _DOMAIN.fullmatch(value):
            raise refuse(f"{value!r} must be a domain in lower case, such as 'ml.example.com'")
        return value


class Quota(Spec):
    """The most that everything on the platform may ask for at one time."""

    cpus: Annotated[Whole, Field(ge=1)]
    """CPUs."""
    memory_gb: Annotated[Number, Field(gt=0)]
    """Memory in GiB."""
    accelerators: Annotated[Whole, Field(ge=0)] = 0
    """Accelerators of any model."""
    storage_gb: Annotated[Whole, Field(ge=0)] | None = None
    """Disks in GiB; not bounded unless told."""


class ExistingParts(Spec):
    """Parts that the user has already; the platform uses them and neither changes nor deletes them."""

    group: Annotated[str | None, Needs("platform.existing.group", given)] = None
    """Name of the group of resources in which the platform's parts are made; it is its owner's, and stays. Changing it
    replaces everything."""
    workspace: Annotated[str | None, Needs("platform.existing.workspace", given)] = None
    """A workspace that is there, by its name or by its full address. The platform stands on what that stands on, which
    is found by asking it, and changes nothing of it. Changing it replaces everything."""
    artifacts: Annotated[In[str] | None, Needs("platform.existing.artifacts", given)] = None
    """Name of the bucket for artifacts. Its encryption, policy and lifecycle stay the owner's business."""
    object_store: Annotated[ObjectStore | None, Needs("platform.existing.object_store", given)] = None
    """A server that speaks S3, with the bucket for artifacts."""
    database: Annotated[Database | None, Needs("platform.existing.database", given)] = None
    """A Postgres server for the parts that need one."""
    images: Annotated[ImageRegistry | None, Needs("platform.existing.images", given)] = None
    """A registry for ``images``."""
    gateway: Annotated[Gateway | None, Needs("platform.existing.gateway", given)] = None
    """A way in from outside."""
    metrics: Annotated[str | None, Needs("platform.existing.metrics", given)] = None
    """Address of a Prometheus that scrapes the platform's endpoints: releases are watched, and replicas counted, by
    what it says."""

    @field_validator("metrics")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not URL.fullmatch(value):
            raise refuse(f"{value!r} must be an address without a path, such as 'http://prometheus.monitoring:9090'")
        return value

    cidrs: Annotated[list[str], Needs("platform.existing.cidrs")] = []
    """Ranges of addresses in which the parts are that are outside of the platform's network, such as ``192.0.2.0/24``:
    containers reach no other address for them. They reach any where there is none; a private platform needs them."""

    @field_validator("cidrs")
    @classmethod
    def _ranges(cls, value: list[str]) -> list[str]:
        import ipaddress  # noqa: PLC0415 (not free to import)

        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError as error:
                raise refuse(f"{error}; write a range such as '192.0.2.0/24' or '2001:db8::/32'") from None
        return value

    key: Annotated[In[str] | None, Needs("platform.existing.key", given)] = None
    """Full address of the encryption key. Its policy must let the services use it that the platform uses."""
    alerts: Annotated[In[str] | None, Needs("platform.existing.alerts", given), Sensitive()] = None
    """Full address of who gets alerts."""


class PlatformSpec(Spec):
    """What a platform is asked to be."""

    backend: str | None = None
    """The backend's name; the default is the stack's configuration value ``backend``. Changing it makes another
    platform."""
    stage: str = "dev"
    """A short name, which is part of the names of everything: 1 to 12 lower-case letters and digits. The default is
    ``dev``. Changing it makes another platform."""
    profile: ProfileName | None = None
    """How the stage is treated: ``dev`` is cheap and can be destroyed, ``staging`` keeps logs for 30 days, ``prod``
    protects what holds data and keeps logs for a year. The default is the stage's name where it is one of these; a
    stage of another name needs it. What a change does is the backend's: see the page of updates."""
    region: Annotated[str | None, Needs("platform.region")] = None
    """The cloud's own region name; the provider's unless told. Changing it replaces everything."""
    account: str | None = None
    """The account that this must be; anything else is refused before it is touched."""
    owner: str | None = None
    """Who answers for it; becomes a tag."""
    tags: dict[str, str] = {}
    """Tags on every resource of every component of the platform. Changing them updates in place. The keys ``project``,
    ``stage``, ``component``, ``managed-by`` and ``owner`` are the library's, in upper and in lower case."""
    tag_prefix: str = ""
    """What the keys of the library's own tags begin with, such as ``mlops-``; nothing unless told. Changing it updates
    in place."""
    alerts: list[str] = []
    """E-mail addresses that budget and alarm messages go to. Each has to confirm once."""
    quota: Annotated[Quota | None, Needs("platform.quota")] = None
    """The most that everything on the platform may ask for at one time; the backend's own limits unless told."""
    addons: Annotated[list[str], Needs("platform.addons")] = []
    """Software that the backend needs and that is to be installed with the platform, by the backend's own names.
    Nothing is installed that is not named here."""
    monthly_budget: Annotated[Annotated[Number, Field(gt=0)] | None, Needs("platform.budget")] = None
    """US dollars a month for everything that carries the platform's ``project`` tag. It is an alarm, not a limit."""
    budget_thresholds: list[Annotated[Whole, Field(ge=1, le=1000)]] = [50, 80, 100]
    """Percentages of the budget at which a message is sent: by actual cost, and at 100 by forecast too."""
    images: Annotated[list[str], Needs("platform.images")] = []
    """Image repositories; ``platform.image(name, tag)`` is an address in one. A repository that still has images
    is not deleted in prod."""
    secrets: Annotated[dict[str, In[str]], Needs("platform.secrets"), Sensitive()] = {}
    """Secrets to keep, by short name; values are Pulumi secrets from here on. ``platform.secret(name)`` is the
    address of one."""
    network: Network | None = None
    """``{"private": {}}``, ``{"existing": {…}}``, or none: workloads then use the cloud's own network and public
    service addresses."""
    existing: ExistingParts = ExistingParts()
    """Parts that are there already."""
    consumers: Annotated[Principals, Needs("platform.consumers")] = []
    """Principals outside that may read artifacts, images and models: ``[{"account": …}]``, or an Identity. Only the
    owner's stack can grant that."""
    log_days: Annotated[Annotated[Whole, Field(ge=1)] | None, Needs("platform.log_days")] = None
    """Days that logs are kept: 14 in dev, 30 in staging, 365 in prod unless told."""

    @field_validator("stage")
    @classmethod
    def _short(cls, value: str) -> str:
        if not is_stage(value):
            raise refuse(f"{value!r} must be {STAGE_RULE}")
        return value

    @field_validator("tag_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if value and not PREFIX.fullmatch(value):
            raise refuse(f"{value!r} must be {PREFIX_RULE}")
        return value

    @field_validator("profile")
    @classmethod
    def _treated(cls, value: ProfileName | None, info: ValidationInfo) -> ProfileName | None:
        if (stage := info.data.get("stage")) is None:  # refused already
            return value
        told = told_by(stage)
        if value is None and told is None:
            raise refuse(
                f"is required, because stage {stage!r} tells none; write 'dev', 'staging' or 'prod'"
                f"{nearest(stage, PROFILES)}"
            )
        if value and told and value != told:
            raise refuse(f"is {told!r}, because the stage is named so; leave it out, or give the stage another name")
        return value or told

    @field_validator("alerts")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        if wrong := [address for address in value if not _EMAIL.fullmatch(address)]:
            raise refuse(
                f"{', '.join(map(repr, wrong))}: not an e-mail address; write one such as 'ml-team@example.com'"
            )
        return value

    @field_validator("monthly_budget")
    @classmethod
    def _somebody_is_told(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("alerts") == []:
            raise refuse("a budget needs somebody to tell; write alerts=['ml-team@example.com']")
        return value

    @field_validator("images", "secrets")
    @classmethod
    def _short_names(cls, value: list[str] | dict[str, object]) -> object:
        if wrong := [name for name in value if not _SHORT_NAME.fullmatch(name)]:
            raise refuse(f"{', '.join(map(repr, wrong))}: write 2 to 40 lower-case letters, digits and hyphens")
        if isinstance(value, list) and len(set(value)) != len(value):
            raise refuse("names one thing twice")
        return value


@dataclass(frozen=True, kw_only=True)
class PlatformRef(HubRef):
    """The hub that every other component stands on."""

    noun = "platform"

    region: str | None = None
    artifacts: Input[str]
    """Where artifacts are kept, as a URI that ends in a slash."""
    images: Mapping[str, Input[str]] = field(default_factory=dict)
    """Image repositories by short name."""
    secrets: Mapping[str, Input[str]] = field(default_factory=dict)
    """Addresses of the platform's secrets by short name."""
    consumers: list[Mapping[str, Input[str]]] = field(default_factory=list)
    """Principals outside the platform that may read what it shares."""
    private: bool = False
    """Whether workloads run inside the platform's own or an existing network."""

    def image(self, name: str, tag: Input[str]) -> pulumi.Output[str]:
        """Return the full address of an image in one of the platform's repositories.

        :param name: a repository that the platform declares in ``images``.
        :param tag: a tag, or a digest that starts with ``sha256:``.
        """
        if said := demand_text(name, "platform.image('churn', '1.4.0')"):
            raise InvalidArgs("Platform", self.name, [Problem("image", said)])
        if not is_deferred(tag) and (not isinstance(tag, str) or not tag):
            told = f"needs a tag or a digest as text; this is {kind_of(tag)}"
            raise InvalidArgs("Platform", self.name, [Problem("tag", told)])
        if name not in self.images:
            raise InvalidArgs(
                "Platform",
                self.name,
                [
                    Problem(
                        "images",
                        f"has no repository {name!r}{nearest(name, self.images)}; add it to images=[…] "
                        f"({', '.join(self.images) or 'none yet'})",
                    )
                ],
            )
        return pulumi.Output.all(self.images[name], tag).apply(
            lambda of: f"{of[0]}{'@' if of[1].startswith('sha256:') else ':'}{of[1]}"
        )

    def secret(self, name: str) -> SecretRef:
        """Return the address of one of the platform's secrets, to be handed to jobs and endpoints."""
        if said := demand_text(name, "platform.secret('token')"):
            raise InvalidArgs("Platform", self.name, [Problem("secret", said)])
        if name not in self.secrets:
            raise InvalidArgs(
                "Platform",
                self.name,
                [Problem("secrets", f"has no secret {name!r}{nearest(name, self.secrets)}; add it to secrets={{…}}")],
            )
        return SecretRef(name=name, backend=self.backend, address={"id": self.secrets[name]})


class Platform(Component[PlatformSpec, PlatformRef]):
    """The hub: encryption key, artifact store, image repositories, network, logs, alerts, budget, tags, providers.

    Every other component takes a platform, and uses its key, its network, its tags and its provider instances
    unless its own ``opts`` name other providers. What holds data is protected in stage ``prod``.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend has no such thing.
    :raises MissingBackend: there is no such backend, or its extra is not installed.
    """

    artifacts: Output[str]
    """Where artifacts are kept, as a URI that ends in a slash."""

    spec_type = PlatformSpec
    ref_type = PlatformRef

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: "Unpack[PlatformArgs]") -> None:
        self.build(name, args, opts)

    def image(self, name: str, tag: Input[str]) -> Output[str]:
        """Return the full address of an image; see :meth:`PlatformRef.image`."""
        return self.ref.image(name, tag)

    def secret(self, name: str) -> SecretRef:
        """Return the address of a secret; see :meth:`PlatformRef.secret`."""
        return self.ref.secret(name)
