"""Administration over HTTP: health, inventory, faults, recent requests, latency, reset."""

import json
from collections.abc import Callable
from typing import Any

from moto.s3.models import s3_backends
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.aws import steps
from pulumi_mlops_sandbox.aws.accounts import all_backends
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.inventory import inventory

PREFIX = "/_sandbox"
Route = Callable[[Account, dict[str, Any]], Any]


def _health(_plane: Account, _body: dict[str, Any]) -> Any:
    return {"status": "ok"}


def _inventory(plane: Account, _body: dict[str, Any]) -> Any:
    with plane.lock:
        steps.settle(plane)
        return inventory(plane)


def _plan_fault(plane: Account, body: dict[str, Any]) -> Any:
    plane.faults.add(**body)
    return plane.faults.listing()


def _faults(plane: Account, _body: dict[str, Any]) -> Any:
    return plane.faults.listing()


def _forget_faults(plane: Account, _body: dict[str, Any]) -> Any:
    plane.faults.clear()
    return []


def _requests(plane: Account, _body: dict[str, Any]) -> Any:
    return list(plane.requests)


def _needs(plane: Account, _body: dict[str, Any]) -> Any:
    """List the actions and resources of all requests so far."""
    return sorted(plane.needed)


def _forget_needs(plane: Account, _body: dict[str, Any]) -> Any:
    plane.needed.clear()
    return []


def _latency(plane: Account, body: dict[str, Any]) -> Any:
    plane.latency = float(body["seconds"])
    return {"seconds": plane.latency}


def _hurry(plane: Account, _body: dict[str, Any]) -> Any:
    """Let what is on its way (Creating, Updating …) take its next step now."""
    with plane.lock:
        steps.settle(plane, hurry=True)
    return {"settled": True}


def _save(plane: Account, _body: dict[str, Any]) -> Any:
    plane.snapshot.save()
    return {"saved": True}


def _reset(plane: Account, _body: dict[str, Any]) -> Any:
    """Forget everything: an account as new."""
    with plane.lock:
        for backends in all_backends():  # BackendDict.reset would fill each of them before it clears it
            backends.clear()
        s3_backends.bucket_accounts.clear()
        plane.store.clear()
        plane.faults.clear()
        plane.requests.clear()
        plane.needed.clear()
        plane.snapshot.soon()
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
    ("POST", "/latency"): _latency,
    ("POST", "/hurry"): _hurry,
    ("POST", "/save"): _save,
    ("POST", "/reset"): _reset,
}


def answer(plane: Account, request: Request) -> Response:
    """Answer one administrative request."""
    route = ROUTES.get((request.method, request.path.removeprefix(PREFIX).rstrip("/")))
    if route is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in ROUTES)
        return _json({"error": f"no such route; there are: {known}"}, 404)
    try:
        body = json.loads(request.get_data() or b"{}")
        return _json(route(plane, body), 200)
    except (ValueError, TypeError, KeyError) as error:
        return _json({"error": f"{type(error).__name__}: {error}"}, 400)


def _json(payload: Any, status: int) -> Response:
    return Response(json.dumps(payload), status=status, content_type="application/json")
