"""Estimates what a month costs: what is known, what is assumed, and what nobody knows, which is never counted as 0."""

import datetime as dt
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

from pulumi_mlops.core.replaceable import named
from pulumi_mlops.policies.costs import assumed, unpriced
from pulumi_mlops.policies.costs.prices import OLD, Price, Prices, Wanted, read, refreshed, shipped
from pulumi_mlops.policies.costs.spans import NOTHING, ONE, Span, text
from pulumi_mlops.policies.costs.told import Between, CostSettings, Usage
from pulumi_mlops.policies.costs.uses import Metered, Use

State = Literal["priced", "unpriced", "by use", "undecided", "uncovered"]
NOT_COUNTED: Final[tuple[State, ...]] = ("unpriced", "undecided", "by use", "uncovered")
"""What has no amount of money, by what is missing."""


@dataclass(frozen=True)
class Line:
    """One thing that a resource costs."""

    of: Metered
    state: State
    use: Use | None = None
    price: Price | None = None
    why: str = ""
    """What is missing."""
    declared: tuple[str, ...] = ()
    """What of the amount was declared beside the program."""
    guessed: bool = False
    """Whether how much is used is assumed."""

    @property
    def month(self) -> Span | None:
        """What it costs in a month, if that is known."""
        amount = self.use.amount if self.use else None
        if amount is None or self.price is None:
            return None
        low, high = amount.low * self.price.low, amount.high * self.price.high
        return Span(low, amount.expected * self.price.price, high)

    @property
    def expected(self) -> Decimal:
        """What is counted for it."""
        return self.month.expected if self.month else Decimal(0)

    @property
    def what(self) -> str:
        """Name it."""
        if self.use is None:
            return ""
        return " ".join(word for word in (self.use.part, self.use.component, self.use.sku) if word)

    def plain(self) -> dict[str, Any]:
        """Write it as JSON has it; decimals are texts."""
        use, price = self.use, self.price
        return {
            "urn": self.of.urn,
            "type": self.of.type,
            "name": self.of.name,
            "state": self.state,
            "why": self.why,
            "region": self.of.region,
            "service": use.service if use else "",
            "component": use.component if use else "",
            "part": use.part if use else "",
            "sku": use.sku if use else "",
            "unit": use.unit if use else "",
            "amount": use.amount.plain() if use and use.amount else None,
            "assumed": list(use.assumed) if use else [],
            "declared": list(self.declared),
            "guessed": self.guessed,
            "price": {
                "price": text(price.price),
                "currency": price.currency,
                "effective": price.effective.isoformat() if price.effective else None,
                "source": price.source,
                "confidence": price.confidence,
                "origin": price.origin,
                "note": price.note,
            }
            if price
            else None,
            "month": self.month.plain() if self.month else None,
        }


@dataclass(frozen=True)
class Estimate:
    """What a month of a stack costs."""

    lines: tuple[Line, ...]
    currency: str = "USD"
    warnings: tuple[str, ...] = ()

    @property
    def month(self) -> Span:
        """The sum of what is known."""
        return sum((line.month for line in self.lines if line.month), NOTHING)

    @property
    def guessed(self) -> Decimal:
        """How much of what is expected is for use that is assumed."""
        return sum((line.expected for line in self.lines if line.guessed), Decimal(0))

    @property
    def known(self) -> bool:
        """Say whether the sum means anything: something has a price, or there is nothing to pay for."""
        return bool(self.of("priced")) or not self.lines

    def of(self, *states: State) -> list[Line]:
        """List the lines of some states."""
        return [line for line in self.lines if line.state in states]

    def heaviest(self) -> list[Line]:
        """List what has a price, the dearest first."""
        return sorted(self.of("priced"), key=lambda line: (-line.expected, line.of.name, line.what))

    def by_resource(self) -> dict[str, list[Line]]:
        """Put the lines of each resource together, by its URN."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.of.urn, []).append(line)
        return found


def tables(settings: CostSettings, folder: Path) -> Prices:
    """Make the tables that settings ask for; a path is from the program's folder."""
    own = read(folder / settings.prices) if settings.prices else []
    return Prices(own, refreshed(), shipped(), currency=settings.currency, as_in=settings.as_in)


def estimate(
    found: Iterable[Metered], prices: Prices, usage: Sequence[Usage], today: dt.date, *, assume: bool = False
) -> Estimate:
    """Put a price on what has been metered; what is used and not declared is assumed where that is asked for."""
    needed = [False] * len(usage)
    lines = [line for each in found if (line := _line(each, prices, usage, needed, assume=assume))]
    warnings = [
        f"usage {number} is of nothing in the stack: {', '.join(one.resources)}"
        for number, (one, used) in enumerate(zip(usage, needed, strict=True))
        if not used
    ]
    return Estimate(tuple(lines), prices.currency, (*warnings, *_old(lines, today)))


def _line(one: Metered, prices: Prices, usage: Sequence[Usage], needed: list[bool], *, assume: bool) -> Line | None:
    if one.use is None:
        why = f"{one.undecided} is decided at update" if one.undecided else "the library does not know what it costs"
        return Line(one, "undecided" if one.undecided else "uncovered", why=why)
    use, declared = one.use, tuple[str, ...]()
    for number, each in enumerate(usage):
        if _about(each, one, one.use) and (changed := _with(use, each)):
            needed[number] = True
            use, new = changed
            declared += new
    told = use.amount is not None
    if not told and assume:
        use = assumed.filled(use)
    if use.amount is None:
        reason = unpriced.reason(one.cloud, use)
        why = f"declare {use.needs}{f'; {reason}' if reason else ''}"
        return Line(one, "by use", use, why=why, declared=declared)
    if not use.amount.high:
        return None
    price = prices.find(Wanted(one.cloud, use.service, use.component, use.sku, one.region, use.unit))
    if price is None:
        return Line(one, "unpriced", use, why=_no_price(one, use), declared=declared)
    return Line(one, "priced", use, price, declared=declared, guessed=not told)


def _no_price(one: Metered, use: Use) -> str:
    called = " ".join(word for word in (use.service, use.component, use.sku) if word)
    where = f" in {one.region}" if one.region else "" if one.cloud == "kubernetes" else ", and no region is told"
    reason = unpriced.reason(one.cloud, use)
    return f"no price of {called} by {use.unit}{where}{f': {reason}' if reason else ''}"


def _about(usage: Usage, one: Metered, use: Use) -> bool:
    meant = named(usage.resources, one.name, one.urn)
    return meant and fnmatch.fnmatchcase(use.part, usage.part) and fnmatch.fnmatchcase(use.component, usage.component)


def _with(use: Use, usage: Usage) -> tuple[Use, tuple[str, ...]] | None:
    """Take what is declared of a use; None where it says nothing of such a one."""
    if usage.amount is not None:
        changed = replace(use, count=_span(usage.amount), size=Decimal(1), times=ONE, assumed=())
        return changed, ("amount",)
    new: tuple[str, ...] = ()
    if usage.hours is not None and use.unit.endswith("hour"):
        use, new = replace(use, times=_span(usage.hours), assumed=()), (*new, "hours")
    if usage.instances is not None:
        use, new = replace(use, count=_span(usage.instances), assumed=()), (*new, "instances")
    return (use, new) if new else None


def _span(told: Decimal | Between) -> Span:
    return Span(told.low, told.expected, told.high) if isinstance(told, Between) else Span.of(told)


def _old(lines: Iterable[Line], today: dt.date) -> list[str]:
    undated, old = list[str](), dict[tuple[str, dt.date], int]()
    for price in (line.price for line in lines if line.price):
        if price.effective is None:
            undated.append(price.source)
        elif today - price.effective > OLD:
            key = price.source, price.effective
            old[key] = old.get(key, 0) + 1
    told = [
        f"{_prices(number)} of {effective}, older than {OLD.days} days: {source}"
        for (source, effective), number in old.items()
    ]
    return [*told, f"{_prices(len(undated))} without a date: {'; '.join(dict.fromkeys(undated))}"] if undated else told


def _prices(number: int) -> str:
    return f"{number} price{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Change:
    """What an edit does to what one resource costs."""

    urn: str
    type: str
    name: str
    what: Literal["added", "removed", "changed"]
    month: Decimal
    """How much more, or less, is expected a month of what is known."""
    before: tuple[str, ...]
    after: tuple[str, ...]
    unknown: tuple[str, ...]
    """What is not counted, and why."""

    def plain(self) -> dict[str, Any]:
        """Write it as JSON has it."""
        lists = {key: list(value) for key, value in vars(self).items() if isinstance(value, tuple)}
        return {**vars(self), "month": text(self.month), **lists}


def difference(before: Estimate, after: Estimate) -> list[Change]:
    """Tell by resource what an edit adds, takes away and changes; what costs the same is left out."""
    old, new = before.by_resource(), after.by_resource()
    found: list[Change] = []
    for urn in dict.fromkeys([*old, *new]):
        was, now = old.get(urn, []), new.get(urn, [])
        if _signature(was) == _signature(now):
            continue
        one = (now or was)[0].of
        found.append(
            Change(
                urn=urn,
                type=one.type,
                name=one.name,
                what="added" if not was else "removed" if not now else "changed",
                month=sum((line.expected for line in now), Decimal(0))
                - sum((line.expected for line in was), Decimal(0)),
                before=tuple(map(shown, was)),
                after=tuple(map(shown, now)),
                unknown=tuple(line.why for line in (*was, *now) if line.state in NOT_COUNTED),
            )
        )
    return sorted(found, key=lambda change: (-abs(change.month), change.name))


def _signature(lines: Iterable[Line]) -> frozenset[tuple[Any, ...]]:
    return frozenset((line.state, line.use, line.price, line.why) for line in lines)


def shown(line: Line) -> str:
    """Say how much of what it is, without the price."""
    amount = line.use.amount if line.use else None
    if line.use is None or amount is None:
        return f"{line.what or line.of.type.rpartition(':')[2]}: {line.why}"
    return f"{line.what} {many(line.use)}"


def many(use: Use) -> str:
    """Say an amount as it comes about: ``2 to 6 by 730 hours``."""
    words = [_between(use.count)] if use.count != ONE or use.size == 1 else []
    words += [text(use.size.quantize(Decimal("0.001")))] if use.size != 1 else []
    times = use.times or ONE
    if times != ONE:
        words.append(_between(times))
    return f"{' by '.join(words)} {use.unit}"


def _between(span: Span) -> str:
    if span.exact:
        return text(span.expected)
    return f"{text(span.low)} to {text(span.high)} ({text(span.expected)})"
