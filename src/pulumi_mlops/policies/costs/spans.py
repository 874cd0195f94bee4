"""Amounts of which the least, the expected and the most are told; decimals, as money is."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

HOURS: Final = Decimal(730)
"""The hours of a month: a year's 8760 by twelve."""


@dataclass(frozen=True)
class Span:
    """The least, the expected and the most."""

    low: Decimal
    expected: Decimal
    high: Decimal

    @classmethod
    def of(cls, low: Any, expected: Any = None, high: Any = None) -> "Span":
        """Make one of numbers; one number alone is all three."""
        least = Decimal(str(low))
        middle = least if expected is None else Decimal(str(expected))
        return cls(least, middle, middle if high is None else Decimal(str(high)))

    def __mul__(self, other: "Span") -> "Span":
        return Span(self.low * other.low, self.expected * other.expected, self.high * other.high)

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.expected + other.expected, self.high + other.high)

    @property
    def exact(self) -> bool:
        """Say whether all three are one."""
        return self.low == self.expected == self.high

    def plain(self) -> dict[str, str]:
        """Write it as JSON has it: decimals are texts."""
        return {"low": text(self.low), "expected": text(self.expected), "high": text(self.high)}

    @classmethod
    def read(cls, written: Mapping[str, str]) -> "Span":
        """Read what `plain` has written."""
        return cls(Decimal(written["low"]), Decimal(written["expected"]), Decimal(written["high"]))


ONE: Final = Span.of(1)
NOTHING: Final = Span.of(0)
CENT: Final = Decimal("0.01")
MONTH: Final = Span.of(HOURS)


def text(value: Decimal) -> str:
    """Write a decimal without an exponent and without zeros at its end."""
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def money(value: Decimal) -> str:
    """Write money with two places."""
    return f"{value.quantize(CENT, ROUND_HALF_UP):,}"


def decimal(value: Any) -> Decimal | None:
    """Read a number that may stand as text; nothing else is one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
