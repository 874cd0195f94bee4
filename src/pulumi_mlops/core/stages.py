"""What a stage means: ``dev`` is cheap and can be destroyed, ``prod`` protects."""

from dataclasses import dataclass
from typing import Literal

Stage = Literal["dev", "staging", "prod"]


@dataclass(frozen=True)
class Profile:
    """The defaults that follow from a stage."""

    protect: bool
    """Refuse to delete what holds data (Pulumi's ``protect``), and never empty it on deletion."""
    log_days: int
    """Days that logs are kept."""
    recovery_days: int
    """Days in which a deleted key or secret can be brought back; the backend's minimum where it has one."""
    version_days: int
    """Days that an overwritten or deleted artifact can still be restored."""


PROFILES: dict[Stage, Profile] = {
    "dev": Profile(protect=False, log_days=14, recovery_days=0, version_days=7),
    "staging": Profile(protect=False, log_days=30, recovery_days=7, version_days=30),
    "prod": Profile(protect=True, log_days=365, recovery_days=30, version_days=90),
}
