"""Administration over HTTP: health, inventory, reset, operators."""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import urllib3
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.api import ApiError
from pulumi_mlops_sandbox.kubernetes.plane import Plane

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/_sandbox"
Route = Callable[[Plane, Any], Any]
"""Answers a request, given the body that came with it."""


def _health(_plane: Plane, _body: Any) -> Any:
    return {"status": "ok"}


def _inventory(plane: Plane, _body: Any) -> Any:
    return plane.inventory()


def _reset(plane: Plane, _body: Any) -> Any:
    plane.reset()
    return {"reset": True}


def _operators(plane: Plane, body: Any) -> Any:
    return {"installed": plane.install(body["names"])}


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/health"): _health,
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
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        route = ROUTES.get((request.method, request.path.removeprefix(PREFIX).rstrip("/")))
        if route is None:
            known = ", ".join(f"{method} {PREFIX}{path}" for method, path in ROUTES)
            return _json({"error": f"no such route; there are: {known}"}, 404)
        try:
            return _json(route(self._plane, request.get_json(silent=True)), 200)
        except (SandboxError, ApiError, OSError, urllib3.exceptions.HTTPError) as error:
            return _json({"error": str(error)}, 500)


def _json(payload: Any, status: int) -> Response:
    return Response(json.dumps(payload), status=status, content_type="application/json")
