"""Models, data, environments, features, computes, jobs and schedules."""

import re
from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import facts, ids
from pulumi_mlops_sandbox.azure.call import Call, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.rules.workspaces import STRICTEST, unprovisioned, workspace_of
from pulumi_mlops_sandbox.azure.store import Record

NAMESPACE = "Microsoft.MachineLearningServices"
ML = f"{NAMESPACE}/workspaces"
_REGISTRY = re.compile(r"azureml://registries/([^/]+)/(\w+)/([^/]+)(?:/(?:versions|labels)/([^/]+))?", re.IGNORECASE)
_LONG = re.compile(r"azureml:/*(?P<id>/subscriptions/.+)|azureml://(?P<path>subscriptions/.+)", re.IGNORECASE)
_SHORT = re.compile(r"azureml:(?P<name>[^:/@]+)(?:[:@](?P<version>[^:/@]+))?")
_CURATED = ("azureml", "azureml-msr", "azureml-meta", "huggingface")
"""Registries of Microsoft's: everything is in them."""
_TIME = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_CRON = re.compile(r"[\d*/,\-A-Za-z?]+")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_PROVISION = "set properties.provisionNetworkNow on the workspace, as Spark does not make it"
CURATED = object()


def seconds(duration: str) -> float:
    """Count the seconds of an ISO 8601 duration."""
    match = _TIME.fullmatch(duration)
    parts = [float(part or 0) for part in match.groups()] if match else [0, 0, 0, 0]
    return sum(part * factor for part, factor in zip(parts, (86400, 3600, 60, 1), strict=True))


def asset(call: Call, uri: str) -> Record | object | None:
    """Find what a URI of an asset means: its record, `CURATED` for one of Microsoft's or of storage, or nothing."""
    registry = _REGISTRY.match(uri)
    if registry:
        name, kind, item, version = registry.groups()
        if name.lower() in _CURATED:
            return CURATED
        return _in_registry(call, name, kind, item, version)
    long = _LONG.match(uri)
    identity = (long["id"] or f"/{long['path']}") if long else uri
    if identity.startswith("/subscriptions/"):
        return CURATED if "/datastores/" in identity else _of_id(call, identity)
    short = _SHORT.match(uri)
    if short and not uri.startswith("azureml://"):
        return _by_name(call, short["name"], short["version"])
    return CURATED if "://" in uri else None


def _in_registry(call: Call, name: str, kind: str, item: str, version: str | None) -> Record | None:
    for record in call.store.of_type(f"{NAMESPACE}/registries"):
        if record.name.lower() == name.lower():
            found = f"{record.id}/{kind}/{item}" + (f"/versions/{version}" if version else "")
            return call.store.get(found)
    return None


def _of_id(call: Call, identity: str) -> Record | None:
    found = call.store.get(identity)
    return found if found is None or found.state != "Deleting" else None


def _by_name(call: Call, name: str, version: str | None) -> Record | None:
    workspace = workspace_of(call)
    for kind in ("models", "environments", "codes", "components", "data"):
        if workspace is not None:
            path = f"{workspace.id}/{kind}/{name}"
            if version == "latest":
                versions = list(call.store.of_type(f"{ML}/{kind}/versions", path))
                found = max(versions, key=lambda one: one.created) if versions else None
            else:
                found = call.store.get(f"{path}/versions/{version}" if version else path)
            if found is not None:
                return found
    return None


@rule(f"{ML}/environments/versions", f"{NAMESPACE}/registries/environments/versions")
def environment(call: Call) -> Iterator[Problem]:
    """Refuse an environment that is both built and taken, or neither."""
    asked = call.properties
    if bool(asked.get("image")) == bool(asked.get("build")):
        yield Problem("properties", "needs either image or build")
    if asked.get("condaFile") and not asked.get("image"):
        yield Problem("properties.condaFile", "needs properties.image to build upon")


# Where assets of a workspace say that their files are.
PLACES = {
    f"{ML}/data/versions": "properties.dataUri",
    f"{ML}/models/versions": "properties.modelUri",
    f"{ML}/codes/versions": "properties.codeUri",
    f"{ML}/featuresets/versions": "properties.specification.path",
}


@rule(*PLACES)
def placed(call: Call) -> Iterator[Problem]:
    """Refuse files in a datastore that the workspace has not."""
    path, workspace = PLACES[call.kind.type], workspace_of(call)
    found = re.search(r"/datastores/([^/]+)/", str(call.at(path) or ""))
    if workspace is None or found is None:
        return
    named = re.search(r"/workspaces/([^/]+)/datastores/", str(call.at(path)))
    if named and named[1].lower() != workspace.name.lower():
        return
    if call.store.get(f"{workspace.id}/datastores/{found[1]}") is None:
        yield Problem(path, f"the workspace has no datastore '{found[1]}': create it first")


@rule(f"{ML}/datastores")
def datastore(call: Call) -> Iterator[Problem]:
    """Refuse a datastore that names no storage."""
    asked = call.properties
    needed = {
        "AzureBlob": ("accountName", "containerName"),
        "AzureDataLakeGen2": ("accountName", "filesystem"),
        "AzureFile": ("accountName", "fileShareName"),
    }
    for name in needed.get(str(asked.get("datastoreType")), ()):
        if not asked.get(name):
            yield Problem(f"properties.{name}", "is required and missing")


@on_delete(f"{ML}/datastores")
def own_datastore(call: Call) -> None:
    """Refuse to delete the datastores that a workspace needs."""
    if call.existing is not None and call.existing.own:
        raise ArmError(
            "UserError", f"'{call.address.name}' is a datastore of the workspace's own and cannot be deleted."
        )


@rule(f"{ML}/computes")
def compute(call: Call) -> Iterator[Problem]:
    """Refuse sizes and counts that there are not, and a name that the region has already."""
    said = call.properties.get("properties") or {}
    size, kind = said.get("vmSize"), call.properties.get("computeType")
    if kind in {"AmlCompute", "ComputeInstance"}:
        if not size:
            yield Problem("properties.properties.vmSize", "is required and missing")
        elif facts.size(str(size)) is None:
            yield Problem(
                "properties.properties.vmSize", f"the size '{size}' does not exist in this region", "InvalidVmSize"
            )
    scale = said.get("scaleSettings")
    if kind == "AmlCompute" and isinstance(scale, dict):
        low, high = scale.get("minNodeCount") or 0, scale.get("maxNodeCount") or 0
        if not 0 <= low <= high:
            yield Problem(
                "properties.properties.scaleSettings", f"needs 0 ≤ minNodeCount ({low}) ≤ maxNodeCount ({high})"
            )
        if high < 1:
            yield Problem("properties.properties.scaleSettings.maxNodeCount", f"{high} is less than 1")


@rule(f"{ML}/computes")
def inside_a_network(call: Call) -> Iterator[Problem]:
    """Refuse machines without public addresses where there is no network that they could be in."""
    said = call.properties.get("properties") or {}
    if call.properties.get("computeType") != "AmlCompute" or said.get("enableNodePublicIp") is not False:
        return
    workspace = call.store.get(call.address.parent)
    mode = (workspace.at("properties.managedNetwork.isolationMode") if workspace else None) or "Disabled"
    if mode == "Disabled" and not said.get("subnet"):
        yield Problem(
            "properties.properties.enableNodePublicIp",
            "cannot be false outside of a network: give a subnet, or the workspace a managed network",
        )
    if mode != "Disabled" and said.get("subnet"):
        yield Problem("properties.properties.subnet", "cannot be given where the workspace has a managed network")


@rule(f"{ML}/featuresets/versions")
def feature_set(call: Call) -> Iterator[Problem]:
    """Refuse features of entities that do not exist, or without a specification."""
    for number, one in enumerate(call.properties.get("entities") or []):
        if asset_of(call, str(one), "featurestoreEntities") is None:
            yield Problem(f"properties.entities[{number}]", f"the entity '{one}' does not exist: create it first")
    if not call.properties.get("entities"):
        yield Problem("properties.entities", "needs an entity")
    if not call.at("properties.specification.path"):
        yield Problem("properties.specification.path", "is required and missing")
    yield from _feature_store(call)
    settings = call.at("properties.materializationSettings") or {}
    if settings.get("storeType", "None") != "None":
        if unprovisioned(workspace_of(call)):
            path = "properties.materializationSettings"
            yield Problem(path, f"the managed network of the workspace is not there yet: {_PROVISION}")
        if not settings.get("resource", {}).get("instanceType"):
            yield Problem("properties.materializationSettings.resource.instanceType", "is required to materialise")
        elif facts.size(str(settings["resource"]["instanceType"])) is None:
            size = settings["resource"]["instanceType"]
            yield Problem(
                "properties.materializationSettings.resource.instanceType", f"the size '{size}' does not exist"
            )


@rule(f"{ML}/featurestoreEntities/versions", f"{ML}/featuresets", f"{ML}/featurestoreEntities")
def _feature_store(call: Call) -> Iterator[Problem]:
    """Refuse features in a workspace that is no feature store."""
    workspace = workspace_of(call)
    if workspace is not None and workspace.body.get("kind") != "FeatureStore":
        yield Problem(
            "properties", f"'{workspace.name}' is no feature store: it has kind '{workspace.body.get('kind')}'"
        )


@rule(f"{ML}/featurestoreEntities/versions")
def entity(call: Call) -> Iterator[Problem]:
    """Refuse an entity without a key."""
    if not call.properties.get("indexColumns"):
        yield Problem("properties.indexColumns", "needs a column")


def asset_of(call: Call, uri: str, kind: str) -> Record | None:
    """Find a version by ``azureml:name:version`` or by id, in the same workspace."""
    workspace, short = workspace_of(call), _SHORT.fullmatch(uri)
    if uri.startswith("/") or uri.lower().startswith("azureml:/"):
        return call.store.get("/" + uri.split(":", 1)[-1].lstrip("/"))
    if workspace is None or not short:
        return None
    return call.store.get(f"{workspace.id}/{kind}/{short['name']}/versions/{short['version']}")


@rule(f"{ML}/jobs")
def job(call: Call) -> Iterator[Problem]:
    """Refuse a job on machines and environments that do not exist."""
    yield from judged_job(call, call.properties, "properties")


def judged_job(call: Call, asked: dict[str, Any], path: str) -> Iterator[Problem]:
    """Judge a job, or the one that a schedule starts."""
    compute_id = asked.get("computeId")
    if (
        compute_id
        and "/" in str(compute_id)
        and "/computes/" in str(compute_id)
        and call.store.get(str(compute_id)) is None
    ):
        yield Problem(f"{path}.computeId", f"the compute '{compute_id}' does not exist")
    environment_id = asked.get("environmentId")
    if environment_id and asset(call, str(environment_id)) is None:
        yield Problem(f"{path}.environmentId", f"the environment '{environment_id}' does not exist")
    resources = asked.get("resources") or {}
    if resources.get("instanceCount", 1) < 1:
        yield Problem(f"{path}.resources.instanceCount", f"{resources['instanceCount']} is less than 1")


@rule(f"{ML}/schedules")
def schedule(call: Call) -> Iterator[Problem]:
    """Refuse times that are none, and a monitor where none can run."""
    trigger, action = call.properties.get("trigger") or {}, call.properties.get("action") or {}
    if trigger.get("triggerType") == "Cron":
        said = _cron(str(trigger.get("expression", "")))
        if said:
            yield Problem("properties.trigger.expression", said)
    if action.get("actionType") == "CreateJob":
        yield from judged_job(call, action.get("jobDefinition") or {}, "properties.action.jobDefinition")
    if action.get("actionType") == "CreateMonitor":
        yield from _monitor(call, action.get("monitorDefinition") or {})


def _monitor(call: Call, definition: dict[str, Any]) -> Iterator[Problem]:
    workspace, path = workspace_of(call), "properties.action.monitorDefinition"
    if workspace is not None and workspace.at("properties.managedNetwork.isolationMode") == STRICTEST:
        yield Problem(path, f"monitors do not run in a workspace whose network is {STRICTEST}")
    if unprovisioned(workspace):
        yield Problem(path, f"the managed network of the workspace is not there yet: {_PROVISION}")
    size = (definition.get("computeConfiguration") or {}).get("instanceType")
    if size and facts.size(str(size)) is None:
        yield Problem(f"{path}.computeConfiguration.instanceType", f"the size '{size}' does not exist")
    if not definition.get("signals"):
        yield Problem(f"{path}.signals", "needs a signal")
    target = str((definition.get("monitoringTarget") or {}).get("deploymentId") or "")
    short = re.fullmatch(r"azureml:([^:/]+):([^:/]+)", target)
    if workspace is not None and short:
        endpoint, deployment = short.groups()
        if call.store.get(f"{workspace.id}/onlineEndpoints/{endpoint}/deployments/{deployment}") is None:
            yield Problem(f"{path}.monitoringTarget.deploymentId", f"the deployment '{target}' does not exist")


def _cron(text: str) -> str:
    parts = text.split()
    if len(parts) != len(_BOUNDS):
        return f"'{text}' is no cron expression: it has {len(parts)} parts, not 5"
    for part, (low, high) in zip(parts, _BOUNDS, strict=True):
        if not _CRON.fullmatch(part):
            return f"'{text}' is no cron expression: '{part}' is no part of one"
        if any(not low <= int(number) <= high for number in re.findall(r"(?<!/)\b\d+", part)):
            return f"'{text}' is no cron expression: '{part}' is not between {low} and {high}"
    return ""


@rule(f"{ML}/connections")
def connection(call: Call) -> Iterator[Problem]:
    """Refuse a connection to nowhere."""
    if not call.properties.get("target") and call.properties.get("category") != "CustomKeys":
        yield Problem("properties.target", "is required and missing")


@rule(f"{NAMESPACE}/registries")
def registry(call: Call) -> Iterator[Problem]:
    """Refuse a registry without its own region."""
    where = facts.region(str(call.body.get("location", "")))
    regions = [facts.region(str(one.get("location", ""))) for one in call.properties.get("regionDetails") or []]
    if where not in regions:
        yield Problem("properties.regionDetails", f"has to have the location of the registry, '{where}'")
    for name in regions:
        if name not in facts.REGIONS:
            yield Problem("properties.regionDetails", f"there is no region '{name}'")
    for other in call.store.of_type(call.kind.type):
        if other.name.lower() == call.address.name.lower() and other.key != call.address.key:
            raise ArmError(
                "Conflict", f"There is a registry '{call.address.name}' already: {other.id}.", 409, target="name"
            )


@on_delete(f"{ML}/computes")
def compute_in_use(call: Call) -> None:
    """Refuse to delete machines for which a batch deployment waits."""
    for record in call.store.of_type(f"{ML}/batchEndpoints/deployments", ids.parse(call.address.parent).id):
        if ids.within(str(record.properties.get("compute", "")), call.address.id):
            raise ArmError("Conflict", f"The compute is used by '{record.id}'. Delete that first.", 409)
