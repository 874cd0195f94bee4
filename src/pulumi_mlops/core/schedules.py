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
_MONTH, _WEEKDAY = 3, 4
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The days that each month can have."""
_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Names beside the database's places, which stand for something else on each machine."""


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
        zones = zoneinfo.available_timezones() - _NO_PLACES
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
    first_day = min(day for item in fields[2].split(",") for day in _expanded(item, 2))
    if not any(first_day <= _LONGEST[month - 1] for month in months(fields[_MONTH])):
        return f"{expression!r} never happens: no month that it names has a day {first_day}"
    if fields[2] != "*" and fields[4] != "*":
        return (
            f"{expression!r} names both a day of month and a day of week, which clouds read in different ways; "
            "write two schedules"
        )
    return None


def days_of_week(field: str) -> list[int]:
    """Return the days that a checked field names, from 0 for Sunday to 6.

    >>> days_of_week("FRI-7"), days_of_week("*/3")
    ([0, 5, 6], [0, 3, 6])
    """
    return sorted({day % 7 for item in field.upper().split(",") for day in _expanded(item, _WEEKDAY)})


def months(field: str) -> list[int]:
    """Return the months that a checked field names."""
    return numbers(field, _MONTH)


def numbers(field: str, place: int) -> list[int]:
    """Return the numbers that a checked field names.

    :param place: which of the five it is, from 0.

    >>> numbers("*/20", 0), numbers("8,17", 1)
    ([0, 20, 40], [8, 17])
    """
    return sorted({number for item in field.upper().split(",") for number in _expanded(item, place)})


def _expanded(item: str, place: int) -> range:
    """List the numbers of one item of a checked field; a step after a single number goes on to the end."""
    (low, high), names = _RANGES[place], _NAMES[place]
    span, _, step = item.partition("/")
    if place == _WEEKDAY:
        high -= 1
    if span != "*":
        first, dash, last = span.partition("-")
        low = _number(first, names) or 0
        high = (_number(last, names) or 0) if dash else max(low, high) if step else low
    return range(low, high + 1, int(step or 1))


def _item_fits(item: str, low: int, high: int, names: dict[str, int]) -> bool:
    span, _, step = item.partition("/")
    if (step or "/" in item) and not (re.fullmatch(r"[0-9]{1,2}", step) and 1 <= int(step) <= max(high, 1)):
        return False
    if span == "*":
        return True
    first, dash, last = span.partition("-")
    start, end = _number(first, names), _number(last if dash else first, names)
    return start is not None and end is not None and low <= start <= end <= high


def _number(word: str, names: dict[str, int]) -> int | None:
    return names.get(word, int(word) if re.fullmatch(r"[0-9]{1,2}", word) else None)
