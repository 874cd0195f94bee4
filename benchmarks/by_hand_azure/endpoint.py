"""The endpoint of the yardstick: revision, alerts, scaling, release, traffic, and the role that calls it."""

import hashlib
import uuid
from typing import Any

import pulumi
import workflows
from common import PROJECT, STAGE, config, let, location, person, stack, subscription, tags
from hub import Hub
from pulumi import Output, ResourceOptions
from pulumi_azure_native import authorization, logic, monitor, resources
from pulumi_azure_native import machinelearningservices as ml

REVISION, RELEASE, TRAFFIC = "main-1", "release-1", "traffic-1"
"""Counted up by hand."""
ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


def endpoint(at: Hub) -> None:
    """Declare the endpoint without traffic, its revision, and what is around them."""
    component = "Endpoint/score"
    who = person("score-identity", "churn-dev-endpoint-score", component, at.group)
    captured = "captured/score/"
    captured_files = "score-right-storage-blob-data-contributor-artifacts"
    writes_metrics = "score-right-azureml-metrics-writer-preview-workspace"
    rights = [
        let(who, component, "score-right-acrpull-images", "acrpull", at.registry.id),
        let(who, component, writes_metrics, "azureml-metrics-writer-preview", at.workspace.id),
        let(who, component, captured_files, "storage-blob-data-contributor", at.container_id, below=captured),
    ]
    mark = hashlib.sha256(f"{subscription}/{location}/{PROJECT}/{STAGE}/score".encode()).hexdigest()[:6]
    served = ml.OnlineEndpoint(
        "score-endpoint",
        endpoint_name=f"churn-dev-score-{mark}",
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        location=location,
        kind="Managed",
        identity={"type": "UserAssigned", "user_assigned_identities": [who.id]},
        properties={
            "auth_mode": "AADToken",
            "public_network_access": "Enabled",
            "description": "Endpoint score of churn (dev)",
        },
        tags=tags(component),
        opts=ResourceOptions(depends_on=rights, ignore_changes=["properties", "tags", "identity", "kind", "sku"]),
    )
    deployment = revision(at, served, who, captured)
    errors = health(at, served)
    scaling = scale(at, served, deployment)
    watcher = release(at, served, who, errors, [deployment, scaling, errors])
    traffic(at, served, who, [deployment, scaling, errors, watcher])
    invoker(at)
    url = Output.format("https://{0}.{1}.inference.ml.azure.com/invocations", served.name, location)
    pulumi.export("url", url)


def collected(at: Hub, name: str, captured: str) -> Output[str]:
    """Declare the data asset that calls are kept in."""
    owned = tags("Endpoint/score")
    container = ml.DataContainer(
        f"score-captured-{name}",
        name=f"churn-dev-score-{name}",
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        properties={"data_type": "uri_folder", "tags": owned, "is_archived": False},
    )
    uri = Output.format(
        "azureml://subscriptions/{0}/resourcegroups/{1}/workspaces/{2}/datastores/{3}/paths/{4}{5}/",
        subscription,
        at.group.name,
        at.workspace.name,
        at.datastore.name,
        captured,
        name,
    )
    return ml.DataVersion(
        f"score-captured-{name}-1",
        name=container.name,
        version="1",
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        properties=ml.UriFolderDataVersionArgs(
            data_type="uri_folder", data_uri=uri, tags=owned, is_archived=False, is_anonymous=False
        ),
    ).id


def revision(at: Hub, served: ml.OnlineEndpoint, who: Any, captured: str) -> ml.OnlineDeployment:
    """Declare the environment and the deployment."""
    owned = tags("Endpoint/score")
    container = ml.EnvironmentContainer(
        "score-main-environment",
        name="churn-dev-score-main",
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        properties={
            "description": "What an endpoint serves; each release has a version",
            "tags": owned,
            "is_archived": False,
        },
    )
    health = {"port": 8080, "path": "/ping"}
    routes: Any = {
        "liveness_route": health,
        "readiness_route": health,
        "scoring_route": {"port": 8080, "path": "/invocations"},
    }
    environment = ml.EnvironmentVersion(
        f"score-{REVISION}-environment",
        name=container.name,
        version=REVISION,
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        properties={
            "image": Output.format("{0}.azurecr.io/churn-dev/churn:1", at.registry.name),
            "inference_config": routes,
            "os_type": "Linux",
            "auto_rebuild": "Disabled",
            "tags": owned,
            "is_archived": False,
            "is_anonymous": False,
        },
        opts=ResourceOptions(retain_on_delete=True, deleted_with=container),
    )
    probe: Any = {
        "period": "PT10S",
        "timeout": "PT2S",
        "initial_delay": "PT10S",
        "success_threshold": 1,
        "failure_threshold": 30,
    }
    collections: Any = {
        name: {
            "data_collection_mode": "Enabled",
            "sampling_rate": 0.2,
            "data_id": collected(at, name, captured),
            "client_id": who.client_id,
        }
        for name in ("request", "response")
    }
    return ml.OnlineDeployment(
        f"score-{REVISION}",
        deployment_name=REVISION,
        endpoint_name=served.name,
        resource_group_name=at.group.name,
        workspace_name=at.workspace.name,
        location=location,
        properties=ml.ManagedOnlineDeploymentArgs(
            endpoint_compute_type="Managed",
            instance_type="Standard_F2s_v2",
            environment_id=environment.id,
            model_mount_path="/mnt/models",
            environment_variables={"AZURE_CLIENT_ID": who.client_id},
            request_settings={"request_timeout": "PT60S", "max_concurrent_requests_per_instance": 16},
            liveness_probe=probe,
            readiness_probe=probe,
            app_insights_enabled=False,
            egress_public_network_access="Enabled",
            scale_settings=ml.DefaultScaleSettingsArgs(scale_type="Default"),
            data_collector={"collections": collections, "rolling_rate": "Hour"},
        ),
        sku={"name": "Default", "capacity": config.require_int("replicas_min")},
        tags={**owned, "mlops-variant": "main"},
        opts=ResourceOptions(retain_on_delete=True, deleted_with=served, ignore_changes=["sku"]),
    )


def health(at: Hub, served: ml.OnlineEndpoint) -> monitor.ScheduledQueryRule:
    """Keep the endpoint's logs, and watch its errors."""
    tables = ("AmlOnlineEndpointTrafficLog", "AmlOnlineEndpointConsoleLog", "AmlOnlineEndpointEventLog")
    monitor.DiagnosticSetting(
        "score-logs",
        name="logs",
        resource_uri=served.id,
        workspace_id=at.logs,
        logs=[{"category": table, "enabled": True} for table in tables],
    )
    query = Output.format(
        "AmlOnlineEndpointTrafficLog | where AzureMLWorkspaceName == '{0}' and EndpointName == '{1}' "
        "| summarize Failed = countif(ModelStatusCode >= 500), All = count() by DeploymentName "
        "| extend Share = 100.0 * Failed / All",
        at.workspace.name,
        served.name,
    )
    return monitor.ScheduledQueryRule(
        "score-errors",
        rule_name="churn-dev-score-errors",
        resource_group_name=at.group.name,
        location=location,
        kind="LogAlert",
        description="Share of requests to endpoint score that fail inside the model",
        display_name="score: errors",
        enabled=True,
        severity=1,
        scopes=[at.logs],
        evaluation_frequency="PT5M",
        window_size="PT5M",
        auto_mitigate=True,
        skip_query_validation=True,
        criteria={
            "all_of": [
                {
                    "criterion_type": "StaticThresholdCriterion",
                    "query": query,
                    "metric_measure_column": "Share",
                    "time_aggregation": "Maximum",
                    "dimensions": [{"name": "DeploymentName", "operator": "Include", "values": ["*"]}],
                    "operator": "GreaterThan",
                    "threshold": 5,
                    "failing_periods": {"number_of_evaluation_periods": 1, "min_failing_periods_to_alert": 1},
                }
            ]
        },
        actions={"action_groups": [at.alerts]},
        tags=tags("Endpoint/score"),
    )


def scale(at: Hub, served: ml.OnlineEndpoint, deployment: ml.OnlineDeployment) -> monitor.AutoscaleSetting:
    """Have the load move the machines of the deployment."""

    def rule(operator: str, threshold: float, direction: str, cooldown: str) -> Any:
        return {
            "metric_trigger": {
                "metric_name": "RequestsPerMinute",
                "metric_namespace": ENDPOINTS,
                "metric_resource_uri": served.id,
                "metric_resource_location": location,
                "dimensions": [{"dimension_name": "deployment", "operator": "Equals", "values": [REVISION]}],
                "divide_per_instance": True,
                "operator": operator,
                "statistic": "Average",
                "threshold": threshold,
                "time_aggregation": "Average",
                "time_grain": "PT1M",
                "time_window": "PT5M",
            },
            "scale_action": {"type": "ChangeCount", "direction": direction, "value": "1", "cooldown": cooldown},
        }

    least, most = config.require("replicas_min"), config.require("replicas_max")
    return monitor.AutoscaleSetting(
        f"score-{REVISION}-scaling",
        autoscale_setting_name=f"churn-dev-score-{REVISION}",
        resource_group_name=at.group.name,
        location=location,
        enabled=True,
        target_resource_uri=deployment.id,
        target_resource_location=location,
        profiles=[
            {
                "name": "usual",
                "capacity": {"minimum": least, "maximum": most, "default": least},
                "rules": [
                    rule("GreaterThan", 400, "Increase", "PT60S"),
                    rule("LessThan", 280, "Decrease", "PT300S"),
                ],
            }
        ],
        notifications=[],
        tags=tags("Endpoint/score"),
    )


def release(
    at: Hub, served: ml.OnlineEndpoint, who: Any, errors: monitor.ScheduledQueryRule, needs: list[pulumi.Resource]
) -> logic.Workflow:
    """Declare the workflow that moves the traffic, and its rights."""
    component = "Endpoint/score"
    mover = person("score-release-identity", "churn-dev-endpoint-score-release", component, at.group)
    rights = [
        let(mover, component, f"score-release-{role}-{where}", role, scope)
        for role, scope, where in (
            ("azureml-data-scientist", served.id, "endpoint"),
            ("managed-identity-operator", who.id, "identity"),
        )
    ]
    why = ": the alerts of a group's rules are listed for the group, whatever they are about"
    rights.append(
        let(mover, component, "score-release-monitoring-reader-group", "monitoring-reader", at.group.id, why=why)
    )
    name = f"churn-dev-score-{RELEASE}"
    own = f"/subscriptions/{subscription}/resourceGroups/{PROJECT}-{STAGE}-{location}/providers/Microsoft.Logic"
    percent = config.require_int("canary_percent")
    made = logic.Workflow(
        f"score-{RELEASE}",
        workflow_name=name,
        resource_group_name=at.group.name,
        location=location,
        identity={"type": "UserAssigned", "user_assigned_identities": [mover.id]},
        state="Enabled",
        definition=workflows.release(
            workflows.Move(served.id, REVISION, percent, errors.id), f"{own}/workflows/{name}", mover, who
        ),
        tags=tags(component),
        opts=ResourceOptions(depends_on=[*needs, *rights], ignore_changes=["definition", "state"]),
    )
    let(mover, component, f"score-release-ends-logic-app-operator-{RELEASE}", "logic-app-operator", made.id)
    return made


def traffic(at: Hub, served: ml.OnlineEndpoint, who: Any, needs: list[pulumi.Resource]) -> None:
    """Send the endpoint's traffic when its deployment is there."""
    owned = tags("Endpoint/score")
    resources.Deployment(
        f"score-{TRAFFIC}",
        deployment_name=f"churn-dev-score-{TRAFFIC}",
        resource_group_name=at.group.name,
        properties={
            "mode": resources.DeploymentMode.INCREMENTAL,
            "template": {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": [
                    {
                        "type": ENDPOINTS,
                        "apiVersion": workflows.API,
                        "name": Output.format("{0}/{1}", at.workspace.name, served.name),
                        "location": location,
                        "tags": {**owned, "mlops-release": REVISION},
                        "kind": "Managed",
                        "identity": {
                            "type": "UserAssigned",
                            "userAssignedIdentities": who.id.apply(lambda id_: {id_: {}}),
                        },
                        "properties": {
                            "authMode": "AADToken",
                            "publicNetworkAccess": "Enabled",
                            "description": "Endpoint score of churn (dev)",
                            "traffic": {REVISION: 100},
                            "mirrorTraffic": {},
                        },
                    }
                ],
            },
        },
        tags=owned,
        opts=ResourceOptions(depends_on=needs, ignore_changes=["properties", "tags"]),
    )


def invoker(at: Hub) -> None:
    """Declare the role that calls the endpoint."""
    whole = f"{stack}/score-invoke"
    mark = hashlib.sha256(whole.encode()).hexdigest()[:6]
    authorization.RoleDefinition(
        "score-invoke",
        role_definition_id=str(uuid.uuid5(uuid.NAMESPACE_URL, whole)),
        role_name=f"churn-dev-score invoker ({mark})",
        role_type="CustomRole",
        description="Calls endpoint score of churn (dev), and nothing else",
        scope=at.group.id,
        assignable_scopes=[at.group.id],
        permissions=[
            {
                "actions": [f"{ENDPOINTS}/read", f"{ENDPOINTS}/score/action", f"{ENDPOINTS}/token/action"],
                "not_actions": [],
                "data_actions": [],
                "not_data_actions": [],
            }
        ],
    )
