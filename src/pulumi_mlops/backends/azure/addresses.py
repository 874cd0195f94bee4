"""What the Azure backend reads of refs: names and ids of Azure Resource Manager."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pulumi import Input, Output

from pulumi_mlops.core.addresses import Address
from pulumi_mlops.core.naming import physical

DATASTORE = 255
"""Characters of a datastore's name."""


@dataclass(frozen=True, kw_only=True)
class PlatformAddress(Address):
    """Where a platform is, and its shared parts."""

    subscription: Input[str]
    tenant: Input[str]
    group: Input[str]
    """Name of the resource group."""
    location: Input[str]
    workspace: Input[str]
    """Name of the workspace of Azure Machine Learning; known when its identity has its rights."""
    workspace_id: Input[str]
    storage: Input[str]
    """Name of the storage account of the artifacts."""
    storage_id: Input[str]
    container: Input[str]
    """Name of the container of the artifacts."""
    vault: Input[str]
    """Name of the key vault."""
    vault_id: Input[str]
    registry: Input[str] | None = None
    """Name of the container registry; a workspace of somebody else's may have none."""
    registry_id: Input[str] | None = None
    logs: Input[str]
    """Id of the Log Analytics workspace."""
    log_days: Input[int]
    insights: Input[str] | None = None
    """Id of Application Insights; a workspace of somebody else's may have none."""
    alerts: Input[str]
    """Id of the action group."""
    principal: Input[str]
    """Object id of the workspace's identity."""
    tracking: Input[str] | None = None
    """Where clients of MLflow find the workspace; a ref of an earlier version does not say."""
    network: Input[str] | None = None
    """Id of the virtual network with the private endpoints, where the platform has one."""
    subnets: Sequence[Input[str]] = field(default_factory=list)
    """Ids of the subnets of the private endpoints."""
    within: str = ""
    """What names begin with that the platform gives in a workspace of somebody else's, where others give names too."""
    storage_group: Input[str] | None = None
    """Name of the storage account's resource group, where that is not the platform's."""
    vault_group: Input[str] | None = None
    """Name of the vault's resource group, where that is not the platform's."""
    vault_roles: bool = True
    """Whether roles open the vault; one of somebody else's may go by access policies."""
    service_identity: str = "WorkspaceUserAssignedIdentity"
    """As whom the workspace itself reads the artifacts."""

    @property
    def datastore(self) -> str:
        """Name of the workspace's datastore over the container of the artifacts."""
        return physical(self.within, "artifacts", limit=DATASTORE, separator="_")

    @property
    def group_id(self) -> Output[str]:
        """Id of the resource group."""
        return Output.format("/subscriptions/{0}/resourceGroups/{1}", self.subscription, self.group)

    @property
    def container_id(self) -> Output[str]:
        """Id of the container of the artifacts."""
        return Output.format("{0}/blobServices/default/containers/{1}", self.storage_id, self.container)

    @property
    def server(self) -> Output[str]:
        """What the addresses of images begin with; there are none where there is no registry."""
        return Output.format("{0}.azurecr.io", self.registry)

    @property
    def files(self) -> Output[str]:
        """Address of the artifact store, which ends in a slash."""
        return Output.format("https://{0}.blob.core.windows.net/{1}/", self.storage, self.container)


@dataclass(frozen=True, kw_only=True)
class SecretAddress(Address):
    """A secret of a key vault."""

    id: Input[str]
    """Its id in Azure Resource Manager, without a version."""


@dataclass(frozen=True, kw_only=True)
class IdentityAddress(Address):
    """A managed identity."""

    id: Input[str]
    """Its id in Azure Resource Manager; known when it has its rights."""
    client: Input[str]
    """By what programs name it when they log in."""


@dataclass(frozen=True, kw_only=True)
class TrainingClusterAddress(Address):
    """A compute of the workspace."""

    id: Input[str]
    compute: str
    """Its name."""
    size: str
    """The size of its machines."""
    identity: Input[str] | None = None
    """Id of the managed identity that runs may act as; one that existed already may have none."""
    client: Input[str] | None = None
    """By what programs name it when they log in."""
    principal: Input[str] | None = None
    """Its object id, to which rights are given."""


def safe(name: str) -> str:
    """Write the name of a part as Azure takes it.

    >>> safe("fit-all")
    'fit_all'
    """
    return name.replace("-", "_")


def secret_url(secret: str) -> str:
    """Return where a secret is read, by its id.

    >>> secret_url("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/secrets/hub-token")
    'https://v.vault.azure.net/secrets/hub-token'
    """
    *_, vault, _, name = secret.split("/")
    return f"https://{vault}.vault.azure.net/secrets/{name}"


@dataclass(frozen=True, kw_only=True)
class SharedRegistry(Address):
    """A registry of Azure Machine Learning, which workspaces share."""

    name: str
    id: Input[str]
    """Its id; known when it is there."""
    regions: Sequence[str] = field(default_factory=list)
    """The regions in which it keeps versions, where that is known; any where it is not."""


@dataclass(frozen=True, kw_only=True)
class DatasetAddress(Address):
    """A dataset."""

    container: Input[str] | None = None
    """Id of its container, where a program of ours made it."""
    asset: Input[str] | None = None
    """Id of its data asset, of which versions are registered."""


@dataclass(frozen=True, kw_only=True)
class ModelRegistryAddress(Address):
    """Where models are kept: a workspace, or a registry that workspaces share."""

    root: Input[str]
    """Id of the workspace or of the registry."""
    prefix: str = ""
    """What the names of its models begin with."""
    shared: SharedRegistry | None = None
    """The registry, where it is one that workspaces share."""


@dataclass(frozen=True, kw_only=True)
class ModelAddress(Address):
    """A model, which has versions."""

    id: Input[str]
    """Its id in Azure Resource Manager."""
    called: str
    """Its name there."""
    root: str | None = None
    """Id of the registry that it is in; None for the platform's workspace."""
    shared: SharedRegistry | None = None
    """The registry that it is in, where workspaces share that."""


@dataclass(frozen=True, kw_only=True)
class ModelVersionAddress(Address):
    """A version of a model."""

    id: Input[str]
    """How deployments name it."""
    kind: str | None = None
    """What its files are, such as ``mlflow_model``."""
    shared: SharedRegistry | None = None
    """The registry that it is in, where workspaces share that."""


@dataclass(frozen=True, kw_only=True)
class TrackerAddress(Address):
    """The workspace's MLflow; nothing of it is known of an engine's tracker."""

    record: Input[str] | None = None
    """Id of the role that lets somebody record."""


@dataclass(frozen=True, kw_only=True)
class EndpointAddress(Address):
    """An endpoint; only its name is known while it waits for a first version."""

    name: Input[str]
    id: Input[str] | None = None
    invoke: Input[str] | None = None
    """Id of the role that lets somebody call it, where a program of ours made it."""


@dataclass(frozen=True, kw_only=True)
class PipelineAddress(Address):
    """A pipeline, which runs as jobs that name its component."""

    id: Input[str]
    """Id of the version of its component that the program asks for."""
    version: str = ""
    """That version, which a preview knows before the id; nothing where an older export says none."""
    experiment: str
    """What its runs are kept under in the workspace."""
    client: Input[str]
    """The identity as which its jobs run."""


@dataclass(frozen=True, kw_only=True)
class FeatureStoreAddress(Address):
    """A workspace that is a feature store."""

    id: Input[str]
    workspace: Input[str]
    """Its name; known when its rights are there."""
    rows: Input[str]
    """URI of the offline rows of its groups, which ends in a slash."""
    cron: str | None = None
    """When its groups are materialized."""
    timezone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class FeatureGroupAddress(Address):
    """A feature set."""

    id: Input[str]
    """Id of the version that the program asks for."""
    called: str
    rows: Input[str]
    """URI of its offline rows, which ends in a slash."""
