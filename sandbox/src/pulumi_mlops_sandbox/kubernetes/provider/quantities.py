"""Quantities, compared by value: the apiserver writes ``1000m`` as ``1``."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

Path = tuple[str | int, ...]
_FORM = re.compile(r"^([+-]?[0-9.]+)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i))?$")
_FACTORS = {
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("num", start=-3)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(["", "k", "M", "G", "T", "P", "E"])},
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], start=1)},
}
_MAPS = frozenset(
    {
        "allocatedResources",
        "capacity",
        "default",
        "defaultRequest",
        "hard",
        "limits",
        "max",
        "maxLimitRequestRatio",
        "min",
        "overhead",
        "requests",
    }
)
_FIELDS = frozenset({"averageValue", "divisor", "sizeLimit"})


def parse(value: Any) -> Decimal | None:
    """Return the value of a quantity, or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    match = _FORM.match(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    try:
        return Decimal(number + (exponent or "")) * _FACTORS[suffix or ""]
    except InvalidOperation:
        return None


def holds(path: Path) -> bool:
    """Say whether a built-in kind has a quantity at a path."""
    if len(path) < 3 or path[0] == "metadata":  # noqa: PLR2004 - all are inside of `spec.something`
        return False
    return path[-1] in _FIELDS or path[-2] in _MAPS


def same(one: Any, other: Any) -> bool:
    """Say whether two quantities are worth the same."""
    left, right = parse(one), parse(other)
    return left is not None and left == right
