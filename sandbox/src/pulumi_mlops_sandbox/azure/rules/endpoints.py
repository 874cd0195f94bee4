"""Online and batch endpoints: traffic, deployments, sizes."""

import difflib
from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import facts
from pulumi_mlops_sandbox.azure.actions import action
from pulumi_mlops_sandbox.azure.call import Answer, Call, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.rules import assets
from pulumi_mlops_sandbox.azure.rules.outputs import secret
from pulumi_mlops_sandbox.azure.rules.workspaces import workspace_of
from pulumi_mlops_sandbox.azure.store import GOING, Record

ML = "Microsoft.MachineLearningServices/workspaces"
ONLINE, BATCH = f"{ML}/onlineEndpoints", f"{ML}/batchEndpoints"
DEPLOYMENT, BATCH_DEPLOYMENT = f"{ONLINE}/deployments", f"{BATCH}/deployments"
WHOLE, MIRRORED = 100, 50
DEPLOYMENTS, INSTANCES, SECONDS = 20, 50, 180
ARGUMENT = "BadArgument"


@rule(ONLINE)
def endpoint(call: Call) -> Iterator[Problem]:
    """Refuse traffic that does not add up, or goes to nobody."""
    if call.at("identity.type", "None") == "None" and call.at("properties.compute") is None:
        yield Problem("identity", "is required: a managed endpoint acts as its identity", ARGUMENT)
    traffic = call.properties.get("traffic") or {}
    mirror = call.properties.get("mirrorTraffic") or {}
    names = _names(call)
    for path, shares in (("traffic", traffic), ("mirrorTraffic", mirror)):
        for name, share in shares.items():
            if not 0 <= share <= WHOLE:
                yield Problem(f"properties.{path}.{name}", f"{share} is not between 0 and 100")
            if name.lower() not in names:
                known = f"there are: {', '.join(sorted(names))}" if names else "the endpoint has none yet"
                yield Problem(
                    f"properties.{path}.{name}",
                    f"there is no deployment '{name}', {known}. Create the deployment first, then give it traffic",
                    ARGUMENT,
                )
    total = sum(traffic.values())
    if total not in {0, WHOLE}:
        yield Problem("properties.traffic", f"adds up to {total}, not to 0 or 100: {_shares(traffic)}")
    yield from _mirrored(call, traffic, mirror)
    workspace = workspace_of(call)
    if workspace is not None and workspace.properties.get("v1LegacyMode"):
        yield Problem("properties", "the workspace is in v1LegacyMode, which has no managed endpoints", ARGUMENT)


@rule(ONLINE)
def keys_kept(call: Call) -> Iterator[Problem]:
    """Refuse keys where Azure cannot reach the vault that keeps them."""
    workspace = workspace_of(call)
    vault = call.store.get(str(workspace.properties.get("keyVault", ""))) if workspace is not None else None
    if vault is None or call.properties.get("authMode") != "Key":
        return
    rules = vault.properties.get("networkAcls") or {}
    if rules.get("defaultAction") == "Deny" and rules.get("bypass", "AzureServices") != "AzureServices":
        said = f"'Key' needs networkAcls.bypass 'AzureServices' on the vault '{vault.name}', or take 'AADToken'"
        yield Problem("properties.authMode", said, ARGUMENT)


def _mirrored(call: Call, traffic: dict[str, Any], mirror: dict[str, Any]) -> Iterator[Problem]:
    sent = {name: share for name, share in mirror.items() if share}
    if len(sent) > 1:
        yield Problem("properties.mirrorTraffic", f"only one deployment can be mirrored to, not {_shares(sent)}")
    for name, share in sent.items():
        if share > MIRRORED:
            yield Problem(f"properties.mirrorTraffic.{name}", f"{share} is more than {MIRRORED}")
        if traffic.get(name):
            yield Problem(f"properties.mirrorTraffic.{name}", "a deployment has live or mirrored traffic, not both")
        if call.at("properties.compute"):
            yield Problem("properties.mirrorTraffic", "is for managed endpoints only")


def _shares(traffic: dict[str, Any]) -> str:
    return ", ".join(f"{name} {share}" for name, share in traffic.items())


def _names(call: Call) -> set[str]:
    found = call.store.of_type(f"{call.kind.type}/deployments", call.address.id)
    return {one.name.lower() for one in found if one.state not in {"Deleting", "Failed"}}


@rule(DEPLOYMENT)
def machines(call: Call) -> Iterator[Problem]:
    """Refuse sizes and counts that there are not."""
    if call.properties.get("endpointComputeType") != "Managed":
        return
    size = call.properties.get("instanceType")
    if size is None:
        yield Problem("properties.instanceType", "is required and missing", ARGUMENT)
    elif facts.size(str(size)) is None:
        yield Problem("properties.instanceType", _no_size(str(size)), ARGUMENT)
    yield from _counted(call)
    if call.at("properties.scaleSettings.scaleType", "Default") != "Default":
        yield Problem("properties.scaleSettings.scaleType", "is 'Default' where Azure manages the machines")


@rule(DEPLOYMENT)
def settings(call: Call) -> Iterator[Problem]:
    """Refuse times and shares that there are not."""
    for name in ("requestTimeout", "maxQueueWait"):
        value = call.at(f"properties.requestSettings.{name}")
        if value is not None and assets.seconds(str(value)) > SECONDS:
            yield Problem(f"properties.requestSettings.{name}", f"'{value}' is more than {SECONDS} seconds")
    if call.at("properties.requestSettings.maxConcurrentRequestsPerInstance", 1) < 1:
        yield Problem("properties.requestSettings.maxConcurrentRequestsPerInstance", "is less than 1")
    for name, one in (call.at("properties.dataCollector.collections") or {}).items():
        if not 0 <= ((one or {}).get("samplingRate") or 0) <= 1:
            yield Problem(f"properties.dataCollector.collections.{name}.samplingRate", "is not between 0 and 1")


@rule(DEPLOYMENT)
def room(call: Call) -> Iterator[Problem]:
    """Refuse a deployment to an endpoint that is not there yet, or is full."""
    owner = call.store.get(call.address.parent)
    if owner is not None and owner.state in GOING:
        raise ArmError(
            "Conflict", f"The endpoint '{owner.name}' is {owner.state}: wait until it is there, then deploy to it.", 409
        )
    if call.existing is None and len(_of(call, DEPLOYMENT)) >= DEPLOYMENTS:
        yield Problem("name", f"the endpoint has {DEPLOYMENTS} deployments already, which is the limit", "OutOfQuota")


def _no_size(size: str) -> str:
    close = difflib.get_close_matches(size, facts.SIZES, 1, 0.4)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"the size '{size}' does not exist or cannot serve.{hint}"


def _counted(call: Call) -> Iterator[Problem]:
    count = call.at("sku.capacity", 1)
    if count < 1:
        yield Problem("sku.capacity", f"is {count}: a managed deployment has at least 1 instance", ARGUMENT)
    if count > INSTANCES:
        yield Problem("sku.capacity", f"is {count}: at most {INSTANCES} instances are allowed", "OutOfQuota")


@rule(DEPLOYMENT)
def served(call: Call) -> Iterator[Problem]:
    """Refuse a deployment of nothing, or of what does not exist."""
    asked = call.properties
    model, environment = asked.get("model"), asked.get("environmentId")
    if not model and not environment:
        yield Problem("properties.model", "a deployment needs a model, or an environment that has one", ARGUMENT)
    record = assets.asset(call, str(model)) if model else None
    if model and record is None:
        yield Problem("properties.model", f"the model '{model}' does not exist: register it first", ARGUMENT)
    if environment and assets.asset(call, str(environment)) is None:
        yield Problem("properties.environmentId", f"the environment '{environment}' does not exist", ARGUMENT)
    yield from _replicated(call, "properties.model", record)
    kind = str(record.properties.get("modelType", "")) if isinstance(record, Record) else ""
    if record is not None and not environment and kind.lower() not in {"mlflow_model", "triton_model"}:
        yield Problem(
            "properties.environmentId", f"is required for a model of type '{kind or 'custom_model'}'", ARGUMENT
        )
    code = call.at("properties.codeConfiguration.codeId")
    if code and assets.asset(call, str(code)) is None:
        yield Problem("properties.codeConfiguration.codeId", f"the code '{code}' does not exist", ARGUMENT)


def _replicated(call: Call, path: str, found: Record | object | None) -> Iterator[Problem]:
    """Refuse what a registry does not keep in the region of the workspace."""
    space = workspace_of(call)
    if space is None or not isinstance(found, Record) or "/registries/" not in found.id:
        return
    registry = call.store.get("/".join(found.id.split("/")[:9]))
    kept = (
        [facts.region(str(one.get("location"))) for one in registry.at("properties.regionDetails")] if registry else []
    )
    here = facts.region(str(space.body.get("location", "")))
    if registry is not None and here not in kept:
        said = f"the registry '{registry.name}' supports {', '.join(kept)}, and the workspace is in {here}"
        yield Problem(path, said, ARGUMENT)


@on_delete(DEPLOYMENT)
def still_serving(call: Call) -> None:
    """Refuse to delete a deployment to which requests go."""
    owner = call.store.get(call.address.parent)
    if owner is None or owner.state == "Deleting":
        return
    for path in ("traffic", "mirrorTraffic"):
        for name, share in (owner.properties.get(path) or {}).items():
            if name.lower() == call.address.name.lower() and share:
                raise ArmError(
                    ARGUMENT,
                    f"The deployment '{call.address.name}' cannot be deleted: it has {share} % of the endpoint's "
                    f"{path}. Set that to 0 first.",
                    target=f"properties.{path}",
                )


@rule(BATCH)
def batch_endpoint(call: Call) -> Iterator[Problem]:
    """Refuse a default deployment that does not exist."""
    name = call.at("properties.defaults.deploymentName")
    if name and str(name).lower() not in _names(call):
        yield Problem(
            "properties.defaults.deploymentName", f"there is no deployment '{name}': create it first", ARGUMENT
        )


@rule(BATCH_DEPLOYMENT)
def batch_deployment(call: Call) -> Iterator[Problem]:
    """Refuse machines and models that do not exist."""
    model = call.at("properties.model.assetId")
    if model and assets.asset(call, str(model)) is None:
        yield Problem("properties.model.assetId", f"the model '{model}' does not exist: register it first", ARGUMENT)
    environment = call.at("properties.environmentId")
    if environment and assets.asset(call, str(environment)) is None:
        yield Problem("properties.environmentId", f"the environment '{environment}' does not exist", ARGUMENT)
    compute = call.at("properties.compute")
    if compute and call.store.get(str(compute)) is None:
        yield Problem("properties.compute", f"the compute '{compute}' does not exist", ARGUMENT)
    for path in (
        "properties.resources.instanceCount",
        "properties.maxConcurrencyPerInstance",
        "properties.miniBatchSize",
    ):
        if call.at(path, 1) < 1:
            yield Problem(path, f"{call.at(path)} is less than 1")


def _of(call: Call, kind: str) -> list[Record]:
    return list(call.store.of_type(kind, call.address.parent))


@action(ONLINE, "listKeys")
@action(BATCH, "listKeys")
def list_keys(call: Call) -> Answer:
    """Tell the keys of an endpoint that has some."""
    record = _there(call)
    if record.properties.get("authMode") != "Key":
        raise ArmError(
            ARGUMENT,
            f"The endpoint '{record.name}' has no keys: its authMode is '{record.properties.get('authMode')}'.",
        )
    given = record.properties.get("keys") or {}
    made = record.made.get("keys", {})
    names = ("primaryKey", "secondaryKey")
    return Answer(200, {name: made.get(name) or given.get(name) or secret(record, name) for name in names})


@action(ONLINE, "regenerateKeys")
def regenerate(call: Call) -> Answer:
    """Make a key new."""
    record = _there(call)
    name = "secondaryKey" if str(call.body.get("keyType", "")).lower() == "secondary" else "primaryKey"
    record.version += 1
    record.made.setdefault("keys", {})[name] = call.body.get("keyValue") or secret(record, f"{name}{record.version}")
    return Answer(202)


@action(ONLINE, "token")
def token(call: Call) -> Answer:
    """Tell a token of an endpoint that takes some."""
    record = _there(call)
    if record.properties.get("authMode") != "AMLToken":
        raise ArmError(ARGUMENT, f"The endpoint '{record.name}' takes no tokens of the workspace.")
    return Answer(200, {"accessToken": secret(record, "token"), "tokenType": "Bearer", "expiryTimeUtc": 3600})


def _there(call: Call) -> Record:
    if call.existing is None:
        raise ArmError("ResourceNotFound", f"There is no endpoint '{call.address.id}'.", 404)
    return call.existing
