"""Everything that exists in the cluster, but for what every empty cluster has."""

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_mlops_sandbox.kubernetes.api import AGGREGATED, METADATA, Api, ApiError

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})

AUTOMATIC = {
    "core/ConfigMap": frozenset({"kube-root-ca.crt"}),
    "core/ServiceAccount": frozenset({"default"}),
}
"""What the controller manager puts into every namespace."""

NODES_NAMESPACES = frozenset({"kube-system", "kube-node-lease", "local-path-storage"})
"""Where a real node's own pods are, whose names change."""

PASSING = frozenset({"core/Event", "events.k8s.io/Event", "metrics.k8s.io/NodeMetrics", "metrics.k8s.io/PodMetrics"})
"""What comes and goes by itself, and says only what happened."""

COMES_LATER = frozenset({"coordination.k8s.io/Lease", "core/ServiceAccount", "core/ConfigMap", "core/Endpoints"})
"""Kinds of which the parts of the control plane make some more in the system's namespaces while they run."""

NOT_FOUND, METHOD_NOT_ALLOWED, UNAVAILABLE = 404, 405, 503

Inventory = dict[str, list[str]]


@dataclass(frozen=True)
class Kind:
    """A kind whose objects can be listed."""

    name: str
    """Group, slash, kind; ``core`` stands for the group without a name."""
    path: str
    """Where the objects of all namespaces are listed."""


def kinds(api: Api) -> Iterator[Kind]:
    """Name every kind that the cluster serves, once, in the version that it prefers."""
    for root in ("/api", "/apis"):
        for group in api.get(root, AGGREGATED)["items"]:
            name = group["metadata"].get("name", "")
            seen = set()
            for version in group["versions"]:
                path = f"/api/{version['version']}" if root == "/api" else f"/apis/{name}/{version['version']}"
                for resource in version.get("resources", ()):  # none while who serves them does not answer
                    if "list" in resource["verbs"] and resource["resource"] not in seen:
                        seen.add(resource["resource"])
                        kind = resource["responseKind"]["kind"]
                        yield Kind(f"{name or 'core'}/{kind}", f"{path}/{resource['resource']}")


def everything(api: Api) -> Inventory:
    """List the names of all objects: kind → namespace/name, or the name alone where there is no namespace."""
    found: Inventory = {}
    for kind in kinds(api):
        if kind.name in PASSING:
            continue
        try:
            items = api.get(kind.path, METADATA)["items"] or []
        except ApiError as error:
            # Its definition was deleted meanwhile, or who serves it is not there.
            if error.status in {NOT_FOUND, METHOD_NOT_ALLOWED, UNAVAILABLE}:
                continue
            raise
        names = sorted(_name(item["metadata"]) for item in items)
        if names:
            found[kind.name] = names
    return found


def inventory(api: Api, builtin: Inventory, hidden: frozenset[str] = frozenset()) -> Inventory:
    """List what somebody has made in a cluster that had `builtin` when it was empty, but for the hidden namespaces."""
    found = {
        kind: [
            name
            for name in names
            if name not in builtin.get(kind, [])
            and not _automatic(kind, name)
            and name.rpartition("/")[0] not in hidden
        ]
        for kind, names in everything(api).items()
    }
    return {kind: names for kind, names in sorted(found.items()) if names}


def _name(metadata: dict[str, str]) -> str:
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else metadata["name"]


def _automatic(kind: str, name: str) -> bool:
    namespace, _, own = name.rpartition("/")
    return own in AUTOMATIC.get(kind, ()) or (namespace in SYSTEM_NAMESPACES and kind in COMES_LATER)
