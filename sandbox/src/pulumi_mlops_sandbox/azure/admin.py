"""Administration over HTTP: health, inventory, faults, recent requests, latency, reset, and what others do in Azure."""

from typing import Any

from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox import administration
from pulumi_mlops_sandbox.administration import Routes, routes
from pulumi_mlops_sandbox.azure import access, acting, operations, playing
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.executions import pipeline
from pulumi_mlops_sandbox.azure.inventory import inventory
from pulumi_mlops_sandbox.azure.plane import Plane


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


def _holds(plane: Plane, _body: dict[str, Any]) -> Any:
    """List the holds that wait, and the requests that are held."""
    return plane.holds.listing()


def _hold(plane: Plane, body: dict[str, Any]) -> Any:
    """Hold a request: ``{"service": "Microsoft.Storage", "operation": "PUT storageAccounts", "done": true}``."""
    plane.holds.add(**body)
    return plane.holds.listing()


def _let_go(plane: Plane, _body: dict[str, Any]) -> Any:
    plane.holds.let_go()
    return []


def _run(plane: Plane, body: dict[str, Any]) -> Any:
    """Play one run of a workflow, ``{"id": …, "later": seconds}`` as if it were so much later, or of what else acts."""
    with plane.lock:
        record = plane.store.get(str(body["id"]))
        if record is not None and record.type in acting.ACTING:
            return acting.play(plane, record)
        return playing.play(plane, str(body["id"]), float(body.get("later", 0)))


def _fire(plane: Plane, body: dict[str, Any]) -> Any:
    """Let a schedule start its job now: ``{"schedule": name or id}``."""
    return {"reached": pipeline.fire(plane, str(body["schedule"]))}


def _reset(plane: Plane, _body: dict[str, Any]) -> Any:
    """Forget everything: a tenant as new."""
    plane.jobs.stop_all()
    with plane.lock:
        plane.store.clear()
        plane.furnish()
        plane.faults.clear()
        plane.holds.let_go()
        plane.requests.clear()
        plane.needed.clear()
        plane.saver.soon()
    return {"reset": True}


ROUTES: Routes[Plane] = {
    **routes(operations.settle, inventory),
    ("GET", "/needs"): _needs,
    ("DELETE", "/needs"): _forget_needs,
    ("GET", "/unneeded"): _unneeded,
    ("GET", "/holds"): _holds,
    ("POST", "/holds"): _hold,
    ("DELETE", "/holds"): _let_go,
    ("POST", "/taken"): _taken,
    ("POST", "/principals"): _principal,
    ("POST", "/alerts"): _alert,
    ("POST", "/run"): _run,
    ("POST", "/fire"): _fire,
    ("POST", "/reset"): _reset,
}


def answer(plane: Plane, request: Request) -> Response:
    """Answer one administrative request."""
    return administration.answer(plane, request, ROUTES, playing.PlayError, ArmError)
