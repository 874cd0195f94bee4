"""The step of a BatchInference: the library's own program around the user's, which joins scores to the rows."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.refs import Given
from pulumi_mlops.steps.step import Plain
from pulumi_mlops.steps.work import Files, Work

SCORE = "score.py"
ROWS, MODEL, SCORES = "rows", "model", "scores"
"""What it reads, by which model, and what it makes: the container finds ``MLOPS_INPUT_ROWS`` and so on."""
MEASURED = ("scored", "failed")
"""How many rows were scored, and how many were not."""


class ScoreStep(Work):
    """A step that scores the rows of a dataset; programs of users have ``mlops.batch``."""

    kind = "score"
    programs = (SCORE,)

    inputs: Annotated[dict[str, Annotated[DatasetView | ModelVersionRef | Files, Given()]], Field(min_length=1)] = {}  # type: ignore[assignment]
    """The rows, and the model's files where it has some."""


def command(words: Sequence[object]) -> list[object]:
    """Return the whole command: the library's program, and the user's behind it."""
    return ["python3", f"$(MLOPS_PROGRAMS)/{SCORE}", *words]


def settings(view: DatasetView, output: DatasetRef, keep: Sequence[str], tolerate_percent: float) -> dict[str, Plain]:
    """Say to the library's program what it is to do, as parameters of the step."""
    found: dict[str, Plain] = {"tolerate-percent": tolerate_percent}
    found |= {"from": view.dataset.format or "", "to": output.format or ""}
    # One each: the variables of some services are short.
    return found | {f"keep-{number}": name for number, name in enumerate(keep, 1)}
