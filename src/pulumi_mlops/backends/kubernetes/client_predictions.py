"""What Kubernetes has for the client of endpoints: through the platform's gateway, or by the API server to a pod.

``MLOPS_ENDPOINT_URL_<ENDPOINT>`` says another way: an address that leads to the gateway, such as a port-forward, or the
word ``cluster`` for the way by the API server.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from pulumi_mlops.backends.kubernetes import live, tracking
from pulumi_mlops.backends.kubernetes.addresses import Door, EndpointAddress
from pulumi_mlops.backends.kubernetes.gateway import Gateway
from pulumi_mlops.backends.kubernetes.health import REVISION, VARIANT
from pulumi_mlops.backends.kubernetes.shares import KSERVE, revision, shares
from pulumi_mlops.clients import http, served
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Answer, Question
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.core.errors import MlopsError, NotFound

PATH = "/invocations"
TOKEN = "MLOPS_GATEWAY_TOKEN"  # noqa: S105 (the name of a variable)
"""The variable with the token that the gateway asks for."""
_CLUSTER = "cluster"
_REFUSED = f"Put a token that the gateway takes into {TOKEN}"


class Predictions:
    """Endpoints, as the client asks them."""

    def predict(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Answer:
        """Ask an endpoint."""
        request, repeatable = _request(endpoint, question, patience), question.repeatable
        found = served.predict(endpoint.name, request, patience, repeatable=repeatable, variant="", refused=_REFUSED)
        return replace(found, variant=question.variant)

    def stream(self, endpoint: EndpointRef, question: Question, patience: Patience) -> Iterator[bytes]:
        """Ask an endpoint that answers in pieces."""
        request = _request(endpoint, question, patience)
        return served.stream(endpoint.name, request, patience, repeatable=question.repeatable, refused=_REFUSED)


def _request(endpoint: EndpointRef, question: Question, patience: Patience) -> http.Request:
    """Choose the way: the gateway's where there is one, unless a variant is named, which no route leads to alone."""
    variable = f"MLOPS_ENDPOINT_URL_{endpoint.name.upper().replace('-', '_')}"
    told, gateway = os.environ.get(variable, ""), Gateway.of(endpoint.platform)
    headers = {"Content-Type": question.content_type, "Accept": "*/*"}
    request = http.Request(address="", headers=headers, body=question.body, seconds=patience.seconds)
    if question.variant or told == _CLUSTER or (gateway is None and not told):
        door = _door(endpoint, question.variant)
        address = f"http://{EndpointAddress.of(endpoint).service}{PATH}"
        return replace(request, address=address, opened=lambda: tracking.forward(endpoint.platform, door))
    if told and urlsplit(told).scheme not in ("http", "https"):
        raise MlopsError(f"{variable} is {told!r}; write an http or https address, or the word {_CLUSTER}")
    if gateway is not None:
        if gateway.tokens is not None:
            headers |= {"Authorization": f"Bearer {_token(endpoint)}"}
        headers |= {"Host": gateway.host(endpoint.name)} if told else {}
    return replace(request, address=f"{(told or str(endpoint.url)).rstrip('/')}{PATH}", headers=headers)


def _door(endpoint: EndpointRef, variant: str | None) -> Door:
    """Find the pods that answer: those of the revision that serves, or that serves as a variant."""
    address = EndpointAddress.of(endpoint)
    if address.service is None or address.door is None:
        raise NotFound(f"Endpoint {endpoint.name!r} is asked by its own address only: no program of ours made it.")
    service = address.service.partition(".")[0]
    found = revision(endpoint.platform, service) if variant is None else _of_variant(endpoint, service, variant)
    if found is None:
        raise NotFound(f"Endpoint {endpoint.name!r} is not there any more: nothing leads to {address.service}.")
    return replace(address.door, pods={REVISION: found})


def _of_variant(endpoint: EndpointRef, service: str, variant: str) -> str:
    """Find the revision that answers as a variant: while one is released, that which gets more of the traffic."""
    found: dict[str, float] = {}
    seen: set[str] = set()
    for name, percent, _ in shares(endpoint.platform, service):
        there = live.namespaced(endpoint.platform, KSERVE, "inferenceservices", name) or {}
        called = ((there.get("metadata") or {}).get("labels") or {}).get(VARIANT, name)
        seen.add(called)
        if called == variant:
            found[name] = percent if isinstance(percent, int | float) else 0.0
    if not found:
        told = ", ".join(sorted(seen)) or "none"
        raise NotFound(f"Endpoint {endpoint.name!r} has no variant {variant!r} (it has: {told}).")
    return max(found, key=lambda name: found[name])


def _token(endpoint: EndpointRef) -> str:
    if token := os.environ.get(TOKEN):
        return token
    raise MlopsError(
        f"Endpoint {endpoint.name!r} is behind a gateway that asks for a token. {_REFUSED}, or go by the API server: "
        f"MLOPS_ENDPOINT_URL_{endpoint.name.upper().replace('-', '_')}={_CLUSTER}"
    )
