"""What others know of a dataset: apart from the noun, since a dataset itself is made of others."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from pulumi import Input

from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import deferred, demand_number, is_deferred, kind_of
from pulumi_mlops.core.refs import Ref

LATEST = "latest"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class DatasetRef(Ref):
    """A folder of files, and the versions of it."""

    noun = "dataset"

    platform: PlatformRef
    location: Input[str]
    """Address of the folder, which ends in a slash."""
    format: str | None = None
    partition: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    retention_days: int | None = None
    parents: "list[DatasetRef]" = field(default_factory=list)
    tracker: ExperimentTrackerRef | None = None
    """Where its versions are entered as well, by whoever publishes them."""

    def latest(self) -> "DatasetView":
        """Return the newest version that is there when it is read."""
        return DatasetView(self, LATEST)

    def version(self, number: int) -> "DatasetView":
        """Return a version by its number; the first is 1."""
        if said := demand_number(number, f"{self.name}.version(3)"):
            raise InvalidArgs("Dataset", self.name, [Problem("number", said)])
        return DatasetView(self, str(number))

    def at(self, day: str | dt.date) -> "DatasetView":
        """Return the version that was the newest at the end of a day, in UTC.

        :param day: a date, such as ``"2026-11-01"``; the day has to be over.
        """
        if said := _demand_day(day, f"{self.name}.at('2026-11-01')"):
            raise InvalidArgs("Dataset", self.name, [Problem("day", said)])
        return DatasetView(self, str(day))


def _demand_day(value: object, example: str) -> str | None:
    """Judge a day; return what is wrong."""
    if is_deferred(value):
        return deferred(value)
    if isinstance(value, dt.datetime):
        return f"is a moment, and a day is needed; write {example}, or .date() of it"
    if not isinstance(value, dt.date):
        if not isinstance(value, str):
            return f"is {kind_of(value)}, and a day is needed; write {example}"
        try:
            day = dt.date.fromisoformat(value) if _DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            return f"{value!r} is not a day; write {example}"
        value = day
    if value >= dt.datetime.now(tz=dt.UTC).date():
        return f"{value} is not over, and another version may be the newest of it yet; write latest(), or a day before"
    return None


@dataclass(frozen=True)
class DatasetView:
    """One version of a dataset, for whoever reads it; being given one is what grants the right to read the dataset."""

    advice: ClassVar[str] = "rows.latest(), rows.version(3) or rows.at('2026-11-01')"

    dataset: DatasetRef
    which: str
    """``latest``, a number, or a day: what the program that reads versions is asked for."""

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.dataset.name}@{self.which}"
