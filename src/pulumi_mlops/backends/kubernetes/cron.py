"""Unix cron to the five fields of a CronJob, whose days of the week end at 6: a Sunday that is written as 7 is 0."""

from pulumi_mlops.core.schedules import days_of_week


def kubernetes_cron(expression: str) -> str:
    """Translate a checked five-field expression.

    >>> kubernetes_cron("0 3 * * 5-7"), kubernetes_cron("0 3 * * 1-5")
    ('0 3 * * 0,5,6', '0 3 * * 1-5')
    """
    fields = expression.split()
    spans = [item.partition("/")[0] for item in fields[-1].split(",")]
    if not any(number == "7" for span in spans for number in span.split("-")):
        return " ".join(fields)
    days = days_of_week(fields[-1])
    return " ".join([*fields[:-1], "*" if len(days) == 7 else ",".join(map(str, days))])  # noqa: PLR2004 (a week)
