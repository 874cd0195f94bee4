"""Judges the arguments of a pipeline's steps by the shapes of the API's own calls, before anything is registered.

Values that only a run knows, and Outputs, are let through: SageMaker judges them when the step begins.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.aws import limits
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred

_CALLS = {
    "Training": ("CreateTrainingJobRequest", {"TrainingJobName"}),
    "Tuning": ("CreateHyperParameterTuningJobRequest", {"HyperParameterTuningJobName"}),
    "Processing": ("CreateProcessingJobRequest", {"ProcessingJobName"}),
    "RegisterModel": ("CreateModelPackageInput", set[str]()),
}
"""The shape of what each kind of step is called with, and the members that SageMaker gives by itself."""


def problems(steps: list[dict[str, Any]]) -> Iterator[Problem]:
    """Judge every step of a definition, those within conditions too."""
    for step in steps:
        arguments = step["Arguments"]
        if step["Type"] == "Condition":
            yield from problems(arguments["IfSteps"])
            continue
        shape, given = _CALLS[step["Type"]]
        yield from _judged(f"steps.{step['Name']}", arguments, shape, frozenset(given))


def _judged(field: str, value: Any, name: str, given: frozenset[str] = frozenset()) -> Iterator[Problem]:
    if is_deferred(value) or _of_the_run(value):
        return
    shape = limits.told("sagemaker", name)
    if shape["type"] == "structure":
        yield from _structure(field, value, shape, given)
    elif shape["type"] == "list":
        yield from limits.judged_as_told(field, value, "sagemaker", name)
        for index, one in enumerate(value):
            yield from _judged(f"{field}[{index}]", one, shape["member"]["shape"])
    elif shape["type"] == "map":
        plain = {key: "0" if _of_the_run(one) else one for key, one in value.items()}
        yield from limits.judged_as_told(field, plain, "sagemaker", name)
    elif value in shape.get("enum", [value]):
        yield from limits.judged_as_told(field, value, "sagemaker", name)
    else:
        yield Problem(field, f"{value!r} is nothing that SageMaker takes here; where it is new, get a newer boto3")


def _structure(
    field: str, value: Mapping[str, Any], shape: Mapping[str, Any], given: frozenset[str]
) -> Iterator[Problem]:
    members: Mapping[str, Any] = shape["members"]
    for member in shape.get("required", []):
        if value.get(member) is None and member not in given:
            yield Problem(f"{field}.{member}", "is required by SageMaker")
    for member, one in value.items():
        if member not in members:
            yield Problem(f"{field}.{member}", "is nothing that SageMaker takes here")
        elif one is not None:
            yield from _judged(f"{field}.{member}", one, members[member]["shape"])


def _of_the_run(value: Any) -> bool:
    """Tell whether a value is one that a run works out."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet")
