"""Steps of a pipeline, written as components and nodes of Azure Machine Learning.

https://learn.microsoft.com/azure/machine-learning/reference-yaml-component-command
https://learn.microsoft.com/azure/machine-learning/reference-yaml-component-pipeline
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.azure import instances, starts
from pulumi_mlops.backends.azure.addresses import (
    DatasetAddress,
    FeatureGroupAddress,
    ModelAddress,
    PlatformAddress,
    TrainingClusterAddress,
    safe,
)
from pulumi_mlops.backends.azure.instances import Instance
from pulumi_mlops.backends.azure.stores import in_datastore
from pulumi_mlops.backends.azure.workflows import MANAGEMENT, ML
from pulumi_mlops.backends.azure.workload import CLIENT, addresses
from pulumi_mlops.components.feature_group import OfflineView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.training_ref import TrainingClusterRef
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.workload import FETCHED, variable, variables
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Bound, Condition, Out, Parameter, Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import Search, TuneStep
from pulumi_mlops.steps.work import HISTORY, INPUT, OUTPUT, PARAMETER, Files, Work, settings, together_with

BEFORE, BOUND, DAYS, ASSET = "MLOPS_BEFORE_", "MLOPS_BOUND_", "MLOPS_DAYS_", "MLOPS_ASSET_"
FILES = "files"
_FETCHED = "/tmp/mlops/inputs"  # noqa: S108 (in the container of a job)
"""Where versions of datasets are fetched to."""
STATE, CHECKPOINTS = "state", "checkpoints"
"""Outputs of every step, and of one with checkpoints: what it tells those behind it, and what is kept for itself."""
_SMALL = Compute(cpus=2, memory_gb=4)
"""The machine that registers."""
_REGISTER_SECONDS = 4 * 3600
_SPARE_SECONDS = 900
"""How much longer a job may take than its command: for the image, and for its files."""
_RUN = "${{name}}"
"""What Azure puts the name of the job for, which no other job has."""
_REMOTE = "REMOTE.WORKSPACE.COMPONENT"


def machine(step: Step) -> Instance | None:
    """Return the size of the machines of a step."""
    work = works(step)
    return instances.pick(work.machine if work else _SMALL, instances.TRAINING_SIZES)


def cluster(step: Step) -> TrainingClusterRef | None:
    """Return the training cluster on which a step runs, where it names one."""
    work = works(step)
    return work.cluster if isinstance(work, TrainStep) else None


def machines_at_once(step: Step) -> int:
    """Say how many machines a step has at one time."""
    work = works(step)
    return (work.machines if work else 1) * (step.parallel if isinstance(step, TuneStep) else 1)


def image(step: Step) -> Input[str]:
    """Return the image of a step; a version is registered in that of the step whose files it takes."""
    work = works(step)
    if work is None and isinstance(step, RegisterStep):
        work = works(step.files.step)
    assert work is not None  # noqa: S101 (a step runs a container, or registers what one made)
    return work.image


@dataclass(frozen=True)
class Context:
    """What all steps of a pipeline share."""

    name: str
    spec: PipelineSpec
    client: Input[str]
    """The identity as which jobs run that have machines of the pipeline's."""

    def runs_as(self, step: Step) -> Input[str]:
        """Return the identity as which a step runs: that of its machines."""
        found = cluster(step)
        return self.client if found is None else TrainingClusterAddress.of(found).client or ""

    @property
    def at(self) -> PlatformAddress:
        """Where the pipeline is."""
        return PlatformAddress.of(self.spec.platform)

    @property
    def folder(self) -> str:
        """The folder of the artifact store that is the pipeline's own, which ends in a slash."""
        return f"pipelines/{self.name}/"

    def place(self, below: str) -> Output[str]:
        """Return how Azure names a folder of the pipeline's."""
        return in_datastore(self.at, Output.concat(self.at.files, self.folder, below))

    def after(self, name: str) -> list[str]:
        """Name the steps that a step waits for only because so many may run at a time.

        Steps are laid into as many rows as may run at a time, each of which is one after the other.
        """
        if self.spec.parallel is None:
            return []
        order = self.spec.graph.order()
        place = order.index(name) - self.spec.parallel
        return [order[place]] if place >= 0 and order[place] not in self.spec.graph.before(name) else []


@dataclass(frozen=True)
class Rendered:
    """A step as Azure has it."""

    step: Step
    inputs: Mapping[str, Mapping[str, Any]]
    """What its component declares."""
    outputs: Mapping[str, Mapping[str, Any]]
    command: Input[str]
    content: Mapping[str, Any]
    """What its component is named after."""
    bound: Mapping[str, Mapping[str, Any]]
    """What its node gives the component."""

    def shape(self) -> dict[str, Any]:
        """Return what its node is, without what is known late."""
        work, seconds = works(self.step), timeout(self.step)
        views = work.views if work else {}
        return {
            "bound": {key: value["value"] for key, value in self.bound.items() if "value" in value},
            "rows": {key: [view.group.platform.name, view.group.name] for key, view in views.items()},
            "seconds": seconds,
            "sweep": _sweep(self.step, "", seconds) if isinstance(self.step, TuneStep) else None,
        }

    def component(self, name: str, version: str, code: Input[str], environment: Input[str]) -> dict[str, Any]:
        """Write the component."""
        work = works(self.step)
        found: dict[str, Any] = {
            "$schema": "https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json",
            "type": "command",
            "name": name,
            "version": version,
            "is_deterministic": False,  # what was run before is run again: images and rows change
            "inputs": self.inputs,
            "outputs": self.outputs,
            "command": self.command,
            "code": Output.concat("azureml:", code),
            "environment": Output.concat("azureml:", environment),
            "_source": "YAML.COMPONENT",
        }
        return found | _spread(work)

    def node(self, context: Context, name: str, component: Input[str], compute: Input[str]) -> dict[str, Any]:
        """Write the node of the step in the pipeline."""
        seconds = timeout(self.step)
        places = {
            output: {
                "job_output_type": "uri_folder",
                # Checkpoints are there as they are written; the rest is uploaded once, and may be rewritten until then.
                "mode": "ReadWriteMount" if output == CHECKPOINTS else "Upload",
                "uri": context.place(f"{_RUN}/{output}/"),
            }
            for output in self.outputs
        }
        found: dict[str, Any] = {
            "name": safe(name),
            "computeId": compute,
            "inputs": self.bound,
            "outputs": places,
            "_source": _REMOTE,
        }
        if isinstance(self.step, TuneStep):
            return found | _sweep(self.step, component, seconds)
        return found | {
            "type": "command",
            "componentId": component,
            "limits": {"job_limits_type": "Command", "timeout": f"PT{seconds}S"},
            "identity": {"identity_type": "Managed", "client_id": context.runs_as(self.step)},
        }


def timeout(step: Step) -> int:
    """Return the seconds that a job may take, with every attempt: as long as the step says, or its cluster."""
    work = works(step)
    if work is None:
        return _REGISTER_SECONDS
    place = cluster(step)
    most = place.max_hours if place is not None and place.max_hours is not None else work.max_hours
    return math.ceil(min(work.max_hours, most) * 3600) + _SPARE_SECONDS


def _spread(work: Work | None) -> dict[str, Any]:
    """Say on how many machines a component runs: a process on each, which is told of the others."""
    if work is None or work.machines == 1:
        return {"resources": {"instance_count": 1}}
    return {
        "resources": {"instance_count": work.machines},
        "distribution": {"type": "pytorch", "process_count_per_instance": 1},
    }


def _sweep(step: TuneStep, trial: Input[str], seconds: int) -> dict[str, Any]:
    return {
        "type": "sweep",
        "trial": {"componentId": trial},
        "sampling_algorithm": "random",
        "objective": {"goal": "maximize" if step.maximize else "minimize", "primary_metric": step.objective},
        "search_space": {f"parameter_{safe(name)}": _space(where) for name, where in step.over.items()},
        "limits": {
            "max_total_trials": step.trials,
            "max_concurrent_trials": step.parallel,
            "trial_timeout": seconds,
            "timeout": seconds * math.ceil(step.trials / step.parallel),
        },
    }


def _space(where: Search) -> dict[str, Any]:
    if where.choice is not None:
        return {"type": "choice", "values": list(where.choice)}
    assert where.ends is not None  # noqa: S101 (it is one or the other)
    low, high = where.ends
    if where.log_uniform is not None:  # Azure draws the logarithm
        return {"type": "loguniform", "min_value": math.log(low), "max_value": math.log(high)}
    if where.integer is not None:
        return {"type": "quniform", "min_value": low, "max_value": high, "q": 1}
    return {"type": "uniform", "min_value": low, "max_value": high}


def _kind(where: Search) -> str:
    if where.choice is not None and any(isinstance(one, str) for one in where.choice):
        return "string"
    return "number"


@dataclass(frozen=True)
class _Taken:
    """What a component takes: as it declares that, as its node gives it, and as its command is told of it."""

    inputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    bound: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def take(self, part: str, told_as: str | None, given: Mapping[str, Any] | None, kind: str = "uri_folder") -> None:
        """Take one more; without a variable only for the order of steps, without a value where a search gives one."""
        self.inputs[part] = {"type": kind}
        if given is not None:
            self.bound[part] = given
        if told_as is not None:
            self.told[told_as] = f"${{{{inputs.{part}}}}}"


def _takes(context: Context, name: str) -> _Taken:
    step, graph, found = context.spec.steps[name], context.spec.graph, _Taken()
    work = works(step)
    for other in graph.before(name):
        found.take(f"before_{safe(other)}", variable(BEFORE, other), _bound(other, STATE))
    for other in context.after(name):
        found.take(f"after_{safe(other)}", None, _bound(other, STATE))
    for one in dict.fromkeys(_compared(step.when)):
        found.take(f"bound_{safe(one.name)}", variable(BOUND, one.name), _parameter(one), "string")
    for part, source in _folders(step).items():
        found.take(f"input_{safe(part)}", variable(INPUT, part), _folder(context, source))
    for part, value in (work.parameters if work else {}).items():
        if isinstance(value, Parameter):
            found.take(f"parameter_{safe(part)}", variable(PARAMETER, part), _parameter(value), "string")
    for part, where in (step.over if isinstance(step, TuneStep) else {}).items():
        found.take(f"parameter_{safe(part)}", variable(PARAMETER, part), None, _kind(where))
    return found


def render(context: Context, name: str) -> Rendered:
    """Write one step."""
    step, graph, taken = context.spec.steps[name], context.spec.graph, _takes(context, name)
    work = works(step)
    made = {f"output_{safe(one)}": variable(OUTPUT, one) for one in step.made} | {STATE: "MLOPS_STATE"}
    if isinstance(work, TrainStep) and work.checkpoints:
        made[CHECKPOINTS] = "MLOPS_CHECKPOINTS"
    told = taken.told | {key: f"${{{{outputs.{part}}}}}" for part, key in made.items()}
    outputs = {part: {"type": "uri_folder"} for part in made}
    known = {
        "before": graph.before(name),
        "when": [_judged(graph.name(one.metric.step), one) for one in (() if step.when is None else step.when.bounds)],
    }
    own = _own(context, name, step)
    return Rendered(
        step=step,
        inputs=taken.inputs,
        outputs=outputs,
        command=Output.json_dumps({**known, **own.said}, sort_keys=True).apply(lambda text: command(told, text)),
        content={"told": told, "inputs": taken.inputs, "outputs": outputs, **_spread(work), **known, **own.content},
        bound=taken.bound,
    )


def command(told: Mapping[str, str], text: str) -> str:
    r"""Write the line that a job runs: what Azure puts in is in quotes, and no other word of it means anything to it.

    >>> print(command({"A": "${{inputs.a}}"}, '["$HOME"]'))
    A='${{inputs.a}}' python3 azureml.py '["\u0024HOME"]'
    """
    words = [f"{name}='{value}'" for name, value in told.items()]
    inert = text.replace("$", "\\u0024").replace("'", "\\u0027")
    return " ".join([*words, f"python3 azureml.py '{inert}'"])


@dataclass(frozen=True)
class _Own:
    """What the program in front of a step is told of it."""

    said: Mapping[str, Any]
    content: Mapping[str, Any]
    """The same without what is known late, by names."""


def _own(context: Context, name: str, step: Step) -> _Own:
    if isinstance(step, RegisterStep):
        return _registers(context, step)
    work = works(step)
    assert work is not None  # noqa: S101 (there is nothing else)
    plain = {key: value for key, value in work.parameters.items() if not isinstance(value, Parameter)}
    fixed: dict[str, Input[str]] = {
        **settings(plain),
        **work.settings,
        **{variable(DAYS, key): str(view.days) for key, view in work.views.items() if view.days is not None},
        "MLOPS_NODES": str(work.machines),
    }
    load = work.workload(name)
    late = {**work.told(), **{variable(INPUT, key): f"{_FETCHED}/{key}" for key in work.fetches}}
    begins = starts.told(work)
    for key, view in work.views.items():
        late[variable(HISTORY, key)] = together_with(
            f"{view.group.name}@{view.days}", FeatureGroupAddress.of(view.group).rows
        )
    late |= {**work.published(), **_assets(work)}
    said: dict[str, Any] = {
        "command": list(work.command),
        "wanted": {
            "outputs": list(step.made),
            "metrics": list(step.measured),
            "launcher": work.launcher if isinstance(work, TrainStep) else None,
            "processes": work.processes if isinstance(work, TrainStep) else 1,
            "attempts": work.retries + 1,
            **work.fetched,
            "publish": list(work.publish),
        },
        "fetches": bool(load.keys),
        "record": _record(context, name, step),
    }
    if isinstance(step, TuneStep):
        said["objective"] = {"metric": step.objective, "goal": "maximize" if step.maximize else "minimize"}
        said["whole_numbers"] = [
            variable(PARAMETER, part) for part, where in step.over.items() if where.integer is not None
        ]
    given = {**work.environment, **fixed}
    named = {key: secret.name for key, secret in {**work.secrets, **load.keys}.items()}
    tracker = dict(load.tracker.environment) if load.tracker else {}
    tracking = {**tracker, **{FETCHED + key: where for key, where in addresses(load.keys).items()}}
    own = {**given, **variables({}, addresses(load.secrets)), **late, **begins, CLIENT: context.runs_as(step)}
    runs = Output.concat(context.at.files, context.folder)
    return _Own(
        {**said, "environment": own, "tracking": tracking, "record": {**said["record"], "runs": runs}},
        {
            **said,
            "environment": given,
            "secrets": named,
            "tracking": sorted(tracking),
            "read": sorted(late),
            **({"starts": starts.marks(work)} if begins else {}),
            "versions": {key: [one.name, one.version] for key, one in work.versions.items()},
            "files": {key: one.uri for key, one in work.files.items()},
            "datasets": {key: [view.dataset.platform.name, view.label] for key, view in work.datasets.items()},
            "captured": {key: one.label for key, one in work.captured.items()},
            "baselines": {key: [one.label, one.record] for key, one in work.baselines.items()},
            "publish": {key: [one.platform.name, one.name] for key, one in work.publish.items()},
        },
    )


def _assets(work: Work) -> dict[str, Input[str]]:
    """Name the data assets in which versions are entered that a step publishes; a folder that was there has none."""
    found = {name: DatasetAddress.of(one).asset for name, one in work.publish.items()}
    return {variable(ASSET, name): asset for name, asset in found.items() if asset is not None}


def _record(context: Context, name: str, step: Step) -> dict[str, Any]:
    """Say what the record of a step begins with, and which inputs other steps have made."""
    made = {key: one for key, one in _folders(step).items() if isinstance(one, Out)}
    graph = context.spec.graph
    return {
        "pipeline": context.name,
        "step": name,
        "trials": isinstance(step, TuneStep),
        "made": {key: {"step": graph.name(one.step), "output": one.name} for key, one in made.items()},
        "kept": {name: f"output_{safe(name)}" for name in step.made},
    }


def _registers(context: Context, step: RegisterStep) -> _Own:
    """Say which version is registered, and what is written down with it."""
    graph, at, model = context.spec.graph, context.at, ModelAddress.of(step.model)
    noted = [{"step": graph.name(one.step), "metric": one.name} for one in step.noted()]
    plain: dict[str, Any] = {
        "api": ML,
        "management": MANAGEMENT,
        "folder": f"models/{model.called}/",
        "noted": noted,
        "metadata": dict(step.metadata),
    }
    lineage = {
        "mlops-pipeline": context.name,
        "mlops-step": graph.name(step.files.step),
        "mlops-output": step.files.name,
        "mlops-code": image(step),
    }
    late = {"image": step.image, "lineage": lineage}
    register = {
        **plain,
        **late,
        "model": model.id,
        "store": at.files,
        "datastore": in_datastore(at, at.files),
    }
    return _Own(
        {"register": register, "environment": {CLIENT: context.runs_as(step)}},
        {"register": {**plain, **late, "model": model.called}},
    )


def _folders(step: Step) -> dict[str, Out | OfflineView | ModelVersionRef | Files]:
    """Return what a step reads, by name."""
    if isinstance(step, RegisterStep):
        return {FILES: step.files}
    work = works(step)
    if work is None:
        return {}
    taken = {name: one for name, one in work.inputs.items() if isinstance(one, Out | OfflineView | ModelVersionRef)}
    return {**taken, **work.files}


def _folder(context: Context, source: Out | OfflineView | ModelVersionRef | Files) -> dict[str, Any]:
    if isinstance(source, Out):
        return _bound(context.spec.graph.name(source.step), f"output_{safe(source.name)}")
    where: Input[str] | None
    if isinstance(source, Files):
        where = source.uri
    else:
        where = source.files if isinstance(source, ModelVersionRef) else FeatureGroupAddress.of(source.group).rows
    return {"job_input_type": "uri_folder", "mode": "ReadOnlyMount", "uri": in_datastore(context.at, where or "")}


def _compared(when: Condition | None) -> list[Parameter]:
    """Return the parameters that a condition compares with."""
    return [one.value for one in (() if when is None else when.bounds) if isinstance(one.value, Parameter)]


def _judged(step: str, one: Bound) -> dict[str, Any]:
    value = one.value
    bound = {"parameter": variable(BOUND, value.name)} if isinstance(value, Parameter) else {"value": value}
    return {"step": step, "metric": one.metric.name, "comparison": one.comparison, **bound}


def _parameter(one: Parameter) -> dict[str, Any]:
    return _literal(f"${{{{parent.inputs.{safe(one.name)}}}}}")


def _bound(step: str, output: str) -> dict[str, Any]:
    return _literal(f"${{{{parent.jobs.{safe(step)}.outputs.{output}}}}}")


def _literal(value: str) -> dict[str, Any]:
    return {"job_input_type": "literal", "value": value}
