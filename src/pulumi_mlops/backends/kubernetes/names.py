"""Names that must not meet: the objects of two components in one namespace, and their hosts at one gateway.

Objects are named after their component and a part. Of two components one may be called as the other's part is, and a
registry and an endpoint of one name have parts of one name. What a program makes is compared before it is registered;
what other stacks have made is looked up, as far as it may be read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pulumi_mlops.backends.kubernetes import access, gateway, live
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import namespace_name
from pulumi_mlops.components.dataset import DatasetSpec
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
from pulumi_mlops.core import private
from pulumi_mlops.core.component import anchor
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.inputs import Spec

if TYPE_CHECKING:
    from pulumi_mlops.core.principals import Who

NOUNS: Mapping[type[Spec], str] = {
    PlatformSpec: "Platform",
    FeatureStoreSpec: "FeatureStore",
    FeatureGroupSpec: "FeatureGroup",
    DatasetSpec: "Dataset",
    ModelRegistrySpec: "ModelRegistry",
    ModelSpec: "Model",
    EndpointSpec: "Endpoint",
    ExperimentTrackerSpec: "ExperimentTracker",
    IdentitySpec: "Identity",
    TrainingClusterSpec: "TrainingCluster",
    PipelineSpec: "Pipeline",
}
_STORE_POLICIES = ("store-administration", "store-setup")
PARTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "Platform": {
        "Service": ("store",),
        "StatefulSet": ("store",),
        "NetworkPolicy": _STORE_POLICIES,
        "ConfigMap": ("store-ca", "database-ca"),
        "Secret": ("alerts", "pull", "database", "store-users", "store-reader", "store-writer"),
    },
    "FeatureStore": {
        "Service": ("feast", "online"),
        "StatefulSet": ("online",),
        "Deployment": ("feast",),
        "ServiceAccount": ("feast",),
        "ConfigMap": ("feast",),
        "Secret": ("online",),
        "Cluster": ("feast-db",),
        "NetworkPolicy": ("feast-db", "feast-out", "feast-to-feast-db", "feast-to-store", "feast-to-valkey"),
    },
    "FeatureGroup": {"ConfigMap": ("features",)},
    "Dataset": {
        "ConfigMap": ("dataset",),
        "ServiceAccount": ("dataset",),
        "CronJob": ("retention",),
        "NetworkPolicy": ("retention-out", "retention-to-store"),
    },
    "ModelRegistry": {
        "Service": ("mlflow",),
        "Deployment": ("mlflow",),
        "ServiceAccount": ("mlflow",),
        "ConfigMap": ("registry",),
        "Secret": ("mlflow", "webhooks"),
        "Cluster": ("mlflow-db",),
        "HTTPRoute": ("mlflow",),
        "NetworkPolicy": (
            "callers",
            "events",
            "mlflow-db",
            "mlflow-out",
            "mlflow-to-mlflow-db",
            "mlflow-to-store",
            "setup-out",
            "setup-to-mlflow",
        ),
    },
    "ExperimentTracker": {
        "Service": ("tracker",),
        "Deployment": ("tracker",),
        "ServiceAccount": ("tracker",),
        "ConfigMap": ("tracker-setup",),
        "Secret": ("tracker",),
        "Cluster": ("tracker-db",),
        "HTTPRoute": ("tracker",),
        "NetworkPolicy": (
            "callers",
            "setup-out",
            "setup-to-tracker",
            "tracker-db",
            "tracker-out",
            "tracker-to-store",
            "tracker-to-tracker-db",
        ),
    },
    "Model": {"ConfigMap": ("model",)},
    "Endpoint": {
        "Service": ("",),
        "ServiceAccount": ("", "release"),
        "ConfigMap": ("release",),
        "HTTPRoute": ("",),
        "Role": ("release",),
        "RoleBinding": ("release",),
        "NetworkPolicy": ("callers", "calls-out", "calls-to-store", "internet", "reads-out", "release"),
    },
    "Identity": {
        "ServiceAccount": ("",),
        "Role": ("reads", "trusts"),
        "RoleBinding": ("reads", "trusts"),
        "NetworkPolicy": ("calls-out", "calls-to-store", "trusted-to-store"),
    },
    "TrainingCluster": {
        "LocalQueue": ("",),
        "TrainingRuntime": ("",),
        "NetworkPolicy": ("runs",),
    },
    "Pipeline": {
        "Deployment": ("starter",),
        "ServiceAccount": ("lead", "pipeline", "starter"),
        "ConfigMap": ("artifacts", "programs", "seen", "starter"),
        "Role": ("lead", "pipeline", "starter"),
        "RoleBinding": ("lead", "pipeline", "starter"),
        "Secret": ("lead",),
        "NetworkPolicy": (
            "internet",
            "lead",
            "machines",
            "reports",
            "starter-out",
            "starts",
            "steps-out",
            "steps-to-store",
        ),
    },
}
"""The parts after which objects of a noun are named, by kind; nothing stands for the component's own name."""


WATCHED: Mapping[str, tuple[str, ...]] = {
    "Service": ("metrics",),
    "Deployment": ("metrics",),
    "NetworkPolicy": ("metrics",),
    "ConfigMap": ("dashboard",),
}
"""The same of what is watched for a component, whichever noun that is."""


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Refuse a component whose objects or host another one has."""
    noun = NOUNS.get(type(spec))
    if noun is None:
        return
    who = f"{noun} {name!r}"
    if isinstance(spec, PlatformSpec):
        where = (spec.account or live.default_context(), namespace_name(name, spec.stage))
        found = list(_taken(who, where, _objects(noun, name, spec)))
        yield from found
        return
    hub = anchor(spec)
    if not isinstance(hub, PlatformRef):
        return
    space = namespace_name(hub.name, hub.stage)
    found = list(_taken(who, (PlatformAddress.of(hub).context, space), _objects(noun, name, spec)))
    yield from found
    host = _host(name, spec, hub)
    if host and not found:
        yield from _taken(f"{who} in {space}", "hosts", [("host", host)])
        yield from _led_elsewhere(host, hub, space)
    if not found:
        yield from _there(noun, name, hub)


def watched(noun: str, name: str, hub: PlatformRef) -> Iterator[Problem]:
    """Refuse a component for which something is watched by objects that another one has."""
    wanted = [(kind, f"{name}-{part}") for kind, parts in WATCHED.items() for part in parts]
    yield from _taken(
        f"{noun} {name!r}", (PlatformAddress.of(hub).context, namespace_name(hub.name, hub.stage)), wanted
    )


def _objects(noun: str, name: str, spec: Spec) -> list[tuple[str, str]]:
    found = [(kind, f"{name}-{part}" if part else name) for kind, parts in PARTS[noun].items() for part in parts]
    readers: Sequence[Who] = spec.consumers if isinstance(spec, PlatformSpec) else ()
    readers = spec.readers if isinstance(spec, ModelRegistrySpec) else readers
    recorded = [f"{name}-record-{one.name}" for one in spec.recorded] if isinstance(spec, IdentitySpec) else []
    found += [(kind, each) for each in recorded for kind in ("ConfigMap", "Secret")]
    return found + [("Role", f"{name}-consumer-{access.caller(index, who).word}") for index, who in enumerate(readers)]


def _taken(who: str, where: object, wanted: list[tuple[str, str]]) -> Iterator[Problem]:
    """Compare with what this run of the program has asked for, and remember it."""
    owners: dict[tuple[str, str], str] = private.once(f"names {where}", dict)
    met: dict[str, list[str]] = {}
    for kind, name in wanted:
        owner = owners.setdefault((kind, name), who)
        if owner != who:
            met.setdefault(owner, []).append(f"{kind} {name!r}")
    for owner, objects in met.items():
        yield Problem("name", f"{owner} has {' and '.join(objects)} as well; give one of the two another name")


def _host(name: str, spec: Spec, hub: PlatformRef) -> str | None:
    led = (
        isinstance(spec, EndpointSpec)
        or (isinstance(spec, ModelRegistrySpec) and spec.published)
        or (isinstance(spec, ExperimentTrackerSpec) and spec.own.published)
    )
    found = gateway.Gateway.of(hub)
    return found.host(name) if found and led else None


def _led_elsewhere(host: str, hub: PlatformRef, space: str) -> Iterator[Problem]:
    """Refuse a host that a route of another namespace has: the gateway would lead to the older one in silence."""
    try:
        cluster = live.of(hub)
        routes = cluster.get(f"/apis/{gateway.VERSION}/{gateway.ROUTES}") if cluster else None
    except MlopsError:  # a team's account may see its own namespace only
        return
    for route in (routes or {}).get("items", []):
        meta = route["metadata"]
        if meta["namespace"] != space and host in (route["spec"].get("hostnames") or []):
            yield Problem(
                "name",
                f"HTTPRoute {meta['namespace']}/{meta['name']} has host {host!r} as well; take another name, or "
                "another domain for this platform's gateway",
            )


def _there(noun: str, name: str, hub: PlatformRef) -> Iterator[Problem]:
    """Refuse the name of a Service that another component, of another stack, has made."""
    for part in PARTS[noun].get("Service", ()):
        service = f"{name}-{part}" if part else name
        try:
            cluster = live.of(hub)
            where = namespace_name(hub.name, hub.stage)
            found = cluster.get(f"/api/v1/namespaces/{where}/services/{service}") if cluster else None
        except MlopsError:
            return
        labels = (found or {}).get("metadata", {}).get("labels") or {}
        owner = labels.get("app.kubernetes.io/component", f"{noun}.{name}")
        if owner != f"{noun}.{name}":
            yield Problem("name", f"Service {service!r} is {owner}'s; take another name")
