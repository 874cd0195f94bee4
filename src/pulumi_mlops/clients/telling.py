"""Runs and lineages as lines of text."""

import datetime as dt
from collections.abc import Iterator, Mapping

from pulumi_mlops.clients.lineage import Code, Lineage, Making, Read, Served, Unknown, Version
from pulumi_mlops.clients.runs import ENDED, Run, StepState

_MINUTE, _HOUR = 60, 3600
Tree = tuple[str, list["Tree"]]
"""A line, and what is below it."""


def changes(run: Run, before: Run | None) -> Iterator[str]:
    """Tell of the steps that are otherwise than they were."""
    known = {step.name: step for step in before.steps} if before else {}
    for step in run.steps:
        was = known.get(step.name)
        seen = ("waiting", "") if was is None else (was.state, was.detail)
        if (step.state, step.detail) != seen:
            yield told(step)


def told(step: StepState) -> str:
    """Tell of a step in a line."""
    time = lasted(step.began, step.ended) if step.state in ENDED else ""
    words = [f"{step.name}: {step.state}", f"after {time}" if time else "", f"({step.detail})" if step.detail else ""]
    line = " ".join(word for word in words if word)
    return f"{line}: {' '.join(step.reason.split())}" if step.reason else line


def ending(run: Run) -> Iterator[str]:
    """Tell how a run ended."""
    time = lasted(run.began, run.ended)
    line = f"Run {run.id} of {run.pipeline}: {run.state}{f' after {time}' if time else ''}"
    yield f"{line}: {' '.join(run.reason.split())}" if run.reason and run.state != "succeeded" else line
    if run.state == "succeeded" and run.left_out:
        yield f"Left out by a condition: {', '.join(step.name for step in run.left_out)}"
        if run.unregistered:
            yield "No version was registered by: " + ", ".join(step.name for step in run.unregistered)


def lasted(began: dt.datetime | None, ended: dt.datetime | None) -> str:
    """Write how long something took.

    >>> lasted(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 0, 2, 5))
    '2m05s'
    """
    if began is None or ended is None:
        return ""
    seconds = max(0, round((ended - began).total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m{seconds % _MINUTE:02}s"
    return f"{seconds // _HOUR}h{seconds % _HOUR // _MINUTE:02}m"


def tree(lineage: Lineage) -> list[str]:
    """Draw a lineage."""
    if lineage.version is not None:
        return _drawn(_version(lineage.version))
    served = [_served(one) for one in lineage.served]
    return _drawn((f"endpoint {lineage.endpoint}", served or [("serves nothing yet: it waits for a version", [])]))


def _drawn(root: Tree) -> list[str]:
    return [root[0], *_below(root[1])]


def _below(rows: list[Tree]) -> Iterator[str]:
    for index, (line, inner) in enumerate(rows):
        last = index == len(rows) - 1
        yield f"{'└─' if last else '├─'} {line}"
        yield from (f"{'  ' if last else '│ '} {one}" for one in _below(inner))


def _served(one: Served) -> Tree:
    share = f"share unknown: {one.percent.why}" if isinstance(one.percent, Unknown) else f"{one.percent:g} %"
    line = f"variant {one.variant}, {f'shadow, copies of {share}' if one.shadow else share}"
    return line, [_unknown("version", one.version) if isinstance(one.version, Unknown) else _version(one.version)]


def _version(one: Version) -> Tree:
    made = f", made {when(one.made)}" if one.made else ""
    rows: list[Tree] = [
        _row("files", one.files),
        _row("serving image", one.image),
        *_listed("metrics", one.metrics),
        *_listed("metadata", one.metadata),
        _unknown("made by", one.by) if isinstance(one.by, Unknown) else _making(one.by),
    ]
    return f"model {one.model}, version {one.version}, {one.approval}{made}", rows


def _making(one: Making) -> Tree:
    ended = f", {one.state}" if one.state else ""
    began = f", {when(one.began)}" if one.began else ""
    rows: list[Tree] = [_row("step", one.step), _code(one.code)]
    for name, values in (("parameters of the run", one.parameters), ("parameters of the step", one.settings)):
        if isinstance(values, Unknown):
            rows.append(_unknown(name, values))
        else:
            rows += _listed(name, values) or [(f"{name}: none", [])]
    if isinstance(one.reads, Unknown):
        rows.append(_unknown("read", one.reads))
    else:
        rows += [_read(read) for read in one.reads] or [("read: no dataset and no features", [])]
    return f"pipeline {one.pipeline}, run {one.run}{ended}{began}", rows


def _code(code: Code | Unknown) -> Tree:
    if isinstance(code, Unknown):
        return _unknown("code", code)
    return f"code {code.image}", [_row("digest", code.digest)]


def _read(one: Read) -> Tree:
    known = "until" if one.kind == "features" else "version"
    version = f"{known} unknown: {one.version.why}" if isinstance(one.version, Unknown) else f"{known} {one.version}"
    asked = f" (asked for {one.asked})" if one.asked and one.asked != one.version else ""
    by = f", read by {one.step}" if one.step else ""
    return f"{one.kind} {one.name}, {version}{asked}{by}", [(one.location, [])] if one.location else []


def _row(name: str, value: object) -> Tree:
    return _unknown(name, value) if isinstance(value, Unknown) else (f"{name}: {value}", [])


def _listed(name: str, values: Mapping[str, str]) -> list[Tree]:
    return [(f"{name}: {', '.join(f'{key}={value}' for key, value in values.items())}", [])] if values else []


def _unknown(name: str, value: Unknown) -> Tree:
    return f"{name} unknown: {value.why}", []


def when(moment: dt.datetime) -> str:
    """Write a moment.

    >>> when(dt.datetime(2026, 1, 1, 3, 5, tzinfo=dt.UTC))
    '2026-01-01 03:05 UTC'
    """
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
