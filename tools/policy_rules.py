"""The page of rules, out of the rules themselves."""

from collections.abc import Callable

from pulumi_mlops.policies.catalogue import RULES
from pulumi_mlops.policies.model import Rule
from pulumi_mlops.policies.settings import PROFILES, level, schema

Table = Callable[[list[str], list[list[str]]], str]
CLOUDS = {"aws": "AWS", "azure": "Azure", "kubernetes": "Kubernetes"}
TOPICS = {
    "encryption": "Encryption",
    "secrets": "Secrets",
    "network": "Networks",
    "access": "Access",
    "host": "Machines and containers",
    "data": "Data",
    "supply": "Images",
    "serving": "Serving",
    "registry": "Registries",
    "cost": "Cost",
    "governance": "Governance",
}
MANY = 20
"""Above which the kinds of a rule are counted, and not listed."""
SETS = {"mandatory": "must", "advisory": "should", "disabled": "off"}


def page(note: str, table: Table) -> str:
    """Write the page."""
    parts = [
        "# Rules of the policies",
        note.strip(),
        f"{len(RULES)} rules, {sum(len(rule.clouds) for rule in RULES)} with the clouds of each counted.",
        "How they are used, what the profiles are and how a configuration looks is in [policies](../policies.md).",
        "*must*: a violation fails the preview. *should*: it is said. *off*: nobody looks.",
        _settings(table),
    ]
    for topic in dict.fromkeys(rule.id.partition(".")[0] for rule in RULES):
        rules = [rule for rule in RULES if rule.id.partition(".")[0] == topic]
        parts += [f"## {TOPICS[topic]}", *map(_rule, rules)]
    return "\n\n".join(parts) + "\n"


def _rule(rule: Rule) -> str:
    levels = ", ".join(f"{profile}: {SETS[level(rule.id, rule.severity, profile)]}" for profile in PROFILES)
    lines = [
        f"### {rule.id}",
        f"**{rule.title}.** {rule.why}",
        f"- {rule.severity}; {levels}",
        *(f"- {CLOUDS[cloud]}: {_kinds(rule, cloud)}" for cloud in CLOUDS if cloud in rule.clouds),
        f"- asked for by: {'; '.join(rule.sources)}",
    ]
    return "\n\n".join([*lines[:2], "\n".join(lines[2:])])


def _kinds(rule: Rule, cloud: str) -> str:
    checks = [check for check in rule.checks if check.cloud == cloud]
    kinds = dict.fromkeys(kind.partition(":")[2] for check in checks for kind in check.types)
    if len(kinds) > MANY:
        return f"{len(kinds)} kinds of resources together"
    shown = ", ".join(f"`{kind}`" if kind != "*" else "everything" for kind in kinds)
    return f"{shown}, and what belongs to it in the stack" if any(check.relation for check in checks) else shown


def _settings(table: Table) -> str:
    rows = [
        [f"`{name}`", str(one["description"]), f"`{one['default']}`" if one.get("default") is not None else ""]
        for name, one in schema()["properties"].items()
    ]
    return f"## Settings\n\n{table(['name', 'what', 'unless told'], rows)}"
