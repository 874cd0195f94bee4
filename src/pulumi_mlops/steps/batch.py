"""batch: score files with a model."""

from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field, field_validator

from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.inputs import Needs, given, refuse
from pulumi_mlops.core.refs import Given
from pulumi_mlops.steps.step import Out
from pulumi_mlops.steps.work import Read, Work, readable

if TYPE_CHECKING:
    from pulumi_mlops.args.batch import BatchArgs

__all__ = ["BatchStep", "batch"]

MODEL = "model"
"""The input with the model's files."""


class BatchStep(Work):
    """What a step that scores is asked to do."""

    kind = "batch"
    positional = ("model",)

    model: Annotated[
        Annotated[Out | ModelVersionRef, Given()],
        Needs("pipeline.batch", given),
        Needs("pipeline.versions", lambda model: isinstance(model, ModelVersionRef)),
    ]
    """The model that scores: what another step made, or a version of the registry. The container finds its files in the
    folder that ``MLOPS_INPUT_MODEL`` names."""
    inputs: Annotated[dict[str, Read], Field(min_length=1)] = Field()
    """What is scored, by name: what another step made, a version of a dataset, or the history of a feature group. The
    container finds the folder of each under ``MLOPS_INPUT_<NAME>``."""
    outputs: Annotated[list[str], Field(min_length=1)] = ["scores"]
    """What it makes, by name: it writes files into the folder that ``MLOPS_OUTPUT_<NAME>`` names."""

    @field_validator("model")
    @classmethod
    def _a_version_with_files(cls, value: Out | ModelVersionRef) -> Out | ModelVersionRef:
        readable(value)
        return value

    @field_validator("inputs")
    @classmethod
    def _beside_the_model(cls, value: dict[str, object]) -> dict[str, object]:
        if MODEL in value:
            raise refuse(f"{MODEL!r} is the folder of the model itself; give the input another name")
        return value


def batch(model: Out | ModelVersionRef, /, **args: "Unpack[BatchArgs]") -> BatchStep:
    """Score files with a model: ``mlops.batch(churn.approved(), inputs={"rows": rows.latest()}, …)``.

    :param model: what another step made, ``fit.out("model")``, or a version of the registry, ``churn.approved()``.
    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    found = BatchStep.made_by(args, model=model)
    return found.model_copy(update={"inputs": {MODEL: found.model, **found.inputs}})  # it is brought as every input is
