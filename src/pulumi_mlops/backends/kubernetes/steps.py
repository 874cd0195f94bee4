"""Steps of a pipeline as templates of Argo Workflows (https://argo-workflows.readthedocs.io/en/latest/fields/).

A container of a step holds no key and no token: Argo's own containers beside it bring its files from the object store
and take them there. What a step measures leaves it as JSON, of which expressions read one number.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import argo, publishing, search, starts, taken, trainings, workload
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress, ModelAddress
from pulumi_mlops.backends.kubernetes.model_registry import REGISTRY
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    camel_case,
    container_security,
    resources,
    restricted,
    secret_variable,
)
from pulumi_mlops.backends.kubernetes.taken import FOLDER, INPUTS, Trackers
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.workload import variable
from pulumi_mlops.steps.graph import Graph, works
from pulumi_mlops.steps.register import RegisterStep
from pulumi_mlops.steps.step import Bound, Out, Parameter, Step
from pulumi_mlops.steps.train import TrainStep
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import (
    INPUT,
    KEPT,
    MADE,
    METRICS,
    OUTPUT,
    PARAMETER,
    READS,
    RECORD,
    RECORDED,
    RUN,
    Files,
    Work,
)

FACTS = "MLOPS-FACTS"
"""The artifact with the record of a step; no output is written so."""
START = "graph"
"""The template that a run begins with. Those of steps have a prefix, so none is called so."""
PROGRAM = "step.py"
BEST, REGISTER = "best.py", "register.py"
OUTPUTS, CHECKPOINTS = "/mnt/outputs", "/mnt/checkpoints"
METRICS_FILE = f"{argo.TMP}/metrics.json"
_TRIED, _TRIAL = "try", "MLOPS_TRIAL"
"""The prefix of what runs a trial, and the variable with its number."""
_SHARED_PERCENT = 50
"""The share of a pod's memory in which its processes may hand tensors to each other."""


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
    registries: Mapping[str, Registry]
    platform: PlatformRef
    trackers: Trackers


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
                "name": argo.dashed(name),
                "template": argo.called("step", name),
                **argo.given(self._handed(step, lambda word: word)),
            }
            if before := self.graph.before(name):
                # A step that was skipped has not succeeded: whatever takes from it is left out, and nothing fails.
                task["depends"] = " && ".join(f"{argo.dashed(one)}.Succeeded" for one in before)
            if step.when is not None:
                task["when"] = self._condition(step.when.bounds)
            tasks.append(task)
        return {"name": START, "dag": {"tasks": tasks}}

    def _condition(self, bounds: Sequence[Bound]) -> str:
        return "{{=" + " && ".join(self._bound(bound) for bound in bounds) + "}}"

    def _bound(self, bound: Bound) -> str:
        task = argo.dashed(self.graph.name(bound.metric.step))
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
                found[f"from-{name}"] = source(f"{{{{tasks.{argo.dashed(name)}.outputs.parameters.trial}}}}")
        if isinstance(step, RegisterStep):
            for metric in step.noted():
                name = self.graph.name(metric.step)
                found[f"metrics-{name}"] = source(f"{{{{tasks.{argo.dashed(name)}.outputs.parameters.metrics}}}}")
            if (read := self._read(step)) is not None:
                found[f"facts-{read}"] = source(f"{{{{tasks.{argo.dashed(read)}.outputs.parameters.facts}}}}")
        return found

    def _step(self, name: str) -> Iterator[Fields]:
        step = self.graph.steps[name]
        if isinstance(step, TuneStep):
            yield from self._tuned(name, step)
        elif isinstance(step, RegisterStep):
            yield self._registered(name, step)
        elif isinstance(step, Work):
            handed = self._handed(step, str)
            yield from self._work(name, publishing.RUNS if step.publish else "step", step, handed)
            if step.publish:
                program: Fields = {"name": "program", "configMap": {"name": self.at.programs}}
                folder = self._folder(name, trial=False)
                pod = publishing.publishing(name, step, self.at.platform, program, folder)
                yield from publishing.templates(name, handed, self._left(name, step, trial=False), pod)

    def _work(
        self, name: str, prefix: str, step: Work, handed: Mapping[str, str], searched: Sequence[str] | None = None
    ) -> Iterator[Fields]:
        """Write a step that runs a container: the pod that does, or one that leads those that do."""
        words = [*handed, *(["trial", *map(argo.set_of, searched)] if searched is not None else [])]
        pod = self._leader if trainings.led(step) else self._pod
        brought = [self._brought(one, source) for one, source in sorted(step.inputs.items()) if one not in step.fetches]
        yield {
            "name": argo.called(prefix, name),
            **argo.inputs(words, brought),
            **pod(name, step, searched),
            "podSpecPatch": argo.patched(),
            **self._left(name, step, trial=searched is not None),
            **argo.again(step.retries),
        }

    def _pod(self, name: str, step: Work, searched: Sequence[str] | None) -> Fields:
        """Write the pod of a step, which Argo brings files into."""
        container, volumes = self._container(name, step, searched)
        labels = taken.label(step)
        return {
            **({"metadata": {"labels": labels}} if labels else {}),
            **starts.account(self.at.app, step),
            "container": {**container, "command": ["python3", f"{FOLDER}/{PROGRAM}"]},
            **taken.fetched(step, self.at.platform, container["env"]),
            "volumes": [*volumes, *taken.trusted(step, self.at.platform)],
            "activeDeadlineSeconds": round(step.max_hours * 3600),
            **trainings.size_of(step).placement,
        }

    def _leader(self, name: str, step: Work, searched: Sequence[str] | None) -> Fields:
        """Write the pod that leads a training."""
        assert isinstance(step, TrainStep)  # noqa: S101 (nothing else is led)
        environment = self._environment(name, step, searched)
        handed = {key: str(value) for key, value in environment.items() if _late(value)}
        if searched is not None:
            handed[_TRIAL] = "{{inputs.parameters.trial}}"
        told = trainings.Leading(
            name=name,
            given={variable(INPUT, one): taken.folder(step, one) for one in step.inputs}
            | ({READS: str(environment[READS])} if step.fetches else {}),
            taken={variable(OUTPUT, one): f"{OUTPUTS}/{one}" for one in step.outputs}
            | ({METRICS: METRICS_FILE} if step.metrics else {})
            | {RECORD: taken.FACTS_FILE},
            handed=handed,
            claim=(argo.claim(name), f"{{{{workflow.name}}}}-{argo.claim(name)}") if step.checkpoints else None,
        )
        program: Fields = {"name": "program", "configMap": {"name": self.at.programs}}
        mounts: list[Fields] = [
            {"name": "program", "mount_path": FOLDER, "read_only": True},
            {"name": "outputs", "mount_path": OUTPUTS},
            *({"name": one["name"], "mount_path": one["mountPath"]} for one in taken.mounts(step)),
        ]
        led = trainings.lead(self.at.app, step, told, program, mounts)
        volumes = [*led["volumes"], *taken.volumes(step), *taken.trusted(step, self.at.platform)]
        return {**led, **taken.fetched(step, self.at.platform, argo.variables(environment)), "volumes": volumes}

    def runtimes(self) -> dict[str, Fields]:
        """Write what machines run of each training that is led."""
        found = {}
        for name in self.graph.order():
            step = self.graph.steps[name]
            fit = step.trial() if isinstance(step, TuneStep) else step
            if not isinstance(fit, TrainStep) or not trainings.led(fit):
                continue
            container, volumes = self._container(name, fit, list(step.over) if isinstance(step, TuneStep) else None)
            key, where = trainings.KEY
            container |= {
                "command": ["python3", "-u", f"{FOLDER}/{trainings.FOLLOW}", "python3", f"{FOLDER}/{PROGRAM}"],
                # What is known only when a run goes on is handed over by who leads.
                "env": [*(one for one in container["env"] if not _late(one["value"])), {"name": key, "value": where}],
                "volumeMounts": [
                    *(_apart(one) for one in container["volumeMounts"]),
                    {"name": "inputs", "mountPath": INPUTS},
                ],
            }
            volumes.append({"name": "inputs", "emptyDir": {}})
            found[name] = trainings.runtime(self.at.app, fit, container, volumes, argo.GRACE_SECONDS)
        return found

    def _container(self, name: str, step: Work, searched: Sequence[str] | None) -> tuple[Fields, list[Fields]]:
        """Write the container of a step, without what begins it, and the volumes that it has by itself."""
        size = trainings.size_of(step)
        load = replace(self.at.trackers.of(step, name), shared_memory_gb=size.memory_gb * _SHARED_PERCENT / 100)
        mounts = [
            *workload.mounts(load),
            {"name": "program", "mountPath": FOLDER, "readOnly": True},
            {"name": "outputs", "mountPath": OUTPUTS},
            *taken.mounts(step),
            *starts.mounts(step),
        ]
        volumes = [
            *workload.volumes(load),
            *taken.volumes(step),
            *starts.volumes(step),
            {"name": "program", "configMap": {"name": self.at.programs}},
            {"name": "outputs", "emptyDir": {}},
        ]
        if isinstance(step, TrainStep) and step.checkpoints:
            part = {"subPath": "trial-{{inputs.parameters.trial}}"} if searched is not None else {}
            mounts.append({"name": argo.claim(name), "mountPath": CHECKPOINTS, **part})
        container: Fields = {
            "image": argo.literal(step.image),
            "args": [*taken.before(load), *(argo.literal(word) for word in step.command)],
            "env": argo.variables(self._environment(name, step, searched)),
            "resources": size.resources,
            "securityContext": camel_case(container_security()),
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108 (an emptyDir)
        }
        return container, volumes

    def _environment(self, name: str, step: Work, searched: Sequence[str] | None) -> dict[str, Input[str]]:
        """Return the variables of a container; those of the library win, and a user's of such a name was refused."""
        fit = step if isinstance(step, TrainStep) else None
        wanted: dict[str, Any] = {"outputs": list(step.outputs), "metrics": list(step.metrics)}
        wanted |= step.fetched
        if fit and fit.launcher:
            wanted |= {"launcher": fit.launcher, "processes": fit.processes}
        found: dict[str, Input[str]] = {key: argo.literal(value) for key, value in step.environment.items()}
        found |= taken.told(step, self.at.trackers.of(step, name))
        found |= starts.told(self.at.app, step)
        found |= self._recorded(name, step, trial=searched is not None)
        found |= {variable(OUTPUT, one): f"{OUTPUTS}/{one}" for one in step.outputs}
        found |= {variable(PARAMETER, one): argo.setting(value) for one, value in step.parameters.items()}
        if searched is not None:
            found |= {variable(PARAMETER, one): f"{{{{inputs.parameters.{argo.set_of(one)}}}}}" for one in searched}
        if step.metrics:
            found[METRICS] = METRICS_FILE
        if fit and fit.checkpoints:
            found["MLOPS_CHECKPOINTS"] = CHECKPOINTS
        return {**found, "MLOPS_STEP": json.dumps(wanted)}

    def _recorded(self, name: str, step: Work, *, trial: bool) -> dict[str, Input[str]]:
        """Name the run, where its record is to be, and the records of what it takes."""
        within = "/{{inputs.parameters.trial}}" if trial else ""
        found: dict[str, Input[str]] = {
            RUN: f"{self.at.app.scope.name}/{argo.RUN}/{name}{within}",
            RECORDED: f"s3://{self.at.bucket}/{self._folder(name, trial=trial)}/facts.json",
        }
        for output in step.outputs:
            found[variable(KEPT, output)] = f"s3://{self.at.bucket}/{self._folder(name, trial=trial)}/{output}/"
        for one, source in step.inputs.items():
            if isinstance(source, Out):
                made = f"{self.graph.name(source.step)}/{source.name}"
                found[variable(MADE, one)] = f"{made} {self._facts(source)}"
        return found

    def _facts(self, out: Out) -> str:
        """Return the address of the record of what made something."""
        return f"s3://{self.at.bucket}/{self._key(out).rpartition('/')[0]}/facts.json"

    def _folder(self, name: str, *, trial: bool) -> str:
        """Return where in the bucket a step leaves what it made."""
        within = "/trial-{{inputs.parameters.trial}}" if trial else ""
        return f"{self.at.folder}/{argo.RUN}/{name}{within}"

    def _within_bucket(self, uri: str) -> str:
        """Return where in the bucket a folder is."""
        return uri.removeprefix(f"s3://{self.at.bucket}/").rstrip("/")

    def _brought(self, name: str, source: object) -> Fields:
        """Say what Argo brings into a folder before the container begins."""
        key: Input[str]
        if isinstance(source, Out):
            key = self._key(source)
        elif isinstance(source, ModelVersionRef):
            key = self._within_bucket(source.files or "")
        elif isinstance(source, Files):
            known = source.uri
            key = (
                Output.from_input(known).apply(self._within_bucket)
                if is_deferred(known)
                else self._within_bucket(str(known))
            )
        else:
            group = source.group  # type: ignore[attr-defined]  # a view, as the spec says
            key = self._within_bucket(FeatureGroupAddress.of(group).location)
        return {"name": name, "path": f"{INPUTS}/{name}", "s3": {"key": key}, "archive": {"none": {}}}

    def _left(self, name: str, step: Work, *, trial: bool) -> Fields:
        """Say what Argo takes out of the container when it has ended."""
        folder = self._folder(name, trial=trial)
        plain: Fields = {"archive": {"none": {}}}
        artifacts = [
            *(
                {"name": one, "path": f"{OUTPUTS}/{one}", "s3": {"key": f"{folder}/{one}"}, **plain}
                for one in step.outputs
            ),
            # A step that does not begin, since what it takes is not there, has no record.
            {"name": FACTS, "path": taken.FACTS_FILE, "s3": {"key": f"{folder}/facts.json"}, "optional": True, **plain},
        ]
        parameters: list[Fields] = []
        if step.metrics:
            parameters.append({"name": "metrics", "valueFrom": {"path": METRICS_FILE}})
        if trial:
            # Argo lists what trials measured without saying of which: each gives its number along. No file is there.
            number = {"path": f"{argo.TMP}/trial", "default": "{{inputs.parameters.trial}}"}
            parameters.append({"name": "trial", "valueFrom": number})
        if not trial and step.datasets and self._registers(name):
            parameters.append({"name": "facts", "valueFrom": {"path": taken.FACTS_FILE}})
        found = {"artifacts": artifacts, "parameters": parameters}
        return {"outputs": {key: value for key, value in found.items() if value}}

    def _registers(self, name: str) -> bool:
        """Tell whether what a step makes becomes a version."""
        made = (step.files.step for step in self.graph.steps.values() if isinstance(step, RegisterStep))
        return any(self.graph.name(one) == name for one in made)

    def _read(self, step: RegisterStep) -> str | None:
        """Name the step of which a version says what it read; of a search, the best trial's record does alone."""
        source = step.files.step
        return self.graph.name(source) if isinstance(source, Work) and source.datasets else None

    def _key(self, out: Out) -> str:
        """Return where in the bucket another step of the run has left a folder."""
        name = self.graph.name(out.step)
        within = f"/trial-{{{{inputs.parameters.from-{name}}}}}" if isinstance(out.step, TuneStep) else ""
        return f"{self.at.folder}/{argo.RUN}/{name}{within}/{out.name}"

    def _tuned(self, name: str, step: TuneStep) -> Iterator[Fields]:
        """Write a search: trials side by side, with values that those before them suggest, and which was the best."""
        fit, handed, searched = step.trial(), self._handed(step, str), list(step.over)
        history = f"{self.at.folder}/{argo.RUN}/{name}/search"
        yield from search.templates(name, step, list(handed), _TRIED)
        asks = search.asks(f"{self.at.app.scope.name}/{name}", step)
        yield {**search.asking(name, step, history), **self._ours(search.PROGRAM, search.ARGS, asks, search.IMAGE)}
        for template in self._work(name, _TRIED, fit, handed, searched):
            yield search.telling(template, METRICS_FILE, history)
        sign = "max" if step.maximize else "min"
        yield {**search.choosing(name), **self._ours(BEST, [search.TRIALS, step.objective, sign, argo.TMP], [])}

    def _registered(self, name: str, step: RegisterStep) -> Fields:
        """Write what makes a version, which waits for its approval."""
        registry = self.at.registries[ModelAddress.of(step.model).registry]
        measured = list(dict.fromkeys(self.graph.name(one.step) for one in step.noted()))
        told = {
            "model": ModelAddress.of(step.model).model,
            "source": f"s3://{self.at.bucket}/{self._key(step.files)}",
            "image": argo.literal(step.image) if step.image is not None else None,
            "metadata": {key: argo.literal(value) for key, value in step.metadata.items()},
            "facts": {
                "mlops-pipeline": self.at.app.scope.name,
                "mlops-run": argo.RUN,
                "mlops-step": self.graph.name(step.files.step),
                "mlops-code": argo.literal(made_by(step.files.step)),
                "mlops-facts": self._facts(step.files),
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
                {"name": "MLOPS_MADE_BY", "value": f"{{{{inputs.parameters.facts-{one}}}}}"}
                for one in [self._read(step)]
                if one is not None
            ),
            *(
                camel_case(secret_variable(f"MLFLOW_TRACKING_{word.upper()}", registry.secret, word))
                for word in ("username", "password")
            ),
        ]
        return {
            "name": argo.called("step", name),
            **argo.inputs(list(self._handed(step, str))),
            # Pods with this label reach the registry.
            "metadata": {"labels": REGISTRY.of(registry.name)},
            **self._ours(REGISTER, [], env),
        }

    def _ours(self, script: str, args: Sequence[str], env: list[Fields], image: str = PYTHON) -> Fields:
        """Write a pod that runs a program of the library, which may be run again."""
        container = {
            "image": image,
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
            "podSpecPatch": argo.patched(),
            **argo.again(2),
        }


def trained(step: Step) -> TrainStep | None:
    """Return the training of a step, if it is one or tunes one."""
    found = step.fit if isinstance(step, TuneStep) else step
    return found if isinstance(found, TrainStep) else None


def made_by(step: Step) -> Input[str]:
    """Return the image of a step: the code that made something."""
    work = works(step)
    return work.image if work else ""


def _late(value: object) -> bool:
    """Tell whether Argo puts something into a value; a user's has nothing that it would."""
    return isinstance(value, str) and "{{" in value


def _apart(mount: Fields) -> Fields:
    """Have a trial's part of a volume named by the variable that says which trial it is."""
    if not _late(mount.get("subPath")):
        return mount
    return {key: value for key, value in mount.items() if key != "subPath"} | {"subPathExpr": f"trial-$({_TRIAL})"}
