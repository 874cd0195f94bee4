"""Apply objects by the Python client, as somebody without Pulumi would: `apply_objects.py objects.json [--wait]`.

They are applied in the order of the file, which is one in which they can be made; `--wait` waits until each that the
stack waits for says that it is ready.
"""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kubernetes import config as untyped_config
from kubernetes import dynamic as untyped_dynamic

config: Any = untyped_config
dynamic: Any = untyped_dynamic

MANAGER = "benchmark"
PATIENCE_SECONDS = 300
_PAUSE_SECONDS = 0.1
# Kinds that Pulumi's provider waits for by itself: the fields of the status that have to be what the spec says.
_REPLICAS = {"Deployment": "availableReplicas", "StatefulSet": "readyReplicas"}
_WAIT_FOR = "pulumi.com/waitFor"


def ready(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Judge as the provider does, roughly."""
    status, kind = found.get("status") or {}, wanted["kind"]
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
    if kind in _REPLICAS:
        return bool((status.get(_REPLICAS[kind]) or 0) >= found["spec"]["replicas"])
    if kind == "Job":
        return conditions.get("Complete") == "True"
    _, _, condition = awaited(wanted).partition("condition=")
    return not condition or conditions.get(condition) == "True"


def awaited(wanted: dict[str, Any]) -> str:
    """Return what an object has to reach, in the words of the provider's annotation."""
    return str((wanted["metadata"].get("annotations") or {}).get(_WAIT_FOR, ""))


def apply(client: Any, objects: Iterable[dict[str, Any]]) -> None:
    """Send each object."""
    for wanted in objects:
        resource = client.resources.get(api_version=wanted["apiVersion"], kind=wanted["kind"])
        client.server_side_apply(
            resource,
            body=wanted,
            name=wanted["metadata"]["name"],
            namespace=wanted["metadata"].get("namespace"),
            field_manager=MANAGER,
        )


def wait(client: Any, objects: Iterable[dict[str, Any]]) -> None:
    """Look at each object until it is ready."""
    until = time.monotonic() + PATIENCE_SECONDS
    for wanted in objects:
        resource = client.resources.get(api_version=wanted["apiVersion"], kind=wanted["kind"])
        place = {"name": wanted["metadata"]["name"], "namespace": wanted["metadata"].get("namespace")}
        while not ready(wanted, resource.get(**place).to_dict()):
            if time.monotonic() > until:
                raise SystemExit(f"{wanted['kind']} {place['name']} did not become ready")
            time.sleep(_PAUSE_SECONDS)


def main() -> None:
    """Apply what the file holds."""
    objects = json.loads(Path(sys.argv[1]).read_text())
    client = dynamic.DynamicClient(config.new_client_from_config())
    apply(client, objects)
    if "--wait" in sys.argv:
        wait(client, [one for one in objects if one["kind"] in (*_REPLICAS, "Job") or awaited(one)])


if __name__ == "__main__":
    main()
