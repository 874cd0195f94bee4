"""What the steps of an execution do in the account, as the role of their pipeline.

A step of a job makes the request that SageMaker makes for it, under the name that SageMaker gives, and waits.
"""

import random
import re
import string
import threading
from collections.abc import Callable

from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws.executions import job_operations
from pulumi_mlops_sandbox.aws.executions.account import Role, RoleHands
from pulumi_mlops_sandbox.aws.executions.values import Json
from pulumi_mlops_sandbox.aws.executions.walk import State, StepError
from pulumi_mlops_sandbox.aws.sagemaker.kinds import PROCESSING, TRAINING, TRANSFORM, TUNING
from pulumi_mlops_sandbox.aws.store import Kind

_OF_STEPS: dict[str, tuple[Kind, str]] = {
    "Training": (TRAINING, "TrainingJob"),
    "Processing": (PROCESSING, "ProcessingJob"),
    "Tuning": (TUNING, "TuningJob"),
    "Transform": (TRANSFORM, "TransformJob"),
}
"""The kind of job of each kind of step, and under what its metadata has it."""
_LONGEST = {TUNING.name: 32}
_NAME = 63
_KINDS = {"InternalServerError": "SageMaker.JOB_INTERNAL_ERROR", "CapacityError": "SageMaker.CAPACITY_ERROR"}
"""How retry policies call what a job failed of."""
_BUSY = {"ThrottlingException": "Step.THROTTLING", "ResourceLimitExceeded": "SageMaker.RESOURCE_LIMIT"}
_LETTERS = string.ascii_lowercase + string.digits


def mark(length: int) -> str:
    """Make a part of a name that nothing else has."""
    return "".join(random.choices(_LETTERS, k=length))  # noqa: S311 (a name)


def snake(operation: str) -> str:
    """Return a client's name of an operation.

    >>> snake("CreateHyperParameterTuningJob")
    'create_hyper_parameter_tuning_job'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


class RoleActs:
    """The steps of one execution."""

    def __init__(
        self,
        role: Role,
        execution: str,
        stop: threading.Event,
        tell: Callable[[State], None],
        cached: Callable[[Json, Json], tuple[str, Json] | None],
    ) -> None:
        self.role, self.execution, self.stop = role, execution, stop
        self.tell, self.cached = tell, cached
        self.read = RoleHands(role, "").read

    def perform(self, step: Json, state: State, arguments: Json) -> Json:
        """Do what a step does."""
        kind = str(step["Type"])
        if kind in _OF_STEPS:
            return self._job(state, *_OF_STEPS[kind], arguments)
        if kind == "RegisterModel":
            made = self._ask("CreateModelPackage", arguments)
            state.metadata = {"RegisterModel": {"Arn": made["ModelPackageArn"]}}
            return {**arguments, "ModelPackageArn": made["ModelPackageArn"]}
        if kind == "Model":
            name = self._named(state.name, _NAME)
            made = self._ask("CreateModel", {**arguments, "ModelName": name})
            state.metadata = {"Model": {"Arn": made["ModelArn"]}}
            return {**arguments, "ModelName": name, "ModelArn": made["ModelArn"]}
        if kind == "Fail":
            state.metadata = {"Fail": {"ErrorMessage": str(arguments.get("ErrorMessage", ""))}}
            raise StepError(str(arguments.get("ErrorMessage", "")))
        raise StepError(f"The sandbox does not run steps of type {kind}, so this one did not run")

    def _named(self, step: str, longest: int) -> str:
        start = f"pipelines-{self.execution}-"
        room = longest - len(start) - 11
        return f"{start}{step[:room]}-{mark(10)}" if room > 0 else f"{start}{mark(longest - len(start))}"

    def _job(self, state: State, kind: Kind, member: str, arguments: Json) -> Json:
        name = self._named(state.name, _LONGEST.get(kind.name, _NAME))
        made = self._ask(f"Create{kind.name}", {**arguments, kind.id_field: name})
        state.metadata = {member: {"Arn": made[kind.arn_field]}}
        self.tell(state)
        plane, thread = self.role.plane, job_operations.key(kind, self.role.region, name)
        while plane.jobs.runs(thread):
            plane.jobs.wait(thread, 0.1)
            if self.stop.is_set():
                plane.jobs.stop(thread)
        found = self._ask(f"Describe{kind.name}", {kind.id_field: name})
        status = found[f"{kind.name}Status"]
        if status != "Completed":
            reason = str(found.get("FailureReason") or f"{kind.name} {name} is {status}")
            raise StepError(f"ClientError: {reason}", _KINDS.get(reason.partition(":")[0], ""))
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def _ask(self, operation: str, arguments: Json) -> Json:
        try:
            found: Json = getattr(self.role.client("sagemaker"), snake(operation))(**arguments)
        except ClientError as error:
            said = error.response.get("Error", {})
            raise StepError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {said.get('Message')}",
                _BUSY.get(str(said.get("Code")), ""),
            ) from None
        return found


def metadata_of(detail: Json) -> Json:
    """Write metadata as events have it: members begin with small letters."""
    return {_small(key): metadata_of(value) if isinstance(value, dict) else value for key, value in detail.items()}


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
