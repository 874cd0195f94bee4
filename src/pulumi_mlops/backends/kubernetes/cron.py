"""Unix cron to the five fields that a CronJob and a CronWorkflow take.

Days of the week end at 6: a Sunday that is written as 7 is 0. A CronWorkflow takes numbers, and no names.
"""

import re

from pulumi_mlops.core.schedules import days_of_week, months


def kubernetes_cron(expression: str) -> str:
    """Translate a checked five-field expression.

    >>> kubernetes_cron("0 3 * * 5-7"), kubernetes_cron("0 3 * * 1-5"), kubernetes_cron("0 3 * JAN,JUN MON")
    ('0 3 * * 0,5,6', '0 3 * * 1-5', '0 3 * 1,6 1')
    """
    *fields, month, weekday = expression.split()
    if re.search("[A-Za-z]", month):
        month = ",".join(map(str, months(month)))
    if re.search("[A-Za-z]|(?<!/)7", weekday):
        days = days_of_week(weekday)
        weekday = "*" if len(days) == 7 else ",".join(map(str, days))  # noqa: PLR2004 (a week)
    return " ".join([*fields, month, weekday])
