"""Components, and the jobs that name them: to Resource Manager what is in one is anything, to the service it is not.

The names of fields are those that azure-ai-ml writes, which tests have it read back.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, dig, rule
from pulumi_mlops_sandbox.azure.errors import Problem
from pulumi_mlops_sandbox.azure.rules.assets import ML, NAMESPACE, asset
from pulumi_mlops_sandbox.azure.rules.workspaces import workspace_of
from pulumi_mlops_sandbox.azure.store import Record

SPEC = "properties.componentSpec"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,254}")
_INPUTS = ("uri_folder", "uri_file", "mltable", "mlflow_model", "custom_model", "triton_model")
_LITERALS = ("string", "number", "integer", "boolean")
_DISTRIBUTIONS = ("pytorch", "mpi", "tensorflow", "ray")
_BOUND = re.compile(r"\$\{\{(.*?)\}\}")
_INPUT = re.compile(r"parent\.inputs\.(\w+)")
_OUTPUT = re.compile(r"parent\.jobs\.(\w+)\.outputs\.(\w+)")
_TIME = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_SPACES: Mapping[str, tuple[str, ...]] = {
    "choice": ("values",),
    "uniform": ("min_value", "max_value"),
    "loguniform": ("min_value", "max_value"),
    "quniform": ("min_value", "max_value", "q"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "lognormal": ("mu", "sigma"),
    "randint": ("upper",),
}
_SAMPLING = ("random", "grid", "bayesian")
_COMMON = {"$schema", "_source", "type", "name", "version", "display_name", "description", "tags", "is_deterministic"}
_COMMAND = _COMMON | {"inputs", "outputs", "command", "code", "environment", "resources", "distribution"}
_PIPELINE = _COMMON | {"inputs", "outputs", "jobs", "sourceJobId"}


@rule(f"{ML}/components/versions", f"{NAMESPACE}/registries/components/versions")
def component(call: Call) -> Iterator[Problem]:
    """Refuse a component that could not run."""
    spec = call.properties.get("componentSpec")
    if not isinstance(spec, dict):
        yield Problem(SPEC, "is required and missing")
        return
    container = ids.parse(call.address.parent).name
    for field, wanted in (("name", container), ("version", call.address.name)):
        if spec.get(field) is not None and str(spec[field]) != wanted:
            yield Problem(f"{SPEC}.{field}", f"'{spec[field]}' is not that of the id, '{wanted}'")
    if not _NAME.fullmatch(container):
        yield Problem(f"{SPEC}.name", f"'{container}' is not of lower-case letters, digits and underscores")
    known = {"command": (_COMMAND, _command), "pipeline": (_PIPELINE, _pipeline)}.get(str(spec.get("type")))
    if known is None:
        yield Problem(f"{SPEC}.type", f"'{spec.get('type')}' is neither command nor pipeline, which are played here")
        return
    fields, judge = known
    for field in spec:
        if field not in fields:
            yield Problem(f"{SPEC}.{field}", "is no field of such a component")
    yield from _declared(spec)
    yield from judge(call, spec)


def _declared(spec: Mapping[str, Any]) -> Iterator[Problem]:
    for field, kinds in (("inputs", (*_INPUTS, *_LITERALS)), ("outputs", _INPUTS)):
        for name, said in (spec.get(field) or {}).items():
            kind = said.get("type") if isinstance(said, dict) else None
            if not _NAME.fullmatch(name):
                yield Problem(f"{SPEC}.{field}.{name}", f"'{name}' is not of lower-case letters, digits, underscores")
            if kind not in kinds:
                yield Problem(f"{SPEC}.{field}.{name}.type", f"'{kind}' is none of {', '.join(kinds)}")


def _command(call: Call, spec: Mapping[str, Any]) -> Iterator[Problem]:
    text = str(spec.get("command") or "")
    if not text:
        yield Problem(f"{SPEC}.command", "is required and missing")
    for said in _BOUND.findall(text):
        kind, _, name = said.strip().partition(".")
        if kind not in {"inputs", "outputs"} or name not in (spec.get(kind) or {}):
            yield Problem(f"{SPEC}.command", f"'{said}' is neither an input nor an output of the component")
    for field, needed in (("environment", True), ("code", False)):
        uri = spec.get(field)
        if uri is None and needed:
            yield Problem(f"{SPEC}.{field}", "is required and missing")
        elif uri is not None and asset(call, str(uri)) is None:
            yield Problem(f"{SPEC}.{field}", f"'{uri}' does not exist: create it first")
    count = dig(spec, "resources.instance_count", 1)
    if not isinstance(count, int | float) or count < 1 or count != int(count):
        yield Problem(f"{SPEC}.resources.instance_count", f"'{count}' is no number of machines")
    spread = spec.get("distribution")
    if spread is not None and spread.get("type") not in _DISTRIBUTIONS:
        yield Problem(f"{SPEC}.distribution.type", f"'{spread.get('type')}' is none of {', '.join(_DISTRIBUTIONS)}")


def _pipeline(call: Call, spec: Mapping[str, Any]) -> Iterator[Problem]:
    jobs = spec.get("jobs")
    if not isinstance(jobs, dict) or not jobs:
        yield Problem(f"{SPEC}.jobs", "needs a job")
        return
    components = {name: of_node(call, node) for name, node in jobs.items()}
    for name, node in jobs.items():
        path = f"{SPEC}.jobs.{name}"
        if not _NAME.fullmatch(name):
            yield Problem(path, f"'{name}' is not of lower-case letters, digits and underscores")
        if node.get("type") not in {"command", "sweep", "pipeline"}:
            yield Problem(f"{path}.type", f"'{node.get('type')}' is none of command, sweep, pipeline")
            continue
        record = components[name]
        if record is None:
            yield Problem(f"{path}.componentId", f"the component '{component_id(node)}' does not exist")
            continue
        yield from _given(node, record.at(SPEC), path)
        yield from _bindings(spec, components, node, record.at(SPEC), path)
        yield from _runs(call, node, path)
    yield from _cycles(jobs)


def component_id(node: Mapping[str, Any]) -> str:
    """Return the component that a node names."""
    found = dig(node, "trial.componentId") if node.get("type") == "sweep" else node.get("componentId")
    return str(found or "")


def of_node(call: Call, node: Mapping[str, Any]) -> Record | None:
    """Find the component of a node."""
    found = asset(call, component_id(node)) if component_id(node) else None
    return found if isinstance(found, Record) and found.type.endswith("components/versions") else None


def _given(node: Mapping[str, Any], spec: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Compare what a node gives with what its component takes."""
    takes, given = spec.get("inputs") or {}, node.get("inputs") or {}
    searched = node.get("search_space") or {}
    for name in [*given, *searched]:
        if name not in takes:
            yield Problem(f"{path}.inputs.{name}", "is no input of the component")
    for name, said in takes.items():
        if name not in given and name not in searched and "default" not in said and not said.get("optional"):
            yield Problem(f"{path}.inputs.{name}", "is required by the component and missing")
    for name in node.get("outputs") or {}:
        if name not in (spec.get("outputs") or {}):
            yield Problem(f"{path}.outputs.{name}", "is no output of the component")


def _bindings(
    spec: Mapping[str, Any],
    components: Mapping[str, Record | None],
    node: Mapping[str, Any],
    own: Mapping[str, Any],
    path: str,
) -> Iterator[Problem]:
    for name, said in (node.get("inputs") or {}).items():
        wanted, where = dig(own, f"inputs.{name}.type"), f"{path}.inputs.{name}"
        for bound in _BOUND.findall(str(said.get("value", ""))):
            outer, inner = _INPUT.fullmatch(bound), _OUTPUT.fullmatch(bound)
            if outer is not None:
                kind = dig(spec, f"inputs.{outer[1]}.type")
            elif inner is not None and components.get(inner[1]) is not None:
                source = components[inner[1]]
                kind = source.at(f"{SPEC}.outputs.{inner[2]}.type") if source is not None else None
            else:
                kind = None
            if kind is None:
                yield Problem(where, f"'{bound}' leads to nothing in the pipeline")
            elif kind != wanted and not (kind in _LITERALS and wanted in _LITERALS):
                yield Problem(where, f"'{bound}' is {kind}, and the component takes {wanted}")


def _runs(call: Call, node: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Judge on what a node runs, as whom, and how long."""
    machines, space = node.get("computeId"), workspace_of(call)
    record = call.store.get(str(machines)) if machines else None
    if machines and record is None:
        yield Problem(f"{path}.computeId", f"the compute '{machines}' does not exist")
    said = node.get("identity") or {}
    if said.get("identity_type") == "Managed" and space is not None:
        yield from _identity(call, str(said.get("client_id") or ""), record or space, path)
    limits = node.get("limits") or {}
    if node.get("type") == "sweep":
        yield from _sweep(node, limits, path)
    elif limits.get("timeout") is not None and not _TIME.fullmatch(str(limits["timeout"])):
        yield Problem(f"{path}.limits.timeout", f"'{limits['timeout']}' is no duration, such as PT1H")


def _identity(call: Call, client: str, holder: Record, path: str) -> Iterator[Problem]:
    """Refuse an identity that neither the machines nor, where there are none of one's own, the workspace has.

    https://learn.microsoft.com/azure/machine-learning/how-to-use-serverless-compute
    """
    given = dig(holder.body, "identity.userAssignedIdentities") or {}
    clients = [str(found.at("properties.clientId")) for one in given if (found := call.store.get(one)) is not None]
    if client and client not in clients:
        yield Problem(
            f"{path}.identity.client_id", f"'{client}' is no identity of '{holder.id}': assign it there first"
        )


def _sweep(node: Mapping[str, Any], limits: Mapping[str, Any], path: str) -> Iterator[Problem]:
    goal, metric = dig(node, "objective.goal"), dig(node, "objective.primary_metric")
    if goal not in {"maximize", "minimize"} or not metric:
        yield Problem(
            f"{path}.objective", f"needs a goal, maximize or minimize, and a metric, is {node.get('objective')}"
        )
    if node.get("sampling_algorithm") not in _SAMPLING:
        yield Problem(f"{path}.sampling_algorithm", f"'{node.get('sampling_algorithm')}' is none of {_SAMPLING}")
    spaces = node.get("search_space") or {}
    if not spaces:
        yield Problem(f"{path}.search_space", "needs a parameter")
    for name, said in spaces.items():
        needed = _SPACES.get(str(said.get("type")))
        if needed is None or any(said.get(field) is None for field in needed):
            yield Problem(f"{path}.search_space.{name}", f"{said} is no distribution: {', '.join(_SPACES)}")
        elif "min_value" in needed and not said["min_value"] < said["max_value"]:
            yield Problem(f"{path}.search_space.{name}", f"{said['min_value']} is not below {said['max_value']}")
    most, at_once = limits.get("max_total_trials"), limits.get("max_concurrent_trials", 1)
    if not isinstance(most, int | float) or most < 1 or not 1 <= at_once <= most:
        yield Problem(f"{path}.limits", f"{at_once} of {most} trials at a time cannot be")


def _cycles(jobs: Mapping[str, Any]) -> Iterator[Problem]:
    before = {
        name: {
            found[1] for one in (node.get("inputs") or {}).values() for found in _OUTPUT.finditer(str(one.get("value")))
        }
        for name, node in jobs.items()
    }
    done: set[str] = set()
    while ready := [name for name in before if name not in done and before[name] & set(before) <= done]:
        done |= set(ready)
    if waiting := [name for name in before if name not in done]:
        yield Problem(f"{SPEC}.jobs", f"{', '.join(waiting)} wait for each other")


@rule(f"{ML}/jobs")
def job(call: Call) -> Iterator[Problem]:
    """Refuse a job of a pipeline that is not there, or that takes something else."""
    yield from judged_run(call, call.properties, "properties")


@rule(f"{ML}/schedules")
def schedule(call: Call) -> Iterator[Problem]:
    """Judge the pipeline that a schedule starts."""
    action = call.properties.get("action") or {}
    if action.get("actionType") == "CreateJob":
        yield from judged_run(call, action.get("jobDefinition") or {}, "properties.action.jobDefinition")


def judged_run(call: Call, asked: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Judge a job that names a component."""
    if asked.get("jobType") != "Pipeline" or not asked.get("componentId"):
        return
    found = asset(call, str(asked["componentId"]))
    if not isinstance(found, Record) or found.at(f"{SPEC}.type") != "pipeline":
        yield Problem(f"{path}.componentId", f"the pipeline '{asked['componentId']}' does not exist")
        return
    takes, given = found.at(f"{SPEC}.inputs") or {}, asked.get("inputs") or {}
    for name in given:
        if name not in takes:
            yield Problem(f"{path}.inputs.{name}", "is no input of the pipeline")
    for name, said in takes.items():
        if name not in given and "default" not in said and not said.get("optional"):
            yield Problem(f"{path}.inputs.{name}", "is required by the pipeline and missing")
