"""register: a version of a model, which waits for its approval."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Unpack

from pydantic import Field

from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.core.inputs import In, Needs, given
from pulumi_mlops.core.refs import Given, Has, Of
from pulumi_mlops.steps.step import Metric, Out, Step

if TYPE_CHECKING:
    from pulumi_mlops.args.register import RegisterArgs

__all__ = ["RegisterStep", "register"]


class RegisterStep(Step):
    """What becomes a version of a model."""

    kind = "register"
    positional = ("model", "files")

    model: Of[ModelRef]
    """The model that gets another version."""
    files: Annotated[Out, Given()]
    """The files of the version."""
    image: Annotated[In[str] | None, Needs("pipeline.register.image", given)] = None
    """The image that serves it; without one whoever serves the version names it."""
    metrics: list[Annotated[Metric, Given()]] = []
    """What is written down with the version, for the model's gate and for people; what ``when`` compares is written
    down too."""
    metadata: Annotated[dict[str, str], Field(max_length=20)] = {}
    """Further facts about the version."""

    def takes(self) -> Iterator[Out]:
        """Yield what it takes of other steps."""
        yield self.files

    def asks(self) -> Iterator[Metric]:
        """Yield the metrics of other steps that it needs."""
        yield from self.noted()

    def noted(self) -> list[Metric]:
        """List the metrics that are written down with the version, the first of each name."""
        found = {one.name: one for one in reversed([*super().asks(), *self.metrics])}
        return list(reversed(found.values()))


def register(model: Has[ModelRef], files: Out, /, **args: "Unpack[RegisterArgs]") -> RegisterStep:
    """Register a version of a model. It waits for an approval: nothing is served before.

    :param model: the model.
    :param files: what another step made: ``best.out("model")``.
    :raises InvalidArgs: something is wrong with the arguments; every problem is listed.
    """
    return RegisterStep.made_by(args, model=model, files=files)
