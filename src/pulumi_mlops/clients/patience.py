"""How long an answer is waited for, and when something is asked again.

What was refused for want of room, or never sent, is asked again in any case: nothing was done. What was sent and not
answered is asked again only where doing it twice is doing it once.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from pulumi_mlops.core.errors import MlopsError, TimedOut, Unavailable

T = TypeVar("T")
How: TypeAlias = Literal["busy", "unreached", "broken", "late"]
_FIRST, _LONGEST, _LONGEST_TOLD = 0.25, 8.0, 30.0
"""Seconds before it is asked again: at first, at most, and at most where the other side says how long."""


class PassingError(Exception):
    """Something that may be over the next time.

    :param how: ``busy``: it was refused for want of room; ``unreached``: nothing was sent; ``broken``: it was sent,
        and no answer came; ``late``: no answer came in time.
    :param after: seconds after which the other side wants to be asked again.
    """

    def __init__(self, how: How, told: str, after: float | None = None) -> None:
        super().__init__(told)
        self.how, self.told, self.after = how, told, after


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How much patience a call has."""

    seconds: float = 60.0
    """For one answer."""
    tries: int = 5
    pause: Callable[[float], object] = time.sleep

    def ask(self, what: str, call: Callable[[], T], *, repeatable: bool) -> T:
        """Ask, and ask again where that may help and does no harm.

        :param what: who is asked: the subject of what is said when it does not help.
        :param repeatable: whether doing it twice is doing it once.
        :raises Unavailable: it did not help.
        """
        number = 0
        while True:
            number += 1
            try:
                return call()
            except PassingError as error:
                again = error.how in ("busy", "unreached") or repeatable
                if not again or number >= self.tries:
                    raise _given_up(what, error, number, again=again) from error
                self.pause(_wait(number, error.after))


def _wait(number: int, told: float | None) -> float:
    """Return how long to wait: longer each time, and not in step with others who wait."""
    if told is not None:
        return min(max(told, 0.0), _LONGEST_TOLD)
    return float(min(_FIRST * 2 ** (number - 1), _LONGEST) * (0.5 + random.random() / 2))  # noqa: S311 (no secret)


def _given_up(what: str, error: PassingError, tries: int, *, again: bool) -> MlopsError:
    times = f", asked {tries} times" if tries > 1 else ""
    doubt = "" if again else "; it may have been done all the same, and so it was not asked again"
    if error.how == "late":
        return TimedOut(f"{what} gave no answer in time{times}: {error.told}{doubt}.")
    return Unavailable(f"{what} {error.told}{times}{doubt}.")
