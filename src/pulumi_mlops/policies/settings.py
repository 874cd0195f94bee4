"""What a pack can be told: levels by profile, what is allowed, and exceptions with an owner, a reason and an end."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pulumi_mlops.policies.costs.told import CostSettings

from pulumi_mlops.core.replaceable import named

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


SENTENCE = 10
"""The letters that a reason has at least."""
TEXT: Mapping[str, Any] = {"type": "string"}
TEXTS: Mapping[str, Any] = {"type": "array", "items": TEXT}
NAME: Mapping[str, Any] = {"type": "string", "minLength": 1}
DAY: Mapping[str, Any] = {"type": "string", "format": "date"}


def _told(default: Any, description: str, kind: Mapping[str, Any]) -> Any:
    """Make a field of what may be told, with its JSON schema."""
    shown = {} if default in (None, MISSING) else {"default": list(default) if isinstance(default, tuple) else default}
    return field(default=default, metadata={"schema": {**kind, **shown, "description": description}})


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """What may be otherwise for a time, and who answers for it."""

    rule: str = _told(MISSING, "The id of the rule.", NAME)
    resources: tuple[str, ...] = _told(("*",), "Names or URNs of resources; `*` is any text.", TEXTS)
    owner: str = _told(MISSING, "Who answers for it.", NAME)
    reason: str = _told(MISSING, "Why it may be so, in a sentence.", {"type": "string", "minLength": SENTENCE})
    expires: dt.date = _told(MISSING, "The last day on which it holds; afterwards it is a violation itself.", DAY)  # noqa: RUF009  (a field)

    def covers(self, rule: str, name: str, urn: str) -> bool:
        """Say whether it is about a finding."""
        return rule == self.rule and named(self.resources, name, urn)


def _schema(kind: Any) -> dict[str, Any]:
    known = {each.name: each for each in fields(kind) if each.metadata}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: dict(each.metadata["schema"]) for name, each in known.items()},
        "required": [name for name, each in known.items() if each.default is MISSING],
    }


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The properties of the policy `settings` in a pack's configuration.

    Not a model of pydantic, whose import is a fifth of what a pack's process takes; what is told of costs is one.
    """

    regions: tuple[str, ...] = _told((), "Regions that may be used; none named, all may.", TEXTS)
    machines: tuple[str, ...] = _told((), "Machines that may be used, such as `ml.m5.*`; none named, all may.", TEXTS)
    registries: tuple[str, ...] = _told(
        (), "Beginnings of images that may be used, such as `ghcr.io/acme/`; none named, all may.", TEXTS
    )
    tags: tuple[str, ...] = _told(("owner", "project"), "Tags that every resource has.", TEXTS)
    tag_values: Mapping[str, str] | None = _told(
        None,
        "What tags are set to where `governance.tags-required` is `remediate`.",
        {"type": "object", "additionalProperties": TEXT},
    )
    budget_ceiling: float | None = _told(
        None, "The most that a monthly budget may be.", {"type": "number", "exclusiveMinimum": 0}
    )
    capture_percent: float = _told(
        1, "The least of requests that are captured.", {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
    )
    replicas: int = _told(2, "The least replicas of an endpoint.", {"type": "integer", "minimum": 1})
    log_days: int = _told(30, "The least days for which logs are kept.", {"type": "integer", "minimum": 1})
    backup_days: int = _told(7, "The least days for which backups are kept.", {"type": "integer", "minimum": 1})
    cost: "CostSettings | None" = _told(  # noqa: RUF009  (a field)
        None, "What a month may cost, and what an estimate of it is told.", {"type": "object"}
    )
    exceptions: tuple[Exemption, ...] = _told(
        (), "What may be otherwise for a time.", {"type": "array", "items": _schema(Exemption)}
    )
    today: dt.date = field(default_factory=dt.date.today)
    replaceable: tuple[str, ...] = ()
    """What the setting of a stack says may be lost, in `core.replaceable`: it belongs to one change, not to a pack."""

    def expired(self) -> list[Exemption]:
        """List the exceptions that do not hold any more."""
        return [each for each in self.exceptions if each.expires < self.today]


def level(rule: str, severity: str, profile: Profile) -> Level:
    """Tell the level of a rule in a profile."""
    return APART.get(rule, {}).get(profile, BY_SEVERITY[profile][severity])


def problems(told: Mapping[str, Any], rules: Iterable[str]) -> tuple[Settings | None, list[str]]:
    """Read settings; say everything that is wrong with them."""
    if wrong := list(_wrong(told, schema(), "")):
        return None, wrong
    cost, wrong = _costs(told["cost"]) if "cost" in told else (None, [])
    exceptions = tuple(exemption(each) for each in told.get("exceptions", ()))
    settings = Settings(**{**_read(told), "cost": cost, "exceptions": exceptions})
    known = set(rules)
    wrong += [f"exceptions: there is no rule {each.rule}" for each in exceptions if each.rule not in known]
    return settings, wrong


def _costs(told: Mapping[str, Any]) -> "tuple[CostSettings | None, list[str]]":
    from pulumi_mlops.policies.costs import told as costs  # noqa: PLC0415  (it loads pydantic)

    return costs.problems(told)


def exemption(told: Mapping[str, Any]) -> Exemption:
    """Read an exception that is as the schema says."""
    return Exemption(**{**_read(told), "expires": dt.date.fromisoformat(told["expires"])})


def schema() -> dict[str, Any]:
    """Write the JSON schema of the settings, with nothing that refers to another place of it."""
    return _schema(Settings)


def _read(told: Mapping[str, Any]) -> dict[str, Any]:
    """Take values as fields have them; the engine hands every number over as a float."""
    found: dict[str, Any] = {}
    for key, value in told.items():
        whole = isinstance(value, float) and value.is_integer()
        found[key] = tuple(value) if isinstance(value, list) else int(value) if whole else value
    return found


KINDS: Mapping[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list, tuple),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
}


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and not isinstance(value, bool)


def _wrong(value: Any, kind: Mapping[str, Any], at: str) -> Iterator[str]:
    """Hold a value against the words of JSON schema that stand in this module."""
    if not _is(value, kind["type"]):
        yield f"{at or 'settings'}: is no {kind['type']}"
    elif kind["type"] == "object":
        yield from (f"{_at(at, key)}: is missing" for key in kind.get("required", ()) if key not in value)
        for key, each in value.items() if isinstance(kind.get("additionalProperties"), Mapping) else ():
            yield from _wrong(each, kind["additionalProperties"], _at(at, key))
        for key, each in value.items() if "properties" in kind else ():
            if key in kind["properties"]:
                yield from _wrong(each, kind["properties"][key], _at(at, key))
            else:
                yield f"{_at(at, key)}: there is no such setting; there are {', '.join(kind['properties'])}"
    elif kind["type"] == "array":
        for number, each in enumerate(value):
            yield from _wrong(each, kind["items"], _at(at, str(number)))
    elif kind["type"] == "string":
        yield from _wrong_text(value, kind, at)
    else:
        yield from _wrong_number(value, kind, at)


def _wrong_text(value: str, kind: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < kind.get("minLength", 0):
        yield f"{at}: has fewer than {kind['minLength']} letters"
    if kind.get("format") == "date":
        try:
            dt.date.fromisoformat(value)
        except ValueError:
            yield f"{at}: is no day such as 2027-03-31"


def _wrong_number(value: float, kind: Mapping[str, Any], at: str) -> Iterator[str]:
    if kind["type"] == "integer" and value != int(value):
        yield f"{at}: is no whole number"
    if value < kind.get("minimum", value) or value <= kind.get("exclusiveMinimum", value - 1):
        yield f"{at}: is too small"
    if value > kind.get("maximum", value):
        yield f"{at}: is more than {kind['maximum']}"


def _at(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key
