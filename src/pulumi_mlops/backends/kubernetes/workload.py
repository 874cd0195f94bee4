"""A workload on Kubernetes: its variables, its volumes, and the container that is locked down and probed."""

from typing import TYPE_CHECKING

from pulumi_mlops.backends.kubernetes import runtime
from pulumi_mlops.backends.kubernetes.addresses import FeatureGroupAddress, SecretAddress
from pulumi_mlops.backends.kubernetes.objects import Fields, gibibytes
from pulumi_mlops.backends.kubernetes.runtime import Server
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.core.workload import Lookup, Workload, variables

if TYPE_CHECKING:
    from pulumi import Input

SHARED_MEMORY = "/dev/shm"  # noqa: S108 (where programs look for it)
_KEYS = "env"
"""The folder of a tracker's secrets, within that of secrets."""
_GRACE_SECONDS = 90
_LAST_REQUESTS_SECONDS = 30  # how long gateways may go on sending to a pod that ends


def environment(workload: Workload[FeatureView], server: Server, model: str) -> list[Fields]:
    """Return the variables of the container; those of the library win, and a user's of such a name was refused.

    :param model: the name by which a server of versions of the registry knows its model.
    """
    features: dict[str, Lookup] = {}
    for view in workload.features:
        address = FeatureGroupAddress.of(view.group)
        features[view.group.name] = Lookup(address.view, address.url)
    secrets: dict[str, Input[str]] = {key: f"file://{runtime.SECRETS}/{key}" for key in workload.secrets}
    ours = {**server.told(model), **variables(features, secrets, workload.tracker, keys(workload))}
    return [{"name": key, "value": value} for key, value in sorted({**workload.environment, **ours}.items())]


def keys(workload: Workload[FeatureView]) -> "dict[str, Input[str]]":
    """Return where the container finds the secrets of its tracker, by the variable that is to have each."""
    return {name: f"file://{runtime.SECRETS}/{_KEYS}/{name}" for name in workload.keys}


def container(workload: Workload[FeatureView], server: Server, model: str) -> Fields:
    """Write the serving container without what an endpoint adds."""
    image: Input[str] = runtime.MLSERVER_IMAGE if workload.image is None else workload.image
    found = runtime.container(server, image, model, workload.startup_minutes)
    return found if workload.command is None else {**found, "command": list(workload.command)}


def volumes(workload: Workload[FeatureView]) -> list[Fields]:
    """Return the volumes of the pod."""
    found: list[Fields] = [{"name": "tmp", "emptyDir": {}}]
    tracking = {f"{_KEYS}/{name}": secret for name, secret in sorted(workload.keys.items())}
    wanted = {**dict(sorted(workload.secrets.items())), **tracking}
    if wanted:
        sources = [
            {"secret": {"name": SecretAddress.of(secret).id, "items": [{"key": "value", "path": path}]}}
            for path, secret in wanted.items()
        ]
        found.append({"name": "secrets", "projected": {"sources": sources}})
    if workload.shared_memory_gb is not None:
        memory = {"medium": "Memory", "sizeLimit": gibibytes(workload.shared_memory_gb)}
        found.append({"name": "shared-memory", "emptyDir": memory})
    return found


def mounts(workload: Workload[FeatureView]) -> list[Fields]:
    """Return where the container finds them, beside ``/tmp``."""
    found: list[Fields] = []
    if workload.secrets or workload.keys:
        found.append({"name": "secrets", "mountPath": runtime.SECRETS, "readOnly": True})
    if workload.shared_memory_gb is not None:
        found.append({"name": "shared-memory", "mountPath": SHARED_MEMORY})
    return found


def grace_seconds(workload: Workload[FeatureView]) -> int:
    """Return how long a pod that ends may finish its answers."""
    return max(_GRACE_SECONDS, workload.timeout_seconds + _LAST_REQUESTS_SECONDS)
