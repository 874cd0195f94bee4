"""evaluate: measure what another step made."""

from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field

from pulumi_mlops.steps.work import Work

if TYPE_CHECKING:
    from pulumi_mlops.args.evaluate import EvaluateArgs

__all__ = ["EvaluateStep", "evaluate"]


class EvaluateStep(Work):
    """What a step that measures is asked to do."""

    kind = "evaluate"

    metrics: Annotated[list[str], Field(min_length=1)] = Field()
    """What it measures: numbers that it writes as JSON, ``{"auc": 0.93}``, into the file that ``MLOPS_METRICS`` names.
    One that is missing at the end is an error."""


def evaluate(**args: "Unpack[EvaluateArgs]") -> EvaluateStep:
    """Measure what another step made; ``judge.metric("auc") >= 0.9`` is a condition for further steps.

    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    return EvaluateStep.made_by(args)
