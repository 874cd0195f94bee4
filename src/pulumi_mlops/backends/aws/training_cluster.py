"""Training clusters on AWS: terms for jobs, which bring their machines, or a HyperPod cluster that stays."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.aws import access, instances, live, names, rights
from pulumi_mlops.backends.aws.addresses import PlatformAddress, TrainingClusterAddress
from pulumi_mlops.backends.aws.instances import Instance
from pulumi_mlops.backends.aws.machines import CLUSTERS, JOBS, Machines
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.workload import Place

_CONTROLLER = "ml.m5.xlarge"
_SCRIPT = "setup.sh"
_NAME = 63
_DIGEST = 12


def training_cluster(scope: Scope, spec: TrainingClusterSpec) -> TrainingClusterRef:
    """Let the machines of one run reach each other, then make those that stay; all else comes with each job."""
    at, machine = PlatformAddress.of(spec.platform), pick(spec)
    assert machine is not None  # noqa: S101 (judged above)
    native: dict[str, pulumi.Resource] = {}
    groups: list[Input[str]] = list(at.security_groups)
    if at.vpc is not None and (spec.nodes.max > 1 or spec.persistent):  # a cluster keeps its groups for ever
        group = _between_nodes(scope, at.vpc)
        native["nodes"] = group
        groups.append(group.id)
    elif at.subnets and spec.nodes.max > 1:
        scope.say(
            "runs on several machines need a security group of your network that lets its members reach each other; "
            "nothing of the network is changed"
        )
    cluster = _persistent(scope, spec, machine, groups, native) if spec.persistent else None
    return replace(
        spec.described(scope.name, machine),
        address=TrainingClusterAddress(
            instance=machine.name,
            security_groups=groups,
            keep_alive_seconds=None if spec.warm_minutes is None else spec.warm_minutes * 60,
            cluster=cluster,
        ).plain(),
        native=native,
    )


def pick(spec: TrainingClusterSpec) -> Instance | None:
    """Return the pinned machine, else the smallest on which training runs, with a fast network where one is wanted."""
    return _machines(spec).pick(spec.compute)


def _machines(spec: TrainingClusterSpec) -> Machines:
    every = CLUSTERS if spec.persistent else JOBS
    if not spec.interconnect:
        return every
    return replace(every, among=[one for one in every.among if one.name in instances.FABRIC])


def training_problems(spec: TrainingClusterSpec) -> Iterator[Problem]:
    """Refuse machines that there are not, or of which the account may not have so many."""
    if found := list(_machines(spec).problems("compute", spec.compute)):
        slow = [] if not spec.interconnect else list((CLUSTERS if spec.persistent else JOBS).problems("", spec.compute))
        yield from _without_fabric(spec) if spec.interconnect and not slow else found
        return
    machine = pick(spec)
    assert machine is not None  # noqa: S101 (judged above)
    if spec.interconnect and machine.name not in instances.FABRIC:
        yield from _without_fabric(spec)
        return
    yield from _quota(spec, machine)


def _without_fabric(spec: TrainingClusterSpec) -> Iterator[Problem]:
    """Name the machines with an Elastic Fabric Adapter that are nearest to what is wanted."""
    model = (spec.compute.accelerator or "").partition(":")[0]
    fast = [one for one in _machines(spec).among if one.accelerator.lower() == model.lower()]
    offered = " or ".join(dict.fromkeys(f"'{one.accelerator}:{one.accelerators}'" for one in fast)) if model else ""
    named = ", ".join(one.name for one in fast)
    instead = f"write accelerator={offered} with enough CPUs ({named}), or" if offered else f"of {named}; pin one, or"
    what = (spec.compute.pin or {}).get("aws") or spec.compute.accelerator or "a machine of that size"
    yield Problem(
        "interconnect", f"{what} has no Elastic Fabric Adapter on SageMaker; {instead} leave interconnect out"
    )


def _quota(spec: TrainingClusterSpec, machine: Instance) -> Iterator[Problem]:
    """Refuse more machines than the account may have: the job would fail, or the cluster, in the middle of an update.

    https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
    """
    usage = "cluster usage" if spec.persistent else "spot training job usage" if spec.spot else "training job usage"
    named = {f"{machine.name} for {usage}": "nodes.max"}
    if spec.warm_minutes is not None:
        named[f"{machine.name} for training warm pool usage"] = "warm_minutes"
    for quota, field in named.items():
        most = live.quota(spec.platform, "sagemaker", quota)
        if most is not None and most < spec.nodes.max:
            yield Problem(
                field,
                f"{spec.nodes.max} of {machine.name}, and the account's quota {quota!r} is {most:g}; ask for more "
                "with: aws service-quotas request-service-quota-increase, or write a smaller nodes.max",
            )


def _between_nodes(scope: Scope, vpc: Input[str]) -> "aws.ec2.SecurityGroup":
    """Let the machines of a run talk to each other, as distributed training and EFA do, and nobody else to them.

    https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html
    """
    group = aws.ec2.SecurityGroup(
        scope.child("nodes"),
        name=scope.physical("training-cluster", scope.name, limit=255),
        description="Machines of a training run: to and from each other",
        vpc_id=vpc,
        tags={**scope.tags, "Name": scope.physical("training-cluster", scope.name)},
        opts=scope.opts,
    )
    both: dict[str, Any] = {
        "security_group_id": group.id,
        "referenced_security_group_id": group.id,
        "ip_protocol": "-1",
        "tags": scope.tags,
        "opts": scope.opts,
    }
    aws.vpc.SecurityGroupIngressRule(scope.child("from-nodes"), **both)
    aws.vpc.SecurityGroupEgressRule(scope.child("to-nodes"), **both)
    return group


def _persistent(
    scope: Scope,
    spec: TrainingClusterSpec,
    machine: Instance,
    groups: Sequence[Input[str]],
    native: dict[str, pulumi.Resource],
) -> Output[str]:
    """Make the role of the machines, the script that they run at first, then the cluster, with Slurm's controller.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod.html
    """
    at, name = PlatformAddress.of(spec.platform), cluster_name(scope)
    script = spec.persistent.setup if spec.persistent else None
    folder = Output.format("s3://{0}/training/{1}/{2}", at.bucket, name, _digest(script or ""))
    made = access.identity(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "training-cluster"),
        spec.platform,
        "sagemaker.amazonaws.com",
        ("use", spec.platform),
        ("use", rights.Nodes(name, groups if at.subnets else [])),
        *([("read", Place(Output.format("{0}/", folder)))] if script else []),
    )
    native["role"] = made.role
    hooks: dict[str, Any] = {}
    before: list[pulumi.Resource] = []
    if script:
        setup = aws.s3.BucketObjectv2(
            scope.child("setup"),
            bucket=at.bucket,
            key=f"training/{name}/{_digest(script)}/{_SCRIPT}",
            content=script,
            content_type="text/x-shellscript",
            server_side_encryption="aws:kms",
            kms_key_id=at.key,
            opts=scope.opts,
        )
        native["setup"] = setup
        before.append(setup)
        hooks = {"LifeCycleConfig": {"SourceS3Uri": folder, "OnInitComplete": _SCRIPT}}
    desired = {
        "ClusterName": name,
        "Orchestrator": {"Slurm": {"SlurmConfigStrategy": "Managed"}},
        "NodeRecovery": "Automatic",
        "InstanceGroups": [
            _group("controller", _CONTROLLER, 1, made.arn, {**hooks, "SlurmConfig": {"NodeType": "Controller"}}),
            _group(
                "nodes",
                machine.name,
                spec.nodes.max,
                made.arn,
                {**hooks, "SlurmConfig": {"NodeType": "Compute", "PartitionNames": [_PARTITION]}},
            ),
        ],
        # The fast network is one of a zone.
        **(
            {"VpcConfig": {"SecurityGroupIds": groups, "Subnets": [*at.subnets][: 1 if spec.interconnect else None]}}
            if at.subnets
            else {}
        ),
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(scope.tags.items())],
    }
    cluster = aws.cloudcontrol.Resource(
        scope.child("cluster"),
        type_name="AWS::SageMaker::Cluster",
        desired_state=Output.json_dumps(desired),
        opts=ResourceOptions.merge(
            scope.opts,
            ResourceOptions(
                depends_on=before,
                replacement_trigger=machine.name,  # HyperPod refuses another type in a group that exists
                delete_before_replace=True,  # the name is had once, and the quota holds for both
            ),
        ),
    )
    native["cluster"] = cluster
    known = cluster.desired_state.apply(lambda text: str(json.loads(text or "{}").get("ClusterName", name)))
    return names.as_made(scope, known, known, name, "ClusterName")


_PARTITION = "training"


def _group(name: str, machine: str, count: int, role: Output[str], further: dict[str, Any]) -> dict[str, Any]:
    return {
        "InstanceGroupName": name,
        "InstanceType": machine,
        "InstanceCount": count,
        "ExecutionRole": role,
        **further,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def cluster_name(scope: Scope) -> str:
    """Name a HyperPod cluster."""
    return scope.physical(scope.name, limit=_NAME)
