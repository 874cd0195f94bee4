"""What schedules accepts, as editors and type checkers see it.

Written by tools/generate_interface.py out of the spec; do not edit.
"""

from __future__ import annotations

from typing import Required, TypedDict

__all__ = ["Schedule"]


class Schedule(TypedDict, total=False):
    """When something happens."""

    cron: Required[str]
    """Five fields as in Unix cron: minute, hour, day of month, month, day of week (0 or 7 is Sunday)."""
    timezone: str
    """A name of the IANA time zone database, such as ``Europe/Berlin``."""
