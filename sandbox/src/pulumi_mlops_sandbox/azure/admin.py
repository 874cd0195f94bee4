"""Administration over HTTP: health, inventory, faults, recent requests, latency, reset, and what others do in Azure."""

import json
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.azure import access, operations, playing
from pulumi_mlops_sandbox.azure.inventory import inventory
from pulumi_mlops_sandbox.azure.plane import Plane

PREFIX = "/_sandbox"
Route = Callable[[Plane, dict[str, Any]], Any]


def _health(_plane: Plane, _body: dict[str, Any]) -> Any:
    return {"status": "ok"}


def _inventory(plane: Plane, _body: dict[str, Any]) -> Any:
    with plane.lock:
        operations.settle(plane)
        return inventory(plane)


def _plan_fault(plane: Plane, body: dict[str, Any]) -> Any:
    plane.faults.add(**body)
    return plane.faults.listing()


def _faults(plane: Plane, _body: dict[str, Any]) -> Any:
    return plane.faults.listing()


def _forget_faults(plane: Plane, _body: dict[str, Any]) -> Any:
    plane.faults.clear()
    return []


def _requests(plane: Plane, _body: dict[str, Any]) -> Any:
    return list(plane.requests)


def _needs(plane: Plane, _body: dict[str, Any]) -> Any:
    """List principal, action and scope of all that was asked so far."""
    with plane.lock:
        return [[need.principal, need.action, need.scope] for need in sorted(plane.needed)]


def _unneeded(plane: Plane, _body: dict[str, Any]) -> Any:
    """List the role assignments without which everything so far would have been allowed as well."""
    with plane.lock:
        return access.unneeded(plane)


def _forget_needs(plane: Plane, _body: dict[str, Any]) -> Any:
    with plane.lock:
        plane.needed.clear()
    return []


def _latency(plane: Plane, body: dict[str, Any]) -> Any:
    plane.latency = float(body["seconds"])
    return {"seconds": plane.latency}


def _hurry(plane: Plane, _body: dict[str, Any]) -> Any:
    """Let what is on its way end now."""
    with plane.lock:
        operations.settle(plane, hurry=True)
    return {"settled": True}


def _save(plane: Plane, _body: dict[str, Any]) -> Any:
    plane.saver.save()
    return {"saved": True}


def _taken(plane: Plane, body: dict[str, Any]) -> Any:
    """Have somebody else hold a name: ``{"type": "Microsoft.Storage/storageAccounts", "name": …}``."""
    with plane.lock:
        plane.store.taken.append([str(body["type"]).lower(), str(body["name"]).lower()])
        plane.saver.soon()
        return plane.store.taken


def _principal(plane: Plane, body: dict[str, Any]) -> Any:
    """Have a user, a group or an application in the directory: ``{"id": …, "name": …}``."""
    with plane.lock:
        plane.store.principals[str(body["id"]).lower()] = str(body.get("name", ""))
        plane.saver.soon()
        return plane.store.principals


def _alert(plane: Plane, body: dict[str, Any]) -> Any:
    """Set what a metric alert says: ``{"id": …, "status": "Unhealthy"}``."""
    with plane.lock:
        plane.store.alerts[str(body["id"]).lower()] = str(body["status"])
        plane.saver.soon()
        return plane.store.alerts


def _run(plane: Plane, body: dict[str, Any]) -> Any:
    """Play one run of a workflow: ``{"id": …, "later": seconds}``, as if it were so much later."""
    with plane.lock:
        return playing.play(plane, str(body["id"]), float(body.get("later", 0)))


def _reset(plane: Plane, _body: dict[str, Any]) -> Any:
    """Forget everything: a tenant as new."""
    with plane.lock:
        plane.store.clear()
        plane.furnish()
        plane.faults.clear()
        plane.requests.clear()
        plane.needed.clear()
        plane.saver.soon()
    return {"reset": True}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/health"): _health,
    ("GET", "/inventory"): _inventory,
    ("GET", "/faults"): _faults,
    ("POST", "/faults"): _plan_fault,
    ("DELETE", "/faults"): _forget_faults,
    ("GET", "/requests"): _requests,
    ("GET", "/needs"): _needs,
    ("DELETE", "/needs"): _forget_needs,
    ("GET", "/unneeded"): _unneeded,
    ("POST", "/latency"): _latency,
    ("POST", "/hurry"): _hurry,
    ("POST", "/save"): _save,
    ("POST", "/taken"): _taken,
    ("POST", "/principals"): _principal,
    ("POST", "/alerts"): _alert,
    ("POST", "/run"): _run,
    ("POST", "/reset"): _reset,
}


def answer(plane: Plane, request: Request) -> Response:
    """Answer one administrative request."""
    route = ROUTES.get((request.method, request.path.removeprefix(PREFIX).rstrip("/")))
    if route is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in ROUTES)
        return _json({"error": f"no such route; there are: {known}"}, 404)
    try:
        body = json.loads(request.get_data() or b"{}")
        return _json(route(plane, body), 200)
    except (ValueError, TypeError, KeyError, playing.PlayError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def _json(payload: Any, status: int) -> Response:
    return Response(json.dumps(payload), status=status, content_type="application/json")
