"""Pipelines are moto's; it does not look into their definition, nor at their role.

A definition is judged when it is registered: its form, what it refers to, and the arguments of each step by the shapes
of the call that it makes. Executions are not run here.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session

from pulumi_mlops_sandbox.aws import shapes
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import before
from pulumi_mlops_sandbox.aws.sagemaker import references

Json = dict[str, Any]

_CALLS = {
    "Training": ("CreateTrainingJob", {"TrainingJobName": "some"}),
    "Tuning": ("CreateHyperParameterTuningJob", {"HyperParameterTuningJobName": "some"}),
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "some"}),
    "RegisterModel": ("CreateModelPackage", dict[str, str]()),
    "Transform": ("CreateTransformJob", {"TransformJobName": "some"}),
    "Model": ("CreateModel", {"ModelName": "some"}),
}
"""What each kind of step calls, and the members that SageMaker gives by itself."""
_UNJUDGED = {"Fail", "Callback", "Lambda", "ClarifyCheck", "QualityCheck", "EMR", "AutoML"}
"""Kinds of steps that are taken as they are: their arguments are no call of SageMaker's own API."""
_CONDITIONS = {
    *("Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo", "In", "Not", "Or"),
}
_LATE = ("Get", "Std:Join", "Std:JsonGet")
_VERSION = "2020-12-01"
_STEP = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPES: dict[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}
_REFERENCE = re.compile(r"(?P<kind>Parameters|Execution|Steps)\.(?P<name>[A-Za-z0-9_-]+)(?P<rest>.*)")
_MOST = 50
"""Steps of one pipeline."""


@before("sagemaker", "CreatePipeline", "UpdatePipeline")
def check(call: Call) -> None:
    """Refuse a definition that SageMaker cannot read, and a role that it cannot assume."""
    references.require_role(call.params.get("RoleArn"))
    references.require_bucket(_address(call.params.get("PipelineDefinitionS3Location")))
    text = call.params.get("PipelineDefinition")
    if text is None:
        return
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise _unreadable(f"Malformed JSON: {error}") from None
    if not isinstance(definition, dict) or not isinstance(definition.get("Steps", []), list):
        raise _unreadable("It must be an object with a list of Steps")
    if wrong := list(Definition(definition).problems()):
        raise _unreadable("; ".join(wrong[: shapes.MAX_REPORTED]))


class Definition:
    """A definition, and what is wrong with it."""

    def __init__(self, said: Json) -> None:
        self.said = said
        self.parameters = {one.get("Name"): one for one in said.get("Parameters", [])}
        self.steps: dict[str, Json] = {}

    def problems(self) -> Iterator[str]:
        """Say what is wrong."""
        if self.said.get("Version", _VERSION) != _VERSION:
            yield f"Version must be {_VERSION}"
        if unknown := sorted(
            set(self.said) - {"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps"}
        ):
            yield f"Unknown members: {', '.join(unknown)}"
        for name, one in self.parameters.items():
            taken, value = _TYPES.get(one.get("Type"), ()), one.get("DefaultValue")
            if not taken:
                yield f"Parameter {name} has no known Type"
            elif value is not None and type(value) not in taken:
                yield f"The default of parameter {name} is not of type {one['Type']}"
        yield from self._steps(self.said.get("Steps", []))
        if len(self.steps) > _MOST:
            yield f"A pipeline has at most {_MOST} steps"

    def _steps(self, steps: list[Json]) -> Iterator[str]:
        for step in steps:
            name = step.get("Name")
            if not isinstance(name, str) or not _STEP.fullmatch(name):
                yield f"Step name {name!r} does not have the form {_STEP.pattern}"
                continue
            if name in self.steps:
                yield "Step names must be unique"
            yield from self._references(name, {key: one for key, one in step.items() if key != "Arguments"})
            yield from self._judged(name, step)
            self.steps[name] = step  # what comes later may refer to it

    def _judged(self, name: str, step: Json) -> Iterator[str]:
        kind, arguments = step.get("Type"), step.get("Arguments", {})
        if kind == "Condition":
            yield from self._condition(name, arguments)
            return
        yield from self._references(name, arguments)
        if kind in _UNJUDGED:
            return
        if kind not in _CALLS:
            yield f"Step {name}: there are no steps of type {kind}"
            return
        operation, given = _CALLS[kind]
        found = shapes.problems(_input(operation), {**_settled(arguments), **given})
        yield from (f"Step {name}: {one}" for one in found)
        for one in step.get("PropertyFiles", []):
            outputs = [made["OutputName"] for made in arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])]
            if one.get("OutputName") not in outputs:
                yield f"Step {name}: property file {one.get('PropertyFileName')} is of no output"

    def _condition(self, name: str, arguments: Json) -> Iterator[str]:
        if unknown := sorted(set(arguments) - {"Conditions", "IfSteps", "ElseSteps"}):
            yield f"Step {name}: unknown members {', '.join(unknown)}"
        if not arguments.get("Conditions"):
            yield f"Step {name}: a condition step needs Conditions"
        for one in arguments.get("Conditions", []):
            if one.get("Type") not in _CONDITIONS:
                yield f"Step {name}: there is no condition of type {one.get('Type')}"
            yield from self._references(name, one)
        before_it = dict(self.steps)
        for branch in ("IfSteps", "ElseSteps"):
            yield from self._steps(arguments.get(branch, []))
        # What is within a branch may not run: nothing outside can refer to it, and its names stay taken.
        self.steps = {**before_it, **{inner: {"Type": ""} for inner in self.steps if inner not in before_it}}

    def _references(self, name: str, value: Any) -> Iterator[str]:
        """Judge every reference inside a value."""
        if isinstance(value, list):
            for one in value:
                yield from self._references(name, one)
        elif isinstance(value, dict):
            if set(value) == {"Get"}:
                yield from self._reference(name, value["Get"])
            elif set(value) == {"Std:JsonGet"}:
                yield from self._property(name, value["Std:JsonGet"])
            else:
                for one in value.values():
                    yield from self._references(name, one)

    def _reference(self, name: str, path: Any) -> Iterator[str]:
        found = _REFERENCE.fullmatch(path) if isinstance(path, str) else None
        if found is None:
            yield f"Step {name}: {path!r} is no reference"
        elif found["kind"] == "Parameters" and found["name"] not in self.parameters:
            yield f"Step {name}: there is no parameter {found['name']}"
        elif found["kind"] == "Steps" and not self.steps.get(found["name"], {}).get("Type"):
            yield f"Step {name}: there is no step {found['name']} that it could refer to"
        elif found["kind"] == "Steps" and (said := _outputs(found["rest"])) is not None:
            made = self.steps[found["name"]]["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
            if said not in [one["OutputName"] for one in made]:
                yield f"Step {name}: step {found['name']} has no output {said}"

    def _property(self, name: str, said: Json) -> Iterator[str]:
        path = said.get("PropertyFile", {}).get("Get", "")
        yield from self._reference(name, path)
        found = _REFERENCE.fullmatch(path)
        step = self.steps.get(found["name"], {}) if found else {}
        files = {f".PropertyFiles.{one['PropertyFileName']}" for one in step.get("PropertyFiles", [])}
        if step.get("Type") and found and found["rest"] not in files:
            yield f"Step {name}: step {found['name']} has no property file {found['rest']}"


def _outputs(rest: str) -> str | None:
    found = re.match(r"\.ProcessingOutputConfig\.Outputs\['([^']+)'\]", rest)
    return found[1] if found else None


def _settled(value: Any) -> Any:
    """Put something that fits every shape in the place of what only a run knows."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in _LATE:
            return shapes.ANY
        return {key: _settled(one) for key, one in value.items()}
    return [_settled(one) for one in value] if isinstance(value, list) else value


@cache
def _input(operation: str) -> Any:
    return botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape


def _unreadable(why: str) -> AwsError:
    return invalid(f"Unable to parse pipeline definition. {why}")


def _address(location: dict[str, str] | None) -> str | None:
    return None if location is None else f"s3://{location['Bucket']}/{location['ObjectKey']}"
