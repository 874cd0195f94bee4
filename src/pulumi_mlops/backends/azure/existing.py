"""What exists already on Azure: looked up by name while the program runs, and turned into refs.

Under Pulumi's mocks nothing is asked: what is said of a thing is believed, and its address is put together.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi import Input, Output

from pulumi_mlops.backends.azure import live
from pulumi_mlops.backends.azure.addresses import (
    DatasetAddress,
    EndpointAddress,
    FeatureGroupAddress,
    FeatureStoreAddress,
    IdentityAddress,
    ModelAddress,
    ModelRegistryAddress,
    PlatformAddress,
    SharedRegistry,
)
from pulumi_mlops.backends.azure.feature_store import FEATURES
from pulumi_mlops.backends.azure.model_registry import model_name
from pulumi_mlops.components.dataset import ExistingDatasetSpec
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.endpoint import ExistingEndpointSpec
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.feature_group import ExistingFeatureGroupSpec, FeatureGroupRef
from pulumi_mlops.components.feature_store import ExistingFeatureStoreSpec, FeatureStoreRef
from pulumi_mlops.components.identity import ExistingIdentitySpec, IdentityRef
from pulumi_mlops.components.model import ExistingModelSpec, ModelRef
from pulumi_mlops.components.model_registry import ExistingModelRegistrySpec, ModelRegistryRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import principals, private
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.existing import Existing, absent
from pulumi_mlops.core.inputs import is_deferred, nearest

ROOT = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.MachineLearningServices/"
    r"(workspaces|registries)/[^/]+",
    re.IGNORECASE,
)
"""The id of a workspace, or of a registry."""


def problems(spec: Existing | ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge what is said of an existing thing."""
    if isinstance(spec, ExistingDatasetSpec):
        yield from _place(spec)
        return
    called = spec.called or ""
    rooted = isinstance(spec, ExistingModelRegistrySpec | ExistingFeatureStoreSpec)
    if rooted and "/" in called and not ROOT.fullmatch(called):
        yield Problem(
            "called",
            f"{called!r} is neither a name nor an id; write the name of a workspace of the platform's resource group, "
            "or a whole id, '/subscriptions/…/resourceGroups/…/providers/Microsoft.MachineLearningServices/"
            "workspaces/…' (see: az ml workspace show --query id)",
        )
    if isinstance(spec, ExistingFeatureGroupSpec):
        for field in ("keys", "event_time"):
            if getattr(spec, field) is None:
                yield Problem(field, "is required: it stands in the specification of the feature set, which is a file")
        if spec.online:
            yield Problem("online", "is True, and a feature set of Azure is offline only; leave it out")


def _root(platform: PlatformRef, called: str) -> tuple[str | None, Input[str]]:
    """Return the id of a workspace or a registry, as far as it is known now, and as it will be known."""
    if called.startswith("/"):
        return called, called
    id_ = Output.from_input(PlatformAddress.of(platform).workspace_id)
    return (
        live.beside_workspace(platform, called),
        id_.apply(lambda known: f"{known.rpartition('/')[0]}/{called}"),
    )


def _there(noun: str, name: str, platform: PlatformRef, called: str) -> tuple[Input[str], Mapping[str, Any]]:
    """Find a workspace or a registry."""
    known, id_ = _root(platform, called)
    if known is None or private.mocked():
        return id_, {}
    there = live.get(live.provider_of(platform), repr(called), known, live.ML)
    if there is None:
        raise absent(noun, name, f"there is no {known}, or these credentials do not see it")
    return known, there


def _nowhere(noun: str, name: str, platform: PlatformRef, what: str) -> InvalidArgs:
    workspace = PlatformAddress.of(platform).workspace
    where = "the platform's workspace" if is_deferred(workspace) else f"workspace {workspace!r}"
    return absent(noun, name, f"there is no {what} in {where}")


def model_registry(name: str, spec: ExistingModelRegistrySpec) -> ModelRegistryRef:
    """Find the workspace, or the registry that workspaces share, in which models are."""
    root, there = _there("ModelRegistry", name, spec.platform, spec.called or name)
    shared = _shared(root, there)
    return ModelRegistryRef(
        name=name,
        backend="azure",
        platform=spec.platform,
        consumers=principals.plain(principals.read(spec.platform.consumers)),
        shared=shared is not None,
        address=ModelRegistryAddress(root=root, shared=shared).plain(),
    )


def _shared(root: Input[str], there: Mapping[str, Any]) -> SharedRegistry | None:
    """Tell a registry that workspaces share from a workspace, and where it keeps versions."""
    found = None if is_deferred(root) else ROOT.fullmatch(str(root))
    if found is None or found[1].lower() != "registries":
        return None
    regions = (there.get("properties") or {}).get("regionDetails") or []
    named = [live.normal(str(one["location"])) for one in regions]
    return SharedRegistry(name=str(root).rpartition("/")[2], id=root, regions=named)


def model(name: str, spec: ExistingModelSpec) -> ModelRef:
    """Find the model, in a registry that is named, or in the platform's workspace."""
    platform = spec.hub
    within = ModelRegistryAddress.of(spec.registry) if spec.registry else None
    root, shared = (within.root, within.shared) if within else (None, None)
    called = spec.called or (model_name(spec.registry, name) if spec.registry else name)
    known = None if root is None or is_deferred(root) else str(root)
    id_: Output[str] = Output.format("{0}/models/{1}", root or PlatformAddress.of(platform).workspace_id, called)
    found = ModelRef(
        name=name,
        backend="azure",
        platform=platform,
        gate=spec.gate,
        shared=shared is not None,
        address=ModelAddress(
            id=f"{known}/models/{called}" if known else id_, called=called, root=known, shared=shared
        ).plain(),
    )
    if not private.mocked() and live.of_model(found) is None:
        raise (
            _nowhere("Model", name, platform, f"model {called!r}")
            if known is None
            else absent("Model", name, f"there is no model {called!r} in {known}")
        )
    return found


def endpoint(name: str, spec: ExistingEndpointSpec) -> EndpointRef:
    """Find the endpoint, and read how it is called."""
    platform, called = spec.platform, spec.called or name
    there: Mapping[str, Any] | None = {} if private.mocked() else live.endpoint(platform, called)
    if there is None:
        raise _nowhere("Endpoint", name, platform, f"online endpoint {called!r}")
    properties = there.get("properties") or {}
    if (state := properties.get("provisioningState", "Succeeded")) not in ("Succeeded", "Updating"):
        pulumi.log.warn(f"Endpoint {name!r}: {called!r} is {state} now, and does not answer")
    at = PlatformAddress.of(platform)
    url: Input[str] = properties.get("scoringUri") or Output.format(
        "https://{0}.{1}.inference.ml.azure.com/score", called, at.location
    )
    return EndpointRef(
        name=name,
        backend="azure",
        platform=platform,
        url=url,
        status="live",
        variants=sorted(properties.get("traffic") or {}),
        captured=None,
        address=EndpointAddress(
            name=called, id=there.get("id") or Output.format("{0}/onlineEndpoints/{1}", at.workspace_id, called)
        ).plain(),
    )


def identity(name: str, spec: ExistingIdentitySpec) -> IdentityRef:
    """Find the managed identity: of the platform's resource group by its name, any other by its id."""
    platform, called = spec.platform, spec.called or name
    at = PlatformAddress.of(platform)
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
    own = live.workspace_path(platform)
    known = called if called.startswith("/") else own and f"{own.partition('/providers/')[0]}/providers/{kind}/{called}"
    there = known and live.get(live.provider_of(platform), f"identity {called!r}", known, live.IDENTITIES)
    if known and there is None and not private.mocked():
        raise absent("Identity", name, f"there is no {known}, or these credentials do not see it")
    facts = (there or {}).get("properties") or {}
    if not private.mocked() and "principalId" not in facts:
        raise absent("Identity", name, "the platform is not there yet; write the whole id of the managed identity")
    id_: Input[str] = known or Output.format(
        "/subscriptions/{0}/resourceGroups/{1}/providers/{2}/{3}", at.subscription, at.group, kind, called
    )
    return IdentityRef(
        name=name,
        backend="azure",
        platform=platform,
        kind="application",
        principal=facts.get("principalId", f"{called}-principal"),
        address=IdentityAddress(id=id_, client=facts.get("clientId", f"{called}-client")).plain(),
    )


def feature_store(name: str, spec: ExistingFeatureStoreSpec) -> FeatureStoreRef:
    """Find the workspace; where the rows of its groups are, is said."""
    called = spec.called or name
    root, there = _there("FeatureStore", name, spec.platform, called)
    if there and there.get("kind") != "FeatureStore":
        kind = there.get("kind", "Default")
        raise absent("FeatureStore", name, f"{root} is a workspace of kind {kind!r}, and no feature store")
    rows: Input[str] = spec.rows or Output.format("{0}features/{1}/", spec.platform.artifacts, name)
    return FeatureStoreRef(
        name=name,
        backend="azure",
        platform=spec.platform,
        address=FeatureStoreAddress(id=root, workspace=called.rpartition("/")[2], rows=rows).plain(),
    )


_FOLDER = re.compile(r"https://(?P<account>[a-z0-9]{3,24})\.blob\.core\.windows\.net/(?P<container>[a-z0-9$-]+)/.*")


def _place(spec: ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge the address of a folder."""
    if not _FOLDER.fullmatch(spec.location):
        told = "is no folder of Azure Storage; write 'https://<account>.blob.core.windows.net/<container>/rows/'"
        yield Problem("location", f"{spec.location!r} {told}")


def dataset(name: str, spec: ExistingDatasetSpec) -> DatasetRef:
    """Find the storage account; what is in the folder is said."""
    found = _FOLDER.fullmatch(spec.location)
    assert found is not None  # noqa: S101 (judged above)
    kind = "Microsoft.Storage/storageAccounts"
    if not private.mocked() and live.named(spec.platform, "storage account", kind, found["account"]) is None:
        told = f"there is no storage account {found['account']!r} in the platform's subscription"
        raise absent("Dataset", name, told, "location")
    return DatasetRef(
        name=name,
        backend="azure",
        platform=spec.platform,
        location=spec.location,
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        address=DatasetAddress().plain(),
    )


def feature_group(name: str, spec: ExistingFeatureGroupSpec) -> FeatureGroupRef:
    """Find the newest version of the feature set; what the library wrote of its columns has to agree."""
    assert spec.store is not None  # noqa: S101 (the table refuses one without its store)
    store, called = FeatureStoreAddress.of(spec.store), spec.called or name
    found: Mapping[str, Any] = {}
    if not private.mocked():
        versions = live.versions_of_features(spec.hub, f"{store.id}/featuresets/{called}", called)
        if not versions:
            raise absent("FeatureGroup", name, f"there is no feature set {called!r} in {store.id}")
        found = versions[0]
    told: dict[str, str] = json.loads(((found.get("properties") or {}).get("properties") or {}).get(FEATURES, "{}"))
    if wrong := list(_disagreements(spec, told)):
        raise InvalidArgs("FeatureGroup", name, wrong)
    keys, time = spec.keys or [], spec.event_time or ""
    features = {**dict.fromkeys(keys, "string"), time: "timestamp", **told, **(spec.features or {})}
    rows: Input[str] = spec.offline or Output.format("{0}{1}/", store.rows, called)
    id_: Input[str] = found.get("id") or Output.format("{0}/featuresets/{1}/versions/1", store.id, called)
    return FeatureGroupRef(
        name=name,
        backend="azure",
        platform=spec.hub,
        keys=keys,
        event_time=time,
        features=features,
        has_online=False,
        has_offline=True,
        address=FeatureGroupAddress(id=id_, called=called, rows=rows).plain(),
    )


def _disagreements(spec: ExistingFeatureGroupSpec, told: Mapping[str, str]) -> Iterator[Problem]:
    for feature, kind in (spec.features or {}).items() if told else ():
        if feature not in told:
            yield Problem("features", f"{feature!r} is not in the feature set{nearest(feature, told)}")
        elif told[feature] != kind:
            yield Problem(f"features.{feature}", f"is {kind!r} here, and the feature set has it as {told[feature]!r}")
    for key in (spec.keys or []) if told else ():
        if key not in told:
            yield Problem("keys", f"{key!r} is not in the feature set{nearest(key, told)}")
