"""What builds a noun: engines, each a set of functions. A backend is an engine that has a platform.

An engine is a module with a constant ``ENGINE``, which says what it provides:

    ENGINE = Engine(
        provides=[Platform.built_by(platform), APPROVED.done_by(approved)],
        capabilities=CAPABILITIES,
    )

What is not provided is not there: the user is told so before anything is registered. Type checkers compare each
function with what the noun, or the task, asks for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar

from pulumi import ProviderResource

from pulumi_mlops.core.capabilities import Table
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.refs import HubRef

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Part:
    """One function of an engine, and what it does."""

    task: str
    function: Callable[..., Any]
    over: tuple["Task[Any, Any]", ...] = ()
    """The primitives that it calls, which the platform's backend must have."""


@dataclass(frozen=True)
class Task(Generic[P, R]):
    """Something that engines do: build a noun, or be asked or told something about one.

    Declared once beside the noun; ``done_by`` is how an engine says that a function does it.
    """

    name: str
    """``Endpoint`` for building an endpoint, ``Model.approved`` for a question about one, ``secret.keep`` for a
    primitive."""
    capability: str = ""
    """What a backend's table says of a primitive; empty for a noun, whose name is its capability."""
    optional: bool = False
    """Whether a primitive is called only where the arguments ask for its capability."""

    def done_by(self, function: Callable[P, R], *, over: Iterable["Task[Any, Any]"] = ()) -> Part:
        """Say which function of an engine does this, and over which primitives of the platform's backend."""
        return Part(self.name, function, tuple(over))


def _no_problems(_name: str, _spec: Spec) -> Iterable[Problem]:
    return ()


def _default_provider(_hub: HubRef, _given: ProviderResource | None) -> Sequence[ProviderResource]:
    return ()


def _anywhere(_name: str, _spec: Spec, _given: ProviderResource | None) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True)
class Engine:
    """What an engine provides, how well, and what it refuses."""

    provides: Sequence[Part]
    """Its functions."""
    capabilities: Table
    """How well it does each thing."""
    problems: Callable[[str, Spec], Iterable[Problem]] = _no_problems
    """Judges what only this engine can judge, and what is there already forbids, before anything is registered."""
    package: str = ""
    """Pulumi's package of the provider that leads to a platform; empty for an engine that is no backend."""
    reach: Callable[[HubRef, ProviderResource | None], Sequence[ProviderResource]] = _default_provider
    """Returns the providers for a platform that another stack owns, or refuses it: nothing may land elsewhere. It is
    given the provider of ``package`` that the component's own options name."""
    misplaced: Callable[[str, Spec, ProviderResource | None], Iterable[Problem]] = _anywhere
    """Judges a platform's arguments beside the provider that its options name."""
    composed: bool = False
    """Whether its nouns consist of others: what their arguments need is asked of the platform's backend."""
    tasks: dict[str, Callable[..., Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", {part.task: part.function for part in self.provides})

    def over(self, task: str) -> tuple[Task[Any, Any], ...]:
        """Return the primitives that the function for a task calls."""
        return next((part.over for part in self.provides if part.task == task), ())

    def find(self, task: Task[P, R]) -> Callable[P, R] | None:
        """Return the function that does this, if there is one."""
        return self.tasks.get(task.name)
