"""Steps of a pipeline as templates of Argo Workflows (https://argo-workflows.readthedocs.io/en/latest/fields/).

A container of a step holds no key and no token: Argo's own containers beside it bring its files from the object store
and take them there. What a step measures leaves it as JSON, of which expressions read one number.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import runtime, workload
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress, ModelAddress
from pulumi_mlops.backends.kubernetes.model_registry import REGISTRY
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    camel_case,
    container_security,
    decimal,
    resources,
    restricted,
    secret_variable,
)
from pulumi_mlops.backends.kubernetes.search import trials
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.workload import SECRET, variable
from pulumi_mlops.steps.graph import Graph, works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Bound, Out, Parameter, Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import INPUT, METRICS, OUTPUT, PARAMETER, Work, text

START = "graph"
"""The template that a run begins with. Those of steps have a prefix, so none is called so."""
MAIN = "pulumi-mlops/main-of"
"""The label of the first of several machines, by which their Service finds it."""
PROGRAM, FOLDER = "step.py", "/etc/mlops"
BEST, REGISTER = "best.py", "register.py"
_INPUTS, _OUTPUTS, _CHECKPOINTS = "/mnt/inputs", "/mnt/outputs", "/mnt/checkpoints"
_METRICS = "/tmp/mlops/metrics.json"  # noqa: S108 (an emptyDir)
_TRIALS = "/mnt/trials.json"
_RUN = "{{workflow.uid}}"
_FIRST_SECONDS, _LATER = 30, 2
"""How long Argo waits before it begins a step again, and how much longer each time after that."""
_SHARED_PERCENT = 50
"""The share of a pod's memory in which its processes may hand tensors to each other."""
_GRACE_SECONDS = 120
"""How long a step that is ended may go on, to write its last checkpoint."""


def dashed(name: str) -> str:
    """Name a step as Argo takes it."""
    return name.replace("_", "-")


@dataclass(frozen=True)
class Registry:
    """Where versions are registered, and as whom."""

    url: Input[str]
    name: str
    secret: Input[str]
    """The Secret with the login."""
    mark: Input[str]
    """Another one when the login is another."""


@dataclass(frozen=True)
class Place:
    """Where the steps of a pipeline run."""

    app: App
    bucket: str
    folder: str
    """The folder of its runs in the bucket, without slashes around it."""
    programs: Input[str]
    """The ConfigMap with the library's programs."""
    meeting: str
    """The Service by which several machines find the first."""
    registries: Mapping[str, Registry]


@dataclass(frozen=True)
class Rendering:
    """A graph, on its way to templates."""

    graph: Graph
    at: Place

    def templates(self, parallel: int | None) -> list[Fields]:
        """Write the whole definition.

        :param parallel: how many steps go on at a time. A bound of the whole workflow would count pods, and several
            machines of one step wait for each other.
        """
        bound = {} if parallel is None else {"parallelism": parallel}
        return [{**self._start(), **bound}, *(template for name in self.graph.order() for template in self._step(name))]

    def claims(self) -> list[str]:
        """Name the steps that keep checkpoints."""
        return [name for name in self.graph.order() if (fit := trained(self.graph.steps[name])) and fit.checkpoints]

    def _start(self) -> Fields:
        tasks = []
        for name in self.graph.order():
            step = self.graph.steps[name]
            task: Fields = {
                "name": dashed(name),
                "template": _called("step", name),
                **_given(self._handed(step, lambda word: word)),
            }
            if before := self.graph.before(name):
                # A step that was skipped has not succeeded: whatever takes from it is left out, and nothing fails.
                task["depends"] = " && ".join(f"{dashed(one)}.Succeeded" for one in before)
            if step.when is not None:
                task["when"] = self._condition(step.when.bounds)
            tasks.append(task)
        return {"name": START, "dag": {"tasks": tasks}}

    def _condition(self, bounds: Sequence[Bound]) -> str:
        return "{{=" + " && ".join(self._bound(bound) for bound in bounds) + "}}"

    def _bound(self, bound: Bound) -> str:
        task = dashed(self.graph.name(bound.metric.step))
        found = f"jsonpath(tasks['{task}'].outputs.parameters.metrics, '$.{bound.metric.name}')"
        value = bound.value
        against = f"asFloat(workflow.parameters['{value.name}'])" if isinstance(value, Parameter) else repr(value)
        return f"asFloat({found}) {bound.comparison} {against}"

    def _handed(self, step: Step, source: Callable[[str], str]) -> dict[str, str]:
        """Say what a step is handed of others: which trial was the best, and what was measured."""
        found: dict[str, str] = {}
        for out in step.takes():
            if isinstance(out.step, TuneStep):
                name = self.graph.name(out.step)
                found[f"from-{name}"] = source(f"{{{{tasks.{dashed(name)}.outputs.parameters.trial}}}}")
        if isinstance(step, RegisterStep):
            for metric in step.noted():
                name = self.graph.name(metric.step)
                found[f"metrics-{name}"] = source(f"{{{{tasks.{dashed(name)}.outputs.parameters.metrics}}}}")
        return found

    def _step(self, name: str) -> Iterator[Fields]:
        step = self.graph.steps[name]
        if isinstance(step, TuneStep):
            yield from self._tuned(name, step)
        elif isinstance(step, RegisterStep):
            yield self._registered(name, step)
        elif isinstance(step, Work):
            yield from self._work(name, "step", step, self._handed(step, str))

    def _work(
        self, name: str, prefix: str, step: Work, handed: Mapping[str, str], searched: Sequence[str] | None = None
    ) -> Iterator[Fields]:
        """Write a step that runs containers: one, or as many as it has machines, which begin together."""
        taken = [*handed, *(["trial", *map(_set, searched)] if searched is not None else [])]
        again = _again(step.retries)
        if step.machines == 1:
            first = self._container(name, step, taken, searched, rank=None)
            yield {"name": _called(prefix, name), **first, **again}
            return
        through = {word: f"{{{{inputs.parameters.{word}}}}}" for word in taken}
        main = {"name": "main", "template": _called("main", name), **_given(through)}
        others = {
            "name": "others",
            "template": _called("others", name),
            "withSequence": {"start": "1", "end": str(step.machines - 1)},
            **_given({**through, "rank": "{{item}}"}),
        }
        yield {
            "name": _called(prefix, name),
            **_inputs(taken),
            "dag": {"tasks": [main, others]},
            **_outputs("main", step, trial=searched is not None),
            **again,
        }
        yield {"name": _called("main", name), **self._container(name, step, taken, searched, rank="0")}
        other = self._container(name, step, [*taken, "rank"], searched, rank="{{inputs.parameters.rank}}")
        yield {"name": _called("others", name), **other}

    def _container(
        self, name: str, step: Work, taken: Sequence[str], searched: Sequence[str] | None, *, rank: str | None
    ) -> Fields:
        """Write the pod of a step: the container, and what Argo brings before it and takes away after it."""
        size = runtime.machine(step.machine)
        load = replace(step.workload(name), shared_memory_gb=size.memory_gb * _SHARED_PERCENT / 100)
        mounts = [
            *workload.mounts(load),
            {"name": "program", "mountPath": FOLDER, "readOnly": True},
            {"name": "outputs", "mountPath": _OUTPUTS},
        ]
        volumes = [
            *workload.volumes(load),
            {"name": "program", "configMap": {"name": self.at.programs}},
            {"name": "outputs", "emptyDir": {}},
        ]
        kept = isinstance(step, TrainStep) and step.checkpoints
        if kept:
            part = {"subPath": "trial-{{inputs.parameters.trial}}"} if searched is not None else {}
            mounts.append({"name": claim(name), "mountPath": _CHECKPOINTS, **part})
        container: Fields = {
            "image": literal(step.image),
            "command": ["python3", f"{FOLDER}/{PROGRAM}"],
            "args": [literal(word) for word in step.command],
            "env": _variables(self._environment(name, step, searched or (), rank)),
            "resources": size.resources,
            "securityContext": camel_case(container_security()),
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108 (an emptyDir)
        }
        host: Fields = {}
        if rank is not None:
            host = {"hostname": self._host(name, rank, searched is not None), "subdomain": self.at.meeting}
        found: Fields = {
            **_inputs(taken, [self._brought(one, source) for one, source in sorted(step.inputs.items())]),
            "container": container,
            "volumes": volumes,
            "activeDeadlineSeconds": round(step.max_hours * 3600),
            "podSpecPatch": _patched(host),
            **size.placement,
        }
        if rank == "0":
            found["metadata"] = {"labels": {MAIN: self.at.app.scope.name}}
        if rank in (None, "0"):
            found |= self._left(name, step, trial=searched is not None)
        return found

    def _host(self, name: str, rank: str, trial: bool) -> str:
        """Name a machine of a step: others of the run, and other runs, have other names."""
        place = list(self.graph.steps).index(name)
        within = "-{{inputs.parameters.trial}}" if trial else ""
        return f"{_RUN}-{place}{within}-{rank}"

    def _environment(self, name: str, step: Work, searched: Sequence[str], rank: str | None) -> dict[str, Input[str]]:
        """Return the variables of a container; those of the library win, and a user's of such a name was refused."""
        fit = step if isinstance(step, TrainStep) else None
        wanted: dict[str, Any] = {"outputs": list(step.outputs), "metrics": list(step.metrics)}
        if fit and fit.launcher:
            wanted |= {"launcher": fit.launcher, "processes": fit.processes}
        found: dict[str, Input[str]] = {key: literal(value) for key, value in step.environment.items()}
        found |= {variable(SECRET, one): f"file://{runtime.SECRETS}/{one}" for one in step.secrets}
        found |= {variable(INPUT, one): f"{_INPUTS}/{one}" for one in step.inputs}
        found |= {variable(OUTPUT, one): f"{_OUTPUTS}/{one}" for one in step.outputs}
        found |= {variable(PARAMETER, one): setting(value) for one, value in step.parameters.items()}
        found |= {variable(PARAMETER, one): f"{{{{inputs.parameters.{_set(one)}}}}}" for one in searched}
        if step.metrics:
            found[METRICS] = _METRICS
        if fit and fit.checkpoints:
            found["MLOPS_CHECKPOINTS"] = _CHECKPOINTS
        if rank is not None:
            first = f"{self._host(name, '0', bool(searched))}.{self.at.app.host(self.at.meeting)}"
            found |= {"MLOPS_NODES": str(step.machines), "MLOPS_NODE_RANK": rank, "MLOPS_MAIN_NODE": first}
        return {**found, "MLOPS_STEP": json.dumps(wanted)}

    def _brought(self, name: str, source: object) -> Fields:
        """Say what Argo brings into a folder before the container begins."""
        if isinstance(source, Out):
            key = self._key(source)
        else:
            group = source.group  # type: ignore[attr-defined]  # a view, as the spec says
            key = FeatureGroupAddress.of(group).location.removeprefix(f"s3://{self.at.bucket}/").rstrip("/")
        return {"name": name, "path": f"{_INPUTS}/{name}", "s3": {"key": key}, "archive": {"none": {}}}

    def _left(self, name: str, step: Work, *, trial: bool) -> Fields:
        """Say what Argo takes out of the container when it has ended."""
        within = "/trial-{{inputs.parameters.trial}}" if trial else ""
        folder = f"{self.at.folder}/{_RUN}/{name}{within}"
        artifacts = [
            {"name": one, "path": f"{_OUTPUTS}/{one}", "s3": {"key": f"{folder}/{one}"}, "archive": {"none": {}}}
            for one in step.outputs
        ]
        parameters: list[Fields] = []
        if step.metrics:
            parameters.append({"name": "metrics", "valueFrom": {"path": _METRICS}})
        if trial:
            # Argo lists what trials measured without saying of which: each gives its number along. No file is there.
            number = {"path": "/tmp/mlops/trial", "default": "{{inputs.parameters.trial}}"}  # noqa: S108 (as above)
            parameters.append({"name": "trial", "valueFrom": number})
        found = {"artifacts": artifacts, "parameters": parameters}
        return {"outputs": {key: value for key, value in found.items() if value}} if artifacts or parameters else {}

    def _key(self, out: Out) -> str:
        """Return where in the bucket another step of the run has left a folder."""
        name = self.graph.name(out.step)
        within = f"/trial-{{{{inputs.parameters.from-{name}}}}}" if isinstance(out.step, TuneStep) else ""
        return f"{self.at.folder}/{_RUN}/{name}{within}/{out.name}"

    def _tuned(self, name: str, step: TuneStep) -> Iterator[Fields]:
        """Write a search: the trials side by side, and then which one is the best."""
        fit, handed = step.trial(), self._handed(step, str)
        through = {word: f"{{{{inputs.parameters.{word}}}}}" for word in handed}
        searched = list(step.over)
        wanted = {_set(one): f"{{{{item.{_set(one)}}}}}" for one in searched}
        tried = {
            "name": "trials",
            "template": _called("trial", name),
            "withItems": [
                {"trial": str(number), **{_set(one): value for one, value in values.items()}}
                for number, values in enumerate(trials(f"{self.at.app.scope.name}/{name}", step))
            ],
            **_given({**through, "trial": "{{item.trial}}", **wanted}),
        }
        chosen = {
            "name": "best",
            "template": _called("best", name),
            "depends": "trials.Succeeded || trials.AnySucceeded",
            **_given({"trials": "{{tasks.trials.outputs.parameters}}"}),
        }
        yield {
            "name": _called("step", name),
            **_inputs(list(handed)),
            "parallelism": step.parallel,
            # A trial that fails is one of which nothing is known: the others go on.
            "dag": {"failFast": False, "tasks": [tried, chosen]},
            **_outputs("best", fit, trial=True),
        }
        yield from self._work(name, "trial", fit, handed, searched)
        sign = "max" if step.maximize else "min"
        yield {
            "name": _called("best", name),
            **_inputs(
                ["trials"], [{"name": "trials", "path": _TRIALS, "raw": {"data": "{{inputs.parameters.trials}}"}}]
            ),
            **self._ours(BEST, [_TRIALS, step.objective, sign, "/tmp/mlops"], []),  # noqa: S108 (an emptyDir)
            "outputs": {
                "parameters": [
                    {"name": one, "valueFrom": {"path": f"/tmp/mlops/{file}"}}  # noqa: S108 (as above)
                    for one, file in (("metrics", "metrics.json"), ("trial", "trial"))
                ]
            },
        }

    def _registered(self, name: str, step: RegisterStep) -> Fields:
        """Write what makes a version, which waits for its approval."""
        registry = self.at.registries[ModelAddress.of(step.model).registry]
        measured = list(dict.fromkeys(self.graph.name(one.step) for one in step.noted()))
        told = {
            "model": ModelAddress.of(step.model).model,
            "source": f"s3://{self.at.bucket}/{self._key(step.files)}",
            "image": literal(step.image) if step.image is not None else None,
            "metadata": {key: literal(value) for key, value in step.metadata.items()},
            "facts": {
                "mlops-pipeline": self.at.app.scope.name,
                "mlops-run": _RUN,
                "mlops-step": self.graph.name(step.files.step),
                "mlops-code": literal(made_by(step.files.step)),
            },
            "metrics": {
                one.name: f"MLOPS_MEASURED_{measured.index(self.graph.name(one.step))}" for one in step.noted()
            },
        }
        env: list[Fields] = [
            {"name": "MLOPS_REGISTRY", "value": registry.url},
            {"name": "MLOPS_VERSION", "value": Output.json_dumps(told, sort_keys=True)},
            *(
                {"name": f"MLOPS_MEASURED_{index}", "value": f"{{{{inputs.parameters.metrics-{one}}}}}"}
                for index, one in enumerate(measured)
            ),
            *(
                camel_case(secret_variable(f"MLFLOW_TRACKING_{word.upper()}", registry.secret, word))
                for word in ("username", "password")
            ),
        ]
        return {
            "name": _called("step", name),
            **_inputs(list(self._handed(step, str))),
            # Pods with this label reach the registry.
            "metadata": {"labels": REGISTRY.of(registry.name)},
            **self._ours(REGISTER, [], env),
        }

    def _ours(self, script: str, args: Sequence[str], env: list[Fields]) -> Fields:
        """Write a pod that runs a program of the library, which may be run again."""
        container = {
            "image": PYTHON,
            "command": ["python3", f"{FOLDER}/{script}"],
            "args": list(args),
            "env": env,
            "resources": resources("50m", "128Mi"),
            "volume_mounts": [{"name": "program", "mount_path": FOLDER, "read_only": True}],
        }
        return {
            "container": camel_case(restricted(container)),
            "volumes": [
                {"name": "tmp", "emptyDir": {}},
                {"name": "program", "configMap": {"name": self.at.programs}},
            ],
            "activeDeadlineSeconds": 900,
            "podSpecPatch": _patched({}),
            **_again(2),
        }


def trained(step: Step) -> TrainStep | None:
    """Return the training of a step, if it is one or tunes one."""
    found = step.fit if isinstance(step, TuneStep) else step
    return found if isinstance(found, TrainStep) else None


def made_by(step: Step) -> Input[str]:
    """Return the image of a step: the code that made something."""
    work = works(step)
    return work.image if work else ""


def claim(name: str) -> str:
    """Name the volume in which a step keeps checkpoints."""
    return f"checkpoints-{dashed(name)}"


def literal(value: Input[str]) -> Input[str]:
    """Return a text of the user's, in which Argo must find nothing to put in."""

    def judged(found: str) -> str:
        if "{{" in found:
            raise ValueError(TAG.format(found))
        return found

    return Output.from_input(value).apply(judged) if is_deferred(value) else value


TAG = "{0!r} has '{{{{', between which Argo puts values in; write it into a file of the image, or into a secret"
"""Why a text is not taken."""


def setting(value: object) -> str:
    """Write a value of a parameter; one of the pipeline's is known when a run starts."""
    return f"{{{{workflow.parameters.{value.name}}}}}" if isinstance(value, Parameter) else text(value)


def _called(prefix: str, name: str) -> str:
    return f"{prefix}-{dashed(name)}"


def _set(name: str) -> str:
    return f"set-{name}"


def _given(values: Mapping[str, str]) -> Fields:
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    return {"arguments": {"parameters": parameters}} if parameters else {}


def _inputs(names: Sequence[str], artifacts: Sequence[Fields] = ()) -> Fields:
    found = {"parameters": [{"name": name} for name in names], "artifacts": list(artifacts)}
    return {"inputs": {key: value for key, value in found.items() if value}} if names or artifacts else {}


def _outputs(task: str, step: Work, *, trial: bool) -> Fields:
    """Hand on what one task of a template measured."""
    names = [*(["metrics"] if step.metrics else []), *(["trial"] if trial else [])]
    parameters = [
        {"name": name, "valueFrom": {"parameter": f"{{{{tasks.{task}.outputs.parameters.{name}}}}}"}} for name in names
    ]
    return {"outputs": {"parameters": parameters}} if parameters else {}


def _again(retries: int) -> Fields:
    """Say how often a step is begun again, after its program failed and after its node was taken away."""
    if not retries:
        return {}
    backoff = {"duration": f"{_FIRST_SECONDS}s", "factor": _LATER}
    return {"retryStrategy": {"limit": str(retries), "retryPolicy": "Always", "backoff": backoff}}


def _variables(values: Mapping[str, Input[str]]) -> list[Fields]:
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def _patched(host: Fields) -> str:
    """Lock Argo's own containers down, whatever its controller is told: they are in a namespace that asks for it."""
    locked = {key: value for key, value in camel_case(container_security()).items() if key != "readOnlyRootFilesystem"}
    size = camel_case({"requests": {"cpu": decimal(0.1), "memory": "128Mi"}, "limits": {"memory": "1Gi"}})
    pod = {
        **host,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "initContainers": [{"name": "init", "securityContext": locked, "resources": size}],
        "containers": [{"name": "wait", "securityContext": locked, "resources": size}],
    }
    return json.dumps(pod, sort_keys=True)
