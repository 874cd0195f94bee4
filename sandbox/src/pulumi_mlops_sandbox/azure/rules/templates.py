"""Deployments of templates: each literal resource is put as the caller would put it."""

import time
from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, effect, makes, outcome, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.store import Record
from pulumi_mlops_sandbox.azure.view import stamp

DEPLOYMENTS = "Microsoft.Resources/deployments"
INVALID = "InvalidTemplate"
META = ("type", "apiVersion", "name", "dependsOn", "condition", "comments", "scope", "copy")


@rule(DEPLOYMENTS)
def template(call: Call) -> Iterator[Problem]:
    """Refuse a template that is none, and what the sandbox does not expand."""
    asked = call.properties
    if asked.get("mode") != "Incremental":
        yield Problem("properties.mode", f"the sandbox deploys incrementally only, not '{asked.get('mode')}'", INVALID)
    held = asked.get("template")
    if not isinstance(held, dict):
        yield Problem("properties.template", "is required and missing", INVALID)
        return
    for name in ("$schema", "contentVersion", "resources"):
        if name not in held:
            yield Problem(f"properties.template.{name}", "is required and missing", INVALID)
    for number, one in enumerate(_resources(held)):
        place = f"properties.template.resources[{number}]"
        for name in ("type", "apiVersion", "name"):
            if not one.get(name):
                yield Problem(f"{place}.{name}", "is required and missing", INVALID)
        if str(one.get("type", "")).count("/") != str(one.get("name", "")).count("/") + 1:
            said = f"'{one.get('name')}' has another number of parts than the type '{one.get('type')}'"
            yield Problem(f"{place}.name", said, INVALID)
        yield from _literal({key: value for key, value in one.items() if key != "dependsOn"}, place)


def _resources(held: dict[str, Any]) -> list[dict[str, Any]]:
    found = held.get("resources", [])
    return [one for one in (found.values() if isinstance(found, dict) else found) if isinstance(one, dict)]


def _literal(value: Any, place: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _literal(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _literal(inner, f"{place}[{number}]")
    elif isinstance(value, str) and value.startswith("[") and not value.startswith("[[") and value.endswith("]"):
        yield Problem(place, f"the sandbox deploys literal values only, not the expression {value}", INVALID)


@outcome(DEPLOYMENTS)
def deployed(call: Call, record: Record) -> ArmError | None:
    """Put the resources, in the order in which they are listed; the first that is refused ends it."""
    done: list[dict[str, str]] = []
    for one in _resources(record.properties.get("template") or {}):
        path = _path(call, one)
        body = {key: value for key, value in one.items() if key not in META}
        try:
            answer = call.tenant.arm(
                "PUT", path, query={"api-version": str(one["apiVersion"])}, body=body, principal=call.principal
            )
            done.append({"id": str((answer.body or {}).get("id", path))})
        except ArmError as error:
            target = Problem(path, error.message, error.code)
            said = f"At least one resource deployment operation failed. {error.code}: {error.message}"
            record.made.setdefault("properties", {})["error"] = error.envelope()["error"]
            return ArmError("DeploymentFailed", said, 409, target=path, details=[target])
    record.made.setdefault("properties", {})["outputResources"] = done
    return None


def _path(call: Call, one: dict[str, Any]) -> str:
    namespace, *types = str(one["type"]).split("/")
    parts = [part for pair in zip(types, str(one["name"]).split("/"), strict=True) for part in pair]
    scope = str(one.get("scope") or call.address.scope)
    return f"{scope}/providers/{namespace}/{'/'.join(parts)}"


@makes(DEPLOYMENTS)
def summary(call: Call, record: Record) -> dict[str, Any]:
    """Say when it was."""
    held = record.properties.get("template") or {}
    kinds = sorted({str(one.get("type", "")) for one in _resources(held)})
    providers = [
        {"namespace": kind.split("/", 1)[0], "resourceTypes": [{"resourceType": kind.split("/", 1)[-1]}]}
        for kind in kinds
    ]
    return {
        "properties": {
            "timestamp": stamp(time.time()),
            "duration": f"PT{call.tenant.latency}S",
            "correlationId": f"{record.version:08d}-0000-4000-8000-000000000000",
            "providers": providers,
            "dependencies": [],
        }
    }


@effect(DEPLOYMENTS)
def kept(call: Call, record: Record) -> None:
    """Forget the oldest: a group remembers 800 deployments."""
    same = sorted(call.store.of_type(DEPLOYMENTS, ids.parse(record.id).scope), key=lambda one: one.created)
    for old in same[:-800]:
        call.store.remove(old.id)
