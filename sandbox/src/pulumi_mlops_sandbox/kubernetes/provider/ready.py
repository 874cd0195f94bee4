"""When an object of a built-in kind is ready, as the real provider sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pulumi_mlops_sandbox.kubernetes.provider import quantities
from pulumi_mlops_sandbox.kubernetes.provider.client import Object
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.kubernetes.provider.expressions import condition

MINUTE = 60.0


@dataclass(frozen=True)
class Verdict:
    """What a look at an object shows: ready (nothing missing), not yet, or never."""

    missing: str = ""
    failed: bool = False


class Reader(Protocol):
    """Looks at other objects of the cluster."""

    def find(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        ...

    def select(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects with these labels."""
        ...


Look = Callable[[Object, Reader], Verdict]
READY = Verdict()


@dataclass(frozen=True)
class Await:
    """How to wait for a kind."""

    look: Look
    seconds: float = 10 * MINUTE
    again: bool = False
    """Whether a refresh looks too."""


def _status(live: Object) -> Object:
    return live.get("status") or {}


def _stale(live: Object) -> str:
    seen, wanted = _status(live).get("observedGeneration", 0), live["metadata"].get("generation", 0)
    return "its controller has not seen it yet" if seen < wanted else ""


def _counted(live: Object, wanted: int, *names: str) -> str:
    short = [
        f"{_status(live).get(name, 0)} of {wanted} {name}" for name in names if _status(live).get(name, 0) < wanted
    ]
    return ", ".join(short)


def _deployment(live: Object, _: Reader) -> Verdict:
    spec, wanted = live["spec"], live["spec"].get("replicas", 1)
    if spec.get("paused"):
        return READY
    missing = _stale(live) or _counted(live, wanted, "updatedReplicas", "availableReplicas")
    if not missing and _status(live).get("replicas", 0) > _status(live).get("updatedReplicas", 0):
        missing = "pods of the former revision still run"
    if missing and "ProgressDeadlineExceeded" in condition(live, "Progressing"):
        missing += f"; {condition(live, 'Progressing')}"
    return Verdict(missing)


def _stateful_set(live: Object, _: Reader) -> Verdict:
    wanted, status = live["spec"].get("replicas", 1), _status(live)
    strategy = live["spec"].get("updateStrategy") or {}
    missing = _stale(live) or _counted(live, wanted, "readyReplicas")
    if not missing and strategy.get("type", "RollingUpdate") == "RollingUpdate":
        partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        missing = _counted(live, wanted - partition, "updatedReplicas")
        if not partition and not missing and status.get("currentRevision") != status.get("updateRevision"):
            missing = "pods of the former revision still run"
    return Verdict(missing)


def _daemon_set(live: Object, _: Reader) -> Verdict:
    wanted = _status(live).get("desiredNumberScheduled", 0)
    names = ["numberAvailable"]
    if (live["spec"].get("updateStrategy") or {}).get("type") != "OnDelete":
        names.append("updatedNumberScheduled")
    return Verdict(_stale(live) or _counted(live, wanted, *names))


_KNOWN_FAILURES = ("BackoffLimitExceeded", "DeadlineExceeded")
"""The reasons by which the real provider knows that a Job failed; for any other it goes on waiting."""


def _job(live: Object, _: Reader) -> Verdict:
    if not condition(live, "Complete"):
        return READY
    for item in _status(live).get("conditions") or []:
        known = item.get("reason") in _KNOWN_FAILURES
        if item.get("type") == "Failed" and item.get("status") == "True" and known:
            return Verdict(f"the Job failed: {item.get('reason')}: {item.get('message')}", failed=True)
    counts = ", ".join(f"{_status(live).get(name, 0)} {name}" for name in ("active", "succeeded", "failed"))
    return Verdict(f"the Job is not complete ({counts})")


def _pod(live: Object, _: Reader) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Succeeded" or not condition(live, "Ready"):
        return READY
    if phase == "Failed":
        return Verdict(f"the Pod failed: {_status(live).get('reason') or 'its containers ended'}", failed=True)
    return Verdict(condition(live, "PodScheduled") or condition(live, "Ready"))


def _service(live: Object, cluster: Reader) -> Verdict:
    spec, place = live["spec"], live["metadata"].get("namespace", "")
    if spec.get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return Verdict("it has no external address yet; does the cluster have a load balancer?")
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not spec.get("selector"):
        return READY
    owner = {"kubernetes.io/service-name": live["metadata"]["name"]}
    for item in cluster.select("discovery.k8s.io/v1", "EndpointSlice", place, owner):
        if any((end.get("conditions") or {}).get("ready", True) for end in item.get("endpoints") or []):
            return READY
    return Verdict("no ready Pod matches its selector")


def _claim(live: Object, cluster: Reader) -> Verdict:
    phase, name = _status(live).get("phase"), live["spec"].get("storageClassName")
    if phase == "Bound":
        return READY
    found = cluster.find("storage.k8s.io/v1", "StorageClass", "", name) if name else None
    if phase == "Pending" and found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer":
        return READY
    return Verdict(f"the claim is {phase or 'new'}, not Bound" + ("" if name else "; it has no storage class"))


def _volume(live: Object, _: Reader) -> Verdict:
    phase = _status(live).get("phase")
    return READY if phase in {"Available", "Bound"} else Verdict(f"the volume is {phase or 'new'}")


def _quota(live: Object, _: Reader) -> Verdict:
    wanted, seen = (live.get("spec") or {}).get("hard") or {}, _status(live).get("hard") or {}
    unseen = [name for name, value in wanted.items() if not quantities.same(seen.get(name), value)]
    return Verdict(f"the quota is not in force yet for {', '.join(unseen)}" if unseen else "")


def _token(live: Object, _: Reader) -> Verdict:
    waiting = live.get("type") == "kubernetes.io/service-account-token" and not live.get("data")
    return Verdict("it has no token yet" if waiting else "")


def _ingress(live: Object, _: Reader) -> Verdict:
    found = (_status(live).get("loadBalancer") or {}).get("ingress")
    return READY if found else Verdict("it has no address yet; does an ingress controller run?")


def _replication(live: Object, _: Reader) -> Verdict:
    return Verdict(_counted(live, live["spec"].get("replicas", 1), "readyReplicas"))


def _namespace(live: Object, _: Reader) -> Verdict:
    phase = _status(live).get("phase")
    return READY if phase == "Active" else Verdict(f"the namespace is {phase or 'new'}")


def _definition(live: Object, _: Reader) -> Verdict:
    return Verdict(condition(live, "Established") or condition(live, "NamesAccepted"))


AWAITS: Mapping[tuple[str, str], Await] = {
    ("", "Namespace"): Await(_namespace, MINUTE),
    ("", "PersistentVolume"): Await(_volume, 5 * MINUTE),
    ("", "PersistentVolumeClaim"): Await(_claim, 5 * MINUTE),
    ("", "Pod"): Await(_pod, again=True),
    ("", "ReplicationController"): Await(_replication),
    ("", "ResourceQuota"): Await(_quota, MINUTE),
    ("", "Secret"): Await(_token, 5 * MINUTE),
    ("", "Service"): Await(_service, again=True),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): Await(_definition, MINUTE),
    ("apps", "DaemonSet"): Await(_daemon_set, again=True),
    ("apps", "Deployment"): Await(_deployment, again=True),
    ("apps", "StatefulSet"): Await(_stateful_set, again=True),
    ("batch", "Job"): Await(_job, again=True),
    ("networking.k8s.io", "Ingress"): Await(_ingress, again=True),
}
_FORGET_ON_DELETE = frozenset(
    {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
)


def looked_up(gvk: Gvk) -> Await | None:
    """Return how the kind is waited for, if it is."""
    return AWAITS.get((gvk.group, gvk.kind))


def skips_deletion(gvk: Gvk) -> bool:
    """Say whether ``skipAwait`` spares the wait for a deletion too, as it does for the oldest kinds."""
    return gvk.built_in and gvk.kind in _FORGET_ON_DELETE


def children(live: Object) -> Mapping[str, str]:
    """Return the labels by which an object selects its pods."""
    spec: Any = live.get("spec") or {}
    selector = spec.get("selector") if isinstance(spec, dict) else None
    labels = (selector or {}).get("matchLabels") if isinstance(selector, dict) else None
    return labels or {}
