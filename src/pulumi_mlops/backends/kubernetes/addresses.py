"""What the Kubernetes backend reads of refs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input

from pulumi_mlops.core.addresses import Address
from pulumi_mlops.core.refs import Ref


@dataclass(frozen=True)
class Door(Address):
    """A port that pods of the namespace can be reached at, or an address outside of it."""

    name: str
    """A short word for it, for the names of policies."""
    port: int
    pods: Mapping[str, str] | None = None
    """Labels of the pods behind it; None for an address outside of the cluster."""
    namespace: str | None = None
    """The namespace of these pods, where it is not the platform's: its owner lets callers in."""
    cidrs: Sequence[str] = ()
    """The ranges of an address outside of the cluster; any, where there is none."""
    any_port: bool = False
    """Whether nobody could tell at which port the pods listen."""

    def plain(self) -> dict[str, Any]:
        """Leave out what few doors have."""
        few = {"cidrs": list(self.cidrs), "any_port": self.any_port}
        return {key: value for key, value in super().plain().items() if key not in few or few[key]}


@dataclass(frozen=True, kw_only=True)
class StoreAddress(Address):
    """The object store."""

    url: str
    bucket: str
    region: str
    reader: str
    """Secret with a key that may read."""
    writer: str
    """Secret with a key that may read and write."""
    door: Door
    mark: Input[str] | None = None
    """Another one when a key is another: pods that read it as they start are made anew."""
    path_style: bool = True
    ca: Input[str] | None = None
    """ConfigMap with the certificates of its authority."""


@dataclass(frozen=True, kw_only=True)
class DatabaseAddress(Address):
    """The Postgres server that the platform was given."""

    secret: str
    host: str
    port: int
    tls: str
    mark: Input[str] | None = None
    """Another one when the login is another."""
    ca: Input[str] | None = None
    """ConfigMap with the certificates of its authority."""


@dataclass(frozen=True, kw_only=True)
class QuotaAddress(Address):
    """What the platform may ask for at most."""

    cpus: int
    memory_gb: float
    accelerators: int = 0
    storage_gb: int | None = None


@dataclass(frozen=True, kw_only=True)
class TokensAddress(Address):
    """The tokens that callers from outside bring."""

    issuer: str
    audiences: Sequence[str]
    keys: str


@dataclass(frozen=True, kw_only=True)
class GatewayAddress(Address):
    """The gateway that the platform was given."""

    name: str
    """``namespace/name`` of the Gateway."""
    domain: str
    tls: bool = True
    listener: str | None = None
    tokens: TokensAddress | None = None


@dataclass(frozen=True, kw_only=True)
class PlatformAddress(Address):
    """Where a platform is, and its shared parts."""

    namespace: Input[str]
    """Known when the namespace and what guards it are there."""
    store: StoreAddress
    context: str | None = None
    """The owner's context of the kubeconfig; its current one where there is none."""
    cluster: str | None = None
    """What tells the cluster from every other: the uid of ``kube-system``, where the owner may read it."""
    server: str | None = None
    """The address of its API server, as the owner reaches it."""
    assigned_users: bool = False
    """Whether the cluster gives pods their users itself, each namespace from a range of its own, as OpenShift does."""
    addons: Sequence[str] = field(default_factory=list)
    pull_secret: Input[str] | None = None
    database: DatabaseAddress | None = None
    quota: QuotaAddress | None = None
    gateway: GatewayAddress | None = None
    metrics: str | None = None
    """Address of Prometheus."""
    cidrs: Sequence[str] = field(default_factory=list)
    """Ranges of what is outside of the cluster."""

    @property
    def logins(self) -> dict[str, Input[str]]:
        """The marks of its shared logins, as annotations of pods that read these as they start."""
        marks = {"store-keys": self.store.mark, "database-login": self.database.mark if self.database else None}
        return {name: mark for name, mark in marks.items() if mark is not None}


@dataclass(frozen=True, kw_only=True)
class SecretAddress(Address):
    """A Secret of the platform's namespace, with the value under the key ``value``."""

    id: Input[str]


@dataclass(frozen=True, kw_only=True)
class FeatureServerAddress(Address):
    """Feast's server."""

    door: Door
    url: str
    managed: bool = True
    """Whether a program of ours runs it."""


@dataclass(frozen=True, kw_only=True)
class FeatureStoreAddress(FeatureServerAddress):
    """Feast's server, and what a Job needs that works on its registry."""

    project: str
    repository: Input[str]
    """The ConfigMap of Feast's files; known when the server is up."""
    mark: str
    account: Input[str]
    variables: list[Any]


@dataclass(frozen=True, kw_only=True)
class FeatureGroupAddress(Address):
    """A feature view, and the server that answers for it."""

    door: Door
    url: str
    view: str
    location: str = ""


@dataclass(frozen=True, kw_only=True)
class DatasetAddress(Address):
    """A dataset: its location says where it is in the platform's object store."""


@dataclass(frozen=True, kw_only=True)
class ModelRegistryAddress(Address):
    """An MLflow server."""

    server: Input[str]
    """Its Service; known when the server has its users."""
    url: str | None = None
    door: Door | None = None
    managed: bool = True
    """Whether a program of ours runs it."""
    files: str | None = None
    """URI of the folder in which one of somebody else's keeps files."""


@dataclass(frozen=True, kw_only=True)
class TrackerAddress(Address):
    """An MLflow server of the platform's own; nothing of it is known of an engine's tracker."""

    server: Input[str] | None = None
    """Its Service, and the Secret with its keys; known when it is set up."""
    door: Door | None = None


@dataclass(frozen=True, kw_only=True)
class ModelAddress(Address):
    """A registered model."""

    model: str
    registry: str
    door: Door | None = None
    """The server of its registry, where no program of ours runs that."""
    files: str | None = None
    """URI of the folder in which such a server keeps files."""


@dataclass(frozen=True, kw_only=True)
class ModelVersionAddress(Address):
    """A version: its files, and the image that serves it where it names one."""

    uri: str
    image: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndpointAddress(Address):
    """An endpoint; only its name is known while it waits for a first version."""

    name: str
    service: str | None = None
    door: Door | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingClusterAddress(Address):
    """A queue of Kueue, and the runtime by which Kubeflow Trainer starts what it admits."""

    queue: Input[str]
    """The LocalQueue, for the label ``kueue.x-k8s.io/queue-name``; known when all that a run needs is there."""
    cohort: str | None = None
    """The cohort in which its machines can be shared; one that existed already has its owner's."""
    flavor: Input[str] | None = None
    """The ResourceFlavor of its nodes; known when it is there."""
    runtime: str
    runtime_kind: str = "TrainingRuntime"
    priority: str | None = None
    """The class of its runs, for the label ``kueue.x-k8s.io/priority-class``."""
    resources: Mapping[str, str] = field(default_factory=dict)
    """What one pod asks for, and may take."""
    placement: Mapping[str, Any] = field(default_factory=dict)
    """Fields of a pod that lead it to such nodes; the runtime has them."""


@dataclass(frozen=True, kw_only=True)
class PipelineAddress(Address):
    """A pipeline."""

    template: str
    """Its WorkflowTemplate."""


def is_managed(store: Ref) -> bool:
    """Tell whether a program of ours runs the server of a feature store or of a model registry."""
    return store.address.get("managed") is not False
