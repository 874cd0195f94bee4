"""How numbers stand in properties: as such, as text, and on Kubernetes with a unit behind them."""

from decimal import Decimal
from typing import Any, Final

from pulumi_mlops.policies.costs.spans import Span, decimal
from pulumi_mlops.policies.resources import Part

_SUFFIXES: Final = {
    "m": Decimal("0.001"),
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
}
GIBI: Final = Decimal(1024) ** 3


def number(part: Part, path: str, default: Any = 0) -> Decimal:
    """Read a number; what is none counts as what is written where nothing is."""
    found = decimal(part.get(path))
    return Decimal(str(default)) if found is None else found


def count(part: Part, path: str, default: Any = 1) -> Span:
    """Read how many there are."""
    return Span.of(number(part, path, default))


def quantity(value: Any) -> Decimal:
    """Read a quantity of Kubernetes, such as ``500m`` or ``2Gi``."""
    text = str(value).strip()
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Decimal(text.removesuffix(suffix)) * _SUFFIXES[suffix]
    return Decimal(text)
