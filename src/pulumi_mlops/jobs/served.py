"""What a step reads of an endpoint: the requests of the last hours, and what the version that is served was made with.

It runs beside ``dataset.py``, whose stores it reads, in whatever fetches a step's inputs.

    python served.py captured s3://bucket/captured/score/ 24 /tmp/captured
    python served.py baseline 'retrain/fit/baseline s3://bucket/pipelines/retrain/' s3://…/facts.json /tmp/baseline

Of what was captured the files of the hours are fetched, and never the whole history. Folders that are named after a
time, ``2026/11/30/14/``, are looked into only where they are of these hours; files elsewhere are taken by the time at
which they were written. An hour that has begun is fetched whole.

A baseline is a folder that a step made in the very run in which the version was made that an endpoint serves. It is
found from the record of that version: of those whose files became the version, else in the folder of the same run.
"""

# pyright: reportMissingImports=false
# The other program is beside this one where both run.

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pulumi_mlops.jobs.dataset import Found, Store

_TIMES = re.compile(r"(?:^|/)(?P<year>20\d\d)(?:/(?P<month>\d\d)(?:/(?P<day>\d\d)(?:/(?P<hour>\d\d))?)?)?/$")
_RECORD = "facts.json"


class ServedError(Exception):
    """Something that whoever runs this has to know."""


def main(arguments: Sequence[str]) -> int:
    """Fetch, say what was fetched, and tell an error in one line."""
    import dataset  # noqa: PLC0415 (it is beside this file where it runs)

    what, where, which, folder = arguments
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    try:
        if what == "captured":
            now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)  # noqa: UP017 (Python 3.9)
            told = captured(dataset.store_of(where), int(which), target, now)
        else:
            told = baseline(wanted_of(where), which, target)
    except (ServedError, dataset.DatasetError) as error:
        sys.stderr.write(f"served: {error}\n")
        return 1
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def captured(store: Store, hours: int, target: Path, now: dt.datetime) -> dict[str, Any]:
    """Fetch what was captured in the last hours; none is no error."""
    since = now - dt.timedelta(hours=hours)
    files = list(within(store, "", since, now))
    for one in files:
        save(store, one.path, target / one.path)
    return {"since": _written(since), "until": _written(now), "files": len(files), "bytes": sum(f.size for f in files)}


def within(store: Store, below: str, since: dt.datetime, until: dt.datetime) -> Iterator[Found]:
    """Yield the files of a time, without a look into folders of another."""
    folders, files = store.level(below)
    dated = span(below) is not None
    yield from (one for one in files if dated or since <= one.written)
    for folder in folders:
        known = span(folder)
        if known is None or (known[0] <= until and known[1] > since):
            yield from within(store, folder, since, until)


def span(folder: str) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the time that a folder is named after, from its beginning to its end.

    >>> [str(one) for one in span("score/main/2026/11/30/14/")]
    ['2026-11-30 14:00:00+00:00', '2026-11-30 15:00:00+00:00']
    """
    found = _TIMES.search(folder)
    if found is None:
        return None
    year, month, day, hour = (None if part is None else int(part) for part in found.groups())
    try:
        begun = dt.datetime(year or 0, month or 1, day or 1, hour or 0, tzinfo=dt.timezone.utc)  # noqa: UP017 (see above)
    except ValueError:
        return None
    if hour is not None:
        return begun, begun + dt.timedelta(hours=1)
    if day is not None:
        return begun, begun + dt.timedelta(days=1)
    if month is not None:
        return begun, (begun + dt.timedelta(days=31)).replace(day=1)
    return begun, begun.replace(year=begun.year + 1)


class Wanted(NamedTuple):
    """A folder of a step of a pipeline."""

    pipeline: str
    step: str
    output: str
    runs: str
    """The folder of its runs, which ends in a slash."""


def wanted_of(told: str) -> Wanted:
    """Read ``retrain/fit/baseline s3://…/``."""
    name, _, runs = told.partition(" ")
    pipeline, step, output = name.split("/")
    return Wanted(pipeline, step, output, runs)


def baseline(wanted: Wanted, version: str, target: Path) -> dict[str, Any]:
    """Fetch what a step made in the run of the version that is served.

    :param version: address of the record of that version.
    """
    import dataset  # noqa: PLC0415 (as above)

    record = made_by(wanted, version)
    which = f"run {record['run']} of {wanted.pipeline!r}"
    folder = record.get("folders", {}).get(wanted.output)
    if not folder:
        told = f"step {wanted.step!r} of {which} says of no folder {wanted.output!r}"
        raise ServedError(f"{told}: it ran with another program, or an older library; train a version anew")
    store, files = dataset.store_of(folder), 0
    for one in store.list():
        save(store, one.path, target / one.path)
        files += 1
    if not files:
        raise ServedError(f"there are no files below {folder}, where {which} left the baseline; train a version anew")
    found = {"pipeline": record["pipeline"], "run": record["run"], "step": wanted.step, "output": wanted.output}
    return {**found, "folder": folder, "files": files}


def made_by(wanted: Wanted, version: str) -> Mapping[str, Any]:
    """Find the record of the step that is wanted: of those whose files became the version, or of the same run."""
    first = read(version)
    if first["pipeline"] != wanted.pipeline:
        told = f"the version that is served was made by pipeline {first['pipeline']!r}"
        raise ServedError(f"{told}, and the baseline is one of {wanted.pipeline!r}; give the baseline of that one")
    for record in behind(first, {version}):
        if record["step"] == wanted.step:
            return record
    for found in beside(wanted, first["run"]):
        record = read(found)
        if record["status"] == "succeeded" and record["trial"] is None:
            return record
    raise ServedError(f"run {first['run']} of {first['pipeline']!r} has no record of step {wanted.step!r}")


def behind(record: Mapping[str, Any], seen: set[str]) -> Iterator[Mapping[str, Any]]:
    """Yield a record, and those of the steps whose files it took, and so on."""
    yield record
    for one in record.get("inputs", {}).values():
        address = one.get("facts") if "step" in one else None
        if address and address not in seen:
            seen.add(address)
            yield from behind(read(address), seen)


def beside(wanted: Wanted, run: str) -> Iterator[str]:
    """Yield the addresses of the records that a step left in a run."""
    import dataset  # noqa: PLC0415 (as above)

    for one in dataset.store_of(wanted.runs).list(f"{run}/{wanted.step}/"):
        if one.path.rpartition("/")[2] == _RECORD:
            yield f"{wanted.runs}{one.path}"


def read(address: str) -> dict[str, Any]:
    """Read a record."""
    import dataset  # noqa: PLC0415 (as above)

    folder, _, name = address.rpartition("/")
    content = dataset.store_of(f"{folder}/").read(name)
    if content is None:
        raise ServedError(f"the record of the version that is served, {address}, is not there any more")
    found: dict[str, Any] = json.loads(content)
    return found


def save(store: Store, path: str, target: Path) -> None:
    """Fetch a file; one that has gone meanwhile was over its retention."""
    target.parent.mkdir(parents=True, exist_ok=True)
    store.save(path, None, target)


def _written(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
