"""Unix cron to the six-field cron of AWS: a year more, Sunday is 1, and one of the two day fields must be '?'."""

import re

from pulumi_mlops.core.schedules import days_of_week, months

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def aws_cron(expression: str) -> str:
    """Translate a checked five-field expression.

    >>> aws_cron("0 3 * * 1-5")
    'cron(0 3 ? * MON,TUE,WED,THU,FRI *)'
    """
    minute, hour, day, month, weekday = expression.upper().split()
    if re.search(r"[A-Z].*/", month):  # names take no steps there
        month = ",".join(map(str, months(month)))
    if weekday == "*":
        return f"cron({minute} {hour} {day} {month} ? *)"
    # Names, since the two crons number the days differently.
    days = ",".join(_DAYS[number] for number in days_of_week(weekday))
    return f"cron({minute} {hour} ? {month} {days} *)"
