"""What the components of a program require of the place where they are to be, judged in one go.

A program makes one component after the other, and each knows only what it requires itself. Pulumi tells the engine of
nothing before the program has come to its end, or waits for something. So what is required is gathered until then, and
judged while every component still waits at the gate: one error names all that is missing, and nothing is registered.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

from pulumi_mlops.core.errors import MissingRequirements, MlopsError

D = TypeVar("D")


class _Gathered:
    """What has been gathered since the program began, or last waited."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.demands: dict[Callable[[Sequence[object]], None], list[object]] = {}
        self.refused: list[MlopsError] = []
        self.unmet = False
        self.gate = loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            for judge, demands in self.demands.items() if self.unmet else ():
                judge(demands)
        except MissingRequirements as error:
            # The engine shows one error only: what the program itself ended with would be lost behind this one.
            raise MissingRequirements("\n".join(map(str, [error, *self.refused]))) from error


_GATHERED: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Gathered]" = WeakKeyDictionary()


def require(judge: Callable[[Sequence[D]], None], demand: D) -> None:
    """Have a demand judged, by a function that raises :class:`MissingRequirements`, together with all others of it."""
    gathered = _current()
    if gathered is not None:
        gathered.demands.setdefault(judge, []).append(demand)  # type: ignore[arg-type]  # its own demands only
    try:
        judge([demand])
    except MissingRequirements:
        if gathered is None:
            raise
        gathered.unmet = True


def gate() -> Awaitable[None] | None:
    """Return what a component waits for before it is registered; nothing where no program is under way."""
    gathered = _current()
    return gathered.gate if gathered else None


def unmet() -> bool:
    """Say whether the program will be refused: then it does not wait for what only a registration would tell."""
    gathered = _current()
    return gathered is not None and gathered.unmet


def refused(error: MlopsError) -> None:
    """Remember that a component was refused: what is missing is told with it."""
    gathered = _current()
    if gathered:
        gathered.refused.append(error)


def _current() -> _Gathered | None:
    try:
        loop = asyncio.get_event_loop()
    except RuntimeError:
        return None
    found = _GATHERED.get(loop)
    if found is None or found.gate.done():
        found = _GATHERED[loop] = _Gathered(loop)
    return found
