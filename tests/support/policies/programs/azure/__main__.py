"""Programs of plain resources of Azure: `CASE` names one, and with `BAD` it has one mistake.

What is of one of several types has its properties as Azure calls them: the SDK cannot tell which it is.
"""

import os
from typing import Any

import pulumi
import pulumi_azure_native as azure

BAD = bool(os.environ.get("BAD"))
KEPT = pulumi.ResourceOptions(protect=True)
TAGS = {"owner": "ml", "project": "churn"}
AT: Any = {"resource_group_name": "ml", "location": "westeurope", "tags": TAGS}
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/ml"
TENANT = "00000000-0000-4000-8000-00000000000a"
OWNER, READER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"


def files(*, public: bool = False, keys: bool = False) -> None:
    account = azure.storage.StorageAccount(
        "files",
        account_name="acmefiles",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        allow_blob_public_access=public,
        allow_shared_key_access=keys,
        minimum_tls_version="TLS1_2",
        network_rule_set={"default_action": "Deny"},
        opts=KEPT,
        **AT,
    )
    kept: Any = {"enabled": True, "days": 30}
    azure.storage.BlobServiceProperties(
        "files",
        account_name=account.name,
        resource_group_name="ml",
        blob_services_name="default",
        is_versioning_enabled=True,
        delete_retention_policy=kept,
    )


def public_files() -> None:
    files(public=BAD)


def keys_of_files() -> None:
    files(keys=BAD)


def vault_that_can_be_purged() -> None:
    purge = {} if BAD else {"enable_purge_protection": True}
    properties: Any = {
        "tenant_id": TENANT,
        "sku": {"family": "A", "name": "standard"},
        "enable_rbac_authorization": True,
        "network_acls": {"default_action": "Deny", "bypass": "AzureServices"},
        **purge,
    }
    vault = azure.keyvault.Vault("vault", vault_name="acmevault", properties=properties, opts=KEPT, **AT)
    azure.monitor.DiagnosticSetting(
        "audit",
        resource_uri=vault.id,
        name="audit",
        workspace_id=f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs",
        logs=[{"category_group": "audit", "enabled": True}],
    )


def owner_of_the_group() -> None:
    role = OWNER if BAD else READER
    azure.authorization.RoleAssignment(
        "right",
        scope=GROUP,
        principal_id="00000000-0000-4000-8000-0000000000b0",
        principal_type="ServicePrincipal",
        role_definition_id=f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}",
    )


def open_door() -> None:
    rule: Any = {
        "name": "in",
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "source_port_range": "*",
        "destination_port_range": "443",
        "destination_address_prefix": "*",
        "source_address_prefix": "*" if BAD else "VirtualNetwork",
    }
    azure.network.NetworkSecurityGroup("rules", network_security_group_name="rules", security_rules=[rule], **AT)


def budget() -> None:
    told: Any = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contact_emails": ["ml@example.com"]}
    azure.consumption.Budget(
        "budget",
        scope=GROUP,
        budget_name="ml",
        category="Cost",
        amount=100,
        time_grain="Monthly",
        time_period={"start_date": "2026-11-01T00:00:00Z"},
        notifications={"Actual80": told},
    )


def idle_machines() -> None:
    budget()
    own: Any = {
        "vm_size": "Standard_DS3_v2",
        "vm_priority": "Dedicated",
        "enable_node_public_ip": False,
        "remote_login_port_public_access": "Disabled",
        "subnet": {"id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/ml/subnets/ml"},
        "scale_settings": {"min_node_count": 1 if BAD else 0, "max_node_count": 4},
    }
    properties: Any = {"compute_type": "AmlCompute", "disable_local_auth": True, "properties": own}
    azure.machinelearningservices.Compute(
        "machines", compute_name="machines", workspace_name="ml", properties=properties, **AT
    )


def moving_model() -> None:
    properties: Any = {
        "endpointComputeType": "Managed",
        "model": "azureml:churn@latest" if BAD else "azureml:churn:3",
        "instanceType": "Standard_DS3_v2",
        "egressPublicNetworkAccess": "Disabled",
        "dataCollector": {"collections": {"model_inputs": {"dataCollectionMode": "Enabled"}}},
        "readinessProbe": {"period": "PT10S"},
        "scaleSettings": {"scaleType": "Default"},
    }
    azure.machinelearningservices.OnlineDeployment(
        "blue",
        deployment_name="blue",
        endpoint_name="score",
        workspace_name="ml",
        sku={"name": "Default", "capacity": 2},
        properties=properties,
        **AT,
    )


def public_endpoint() -> None:
    budget()
    access = "Enabled" if BAD else "Disabled"
    endpoint = azure.machinelearningservices.OnlineEndpoint(
        "score",
        endpoint_name="score",
        workspace_name="ml",
        identity={"type": "SystemAssigned"},
        properties={"auth_mode": "AADToken", "public_network_access": access},
        **AT,
    )
    action: Any = {
        "actionType": "CreateMonitor",
        "monitorDefinition": {
            "computeConfiguration": {
                "computeType": "ServerlessSpark",
                "instanceType": "standard_e4s_v3",
                "runtimeVersion": "3.4",
                "computeIdentity": {"computeIdentityType": "ManagedIdentity"},
            },
            "monitoringTarget": {
                "taskType": "Classification",
                "deploymentId": endpoint.name.apply(lambda name: f"azureml:{name}:blue"),
            },
            "signals": {},
        },
    }
    trigger: Any = {"triggerType": "Recurrence", "frequency": "Day", "interval": 1}
    azure.machinelearningservices.Schedule(
        "monitor",
        name="monitor",
        workspace_name="ml",
        resource_group_name="ml",
        properties={"action": action, "trigger": trigger},
    )
    criterion: Any = {
        "odataType": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
        "allOf": [
            {
                "criterionType": "StaticThresholdCriterion",
                "name": "errors",
                "metricName": "RequestsPerMinute",
                "operator": "GreaterThan",
                "threshold": 1,
                "timeAggregation": "Average",
            }
        ],
    }
    azure.monitor.MetricAlert(
        "alert",
        rule_name="alert",
        resource_group_name="ml",
        location="global",
        severity=2,
        enabled=True,
        scopes=[endpoint.id],
        evaluation_frequency="PT1M",
        window_size="PT5M",
        criteria=criterion,
        actions=[{"action_group_id": f"{GROUP}/providers/Microsoft.Insights/actionGroups/ml"}],
        tags=TAGS,
    )


globals()[os.environ["CASE"]]()
