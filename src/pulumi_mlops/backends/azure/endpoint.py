"""Endpoint on Azure: identity, the endpoint itself, revisions, scaling, alerts, release, traffic, invokers."""

import hashlib
import re
from collections.abc import Mapping

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure import access, health, release, revision
from pulumi_mlops.backends.azure.access import Identity
from pulumi_mlops.backends.azure.addresses import EndpointAddress, PlatformAddress
from pulumi_mlops.backends.azure.rights import INVOKER, Right
from pulumi_mlops.backends.azure.scaling import scale
from pulumi_mlops.backends.azure.stores import in_datastore
from pulumi_mlops.backends.azure.workload import SCORING
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, waiting
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.workload import Place, together

NAME = 32
"""Characters of an endpoint's name."""
_DIGEST = 6
_ASSET = 255
_ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
_CALLS = (f"{_ENDPOINTS}/read", f"{_ENDPOINTS}/score/action", f"{_ENDPOINTS}/token/action")
_MLFLOW = "/score"
"""The path that Azure's own server of MLflow models takes requests at."""


def endpoint_name(platform: PlatformRef, name: str) -> str:
    """Name an endpoint: nobody else in the region may have the name."""
    known = PlatformAddress.of(platform).subscription
    whole = "/".join(
        ("" if is_deferred(known) else str(known), platform.region or "", platform.name, platform.stage, name)
    )
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
    word = re.sub(r"[^a-z0-9]+", "-", physical(platform.name, platform.stage, name).lower()).strip("-")
    return f"{physical(word, limit=NAME - _DIGEST - 1)}-{digest}"


def endpoint(scope: Scope, spec: EndpointSpec) -> EndpointRef:
    """Build the endpoint, or nothing yet while a model waits for its first approval."""
    name = endpoint_name(spec.platform, scope.name)
    if spec.waiting:
        return waiting(scope, spec, EndpointAddress(name=name).plain())

    at = PlatformAddress.of(spec.platform)
    there = revision.now(spec.platform, name)
    wanted = revision.revisions(scope, spec, there)
    release.refuse_rolled_back(scope, wanted, there)
    captured = Output.format("{0}captured/{1}/", spec.platform.artifacts, scope.name)
    writes = [("write", Place(captured))] * bool(spec.capture_percent)
    who = access.identity(scope, spec.platform, *together(one.workload for one in wanted), *writes)
    live_one = _empty(scope, spec, name, who)
    base = revision.Base(scope, spec, live_one, who)
    collected = _collected(scope, spec, at, captured)
    native: dict[str, pulumi.Resource] = {"endpoint": live_one, "identity": who.resource}
    made: list[pulumi.Resource] = []
    for one in wanted:
        deployment = revision.make(base, one, collected)
        native[f"deployment.{one.variant}"] = deployment
        made.append(deployment)
        if spec.scaling.moves and one.variant != SHADOW:
            made.append(scale(scope, spec, one, live_one, deployment))
    rules = health.watched(scope, spec, live_one)
    alarms: list[Input[str]] = [rule.id for part, rule in rules.items() if part != "logs"]
    alarms += [health.rule_id(at, alarm) for alarm in spec.release.rollback_alarms]
    traffic = release.plan(spec, wanted, there)
    watcher = release.watch(base, traffic, alarms, [*made, *rules.values()])
    sent = release.send(base, traffic, [*made, watcher])
    native |= {**rules, "release": watcher, "traffic": sent}
    # Every role of Azure's that may call an endpoint may change it as well.
    role = native["invoke"] = access.role(
        scope, "invoke", "invoker", f"Calls endpoint {scope.name}", [at.group_id], actions=_CALLS
    )
    call = [Right(INVOKER, live_one.id, "endpoint", custom=role.id)]
    native |= access.let(scope, "invoke", spec.platform, spec.invokers, call)
    # Whoever calls it is told of it when it answers.
    ready = Output.all(live_one.name, sent.id).apply(lambda known: str(known[0]))
    path = SCORING if all(one.workload.image is not None for one in wanted) else _MLFLOW
    return EndpointRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        url=Output.format("https://{0}.{1}.inference.ml.azure.com{2}", ready, at.location, path),
        status="live",
        variants=[variant.name for variant in spec.served],
        captured=captured if spec.capture_percent else None,
        capture_percent=spec.capture_percent,
        records=spec.records,
        address=EndpointAddress(name=ready, id=live_one.id, invoke=role.id).plain(),
        native=native,
    )


def _empty(scope: Scope, spec: EndpointSpec, name: str, who: Identity) -> ml.OnlineEndpoint:
    """Make the endpoint without traffic, and let go of it: see ``release``."""
    at = PlatformAddress.of(spec.platform)
    return ml.OnlineEndpoint(
        scope.child("endpoint"),
        endpoint_name=name,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        location=at.location,
        kind="Managed",
        identity={"type": "UserAssigned", "user_assigned_identities": [who.id]},
        properties={
            "auth_mode": "AADToken",
            "public_network_access": release.public(spec.platform),
            "description": release.about(scope),
        },
        tags=scope.tags,
        opts=ResourceOptions.merge(
            scope.opts, ResourceOptions(ignore_changes=["properties", "tags", "identity", "kind", "sku"])
        ),
    )


def _collected(
    scope: Scope, spec: EndpointSpec, at: PlatformAddress, captured: Output[str]
) -> Mapping[str, Input[str]]:
    """Make the data assets that calls are kept in, below the platform's artifacts."""
    found: dict[str, Input[str]] = {}
    for name in revision.COLLECTIONS if spec.capture_percent else ():
        called = physical(scope.project, scope.stage, scope.name, name, limit=_ASSET)
        container = ml.DataContainer(
            scope.child(f"captured-{name}"),
            name=called,
            resource_group_name=at.group,
            workspace_name=at.workspace,
            properties={"data_type": "uri_folder", "tags": scope.tags, "is_archived": False},
            opts=scope.opts,
        )
        found[name] = ml.DataVersion(
            scope.child(f"captured-{name}-1"),
            name=container.name,
            version="1",
            resource_group_name=at.group,
            workspace_name=at.workspace,
            properties=ml.UriFolderDataVersionArgs(
                data_type="uri_folder",
                data_uri=in_datastore(at, Output.format("{0}{1}/", captured, name)),
                tags=scope.tags,
                is_archived=False,
                is_anonymous=False,
            ),
            opts=scope.opts,
        ).id
    return found
