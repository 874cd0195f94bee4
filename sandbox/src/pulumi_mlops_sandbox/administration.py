"""Administration of an emulated cloud over HTTP: health, inventory, faults, recent requests, latency, saving."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.faults import Faults
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.saving import Saver

PREFIX = "/_sandbox"


class Emulated(Protocol):
    """What every emulated cloud has."""

    latency: float
    """Seconds that a creation, an update or a deletion takes."""
    requests: deque[dict[str, Any]]
    """What was asked last."""

    @property
    def images(self) -> Images:
        """What stands in for images."""
        ...

    @property
    def faults(self) -> Faults:
        """What happens to the next calls."""
        ...

    @property
    def saver(self) -> Saver:
        """Writes its state."""
        ...

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Held by whoever reads or changes its state."""
        ...


P = TypeVar("P")
C = TypeVar("C", bound=Emulated)
Route = Callable[[P, dict[str, Any]], Any]
"""Answers a request, given the body that came with it."""
Routes = Mapping[tuple[str, str], Route[P]]
"""Method and path below the prefix → what answers."""


def routes(settle: Callable[..., None], inventory: Callable[[C], Any]) -> dict[tuple[str, str], Route[C]]:
    """Return what every emulated cloud answers.

    :param settle: brings what is on its way to its end when that is due, or, with ``hurry=True``, now.
    """

    def found(cloud: C, _body: dict[str, Any]) -> Any:
        with cloud.lock:
            settle(cloud)
            return inventory(cloud)

    def hurry(cloud: C, _body: dict[str, Any]) -> Any:
        with cloud.lock:
            settle(cloud, hurry=True)
        return {"settled": True}

    return {
        ("GET", "/health"): health,
        ("GET", "/inventory"): found,
        ("GET", "/faults"): _faults,
        ("POST", "/faults"): _plan_fault,
        ("DELETE", "/faults"): _forget_faults,
        ("GET", "/requests"): _requests,
        ("POST", "/latency"): _latency,
        ("POST", "/hurry"): hurry,
        ("POST", "/save"): _save,
        ("GET", "/images"): _images,
        ("POST", "/images"): _image,
        ("DELETE", "/images"): _no_images,
    }


def health(_cloud: object, _body: dict[str, Any]) -> Any:
    """Say that it is there."""
    return {"status": "ok"}


def _faults(cloud: Emulated, _body: dict[str, Any]) -> Any:
    return cloud.faults.listing()


def _plan_fault(cloud: Emulated, body: dict[str, Any]) -> Any:
    cloud.faults.add(**body)
    return cloud.faults.listing()


def _forget_faults(cloud: Emulated, _body: dict[str, Any]) -> Any:
    cloud.faults.clear()
    return []


def _requests(cloud: Emulated, _body: dict[str, Any]) -> Any:
    return list(cloud.requests)


def _latency(cloud: Emulated, body: dict[str, Any]) -> Any:
    cloud.latency = float(body["seconds"])
    return {"seconds": cloud.latency}


def _images(cloud: Emulated, _body: dict[str, Any]) -> Any:
    return [asdict(one) for one in cloud.images.all()]


def _image(cloud: Emulated, body: dict[str, Any]) -> Any:
    """Have a folder stand in for an image: ``{"image": "*/train:*", "folder": …, "entrypoint": […]}``."""
    cloud.images.put(**body)
    return _images(cloud, {})


def _no_images(cloud: Emulated, body: dict[str, Any]) -> Any:
    cloud.images.remove(str(body.get("image", "*")))
    return _images(cloud, {})


def _save(cloud: Emulated, _body: dict[str, Any]) -> Any:
    cloud.saver.save()
    return {"saved": True}


def answer(cloud: P, request: Request, known: Routes[P], *refused: type[Exception]) -> Response:
    """Answer one administrative request.

    :param refused: what else than a bad body is the fault of whoever asks.
    """
    theirs: tuple[type[Exception], ...] = (ValueError, TypeError, KeyError, *refused)
    route = known.get((request.method, request.path.removeprefix(PREFIX).rstrip("/")))
    if route is None:
        there = ", ".join(f"{method} {PREFIX}{path}" for method, path in known)
        return reply({"error": f"no such route; there are: {there}"}, 404)
    try:
        body = json.loads(request.get_data() or b"{}")
        return reply(route(cloud, body), 200)
    except theirs as error:
        return reply({"error": f"{type(error).__name__}: {error}"}, 400)


def reply(payload: Any, status: int) -> Response:
    """Write an answer."""
    return Response(json.dumps(payload), status=status, content_type="application/json")
