"""Unix cron to Azure's recurrences: hours and minutes of days of the week, in time zones by Windows' names."""

from typing import Any, NamedTuple

from pulumi_mlops.core.schedules import days_of_week, numbers

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MINUTE, _HOUR, _DAY = 0, 1, 2

# IANA -> Windows (https://github.com/unicode-org/cldr, common/supplemental/windowsZones.xml), the usual places.
ZONES = {
    "UTC": "UTC",
    "Etc/UTC": "UTC",
    "Africa/Cairo": "Egypt Standard Time",
    "Africa/Johannesburg": "South Africa Standard Time",
    "Africa/Lagos": "W. Central Africa Standard Time",
    "Africa/Nairobi": "E. Africa Standard Time",
    "America/Argentina/Buenos_Aires": "Argentina Standard Time",
    "America/Bogota": "SA Pacific Standard Time",
    "America/Chicago": "Central Standard Time",
    "America/Denver": "Mountain Standard Time",
    "America/Halifax": "Atlantic Standard Time",
    "America/Los_Angeles": "Pacific Standard Time",
    "America/Mexico_City": "Central Standard Time (Mexico)",
    "America/New_York": "Eastern Standard Time",
    "America/Phoenix": "US Mountain Standard Time",
    "America/Sao_Paulo": "E. South America Standard Time",
    "America/Toronto": "Eastern Standard Time",
    "Asia/Bangkok": "SE Asia Standard Time",
    "Asia/Dubai": "Arabian Standard Time",
    "Asia/Hong_Kong": "China Standard Time",
    "Asia/Jakarta": "SE Asia Standard Time",
    "Asia/Jerusalem": "Israel Standard Time",
    "Asia/Kolkata": "India Standard Time",
    "Asia/Riyadh": "Arab Standard Time",
    "Asia/Seoul": "Korea Standard Time",
    "Asia/Shanghai": "China Standard Time",
    "Asia/Singapore": "Singapore Standard Time",
    "Asia/Tokyo": "Tokyo Standard Time",
    "Australia/Brisbane": "E. Australia Standard Time",
    "Australia/Melbourne": "AUS Eastern Standard Time",
    "Australia/Perth": "W. Australia Standard Time",
    "Australia/Sydney": "AUS Eastern Standard Time",
    "Europe/Amsterdam": "W. Europe Standard Time",
    "Europe/Athens": "GTB Standard Time",
    "Europe/Berlin": "W. Europe Standard Time",
    "Europe/Brussels": "Romance Standard Time",
    "Europe/Bucharest": "GTB Standard Time",
    "Europe/Copenhagen": "Romance Standard Time",
    "Europe/Dublin": "GMT Standard Time",
    "Europe/Helsinki": "FLE Standard Time",
    "Europe/Istanbul": "Turkey Standard Time",
    "Europe/Kyiv": "FLE Standard Time",
    "Europe/Lisbon": "GMT Standard Time",
    "Europe/London": "GMT Standard Time",
    "Europe/Madrid": "Romance Standard Time",
    "Europe/Oslo": "W. Europe Standard Time",
    "Europe/Paris": "Romance Standard Time",
    "Europe/Prague": "Central Europe Standard Time",
    "Europe/Rome": "W. Europe Standard Time",
    "Europe/Stockholm": "W. Europe Standard Time",
    "Europe/Vienna": "W. Europe Standard Time",
    "Europe/Warsaw": "Central European Standard Time",
    "Europe/Zurich": "W. Europe Standard Time",
    "Pacific/Auckland": "New Zealand Standard Time",
}


class Recurrence(NamedTuple):
    """When something recurs in each week."""

    minutes: list[int]
    hours: list[int]
    days: list[str]
    """Days of the week, by name."""


def weekly(expression: str) -> Recurrence | None:
    """Translate a checked five-field expression; nothing where it names days of the month, or months.

    >>> weekly("0 8 * * 1-2")
    Recurrence(minutes=[0], hours=[8], days=['Monday', 'Tuesday'])
    >>> weekly("0 8 1 * *")
    """
    minute, hour, day, month, weekday = expression.split()
    if (day, month) != ("*", "*"):
        return None
    days = [DAYS[number] for number in days_of_week(weekday)]
    return Recurrence(numbers(minute, _MINUTE), numbers(hour, _HOUR), days)


def recurrence(expression: str) -> dict[str, Any] | None:
    """Translate a checked five-field expression to a trigger of Azure Machine Learning; nothing where it names months.

    >>> recurrence("30 3 * * MON")["frequency"], recurrence("0 * * * *")["schedule"]["hours"][:3]
    ('Week', [0, 1, 2])
    >>> recurrence("0 3 1 6 *")
    """
    minute, hour, day, month, weekday = expression.split()
    if month != "*":
        return None
    schedule: dict[str, Any] = {"hours": numbers(hour, _HOUR), "minutes": numbers(minute, _MINUTE)}
    frequency = "Day"
    if day != "*":
        frequency, schedule["month_days"] = "Month", numbers(day, _DAY)
    elif weekday != "*":
        frequency, schedule["week_days"] = "Week", [DAYS[number] for number in days_of_week(weekday)]
    return {"frequency": frequency, "interval": 1, "schedule": schedule}
