"""What an estimate says, for people, for programs and for pull requests."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from pulumi_mlops.policies.costs.estimate import NOT_COUNTED, Change, Estimate, Line, State, many
from pulumi_mlops.policies.costs.spans import HOURS, MONTH, NOTHING, Span, money, text
from pulumi_mlops.policies.markdown import folded, table

Format = Literal["text", "json", "markdown"]
HEADS: Final[Mapping[State, str]] = {
    "unpriced": "Without a price",
    "undecided": "Decided at update",
    "by use": "By use that is not declared",
    "uncovered": "Not covered",
}
HEAD: Final = ("resource", "what", "amount", "price", "from", "a month", "low", "high")
LEFT: Final = 5
"""The columns that are text."""


@dataclass(frozen=True)
class Costs:
    """What a preview of a stack costs, and what the stack costs as it is."""

    stack: str
    now: Estimate
    changes: tuple[Change, ...]
    before: Estimate

    def summary(self) -> str:
        """Say it in a line."""
        return f"{self.stack}: {summary(self.now)}"

    @property
    def edit(self) -> Decimal:
        """How much more, or less, the edit makes of what is known."""
        return self.now.month.expected - self.before.month.expected


def spanned(span: Span, currency: str) -> str:
    """Write what is expected, and between what."""
    if money(span.low) == money(span.high):
        return f"{money(span.expected)} {currency}"
    return f"{money(span.expected)} {currency} ({money(span.low)} to {money(span.high)})"


def summary(estimate: Estimate) -> str:
    """Say what a month costs, and how much is not counted."""
    told = [f"{number} {head.lower()}" for state, head in HEADS.items() if (number := len(estimate.of(state)))]
    beside = f" (not counted: {', '.join(told)})" if told else ""
    if not estimate.known:
        return f"what a month costs is not known{beside}"
    guessed = f", {money(estimate.guessed)} of it for use that is assumed" if estimate.guessed else ""
    return f"{spanned(estimate.month, estimate.currency)} a month{guessed}{beside}"


def by_resource(estimate: Estimate) -> dict[str, str]:
    """Say what each resource costs, by its URN."""
    found: dict[str, str] = {}
    for urn, lines in estimate.by_resource().items():
        known = [line.month for line in lines if line.month]
        missing = {line.state for line in lines if line.month is None} - ({"by use"} if known else set())
        told = [spanned(sum(known, NOTHING), estimate.currency)] if known else []
        told += [head.lower() for state, head in HEADS.items() if state in missing]
        found[urn] = "; ".join(told)
    return found


def _kind(token: str) -> str:
    return token.partition(":")[2]


def _source(line: Line) -> str:
    price = line.price
    if price is None:
        return ""
    note = f", {price.note}" if price.note else ""
    return f"{price.confidence}{f' {price.effective}' if price.effective else ''}{note}"


def _row(line: Line) -> list[str]:
    month = line.month
    if line.use is None or line.price is None or month is None:
        return []
    return [
        f"{_kind(line.of.type)} {line.of.name}",
        line.what,
        many(line.use),
        text(line.price.price),
        _source(line),
        *(money(each) for each in (month.expected, month.low, month.high)),
    ]


def _assumed(estimate: Estimate) -> list[str]:
    found: dict[str, list[str]] = {}
    for line in estimate.of("priced", "unpriced"):
        for each in line.use.assumed if line.use else ():
            found.setdefault(each, []).append(line.of.name)
    hours = [line for line in estimate.lines if line.use and line.use.times == MONTH]
    told = [f"a month has {text(HOURS)} hours, and what is there is there in each of them"] if hours else []
    return [*told, *(f"{said}: {', '.join(dict.fromkeys(names))}" for said, names in found.items())]


def _missing(estimate: Estimate) -> Iterable[tuple[str, list[Line]]]:
    for state in NOT_COUNTED:
        if lines := estimate.of(state):
            yield HEADS[state], lines


def _by_reason(lines: Iterable[Line]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.why, []).append(f"{_kind(line.of.type)} {line.of.name}")
    return {why: list(dict.fromkeys(names)) for why, names in found.items()}


def _edit(costs: Costs) -> str:
    return f"{'+' if costs.edit >= 0 else ''}{money(costs.edit)} {costs.now.currency} a month by this edit"


def _change(change: Change) -> list[str]:
    said = "; ".join(change.after or change.before)
    if change.what == "changed":
        said = f"{'; '.join(change.before)} → {said}"
    sign = "+" if change.month >= 0 else ""
    amount = f"{sign}{money(change.month)}" if change.month or not change.unknown else "unknown"
    return [amount, change.what, f"{_kind(change.type)} {change.name}", said]


def written(costs: Costs) -> str:
    """Write for a terminal."""
    lines = [costs.summary()]
    if rows := [_row(line) for line in costs.now.heaviest()]:
        lines += ["", *_aligned([list(HEAD), *rows], LEFT)]
    if assumed := _assumed(costs.now):
        lines += ["", *(f"assumed: {said}" for said in assumed)]
    for head, missing in _missing(costs.now):
        lines += ["", f"{head}: {len(missing)}"]
        lines += [f"  {why}: {', '.join(names)}" for why, names in _by_reason(missing).items()]
    if costs.changes and costs.before.lines:
        lines += ["", _edit(costs), *(f"  {row}" for row in _aligned([_change(one) for one in costs.changes], LEFT))]
    lines += [f"warning: {each}" for each in costs.now.warnings]
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:left], widths, strict=False)]
        cells += [cell.rjust(width) for cell, width in zip(row[left:], widths[left:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def plain(costs: Costs) -> str:
    """Write JSON; all amounts are decimals, as texts."""
    known: dict[str, Any] = {
        "stack": costs.stack,
        "currency": costs.now.currency,
        "month": costs.now.month.plain() if costs.now.known else None,
        "guessed": text(costs.now.guessed),
        "not_counted": {state.replace(" ", "_"): len(costs.now.of(state)) for state in NOT_COUNTED},
        "lines": [line.plain() for line in (*costs.now.heaviest(), *costs.now.of(*NOT_COUNTED))],
        "before": {
            "month": costs.before.month.plain() if costs.before.known else None,
            "resources": len(costs.before.by_resource()),
        },
        "edit": text(costs.edit),
        "changes": [change.plain() for change in costs.changes],
        "warnings": list(costs.now.warnings),
    }
    return json.dumps(known, indent=2)


def markdown(costs: Costs) -> str:
    """Write for a comment on a pull request."""
    lines = [f"### Costs: `{costs.stack}`", "", costs.summary(), ""]
    if costs.changes and costs.before.lines:
        lines += [f"**{_edit(costs)}**", ""]
        lines += [*table(["a month", "", "resource", "what"], [_change(each) for each in costs.changes]), ""]
    rows = [_row(line) for line in costs.now.heaviest()]
    if rows:
        lines += [*table(HEAD, rows), ""]
    lines += [f"- assumed: {said}" for said in _assumed(costs.now)]
    for head, missing in _missing(costs.now):
        cells = [[why, ", ".join(names)] for why, names in _by_reason(missing).items()]
        lines += folded(f"{head}: {len(missing)}", ["why", "resources"], cells)
    lines += [f"\n⚠️ {each}" for each in costs.now.warnings]
    return "\n".join(lines)


WRITERS: Final[Mapping[Format, Callable[[Costs], str]]] = {"text": written, "json": plain, "markdown": markdown}
