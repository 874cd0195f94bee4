"""What of a resource is paid for: how much, of what, in which unit. Prices are no matter of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pulumi_mlops.policies.costs.spans import MONTH, ONE, Span, text
from pulumi_mlops.policies.resources import Resource, Stack


@dataclass(frozen=True)
class Use:
    """One thing about a resource that costs money."""

    service: str
    component: str
    unit: str
    sku: str = ""
    part: str = ""
    """Which of several of a resource it is: a variant, a step, a container."""
    count: Span = ONE
    """How many of them there are, between what scales them."""
    size: Decimal = Decimal(1)
    """How large each is: its CPUs, its gigabytes."""
    times: Span | None = MONTH
    """What each is counted by in a month, mostly hours; None where only a declaration can tell."""
    assumed: tuple[str, ...] = ()
    """What nobody has declared."""
    needs: str = ""
    """What to declare, where the amount is not known."""

    @property
    def amount(self) -> Span | None:
        """The units of a month."""
        return None if self.times is None else self.count * self.times * Span.of(self.size)


@dataclass(frozen=True)
class Metered:
    """A use of a resource, or why nothing is known of what it costs."""

    urn: str
    type: str
    name: str
    cloud: str
    region: str
    use: Use | None
    undecided: str = ""
    """The property that is not known yet; without a use and without it, no row of the tables can read the resource."""

    def plain(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        written: dict[str, Any] = {key: value for key, value in vars(self).items() if key != "use"}
        if self.use:
            own = dict(vars(self.use))
            own["count"] = self.use.count.plain()
            own["times"] = self.use.times.plain() if self.use.times else None
            own["size"] = text(self.use.size)
            written["use"] = own
        return written

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Metered":
        """Read what `plain` has written."""
        own = dict(written.get("use") or {})
        use = None
        if own:
            times = own.pop("times")
            count, assumed = Span.read(own.pop("count")), tuple(own.pop("assumed"))
            size = Decimal(own.pop("size"))
            use = Use(**own, count=count, size=size, times=Span.read(times) if times else None, assumed=assumed)
        return cls(**{key: value for key, value in written.items() if key != "use"}, use=use)


Meter = Callable[[Resource, Stack], Iterator[Use]]
"""How a kind of resource is read."""


def by_use(service: str, component: str, unit: str, needs: str, **more: Any) -> Use:
    """Make a use whose amount only a declaration can tell."""
    return Use(service, component, unit, times=None, needs=needs, **more)


def always(service: str, component: str, unit: str = "hour", sku: str = "", **more: Any) -> Use:
    """Make a use of every hour of a month."""
    return Use(service, component, unit, sku, **more)


def monthly(service: str, component: str, unit: str, count: Span = ONE, **more: Any) -> Use:
    """Make a use that is counted by the month."""
    return Use(service, component, unit, count=count, times=ONE, **more)


def stored(service: str, component: str, gigabytes: Any, count: Span = ONE, **more: Any) -> Use:
    """Make a use of disks of a size."""
    return monthly(service, component, "gb-month", count, size=Decimal(str(gigabytes)), **more)


def fixed(*uses: Use) -> Meter:
    """Read a kind of which each resource costs alike."""

    def meter(_: Resource, __: Stack) -> Iterator[Use]:
        yield from uses

    return meter
