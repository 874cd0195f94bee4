"""What the AWS backend reads of refs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi import Input

from pulumi_mlops.core.addresses import Address


@dataclass(frozen=True, kw_only=True)
class PlatformAddress(Address):
    """Where a platform is, and its shared parts."""

    account: Input[str]
    region: Input[str]
    partition: Input[str]
    domain: Input[str]
    """What the addresses of services end in."""
    key: Input[str]
    """ARN of the encryption key."""
    bucket: Input[str]
    logs: Input[str]
    """Name of the log group."""
    log_days: Input[int | None]
    topic: Input[str]
    """ARN of the topic that alarms go to."""
    repositories: Mapping[str, Input[str]] = field(default_factory=dict)
    """ARNs of the image repositories by short name."""
    subnets: Sequence[Input[str]] = field(default_factory=list)
    security_groups: Sequence[Input[str]] = field(default_factory=list)
    vpc: Input[str] | None = None
    """Id of the network, where the platform made it."""


@dataclass(frozen=True, kw_only=True)
class SecretAddress(Address):
    """A secret of Secrets Manager."""

    id: Input[str]
    """Its ARN."""


@dataclass(frozen=True, kw_only=True)
class FeatureStoreAddress(Address):
    """The catalogue of a store, and the role that writes to it."""

    database: Input[str]
    role: Input[str]
    offline: Input[str]
    """URI of the rows, which ends in a slash."""


@dataclass(frozen=True, kw_only=True)
class FeatureGroupAddress(Address):
    """A feature group."""

    name: Input[str]
    arn: Input[str]
    database: Input[str] | None = None
    """The catalogue with its offline table."""
    offline: Input[str] | None = None
    """URI of the rows of its store, which ends in a slash."""
    table: Input[str] | None = None
    """Its offline table, where that is not called as the group is."""
    online_keys: Sequence[Input[str]] | None = None
    """ARNs of the keys of its online store, which may be none; None for the platform's."""
    offline_keys: Sequence[Input[str]] | None = None
    """ARNs of the keys of its offline store, which may be none; None for the platform's."""


@dataclass(frozen=True, kw_only=True)
class DatasetAddress(Address):
    """A dataset."""

    key: Input[str] | None = None
    """ARN of the key of its files; None where it has to be looked up."""
    database: Input[str] | None = None
    table: Input[str] | None = None
    """Its table, and the catalogue that has it, where its columns are known."""


@dataclass(frozen=True, kw_only=True)
class ModelRegistryAddress(Address):
    """A registry, which is a prefix of the names of model package groups."""

    prefix: str


@dataclass(frozen=True, kw_only=True)
class ModelAddress(Address):
    """A model package group."""

    group: str
    """Its name, or its ARN where it is in another account."""

    arn: Input[str]
    files: Input[str] | None = None
    """URI of the folder with the files of its versions, where that is not the platform's own for it."""
    files_key: Input[str] | None = None
    """ARN of the key of these files; None for the platform's."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.group.rpartition("/")[2]


def package_arn(group: str, version: int | str) -> str:
    """Return the ARN of a version of the group with this ARN; ``*`` stands for every version."""
    return f"{group.replace(':model-package-group/', ':model-package/')}/{version}"


@dataclass(frozen=True, kw_only=True)
class ModelVersionAddress(Address):
    """A model package, and what its containers are made of."""

    arn: Input[str]
    group: str
    """Name of its group."""
    images: Sequence[str] = field(default_factory=list)
    files: Sequence[str] = field(default_factory=list)
    """URIs of archives and of folders, which end in a slash."""
    keys: Sequence[Input[str]] = field(default_factory=list)
    """ARNs of the keys that the files are encrypted with, as far as this program may see them."""


@dataclass(frozen=True, kw_only=True)
class TrackerAddress(Address):
    """SageMaker's MLflow; nothing of it is known of an engine's tracker."""

    arn: Input[str] | None = None
    artifacts: Input[str] = ""
    """URI of the folder with the files of runs, which clients write themselves; it ends in a slash."""
    serverless: bool = True
    """Whether it is an app, and not a server with machines of its own."""


@dataclass(frozen=True, kw_only=True)
class PipelineAddress(Address):
    """A pipeline of SageMaker."""

    name: str
    arn: Input[str]


@dataclass(frozen=True, kw_only=True)
class EndpointAddress(Address):
    """An endpoint; only its name is known while it waits for a first version."""

    name: Input[str]
    arn: Input[str] | None = None
    logs: Input[str] | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingClusterAddress(Address):
    """What a job says of its machines, or the HyperPod cluster."""

    instance: str
    """The type of instance."""
    security_groups: Sequence[Input[str]] = field(default_factory=list)
    """Of a job, where the platform has a network: the machines of one run reach each other through the last."""
    keep_alive_seconds: int | None = None
    """How long the machines of a job are kept for the next."""
    cluster: Input[str] | None = None
    """Name of the HyperPod cluster, which jobs of SageMaker do not run on."""
