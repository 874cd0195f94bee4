"""prepare: files out of files."""

from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field

from pulumi_mlops.steps.work import Work

if TYPE_CHECKING:
    from pulumi_mlops.args.prepare import PrepareArgs

__all__ = ["PrepareStep", "prepare"]


class PrepareStep(Work):
    """What a step that makes files out of files is asked to do."""

    kind = "prepare"

    outputs: Annotated[list[str], Field(min_length=1)] = Field()
    """What it makes, by name: it writes files into the folder that ``MLOPS_OUTPUT_<NAME>`` names."""


def prepare(**args: "Unpack[PrepareArgs]") -> PrepareStep:
    """Make files out of files: select, join, split.

    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    return PrepareStep.made_by(args)
