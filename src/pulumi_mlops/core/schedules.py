"""Schedules: five-field cron expressions with a time zone."""

import re
import zoneinfo

from pydantic import field_validator

from pulumi_mlops.core.inputs import Spec, nearest, refuse

_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {
        name: number
        for number, name in enumerate(
            ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1
        )
    },
    {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])},
)


class Schedule(Spec):
    """When something happens."""

    cron: str
    """Five fields as in Unix cron: minute, hour, day of month, month, day of week (0 or 7 is Sunday)."""
    timezone: str = "UTC"
    """A name of the IANA time zone database, such as ``Europe/Berlin``."""

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if problem := cron_problem(value):
            raise refuse(problem)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zones = zoneinfo.available_timezones()
        if value not in zones:
            raise refuse(f"{value!r} is not a time zone of the IANA database{nearest(value, zones)}")
        return value


def cron_problem(expression: str) -> str | None:
    """Say what is wrong with a cron expression, or nothing."""
    fields = expression.upper().split()
    if len(fields) != len(_FIELDS):
        return f"{expression!r} has {len(fields)} fields; write five: {', '.join(_FIELDS)}, such as '0 3 * * MON'"
    for field, what, (low, high), names in zip(fields, _FIELDS, _RANGES, _NAMES, strict=True):
        for item in field.split(","):
            if not _item_fits(item, low, high, names):
                return f"{item!r} does not fit as {what}; it takes {low} to {high}, ranges, lists and steps"
    if fields[2] != "*" and fields[4] != "*":
        return (
            f"{expression!r} names both a day of month and a day of week, which clouds read in different ways; "
            "write two schedules"
        )
    return None


def _item_fits(item: str, low: int, high: int, names: dict[str, int]) -> bool:
    span, _, step = item.partition("/")
    if step and not (step.isdigit() and int(step) >= 1):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    start, end = _number(first, names), _number(last if dash else first, names)
    return start is not None and end is not None and low <= start <= end <= high


def _number(word: str, names: dict[str, int]) -> int | None:
    return names.get(word, int(word) if re.fullmatch(r"\d{1,2}", word) else None)
