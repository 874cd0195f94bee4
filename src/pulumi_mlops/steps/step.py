"""What every step is: a value that says what it takes, what it makes, and when it runs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import GetCoreSchemaHandler, PrivateAttr, ValidationError
from pydantic_core import CoreSchema, core_schema

from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.inputs import Spec, deferred, is_deferred, kind_of, nearest, refuse, told
from pulumi_mlops.core.refs import Given

Comparison = Literal[">=", ">", "<=", "<"]
Plain = str | bool | int | float
PART = re.compile(r"[a-z]([a-z0-9_-]{0,38}[a-z0-9])?")
"""How inputs, outputs, metrics and parameters may be called: each becomes part of a variable and of a path."""


@dataclass(frozen=True, eq=False)
class Out:
    """A folder of files that a step makes."""

    advice: ClassVar[str] = "fit.out('model')"

    step: "Step"
    name: str

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.step.kind}.{self.name}"


@dataclass(frozen=True)
class Parameter:
    """A value that is given when the pipeline is started."""

    advice: ClassVar[str] = "mlops.parameter('days')"

    name: str

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"parameter {self.name}"


@dataclass(frozen=True, eq=False)
class Metric:
    """A number that a step measures. Comparing it makes a condition: ``judge.metric("auc") >= 0.9``."""

    advice: ClassVar[str] = "judge.metric('auc')"

    step: "Step"
    name: str

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.step.kind}.{self.name}"

    def __ge__(self, bound: "float | Parameter") -> "Condition":
        """Reach a bound."""
        return _compared(self, ">=", bound)

    def __gt__(self, bound: "float | Parameter") -> "Condition":
        """Be above a bound."""
        return _compared(self, ">", bound)

    def __le__(self, bound: "float | Parameter") -> "Condition":
        """Stay within a bound."""
        return _compared(self, "<=", bound)

    def __lt__(self, bound: "float | Parameter") -> "Condition":
        """Be below a bound."""
        return _compared(self, "<", bound)


@dataclass(frozen=True)
class Bound:
    """One comparison of a metric."""

    metric: Metric
    comparison: Comparison
    value: float | Parameter


@dataclass(frozen=True)
class Condition:
    """What must hold for a step to run; ``(a >= 0.9) & (b < 0.1)`` asks for both."""

    advice: ClassVar[str] = "judge.metric('auc') >= 0.9"

    bounds: tuple[Bound, ...]

    def __and__(self, other: "Condition") -> "Condition":
        """Ask for both."""
        return Condition((*self.bounds, *other.bounds))

    def __bool__(self) -> bool:
        """Refuse to be judged while the program runs."""
        said = "is known when the pipeline runs, not before: join conditions with `&`, and give one as when=…"
        raise InvalidArgs("Pipeline", "when", [Problem("when", said)])

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return " & ".join(f"{one.metric.label} {one.comparison} {_word(one.value)}" for one in self.bounds)


def _word(value: "float | Parameter") -> str:
    return value.name if isinstance(value, Parameter) else f"{value:g}"


def _compared(metric: Metric, how: Comparison, bound: object) -> Condition:
    if isinstance(bound, Parameter) or (isinstance(bound, int | float) and not isinstance(bound, bool)):
        return Condition((Bound(metric, how, bound),))
    this = deferred(bound) if is_deferred(bound) else f"this is {kind_of(bound)}"
    said = f"is compared with a number or a parameter; {this}"
    raise InvalidArgs("Pipeline", metric.name, [Problem(f"metric({metric.name!r})", said)])


def parameter(name: str) -> Parameter:
    """Stand for a parameter of the pipeline, in ``parameters`` and in conditions of its steps.

    :param name: as in ``Pipeline(parameters={…})``, which has its default.
    """
    if not isinstance(name, str) or not PART.fullmatch(name):
        raise InvalidArgs("Pipeline", "parameter", [Problem("name", name_problem(name))])
    return Parameter(name)


def name_problem(name: object) -> str:
    """Say how a part of a step may be called."""
    return f"{name!r} must be lower-case letters, digits, hyphens and underscores, at most 40, such as 'model'"


class Setting:
    """Marks a field that takes a plain value or a parameter of the pipeline."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Judge by class."""

        def judge(value: object) -> object:
            if isinstance(value, Plain | Parameter):
                return value
            if is_deferred(value):
                raise refuse(deferred(value))
            raise refuse(f"takes a text, a number, True or False, or mlops.parameter('…'); this is {kind_of(value)}")

        return core_schema.no_info_plain_validator_function(judge)


class Step(Spec):
    """The arguments of a step. Two steps are the same only if they are one object."""

    kind: ClassVar[str]
    """The name of the function that makes it."""
    positional: ClassVar[Sequence[str]] = ()
    """The fields that are given without a keyword."""
    advice: ClassVar[str] = "a step, such as mlops.train(…)"

    when: Annotated[Condition, Given()] | None = None
    """What must hold for it to run: ``judge.metric("auc") >= 0.9``. It runs always unless told. A step that does not
    run is skipped with everything that takes from it, and the pipeline succeeds."""

    def __hash__(self) -> int:
        """Hash by identity, as it is compared."""
        return id(self)

    def __eq__(self, other: object) -> bool:
        """Compare by identity: a step is one place in a graph."""
        return self is other

    @property
    def made(self) -> Sequence[str]:
        """The names of what it makes."""
        return ()

    @property
    def measured(self) -> Sequence[str]:
        """The names of what it measures."""
        return ()

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return self.kind

    _held: list[tuple[PipelineRef, str]] = PrivateAttr(default_factory=list)

    def held_by(self, pipeline: PipelineRef, name: str) -> None:
        """Have it know a pipeline that holds it, and its name there: what it makes is found in the runs of that."""
        self._held.append((pipeline, name))

    @property
    def holders(self) -> Sequence[tuple[PipelineRef, str]]:
        """The pipelines of this program that hold it, each with its name there."""
        return self._held

    def out(self, name: str) -> Out:
        """Name a folder of files that it makes, for another step."""
        return Out(self, self._one_of("out", name, self.made, "output"))

    def metric(self, name: str) -> Metric:
        """Name a number that it measures, for a condition or for the registry."""
        return Metric(self, self._one_of("metric", name, self.measured, "metric"))

    def _one_of(self, method: str, name: object, known: Sequence[str], what: str) -> str:
        if isinstance(name, str) and name in known:
            return name
        has = f"it has: {', '.join(known)}" if known else f"it has none; write {what}s=[…] in mlops.{self.kind}(…)"
        this = kind_of(name) if not isinstance(name, str) else repr(name)
        said = f"{this} is no {what} of this step{nearest(name, known)} ({has})"
        raise InvalidArgs(self.kind, method, [Problem(method, said)])

    def takes(self) -> Iterator[Out]:
        """Yield what it takes of other steps."""
        yield from ()

    def asks(self) -> Iterator[Metric]:
        """Yield the metrics of other steps that it needs."""
        if self.when is not None:
            yield from (bound.metric for bound in self.when.bounds)

    def parameters_used(self) -> Iterator[Parameter]:
        """Yield the parameters of the pipeline that it uses."""
        if self.when is not None:
            yield from (bound.value for bound in self.when.bounds if isinstance(bound.value, Parameter))

    def before(self) -> list["Step"]:
        """List the steps that end before it begins, each once."""
        taken = [one.step for one in self.takes()] + [one.step for one in self.asks()]
        return list(dict.fromkeys(taken))

    @classmethod
    def made_by(cls, args: Mapping[str, Any], **positional: Any) -> Self:
        """Judge what a function of this module was given, or raise one error that lists everything."""
        given = {**positional, **args}
        twice = [Problem(name, "is given twice, by its place and by its name") for name in positional if name in args]
        try:
            found = cls.model_validate(given, context=given)
        except ValidationError as error:
            raise InvalidArgs("Step", cls.kind, [*twice, *told(cls, error)]) from None
        if twice:
            raise InvalidArgs("Step", cls.kind, twice)
        return found


def named(names: Iterable[str]) -> None:
    """Judge the names of inputs, outputs, metrics or parameters."""
    if wrong := [name for name in names if not PART.fullmatch(name)]:
        also = f"; so must {', '.join(map(repr, wrong[1:]))}" if wrong[1:] else ""
        raise refuse(name_problem(wrong[0]) + also)


MEASURE = re.compile(r"[a-z]([a-z0-9_]{0,38}[a-z0-9])?")
"""How metrics may be called: they are keys that conditions and models' gates name."""


def measures(names: Sequence[str]) -> None:
    """Judge the names of metrics."""
    if wrong := [name for name in names if not MEASURE.fullmatch(name)]:
        said = "must be lower-case letters, digits and underscores, at most 40, such as 'auc'"
        raise refuse(f"{', '.join(map(repr, wrong))} {said}")


def distinct(names: Sequence[str]) -> list[str]:
    """Judge a list of names, each of which may be there once."""
    if twice := sorted({name for name in names if list(names).count(name) > 1}):
        raise refuse(f"{', '.join(map(repr, twice))} is there twice")
    return list(names)
