"""What a run of SageMaker Pipelines knows of its steps: their folders, their records, and what they measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pulumi import Input

from pulumi_mlops.backends.aws import expressions, history, model_rights
from pulumi_mlops.backends.aws.expressions import Json
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import variable
from pulumi_mlops.steps.graph import Graph, works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Metric, Out, Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import HISTORY, KEPT, MADE, READS, RECORDED, RUN, Work, together_with

MEASURED = "mlops.metrics"
"""The output with what a step measured, and its record; no output of a step can be called so."""
MEASUREMENTS, RECORDS = "metrics", "facts"
"""The property files of that output."""
FILE, FACTS = "metrics.json", "facts.json"
_JOB = "$(TRAINING_JOB_NAME)"
"""What the program that starts a step puts the name of its job for."""
VERSION_OF = "mlops-version-"
"""How a metric is called with the version of a dataset that a training read; no metric of a step has a hyphen."""


@dataclass(frozen=True)
class Place:
    """Where a pipeline runs, and as whom."""

    platform: PlatformRef
    pipeline: str
    """Its name in the program."""
    runs: Input[str]
    """The folder of its runs, without a slash at its end."""
    program: Input[str]
    """The folder with the program that starts a step."""
    role: Input[str]


@dataclass(frozen=True)
class Known:
    """The steps of a graph as one run of it knows them."""

    graph: Graph
    at: Place

    def recorded(self, name: str, step: Work) -> Json:
        """Return the variables from which the record of a step is written."""
        parts = [self.at.pipeline, {"Get": "Execution.PipelineExecutionId"}, name]
        if isinstance(self.graph.steps[name], TuneStep):
            parts.append(_JOB)
        made: Json = {
            variable(MADE, one): expressions.behind(
                f"{self.graph.name(source.step)}/{source.name}", self.facts(source.step)
            )
            for one, source in step.inputs.items()
            if isinstance(source, Out)
        }
        for one, view in step.views.items():
            made[variable(HISTORY, one)] = together_with(
                f"{view.group.name}@{view.days}", history.address(view.group, self.at.platform)
            )
        for output in step.outputs:
            made[variable(KEPT, output)] = self.kept(name, output)
        own = self.facts(self.graph.steps[name], own=True)
        return {RUN: {"Std:Join": {"On": "/", "Values": parts}}, RECORDED: own, READS: "/tmp/mlops/read", **made}  # noqa: S108 (in the container)

    def facts(self, step: Step, *, own: bool = False) -> Json:
        """Return the address of the record of a step, as others know it or as the step itself does."""
        name = self.graph.name(step)
        if not isinstance(step, TuneStep | TrainStep):
            return expressions.joined(self.run(name), MEASURED, FACTS)
        return expressions.joined(self.run(name), _JOB if own else self._job_name(step), "output/data", FACTS)

    def lineage(self, step: Step) -> Json:
        """Say of a version where its files come from."""
        work, found = works(step), dict[str, Any]()
        for one, view in (work.datasets if work else {}).items():
            if isinstance(step, TrainStep):
                version = {"Get": f"Steps.{self.graph.name(step)}.FinalMetricDataList['{VERSION_OF}{one}'].Value"}
            elif isinstance(step, Work):
                version = self.measurement(step, RECORDS, f"inputs.{one.replace('-', '_')}.version")
            else:  # of the trials SageMaker tells what decided alone; the record of the best one has it
                continue
            found[f"mlops-data-{one}"] = {"Std:Join": {"On": "@", "Values": [view.dataset.name, version]}}
        return {
            "mlops-pipeline": self.at.pipeline,
            "mlops-run": {"Get": "Execution.PipelineExecutionId"},
            "mlops-step": self.graph.name(step),
            "mlops-code": work.image if work else "",
            "mlops-facts": self.facts(step),
            **found,
        }

    def measurement(self, step: Step, file: str, path: str) -> Json:
        """Return what is in a file of JSON that a processing job left."""
        return {
            "Std:JsonGet": {
                "PropertyFile": {"Get": f"Steps.{self.graph.name(step)}.PropertyFiles.{file}"},
                "Path": path,
            }
        }

    def _job_name(self, step: Step) -> Json:
        best = "BestTrainingJob." if isinstance(step, TuneStep) else ""
        return {"Get": f"Steps.{self.graph.name(step)}.{best}TrainingJobName"}

    def run(self, name: str) -> Json:
        """Return the folder of a step of one run; what becomes a version is in the model's own."""
        step = self.graph.steps[name]
        model = next((address for one, address in registered(self.graph) if one is step), None)
        start = self.at.runs if model is None else expressions.bare(model)
        return expressions.joined(start, {"Get": "Execution.PipelineExecutionId"}, name)

    def folder(self, out: Out) -> Json:
        """Return the folder with what a step made."""
        name = self.graph.name(out.step)
        if not isinstance(out.step, TuneStep | TrainStep):
            return {"Get": f"Steps.{name}.ProcessingOutputConfig.Outputs['{out.name}'].S3Output.S3Uri"}
        below = ["model"] if out.name == "model" else ["data", out.name]
        return expressions.joined(self.run(name), self._job_name(out.step), "output", *below, "")

    def kept(self, name: str, output: str) -> Json:
        """Return the address at which an output of a step is afterwards, as the step itself knows it."""
        if not isinstance(self.graph.steps[name], TuneStep | TrainStep):
            return expressions.joined(self.run(name), output, "")
        below = ["model"] if output == "model" else ["data", output]
        return expressions.joined(self.run(name), _JOB, "output", *below, "")

    def brought(self, step: Work) -> dict[str, Any]:
        """Return the folders that a service brings into a step, by input: of other steps, and of versions."""
        return {
            one: self.folder(source) if isinstance(source, Out) else source.files
            for one, source in step.inputs.items()
            if isinstance(source, Out | ModelVersionRef)
        } | {one: files.uri for one, files in step.files.items()}

    def metric(self, metric: Metric) -> Json:
        """Return what a step measured."""
        name = self.graph.name(metric.step)
        if isinstance(metric.step, TuneStep):
            return {"Get": f"Steps.{name}.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value"}
        if isinstance(metric.step, TrainStep):
            return {"Get": f"Steps.{name}.FinalMetricDataList['{metric.name}'].Value"}
        return self.measurement(metric.step, MEASUREMENTS, metric.name)


def registered(graph: Graph) -> Iterator[tuple[Step, Input[str]]]:
    """Yield the steps whose files become a version, each with the folder of the model's versions."""
    for step in graph.steps.values():
        if isinstance(step, RegisterStep):
            yield step.files.step, model_rights.model_folder(step.model)
