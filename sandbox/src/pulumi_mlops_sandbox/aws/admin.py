"""Administration over HTTP: health, inventory, faults, recent requests, latency, reset."""

from typing import Any

from moto.s3.models import s3_backends
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox import administration
from pulumi_mlops_sandbox.administration import Routes, routes
from pulumi_mlops_sandbox.aws import steps
from pulumi_mlops_sandbox.aws.accounts import all_backends
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.gaps import schedules
from pulumi_mlops_sandbox.aws.inventory import inventory


def _needs(plane: Account, _body: dict[str, Any]) -> Any:
    """List the actions and resources of all requests so far."""
    return sorted(plane.needed)


def _forget_needs(plane: Account, _body: dict[str, Any]) -> Any:
    plane.needed.clear()
    return []


def _fire(plane: Account, body: dict[str, Any]) -> Any:
    """Let a schedule fire: ``{"schedule": name}``."""
    return {"reached": schedules.fire(plane, str(body["schedule"]))}


def _reset(plane: Account, _body: dict[str, Any]) -> Any:
    """Forget everything: an account as new."""
    plane.jobs.stop_all()
    with plane.lock:
        for backends in all_backends():  # BackendDict.reset would fill each of them before it clears it
            backends.clear()
        s3_backends.bucket_accounts.clear()
        plane.store.clear()
        plane.faults.clear()
        plane.requests.clear()
        plane.needed.clear()
        plane.saver.soon()
    return {"reset": True}


ROUTES: Routes[Account] = {
    **routes(steps.settle, inventory),
    ("GET", "/needs"): _needs,
    ("DELETE", "/needs"): _forget_needs,
    ("POST", "/fire"): _fire,
    ("POST", "/reset"): _reset,
}


def answer(plane: Account, request: Request) -> Response:
    """Answer one administrative request."""
    return administration.answer(plane, request, ROUTES, AwsError)
