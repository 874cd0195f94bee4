"""The errors that a user of the library can meet, all shown by Pulumi without a traceback."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pulumi import RunError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in what a component was given."""

    field: str
    """Where, as the user wrote it: ``scaling.max`` or ``variants[1].name``; empty for the component itself."""
    message: str
    """What is wrong and what to write instead. Never holds the value of a secret."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class MlopsError(RunError):
    """Base of every error that the library raises on purpose."""


class InvalidArgs(MlopsError):
    """A component was given something that it cannot accept; nothing was registered.

    ``problems`` holds every problem that was found, not only the first.
    """

    def __init__(self, noun: str, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{noun} {name!r}: {count}; nothing was registered.\n{lines}")


class InvalidCall(MlopsError):
    """The client was given something that it cannot take; nothing was done.

    ``problems`` holds every problem that was found, not only the first.
    """

    def __init__(self, what: str, problems: Iterable[Problem], outcome: str) -> None:
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{what}: {count}; {outcome}.\n{lines}")


class InvalidRun(InvalidCall):
    """A pipeline was to be started with something that it cannot take; nothing was started."""

    def __init__(self, pipeline: str, problems: Iterable[Problem]) -> None:
        super().__init__(f"Pipeline {pipeline!r}", problems, "nothing was started")


class GateMissed(MlopsError):
    """A version was to be approved that its model's gate does not let through; it is as it was."""


class Unavailable(MlopsError):
    """What was asked is too busy, or not reached, also when it was asked again."""


class TimedOut(Unavailable):
    """No answer came in the time that there was for it."""


class PredictionFailed(MlopsError):
    """A model answered that it cannot answer; ``status`` is that of HTTP, where it gave one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFound(MlopsError):
    """What was asked for is not in the stack, or not there any more; the message says what there is."""


class Unsupported(MlopsError):
    """The backend cannot do what was asked; the message names the nearest thing that it can do."""


class MissingBackend(MlopsError):
    """The backend is unknown, or the extra that brings its packages is not installed."""


class MissingRequirements(MlopsError):
    """What the backend stands on is not installed where the platform is to be; the message says how to install it."""


class ReleaseRolledBack(MlopsError):
    """The cloud refused a release and went back to the version before it."""


@contextlib.contextmanager
def concerning(noun: str, name: str) -> Iterator[None]:
    """Have every error of the library name the component in whose making it arose."""
    try:
        yield
    except InvalidArgs:
        raise  # it is about a component already, and can be about another one
    except MlopsError as error:
        if repr(name) in str(error):
            raise
        raise type(error)(f"{noun} {name!r}: {error}") from error


class VerificationFailed(MlopsError):
    """A part of a verification did not show what it has to."""
