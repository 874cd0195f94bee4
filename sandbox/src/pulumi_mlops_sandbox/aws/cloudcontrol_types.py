"""The resource types that Cloud Control serves here: their schemas, and how they become operations of their service."""

import copy
import datetime as dt
import functools
import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, not_implemented
from pulumi_mlops_sandbox.aws.sagemaker.kinds import CLUSTER, ENDPOINT, FEATURE_GROUP
from pulumi_mlops_sandbox.aws.store import TAGS, Kind, Record

Step = tuple[str, dict[str, Any]]  # an operation of SageMaker, and its parameters


@functools.cache
def _schemas() -> Path:
    """Find cfn-lint's data without importing cfn-lint, which takes seconds."""
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise not_implemented("cloudcontrol", "with schemas", "install it again: pip install pulumi-mlops-sandbox")
    return Path(spec.origin).parent / "data" / "schemas"


@functools.cache
def _schema_files() -> dict[str, str]:
    return cast("dict[str, str]", json.loads((_schemas() / "providers" / "us-east-1.json").read_text()))


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """Read a type's CloudFormation schema."""
    return cast("dict[str, Any]", json.loads((_schemas() / "resources" / f"{_schema_files()[name]}.json").read_text()))


@dataclass(frozen=True)
class Type:
    """One CloudFormation type."""

    name: str
    kind: Kind
    members: dict[str, str]  # property of the schema -> member of the record, where they differ
    settled: frozenset[str]
    status: str
    changes_of: Callable[[Record, Record], list[Step]]

    @property
    def schema(self) -> dict[str, Any]:
        """The type's CloudFormation schema."""
        return schema(self.name)

    def identifier(self, call: Call, name: str) -> str:
        """Say how Cloud Control names a resource."""
        by_arn = self.schema["primaryIdentifier"] == [f"/properties/{self.kind.arn_field}"]
        return call.arn(self.kind.arn_path.format(id=name), self.kind.service) if by_arn else name

    def record_name(self, identifier: str) -> str:
        """Say how the service names it."""
        return identifier.split(f":{self.kind.arn_path.format(id='')}", 1)[-1]

    def creation(self, desired: Record) -> list[Step]:
        """List the operations that create a resource."""
        return [(f"Create{self.kind.name}", without(desired, self.schema.get("writeOnlyProperties", [])))]

    def model(self, _call: Call, record: Record) -> Record:
        """Show a record as the schema does."""
        names: list[str] = list(self.schema["properties"])
        shown = {name: record.get(self.members.get(name, name)) for name in names}
        if record[TAGS]:
            shown["Tags"] = copy.deepcopy(record[TAGS])
        hidden = self.schema.get("writeOnlyProperties", [])
        return without(_projected(self.schema, self.schema, shown), hidden)

    def changes(self, call: Call, identifier: str, current: Record, wanted: Record) -> list[Step]:
        """List the operations that change a resource."""
        name = self.record_name(identifier)
        steps = [
            (operation, {self.kind.id_field: name} | params) for operation, params in self.changes_of(current, wanted)
        ]
        arn = call.arn(self.kind.arn_path.format(id=name), self.kind.service)
        return [*steps, *_tag_changes(arn, current.get("Tags", []), wanted.get("Tags", []))]

    def outcome(self, record: Record | None, operation: str, expected: Record) -> str:
        """Say `wait`, `done`, or why it failed."""
        if record is None or operation == "DELETE":
            return "done" if record is None else "wait"
        update = record.get("LastUpdateStatus", {}).get("Status")
        if record[self.status] not in self.settled or update == "InProgress":
            return "wait"
        reason = record.get("FailureReason", "the service gave no reason")
        if "Failed" in record[self.status]:
            return f"The resource is {record[self.status]}: {reason}"
        config = expected.get("EndpointConfigName")
        if config is not None and record.get("EndpointConfigName") != config:
            return f"The update was rolled back and the endpoint runs {record['EndpointConfigName']}: {reason}"
        return "done"


def _endpoint_changes(current: Record, wanted: Record) -> list[Step]:
    """UpdateEndpoint with all of its members, unless only tags have changed."""
    plain = {name: value for name, value in wanted.items() if name not in {"Tags", "EndpointArn", "EndpointName"}}
    before = {name: value for name, value in current.items() if name not in {"Tags", "EndpointArn", "EndpointName"}}
    return [] if plain == before else [("UpdateEndpoint", plain)]


def _feature_group_changes(current: Record, wanted: Record) -> list[Step]:
    """One UpdateFeatureGroup for each kind of change."""
    steps: list[Step] = []
    before = {feature["FeatureName"]: feature for feature in current["FeatureDefinitions"]}
    after = {feature["FeatureName"]: feature for feature in wanted["FeatureDefinitions"]}
    touched = sorted(name for name, feature in before.items() if after.get(name) != feature)
    if touched:
        raise AwsError("InvalidRequestException", f"Features can only be added; {touched} would be removed or changed")
    added = [feature for name, feature in after.items() if name not in before]
    if added:
        steps.append(("UpdateFeatureGroup", {"FeatureAdditions": added}))
    online = wanted.get("OnlineStoreConfig") or {}
    if (
        online.get("TtlDuration") != (current.get("OnlineStoreConfig") or {}).get("TtlDuration")
        and "TtlDuration" in online
    ):
        steps.append(("UpdateFeatureGroup", {"OnlineStoreConfig": {"TtlDuration": online["TtlDuration"]}}))
    if wanted.get("ThroughputConfig") and wanted["ThroughputConfig"] != current.get("ThroughputConfig"):
        steps.append(("UpdateFeatureGroup", {"ThroughputConfig": wanted["ThroughputConfig"]}))
    return steps


def _cluster_changes(current: Record, wanted: Record) -> list[Step]:
    """UpdateCluster with all groups, unless only tags have changed; groups that are gone are named."""
    names = ("InstanceGroups", "NodeRecovery", "Orchestrator")
    before = {name: current.get(name) for name in names}
    after = {name: wanted.get(name) for name in names}
    if before == after:
        return []
    groups = [{key: value for key, value in one.items() if key != "CurrentCount"} for one in wanted["InstanceGroups"]]
    kept = {one["InstanceGroupName"] for one in groups}
    gone = [one["InstanceGroupName"] for one in current["InstanceGroups"] if one["InstanceGroupName"] not in kept]
    plain = {name: value for name, value in after.items() if value is not None}
    return [("UpdateCluster", plain | {"InstanceGroups": groups} | ({"InstanceGroupsToDelete": gone} if gone else {}))]


def _tag_changes(arn: str, current: list[Record], wanted: list[Record]) -> list[Step]:
    before = {tag["Key"]: tag["Value"] for tag in current}
    after = {tag["Key"]: tag["Value"] for tag in wanted}
    gone = [key for key in before if key not in after]
    new = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    steps: list[Step] = [("DeleteTags", {"ResourceArn": arn, "TagKeys": gone})] if gone else []
    return [*steps, ("AddTags", {"ResourceArn": arn, "Tags": new})] if new else steps


TYPES = {
    found.name: found
    for found in (
        Type(
            name="AWS::SageMaker::Endpoint",
            kind=ENDPOINT,
            members={"DeploymentConfig": "LastDeploymentConfig"},
            settled=frozenset({"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}),
            status="EndpointStatus",
            changes_of=_endpoint_changes,
        ),
        Type(
            name="AWS::SageMaker::FeatureGroup",
            kind=FEATURE_GROUP,
            members={},
            settled=frozenset({"Created", "CreateFailed", "DeleteFailed"}),
            status="FeatureGroupStatus",
            changes_of=_feature_group_changes,
        ),
        Type(
            name="AWS::SageMaker::Cluster",
            kind=CLUSTER,
            members={},
            settled=frozenset({"InService", "Failed"}),
            status="ClusterStatus",
            changes_of=_cluster_changes,
        ),
    )
}


def find(name: str, action: str) -> Type:
    """Find a type, or refuse as Cloud Control does."""
    if name in TYPES:
        return TYPES[name]
    if name in _schema_files():
        served = ", ".join(TYPES)
        raise AwsError(
            "UnsupportedActionException",
            f"Resource type {name} does not support {action} action in the sandbox, which serves {served}",
        )
    raise AwsError("TypeNotFoundException", f"The type '{name}' cannot be found.")


def without(model: Record, pointers: list[str]) -> Record:
    """Leave out top-level properties."""
    names = {pointer.split("/")[-1] for pointer in pointers}
    return {name: value for name, value in model.items() if name not in names}


def _projected(root: Record, node: Record, value: Any) -> Any:
    """Keep what the schema knows, as plain JSON."""
    while "$ref" in node:
        node = root["definitions"][node["$ref"].split("/")[-1]]
    if isinstance(value, dict) and "properties" in node:
        known = node["properties"]
        return {
            name: _projected(root, known[name], item)
            for name, item in value.items()
            if name in known and item is not None
        }
    if isinstance(value, list):
        return [_projected(root, node.get("items", {}), item) for item in value]
    return value.isoformat() if isinstance(value, dt.datetime) else copy.deepcopy(value)
