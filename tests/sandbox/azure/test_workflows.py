"""Workflows are played: what moves traffic on, or back when an alert has fired, as an identity with rights for it."""

from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.expressions import KNOWN, ExpressionError, evaluate, read
from support.sandbox.arm import GROUP, Arm
from support.sandbox.arm_good import DEPLOYMENT, ENDPOINT, GOOD, HERE, P, acts_as, role
from support.sandbox.arm_world import body, furnish

MANAGEMENT = "https://management.azure.com"
MOVER = f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/mover"
FLOW = f"{P}/Microsoft.Logic/workflows/mover"
ALERT = GOOD["alert"].id
ROLES = {
    "AzureML Data Scientist": (ENDPOINT, "f6c7c914-8db3-469d-8ca1-694a8f32e121"),
    "Managed Identity Operator": (
        f"{P}/Microsoft.ManagedIdentity/userAssignedIdentities/serving",
        "f1a07417-d97a-45cb-824c-7a7467783830",
    ),
    "Monitoring Reader": (GROUP, "43d0d8ad-25c7-4714-9337-8ba259a9fe05"),
    "Logic App Operator": (FLOW, "515c2055-d9d4-4321-b1b9-bd0c9a0f79fe"),
}


def _call(method: str, path: str, *after: str, content: Any = None) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "method": method,
        "uri": f"{MANAGEMENT}{path}?api-version=2025-12-01",
        "authentication": {"type": "ManagedServiceIdentity", "identity": MOVER},
    }
    if content is not None:
        inputs["body"] = content
    return {"type": "Http", "inputs": inputs, "runAfter": {name: ["Succeeded"] for name in after}}


def _definition() -> dict[str, Any]:
    kept = "@body('endpoint')?['properties']"

    def put(traffic: dict[str, int]) -> dict[str, Any]:
        return _call(
            "PUT",
            ENDPOINT,
            content={
                "location": "@body('endpoint')?['location']",
                "tags": "@addProperty(body('endpoint')?['tags'], 'moved', 'yes')",
                "identity": GOOD["endpoint"].body["identity"],
                "properties": {
                    "authMode": f"{kept}?['authMode']",
                    "publicNetworkAccess": f"{kept}?['publicNetworkAccess']",
                    "traffic": traffic,
                },
            },
        )

    due = {
        "lessOrEquals": [
            "@ticks(addMinutes(body('endpoint')?['systemData']?['lastModifiedAt'], 10))",
            "@ticks(utcNow())",
        ]
    }
    alerts = f"{GROUP}/providers/Microsoft.AlertsManagement/alerts"
    return {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
        "workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"rules": {"type": "Array", "defaultValue": [ALERT.lower()]}, "to": {"type": "SecureString"}},
        "triggers": {"every": {"type": "Recurrence", "recurrence": {"frequency": "Minute", "interval": 1}}},
        "actions": {
            "endpoint": _call("GET", ENDPOINT),
            "alerts": _call("GET", alerts, "endpoint"),
            "fired": {
                "type": "Query",
                "inputs": {
                    "from": "@body('alerts')?['value']",
                    "where": "@contains(parameters('rules'), "
                    "toLower(item()?['properties']?['essentials']?['alertRule']))",
                },
                "runAfter": {"alerts": ["Succeeded"]},
            },
            "is_well": {
                "type": "If",
                "expression": {"equals": ["@length(body('fired'))", 0]},
                "actions": {
                    "is_due": {
                        "type": "If",
                        "expression": {"and": [due]},
                        "actions": {
                            "on": put({"blue": 0, "green": 100}),
                            "delete": _call("DELETE", DEPLOYMENT, "on"),
                            "end": _call("POST", f"{FLOW}/disable", "delete"),
                        },
                        "else": {"actions": {}},
                    }
                },
                "else": {
                    "actions": {
                        "back": put({"blue": 100}),
                        "tell": {
                            "type": "Http",
                            "inputs": {
                                "method": "POST",
                                "uri": "@parameters('to')",
                                "body": {"text": "@{body('endpoint')?['name']} went back"},
                            },
                            "runAfter": {"back": ["Succeeded"]},
                        },
                    }
                },
                "runAfter": {"fired": ["Succeeded"]},
            },
        },
    }


@pytest.fixture
def released(server: Arm) -> Arm:
    """Offer an endpoint with ten per cent of its traffic at a new deployment, and a workflow that watches it."""
    furnish(server)
    server.done("PUT", f"{ENDPOINT}/deployments/green", server.sent["deployment"])
    divided = GOOD["endpoint"].body["properties"] | {"traffic": {"blue": 90, "green": 10}}
    server.done("PUT", ENDPOINT, GOOD["endpoint"].body | {"properties": divided, "tags": {"team": "ml"}})
    server.done("PUT", MOVER, HERE)
    properties = {"definition": _definition(), "parameters": {"to": {"value": "https://example.com/secret-hook"}}}
    made = server.done("PUT", FLOW, HERE | {"identity": acts_as(MOVER), "properties": properties})
    assert "secret-hook" not in str(made)
    for number, (scope, guid) in enumerate(ROLES.values()):
        given = role(scope, "AcrPull", 50 + number, MOVER)
        sent = body(server, given)
        sent["properties"]["roleDefinitionId"] = sent["properties"]["roleDefinitionId"].rpartition("/")[0] + f"/{guid}"
        server.done("PUT", given.id, sent, version=given.version)
    return server


def _traffic(arm: Arm) -> dict[str, int]:
    found: dict[str, int] = arm.done("GET", ENDPOINT)["properties"]["traffic"]
    return found


def test_traffic_moves_on_when_it_is_due(released: Arm) -> None:
    early = released.admin("POST", "run", {"id": FLOW})
    assert early["status"] == "Succeeded", early
    assert _traffic(released) == {"blue": 90, "green": 10}
    late = released.admin("POST", "run", {"id": FLOW, "later": 700})
    assert late["status"] == "Succeeded", late
    assert _traffic(released) == {"blue": 0, "green": 100}
    assert released.done("GET", ENDPOINT)["tags"] == {"team": "ml", "moved": "yes"}
    assert released.ask("GET", DEPLOYMENT).status == 404
    assert released.done("GET", FLOW)["properties"]["state"] == "Disabled"
    assert "nothing starts it" in released.admin("POST", "run", {"id": FLOW})["error"]


def test_traffic_goes_back_when_an_alert_has_fired(released: Arm) -> None:
    released.admin("POST", "alerts", {"id": ALERT, "status": "Fired"})
    back = released.admin("POST", "run", {"id": FLOW, "later": 700})
    assert back["status"] == "Succeeded", back
    assert _traffic(released) == {"blue": 100}
    told = {"method": "POST", "uri": "https://example.com/secret-hook", "body": {"text": "churn-live went back"}}
    assert back["told"] == [told]
    assert released.ask("GET", DEPLOYMENT).status == 200


@pytest.mark.parametrize("number", range(len(ROLES)), ids=list(ROLES))
def test_the_workflow_needs_each_of_its_roles(released: Arm, number: int) -> None:
    scope = list(ROLES.values())[number][0]
    released.done("DELETE", role(scope, "AcrPull", 50 + number, MOVER).id)
    run = released.admin("POST", "run", {"id": FLOW, "later": 700})
    assert run["status"] == "Failed"
    assert any("AuthorizationFailed" in step["said"] for step in run["actions"])


def test_a_definition_that_cannot_be_read_is_refused(server: Arm) -> None:
    furnish(server)
    definition = _definition()
    definition["actions"]["fired"]["inputs"]["where"] = "@contains(parameters('rules')"
    said = server.ask("PUT", FLOW, HERE | {"properties": {"definition": definition}})
    assert (said.code, "fired" in said.message) == ("InvalidTemplate", True)


FUNCTIONS = {**KNOWN, "body": lambda _name: {"a": {"b": [1, 2]}, "none": None}, "item": lambda: "x"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@body('x')?['a']?['b']", [1, 2]),
        ("@body('x')['a'].b[1]", 2),
        ("@body('x')?['nothing']?['more']", None),
        ("@coalesce(body('x')?['none'], 'other')", "other"),
        ("@and(equals(1, 1), not(equals('a', 'b')))", True),
        ("@if(greater(2, 1), 'it''s', 'not')", "it's"),
        ("count: @{length(body('x')?['a']?['b'])}, @{item()}", "count: 2, x"),
        ("@@plain", "@plain"),
        ("@removeProperty(json('{\"a\": 1, \"b\": 2}'), 'a')", {"b": 2}),
        ("@sub(ticks('2026-11-30T00:01:00Z'), ticks('2026-11-30T00:00:00Z'))", 600_000_000),
        ("@addMinutes('2026-11-30T00:00:00Z', -6)", "2026-11-29T23:54:00.000000Z"),
    ],
)
def test_an_expression_has_its_value(text: str, value: object) -> None:
    assert evaluate(text, FUNCTIONS) == value


@pytest.mark.parametrize(
    "text", ["@nothing('x')", "@body('x'", "@equals(1, 2) 3", "@{item()", "@body('x')['none']['b']"]
)
def test_an_expression_without_a_value_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, FUNCTIONS)
    if "none" not in text:
        with pytest.raises(ExpressionError):
            read(text)
