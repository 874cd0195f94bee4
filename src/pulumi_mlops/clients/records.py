"""Where a version comes from, out of the facts that stand with it and the records that steps leave.

`docs/workload.md` tells both; they are the same on every backend.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pulumi_mlops.clients.lineage import Code, Known, Making, Read, Unknown, numbers
from pulumi_mlops.clients.results import Decision
from pulumi_mlops.clients.runs import Run

PREFIX = "mlops-"
"""How the keys of such facts begin; no fact of a user's does."""
PIPELINE, RUN, STEP, CODE, RECORD, DATA = (
    f"{PREFIX}{word}" for word in ("pipeline", "run", "step", "code", "facts", "data-")
)
BY, AT, WHY = (f"{PREFIX}decided-{word}" for word in ("by", "at", "why"))
"""The facts of a version that say who decided on it, when, and why."""
_UNTOLD = Unknown("the version does not name it")
Reader = Callable[[str], Known[str]]
"""Reads a file by its address, or says why it cannot."""


def parted(facts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Part the facts of lineage from the others."""
    own = {key: value for key, value in facts.items() if key.startswith(PREFIX)}
    return own, {key: value for key, value in facts.items() if key not in own}


def decided(facts: Mapping[str, str], reason: str | None = None) -> Decision | None:
    """Read who decided on a version out of its facts.

    :param reason: why, where that is kept elsewhere.
    """
    if BY not in facts:
        return None
    at = facts.get(AT)
    why = facts.get(WHY, "") if reason is None else reason
    return Decision(by=facts[BY], reason=why, at=dt.datetime.fromisoformat(at) if at else None)


def facts_of(decision: Decision) -> dict[str, str]:
    """Write a decision as facts."""
    found = {BY: decision.by, WHY: decision.reason}
    return {**found, AT: decision.at.isoformat()} if decision.at else found


def measured(found: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """Part what was measured from what was said, without the library's own."""
    _, facts = parted(found)
    told = numbers(facts)
    return {name: float(value) for name, value in told.items()}, {
        name: value for name, value in facts.items() if name not in told
    }


def making(facts: Mapping[str, str], run: Known[Run], read: Reader, no_digest: str) -> Known[Making]:
    """Tell of the run that made a version.

    :param run: the run, as the backend still has it.
    :param no_digest: why the digest of an image is not known where its address does not name it.
    """
    if RUN not in facts or PIPELINE not in facts:
        return Unknown("no pipeline of this library registered it: the version names no run")
    image = facts.get(CODE)
    code: Known[Code] = coded(image, no_digest) if image else _UNTOLD
    step: Known[str] = facts.get(STEP) or _UNTOLD
    record = _record(facts.get(RECORD), read)
    known = None if isinstance(run, Unknown) else run
    return Making(
        pipeline=facts[PIPELINE],
        run=known.id if known else facts[RUN],
        state=known.state if known else "",
        began=known.began if known else None,
        ended=known.ended if known else None,
        step=step,
        code=code,
        parameters=run if isinstance(run, Unknown) else run.parameters,
        settings=record if isinstance(record, Unknown) else dict(record.get("parameters", {})),
        reads=_reads(facts, record, read),
    )


def coded(image: str, why: str) -> Code:
    """Read an image's address.

    :param why: why the digest is not known where the address does not name it.
    """
    _, _, digest = image.partition("@")
    return Code(image=image, digest=digest or Unknown(why))


def _record(address: str | None, read: Reader) -> Known[Mapping[str, Any]]:
    if not address:
        return Unknown("the version names no record of the step")
    text = read(address)
    if isinstance(text, Unknown):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else Unknown(f"{address} is no record of a step")


def _reads(facts: Mapping[str, str], record: Known[Mapping[str, Any]], read: Reader) -> Known[tuple[Read, ...]]:
    if isinstance(record, Unknown):
        # The facts tell of the step itself, and of none before it.
        told = [_fact(key.removeprefix(DATA), value) for key, value in facts.items() if key.startswith(DATA)]
        rest = Read(kind="files", name="of other steps", version=record)
        return (*told, rest) if told else record
    return tuple(_walked(record, read, set()))


def _fact(name: str, value: str) -> Read:
    what, _, version = value.rpartition("@")
    return Read(kind="dataset", name=what or name, version=version.removesuffix(".0"))


def _walked(record: Mapping[str, Any], read: Reader, seen: set[str]) -> Iterator[Read]:
    """Yield what a step read, and then what those read that made files for it."""
    step = str(record.get("step", ""))
    for name, one in (record.get("inputs") or {}).items():
        where = str(one.get("location") or "")
        if "dataset" in one:
            version: Known[str] = str(one["version"]) if one.get("version") is not None else Unknown("it is not told")
            asked = str(one.get("asked") or "")
            yield Read(kind="dataset", name=one["dataset"], version=version, step=step, location=where, asked=asked)
        elif "features" in one:
            until: Known[str] = str(one["until"]) if one.get("until") else Unknown("it is not told")
            asked = f"{one['days']} days" if one.get("days") else ""
            yield Read(kind="features", name=one["features"], version=until, step=step, location=where, asked=asked)
        elif "step" in one:
            address = one.get("facts")
            if address in seen:
                continue
            seen.add(str(address))
            inner = _record(address, read)
            if isinstance(inner, Unknown):
                yield Read(kind="files", name=f"{one['step']}/{one.get('output', name)}", version=inner, step=step)
            else:
                yield from _walked(inner, read, seen)
        else:
            yield Read(kind="files", name=name, version=Unknown("no dataset"), step=step, location=str(one))
