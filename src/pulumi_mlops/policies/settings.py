"""What a pack can be told: levels by profile, what is allowed, and exceptions with an owner, a reason and an end."""

import datetime as dt
import fnmatch
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

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


Amount = Annotated[Decimal, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]
"""A number that is kept as it is written."""


class Between(_Told):
    """The least, the expected and the most."""

    low: Amount
    expected: Amount
    high: Amount

    @model_validator(mode="after")
    def _ordered(self) -> "Between":
        if not self.low <= self.expected <= self.high:
            raise ValueError("low, expected and high have to rise")
        return self


class Usage(_Told):
    """How much of something is used in a month, where the program cannot tell."""

    resources: tuple[str, ...] = Field(min_length=1, description="Names or URNs of resources; `*` is any text.")
    part: str = Field(default="*", description="Which of several: a step, a variant, a container.")
    component: str = Field(default="*", description="What of it, as the estimate calls it, such as `training`.")
    hours: Amount | Between | None = Field(default=None, description="The hours a month, by instance.")
    instances: Amount | Between | None = Field(default=None, description="The instances.")
    amount: Amount | Between | None = Field(default=None, description="The units a month; it needs a component.")

    @model_validator(mode="after")
    def _told(self) -> "Usage":
        if self.hours is None and self.instances is None and self.amount is None:
            raise ValueError("hours, instances or an amount has to be told")
        if self.amount is not None and (self.component == "*" or self.hours is not None or self.instances is not None):
            raise ValueError("an amount is of one component, and neither hours nor instances stand beside it")
        return self


class CostSettings(_Told):
    """What an estimate is told."""

    ceiling: Amount | None = Field(default=None, description="The most that a month may cost.")
    currency: str = Field(default="USD", min_length=3, max_length=3, description="The currency of all prices.")
    prices: str = Field(default="", description="A table of your own, a path from the program's folder.")
    as_in: dict[str, str] = Field(
        default_factory=dict, description="Regions whose unknown prices are taken from another; `*` is any."
    )
    usage: tuple[Usage, ...] = Field(default=(), description="What is used in a month.")


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
    cost: CostSettings = Field(
        default_factory=CostSettings, description="What a month may cost, and what an estimate of it is told."
    )
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
            beside = {key: each for key, each in value.items() if key != "$ref"}
            return _resolved(definitions[value["$ref"].rpartition("/")[2]], definitions) | beside
        return {key: _resolved(each, definitions) for key, each in value.items()}
    return [_resolved(each, definitions) for each in value] if isinstance(value, list) else value
