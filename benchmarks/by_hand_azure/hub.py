"""The hub of the yardstick: group, logs, store, vault, registry, insights, workspace, alerts and budget."""

import datetime as dt
from dataclasses import dataclass

from common import PROJECT, STAGE, UNIQUE, config, let, location, person, tags
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import (
    applicationinsights,
    authorization,
    consumption,
    containerregistry,
    keyvault,
    monitor,
    operationalinsights,
    resources,
    storage,
)
from pulumi_azure_native import machinelearningservices as ml


@dataclass
class Hub:
    """What everything else builds on."""

    group: resources.ResourceGroup
    logs: Output[str]
    alerts: Output[str]
    registry: containerregistry.Registry
    store: storage.StorageAccount
    container: Output[str]
    workspace: ml.Workspace
    datastore: ml.Datastore

    @property
    def container_id(self) -> Output[str]:
        """Id of the container of the artifacts."""
        return Output.format("{0}/blobServices/default/containers/{1}", self.store.id, self.container)


def watch(name: str, resource: Input[str], logs: Input[str], category: str, metrics: str = "AllMetrics") -> None:
    """Have a service tell what it does."""
    monitor.DiagnosticSetting(
        name,
        name="platform",
        resource_uri=resource,
        workspace_id=logs,
        logs=[{"category_group": category, "enabled": True}],
        metrics=[{"category": metrics, "enabled": True}],
    )


def hub() -> Hub:
    """Declare group, logs, store, vault, registry, insights, workspace, alerts and budget."""
    component = f"Platform/{PROJECT}"
    owned = tags(component)
    group = resources.ResourceGroup(
        "churn-group", resource_group_name=f"{PROJECT}-{STAGE}-{location}", location=location, tags=owned
    )
    logs = operationalinsights.Workspace(
        "churn-logs",
        resource_group_name=group.name,
        workspace_name="churn-dev-logs",
        location=location,
        sku={"name": "PerGB2018"},
        retention_in_days=30,
        features={"disable_local_auth": True, "enable_log_access_using_only_resource_permissions": True},
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=owned,
    )
    identity = person("churn-workspace-identity", "churn-dev-platform-workspace", component, group)
    store, container = artifacts(group, owned)
    vault = keyvault.Vault(
        "churn-vault",
        resource_group_name=group.name,
        vault_name=UNIQUE,
        location=location,
        properties={
            "tenant_id": authorization.get_client_config_output().tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enable_rbac_authorization": True,
            "enable_soft_delete": True,
            "soft_delete_retention_in_days": 15,
            "enabled_for_deployment": False,
            "enabled_for_disk_encryption": False,
            "enabled_for_template_deployment": False,
            "public_network_access": "Enabled",
            "network_acls": {"default_action": "Allow", "bypass": "AzureServices"},
        },
        tags=owned,
        opts=ResourceOptions(ignore_changes=["properties.softDeleteRetentionInDays"]),
    )
    registry = containerregistry.Registry(
        "churn-images",
        resource_group_name=group.name,
        registry_name=UNIQUE,
        location=location,
        sku={"name": "Standard"},
        admin_user_enabled=False,
        anonymous_pull_enabled=False,
        network_rule_bypass_options="AzureServices",
        public_network_access="Enabled",
        zone_redundancy="Disabled",
        tags=owned,
    )
    insights = applicationinsights.Component(
        "churn-insights",
        resource_group_name=group.name,
        resource_name_="churn-dev-insights",
        location=location,
        kind="web",
        application_type="web",
        ingestion_mode="LogAnalytics",
        workspace_resource_id=logs.id,
        disable_local_auth=False,
        disable_ip_masking=False,
        public_network_access_for_ingestion="Enabled",
        public_network_access_for_query="Enabled",
        tags=owned,
    )
    rights = [
        let(identity, component, f"churn-workspace-{role}-{where}", role, scope)
        for role, scope, where in (
            ("contributor", store.id, "artifacts"),
            ("storage-blob-data-contributor", store.id, "artifacts"),
            ("storage-file-data-privileged-contributor", store.id, "artifacts"),
            ("key-vault-administrator", vault.id, "vault"),
            ("contributor", vault.id, "vault"),
            ("contributor", registry.id, "images"),
            ("contributor", insights.id, "insights"),
        )
    ]
    workspace = ml.Workspace(
        "churn-workspace",
        resource_group_name=group.name,
        workspace_name="churn-dev",
        location=location,
        kind="Default",
        sku={"name": "Basic", "tier": "Basic"},
        friendly_name="churn dev",
        identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
        primary_user_assigned_identity=identity.id,
        storage_account=store.id,
        key_vault=vault.id,
        container_registry=registry.id,
        application_insights=insights.id,
        system_datastores_auth_mode="Identity",
        public_network_access="Enabled",
        managed_network={"isolation_mode": "AllowInternetOutbound"},
        provision_network_now=True,
        v1_legacy_mode=False,
        hbi_workspace=False,
        tags=owned,
        opts=ResourceOptions(depends_on=rights),
    )
    watch("churn-logs-vault", vault.id, logs.id, "audit")
    watch("churn-logs-registry", registry.id, logs.id, "audit")
    files = Output.format("{0}/blobServices/default", store.id)
    watch("churn-logs-files", files, logs.id, "allLogs", "Transaction")
    watch("churn-logs-workspace", workspace.id, logs.id, "allLogs")
    datastore = ml.Datastore(
        "churn-files",
        name="artifacts",
        resource_group_name=group.name,
        workspace_name=workspace.name,
        skip_validation=True,
        properties=ml.AzureBlobDatastoreArgs(
            datastore_type="AzureBlob",
            account_name=store.name,
            container_name=container,
            endpoint="core.windows.net",
            protocol="https",
            credentials=ml.NoneDatastoreCredentialsArgs(credentials_type="None"),
            service_data_access_auth_identity="WorkspaceUserAssignedIdentity",
            tags=owned,
        ),
    )
    return Hub(group, logs.id, alerts(group, owned), registry, store, container, workspace, datastore)


def artifacts(group: resources.ResourceGroup, owned: dict[str, str]) -> tuple[storage.StorageAccount, Output[str]]:
    """Declare the storage account and everything about it."""
    store = storage.StorageAccount(
        "churn-artifacts",
        resource_group_name=group.name,
        account_name=UNIQUE,
        location=location,
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        access_tier=storage.AccessTier.HOT,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=False,
        default_to_o_auth_authentication=True,
        enable_https_traffic_only=True,
        is_hns_enabled=False,
        is_local_user_enabled=False,
        minimum_tls_version="TLS1_2",
        public_network_access="Enabled",
        network_rule_set={"default_action": storage.DefaultAction.ALLOW, "bypass": "AzureServices"},
        encryption={"key_source": "Microsoft.Storage", "services": {"blob": {"enabled": True}}},
        tags=owned,
        opts=ResourceOptions(ignore_changes=["sku"]),
    )
    settings = storage.BlobServiceProperties(
        "churn-artifacts-versions",
        resource_group_name=group.name,
        account_name=store.name,
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy={"enabled": True, "days": 7, "allow_permanent_delete": False},
        container_delete_retention_policy={"enabled": True, "days": 7},
    )
    storage.ManagementPolicy(
        "churn-artifacts-lifecycle",
        resource_group_name=group.name,
        account_name=store.name,
        management_policy_name="default",
        policy={
            "rules": [
                {
                    "name": "superseded",
                    "enabled": True,
                    "type": "Lifecycle",
                    "definition": {
                        "filters": {"blob_types": ["blockBlob"]},
                        "actions": {"version": {"delete": {"days_after_creation_greater_than": 7}}},
                    },
                }
            ]
        },
        opts=ResourceOptions(depends_on=[settings]),
    )
    container = storage.BlobContainer(
        "churn-artifacts-container",
        resource_group_name=group.name,
        account_name=store.name,
        container_name="artifacts",
        public_access=storage.PublicAccess.NONE,
        opts=ResourceOptions(depends_on=[settings]),
    )
    return store, container.name


def alerts(group: resources.ResourceGroup, owned: dict[str, str]) -> Output[str]:
    """Declare who hears alerts, and the budget that speaks to them."""
    emails = config.require_object("alerts")
    action = monitor.ActionGroup(
        "churn-alerts",
        resource_group_name=group.name,
        action_group_name="churn-dev-alerts",
        group_short_name=PROJECT,
        location="Global",
        enabled=True,
        email_receivers=[{"name": email, "email_address": email, "use_common_alert_schema": True} for email in emails],
        tags=owned,
    )
    consumption.Budget(
        "churn-budget",
        budget_name="churn-dev",
        scope=group.id,
        amount=config.require_float("monthly_budget"),
        category="Cost",
        time_grain="Monthly",
        time_period={"start_date": f"{dt.datetime.now(dt.UTC):%Y-%m}-01T00:00:00Z"},
        notifications={
            f"{kind}{percent}": {
                "enabled": True,
                "operator": "GreaterThan",
                "threshold": percent,
                "threshold_type": kind,
                "contact_emails": emails,
                "contact_groups": [action.id],
            }
            for kind, percent in (("Actual", 50), ("Actual", 80), ("Actual", 100), ("Forecasted", 100))
        },
        opts=ResourceOptions(ignore_changes=["timePeriod"]),
    )
    return action.id
