"""Cron expressions and time zones."""

import pytest

from pulumi_mlops.core.errors import InvalidArgs
from pulumi_mlops.core.inputs import parse
from pulumi_mlops.core.schedules import Schedule, cron_problem


@pytest.mark.parametrize(
    "cron",
    ["* * * * *", "0 3 * * MON", "*/15 0-6 1,15 * *", "59 23 31 12 *", "0 0 * jan-mar *", "0 0 * * 7", "5/10 * * * *"],
)
def test_good(cron: str) -> None:
    assert cron_problem(cron) is None
    assert parse(Schedule, "Schedule", "x", {"cron": cron}).timezone == "UTC"


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("", "has 0 fields; write five"),
        ("0 3 * *", "has 4 fields; write five"),
        ("0 3 * * MON *", "has 6 fields; write five"),
        ("60 3 * * *", "'60' does not fit as minute; it takes 0 to 59"),
        ("0 24 * * *", "'24' does not fit as hour; it takes 0 to 23"),
        ("0 3 0 * *", "'0' does not fit as day of month; it takes 1 to 31"),
        ("0 3 * 13 *", "'13' does not fit as month; it takes 1 to 12"),
        ("0 3 * * 8", "'8' does not fit as day of week; it takes 0 to 7"),
        ("0 3 * * FOO", "'FOO' does not fit as day of week"),
        ("0 3 * * FRI-MON", "'FRI-MON' does not fit as day of week"),
        ("*/0 3 * * *", "'*/0' does not fit as minute"),
        ("1- 3 * * *", "'1-' does not fit as minute"),
        ("? 3 * * *", "'?' does not fit as minute"),
        ("0 3 1 * MON", "names both a day of month and a day of week"),
    ],
)
def test_bad(cron: str, said: str) -> None:
    assert said in (cron_problem(cron) or "")


@pytest.mark.parametrize(
    ("zone", "said"), [("Europe/Berln", "did you mean 'Europe/Berlin'?"), ("Mars", "is not a time zone of the IANA")]
)
def test_unknown_time_zones(zone: str, said: str) -> None:
    with pytest.raises(InvalidArgs, match="timezone") as caught:
        parse(Schedule, "Schedule", "x", {"cron": "* * * * *", "timezone": zone})
    assert said in str(caught.value)
