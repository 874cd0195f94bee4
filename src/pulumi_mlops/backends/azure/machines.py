"""What is said where no size of Azure's machines fits a wish."""

from collections.abc import Iterator, Sequence

from pulumi_mlops.backends.azure import live
from pulumi_mlops.backends.azure.instances import INSTANCES, PREFIX, Instance, counts, pick
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import nearest


def machine_problems(
    field: str,
    compute: Compute,
    platform: PlatformRef,
    among: Sequence[Instance] = INSTANCES,
    whose: str = "online endpoints",
) -> Iterator[Problem]:
    """Refuse what no size has, a pin that is none, and a size that the region has not.

    :param whose: what the machines are for, for people.
    """
    machine, pin = pick(compute, among), (compute.pin or {}).get("azure")
    known = [one.name for one in among]
    accelerators = sorted({one.accelerator for one in among if one.accelerator})
    if pin is not None and not pin.startswith(PREFIX):
        told = f"{pin!r} is not a size of Azure{nearest(pin, known)}; write one such as 'Standard_DS3_v2'"
        yield Problem(f"{field}.pin.azure", told)
        return
    if machine is not None:
        # Machines are made last: a size that is not there would leave all the rest half made.
        there = live.sizes(platform)
        if there and machine.name.lower() not in there:
            others = [one for one in known if one.lower() in there]
            told = (
                f"region {platform.region!r} has no size {machine.name!r}; pin one that az ml compute list-sizes names"
            )
            yield Problem(f"{field}.pin.azure" if pin else field, told + nearest(machine.name, others))
        return
    model, _, count = (compute.accelerator or "").partition(":")
    offered = counts(model, among)
    if offered and int(count) not in offered:
        told = " or ".join(f"'{model}:{one}'" for one in offered)
        yield Problem(
            f"{field}.accelerator", f"no size of Azure has {count} of {model}, and each is paid for; write {told}"
        )
        return
    known_ones = (
        f"; accelerators here: {', '.join(accelerators)}{nearest(model, accelerators)}" if compute.accelerator else ""
    )
    yield Problem(
        field,
        f"no size of Azure's {whose} has all of that{known_ones}; ask for less, or pin one: "
        "pin={'azure': 'Standard_…'}",
    )
