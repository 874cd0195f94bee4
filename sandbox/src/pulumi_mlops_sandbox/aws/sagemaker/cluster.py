"""HyperPod clusters: CreateCluster, UpdateCluster, DeleteCluster.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateCluster.html
"""

import copy
from typing import Any

from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker import references
from pulumi_mlops_sandbox.aws.sagemaker.kinds import CLUSTER
from pulumi_mlops_sandbox.aws.steps import later, step
from pulumi_mlops_sandbox.aws.store import DELETED, Record, now

_FIXED = ("InstanceType", "SlurmConfig")
"""What a group keeps for ever."""
Group = dict[str, Any]


@own("sagemaker", "CreateCluster")
def create(call: Call) -> dict[str, Any]:
    """Keep a new cluster after judging its groups of instances."""
    params = call.params
    _check_groups(params.get("InstanceGroups") or [], slurm="Slurm" in (params.get("Orchestrator") or {}))
    references.require_network(call, params.get("VpcConfig"))
    record = call.plane.store.create(CLUSTER, call.region, params, ClusterStatus="Creating")
    record.setdefault("NodeRecovery", "Automatic")
    _count(record)
    later(call.plane, record, "created")
    return {"ClusterArn": record["ClusterArn"]}


@step("Cluster", "created")
def created(plane: Account, _region: str, record: Record) -> None:
    """Finish a creation, or fail where that was planned."""
    why = plane.faults.ending("sagemaker", "ClusterCreation")
    record["ClusterStatus"] = "InService" if why is None else "Failed"
    if why is not None:
        record["FailureMessage"] = why


@own("sagemaker", "UpdateCluster")
def update(call: Call) -> dict[str, Any]:
    """Change counts and scripts of the groups that there are, and add others."""
    params = call.params
    record = _at_rest(call)
    groups = copy.deepcopy(params.get("InstanceGroups") or [])
    before = {group["InstanceGroupName"]: group for group in record["InstanceGroups"]}
    for group in groups:
        old = before.get(group["InstanceGroupName"], {})
        for name in _FIXED:
            if old and group.get(name) != old.get(name):
                raise invalid(f"{name} of instance group {group['InstanceGroupName']} cannot be changed")
    gone = set(params.get("InstanceGroupsToDelete") or [])
    if absent := gone - set(before):
        raise invalid(f"There are no instance groups {sorted(absent)} to delete")
    kept = {name: group for name, group in before.items() if name not in gone}
    merged = [*({**kept, **{group["InstanceGroupName"]: group for group in groups}}).values()]
    _check_groups(merged, slurm="Slurm" in (record.get("Orchestrator") or {}))
    record["InstanceGroups"] = merged
    record |= {name: copy.deepcopy(params[name]) for name in ("NodeRecovery", "Orchestrator") if params.get(name)}
    record |= {"ClusterStatus": "Updating", "LastModifiedTime": now()}
    _count(record)
    later(call.plane, record, "created")
    return {"ClusterArn": record["ClusterArn"]}


@own("sagemaker", "DeleteCluster")
def delete(call: Call) -> dict[str, Any]:
    """Start to delete a cluster that is at rest."""
    record = call.plane.store.get(CLUSTER, call.region, call.params["ClusterName"])
    if record["ClusterStatus"] != "Deleting":
        _at_rest(call)
        record["ClusterStatus"] = "Deleting"
        later(call.plane, record, DELETED)
    return {"ClusterArn": record["ClusterArn"]}


def _at_rest(call: Call) -> Record:
    record = call.plane.store.get(CLUSTER, call.region, call.params["ClusterName"])
    if record["ClusterStatus"] not in {"InService", "Failed"}:
        raise AwsError("ConflictException", f"The cluster {record['ClusterArn']} is {record['ClusterStatus']}")
    return record


def _check_groups(groups: list[Group], *, slurm: bool) -> None:
    names = [group["InstanceGroupName"] for group in groups]
    if not groups:
        raise invalid("A cluster needs at least one instance group")
    if len(set(names)) != len(names):
        raise invalid("The names of instance groups must be unique within a cluster")
    for group in groups:
        if ("InstanceType" in group) == ("InstanceRequirements" in group):
            raise invalid("An instance group needs exactly one of InstanceType and InstanceRequirements")
        if group.get("MinInstanceCount", 0) > group["InstanceCount"]:
            raise invalid("MinInstanceCount must be less than or equal to InstanceCount")
        references.require_role(group["ExecutionRole"])
        script = group.get("LifeCycleConfig") or {}
        references.require_bucket(script.get("SourceS3Uri"))
        if script and not script.keys() & {"OnCreate", "OnInitComplete"}:
            raise invalid("LifeCycleConfig names no script: give OnCreate or OnInitComplete")
    kinds = [(group.get("SlurmConfig") or {}).get("NodeType") for group in groups]
    if not slurm and any(kinds):
        raise invalid("SlurmConfig needs Orchestrator.Slurm")
    if slurm and kinds.count("Controller") != 1:
        raise invalid(f"A cluster with Slurm has exactly one group of NodeType Controller, and not {kinds}")


def _count(record: Record) -> None:
    """Say of each group how many instances there are: as many as were asked for."""
    for group in record["InstanceGroups"]:
        group |= {"CurrentCount": group["InstanceCount"], "TargetCount": group["InstanceCount"]}
