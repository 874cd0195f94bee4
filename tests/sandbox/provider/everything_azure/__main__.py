"""One of each resource that the stand-in provider of Azure carries."""

import json
from functools import partial

import pulumi
import pulumi_azure_native as azure
from pulumi import Output, ResourceOptions

EDITION = pulumi.Config().get("edition") or "1"
FIRST = EDITION == "1"
TAGS = {"edition": EDITION}
CALLER = azure.authorization.get_client_config()
SUBSCRIPTION = f"/subscriptions/{CALLER.subscription_id}"
ROLES = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
FILES = "69566ab7-960f-475b-8e7c-b3118f30c6bd"
SECRETS = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
PULL, PUSH = "7f951dda-4ed3-4680-a7ca-43fe172d538d", "8311e382-0749-4cb8-b61a-304f252e45ec"

group = azure.resources.ResourceGroup("group", location="westeurope", tags=TAGS)
inside = {"resource_group_name": group.name}

# Identities and rights
identity = azure.managedidentity.UserAssignedIdentity("identity", **inside, tags=TAGS)
azure.managedidentity.FederatedIdentityCredential(
    "federated",
    **inside,
    resource_name_=identity.name,
    issuer="https://token.actions.githubusercontent.com",
    subject=f"repo:example/churn:ref:refs/heads/{EDITION}",
    audiences=["api://AzureADTokenExchange"],
)
azure.authorization.RoleDefinition(
    "role",
    scope=group.id,
    role_name=f"reader of endpoints {EDITION}",
    description=EDITION,
    assignable_scopes=[group.id],
    permissions=[{"actions": ["Microsoft.MachineLearningServices/workspaces/read"], "not_actions": []}],
)


def assign(name: str, role: str, scope: pulumi.Input[str], principal: pulumi.Input[str]) -> pulumi.Resource:
    """Give a role to a principal."""
    return azure.authorization.RoleAssignment(
        name,
        scope=scope,
        principal_id=principal,
        principal_type="ServicePrincipal",
        role_definition_id=f"{ROLES}/{role}",
    )


# Storage
account = azure.storage.StorageAccount(
    "account",
    **inside,
    kind="StorageV2",
    sku={"name": "Standard_LRS"},
    allow_blob_public_access=False,
    allow_shared_key_access=False,
    minimum_tls_version="TLS1_2",
    enable_https_traffic_only=True,
    network_rule_set={"default_action": "Allow", "bypass": "AzureServices"},
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    tags=TAGS,
)
on_account = {**inside, "account_name": account.name}
azure.storage.BlobServiceProperties(
    "blobs",
    **on_account,
    blob_services_name="default",
    is_versioning_enabled=True,
    delete_retention_policy={"enabled": True, "days": 7 if FIRST else 8},
)
azure.storage.FileServiceProperties(
    "files",
    **on_account,
    file_services_name="default",
    share_delete_retention_policy={"enabled": True, "days": 7 if FIRST else 8},
)
azure.storage.ManagementPolicy(
    "lifecycle",
    **on_account,
    management_policy_name="default",
    policy={
        "rules": [
            {
                "name": "old",
                "enabled": True,
                "type": "Lifecycle",
                "definition": {
                    "filters": {"blob_types": ["blockBlob"], "prefix_match": [f"tmp/{EDITION}"]},
                    "actions": {"base_blob": {"delete": {"days_after_modification_greater_than": 30}}},
                },
            }
        ]
    },
)
container = azure.storage.BlobContainer("artifacts", **on_account, public_access="None", metadata={"edition": EDITION})
azure.storage.FileShare("share", **on_account, share_quota=5 if FIRST else 6)
writing = assign("writes", BLOB_OWNER, account.id, CALLER.object_id)
blob = azure.storage.Blob(
    "blob",
    **on_account,
    container_name=container.name,
    blob_name="features/spec.yaml",
    source=pulumi.StringAsset("features: []"),
    content_type="application/yaml",
    metadata={"edition": EDITION},
    opts=ResourceOptions(depends_on=[writing]),
)

# Keys, images
vault = azure.keyvault.Vault(
    "vault",
    **inside,
    properties={
        "tenant_id": CALLER.tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enable_rbac_authorization": True,
        "enable_soft_delete": True,
        "soft_delete_retention_in_days": 7,
        "public_network_access": "Enabled",
    },
    tags=TAGS,
)
azure.keyvault.Secret(
    "secret",
    **inside,
    vault_name=vault.name,
    properties={"value": Output.secret("hunter2hunter2"), "attributes": {"enabled": True}},
    tags=TAGS,
)
azure.keyvault.Key("key", **inside, vault_name=vault.name, properties={"kty": "RSA", "key_size": 2048}, tags=TAGS)
images = azure.containerregistry.Registry(
    "images", **inside, sku={"name": "Premium"}, admin_user_enabled=False, public_network_access="Enabled", tags=TAGS
)

# Watching
logs = azure.operationalinsights.Workspace(
    "logs", **inside, sku={"name": "PerGB2018"}, retention_in_days=30 if FIRST else 60, tags=TAGS
)
insights = azure.applicationinsights.Component(
    "insights",
    **inside,
    kind="web",
    application_type="web",
    ingestion_mode="LogAnalytics",
    workspace_resource_id=logs.id,
    disable_local_auth=True,
    tags=TAGS,
)
actions = azure.monitor.ActionGroup(
    "actions",
    **inside,
    location="Global",
    group_short_name="churn",
    enabled=True,
    email_receivers=[{"name": "team", "email_address": f"ml-{EDITION}@example.com", "use_common_alert_schema": True}],
    tags=TAGS,
)
azure.monitor.ActivityLogAlert(
    "activity",
    **inside,
    location="Global",
    scopes=[group.id],
    enabled=True,
    description=EDITION,
    condition={"all_of": [{"field": "category", "equals": "Administrative"}]},
    actions={"action_groups": [{"action_group_id": actions.id}]},
    tags=TAGS,
)
azure.monitor.ScheduledQueryRule(
    "query",
    **inside,
    kind="LogAlert",
    scopes=[logs.id],
    enabled=True,
    severity=3 if FIRST else 4,
    evaluation_frequency="PT5M",
    window_size="PT5M",
    criteria={
        "all_of": [
            {
                "query": "AzureActivity | take 1",
                "time_aggregation": "Count",
                "operator": "GreaterThan",
                "threshold": 1,
                "failing_periods": {"number_of_evaluation_periods": 1, "min_failing_periods_to_alert": 1},
            }
        ]
    },
    actions={"action_groups": [actions.id]},
    tags=TAGS,
)
azure.monitor.DiagnosticSetting(
    "diagnostics",
    resource_uri=vault.id,
    workspace_id=logs.id,
    logs=[{"category_group": "audit", "enabled": True}],
    metrics=[{"category": "AllMetrics", "enabled": FIRST}],
)
azure.consumption.Budget(
    "budget",
    scope=group.id,
    amount=100 if FIRST else 200,
    category="Cost",
    time_grain="Monthly",
    time_period={"start_date": "2026-11-01T00:00:00Z"},
    notifications={
        "Actual80": {
            "enabled": True,
            "operator": "GreaterThan",
            "threshold": 80,
            "threshold_type": "Actual",
            "contact_emails": ["ml@example.com"],
        }
    },
)

# Events and workflows
topic = azure.eventgrid.Topic("topic", **inside, disable_local_auth=True, tags=TAGS)
hook = {"endpoint_type": "WebHook", "endpoint_url": "https://ci.example.com/hooks/churn"}
azure.eventgrid.EventSubscription(
    "told",
    scope=topic.id,
    destination=hook,
    filter={"subject_begins_with": EDITION, "is_subject_case_sensitive": False},
)
azure.logic.Workflow(
    "workflow",
    **inside,
    state="Enabled" if FIRST else "Disabled",
    identity={"type": "SystemAssigned"},
    definition={
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "triggers": {"every": {"type": "Recurrence", "recurrence": {"frequency": "Minute", "interval": 5}}},
        "actions": {},
    },
    tags=TAGS,
)

# Networks
rules = azure.network.NetworkSecurityGroup(
    "rules",
    **inside,
    security_rules=[
        {
            "name": "https",
            "priority": 100 if FIRST else 110,
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "Tcp",
            "source_address_prefix": "VirtualNetwork",
            "source_port_range": "*",
            "destination_address_prefix": "VirtualNetwork",
            "destination_port_range": "443",
        }
    ],
    tags=TAGS,
)
network = azure.network.VirtualNetwork(
    "network",
    **inside,
    address_space={"address_prefixes": ["10.9.0.0/16"]},
    tags=TAGS,
    opts=ResourceOptions(ignore_changes=["subnets"]),
)
subnet = azure.network.Subnet(
    "subnet",
    **inside,
    virtual_network_name=network.name,
    address_prefix="10.9.0.0/24",
    network_security_group={"id": rules.id},
    private_endpoint_network_policies="NetworkSecurityGroupEnabled" if FIRST else "Disabled",
)
zone = azure.privatedns.PrivateZone(
    "zone", **inside, private_zone_name="privatelink.blob.core.windows.net", location="Global", tags=TAGS
)
azure.privatedns.VirtualNetworkLink(
    "link",
    **inside,
    private_zone_name=zone.name,
    location="Global",
    virtual_network={"id": network.id},
    registration_enabled=False,
    tags=TAGS,
)
door = azure.network.PrivateEndpoint(
    "door",
    **inside,
    subnet={"id": subnet.id},
    private_link_service_connections=[
        {"name": "blob", "private_link_service_id": account.id, "group_ids": ["blob"]},
    ],
    tags=TAGS,
)
azure.network.PrivateDnsZoneGroup(
    "names",
    **inside,
    private_endpoint_name=door.name,
    private_dns_zone_configs=[{"name": "blob", "private_dns_zone_id": zone.id}],
)

# Azure Machine Learning
rights = [
    assign(f"right-{index}", role, scope, identity.principal_id)
    for index, (role, scope) in enumerate(
        [
            (CONTRIBUTOR, group.id),
            (BLOB_CONTRIBUTOR, account.id),
            (FILES, account.id),
            (SECRETS, vault.id),
            (PULL, images.id),
            (PUSH, images.id),
        ]
    )
]
ml = azure.machinelearningservices
workspace = ml.Workspace(
    "workspace",
    **inside,
    kind="Default",
    sku={"name": "Basic", "tier": "Basic"},
    friendly_name=EDITION,
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    primary_user_assigned_identity=identity.id,
    storage_account=account.id,
    key_vault=vault.id,
    container_registry=images.id,
    application_insights=insights.id,
    system_datastores_auth_mode="Identity",
    public_network_access="Enabled",
    managed_network={"isolation_mode": "AllowOnlyApprovedOutbound"},
    v1_legacy_mode=False,
    tags=TAGS,
    opts=ResourceOptions(depends_on=rights),
)
within = {**inside, "workspace_name": workspace.name}
happened = azure.eventgrid.SystemTopic(
    "happened",
    **inside,
    source=workspace.id,
    topic_type="Microsoft.MachineLearningServices.Workspaces",
    tags=TAGS,
)
azure.eventgrid.SystemTopicEventSubscription(
    "registered",
    **inside,
    system_topic_name=happened.name,
    destination=hook,
    filter={"included_event_types": ["Microsoft.MachineLearningServices.ModelRegistered"]},
    labels=[EDITION],
)
azure.authorization.ManagementLockByScope("lock", scope=logs.id, level="CanNotDelete", notes=EDITION)
ml.ManagedNetworkSettingsRule(
    "rule",
    **within,
    properties={"type": "FQDN", "category": "UserDefined", "destination": f"pypi-{EDITION}.example.com"},
)
compute = ml.Compute(
    "cpus",
    **within,
    location="westeurope",
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    properties={
        "compute_type": "AmlCompute",
        "disable_local_auth": True,
        "properties": {
            "vm_size": "Standard_DS3_v2",
            "vm_priority": "Dedicated",
            "enable_node_public_ip": False,
            "remote_login_port_public_access": "Disabled",
            "scale_settings": {
                "min_node_count": 0,
                "max_node_count": 2 if FIRST else 3,
                "node_idle_time_before_scale_down": "PT5M",
            },
        },
    },
    tags=TAGS,
)


def blob_store(description: str) -> dict[str, object]:
    """Describe the container as a datastore."""
    return {
        "datastore_type": "AzureBlob",
        "account_name": account.name,
        "container_name": container.name,
        "description": description,
        "credentials": {"credentials_type": "None"},
    }


ml.Datastore(
    "store",
    **within,
    name="artifacts",
    properties=blob_store(EDITION),
    opts=ResourceOptions(depends_on=[blob]),
)
ml.WorkspaceConnection(
    "connection",
    **within,
    properties={
        "auth_type": "ManagedIdentity",
        "category": "ADLSGen2",
        "target": container.id,
        "credentials": {"client_id": identity.client_id, "resource_id": identity.id},
        "metadata": {"edition": EDITION},
    },
)
registry = ml.Registry(
    "registry",
    **inside,
    identity={"type": "SystemAssigned"},
    public_network_access="Enabled",
    region_details=[
        {
            "location": "westeurope",
            "acr_details": [{"system_created_acr_account": {"acr_account_sku": "Premium"}}],
            "storage_account_details": [
                {
                    "system_created_storage_account": {
                        "storage_account_type": "Standard_LRS",
                        "storage_account_hns_enabled": False,
                        "allow_blob_public_access": False,
                    }
                }
            ],
        }
    ],
    tags=TAGS,
)
of_registry = {**inside, "registry_name": registry.name}
files = Output.format("https://{0}.blob.core.windows.net/{1}/features", account.name, container.name)
VERSIONS = {
    "code": {"code_uri": files},
    "data": {"data_uri": files},
    "environment": {
        "image": "mcr.microsoft.com/azureml/minimal-ubuntu22.04-py39-cpu-inference:latest",
        "os_type": "Linux",
    },
    "model": {"model_type": "custom_model", "model_uri": files},
    "component": {
        "component_spec": {
            "$schema": "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json",
            "name": "my_component",
            "version": "1",
            "type": "command",
            "command": "python train.py",
            "environment": "azureml:my-environment:1",
        }
    },
}
versions: dict[str, pulumi.CustomResource] = {}
for kind, properties in VERSIONS.items():
    about = {"data_type": "uri_folder"} if kind == "data" else {}
    called = f"my_{kind}" if kind == "component" else f"my-{kind}"
    before = [one for title, one in versions.items() if kind == "component" and "Environment" in title]
    for prefix, where in (("", within), ("Registry", of_registry)):
        named = "name" if not prefix or kind == "data" else f"{kind}_name"
        title = f"{prefix}{kind.capitalize()}"
        held = getattr(ml, f"{title}Container")(
            f"{title}s".lower(), **where, **{named: called}, properties={"description": EDITION, **about}
        )
        described = partial(ml.UriFolderDataVersionArgs, data_type="uri_folder") if kind == "data" else dict
        versions[title] = getattr(ml, f"{title}Version")(
            title.lower(),
            **where,
            **{named: held.name},
            version="1",
            properties=described(description=EDITION, **properties),
            opts=ResourceOptions(depends_on=[blob, *before]),
        )
features = ml.Workspace(
    "features",
    **inside,
    kind="FeatureStore",
    sku={"name": "Basic", "tier": "Basic"},
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    primary_user_assigned_identity=identity.id,
    storage_account=account.id,
    key_vault=vault.id,
    application_insights=insights.id,
    system_datastores_auth_mode="Identity",
    feature_store_settings={"compute_runtime": {"spark_runtime_version": "3.4"}},
    public_network_access="Enabled",
    tags=TAGS,
    opts=ResourceOptions(depends_on=rights),
)
of_features = {**inside, "workspace_name": features.name}
ml.Datastore(
    "features-store",
    **of_features,
    name="artifacts",
    properties=blob_store(EDITION),
    opts=ResourceOptions(depends_on=[blob]),
)
entities = ml.FeaturestoreEntityContainerEntity("customers", **of_features, properties={"description": EDITION})
entity = ml.FeaturestoreEntityVersion(
    "customer",
    **of_features,
    name=entities.name,
    version="1",
    properties={"description": EDITION, "index_columns": [{"column_name": "customer_id", "data_type": "String"}]},
)
sets = ml.FeaturesetContainerEntity("profiles", **of_features, properties={"description": EDITION})
ml.FeaturesetVersion(
    "profile",
    **of_features,
    name=sets.name,
    version="1",
    properties={
        "description": EDITION,
        "entities": ["azureml:customers:1"],
        "specification": {"path": "azureml://datastores/artifacts/paths/features"},
        "stage": "Development",
    },
    opts=ResourceOptions(depends_on=[entity, blob]),
)
endpoint = ml.OnlineEndpoint(
    "score",
    **within,
    location="westeurope",
    kind="Managed",
    identity={"type": "UserAssigned", "user_assigned_identities": [identity.id]},
    properties={"auth_mode": "AADToken", "public_network_access": "Enabled", "description": EDITION},
    tags=TAGS,
)
deployment = ml.OnlineDeployment(
    "blue",
    **within,
    endpoint_name=endpoint.name,
    location="westeurope",
    kind="Managed",
    sku={"name": "Default", "capacity": 1 if FIRST else 2},
    properties=ml.ManagedOnlineDeploymentArgs(
        endpoint_compute_type="Managed",
        instance_type="Standard_DS3_v2",
        model=versions["Model"].id,
        environment_id=versions["Environment"].id,
        egress_public_network_access="Enabled",
        request_settings={"request_timeout": "PT5S", "max_concurrent_requests_per_instance": 1},
    ),
    tags=TAGS,
)
azure.monitor.AutoscaleSetting(
    "autoscale",
    **inside,
    enabled=True,
    target_resource_uri=deployment.id,
    profiles=[
        {"name": "default", "capacity": {"minimum": "1", "maximum": "3" if FIRST else "4", "default": "1"}, "rules": []}
    ],
    tags=TAGS,
)
azure.monitor.MetricAlert(
    "alert",
    **inside,
    location="global",
    enabled=True,
    severity=2,
    scopes=[endpoint.id],
    evaluation_frequency="PT1M",
    window_size="PT5M",
    criteria=azure.monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
        odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        all_of=[
            azure.monitor.MetricCriteriaArgs(
                criterion_type="StaticThresholdCriterion",
                name="slow",
                metric_name="RequestLatency",
                operator="GreaterThan",
                threshold=500 if FIRST else 600,
                time_aggregation="Average",
            )
        ],
    ),
    actions=[{"action_group_id": actions.id}],
    tags=TAGS,
)
azure.applicationinsights.Workbook(
    "workbook",
    **inside,
    resource_name_="6f0f2a5e-5d2c-5c0e-9d54-0d6f6a2f4a12",
    location="westeurope",
    kind="shared",
    category="workbook",
    display_name=EDITION,
    serialized_data=json.dumps({"version": "Notebook/1.0", "items": []}),
    source_id=workspace.id,
    tags=TAGS,
)
batch = ml.BatchEndpoint(
    "nightly", **within, location="westeurope", properties={"auth_mode": "AADToken", "description": EDITION}, tags=TAGS
)
ml.BatchDeployment(
    "nightly-blue",
    **within,
    endpoint_name=batch.name,
    location="westeurope",
    properties={
        "compute": compute.id,
        "model": {"reference_type": "Id", "asset_id": versions["Model"].id},
        "environment_id": versions["Environment"].id,
        "code_configuration": {"code_id": versions["Code"].id, "scoring_script": "score.py"},
        "mini_batch_size": 10 if FIRST else 20,
        "resources": {"instance_count": 1},
    },
    tags=TAGS,
)
ml.Schedule(
    "schedule",
    **within,
    properties={
        "display_name": "nightly",
        "is_enabled": FIRST,
        "trigger": {"trigger_type": "Cron", "expression": "0 3 * * *", "time_zone": "UTC"},
        "action": {
            "action_type": "CreateJob",
            "job_definition": {
                "job_type": "Command",
                "command": "python train.py",
                "compute_id": compute.id,
                "environment_id": versions["Environment"].id,
            },
        },
    },
)
azure.resources.Deployment(
    "traffic",
    **inside,
    properties={
        "mode": "Incremental",
        "template": {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [
                {
                    "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
                    "apiVersion": "2025-12-01",
                    "name": Output.concat(workspace.name, "/", endpoint.name),
                    "location": "westeurope",
                    "kind": "Managed",
                    "tags": TAGS,
                    "identity": {
                        "type": "UserAssigned",
                        "userAssignedIdentities": identity.id.apply(lambda id_: {id_: {}}),
                    },
                    "properties": {
                        "authMode": "AADToken",
                        "publicNetworkAccess": "Enabled",
                        "description": EDITION,
                        "traffic": {"blue": 0},
                    },
                }
            ],
        },
    },
    tags=TAGS,
    opts=ResourceOptions(depends_on=[deployment]),
)
pulumi.export("location", azure.resources.get_resource_group_output(resource_group_name=group.name).location)
