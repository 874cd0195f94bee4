"""Cloud Control: any CloudFormation type by its JSON."""

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonpatch

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Row
from pulumi_mlops_sandbox.provider.contract import Missing, ProviderError, Values
from pulumi_mlops_sandbox.provider.values import UNKNOWN


@cache
def schema(type_name: str, region: str) -> Values:
    """Return CloudFormation's own schema of a type."""
    folder = resources.files("cfnlint").joinpath("data", "schemas")
    table = json.loads(folder.joinpath("providers", f"{region}.json").read_text())
    if type_name not in table:
        raise ProviderError(f"CloudFormation has no type {type_name!r} in {region}")
    found: Values = json.loads(folder.joinpath("resources", f"{table[type_name]}.json").read_text())
    return found


class ResourceKind(RowKind):
    """A resource of Cloud Control: every change is a request that is polled."""

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Check the type and the JSON."""
        state = inputs.get("desiredState")
        if isinstance(state, str):
            try:
                if not isinstance(json.loads(state), dict):
                    return [("desiredState", "must be a JSON object")]
            except ValueError as error:
                return [("desiredState", f"is not JSON: {error}")]
        return []

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        """Replace for a change of what can only be set at creation."""
        old, new, kind = olds.get("desiredState"), news.get("desiredState"), news.get("typeName")
        if not isinstance(old, str) or not isinstance(new, str) or not isinstance(kind, str):
            return {"desiredState": False} if new is UNKNOWN else None
        before, after = json.loads(old), json.loads(new)
        fixed = schema(kind, self.session.region).get("createOnlyProperties", [])
        return {"desiredState": any(_at(before, path) != _at(after, path) for path in fixed)}

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Ask for the resource and wait."""
        scope = self.scope("", inputs)
        event = self._run("create_resource", scope, inputs, DesiredState=inputs["desiredState"])
        object_id = str(event["Identifier"])
        with self.existing(object_id, inputs):
            return object_id, self.read(object_id, inputs)

    def read(self, object_id: str, inputs: Values) -> Values:
        """Read the resource: `properties` says what is there, the desired state stays what was asked for."""
        scope = self.scope(object_id, inputs)
        kind = inputs.get("typeName")
        if not kind and "," in object_id:  # an import names the type too
            kind, _, object_id = object_id.partition(",")
        data = self.ask("get_resource", scope, TypeName=kind, Identifier=object_id)
        found = json.loads(data["ResourceDescription"]["Properties"])
        state = {
            **inputs,
            "typeName": kind,
            "properties": data["ResourceDescription"]["Properties"],
            "region": scope["region"],
        }
        if not isinstance(inputs.get("desiredState"), str):  # an import; else the real provider never looks
            read_only = {
                path.split("/")[2] for path in schema(str(kind), self.session.region).get("readOnlyProperties", [])
            }
            state["desiredState"] = json.dumps({key: item for key, item in found.items() if key not in read_only})
        return state

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Send the difference as a JSON patch and wait."""
        scope = self.scope(object_id, news)
        wanted = json.loads(news["desiredState"])
        before = json.loads(olds.get("desiredState") or "{}")
        patch = jsonpatch.make_patch(before, wanted).patch
        with self.existing(object_id, {**news, "region": scope["region"]}):
            if patch:
                self._run("update_resource", scope, news, Identifier=object_id, PatchDocument=json.dumps(patch))
            return self.read(object_id, news)

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Ask for the deletion and wait."""
        scope = self.scope(object_id, inputs)
        with self.absence():
            self._run("delete_resource", scope, inputs, Identifier=object_id)

    def _run(self, operation: str, scope: Values, inputs: Values, **members: Any) -> Values:
        more = {
            member: inputs[name]
            for name, member in (("roleArn", "RoleArn"), ("typeVersionId", "TypeVersionId"))
            if inputs.get(name)
        }
        event = self.invoke(operation, scope, TypeName=inputs["typeName"], **members, **more)["ProgressEvent"]

        def done() -> bool:
            nonlocal event
            if event["OperationStatus"] in {"PENDING", "IN_PROGRESS", "CANCEL_IN_PROGRESS"}:
                event = self.invoke("get_resource_request_status", scope, RequestToken=event["RequestToken"])[
                    "ProgressEvent"
                ]
            return event["OperationStatus"] in {"SUCCESS", "FAILED", "CANCEL_COMPLETE"}

        self.poll(done, f"for {operation} of {inputs['typeName']}")
        if event["OperationStatus"] != "SUCCESS":
            if event.get("ErrorCode") == "NotFound":
                raise Missing(f"{inputs['typeName']} {members.get('Identifier')}: {event.get('StatusMessage')}")
            why = f"{event.get('ErrorCode')}: {event.get('StatusMessage')}"
            raise ProviderError(f"{inputs['typeName']}: {operation} {event['OperationStatus']}: {why}")
        found: Values = event
        return found


def _at(document: Any, pointer: str) -> Any:
    """Follow a schema's pointer, ``/properties/A/B``; ``*`` collects."""
    for step in pointer.split("/")[2:]:
        if isinstance(document, list):
            return [_at(item, "/properties/" + step) for item in document] if step != "*" else document
        document = document.get(step) if isinstance(document, dict) else None
    return document


ROWS = (
    Row(
        resource="aws:cloudcontrol/resource:Resource",
        service="cloudcontrol",
        id="{result}",
        create=Call("create_resource"),
        reads=(Get("get_resource"),),
        delete=None,
        absent=("ResourceNotFoundException",),
        replace=("typeName",),
        local=("desiredState", "roleArn", "typeVersionId", "schema"),
        recomputed=("properties",),
        retry=("ConcurrentOperationException",),
        kind=ResourceKind,
    ),
)
