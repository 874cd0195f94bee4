"""tune: many trainings with different parameters, of which the best one counts."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field, ValidationInfo, field_validator

from pulumi_mlops.core.inputs import Number, OneOf, Spec, Whole, refuse
from pulumi_mlops.core.refs import Given
from pulumi_mlops.steps.step import Out, Parameter, Plain, Step, measures, named
from pulumi_mlops.steps.train import TrainStep

if TYPE_CHECKING:
    from pulumi_mlops.args.tune import TuneArgs

__all__ = ["TuneStep", "tune"]

Ends = Annotated[list[Number], Field(min_length=2, max_length=2)]


class Search(Spec):
    """Where a parameter is searched: one of these."""

    one_of = OneOf("uniform", "log_uniform", "integer", "choice")

    uniform: Ends | None = None
    """Between two numbers, both ends included: ``[0.1, 0.9]``."""
    log_uniform: Ends | None = None
    """Between two numbers above 0, every order of magnitude as likely as another: ``[1e-5, 1e-2]``."""
    integer: Annotated[list[Whole], Field(min_length=2, max_length=2)] | None = None
    """A whole number between two, both ends included: ``[1, 12]``."""
    choice: Annotated[list[str | Number | Whole], Field(min_length=2, max_length=30)] | None = None
    """One of these: ``[4, 6, 8]`` or ``["adam", "sgd"]``."""

    @field_validator("uniform", "log_uniform", "integer")
    @classmethod
    def _ascending(cls, value: Sequence[float] | None, info: ValidationInfo) -> Sequence[float] | None:
        if value is None:
            return value
        low, high = value
        if low >= high:
            raise refuse(f"goes from {low:g} to {high:g}; write the lower bound first, and two that differ")
        if info.field_name == "log_uniform" and low <= 0:
            raise refuse(f"begins at {low:g}; it needs bounds above 0, or write uniform")
        return value

    @field_validator("choice")
    @classmethod
    def _distinct(cls, value: Sequence[Plain] | None) -> Sequence[Plain] | None:
        if value is not None and len({str(one) for one in value}) < len(value):
            raise refuse("has one value twice")
        return value

    @property
    def ends(self) -> tuple[float, float] | None:
        """Its two ends; none for a choice."""
        found = self.uniform or self.log_uniform or self.integer
        return (found[0], found[1]) if found else None


class TuneStep(Step):
    """What a search for the best parameters is asked to do."""

    kind = "tune"
    positional = ("fit",)
    one_of = OneOf("maximize", "minimize")

    fit: Annotated[TrainStep, Given()]
    """The training, which is run once for each trial. It is no step of the pipeline by itself."""
    maximize: str | None = None
    """The metric that is to be as high as possible. Write either this or ``minimize``."""
    minimize: str | None = None
    """The metric that is to be as low as possible."""
    over: Annotated[dict[str, Search], Field(min_length=1, max_length=30)]
    """Where each parameter is searched: ``{"lr": {"log_uniform": [1e-5, 1e-2]}, "depth": {"choice": [4, 6, 8]}}``. The
    training finds the value of a trial as ``MLOPS_PARAMETER_<NAME>``."""
    trials: Annotated[Whole, Field(ge=1, le=500)]
    """How many trials there are in all."""
    parallel: Annotated[Whole, Field(ge=1, le=100)] = 1
    """How many trials run at a time."""

    @field_validator("maximize", "minimize")
    @classmethod
    def _a_name(cls, value: str | None) -> str | None:
        measures([value] if value is not None else [])
        return value

    @field_validator("fit")
    @classmethod
    def _runs_by_itself(cls, value: TrainStep) -> TrainStep:
        if value.when is not None:
            raise refuse("has a condition of its own; write when=… in mlops.tune(…) instead")
        if value.publish:
            raise refuse("publishes, and every trial would; publish in another step, which takes the best one's output")
        return value

    @field_validator("over")
    @classmethod
    def _searched(cls, value: dict[str, Search], info: ValidationInfo) -> dict[str, Search]:
        named(value)
        fit = info.data.get("fit")
        if isinstance(fit, TrainStep) and (fixed := sorted(set(value) & set(fit.parameters))):
            said = "the training has a value of its own for it; leave it out of its parameters"
            raise refuse(f"{', '.join(map(repr, fixed))}: {said}")
        return value

    @field_validator("parallel")
    @classmethod
    def _within(cls, value: int, info: ValidationInfo) -> int:
        trials = info.data.get("trials")
        if isinstance(trials, int) and value > trials:
            raise refuse(f"{value} trials at a time are more than the {trials} in all; write at most {trials}")
        return value

    @property
    def objective(self) -> str:
        """The metric that decides."""
        found = self.maximize or self.minimize
        assert found is not None  # noqa: S101 (one of them is given)
        return found

    @property
    def made(self) -> list[str]:
        """The names of what the best trial made."""
        return self.fit.outputs

    @property
    def measured(self) -> list[str]:
        """The names of what the best trial measured."""
        return list(dict.fromkeys([self.objective, *self.fit.metrics]))

    def trial(self) -> TrainStep:
        """Return the training as one trial runs it: it measures what decides."""
        return self.fit.model_copy(update={"metrics": self.measured})

    def takes(self) -> Iterator[Out]:
        """Yield what it takes of other steps."""
        yield from self.fit.takes()

    def parameters_used(self) -> Iterator[Parameter]:
        """Yield the parameters of the pipeline that it uses."""
        yield from super().parameters_used()
        yield from self.fit.parameters_used()


def tune(fit: TrainStep, /, **args: "Unpack[TuneArgs]") -> TuneStep:
    """Run a training many times and keep the best one: ``best.out("model")``, ``best.metric("auc")``.

    :param fit: the training.
    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    return TuneStep.made_by(args, fit=fit)
