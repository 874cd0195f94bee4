"""Unix cron to the six-field cron of AWS: a year more, Sunday is 1, and one of the two day fields must be '?'."""

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def aws_cron(expression: str) -> str:
    """Translate a checked five-field expression.

    >>> aws_cron("0 3 * * 1-5")
    'cron(0 3 ? * MON,TUE,WED,THU,FRI *)'
    """
    minute, hour, day, month, weekday = expression.upper().split()
    if weekday == "*":
        return f"cron({minute} {hour} {day} {month} ? *)"
    days = {day % 7 for item in weekday.split(",") for day in _days(item)}
    return f"cron({minute} {hour} ? {month} {','.join(_DAYS[day] for day in sorted(days))} *)"


def _days(item: str) -> range:
    """List the days of one item by number; names, since the two crons number the days differently."""
    span, _, step = item.partition("/")
    first, _, last = ("0-6" if span == "*" else span).partition("-")
    low = _DAYS.index(first) if first in _DAYS else int(first)
    high = low if not last else _DAYS.index(last) if last in _DAYS else int(last)
    return range(low, high + 1, int(step or 1))
