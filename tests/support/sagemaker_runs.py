"""Runs a definition of SageMaker Pipelines as SageMaker would: each job a process with what its container is given.

Paths of the container are those below `root`, and S3 is a folder; the definition is the only thing that is read.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_mlops.jobs import step

Json = dict[str, Any]
_COMPARED = {
    "GreaterThanOrEqualTo": float.__ge__,
    "GreaterThan": float.__gt__,
    "LessThanOrEqualTo": float.__le__,
    "LessThan": float.__lt__,
}


class FailedJobError(AssertionError):
    """A job failed."""


@dataclass
class Run:
    """One execution."""

    definition: Json
    root: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    done: dict[str, Json] = field(default_factory=dict)
    """What is known of each step that ran."""
    packages: list[Json] = field(default_factory=list)
    """What was registered."""
    logs: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> "Run":
        """Run every step."""
        shutil.copytree(Path(step.__file__).parent, self.root / "program")
        self._steps(self.definition["Steps"])
        return self

    def path(self, uri: str) -> Path:
        """Return where an address is on this machine."""
        return self.root / "program" if "/programs/" in uri else self.root / "s3" / uri.removeprefix("s3://")

    def _steps(self, steps: Sequence[Json]) -> None:
        kinds = {"Processing": self._processing, "Training": self._training, "Tuning": self._tuning}
        for one in steps:
            said = one["Arguments"]
            if one["Type"] == "Condition":
                held = all(
                    _COMPARED[each["Type"]](
                        float(self._known(each["LeftValue"])), float(self._known(each["RightValue"]))
                    )
                    for each in said["Conditions"]
                )
                self._steps(said["IfSteps" if held else "ElseSteps"])
            elif one["Type"] == "RegisterModel":
                self.packages.append(self._known(said))
            else:
                self.done[one["Name"]] = kinds[one["Type"]](one["Name"], self._known(said))

    def _processing(self, name: str, said: Json) -> Json:
        here = self.root / "jobs" / name
        for one in said["ProcessingInputs"]:
            self._fetch(one["S3Input"]["S3Uri"], here, one["S3Input"]["LocalPath"])
        outputs = said.get("ProcessingOutputConfig", {}).get("Outputs", [])
        self._process(name, here, said["AppSpecification"], said["Environment"])
        for one in outputs:
            self._keep(here, one["S3Output"]["LocalPath"], one["S3Output"]["S3Uri"])
        return {"outputs": {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs}}

    def _training(self, name: str, said: Json, job: str = "", values: Mapping[str, str] | None = None) -> Json:
        job = job or f"pipelines-{name}"
        here = self.root / "jobs" / job
        for one in said["InputDataConfig"]:
            uri = one["DataSource"]["S3DataSource"]["S3Uri"]
            self._fetch(uri, here, f"/opt/ml/input/data/{one['ChannelName']}")
        trial = {f"MLOPS_PARAMETER_{key.upper()}": value for key, value in (values or {}).items()}
        given = {**said["Environment"], **trial, "TRAINING_JOB_NAME": job}
        how = said["AlgorithmSpecification"]
        entry = {"ContainerEntrypoint": ["python3", "/opt/ml/input/data/mlops.program/step.py"]}
        self._process(job, here, entry | how, given)
        start = f"{said['OutputDataConfig']['S3OutputPath']}/{job}/output"
        self._keep(here, "/opt/ml/model", f"{start}/model/")
        self._keep(here, "/opt/ml/output/data", f"{start}/data/")
        metrics = {
            one["Name"]: float(found[-1])
            for one in how["MetricDefinitions"]
            if (found := re.findall(one["Regex"], self.logs[job]))
        }
        return {"TrainingJobName": job, "metrics": metrics}

    def _tuning(self, name: str, said: Json) -> Json:
        config = said["HyperParameterTuningJobConfig"]
        objective = config["HyperParameterTuningJobObjective"]
        trials = []
        for index in range(config["ResourceLimits"]["MaxNumberOfTrainingJobs"]):
            values = {one["Name"]: _between(one, index) for rows in config["ParameterRanges"].values() for one in rows}
            trials.append(self._training(name, said["TrainingJobDefinition"], f"{name}-{index:03}", values))
        best = max if objective["Type"] == "Maximize" else min
        return best(trials, key=lambda trial: trial["metrics"][objective["MetricName"]])

    def _process(self, name: str, here: Path, how: Json, environment: Mapping[str, str]) -> None:
        def inside(text: str) -> str:
            return text.replace("/opt/ml", str(here / "opt/ml")).replace("/tmp/mlops", str(here / "tmp"))  # noqa: S108 (of the container)

        words = [inside(word) for word in [*how["ContainerEntrypoint"], *how.get("ContainerArguments", ["train"])]]
        given = {"PATH": os.environ["PATH"], **{key: inside(value) for key, value in environment.items()}}
        done = subprocess.run(
            [sys.executable, *words[1:]], env=given, cwd=here, capture_output=True, text=True, timeout=120, check=False
        )
        self.logs[name] = done.stdout
        if done.returncode != 0:
            raise FailedJobError(f"{name}: {done.returncode}\n{done.stdout}{done.stderr}")

    def _fetch(self, uri: str, here: Path, where: str) -> None:
        """Copy what begins with a prefix, as File mode does."""
        assert uri.endswith("/"), f"{uri} would fetch what only begins alike"
        source, target = self.path(uri), here / where.lstrip("/")
        assert source.is_dir(), f"there is nothing at {uri}"
        shutil.copytree(source, target)

    def _keep(self, here: Path, where: str, uri: str) -> None:
        source = here / where.lstrip("/")
        if source.is_dir():
            shutil.copytree(source, self.path(uri), dirs_exist_ok=True)

    def _known(self, value: Any) -> Any:
        """Work out what only a run knows."""
        if isinstance(value, list):
            return [self._known(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._got(value["Get"])
        if set(value) == {"Std:Join"}:
            return value["Std:Join"]["On"].join(str(self._known(one)) for one in value["Std:Join"]["Values"])
        if set(value) == {"Std:JsonGet"}:
            _, name, _, file = value["Std:JsonGet"]["PropertyFile"]["Get"].split(".")
            written = self.path(self.done[name]["outputs"]["mlops.metrics"]) / f"{file}.json"
            found = json.loads(written.read_text())
            for part in value["Std:JsonGet"]["Path"].split("."):
                found = found[part]
            return found
        return {key: self._known(one) for key, one in value.items()}

    def _got(self, path: str) -> Any:
        kind, _, rest = path.partition(".")
        if kind == "Parameters":
            defaults = {one["Name"]: one["DefaultValue"] for one in self.definition["Parameters"]}
            return {**defaults, **self.parameters}[rest]
        if kind == "Execution":
            return {"PipelineExecutionId": "run-1", "PipelineExecutionArn": "arn:run-1"}[rest]
        name, _, what = rest.partition(".")
        known = self.done[name]
        if found := re.fullmatch(r"ProcessingOutputConfig\.Outputs\['(.+)'\]\.S3Output\.S3Uri", what):
            return known["outputs"][found[1]]
        if found := re.fullmatch(r"FinalMetricDataList\['(.+)'\]\.Value", what):
            return known["metrics"][found[1]]
        if what == "BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value":
            (only,) = known["metrics"].values()
            return only
        return known[what.removeprefix("BestTrainingJob.")]


def _between(rows: Json, index: int) -> str:
    """Pick a value for a trial: of a choice one after the other, else the ends in turn."""
    values = rows.get("Values") or [rows["MinValue"], rows["MaxValue"]]
    return str(values[index % len(values)])
