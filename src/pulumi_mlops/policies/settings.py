"""What a pack can be told: levels by profile, what is allowed, and exceptions with an owner, a reason and an end."""

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Level = Literal["mandatory", "advisory", "disabled"]
Profile = Literal["dev", "prod", "regulated"]
PROFILES: tuple[Profile, ...] = ("dev", "prod", "regulated")

BY_SEVERITY: Mapping[Profile, Mapping[str, Level]] = {
    "dev": {"critical": "mandatory", "high": "advisory", "medium": "advisory", "low": "disabled"},
    "prod": {"critical": "mandatory", "high": "mandatory", "medium": "mandatory", "low": "advisory"},
    "regulated": {"critical": "mandatory", "high": "mandatory", "medium": "mandatory", "low": "mandatory"},
}
"""What a rule is in each profile, by its severity."""

ONLY_REGULATED: Mapping[Profile, Level] = {"dev": "disabled", "prod": "disabled", "regulated": "mandatory"}
NOT_IN_DEV: Mapping[Profile, Level] = {"dev": "disabled"}
APART: Mapping[str, Mapping[Profile, Level]] = {
    "encryption.customer-key": ONLY_REGULATED,
    "encryption.images": ONLY_REGULATED,
    "supply.image-by-digest": ONLY_REGULATED,
    "host.read-only-files": ONLY_REGULATED,
    "governance.tags-required": {"dev": "advisory", "prod": "mandatory"},
    "data.stateful-protected": NOT_IN_DEV,
    "data.no-force-destroy": NOT_IN_DEV,
    "data.backed-up": NOT_IN_DEV,
    "serving.redundant": NOT_IN_DEV,
    "serving.rollback-configured": NOT_IN_DEV,
}
"""Rules whose level is not that of their severity."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Exemption(_Told):
    """What may be otherwise for a time, and who answers for it."""

    rule: str = Field(min_length=1, description="The id of the rule.")
    resources: tuple[str, ...] = Field(default=("*",), description="Names or URNs of resources; `*` is any text.")
    owner: str = Field(min_length=1, description="Who answers for it.")
    reason: str = Field(min_length=10, description="Why it may be so, in a sentence.")
    expires: dt.date = Field(description="The last day on which it holds; afterwards it is a violation itself.")

    def covers(self, rule: str, name: str, urn: str) -> bool:
        """Say whether it is about a finding."""
        if rule != self.rule:
            return False
        return any(fnmatch.fnmatchcase(name, glob) or fnmatch.fnmatchcase(urn, glob) for glob in self.resources)


class Settings(_Told):
    """The properties of the policy `settings` in a pack's configuration."""

    regions: tuple[str, ...] = Field(default=(), description="Regions that may be used; none named, all may.")
    machines: tuple[str, ...] = Field(
        default=(), description="Machines that may be used, such as `ml.m5.*`; none named, all may."
    )
    registries: tuple[str, ...] = Field(
        default=(), description="Beginnings of images that may be used, such as `ghcr.io/acme/`; none named, all may."
    )
    tags: tuple[str, ...] = Field(default=("owner", "project"), description="Tags that every resource has.")
    budget_ceiling: float | None = Field(default=None, gt=0, description="The most that a monthly budget may be.")
    capture_percent: float = Field(default=1, gt=0, le=100, description="The least of requests that are captured.")
    replicas: int = Field(default=2, ge=1, description="The least replicas of an endpoint.")
    log_days: int = Field(default=30, ge=1, description="The least days for which logs are kept.")
    backup_days: int = Field(default=7, ge=1, description="The least days for which backups are kept.")
    exceptions: tuple[Exemption, ...] = Field(default=(), description="What may be otherwise for a time.")
    today: Annotated[dt.date, Field(exclude=True)] = Field(default_factory=dt.date.today)

    def expired(self) -> list[Exemption]:
        """List the exceptions that do not hold any more."""
        return [each for each in self.exceptions if each.expires < self.today]


def level(rule: str, severity: str, profile: Profile) -> Level:
    """Tell the level of a rule in a profile."""
    return APART.get(rule, {}).get(profile, BY_SEVERITY[profile][severity])


def problems(told: Mapping[str, Any], rules: Iterable[str]) -> tuple[Settings | None, list[str]]:
    """Read settings; say everything that is wrong with them."""
    try:
        settings = Settings.model_validate(dict(told))
    except ValidationError as error:
        return None, [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    known = set(rules)
    wrong = [f"exceptions: there is no rule {each.rule}" for each in settings.exceptions if each.rule not in known]
    return settings, wrong


def schema() -> dict[str, Any]:
    """Write the JSON schema of the settings, with nothing that refers to another place of it."""
    whole = Settings.model_json_schema()
    definitions = whole.pop("$defs", {})
    whole["properties"].pop("today", None)
    resolved: dict[str, Any] = _resolved(whole, definitions)
    return resolved


def _resolved(value: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _resolved(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {key: _resolved(each, definitions) for key, each in value.items()}
    return [_resolved(each, definitions) for each in value] if isinstance(value, list) else value
