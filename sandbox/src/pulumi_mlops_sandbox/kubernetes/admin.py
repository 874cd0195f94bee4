"""Administration over HTTP: health, inventory, reset, operators."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import urllib3
from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.administration import Routes, answer, health, reply
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.api import ApiError
from pulumi_mlops_sandbox.kubernetes.plane import Plane

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def _inventory(plane: Plane, _body: dict[str, Any]) -> Any:
    return plane.inventory()


def _reset(plane: Plane, _body: dict[str, Any]) -> Any:
    plane.reset()
    return {"reset": True}


def _operators(plane: Plane, body: dict[str, Any]) -> Any:
    return {"installed": plane.install(body["names"])}


ROUTES: Routes[Plane] = {
    ("GET", "/health"): health,
    ("GET", "/inventory"): _inventory,
    ("POST", "/reset"): _reset,
    ("POST", "/operators"): _operators,
}


class Application:
    """The WSGI application."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        try:
            response = answer(self._plane, Request(environ), ROUTES)
        except (SandboxError, ApiError, OSError, urllib3.exceptions.HTTPError) as error:
            response = reply({"error": str(error)}, 500)
        return response(environ, start_response)
