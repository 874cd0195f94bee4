"""Schedules: five-field cron expressions with a time zone."""

import datetime as dt
import itertools
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
_FROM, _SEEN_DAYS = dt.date(2096, 1, 1), 9 * 366
"""The days in which times are looked for: with two leap years that are furthest apart."""
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


_DAY_MINUTES = 24 * 60


def gaps(expression: str) -> tuple[float, float]:
    """Return the hours between one time of a checked expression and the next: the fewest, and the most.

    >>> gaps("0 * * * *"), gaps("0 8 * * MON-FRI"), gaps("0,10 * * * *")
    ((1.0, 1.0), (24.0, 72.0), (0.16666666666666666, 0.8333333333333334))
    """
    fields = expression.upper().split()
    times = [hour * 60 + minute for hour in numbers(fields[1], 1) for minute in numbers(fields[0], 0)]
    days = [day for day in range(_SEEN_DAYS) if _falls(_FROM + dt.timedelta(days=day), fields)]
    around = [day * _DAY_MINUTES + times[0] for day in days]
    ended = [day * _DAY_MINUTES + times[-1] for day in days]
    between = [later - earlier for earlier, later in zip(ended, around[1:], strict=False)]
    between += [later - earlier for earlier, later in itertools.pairwise(times)]
    return min(between) / 60, max(between) / 60


def _falls(day: dt.date, fields: list[str]) -> bool:
    """Tell whether an expression names a day; it does not name days of the month and of the week both."""
    wanted = fields[2] == "*" or day.day in numbers(fields[2], 2)
    weekday = fields[4] == "*" or day.isoweekday() % 7 in days_of_week(fields[4])
    return wanted and weekday and day.month in months(fields[_MONTH])


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
