"""Workflows are switched on and off, and ask which alerts have fired."""

from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import expressions, ids
from pulumi_mlops_sandbox.azure.actions import action, lists
from pulumi_mlops_sandbox.azure.call import Answer, Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.view import stamp

WORKFLOWS = "Microsoft.Logic/workflows"
FIRED = frozenset({"Fired", "Unhealthy"})


def _switched(call: Call, state: str) -> Answer:
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no workflow '{call.address.id}'.", 404)
    call.existing.body["properties"]["state"] = state
    return Answer(200)


@action(WORKFLOWS, "enable")
def enable(call: Call) -> Answer:
    """Switch a workflow on."""
    return _switched(call, "Enabled")


@action(WORKFLOWS, "disable")
def disable(call: Call) -> Answer:
    """Switch a workflow off."""
    return _switched(call, "Disabled")


@rule(WORKFLOWS)
def readable(call: Call) -> Iterator[Problem]:
    """Refuse expressions that cannot be read."""
    actions = call.at("properties.definition.actions")
    for name, step in actions.items() if isinstance(actions, dict) else ():
        try:
            expressions.read(step)
        except expressions.ExpressionError as error:
            yield Problem(f"properties.definition.actions.{name}", str(error), "InvalidTemplate")


@lists("Microsoft.AlertsManagement/alerts")
def alerts(call: Call) -> Answer:
    """List the alerts of the rules that somebody set as fired."""
    wanted = call.query.get("monitorCondition")
    rows: list[dict[str, Any]] = []
    for key, status in call.store.alerts.items():
        rule_record = call.store.get(key)
        if rule_record is None or not ids.within(rule_record.id, call.address.scope):
            continue
        condition = "Fired" if status in FIRED else "Resolved"
        if wanted and wanted != condition:
            continue
        essentials = {
            "severity": f"Sev{rule_record.at('properties.severity', 3)}",
            "alertState": "New",
            "monitorCondition": condition,
            "targetResource": next(iter(rule_record.at("properties.scopes", [])), ""),
            "alertRule": rule_record.id,
            "startDateTime": stamp(call.store.fired.get(key, rule_record.changed)),
        }
        name = f"{rule_record.name}-alert"
        place = f"{call.address.scope}/providers/Microsoft.AlertsManagement/alerts/{name}"
        kind = "Microsoft.AlertsManagement/alerts"
        rows.append({"id": place, "name": name, "type": kind, "properties": {"essentials": essentials}})
    return Answer(200, {"value": rows})
