"""A schedule is judged and written by the grammar of what runs it: CronJobs know no Sunday 7, AWS no steps of names."""

import re
from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws.cron import aws_cron
from pulumi_mlops.core.schedules import cron_problem
from support.facts.kubernetes import HUB
from support.mocks import Cloud

CronJob = Callable[[str], str]
NAMES = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}


def of_a_cron_job(cron: str, **more: str) -> dict[str, Any]:
    cloud = Cloud()
    schedule: Any = {"cron": cron, **more}
    cloud.run(lambda: mlops.FeatureStore("features", platform=HUB, materialize=schedule) and None)
    spec: dict[str, Any] = cloud.one("CronJob").inputs["spec"]
    return spec


def days(field: str) -> set[int]:
    """Read days of the week as robfig/cron does, which runs CronJobs: 0 to 6, ranges that do not turn round."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, dash, last = ("0-6" if span == "*" else span).partition("-")
        low, high = (NAMES.get(word.upper(), -1) if word.isalpha() else int(word) for word in (first, last or first))
        high = 6 if step and not dash and span != "*" else high
        assert 0 <= low <= high <= 6, f"{field}: end of range or value above maximum"
        found |= set(range(low, high + 1, int(step or 1)))
    return found


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("7", {0}),
        ("5-7", {5, 6, 0}),
        ("FRI-7", {5, 6, 0}),
        ("1,7", {0, 1}),
        ("0-7", set(range(7))),
        ("1-7/2", {1, 3, 5, 0}),
        ("7-7", {0}),
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("*/2", {0, 2, 4, 6}),
        ("2/2", {2, 4, 6}),
        ("*", set(range(7))),
    ],
)
def test_days_of_the_week(field: str, wanted: set[int]) -> None:
    """Seven for Sunday, alone, in lists, ranges and steps: the same days on both backends, in each one's grammar."""
    cron = f"30 3 * * {field}"
    assert cron_problem(cron) is None
    schedule = of_a_cron_job(cron)["schedule"]
    assert schedule.split()[:4] == ["30", "3", "*", "*"]
    assert days(schedule.split()[4]) == wanted
    there = re.fullmatch(r"cron\(30 3 (\S+) \* (\S+) \*\)", aws_cron(cron))
    assert there
    named = {0, 1, 2, 3, 4, 5, 6} if there[2] == "?" else {NAMES[name] for name in there[2].split(",")}
    assert named == wanted
    assert "?" in there.groups()


@pytest.mark.parametrize(
    ("cron", "there"), [("0 0 1 JAN-DEC/3 *", "1,4,7,10"), ("0 0 1 feb/6 *", "2,8"), ("0 0 1 JAN,JUL *", "JAN,JUL")]
)
def test_months(cron: str, there: str) -> None:
    assert aws_cron(cron) == f"cron(0 0 1 {there} ? *)"


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 0 31 2 *", "never happens"),
        ("0 0 31 APR,JUN *", "never happens"),
        ("*/70 * * * *", "does not fit as minute"),
        ("0 */ * * *", "does not fit as hour"),
        ("0 0 * * 8", "does not fit as day of week"),
        ("0 0 * * SAT-SUN", "does not fit as day of week"),
        ("0 0 * * 1#2", "does not fit as day of week"),
        ("0 0 L * *", "does not fit as day of month"),
        ("@daily", "write five"),
        ("TZ=UTC 0 0 * * *", "write five"),
        ("٣ 0 * * *", "does not fit as minute"),
    ],
)
def test_what_nobody_runs_is_refused_at_preview(refused_at_preview: Callable[..., str], cron: str, why: str) -> None:
    schedule: Any = {"cron": cron}
    said = refused_at_preview(lambda: mlops.FeatureStore("features", platform=HUB, materialize=schedule))
    assert "materialize.cron" in said
    assert why in said


@pytest.mark.parametrize("zone", ["Local", "localtime", "Factory", "Europe/Munich"])
def test_a_zone_that_means_something_else_on_each_machine(refused_at_preview: Callable[..., str], zone: str) -> None:
    schedule: Any = {"cron": "0 0 * * *", "timezone": zone}
    said = refused_at_preview(lambda: mlops.FeatureStore("features", platform=HUB, materialize=schedule))
    assert "not a time zone" in said


def test_a_leap_day_happens() -> None:
    assert of_a_cron_job("0 0 29 2 *", timezone="Europe/Berlin")["timeZone"] == "Europe/Berlin"
