"""The parts that a workspace stands on: store, vault, registry, insights, each closed but for roles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import applicationinsights, containerregistry, keyvault, managedidentity, storage

from pulumi_mlops.backends.azure import access, names
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.core.component import Scope

AZURES_KEY: Mapping[str, Any] = {
    "encryption": {"key_source": "Microsoft.Storage", "services": {"blob": {"enabled": True}}}
}
"""What an account says that is encrypted with a key of Azure's own."""
SHORTEST_LOGS = 30
"""Days that Log Analytics keeps logs at the least."""
_SHORTEST_RECOVERY, _LONGEST_RECOVERY = 15, 90
"""Days that a deleted vault is kept. A deleted workspace keeps its name for 14, and nothing lists it: as long as the
vault is kept, the next platform of this name takes other names."""


@dataclass(frozen=True)
class Place:
    """Where the parts of a platform are made, and how closed they are."""

    subscription: str
    tenant: Output[str]
    location: str
    group: Output[str]
    """Name of the resource group; known when it is there."""
    group_id: Output[str]
    logs: Output[str]
    """Id of the Log Analytics workspace, once it is there."""
    private: bool
    life: str
    """What tells names from those that an earlier platform of this name left, which Azure keeps for a while."""
    unpurged: bool
    """Whether nobody may purge the vault."""

    @property
    def public(self) -> str:
        """Whether services answer on their public addresses, in the words that most of them take."""
        return "Disabled" if self.private else "Enabled"

    def everywhere(self, scope: Scope, limit: int) -> str:
        """Name what nobody else in the cloud may have."""
        where = (self.subscription, scope.project, scope.stage, self.location)
        return names.everywhere(*where, limit=limit, life=self.life)


@dataclass(frozen=True)
class Store:
    """The storage account of the artifacts, and their container in it."""

    id: Output[str]
    name: Output[str]
    container: Output[str]


def keyed(
    scope: Scope, key: Input[str] | None, subscription: str, identity: managedidentity.UserAssignedIdentity
) -> tuple[Input[str], Output[str]] | None:
    """Return the user's key, and the identity that may use it; nothing where Azure's own keys encrypt."""
    if key is None:
        return None
    right = Right("Key Vault Crypto Service Encryption User", key, "key")
    assigned = access.assign(scope, identity.principal_id, subscription, [right], part="encryption")
    return key, access.after(identity.id, assigned)


def existing_store(container: Input[str]) -> Store:
    """Take the user's container apart: its account is the workspace's."""
    parts = Output.from_input(container).apply(lambda known: known.split("/"))
    account = parts.apply(lambda known: "/".join(known[:-4]))
    return Store(account, account.apply(lambda known: known.rpartition("/")[2]), parts.apply(lambda known: known[-1]))


def _encryption(keyed: tuple[Input[str], Output[str]] | None) -> dict[str, Any]:
    """Say with whose key the account encrypts."""
    if keyed is None:
        return dict(AZURES_KEY)
    key, user = keyed
    named = Output.from_input(key).apply(lambda known: known.split("/"))
    return {
        "identity": {"type": "UserAssigned", "user_assigned_identities": [user]},
        "encryption": {
            "key_source": "Microsoft.Keyvault",
            "services": {"blob": {"enabled": True}},
            "key_vault_properties": {
                "key_name": named.apply(lambda known: known[-1]),
                "key_vault_uri": named.apply(lambda known: f"https://{known[-3]}.vault.azure.net"),
            },
            "encryption_identity": {"encryption_user_assigned_identity": user},
        },
    }


def closed_account(scope: Scope, *, closed: bool, protect: bool | None = None) -> dict[str, Any]:
    """Say what every storage account is: no keys, no anonymous reader; closed, it has no public address either."""
    return {
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS" if scope.profile.protect else "Standard_LRS"},
        # Copies in other zones are moved by Azure's support, not by an update.
        "opts": ResourceOptions.merge(scope.guarded(protect), ResourceOptions(ignore_changes=["sku"])),
        "access_tier": storage.AccessTier.HOT,
        "allow_blob_public_access": False,
        "allow_cross_tenant_replication": False,
        "allow_shared_key_access": False,
        "default_to_o_auth_authentication": True,
        "enable_https_traffic_only": True,
        "is_local_user_enabled": False,
        "minimum_tls_version": "TLS1_2",
        "public_network_access": "Disabled" if closed else "Enabled",
        "network_rule_set": {
            "default_action": storage.DefaultAction.DENY if closed else storage.DefaultAction.ALLOW,
            "bypass": storage.Bypass.AZURE_SERVICES,
        },
    }


def store(
    scope: Scope,
    place: Place,
    keyed: tuple[Input[str], Output[str]] | None,
    native: dict[str, pulumi.Resource],
) -> Store:
    """Make the artifact store."""
    account, container = versioned(
        scope,
        "artifacts",
        (place.group, place.location, place.everywhere(scope, names.STORAGE)),
        names.ARTIFACTS,
        [superseded(scope.profile.version_days)],
        closed=place.private,
        **_encryption(keyed),
    )
    native["artifacts"] = account
    return Store(account.id, account.name, container.name)


def superseded(days: int) -> Mapping[str, Any]:
    """Write the rule by which the versions of files before the current ones are deleted after some days."""
    return rule("superseded", {"version": {"delete": {"days_after_creation_greater_than": days}}})


def rule(name: str, actions: Mapping[str, Any], *prefixes: str) -> Mapping[str, Any]:
    """Write a rule of an account, about all of its files or about those that begin so, container included."""
    filters: dict[str, Any] = {"blob_types": ["blockBlob"], **({"prefix_match": list(prefixes)} if prefixes else {})}
    definition = {"filters": filters, "actions": actions}
    return {"name": name, "enabled": True, "type": "Lifecycle", "definition": definition}


def versioned(
    scope: Scope,
    part: str,
    where: tuple[Input[str], Input[str], str],
    container: str,
    rules: Sequence[Mapping[str, Any]],
    *,
    closed: bool,
    protect: bool | None = None,
    tags: Mapping[str, str] | None = None,
    **more: Any,
) -> tuple[storage.StorageAccount, storage.BlobContainer]:
    """Make an account with a container: no keys, no anonymous reader, old versions for a while.

    :param part: names it in the program.
    :param where: its resource group, its region and its name.
    :param rules: what becomes of files with time.
    :param more: further settings of the account.
    """
    group, location, called = where
    account = storage.StorageAccount(
        scope.child(part),
        resource_group_name=group,
        account_name=called,
        location=location,
        is_hns_enabled=False,
        **closed_account(scope, closed=closed, protect=protect),
        tags={**scope.tags, **(tags or {})},
        **more,
    )
    days = scope.profile.version_days
    settings = storage.BlobServiceProperties(
        scope.child(f"{part}-versions"),
        resource_group_name=group,
        account_name=account.name,
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy={"enabled": True, "days": days, "allow_permanent_delete": False},
        container_delete_retention_policy={"enabled": True, "days": days},
        opts=scope.opts,
    )
    written: Any = [dict(one) for one in rules]
    storage.ManagementPolicy(
        scope.child(f"{part}-lifecycle"),
        resource_group_name=group,
        account_name=account.name,
        management_policy_name="default",
        policy={"rules": written},
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(depends_on=[settings])),
    )
    held = storage.BlobContainer(
        scope.child(f"{part}-container"),
        resource_group_name=group,
        account_name=account.name,
        container_name=container,
        public_access=storage.PublicAccess.NONE,
        opts=ResourceOptions.merge(scope.guarded(protect), ResourceOptions(depends_on=[settings])),
    )
    return account, held


def files_of(account: Input[str]) -> Output[str]:
    """Return the id of what an account does with files."""
    return Output.format("{0}/blobServices/default", account)


def vault(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> keyvault.Vault:
    """Make the vault: rights by roles alone; in prod nobody purges it, which is never taken back by another profile."""
    days = min(max(scope.profile.recovery_days, _SHORTEST_RECOVERY), _LONGEST_RECOVERY)
    properties: Any = {
        "tenant_id": place.tenant,
        "sku": {"family": "A", "name": "standard"},
        "enable_rbac_authorization": True,
        "enable_soft_delete": True,
        "soft_delete_retention_in_days": days,
        "enabled_for_deployment": False,
        "enabled_for_disk_encryption": False,
        "enabled_for_template_deployment": False,
        "public_network_access": place.public,
        "network_acls": {"default_action": "Deny" if place.private else "Allow", "bypass": "AzureServices"},
    }
    if place.unpurged:
        properties["enable_purge_protection"] = True
    vault = keyvault.Vault(
        scope.child("vault"),
        resource_group_name=place.group,
        vault_name=place.everywhere(scope, names.VAULT),
        location=place.location,
        properties=properties,
        tags=scope.tags,
        # Azure fixes the days when the vault is made.
        opts=ResourceOptions.merge(
            scope.guarded(), ResourceOptions(ignore_changes=["properties.softDeleteRetentionInDays"])
        ),
    )
    native["vault"] = vault
    return vault


def registry(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> containerregistry.Registry:
    """Make the registry of images; private endpoints lead to the largest size only."""
    registry = containerregistry.Registry(
        scope.child("images"),
        resource_group_name=place.group,
        registry_name=place.everywhere(scope, names.REGISTRY),
        location=place.location,
        sku={"name": "Premium" if place.private else "Standard"},
        admin_user_enabled=False,
        anonymous_pull_enabled=False,
        network_rule_bypass_options="AzureServices",
        public_network_access=place.public,
        zone_redundancy="Disabled",
        tags=scope.tags,
        opts=scope.guarded(),
    )
    native["images"] = registry
    return registry


def insights(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> Output[str]:
    """Make what endpoints and jobs tell of themselves to; its data is in the place of all logs."""
    made = applicationinsights.Component(
        scope.child("insights"),
        resource_group_name=place.group,
        resource_name_=names.inside(scope.project, scope.stage, "insights", limit=names.INSIGHTS),
        location=place.location,
        kind="web",
        application_type="web",
        ingestion_mode="LogAnalytics",
        workspace_resource_id=place.logs,
        # Endpoints and jobs of the workspace tell with the component's own key, and know no other way.
        disable_local_auth=False,
        disable_ip_masking=False,
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=scope.tags,
        opts=scope.opts,
    )
    native["insights"] = made
    return made.id
