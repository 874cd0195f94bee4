"""What differs between old and new inputs, and whether an object can take it or must be replaced."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from pulumi_mlops_sandbox.kubernetes.provider import quantities
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.kubernetes.provider.quantities import Path
from pulumi_mlops_sandbox.provider.values import UNKNOWN

Rule = tuple[str, ...]
_CONTAINER = (
    *("args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe"),
    *("resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy"),
    *("tty", "volumeDevices", "volumeMounts", "workingDir"),
)
_POD = (
    *("affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases"),
    *("hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead"),
    *("preemptionPolicy", "priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName"),
    *("schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace"),
    *("subdomain", "terminationGracePeriodSeconds", "volumes"),
    *(f"{kind}.{name}" for kind in ("containers", "initContainers") for name in _CONTAINER),
)
_VOLUME = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker"),
    *("gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk"),
    *("portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
)
_SPEC: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "PersistentVolume"): _VOLUME,
    ("", "PersistentVolumeClaim"): ("accessModes", "selector", "storageClassName", "volumeName"),
    ("", "Pod"): _POD,
    ("", "ResourceQuota"): ("scopes",),
    ("", "Service"): ("clusterIP",),
    ("apps", "DaemonSet"): ("selector",),
    ("apps", "Deployment"): ("selector",),
    ("apps", "StatefulSet"): (
        *("podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates"),
    ),
    ("batch", "Job"): ("completions", "parallelism", "selector", "template"),
}
_TOP: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Secret"): ("type",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}
"""The fields for which the real provider makes a new object. It has none for custom resources: where such a field can
never change, its update is sent and the apiserver refuses it."""
DATA: Mapping[str, tuple[Rule, ...]] = {
    "ConfigMap": (("data",), ("binaryData",)),
    "Secret": (("data",), ("stringData",), ("type",)),
}
"""What makes a new object where the program has not made these kinds mutable, or has made the object immutable."""
_IDENTITY: tuple[Rule, ...] = (("metadata", "name"), ("metadata", "namespace"))


@dataclass(frozen=True)
class Change:
    """A difference at one path."""

    path: Path
    kind: Literal["ADD", "UPDATE", "DELETE"]
    value: Any = None
    """What is new there."""

    @property
    def names(self) -> Rule:
        """The path without the places in lists."""
        return tuple(step for step in self.path if isinstance(step, str))

    @property
    def text(self) -> str:
        """The path as Pulumi writes it."""
        return text(self.path)


def text(path: Path) -> str:
    """Write a path as Pulumi does: ``spec.containers[0]``, ``metadata.labels["a.b"]``."""
    result = ""
    for step in path:
        if isinstance(step, int):
            result += f"[{step}]"
        elif any(character in step for character in '."[]'):
            result += f"[{json.dumps(step)}]"
        else:
            result += f".{step}" if result else step
    return result


def compare(old: Any, new: Any, *, built_in: bool, path: Path = ()) -> Iterator[Change]:
    """Compare two sets of inputs. Quantities of built-in kinds are compared by value."""
    if old is new:
        return
    if old is None:
        yield Change(path, "ADD", new)
    elif new is None:
        yield Change(path, "DELETE")
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from compare(old.get(key), new.get(key), built_in=built_in, path=(*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new)):
            yield from compare(before, after, built_in=built_in, path=(*path, index))
    elif not _same(old, new) and not (built_in and quantities.holds(path) and quantities.same(old, new)):
        yield Change(path, "UPDATE", new)


def _same(old: Any, new: Any) -> bool:
    """Say whether two values are one; True is not 1, and what is not known may be anything."""
    return UNKNOWN not in (old, new) and bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def rules(gvk: Gvk, objects: tuple[Mapping[str, Any], ...], mutable: frozenset[str]) -> tuple[Rule, ...]:
    """Return the paths whose change needs a new object, given the old and the new inputs."""
    key = (gvk.group, gvk.kind)
    found = [*_IDENTITY]
    found += [("spec", *name.split(".")) for name in _SPEC.get(key, ())]
    found += [(name,) for name in _TOP.get(key, ())]
    frozen = gvk.kind not in mutable or any(item.get("immutable") is True for item in objects)
    if gvk.api_version == "v1" and gvk.kind in DATA and frozen:
        found += [*DATA[gvk.kind], *([("immutable",)] if _thawing(objects) else [])]
    return tuple(found)


def _thawing(objects: tuple[Mapping[str, Any], ...]) -> bool:
    """Say whether an immutable object is to become mutable, which it never can."""
    return objects[0].get("immutable") is True and objects[-1].get("immutable") is not True


def replaces(change: Change, forcing: tuple[Rule, ...]) -> bool:
    """Say whether a change needs a new object."""
    return any(_covers(rule, change.names) or _reaches(change, rule) for rule in forcing)


def _covers(rule: Rule, names: Rule) -> bool:
    return names[: len(rule)] == rule


def _reaches(change: Change, rule: Rule) -> bool:
    """Say whether what is new there holds a path of the rule."""
    if rule[: len(change.names)] != change.names:
        return False
    values = [change.value]
    for step in rule[len(change.names) :]:
        items = [item for value in values for item in (value if isinstance(value, list) else [value])]
        values = [item[step] for item in items if isinstance(item, dict) and step in item]
    return bool(values)


def ignored(change: Change, paths: tuple[str, ...]) -> bool:
    """Say whether the program wants no difference there."""
    bare = text(change.names)
    return any(
        whole == rule or whole.startswith((f"{rule}.", f"{rule}["))
        for whole in (change.text, bare)
        for rule in (item.replace("[*]", "") for item in paths)
    )
