"""What the address of an endpoint leads to now: its route, or its Service where it has no route."""

from collections.abc import Iterator

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.health import REVISION
from pulumi_mlops.clients.lineage import Unknown
from pulumi_mlops.components.platform import PlatformRef

KSERVE, _GATEWAY = "serving.kserve.io/v1beta1", "gateway.networking.k8s.io/v1"
_SERVICE = "-predictor"
"""What KServe puts behind the name of an InferenceService to name its Service."""


def shares(platform: PlatformRef, service: str) -> Iterator[tuple[str, float | Unknown, bool]]:
    """Yield the InferenceServices that get requests, their share of them, and whether that is of copies."""
    route = live.namespaced(platform, _GATEWAY, "httproutes", service)
    rule = next((one for one in ((route or {}).get("spec") or {}).get("rules", []) if one.get("backendRefs")), None)
    if rule is None:
        found = live.namespaced(platform, "v1", "services", service) or {}
        if name := (found.get("spec") or {}).get("selector", {}).get(REVISION):
            yield name, 100.0, False
        return
    weights = {one["name"]: one.get("weight", 1) for one in rule["backendRefs"]}
    whole = sum(weights.values())
    for name, weight in weights.items():
        if weight:
            yield name.removesuffix(_SERVICE), 100 * weight / whole, False
    for one in rule.get("filters", []):
        if mirror := one.get("requestMirror"):
            part = mirror.get("fraction") or {"numerator": mirror.get("percent", 100), "denominator": 100}
            percent = 100 * part["numerator"] / part.get("denominator", 100)
            yield mirror["backendRef"]["name"].removesuffix(_SERVICE), percent, True


def revision(platform: PlatformRef, service: str) -> str | None:
    """Name the InferenceService to which the Service of an endpoint leads: that of the heaviest variant."""
    found = live.namespaced(platform, "v1", "services", service) or {}
    name = ((found.get("spec") or {}).get("selector") or {}).get(REVISION)
    return str(name) if name else None
