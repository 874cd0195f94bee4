"""Runs a definition of SageMaker Pipelines as the sandbox does, without an account: S3 is a folder."""

import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi_mlops.jobs import step
from pulumi_mlops_sandbox.aws.executions.jobs import Job, JobError, best, measure, trials
from pulumi_mlops_sandbox.aws.executions.values import Values
from pulumi_mlops_sandbox.aws.executions.walk import FAILED, State, StepError, Walk, given
from pulumi_mlops_sandbox.running.images import StandIn

Json = dict[str, Any]
_ENTRY = ("python3", "/opt/ml/input/data/mlops.program/step.py")
"""What images start by themselves."""


class FailedJobError(AssertionError):
    """A job failed."""


class Run:
    """One execution: what its steps do, and what its jobs do in the account."""

    def __init__(self, definition: Json, root: Path, parameters: Mapping[str, Any] | None = None) -> None:
        self.definition, self.root, self.stop = definition, root, threading.Event()
        execution = {"PipelineExecutionId": "run-1", "PipelineExecutionArn": "arn:run-1"}
        self.values = Values(given(definition, parameters or {}), execution, lambda uri: self.path(uri).read_bytes())
        self.done: dict[str, Json] = {}
        """What is known of each step that ran a job."""
        self.packages: list[Json] = []
        """What was registered."""
        self.logs: dict[str, str] = {}

    def __call__(self) -> "Run":
        """Run every step."""
        shutil.copytree(Path(step.__file__).parent, self.root / "program")
        walk = Walk(self.definition, self.values, self, self.stop)
        if walk.run() == FAILED:
            failed = (state for state in walk.states.values() if state.status == FAILED)
            raise FailedJobError("\n".join(f"{one.name}: {one.reason}\n{self.logs}" for one in failed))
        return self

    def path(self, uri: str) -> Path:
        """Return where an address is on this machine."""
        return self.root / "program" if "/programs/" in uri else self.root / "s3" / uri.removeprefix("s3://")

    # ------------------------------------------------------------------ what steps do

    def perform(self, step: Json, state: State, arguments: Json) -> Json:
        kind, name = step["Type"], state.name
        if kind == "RegisterModel":
            self.packages.append(arguments)
            return {"ModelPackageArn": "arn:package"}
        try:
            self.done[name] = (
                self._tuned(name, arguments) if kind == "Tuning" else self._ran(kind, f"pipelines-{name}", arguments)
            )
        except JobError as error:
            raise StepError(str(error)) from None
        return self.done[name]

    def cached(self, _step: Json, _arguments: Json) -> None:
        return None

    def tell(self, state: State) -> None:
        pass

    def _ran(self, kind: str, name: str, said: Json, values: Mapping[str, str] | None = None) -> Json:
        job = Job(name, f"arn:{name}", "eu-west-1", said, self, self.root / "jobs" / name, self.stop)
        job.hyperparameters = values or {}
        try:
            {"Processing": job.processing, "Training": job.training}[kind]()
        finally:
            self.logs[name] = "\n".join(job.logged)
        return {**said, "TrainingJobName": name, **job.found}

    def _tuned(self, name: str, said: Json) -> Json:
        objective = said["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        tried = [self._ran("Training", *one) for one in self._trials(name, said)]
        found = best(tried, objective)
        assert found is not None, "no trial measured anything"
        metric = {"FinalHyperParameterTuningJobObjectiveMetric": {"Value": measure(found, objective)}}
        return {**said, "BestTrainingJob": {**found, **metric}}

    def _trials(self, name: str, said: Json) -> list[tuple[str, Json, Mapping[str, str]]]:
        return [(trial, said["TrainingJobDefinition"], values) for trial, values in trials(said, name)]

    # ------------------------------------------------------------------ what jobs do

    def stand_in(self, image: str) -> StandIn:
        return StandIn(image, entrypoint=_ENTRY)

    def fetch(self, uri: str, folder: Path) -> None:
        assert uri.endswith("/"), f"{uri} would fetch what only begins alike"
        source = self.path(uri)
        assert source.is_dir(), f"there is nothing at {uri}"
        shutil.copytree(source, folder, dirs_exist_ok=True)

    def keep(self, folder: Path, uri: str, key: str | None) -> None:
        del key
        shutil.copytree(folder, self.path(uri), dirs_exist_ok=True)

    def say(self, stream: str, lines: Sequence[str]) -> None:
        pass

    def variables(self) -> Mapping[str, str]:
        return {}
