"""The machines of SageMaker, purpose by purpose, and what is said where none of them fits a wish."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pulumi_mlops.backends.aws import instances, limits, shapes
from pulumi_mlops.backends.aws.instances import Instance
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import nearest


@dataclass(frozen=True)
class Machines:
    """Those that there are for a purpose."""

    purpose: str
    """What SageMaker calls the types of its instances."""
    of: str
    """Whose they are, for people."""
    among: Sequence[Instance]
    """Those of which one is picked, as far as their CPUs and memory are known here."""

    def pick(self, compute: Compute) -> Instance | None:
        """Return the pinned machine, else the smallest that fits, else nothing."""
        return instances.pick(compute, self.among)

    def problems(self, field: str, compute: Compute) -> Iterator[Problem]:
        """Refuse what no machine has, and a pin that is none."""
        machine = self.pick(compute)
        accelerators = sorted({one.accelerator for one in self.among if one.accelerator})
        if machine is None and (several := self._other_count(compute)):
            yield Problem(f"{field}.accelerator", several)
        elif machine is None:
            model = (compute.accelerator or "").split(":")[0]
            known = (
                f"; accelerators here: {', '.join(accelerators)}{nearest(model, accelerators)}"
                if compute.accelerator
                else ""
            )
            yield Problem(
                field, f"no SageMaker instance has all of that{known}; ask for less, or pin one: pin={{'aws': 'ml.…'}}"
            )
        elif not machine.name.startswith("ml."):
            yield Problem(
                f"{field}.pin.aws", f"{machine.name!r} is not a SageMaker instance; write one such as 'ml.m5.xlarge'"
            )
        elif machine.name not in (types := limits.machines(machine.name, self.purpose)):
            yield Problem(
                f"{field}.pin.aws",
                f"{machine.name!r} is not an instance type of {self.of}{nearest(machine.name, types)}; where it is "
                "new, get a newer boto3",
            )

    def _other_count(self, compute: Compute) -> str | None:
        """Say how many accelerators of a model a machine has, where none has the number that was asked for."""
        model, _, count = (compute.accelerator or "").partition(":")
        there = instances.counts(model, self.among)
        if not there or int(count) in there:
            return None
        offered = " or ".join(f"'{model}:{one}'" for one in there)
        return f"no SageMaker instance has {count} of {model}, and each that it has is paid for; write {offered}"


def _trained_on(purpose: str, of: str) -> Machines:
    every = (*instances.INSTANCES, *instances.TRAINERS)
    return Machines(purpose, of, [one for one in every if one.name in shapes.MACHINES[purpose]])


ENDPOINTS = Machines(limits.HOSTING, "endpoints", instances.INSTANCES)
JOBS = _trained_on(limits.TRAINING, "training jobs")
PROCESSING = _trained_on(limits.PROCESSING, "processing jobs")
CLUSTERS = _trained_on(limits.CLUSTER, "HyperPod clusters")
