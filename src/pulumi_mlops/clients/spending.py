"""What a platform has cost, as far as its cloud counts it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was spent in the month that goes on, as a budget counts it: clouds are a day or so behind."""

    amount: float
    currency: str
    budget: float
    """How much a month may cost before somebody is told of it."""
    of: str
    """What is counted."""
