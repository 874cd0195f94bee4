"""Platform on Azure: group, store, vault, registry, workspace, alerts, budget, secrets, in the order of making."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import (
    applicationinsights,
    authorization,
    consumption,
    containerregistry,
    keyvault,
    machinelearningservices,
    managedidentity,
    monitor,
    operationalinsights,
    resources,
    storage,
)

from pulumi_mlops.backends.azure import access, leftovers, live, names, network, providers
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.backends.azure.secrets import secret
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.principals import plain

CONTAINER = "artifacts"
SHORTEST_LOGS = 30
"""Days that Log Analytics keeps logs at the least."""
_SHORTEST_RECOVERY, _LONGEST_RECOVERY = 7, 90
_ALL = 100
"""Per cent of a budget: the whole of it."""


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

    @property
    def public(self) -> str:
        """Whether services answer on their public addresses, in the words that most of them take."""
        return "Disabled" if self.private else "Enabled"

    def everywhere(self, scope: Scope, limit: int) -> str:
        """Name what nobody else in the cloud may have."""
        where = (self.subscription, scope.project, scope.stage, self.location)
        return names.everywhere(*where, limit=limit, life=self.life)


def platform(scope: Scope, spec: PlatformSpec) -> PlatformRef:
    """Build the hub."""
    native: dict[str, pulumi.Resource] = {}
    given = scope.component.get_provider(f"{providers.PACKAGE}:index:any")
    location = live.normal(spec.region or live.default_location(given) or "")
    if given is None and (spec.region or spec.account):
        scope = replace(scope, provider=providers.make(scope.child("azure"), location, spec.account, scope.opts))
    subscription = spec.account or providers.subscription_of(scope.provider or given) or ""
    tenant = authorization.get_client_config_output(opts=scope.invoke).tenant_id
    place = _place(scope, spec, location, (subscription, tenant), native)

    identity = access.managed(scope, place.group, location, "workspace-identity", "workspace")
    keyed = _keyed(scope, spec, subscription, identity)
    theirs = spec.existing.artifacts
    store = _existing_store(theirs) if theirs is not None else _store(scope, place, keyed, native)
    vault = _vault(scope, place, native)
    registry = _registry(scope, place, native)
    insights = _insights(scope, place, native)
    watched = {"vault": vault.id, "registry": registry.id, "files": _files_of(store.id)}
    net = network.private(scope, spec.network.private, place.group, location, native) if place.private else None
    parts = {"blob": store.id, "vault": vault.id, "registry": registry.id}
    doors = network.doors(scope, net, place.group, location, parts) if net else []

    needed = _needed(store.id, vault.id, registry.id, insights, place)
    assigned = access.assign(scope, identity.principal_id, subscription, needed, part="workspace")
    workspace = _workspace(
        scope,
        place,
        access.known_with(identity, assigned),
        {"storage": store.id, "vault": vault.id, "registry": registry.id, "insights": insights},
        native,
    )
    if net:
        doors += network.doors(scope, net, place.group, location, {"workspace": workspace.id})
    watched["workspace"] = workspace.id
    for what, id_ in watched.items():
        _watch(scope, what, id_, place.logs)
    alerts = spec.existing.alerts or _alerts(scope, spec, place, native)
    if spec.monthly_budget:
        native["budget"] = _budget(scope, spec, place, alerts)
    kept = {
        short: secret(scope, (place.group, vault.name), f"secret-{short}", short, value).id
        for short, value in spec.secrets.items()
    }
    address = PlatformAddress(
        subscription=subscription,
        tenant=tenant,
        group=place.group,
        location=location,
        workspace=access.after(workspace.name, doors),
        workspace_id=access.after(workspace.id, doors),
        storage=store.name,
        storage_id=store.id,
        container=store.container,
        vault=vault.name,
        vault_id=vault.id,
        registry=registry.name,
        registry_id=registry.id,
        logs=place.logs,
        log_days=spec.log_days or max(scope.profile.log_days, SHORTEST_LOGS),
        insights=insights,
        alerts=alerts,
        principal=identity.principal_id,
        network=net.id if net else None,
        subnets=[net.subnet] if net else [],
    )
    images = Output.format("{0}/{1}", address.server, scope.physical())
    _consumers(scope, spec, address)
    return PlatformRef(
        name=scope.name,
        backend="azure",
        stage=spec.stage,
        profile=scope.profile.name,
        region=location,
        owner=spec.owner,
        tags=spec.tags,
        tag_prefix=spec.tag_prefix,
        artifacts=address.files,
        images={name: Output.format("{0}/{1}", images, name) for name in spec.images},
        secrets=kept,
        consumers=plain(spec.consumers),
        private=place.private,
        providers=tuple(found for found in [scope.provider or given] if found),
        native=native,
        address=address.plain(),
    )


def _place(
    scope: Scope,
    spec: PlatformSpec,
    location: str,
    whose: tuple[str, Output[str]],
    native: dict[str, pulumi.Resource],
) -> Place:
    """Make the group, and the place where everything in it tells what it does."""
    subscription, tenant = whose
    name = spec.existing.group or names.group(scope.project, scope.stage, location)
    path = f"/subscriptions/{subscription}/resourceGroups/{name}"
    group_name, group_id = Output.from_input(name), Output.from_input(path)
    if spec.existing.group is None:
        group = resources.ResourceGroup(
            scope.child("group"), resource_group_name=name, location=location, tags=scope.tags, opts=scope.guarded()
        )
        native["group"] = group
        group_name, group_id = group.name, group.id
    at = leftovers.Where(subscription, scope.project, scope.stage, location, name)
    life = leftovers.life(scope.component.get_provider(f"{providers.PACKAGE}:index:any"), at)
    private = spec.network is not None
    logs = operationalinsights.Workspace(
        scope.child("logs"),
        resource_group_name=group_name,
        workspace_name=names.inside(scope.project, scope.stage, "logs", limit=names.LOGS),
        location=location,
        sku={"name": "PerGB2018"},
        retention_in_days=spec.log_days or max(scope.profile.log_days, SHORTEST_LOGS),
        features={"disable_local_auth": True, "enable_log_access_using_only_resource_permissions": True},
        # Services deliver by Azure's own network; who queries is known to Entra ID.
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=scope.tags,
        opts=scope.opts,
    )
    native["logs"] = logs
    workspace = names.inside(scope.project, scope.stage, life, limit=names.WORKSPACE)
    live.declare(scope.name, scope.stage, f"{path}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}")
    return Place(subscription, tenant, location, group_name, group_id, logs.id, private, life)


@dataclass(frozen=True)
class _Store:
    """The storage account of the artifacts, and their container in it."""

    id: Output[str]
    name: Output[str]
    container: Output[str]


def _keyed(
    scope: Scope, spec: PlatformSpec, subscription: str, identity: managedidentity.UserAssignedIdentity
) -> tuple[Input[str], Output[str]] | None:
    """Return the user's key, and the identity that may use it; nothing where Azure's own keys encrypt."""
    key = spec.existing.key
    if key is None:
        return None
    right = Right("Key Vault Crypto Service Encryption User", key, "key")
    assigned = access.assign(scope, identity.principal_id, subscription, [right], part="encryption")
    return key, access.after(identity.id, assigned)


def _existing_store(container: Input[str]) -> _Store:
    """Take the user's container apart: its account is the workspace's."""
    parts = Output.from_input(container).apply(lambda known: known.split("/"))
    account = parts.apply(lambda known: "/".join(known[:-4]))
    return _Store(account, account.apply(lambda known: known.rpartition("/")[2]), parts.apply(lambda known: known[-1]))


def _encryption(keyed: tuple[Input[str], Output[str]] | None) -> dict[str, Any]:
    """Say with whose key the account encrypts."""
    if keyed is None:
        return {"encryption": {"key_source": "Microsoft.Storage", "services": {"blob": {"enabled": True}}}}
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


def _store(
    scope: Scope,
    place: Place,
    keyed: tuple[Input[str], Output[str]] | None,
    native: dict[str, pulumi.Resource],
) -> _Store:
    """Make the artifact store: no keys, no anonymous reader, old versions for a while."""
    account = storage.StorageAccount(
        scope.child("artifacts"),
        resource_group_name=place.group,
        account_name=place.everywhere(scope, names.STORAGE),
        location=place.location,
        kind="StorageV2",
        sku={"name": "Standard_ZRS" if scope.profile.protect else "Standard_LRS"},
        access_tier="Hot",
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=False,
        default_to_o_auth_authentication=True,
        enable_https_traffic_only=True,
        is_local_user_enabled=False,
        is_hns_enabled=False,
        minimum_tls_version="TLS1_2",
        public_network_access=place.public,
        network_rule_set={"default_action": "Deny" if place.private else "Allow", "bypass": "AzureServices"},
        tags=scope.tags,
        # Copies in other zones are moved by Azure's support, not by an update.
        opts=ResourceOptions.merge(scope.guarded(), ResourceOptions(ignore_changes=["sku"])),
        **_encryption(keyed),
    )
    native["artifacts"] = account
    days = scope.profile.version_days
    settings = storage.BlobServiceProperties(
        scope.child("artifacts-versions"),
        resource_group_name=place.group,
        account_name=account.name,
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy={"enabled": True, "days": days, "allow_permanent_delete": False},
        container_delete_retention_policy={"enabled": True, "days": days},
        opts=scope.opts,
    )
    storage.ManagementPolicy(
        scope.child("artifacts-lifecycle"),
        resource_group_name=place.group,
        account_name=account.name,
        management_policy_name="default",
        policy={
            "rules": [
                {
                    "name": "superseded",
                    "enabled": True,
                    "type": "Lifecycle",
                    "definition": {
                        "filters": {"blob_types": ["blockBlob"]},
                        "actions": {"version": {"delete": {"days_after_creation_greater_than": days}}},
                    },
                }
            ]
        },
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(depends_on=[settings])),
    )
    container = storage.BlobContainer(
        scope.child("artifacts-container"),
        resource_group_name=place.group,
        account_name=account.name,
        container_name=CONTAINER,
        public_access="None",
        opts=ResourceOptions.merge(scope.guarded(), ResourceOptions(depends_on=[settings])),
    )
    return _Store(account.id, account.name, container.name)


def _files_of(account: Input[str]) -> Output[str]:
    return Output.format("{0}/blobServices/default", account)


def _vault(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> keyvault.Vault:
    """Make the vault: rights by roles alone; in prod nobody purges it, which is never taken back."""
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
    if scope.profile.protect:
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


def _registry(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> containerregistry.Registry:
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


def _insights(scope: Scope, place: Place, native: dict[str, pulumi.Resource]) -> Output[str]:
    made = applicationinsights.Component(
        scope.child("insights"),
        resource_group_name=place.group,
        resource_name_=names.inside(scope.project, scope.stage, "insights", limit=names.INSIGHTS),
        location=place.location,
        kind="web",
        application_type="web",
        ingestion_mode="LogAnalytics",
        workspace_resource_id=place.logs,
        disable_local_auth=True,
        disable_ip_masking=False,
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=scope.tags,
        opts=scope.opts,
    )
    native["insights"] = made
    return made.id


def _needed(
    storage_id: Input[str], vault: Input[str], registry: Input[str], insights: Input[str], place: Place
) -> list[Right]:
    """Return what the workspace's identity needs of the parts that the workspace is given.

    https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication
    """
    found = [
        # The workspace makes containers and shares of its own in the account, and reads its settings.
        Right("Contributor", storage_id, "artifacts"),
        Right("Storage Blob Data Contributor", storage_id, "artifacts"),
        Right("Storage File Data Privileged Contributor", storage_id, "artifacts"),
        Right("Key Vault Administrator", vault, "vault"),
        Right("Contributor", vault, "vault"),
        Right("Contributor", registry, "images"),
        Right("AcrPush", registry, "images"),
        Right("Contributor", insights, "insights"),
    ]
    if place.private:
        approver = "Azure AI Enterprise Network Connection Approver"
        found += [Right(approver, id_, where) for id_, where in _closed(storage_id, vault, registry)]
    return found


def _closed(storage_id: Input[str], vault: Input[str], registry: Input[str]) -> list[tuple[Input[str], str]]:
    """Name the parts to which the managed network makes private endpoints, because their public doors are shut."""
    return [(storage_id, "artifacts"), (vault, "vault"), (registry, "images")]


def _workspace(
    scope: Scope,
    place: Place,
    identity: access.Identity,
    parts: Mapping[str, Input[str]],
    native: dict[str, pulumi.Resource],
) -> machinelearningservices.Workspace:
    """Make the workspace, when its identity has its rights."""
    mode = "AllowOnlyApprovedOutbound" if place.private else "AllowInternetOutbound"
    made = machinelearningservices.Workspace(
        scope.child("workspace"),
        resource_group_name=place.group,
        workspace_name=names.inside(scope.project, scope.stage, place.life, limit=names.WORKSPACE),
        location=place.location,
        kind="Default",
        sku={"name": "Basic", "tier": "Basic"},
        friendly_name=f"{scope.project} {scope.stage}",
        identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
        primary_user_assigned_identity=identity.id,
        storage_account=parts["storage"],
        key_vault=parts["vault"],
        container_registry=parts["registry"],
        application_insights=parts["insights"],
        system_datastores_auth_mode="Identity",
        public_network_access=place.public,
        managed_network={"isolation_mode": mode},
        # Serverless Spark does not wait for a network that the first machine would make.
        provision_network_now=True,
        v1_legacy_mode=False,
        hbi_workspace=False,
        tags=scope.tags,
        opts=scope.guarded(),
    )
    native["workspace"] = made
    return made


def _watch(scope: Scope, what: str, resource: Input[str], logs: Input[str]) -> None:
    """Have a service tell what it does, and who did what, where logs are kept."""
    group = "audit" if what in ("vault", "registry") else "allLogs"
    monitor.DiagnosticSetting(
        scope.child(f"logs-{what}"),
        name="platform",
        resource_uri=resource,
        workspace_id=logs,
        logs=[{"category_group": group, "enabled": True}],
        metrics=[{"category": "Transaction" if what == "files" else "AllMetrics", "enabled": True}],
        opts=scope.opts,
    )


def _alerts(scope: Scope, spec: PlatformSpec, place: Place, native: dict[str, pulumi.Resource]) -> Output[str]:
    """Make the group of whom alarms tell; each address is asked by mail once."""
    made = monitor.ActionGroup(
        scope.child("alerts"),
        resource_group_name=place.group,
        action_group_name=names.inside(scope.project, scope.stage, "alerts", limit=names.ALERTS),
        group_short_name=names.short(scope.project),
        location="Global",
        enabled=True,
        email_receivers=[
            {"name": address, "email_address": address, "use_common_alert_schema": True} for address in spec.alerts
        ],
        tags=scope.tags,
        opts=scope.opts,
    )
    native["alerts"] = made
    return made.id


def _budget(scope: Scope, spec: PlatformSpec, place: Place, alerts: Input[str]) -> consumption.Budget:
    """Make the budget of the group: what the platform pays for is in it, and carries its tags."""

    def notice(percent: int, kind: str) -> Any:
        return {
            "enabled": True,
            "operator": "GreaterThan",
            "threshold": percent,
            "threshold_type": kind,
            "contact_emails": list(spec.alerts),
            "contact_groups": [alerts],
        }

    notices = {f"Actual{percent}": notice(percent, "Actual") for percent in spec.budget_thresholds}
    if _ALL in spec.budget_thresholds:
        notices[f"Forecasted{_ALL}"] = notice(_ALL, "Forecasted")
    shared = {"name": f"{spec.tag_prefix}project", "operator": "In", "values": [scope.project]}
    return consumption.Budget(
        scope.child("budget"),
        budget_name=names.inside(scope.project, scope.stage, limit=names.BUDGET),
        scope=place.group_id,
        amount=spec.monthly_budget or 0,
        category="Cost",
        time_grain="Monthly",
        # Azure takes a month that has begun, and keeps it: the next run's month changes nothing.
        time_period={"start_date": f"{dt.datetime.now(dt.UTC):%Y-%m}-01T00:00:00Z"},
        # In a group that others use as well, what counts is what has the platform's tag.
        filter={"tags": shared} if spec.existing.group else None,
        notifications=notices,
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=["timePeriod"])),
    )


def _consumers(scope: Scope, spec: PlatformSpec, address: PlatformAddress) -> None:
    """Let principals outside read what is shared: files of versions, images, and the workspace's list of models."""
    shared = [
        Right("Storage Blob Data Reader", address.container_id, "artifacts", ("models/*",)),
        Right("AcrPull", address.registry_id, "images"),
        Right("Reader", address.workspace_id, "workspace"),
    ]
    access.let_at(scope, "consumer", address.subscription, spec.consumers, shared)
