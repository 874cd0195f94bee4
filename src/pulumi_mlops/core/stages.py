"""What a stage is, and how it is treated: ``dev`` is cheap and can be destroyed, ``prod`` protects.

A stage is a free short name, part of the names of everything; its profile says how it is treated.
"""

import re
from dataclasses import dataclass
from typing import Literal

ProfileName = Literal["dev", "staging", "prod"]
_STAGE = re.compile(r"[a-z][a-z0-9]{0,11}")
STAGE_RULE = "1 to 12 lower-case letters and digits that begin with a letter, such as 'dev' or 'review42'"
"""What a stage's name may be: no hyphen, because names are joined by hyphens, and short, because they have limits."""


@dataclass(frozen=True)
class Profile:
    """The defaults that follow from a profile's name."""

    name: ProfileName
    protect: bool
    """Refuse to delete what holds data (Pulumi's ``protect``), and never empty it on deletion."""
    log_days: int
    """Days that logs are kept."""
    recovery_days: int
    """Days in which a deleted key or secret can be brought back; the backend's minimum where it has one."""
    version_days: int
    """Days that an overwritten or deleted artifact can still be restored."""


PROFILES: dict[ProfileName, Profile] = {
    "dev": Profile(name="dev", protect=False, log_days=14, recovery_days=0, version_days=7),
    "staging": Profile(name="staging", protect=False, log_days=30, recovery_days=7, version_days=30),
    "prod": Profile(name="prod", protect=True, log_days=365, recovery_days=30, version_days=90),
}


def is_stage(name: str) -> bool:
    """Tell whether a stage may have this name."""
    return _STAGE.fullmatch(name) is not None


def told_by(stage: str) -> ProfileName | None:
    """Return the profile that a stage's name tells, if it tells one."""
    return next((name for name in PROFILES if name == stage), None)


def treated(stage: str) -> ProfileName:
    """Return how a stage is treated where nobody says it: one whose name tells nothing, with the most care."""
    return told_by(stage) or "prod"
