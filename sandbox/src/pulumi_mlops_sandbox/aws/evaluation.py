"""What policies let somebody do: statements against an action, a resource and the facts of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pulumi_mlops_sandbox.aws.policies import Statement, as_list

Facts = Mapping[str, str | Sequence[str]]
"""What is known of a request, by condition key, such as ``kms:ViaService``."""


def allowed(statements: Iterable[Statement], action: str, resource: str, facts: Facts) -> bool:
    """Say whether an action is allowed and not denied; a resource of ``*`` is that of actions that take none."""
    found = [one["Effect"] for one in statements if applies(one, action, resource, facts)]
    return "Deny" not in found and "Allow" in found


def applies(statement: Statement, action: str, resource: str, facts: Facts) -> bool:
    """Say whether a statement speaks of this request."""
    return (
        _named(statement, "Action", action, ignore_case=True)
        and _named(statement, "Resource", resource)
        and all(
            _holds(operator, key, as_list(values), facts)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _named(statement: Statement, member: str, value: str, *, ignore_case: bool = False) -> bool:
    if f"Not{member}" in statement:
        return not any(like(one, value, ignore_case=ignore_case) for one in as_list(statement[f"Not{member}"]))
    return any(like(one, value, ignore_case=ignore_case) for one in as_list(statement.get(member, "*")))


def like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Compare with a pattern in which ``*`` is any text and ``?`` any character."""
    return bool(_pattern(pattern, ignore_case).fullmatch(value))


@cache
def _pattern(text: str, ignore_case: bool) -> re.Pattern[str]:
    parts = "".join(".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in text)
    return re.compile(parts, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, found: wanted == found,
    "StringEqualsIgnoreCase": lambda wanted, found: wanted.lower() == found.lower(),
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}


def _holds(operator: str, key: str, wanted: list[Any], facts: Facts) -> bool:
    """Say whether one condition holds; one with several values holds if any of them fits."""
    known = next((value for name, value in facts.items() if name.lower() == key.lower()), None)
    if operator == "Null":
        return (known is None) == (str(wanted[0]).lower() == "true")
    name, if_exists = operator.removesuffix("IfExists"), operator.endswith("IfExists")
    every, name = name.startswith("ForAllValues:"), name.rpartition(":")[2]
    negated = "Not" in name
    compare = _OPERATORS.get(name.replace("Not", ""))
    if compare is None:
        return False  # numbers, dates and addresses: nothing here has such a fact
    if known is None:
        return if_exists or negated or every
    found = [known] if isinstance(known, str) else list(known)
    fits = [any(compare(str(one), value) for one in wanted) for value in found]
    return (not any(fits)) if negated else all(fits) if every else any(fits)
