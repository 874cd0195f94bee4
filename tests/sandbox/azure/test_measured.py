"""Custom metrics of resources: who may send them, when they are taken, and the rules that fire by them."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.azure.proxy import mapped
from support.facts.azure import SETTINGS, hub
from support.mocks import Cloud
from support.sandbox.arm import GROUP, Arm
from support.sandbox.arm_good import ENDPOINT, GOOD, HERE, ROOT, P, acts_as
from support.sandbox.arm_world import furnish
from support.watching import watched

RULE = f"{P}/Microsoft.Insights/metricAlerts/drift"
SENDER, OTHER = "11111111-0000-4000-8000-000000000002", "11111111-0000-4000-8000-000000000003"
PUBLISHER = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/3913510d-42f4-4e42-8a64-420c390055eb"
LOOKER = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/looker"
FLOW = f"{P}/Microsoft.Logic/workflows/looks"
ASSIGNMENT = "providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000091"


@pytest.fixture(scope="module")
def world(server: Arm) -> Arm:
    furnish(server)
    properties = {"principalId": SENDER, "roleDefinitionId": PUBLISHER, "principalType": "ServicePrincipal"}
    server.done("PUT", f"{ENDPOINT}/{ASSIGNMENT}", {"properties": properties}, version="2022-04-01")
    return server


@pytest.fixture
def rule(world: Arm) -> Iterator[str]:
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "drift",
        "metricName": "data_drift",
        "metricNamespace": "mlops",
        "dimensions": [{"name": "Monitor", "operator": "Include", "values": ["drift"]}],
        "operator": "GreaterThan",
        "threshold": 0.2,
        "timeAggregation": "Maximum",
        "skipMetricValidation": True,
    }
    good = GOOD["alert"].body
    criteria = good["properties"]["criteria"] | {"allOf": [criterion]}
    world.done("PUT", RULE, good | {"properties": good["properties"] | {"criteria": criteria, "windowSize": "PT15M"}})
    yield RULE
    world.done("DELETE", RULE)


def metric(value: float, minutes_ago: float = 0, monitor: str = "drift") -> dict[str, Any]:
    time = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes_ago)
    series = {"dimValues": [monitor], "min": value, "max": value, "sum": value, "count": 1}
    base = {"metric": "data_drift", "namespace": "mlops", "dimNames": ["Monitor"], "series": [series]}
    return {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "data": {"baseData": base}}


def send(arm: Arm, body: Any, resource: str = ENDPOINT, region: str = "eastus", who: str = SENDER) -> int:
    return arm.ask("POST", f"/monitoring/{region}{resource}/metrics", body, token=f"principal:{who}").status


def fired(arm: Arm) -> list[str]:
    path = f"{GROUP}/providers/Microsoft.AlertsManagement/alerts"
    listed = arm.done("GET", f"{path}?monitorCondition=Fired")["value"]
    return [one["properties"]["essentials"]["alertRule"] for one in listed]


def test_a_rule_fires_by_what_was_measured_and_is_resolved(world: Arm, rule: str) -> None:
    assert send(world, metric(0.3, minutes_ago=16)) == 200
    assert fired(world) == [], "what is older than its window is not looked at"
    assert send(world, metric(0.3, monitor="other")) == 200
    assert fired(world) == []
    assert send(world, metric(0.3, minutes_ago=14)) == 200
    assert fired(world) == [rule]
    assert send(world, metric(0.1)) == 200
    assert fired(world) == [rule], "the greatest of its window counts"


def test_metrics_of_ones_own_have_any_name_and_those_of_azure_have_not(world: Arm) -> None:
    good = GOOD["alert"].body
    of_azure = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
    for namespace, status in (("mlops", 201), (of_azure, 400)):
        one = good["properties"]["criteria"]["allOf"][0] | {"metricName": "data_drift", "metricNamespace": namespace}
        criteria = good["properties"]["criteria"] | {"allOf": [one]}
        asked = good | {"properties": good["properties"] | {"criteria": criteria}}
        assert world.ask("PUT", f"{P}/Microsoft.Insights/metricAlerts/named", asked).status == status
    world.done("DELETE", f"{P}/Microsoft.Insights/metricAlerts/named")


def test_a_workbook_is_json_of_its_kind(world: Arm) -> None:
    path = f"{P}/Microsoft.Insights/workbooks/6f0f2a5e-5d2c-5c0e-9d54-0d6f6a2f4a12"
    for data, status in (('{"version": "Notebook/1.0", "items": []}', 201), ("{}", 400), ("x", 400)):
        said = {"displayName": "drift", "category": "workbook", "serializedData": data}
        asked = HERE | {"kind": "shared", "properties": said}
        assert world.ask("PUT", path, asked, version="2023-06-01").status == status
    assert world.ask("PUT", f"{path}x", asked, version="2023-06-01").status == 400
    world.done("DELETE", path, version="2023-06-01")


def test_who_sends_needs_the_right_on_the_resource(world: Arm) -> None:
    assert send(world, metric(0.1)) == 200
    assert send(world, metric(0.1), who=OTHER) == 403
    assert send(world, metric(0.1), ENDPOINT.rpartition("/onlineEndpoints")[0]) == 403, "it is of the endpoint alone"


@pytest.mark.parametrize("wrong", ["old", "early", "text", "marks", "region", "resource"])
def test_what_is_no_metric_is_refused(world: Arm, wrong: str) -> None:
    body: Any = metric(0.1, {"old": 21.0, "early": -6.0}.get(wrong, 0.0))
    if wrong == "text":
        body["data"]["baseData"]["series"][0]["sum"] = "much"
    if wrong == "marks":
        body["data"]["baseData"]["dimNames"] = []
    region = "westus" if wrong == "region" else "eastus"
    resource = f"{ENDPOINT}-x" if wrong == "resource" else ENDPOINT
    assert send(world, body, resource, region) == (404 if wrong == "resource" else 400)


def flow(hours: float) -> dict[str, Any]:
    """Return the workflow that the library makes, for this endpoint and as this identity."""
    platform = hub(location="eastus")
    endpoint = mlops.EndpointRef(
        name="score", backend="azure", platform=platform, status="live", address={"name": "live", "id": ENDPOINT}
    )
    cloud = Cloud()
    cloud.run(lambda: watched(platform, endpoint, stale_after_hours=hours) and None, **SETTINGS)
    made = cloud.one("logic/Workflow").inputs
    (who,) = made["identity"]["userAssignedIdentities"]
    return dict(json.loads(json.dumps(made["definition"]).replace(who, LOOKER)))


@pytest.fixture
def looking(arm: Arm) -> Arm:
    furnish(arm)
    arm.done("PUT", LOOKER, HERE, version="2023-01-31")
    who = arm.done("GET", LOOKER, version="2023-01-31")["properties"]["principalId"]
    roles = {"43d0d8ad-25c7-4714-9337-8ba259a9fe05": 1, PUBLISHER.rpartition("/")[2]: 2}
    for role, number in roles.items():
        properties = {
            "principalId": who,
            "roleDefinitionId": f"{PUBLISHER.rpartition('/')[0]}/{role}",
            "principalType": "ServicePrincipal",
        }
        arm.done("PUT", f"{ENDPOINT}/{ASSIGNMENT[:-1]}{number}", {"properties": properties}, version="2022-04-01")
    given = {"principalId": SENDER, "roleDefinitionId": PUBLISHER, "principalType": "ServicePrincipal"}
    arm.done("PUT", f"{ENDPOINT}/{ASSIGNMENT[:-1]}3", {"properties": given}, version="2022-04-01")
    one = {
        "criterionType": "StaticThresholdCriterion",
        "name": "missing",
        "metricName": "missing",
        "metricNamespace": "mlops",
        "operator": "GreaterThan",
        "threshold": 0,
        "timeAggregation": "Average",
    }
    good = GOOD["alert"].body
    criteria = good["properties"]["criteria"] | {"allOf": [one]}
    arm.done("PUT", RULE, good | {"properties": good["properties"] | {"criteria": criteria}})
    properties = {"definition": flow(0.25)}
    arm.done("PUT", FLOW, HERE | {"identity": acts_as(LOOKER), "properties": properties}, version="2019-05-01")
    return arm


def looks(arm: Arm) -> dict[str, str]:
    ran = arm.admin("POST", "run", {"id": FLOW})
    return {step["name"]: step["status"] for step in ran["actions"]} | {"": ran["status"]}


def test_nothing_measured_is_seen_by_the_workflow_of_the_library(looking: Arm) -> None:
    first = looks(looking)
    assert (first["measured"], first["found"], first["tell"]) == ("Failed", "Succeeded", "Succeeded"), first
    assert fired(looking) == [RULE], "nothing was ever measured"


@pytest.mark.parametrize(("minutes_ago", "late"), [(14.0, False), (16.0, True)])
def test_what_is_too_old_is_as_nothing(looking: Arm, minutes_ago: float, *, late: bool) -> None:
    body = metric(1, minutes_ago)
    body["data"]["baseData"]["metric"] = "measured"
    assert send(looking, body) == 200
    assert looks(looking)[""] == "Succeeded"
    assert fired(looking) == ([RULE] if late else [])


@pytest.mark.parametrize("number", [1, 2])
def test_the_workflow_needs_each_of_its_rights(looking: Arm, number: int) -> None:
    body = metric(1)
    body["data"]["baseData"]["metric"] = "measured"
    assert send(looking, body) == 200
    looking.done("DELETE", f"{ENDPOINT}/{ASSIGNMENT[:-1]}{number}", version="2022-04-01")
    found = looks(looking)
    assert found["measured" if number == 1 else "tell"] == "Failed"


def test_azures_own_address_leads_here() -> None:
    assert mapped("eastus.monitoring.azure.com", f"{ENDPOINT}/metrics") == f"/monitoring/eastus{ENDPOINT}/metrics"
    assert mapped("eastus.monitoring.azure.com.example.com", "/") is None
