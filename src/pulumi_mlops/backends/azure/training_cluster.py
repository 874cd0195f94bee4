"""Training clusters on Azure: compute of Azure Machine Learning, whose machines come and go in the managed network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pulumi import Output, ResourceOptions
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import access, live
from pulumi_mlops.backends.azure.addresses import PlatformAddress, TrainingClusterAddress
from pulumi_mlops.backends.azure.instances import TRAINING_SIZES, Instance, has_infiniband, pick
from pulumi_mlops.backends.azure.machines import machine_problems
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.components.training_cluster import (
    ExistingTrainingClusterSpec,
    TrainingClusterSpec,
)
from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core import private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.content import digest_of
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.existing import absent

_NAME, _DIGEST = 24, 7
_IDLE_MINUTES = 2
_OPEN = "Disabled"
"""What the managed network of a workspace is called that has none."""


def training_cluster(scope: Scope, spec: TrainingClusterSpec) -> TrainingClusterRef:
    """Make the identity of the machines, then the compute; a size that is fixed for ever is in its name."""
    at, machine = PlatformAddress.of(spec.platform), _picked(spec)
    assert machine is not None  # noqa: S101 (judged above)
    who = access.identity(scope, spec.platform, ("pull", spec.platform))
    called = compute_name(scope, machine, spec)
    properties: Any = {
        "vm_size": machine.name,
        "vm_priority": _priority(spec),
        "os_type": "Linux",
        "enable_node_public_ip": False,
        "isolated_network": False,
        "remote_login_port_public_access": "Disabled",
        "scale_settings": {
            "min_node_count": spec.nodes.min,
            "max_node_count": spec.nodes.max,
            "node_idle_time_before_scale_down": f"PT{idle_minutes(spec)}M",
        },
        **_subnet(spec.platform),
    }
    made = ml.Compute(
        scope.child("compute"),
        compute_name=called,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        location=at.location,
        identity={"type": "UserAssigned", "user_assigned_identities": [who.id]},
        properties={
            "compute_type": "AmlCompute",
            "description": f"TrainingCluster {scope.name} of {scope.project} ({scope.stage})",
            "disable_local_auth": True,
            "properties": properties,
        },
        tags=scope.tags,
        # Runs go on on the old machines until the new ones are there: their name is another one.
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(delete_before_replace=False)),
    )
    return replace(
        spec.described(scope.name, machine),
        address=TrainingClusterAddress(
            id=made.id,
            compute=called,
            size=machine.name,
            identity=who.id,
            client=who.client,
            principal=who.principal,
        ).plain(),
        native={"compute": made, "identity": who.resource},
    )


def idle_minutes(spec: TrainingClusterSpec) -> int:
    """Return how long a machine waits for its next run."""
    return spec.idle_minutes or spec.warm_minutes or _IDLE_MINUTES


def compute_name(scope: Scope, machine: Instance, spec: TrainingClusterSpec) -> str:
    """Name the compute after what it can never change: its size, and whether it may be taken away."""
    content = [scope.project, scope.stage, scope.name, machine.name, _priority(spec)]
    mark = f"-m{digest_of(content)[:_DIGEST]}"  # a name may not end in a hyphen and a number
    return f"{scope.name[: _NAME - len(mark)].rstrip('-')}{mark}"


def _priority(spec: TrainingClusterSpec) -> str:
    return "LowPriority" if spec.spot else "Dedicated"


def _picked(spec: TrainingClusterSpec) -> Instance | None:
    return pick(spec.compute, _offered(spec))


def _offered(spec: TrainingClusterSpec) -> Sequence[Instance]:
    return [one for one in TRAINING_SIZES if has_infiniband(one.name) or not spec.interconnect]


def _subnet(platform: PlatformRef) -> Mapping[str, Any]:
    """Name the subnet of the machines, where the workspace is somebody else's and has no managed network."""
    at = PlatformAddress.of(platform)
    return {"subnet": {"id": at.subnets[0]}} if at.subnets and _is_open(platform) else {}


def _is_open(platform: PlatformRef) -> bool:
    """Tell whether the workspace has no managed network; those of ours have one."""
    if not PlatformAddress.of(platform).within or private.mocked():
        return False
    found = live.of_workspace(platform, "the workspace", "") or {}
    said = (found.get("properties") or {}).get("managedNetwork") or {}
    return str(said.get("isolationMode") or _OPEN) == _OPEN


def training_problems(spec: TrainingClusterSpec) -> Iterator[Problem]:
    """Refuse machines that there are not, a network that would let the internet in, and more than the quota."""
    machine = _picked(spec)
    if spec.interconnect and (machine is None or not has_infiniband(machine.name)):
        slow = pick(spec.compute, TRAINING_SIZES)
        if slow is not None:
            yield _without_infiniband(slow)
            return
    if found := list(machine_problems("compute", spec.compute, spec.platform, _offered(spec), _WHOSE)):
        yield from found
        return
    assert machine is not None  # noqa: S101 (judged above)
    if _is_open(spec.platform) and not PlatformAddress.of(spec.platform).subnets:
        yield Problem(
            "platform",
            "the workspace has no managed network, and machines without a public address need one; have its owner "
            "set one (az ml workspace update --managed-network allow_internet_outbound), or write "
            "Platform(network={'existing': {'subnets': […]}})",
        )
    yield from _quota(spec, machine)


_WHOSE = "compute for training"


def _without_infiniband(slow: Instance) -> Problem:
    model = slow.accelerator
    fast = [one for one in TRAINING_SIZES if has_infiniband(one.name) and one.accelerator == model]
    named = ", ".join(one.name for one in fast)
    wanted = " or ".join(dict.fromkeys(f"'{one.accelerator}:{one.accelerators}'" for one in fast))
    instead = f"write accelerator={wanted} ({named}), or" if model and fast else f"pin one ({named}), or"
    instead = instead if fast else ""
    return Problem(
        "interconnect",
        " ".join(filter(None, [f"{slow.name} has no InfiniBand;", instead, "leave interconnect out"])),
    )


def _quota(spec: TrainingClusterSpec, machine: Instance) -> Iterator[Problem]:
    """Refuse more machines than the subscription may have in this region: they would never come."""
    found = live.quota(spec.platform, machine.name, low_priority=spec.spot is not None)
    if found is None:
        return
    family, most = found
    wanted = machine.cpus * spec.nodes.max
    if wanted > most:
        yield Problem(
            "nodes.max",
            f"{spec.nodes.max} of {machine.name} have {wanted} CPUs, and the quota of {family} in this region is "
            f"{most}; ask for more in Azure's portal (quotas of Machine Learning), or write a smaller one",
        )


def existing_cluster(name: str, spec: ExistingTrainingClusterSpec) -> TrainingClusterRef:
    """Find a compute of the workspace, and read what its machines are."""
    called = spec.called or name
    there: Mapping[str, Any] | None = {} if private.mocked() else live.compute(spec.platform, called)
    if there is None:
        raise absent("TrainingCluster", name, f"there is no compute {called!r} in the platform's workspace")
    said = there.get("properties") or {}
    if there and said.get("computeType") != "AmlCompute":
        kind = said.get("computeType")
        raise absent("TrainingCluster", name, f"compute {called!r} is of type {kind!r}, and runs need an 'AmlCompute'")
    inner = said.get("properties") or {}
    scale = inner.get("scaleSettings") or {}
    size = str(inner.get("vmSize") or "Standard_DS3_v2")
    machine = pick(Compute(pin={"azure": size}))
    assert machine is not None  # noqa: S101 (a pinned one is always there)
    identities = (there.get("identity") or {}).get("userAssignedIdentities") or {}
    identity: str | None = next(iter(identities), None)
    acting = identities.get(identity) or {}
    at = PlatformAddress.of(spec.platform)
    return TrainingClusterRef(
        name=name,
        backend="azure",
        platform=spec.platform,
        cpus=machine.cpus,
        memory_gb=machine.memory_gb,
        accelerator=machine.accelerator or None,
        accelerators=machine.accelerators,
        nodes_min=int(scale.get("minNodeCount") or 0),
        nodes_max=int(scale.get("maxNodeCount") or 1),
        interconnect=has_infiniband(size),
        address=TrainingClusterAddress(
            id=there.get("id") or Output.format("{0}/computes/{1}", at.workspace_id, called),
            compute=called,
            size=size,
            identity=identity,
            client=acting.get("clientId"),
            principal=acting.get("principalId"),
        ).plain(),
    )
