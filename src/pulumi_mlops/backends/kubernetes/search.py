"""Which values the trials of a search have: spread over the whole space, and the same at each run."""

import math
import random

from pulumi_mlops.steps.tune import Search, TuneStep
from pulumi_mlops.steps.work import text


def trials(seed: str, step: TuneStep) -> list[dict[str, str]]:
    """Return the values of each trial: a Latin hypercube, in which each parameter visits every part of its range once.

    :param seed: what tells the search from others; the same one gives the same values.
    """
    # Not for secrets: anybody may foresee these.
    chance = random.Random(seed)  # noqa: S311 (as said)
    found: list[dict[str, str]] = [{} for _ in range(step.trials)]
    for name, search in sorted(step.over.items()):
        places = [(part + chance.random()) / step.trials for part in range(step.trials)]
        chance.shuffle(places)
        for values, place in zip(found, places, strict=True):
            values[name] = text(at(search, place))
    return found


def at(search: Search, place: float) -> object:
    """Return the value at a place between 0 and 1.

    >>> at(Search(uniform=[0, 10]), 0.25), at(Search(log_uniform=[0.01, 100]), 0.5), at(Search(choice=["a", "b"]), 0.9)
    (2.5, 1.0, 'b')
    >>> at(Search(integer=[1, 3]), 0.0), at(Search(integer=[1, 3]), 0.99)
    (1, 3)
    """
    if search.choice:
        return search.choice[min(int(place * len(search.choice)), len(search.choice) - 1)]
    assert search.ends is not None  # noqa: S101 (it is no choice)
    low, high = search.ends
    if search.integer:
        return min(int(low) + int(place * (high - low + 1)), int(high))
    value = math.exp(math.log(low) + place * math.log(high / low)) if search.log_uniform else low + place * (high - low)
    # Twelve digits: more would tell one machine's arithmetic from another's.
    return float(f"{value:.12g}")
