"""Platform: the hub that every other component stands on."""

import re
from typing import Annotated, ClassVar, Literal, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import Field, ValidationInfo, field_validator, model_validator

from pulumi_mlops.args import PlatformArgs
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import Flag, In, Number, Spec, Whole, refuse
from pulumi_mlops.core.refs import PlatformRef, SecretRef
from pulumi_mlops.core.stages import Stage

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_SHORT_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")


class PrivateNetwork(Spec):
    """A network of the platform's own, without a way to the internet; cloud services have endpoints in it."""

    cidr: str = "10.64.0.0/16"
    """Address range, at least a /20. Changing it replaces the network."""
    zones: Annotated[Whole, Field(ge=1, le=4)] = 2
    """Availability zones, each with one subnet."""

    @field_validator("cidr")
    @classmethod
    def _range(cls, value: str) -> str:
        import ipaddress  # noqa: PLC0415 (only here, and not free to import)

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
    """Ids of the subnets in which workloads run."""
    security_groups: Annotated[list[In[str]], Field(min_length=1)]
    """Ids of the security groups that workloads get."""


class Network(Spec):
    """Where workloads run: exactly one of the two."""

    private: PrivateNetwork | None = None
    """Make a network."""
    existing: ExistingNetwork | None = None
    """Use a network that is there."""

    @model_validator(mode="after")
    def _one(self) -> "Network":
        if (self.private is None) == (self.existing is None):
            raise refuse("takes exactly one of 'private' and 'existing'; leave network out for none at all")
        return self


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
    secret_key: In[str]
    """Its secret; a Pulumi secret from here on."""
    reader_access_key: In[str] | None = None
    """Key that may only read, for what only reads; the one above unless told."""
    reader_secret_key: In[str] | None = None
    """Its secret; a Pulumi secret from here on."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not _URL.fullmatch(value):
            raise refuse(f"{value!r} must be an address without a path, such as 'https://s3.example.com'")
        return value

    @field_validator("reader_secret_key")
    @classmethod
    def _both(cls, value: object, info: ValidationInfo) -> object:
        if (value is None) != (info.data.get("reader_access_key") is None):
            raise refuse("reader_access_key and reader_secret_key belong together; write both or neither")
        return value


class Database(Spec):
    """A Postgres server that the user has, with one database for each part that needs one."""

    host: str
    """Its host name."""
    port: Annotated[Whole, Field(ge=1, le=65535)] = 5432
    """Its port."""
    username: str
    """Who owns the databases."""
    password: In[str]
    """A Pulumi secret from here on."""
    tls: Literal["require", "verify-full", "disable"] = "require"
    """How the connection is protected (``sslmode``)."""


class ImageRegistry(Spec):
    """A registry for images, outside the cloud's own."""

    address: str
    """What image names begin with, such as ``registry.example.com/ml``."""
    username: In[str] | None = None
    """Who pulls; nobody logs in unless told."""
    password: In[str] | None = None
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


class Gateway(Spec):
    """A way in from outside: endpoints are reached at ``<name>.<domain>`` through it."""

    name: str
    """Its address in the backend's own terms (on Kubernetes: ``namespace/name`` of a Gateway)."""
    domain: str
    """The domain under which endpoints get their host names; the owner points it at the gateway."""
    tls: Flag = True
    """Whether it is reached by https."""

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

    artifacts: In[str] | None = None
    """Name of the bucket for artifacts. Its encryption, policy and lifecycle stay the owner's business."""
    object_store: ObjectStore | None = None
    """A server that speaks S3, with the bucket for artifacts."""
    database: Database | None = None
    """A Postgres server for the parts that need one."""
    images: ImageRegistry | None = None
    """A registry for ``images``."""
    gateway: Gateway | None = None
    """A way in from outside."""
    metrics: str | None = None
    """Address of a Prometheus that scrapes the platform's endpoints: releases are watched, and replicas counted, by
    what it says."""

    @field_validator("metrics")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not _URL.fullmatch(value):
            raise refuse(
                f"{value!r} must be an address without a path, such as 'http://prometheus.monitoring.svc:9090'"
            )
        return value

    key: In[str] | None = None
    """Full address (on AWS: ARN) of the encryption key. Its policy must let the services use it that the
    platform uses."""
    alerts: In[str] | None = None
    """Full address of who gets alerts (on AWS: the ARN of a topic; on Kubernetes: the URL of a webhook)."""


class PlatformSpec(Spec):
    """What a platform is asked to be."""

    withheld: ClassVar[frozenset[str]] = frozenset(
        {
            "secrets",
            "existing.object_store.secret_key",
            "existing.object_store.reader_secret_key",
            "existing.database.password",
            "existing.images.password",
        }
    )

    backend: str | None = None
    """``"aws"`` or ``"kubernetes"``; the stack's configuration value ``backend`` unless told. Changing it makes another
    platform."""
    stage: Stage = "dev"
    """A profile: ``dev`` is cheap and can be destroyed, ``prod`` protects what holds data and keeps logs for a year."""
    region: str | None = None
    """The cloud's own region name; the provider's unless told. Changing it replaces everything."""
    account: str | None = None
    """The account that this must be (on AWS: twelve digits; on Kubernetes: a context of the kubeconfig); anything else
    is refused before it is touched."""
    owner: str | None = None
    """Who answers for it; becomes a tag."""
    tags: dict[str, str] = {}
    """Tags on every resource of every component of the platform. Changing them updates in place."""
    alerts: list[str] = []
    """E-mail addresses that budget and alarm messages go to. Each has to confirm once."""
    quota: Quota | None = None
    """The most that everything on the platform may ask for at one time; the backend's own limits unless told."""
    addons: list[str] = []
    """Software that the backend needs and that is to be installed with the platform, by the backend's own names (on
    Kubernetes: operators such as ``"kserve"``). Nothing is installed that is not named here."""
    monthly_budget: Annotated[Number, Field(gt=0)] | None = None
    """US dollars a month for everything that carries the platform's ``project`` tag. It is an alarm, not a limit."""
    budget_thresholds: list[Annotated[Whole, Field(ge=1, le=1000)]] = [50, 80, 100]
    """Percentages of the budget at which a message is sent: by actual cost, and at 100 by forecast too."""
    images: list[str] = []
    """Image repositories; ``platform.image(name, tag)`` is an address in one. A repository that still has images
    is not deleted in prod."""
    secrets: dict[str, In[str]] = {}
    """Secrets to keep, by short name; values are Pulumi secrets from here on. ``platform.secret(name)`` is the
    address of one."""
    network: Network | None = None
    """``{"private": {}}``, ``{"existing": {…}}``, or none: workloads then use the cloud's own network and public
    service addresses."""
    existing: ExistingParts = ExistingParts()
    """Parts that are there already."""
    consumers: list[str] = []
    """Principals outside that may read artifacts, images and models (on AWS: account ids; on Kubernetes:
    namespaces). Only the owner's stack can grant that."""
    log_days: Annotated[Whole, Field(ge=1)] | None = None
    """Days that logs are kept: 14 in dev, 30 in staging, 365 in prod unless told."""

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

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        wanted = {
            "platform.budget": self.monthly_budget,
            "platform.network.private": self.network and self.network.private,
            "platform.network.existing": self.network and self.network.existing,
            "platform.existing.alerts": self.existing.alerts is not None,
            "platform.existing.artifacts": self.existing.artifacts is not None,
            "platform.existing.database": self.existing.database is not None,
            "platform.existing.gateway": self.existing.gateway is not None,
            "platform.existing.images": self.existing.images is not None,
            "platform.existing.key": self.existing.key is not None,
            "platform.existing.metrics": self.existing.metrics is not None,
            "platform.existing.object_store": self.existing.object_store is not None,
            "platform.log_days": self.log_days,
            "platform.quota": self.quota,
            "platform.addons": self.addons,
            "platform.region": self.region,
            "platform.consumers": self.consumers,
            "platform.secrets": self.secrets,
            "platform.images": self.images,
        }
        return frozenset(["platform", *(name for name, used in wanted.items() if used)])


class Platform(Component[PlatformRef]):
    """The hub: encryption key, artifact store, image repositories, network, logs, alerts, budget, tags, providers.

    Every other component takes a platform, and uses its key, its network, its tags and its provider instances
    unless its own ``opts`` name other providers. What holds data is protected in stage ``prod``.

    On AWS this is a KMS key whose policy delegates to IAM, a versioned and encrypted S3 bucket that accepts TLS only,
    ECR repositories with immutable tags, a CloudWatch log group, an SNS topic, a Budget, and a VPC when asked.
    See https://docs.aws.amazon.com/sagemaker/latest/dg/security.html.
    On Kubernetes this is a namespace with Pod Security *restricted* and network policies that deny by default, quota
    and limits, an S3 server of its own unless one is given, and alerts by the Prometheus operator.
    See https://kubernetes.io/docs/concepts/security/pod-security-standards/.

    :raises InvalidArgs: an argument is wrong; every problem is listed and nothing is registered.
    :raises Unsupported: the backend has no such thing.
    :raises MissingBackend: there is no such backend, or its extra is not installed.
    """

    artifacts: Output[str]
    """Where artifacts are kept, as a URI that ends in a slash."""

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[PlatformArgs]) -> None:
        scope, spec = self.begin(PlatformSpec, name, args, opts)
        self.finish(scope.backend.platform(scope, spec))

    def image(self, name: str, tag: Input[str]) -> Output[str]:
        """Return the full address of an image; see :meth:`PlatformRef.image`."""
        return self.ref.image(name, tag)

    def secret(self, name: str) -> SecretRef:
        """Return the address of a secret; see :meth:`PlatformRef.secret`."""
        return self.ref.secret(name)

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> PlatformRef:
        """Use the platform that another stack exports; see :meth:`Ref.from_stack`."""
        return PlatformRef.from_stack(stack, output)

    @staticmethod
    def load(data: dict[str, object]) -> PlatformRef:
        """Use an exported platform handed over in configuration; see :meth:`Ref.load`."""
        return PlatformRef.load(data)
