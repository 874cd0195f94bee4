"""What a search tries: values spread over their ranges, the same each time.

Clouds draw at random, or learn from the trials before. Here the trials are the two ends, then those of a sequence that
covers a range evenly (van der Corput's), so that a test knows them beforehand.
"""

import math


def share(index: int) -> float:
    """Return how far into a range a trial lies: 0, 1, 1/2, 1/4, 3/4, 1/8 and so on.

    >>> [share(index) for index in range(5)]
    [0.0, 1.0, 0.5, 0.25, 0.75]
    """
    if index <= 1:
        return float(index)
    found, part, rest = 0.0, 0.5, index - 1
    while rest:
        rest, digit = divmod(rest, 2)
        found, part = found + digit * part, part / 2
    return found


def between(low: float, high: float, index: int, *, logarithmic: bool = False) -> float:
    """Return the value of a trial, evenly spread or by its logarithm.

    >>> [round(between(1, 100, index, logarithmic=True), 9) for index in range(3)]
    [1, 100, 10.0]
    """
    if index <= 1:
        return high if index else low
    if logarithmic:
        return math.exp(math.log(low) + share(index) * (math.log(high) - math.log(low)))
    return low + share(index) * (high - low)
