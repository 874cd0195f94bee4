"""What exists already in the cluster: looked up while the program runs, and turned into refs.

Servers are found by their Services, ``namespace/name``: a Service says which pods are behind it, and at which port. Of
another namespace nothing is changed: the way out is opened here, the way in is its owner's to open. Under Pulumi's
mocks nothing is asked: what is said of a thing is believed, and its address is put together.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi_mlops.backends.kubernetes import feast, live, tracking
from pulumi_mlops.backends.kubernetes.addresses import (
    DatasetAddress,
    Door,
    EndpointAddress,
    FeatureGroupAddress,
    FeatureServerAddress,
    ModelAddress,
    ModelRegistryAddress,
    PlatformAddress,
)
from pulumi_mlops.backends.kubernetes.objects import NAMESPACE, namespace_name
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
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.existing import Existing, absent
from pulumi_mlops.core.workload import PORT

_OBJECT = re.compile(rf"({NAMESPACE.pattern}/)?{NAMESPACE.pattern}")
_OBJECTS = (ExistingFeatureStoreSpec, ExistingModelRegistrySpec, ExistingEndpointSpec, ExistingIdentitySpec)
_HTTP = 80
_NOT_TOLD = "is required: Feast's server does not tell it; write {}"


def problems(spec: Existing | ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge what is said of an existing thing."""
    if isinstance(spec, ExistingDatasetSpec):
        yield from _place(spec)
        return
    if isinstance(spec, _OBJECTS) and spec.called is not None and not _OBJECT.fullmatch(spec.called):
        told = f"{spec.called!r} is not the name of an object; write it as 'namespace/name'"
        yield Problem("called", told)
    if isinstance(spec, ExistingFeatureGroupSpec):
        examples = {"features": "{'customer_id': 'string', …}", "keys": "['customer_id']", "event_time": "'updated_at'"}
        for field, example in examples.items():
            if getattr(spec, field) is None:
                yield Problem(field, _NOT_TOLD.format(example))


@dataclass(frozen=True)
class _Object:
    """An object of the cluster."""

    namespace: str
    name: str
    own: bool
    """Whether it is in the platform's namespace."""

    @classmethod
    def of(cls, platform: PlatformRef, called: str) -> "_Object":
        own = namespace_name(platform.name, platform.stage)
        space, _, name = called.rpartition("/")
        return cls(space or own, name, (space or own) == own)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def read(self, platform: PlatformRef, root: str, plural: str, name: str = "") -> dict[str, Any] | None:
        """Read an object of its namespace; None where there is none."""
        cluster = live.of(platform)
        assert cluster is not None  # noqa: S101 (nobody reads under mocks)
        return cluster.get(f"{root}/namespaces/{self.namespace}/{plural}/{name or self.name}")


@dataclass(frozen=True)
class _Server:
    """What a Service leads to."""

    host: str
    port: int
    """The port of the Service."""
    door: Door

    @property
    def url(self) -> str:
        """Where it is reached inside of the cluster."""
        return f"http://{self.host}" + ("" if self.port == _HTTP else f":{self.port}")


def _server(noun: str, name: str, platform: PlatformRef, called: str, port: int) -> _Server:
    """Find a server by its Service.

    :param port: the port at which such a server usually listens, for programs under mocks.
    """
    found = _Object.of(platform, called)
    if private.mocked():
        return _Server(_host(found), port, Door(name, port, {"app": found.name}, _elsewhere(found)))
    service = found.read(platform, "/api/v1", "services")
    if service is None:
        raise absent(noun, name, f"there is no Service {found} in the cluster")
    return _behind(name, platform, found, service)


def _host(found: _Object) -> str:
    return f"{found.name}.{found.namespace}.svc.cluster.local"


def _elsewhere(found: _Object) -> str | None:
    return None if found.own else found.namespace


def _behind(name: str, platform: PlatformRef, found: _Object, service: Mapping[str, Any]) -> _Server:
    spec = service["spec"]
    ports = spec.get("ports") or [{"port": _HTTP}]
    chosen = next((one for one in ports if str(one.get("name", "")).startswith("http")), ports[0])
    pods = spec.get("selector") or None
    target = chosen.get("targetPort", chosen["port"])
    if isinstance(target, str):
        target = _port_called(platform, found, pods or {}, target)
    door = Door(name, target, pods, _elsewhere(found) if pods else None)
    return _Server(_host(found), chosen["port"], door)


def _port_called(platform: PlatformRef, found: _Object, pods: Mapping[str, str], word: str) -> int:
    """Return the number of a port that a Service knows by its name only: the pods say it."""
    cluster = live.of(platform)
    assert cluster is not None  # noqa: S101 (nobody reads under mocks)
    selector = ",".join(f"{key}={value}" for key, value in pods.items())
    listed = cluster.get(f"/api/v1/namespaces/{found.namespace}/pods", labelSelector=selector) or {}
    containers = (one for pod in listed.get("items", []) for one in pod["spec"]["containers"])
    for container in containers:
        for port in container.get("ports", []):
            if port.get("name") == word:
                return int(port["containerPort"])
    raise MlopsError(
        f"Service {found} leads to port {word!r}, and no pod behind it says which number that is; start one, or give "
        "the Service the number"
    )


def feature_store(name: str, spec: ExistingFeatureStoreSpec) -> FeatureStoreRef:
    """Find Feast's server."""
    found = _server("FeatureStore", name, spec.platform, spec.called or name, feast.PORT)
    return FeatureStoreRef(
        name=name,
        backend="kubernetes",
        platform=spec.platform,
        address=FeatureServerAddress(door=found.door, url=found.url, managed=False).plain(),
    )


def feature_group(name: str, spec: ExistingFeatureGroupSpec) -> FeatureGroupRef:
    """Believe what is said of a feature view: the server does not tell what it serves."""
    assert spec.store is not None  # noqa: S101 (asked for by the table)
    assert spec.event_time is not None  # noqa: S101 (judged above)
    store = FeatureServerAddress.of(spec.store)
    return FeatureGroupRef(
        name=name,
        backend="kubernetes",
        platform=spec.hub,
        keys=list(spec.keys or ()),
        event_time=spec.event_time,
        features=dict(spec.features or {}),
        has_online=spec.online is not False,
        has_offline=spec.offline is not None,
        address=FeatureGroupAddress(
            door=store.door,
            url=store.url,
            view=spec.called or feast.view_name(name),
            location=spec.offline or "",
        ).plain(),
    )


def _place(spec: ExistingDatasetSpec) -> Iterator[Problem]:
    """Judge the address of a folder: the keys of the platform's object store open no other."""
    store = PlatformAddress.of(spec.platform).store
    if not spec.location.startswith("s3://"):
        told = f"{spec.location!r} is no folder of the platform's object store; write 's3://{store.bucket}/rows/'"
        yield Problem("location", told)
    elif store.door.pods is not None and not spec.location.startswith(f"s3://{store.bucket}/"):
        told = f"{spec.location!r} is in another bucket; the platform's object store has {store.bucket!r} alone"
        yield Problem("location", told)


def dataset(name: str, spec: ExistingDatasetSpec) -> DatasetRef:
    """Believe what is said of a folder: the object store is reached from within the cluster alone."""
    return DatasetRef(
        name=name,
        backend="kubernetes",
        platform=spec.platform,
        location=spec.location,
        format=spec.format,
        partition=spec.partition,
        columns=spec.columns,
        address=DatasetAddress().plain(),
    )


def model_registry(name: str, spec: ExistingModelRegistrySpec) -> ModelRegistryRef:
    """Find an MLflow server."""
    found = _server("ModelRegistry", name, spec.platform, spec.called or name, tracking.PORT)
    return ModelRegistryRef(
        name=name,
        backend="kubernetes",
        platform=spec.platform,
        address=ModelRegistryAddress(
            server=found.host, url=found.url, door=found.door, managed=False, files=spec.files
        ).plain(),
    )


def model(name: str, spec: ExistingModelSpec) -> ModelRef:
    """Find a registered model; a registry that this program makes has none yet."""
    assert spec.registry is not None  # noqa: S101 (asked for by the table)
    registry, called = ModelRegistryAddress.of(spec.registry), spec.called or name
    found = ModelRef(
        name=name,
        backend="kubernetes",
        platform=spec.hub,
        gate=spec.gate,
        address=ModelAddress(
            model=called,
            registry=spec.registry.name,
            door=None if registry.managed else registry.door,
            files=registry.files,
        ).plain(),
    )
    if tracking.has_model(found) is False:
        raise absent("Model", name, f"registry {spec.registry.name!r} has no model {called!r}")
    return found


def endpoint(name: str, spec: ExistingEndpointSpec) -> EndpointRef:
    """Find an InferenceService of KServe, or else a Service of whatever kind of server."""
    platform, called = spec.platform, spec.called or name
    found = _Object.of(platform, called)
    if private.mocked():
        server = _server("Endpoint", name, platform, called, PORT)
    else:
        inference = found.read(platform, "/apis/serving.kserve.io/v1beta1", "inferenceservices")
        behind = _Object(found.namespace, f"{found.name}-predictor" if inference else found.name, found.own)
        service = behind.read(platform, "/api/v1", "services")
        if service is None:
            none = f"there is neither an InferenceService nor a Service {found} in the cluster"
            raise absent("Endpoint", name, f"InferenceService {found} has no Service yet" if inference else none)
        server = _behind(name, platform, behind, service)
    return EndpointRef(
        name=name,
        backend="kubernetes",
        platform=platform,
        url=server.url,
        status="live",
        variants=[],
        address=EndpointAddress(name=found.name, service=server.host, door=server.door).plain(),
    )


def identity(name: str, spec: ExistingIdentitySpec) -> IdentityRef:
    """Find a service account."""
    found = _Object.of(spec.platform, spec.called or name)
    if not private.mocked() and found.read(spec.platform, "/api/v1", "serviceaccounts") is None:
        raise absent("Identity", name, f"there is no service account {found} in the cluster")
    return IdentityRef(
        name=name, backend="kubernetes", platform=spec.platform, kind="service_account", principal=str(found)
    )
