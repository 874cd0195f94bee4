"""An execution of SageMaker Pipelines, read beside the definition that it was started with."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.clients.runs import Run, State, StepState
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import NotFound

Json = Mapping[str, Any]
_STATES: Mapping[str, State] = {
    "Starting": "running",
    "Executing": "running",
    "Stopping": "running",
    "Stopped": "stopped",
    "Failed": "failed",
    "Succeeded": "succeeded",
}
_NAMED = re.compile(r"FinalMetricDataList\['([^']+)'\]")
_COMPARED = {"GreaterThanOrEqualTo": ">=", "GreaterThan": ">", "LessThanOrEqualTo": "<=", "LessThan": "<"}
_GONE = ("ResourceNotFound", "does not exist", "Could not find")


@dataclass(frozen=True)
class Within:
    """A step of a definition, and the conditions that it stands in, from the outermost."""

    step: Json
    conditions: tuple[Json, ...]


@dataclass(frozen=True)
class Execution:
    """An execution."""

    described: Json
    listed: Mapping[str, Json]
    """Its steps that have begun, by name."""
    definition: Json
    given: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def steps(self) -> Mapping[str, Within]:
        """The steps of the definition by name; of its conditions those that could not be judged."""
        found = dict(_flat(self.definition.get("Steps", []), ()))
        broken = (one.conditions[-1] for one in found.values() if one.conditions)
        judged = {one["Name"]: Within(one, ()) for one in broken}
        return found | {name: one for name, one in judged.items() if self._is_broken(name)}

    def _is_broken(self, condition: str) -> bool:
        return str(self.listed.get(condition, {}).get("StepStatus")) == "Failed"

    def run(self, pipeline: str) -> Run:
        """Return it as the client tells of it."""
        state = _STATES.get(self.described["PipelineExecutionStatus"], "running")
        over = state in ("succeeded", "failed", "stopped")
        return Run(
            id=str(self.described["PipelineExecutionArn"]).rpartition("/")[2],
            pipeline=pipeline,
            state=state,
            began=self.described.get("CreationTime"),
            ended=self.described.get("LastModifiedTime") if over else None,
            reason=self.described.get("FailureReason", ""),
            steps=tuple(self._state(name, one, over=over) for name, one in self.steps.items()),
            parameters=self.given,
        )

    def _state(self, name: str, within: Within, *, over: bool) -> StepState:
        registers = within.step["Type"] == "RegisterModel"
        found = self.listed.get(name)
        if found is None:
            failed = [one for one in within.conditions if self._outcome(one["Name"]) == "False"]
            if failed:
                return StepState(
                    name=name, state="skipped", reason=f"{_said(failed[0])} did not hold", registers=registers
                )
            return StepState(name=name, state="stopped" if over else "waiting", registers=registers)
        attempts = found.get("AttemptCount", 1)
        kept = found.get("CacheHitResult", {}).get("SourcePipelineExecutionArn")
        return StepState(
            name=name,
            state=_STATES.get(found.get("StepStatus", ""), "waiting"),
            began=found.get("StartTime"),
            ended=found.get("EndTime"),
            reason=found.get("FailureReason", ""),
            detail=f"as run {kept.rpartition('/')[2]} made it" if kept else f"attempt {attempts}" * (attempts > 1),
            registers=registers,
            address=next((str(one["Arn"]) for one in found.get("Metadata", {}).values() if one.get("Arn")), ""),
        )

    def _outcome(self, condition: str) -> str:
        found = self.listed.get(condition, {}).get("Metadata", {}).get("Condition", {})
        return str(found.get("Outcome", ""))


def _said(condition: Json) -> str:
    """Write a condition as a program has it."""
    found = []
    for one in condition["Arguments"].get("Conditions", []):
        left, right = one.get("LeftValue"), one.get("RightValue")
        path = left.get("Std:JsonGet", {}).get("Path") or next(iter(_NAMED.findall(json.dumps(left))), "")
        bound = right.get("Get", "").removeprefix("Parameters.") if isinstance(right, Mapping) else right
        found.append(f"{path or condition['Name']} {_COMPARED.get(one.get('Type'), one.get('Type'))} {bound}")
    return " & ".join(found)


def _flat(steps: list[Json], conditions: tuple[Json, ...]) -> Iterator[tuple[str, Within]]:
    for step in steps:
        if step.get("Type") == "Condition":
            arguments = step["Arguments"]
            inner = (*conditions, step)
            yield from _flat([*arguments.get("IfSteps", []), *arguments.get("ElseSteps", [])], inner)
        else:
            yield step["Name"], Within(step, conditions)


def read(platform: PlatformRef, arn: str) -> Execution | None:
    """Read an execution; nothing where there is none."""
    with asking(f"run {arn.rpartition('/')[2]}"):
        sagemaker = live.client(platform, "sagemaker")
        try:
            described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        except sagemaker.exceptions.ClientError as error:
            if any(word in str(error) for word in _GONE):
                return None
            raise
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
        listed = {one["StepName"]: one for page in pages for one in page["PipelineExecutionSteps"]}
        definition = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
        given = sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=arn)
        parameters = {one["Name"]: one["Value"] for page in given for one in page["PipelineParameters"]}
    whole = json.loads(definition["PipelineDefinition"])
    defaults = {one["Name"]: _text(one.get("DefaultValue", "")) for one in whole.get("Parameters", [])}
    return Execution(described, listed, whole, {**defaults, **parameters})


def newest(platform: PlatformRef, name: str, pipeline: str, most: int) -> list[Run]:
    """List the newest executions of a pipeline; a list tells no steps, and not when one ended.

    :param name: what AWS calls the pipeline.
    """
    with asking(f"the runs of pipeline {pipeline!r}"):
        sagemaker = live.client(platform, "sagemaker")
        try:
            found = sagemaker.list_pipeline_executions(
                PipelineName=name, SortBy="CreationTime", SortOrder="Descending", MaxResults=most
            )
        except sagemaker.exceptions.ResourceNotFound:
            raise NotFound(f"Pipeline {pipeline!r} is not there any more: SageMaker has none called {name}.") from None
    return [
        Run(
            id=str(one["PipelineExecutionArn"]).rpartition("/")[2],
            pipeline=pipeline,
            state=_STATES.get(one.get("PipelineExecutionStatus", ""), "running"),
            began=one.get("StartTime"),
            reason=one.get("PipelineExecutionFailureReason", ""),
        )
        for one in found["PipelineExecutionSummaries"]
    ]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
