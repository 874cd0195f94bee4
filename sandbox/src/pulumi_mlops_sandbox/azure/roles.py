"""What the built-in roles allow, of what this sandbox asks for: id -> name and actions, as Microsoft publishes them."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops_sandbox.azure.call import dig
from pulumi_mlops_sandbox.azure.store import Store


@dataclass(frozen=True)
class Role:
    """A role."""

    name: str
    actions: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    data_excluded: tuple[str, ...] = ()


_AUTHORIZATION = (
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
)
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_FILES = "Microsoft.Storage/storageAccounts/fileServices"
_ML = "Microsoft.MachineLearningServices"
_VAULT = "Microsoft.KeyVault/vaults"
_REGISTRY = "Microsoft.ContainerRegistry/registries"
_COMMON = ("Microsoft.Authorization/*/read", "Microsoft.Resources/deployments/*")

BUILT_IN: dict[str, Role] = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": Role("Owner", ("*",)),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": Role("Contributor", ("*",), _AUTHORIZATION),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": Role("User Access Administrator", ("*/read", "Microsoft.Authorization/*")),
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": Role(
        "Role Based Access Control Administrator",
        ("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "*/read"),
    ),
    # Storage
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": Role(
        "Storage Account Contributor", ("Microsoft.Storage/storageAccounts/*", *_COMMON)
    ),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": Role(
        "Storage Blob Data Owner", (f"{_BLOBS}/*",), data=(f"{_BLOBS}/blobs/*",)
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(
        "Storage Blob Data Contributor",
        (f"{_BLOBS}/read", f"{_BLOBS}/write", f"{_BLOBS}/delete"),
        data=tuple(f"{_BLOBS}/blobs/{what}" for what in ("read", "write", "delete", "move/action", "add/action")),
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role(
        "Storage Blob Data Reader", (f"{_BLOBS}/read",), data=(f"{_BLOBS}/blobs/read",)
    ),
    "69566ab7-960f-475b-8e7c-b3118f30c6bd": Role(
        "Storage File Data Privileged Contributor",
        data=tuple(
            f"{_FILES}/fileshares/files/{what}" for what in ("read", "write", "delete", "modifypermissions/action")
        ),
    ),
    # Key Vault
    "f25e0fa2-a7c8-4377-a976-54943a77a395": Role(
        "Key Vault Contributor",
        (f"{_VAULT}/*", "Microsoft.KeyVault/locations/*", *_COMMON),
        ("Microsoft.KeyVault/locations/deletedVaults/purge/action",),
    ),
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": Role("Key Vault Administrator", (f"{_VAULT}/read",), data=(f"{_VAULT}/*",)),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": Role(
        "Key Vault Secrets Officer", (f"{_VAULT}/read", f"{_VAULT}/secrets/read"), data=(f"{_VAULT}/secrets/*",)
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": Role(
        "Key Vault Secrets User",
        data=(f"{_VAULT}/secrets/getSecret/action", f"{_VAULT}/secrets/readMetadata/action"),
    ),
    "14b46e9e-c2b7-41b4-b07b-48a6ebf60603": Role(
        "Key Vault Crypto Officer", (f"{_VAULT}/read", f"{_VAULT}/keys/read"), data=(f"{_VAULT}/keys/*",)
    ),
    "12338af0-0e69-4776-bea7-57ae8d297424": Role(
        "Key Vault Crypto User",
        data=tuple(f"{_VAULT}/keys/{what}" for what in ("read", "encrypt/action", "decrypt/action", "wrap/action")),
    ),
    "e147488a-f6f5-4113-8e2d-b22465e65bf6": Role(
        "Key Vault Crypto Service Encryption User",
        ("Microsoft.EventGrid/eventSubscriptions/read",),
        data=tuple(f"{_VAULT}/keys/{what}" for what in ("read", "wrap/action", "unwrap/action")),
    ),
    "21090545-7ca7-4776-b22c-e363652d74d2": Role("Key Vault Reader", (f"{_VAULT}/read",), data=(f"{_VAULT}/*/read",)),
    # Container Registry
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": Role("AcrPull", (f"{_REGISTRY}/pull/read",)),
    "8311e382-0749-4cb8-b61a-304f252e45ec": Role("AcrPush", (f"{_REGISTRY}/pull/read", f"{_REGISTRY}/push/write")),
    "c2f4ef07-c644-48eb-af81-4b1b4947fb11": Role("AcrDelete", (f"{_REGISTRY}/artifacts/delete",)),
    # Monitor
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": Role(
        "Monitoring Contributor",
        (
            "*/read",
            "Microsoft.Insights/*",
            "Microsoft.OperationalInsights/workspaces/write",
            "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
        ),
    ),
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05": Role("Monitoring Reader", ("*/read",)),
    "3913510d-42f4-4e42-8a64-420c390055eb": Role(
        "Monitoring Metrics Publisher", data=("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write")
    ),
    "92aaf0da-9dab-42b6-94a3-d43ce8d16293": Role(
        "Log Analytics Contributor",
        ("*/read", "Microsoft.OperationalInsights/*", "Microsoft.Insights/diagnosticSettings/*"),
    ),
    "73c42c96-874c-492b-b04d-ab87d138a893": Role(
        "Log Analytics Reader", ("*/read", "Microsoft.OperationalInsights/workspaces/search/action")
    ),
    "ae349356-3a1b-4a5e-921d-050484c6347e": Role(
        "Application Insights Component Contributor",
        ("Microsoft.Insights/components/*", "Microsoft.Insights/metricAlerts/*"),
    ),
    # Identity and network
    "f1a07417-d97a-45cb-824c-7a7467783830": Role(
        "Managed Identity Operator",
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        ),
    ),
    "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59": Role(
        "Managed Identity Contributor", ("Microsoft.ManagedIdentity/userAssignedIdentities/*",)
    ),
    "4d97b98b-1d4f-4787-a291-c67834d212e7": Role(
        "Network Contributor", ("Microsoft.Network/*", "Microsoft.Authorization/*/read")
    ),
    "b556d68e-0be0-4f35-a333-ad7ee1ce17ea": Role(
        "Azure AI Enterprise Network Connection Approver",
        tuple(
            f"{where}/{what}"
            for where in (
                "Microsoft.Storage/storageAccounts",
                _VAULT,
                _REGISTRY,
                f"{_ML}/workspaces",
                f"{_ML}/registries",
            )
            for what in (
                "read",
                "privateLinkResources/read",
                "privateEndpointConnections/read",
                "privateEndpointConnections/write",
                "privateEndpointConnectionsApproval/action",
            )
        ),
    ),
    # Machine Learning
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": Role(
        "AzureML Data Scientist",
        (
            f"{_ML}/workspaces/*/read",
            f"{_ML}/workspaces/*/action",
            f"{_ML}/workspaces/*/delete",
            f"{_ML}/workspaces/*/write",
            f"{_ML}/workspaces/read",
        ),
        (
            f"{_ML}/workspaces/delete",
            f"{_ML}/workspaces/write",
            f"{_ML}/workspaces/computes/*/write",
            f"{_ML}/workspaces/computes/*/delete",
            f"{_ML}/workspaces/computes/listKeys/action",
            f"{_ML}/workspaces/listKeys/action",
            f"{_ML}/workspaces/hubs/write",
            f"{_ML}/workspaces/hubs/delete",
            f"{_ML}/workspaces/featurestores/write",
            f"{_ML}/workspaces/featurestores/delete",
        ),
    ),
    "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815": Role(
        "AzureML Compute Operator",
        (f"{_ML}/workspaces/computes/*", f"{_ML}/workspaces/notebooks/vm/*"),
    ),
    "1823dd4f-9b8c-4ab6-ab4e-7397a3684615": Role(
        "AzureML Registry User", (f"{_ML}/registries/read", f"{_ML}/registries/assets/*")
    ),
    "635dd51f-9968-44d3-b7fb-6d9a6bd613ae": Role(
        "AzureML Metrics Writer (preview)", (f"{_ML}/workspaces/metrics/*/write",)
    ),
    "b78c5d69-af96-48a3-bf8d-a8b4d589de94": Role(
        "Azure AI Administrator",
        (
            f"{_ML}/*",
            "Microsoft.Storage/storageAccounts/*",
            f"{_VAULT}/*",
            f"{_REGISTRY}/*",
            "Microsoft.Insights/*",
            *_COMMON,
        ),
    ),
    # Events and workflows
    "1e241071-0855-49ea-94dc-649edcd759de": Role("EventGrid Contributor", ("Microsoft.EventGrid/*", *_COMMON)),
    "d5a91429-5739-47e2-a06b-3470a27159e7": Role(
        "EventGrid Data Sender", data=("Microsoft.EventGrid/events/send/action",)
    ),
    "515c2055-d9d4-4321-b1b9-bd0c9a0f79fe": Role(
        "Logic App Operator",
        (
            "Microsoft.Authorization/*/read",
            "Microsoft.Logic/*/read",
            "Microsoft.Logic/workflows/*/action",
            "Microsoft.Logic/workflows/disable/action",
            "Microsoft.Logic/workflows/enable/action",
        ),
    ),
    "87a39d53-fc1b-424a-814c-f7e04687dc9e": Role("Logic App Contributor", ("Microsoft.Logic/*", *_COMMON)),
}


CONTROL = frozenset(action.lower() for role in BUILT_IN.values() for action in role.actions if "*" not in action)
"""The actions on resources that the built-in roles name one by one."""
DATA = frozenset(action.lower() for role in BUILT_IN.values() for action in role.data if "*" not in action)
"""Those on data."""


def find(store: Store, definition: str) -> Role | None:
    """Find a role by the id of its definition: a built-in one, or one that somebody defined."""
    name = definition.rsplit("/", 1)[-1].lower()
    if name in BUILT_IN:
        return BUILT_IN[name]
    for record in store.of_type("Microsoft.Authorization/roleDefinitions"):
        if record.name.lower() == name:
            return Role(str(record.properties.get("roleName")), *_parts(record.body))
    return None


def _parts(body: object) -> Iterator[tuple[str, ...]]:
    permissions = dig(body, "properties.permissions") or []
    for kind in ("actions", "notActions", "dataActions", "notDataActions"):
        yield tuple(str(action) for one in permissions for action in one.get(kind, ()))
