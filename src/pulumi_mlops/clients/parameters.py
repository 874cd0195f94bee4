"""What a pipeline is started with, judged before anything is started."""

import math
from collections.abc import Iterator, Mapping

from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.errors import InvalidRun, Problem
from pulumi_mlops.core.inputs import nearest
from pulumi_mlops.steps.step import Plain
from pulumi_mlops.steps.work import text

_WORDS = ("true", "false")
_TOLD = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
}


def judged(pipeline: PipelineRef, given: Mapping[str, Plain]) -> dict[str, str]:
    """Return parameters as texts, as every backend takes them.

    :raises InvalidRun: one is not the pipeline's, or not of its type; every problem is listed.
    """
    problems = list(_problems(pipeline, given))
    if problems:
        raise InvalidRun(pipeline.name, problems)
    return {name: _as(pipeline.types[name], value) for name, value in given.items()}


def _problems(pipeline: PipelineRef, given: Mapping[str, Plain]) -> Iterator[Problem]:
    for name, value in given.items():
        if name not in pipeline.parameters:
            there = ", ".join(pipeline.parameters) or "none"
            told = f"is no parameter of the pipeline{nearest(name, pipeline.parameters)} (it has: {there})"
            yield Problem(name, told)
        elif not _fits(pipeline.types[name], value):
            default = text(pipeline.parameters[name])
            wanted = _TOLD[pipeline.types[name]]
            yield Problem(name, f"{value!r} is not {wanted}; write one such as {default}, its default")


def _fits(kind: str, value: Plain) -> bool:
    if kind == "str":
        return isinstance(value, str)
    written = _as(kind, value)
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and written in _WORDS
    try:
        number = float(written)
    except ValueError:
        return False
    return math.isfinite(number) and (kind == "float" or written.lstrip("+-").isdecimal())


def _as(kind: str, value: Plain) -> str:
    """Write a value as a program finds it; a console gives texts only."""
    written = text(value)
    return written.lower() if kind == "bool" else written
