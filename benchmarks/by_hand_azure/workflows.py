"""The workflows of the yardstick: approvals that are told, and a release."""

from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output

MANAGEMENT, API = "https://management.azure.com", "2025-12-01"


def call(method: str, uri: Input[str], who: Any = None, after: str = "", **more: Any) -> dict[str, Any]:
    """Send a request in a workflow."""
    inputs = {"method": method, "uri": uri, **more}
    if who is not None:
        inputs["authentication"] = {
            "type": "ManagedServiceIdentity",
            "identity": who.id,
            "audience": f"{MANAGEMENT}/",
        }
    return {"type": "Http", "inputs": inputs, "runAfter": {after: ["Succeeded"]} if after else {}}


def listed(uri: Input[str], who: Any, after: str = "") -> dict[str, Any]:
    """Read all pages of a list in a workflow."""
    pages = {"runtimeConfiguration": {"paginationPolicy": {"minimumItemCount": 1000}}}
    return {**call("GET", uri, who, after), **pages}


def chosen(of: str, where: str, after: str) -> dict[str, Any]:
    """Choose items of a list in a workflow."""
    return {"type": "Query", "inputs": {"from": of, "where": where}, "runAfter": {after: ["Succeeded"]}}


def each(of: str, actions: dict[str, Any], after: str) -> dict[str, Any]:
    """Do something with each item of a list in a workflow."""
    return {
        "type": "Foreach",
        "foreach": of,
        "actions": actions,
        "runAfter": {after: ["Succeeded"]},
        "runtimeConfiguration": {"concurrency": {"repetitions": 1}},
    }


def decide(expression: Any, then: Any, otherwise: Any, after: str = "") -> dict[str, Any]:
    """Do one thing or the other in a workflow."""
    return {
        "type": "If",
        "expression": expression,
        "actions": then,
        "else": {"actions": otherwise},
        "runAfter": {after: ["Succeeded"]} if after else {},
    }


def definition(minutes: int, actions: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """Write a workflow that looks again and again."""
    return {
        "$schema": "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/"
        "workflowdefinition.json#",
        "contentVersion": "1.0.0.0",
        "parameters": named,
        "triggers": {
            "every": {
                "type": "Recurrence",
                "recurrence": {"frequency": "Minute", "interval": minutes},
                "runtimeConfiguration": {"concurrency": {"runs": 1}},
            }
        },
        "actions": actions,
        "outputs": {},
    }


def approvals(workspace: Input[str], who: Any) -> dict[str, Any]:
    """Tell of approvals in registry models."""
    models = Output.format("{0}{1}/models?api-version={2}&listViewType=ActiveOnly", MANAGEMENT, workspace, API)
    versions = f"@{{concat('{MANAGEMENT}', item()?['id'], '/versions?api-version={API}')}}"
    changed = (
        "@and(greater(ticks(item()?['systemData']?['lastModifiedAt']), "
        "ticks(addMinutes(trigger()?['startTime'], -6))), "
        "or(equals(item()?['properties']?['tags']?['approval'], 'approved'), false))"
    )
    told = {
        "registry": "models",
        "model": "@items('tell_of_each')?['id']",
        "approval": "@items('tell_of_each')?['properties']?['tags']?['approval']",
    }
    hidden = {"runtimeConfiguration": {"secureData": {"properties": ["inputs"]}}}
    tell = {**call("POST", "@parameters('to')", body=told), **hidden}
    ours = "@equals(item()?['properties']?['tags']?['mlops-registry'], 'models')"
    one_model = {
        "versions": listed(versions, who),
        "changed": chosen("@body('versions')?['value']", changed, "versions"),
        "tell_of_each": each("@body('changed')", {"tell": tell}, "changed"),
    }
    return definition(
        5,
        {
            "models": listed(models, who),
            "ours": chosen("@body('models')?['value']", ours, "models"),
            "each_model": each("@body('ours')", one_model, "ours"),
        },
        {"to": {"type": "SecureString"}},
    )


@dataclass
class Move:
    """A release: to what, how much of the traffic at first, and what sends it back."""

    endpoint: Output[str]
    revision: str
    percent: int
    alarm: Output[str]


def release(move: Move, own: str, who: Any, serves_as: Any) -> dict[str, Any]:
    """Move the traffic of an endpoint to a revision, or back where an alert fires."""
    endpoint, revision = move.endpoint, move.revision
    address = Output.format("{0}{1}?api-version={2}", MANAGEMENT, endpoint, API)
    alerts = Output.format(
        "{0}{1}/providers/Microsoft.AlertsManagement/alerts"
        "?api-version=2023-07-12-preview&monitorCondition=Fired&timeRange=1h",
        MANAGEMENT,
        endpoint.apply(lambda id_: id_.partition("/providers/")[0]),
    )
    runs_as = {"type": "UserAssigned", "userAssignedIdentities": serves_as.id.apply(lambda id_: {id_: {}})}
    kept = "@body('endpoint')?['properties']?"
    tags = "body('endpoint')?['tags']"
    ended = f"removeProperty({tags}, 'mlops-before')"

    def put(traffic: dict[str, int], tags: str, after: str = "", copies: Any = None) -> dict[str, Any]:
        return call(
            "PUT",
            address,
            who,
            after,
            body={
                "location": "@body('endpoint')?['location']",
                "tags": tags,
                "kind": "Managed",
                "identity": runs_as,
                "properties": {
                    "authMode": "AADToken",
                    "publicNetworkAccess": f"{kept}['publicNetworkAccess']",
                    "description": f"{kept}['description']",
                    "traffic": traffic,
                    "mirrorTraffic": f"{kept}['mirrorTraffic']" if copies is None else copies,
                },
            },
        )

    def over(after: str = "") -> dict[str, Any]:
        return call("POST", f"{MANAGEMENT}{own}/disable?api-version=2019-05-01", who, after)

    def look(minutes: int, then: dict[str, Any]) -> dict[str, Any]:
        changed = f"@ticks(addMinutes(body('endpoint')?['systemData']?['lastModifiedAt'], {minutes}))"
        share = f"@coalesce(body('endpoint')?['properties']?['traffic']?['{revision}'], 0)"
        return decide({"and": [{"equals": [share, 100]}, {"lessOrEquals": [changed, "@ticks(utcNow())"]}]}, then, {})

    gone = Output.format("{0}{1}/deployments/{2}?api-version={3}", MANAGEMENT, endpoint, revision, API)
    lost = f"'mlops-rolled-back', '{revision}'"
    back = {
        "back": put({}, f"@setProperty({tags}, {lost})", copies={}),
        f"delete_{revision}": call("DELETE", gone, who, "back"),
        "done": put({}, f"@setProperty({ended}, {lost})", f"delete_{revision}", copies={}),
        "end": over("done"),
    }
    looks = {
        f"after_{move.percent}_percent": look(15, {"next": put({revision: 100}, f"@{tags}")}),
        "after_100_percent": look(10, {"done": put({revision: 100}, f"@{ended}"), "end": over("done")}),
    }
    fired = "@contains(parameters('rules'), toLower(coalesce(item()?['properties']?['essentials']?['alertRule'], '')))"
    under_way = {"equals": [f"@contains(coalesce({tags}, json('{{}}')), 'mlops-before')", True]}
    is_well = [
        {"equals": ["@length(body('fired'))", 0]},
        {"equals": [f"@contains({tags}, 'mlops-rolled-back')", False]},
    ]
    looked = decide(under_way, {"is_well": decide({"and": is_well}, looks, back)}, {"over": over()})
    sent = {"equals": [f"@coalesce({tags}, json('{{}}'))?['mlops-release']", revision]}
    return definition(
        1,
        {
            "endpoint": call("GET", address, who),
            "alerts": listed(alerts, who, "endpoint"),
            "fired": chosen("@body('alerts')?['value']", fired, "alerts"),
            "sent": decide(sent, {"under_way": looked}, {}, "fired"),
        },
        {"rules": {"type": "Array", "defaultValue": [move.alarm.apply(str.lower)]}},
    )
