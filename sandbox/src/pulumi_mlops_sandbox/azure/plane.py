"""The control plane itself: one request at a time through faults, authorisation, types and rules."""

import importlib
import json
import logging
import os
import pkgutil
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.azure import (
    access,
    actions,
    blobs,
    data,
    facts,
    holding,
    ids,
    measured,
    metadata,
    operations,
    placing,
    removal,
    resources,
    rules,
    tokens,
)
from pulumi_mlops_sandbox.azure.call import Answer, Call, Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.executions import history, pipeline
from pulumi_mlops_sandbox.azure.ids import Address
from pulumi_mlops_sandbox.azure.kinds import KINDS, NAMESPACES, Kind
from pulumi_mlops_sandbox.azure.store import Operation, Record

log = logging.getLogger(__name__)
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-(preview|alpha|beta|privatepreview))?")
_FOLLOWED = re.compile(r"/subscriptions/[^/]+/providers/[^/]+/locations/[^/]+/(operationsStatus|operationResults)/(.+)")
_DATA: tuple[tuple[tuple[str, ...], Callable[[Tenant, Request, str, str], Answer]], ...] = (
    ((blobs.PREFIX,), blobs.answer),
    (data.PREFIXES, data.answer),
    ((measured.PREFIX,), measured.answer),
    (history.PREFIXES, history.answer),
)
"""What is no Resource Manager, by how its paths begin."""
_VERBS: dict[str, Callable[[Call], Answer]] = {
    "GET": resources.get,
    "HEAD": resources.get,
    "PUT": resources.put,
    "PATCH": resources.patch,
    "DELETE": resources.delete,
}


class Plane(Tenant):
    """One sandboxed Azure: its state, and the rules by which it answers."""

    def __init__(self, home: Path, latency: float | None = None) -> None:
        default = float(os.environ.get("PULUMI_MLOPS_SANDBOX_LATENCY", "0.3"))
        super().__init__(home, default if latency is None else latency)
        for module in pkgutil.iter_modules(rules.__path__):
            importlib.import_module(f"{rules.__name__}.{module.name}")
        self.store.load(self.saver.path)
        pipeline.recover(self)
        self.furnish()

    def furnish(self) -> None:
        """Have what every tenant has."""
        for identity, name in ((facts.SUBSCRIPTION, "sandbox"), (facts.ELSEWHERE, "elsewhere")):
            path = f"/subscriptions/{identity}"
            if self.store.get(path) is None:
                made = {
                    "subscriptionId": identity,
                    "tenantId": facts.TENANT,
                    "displayName": name,
                    "state": "Enabled",
                    "authorizationSource": "RoleBased",
                }
                self.store.put(Record(path, ids.SUBSCRIPTIONS, identity, {}, made, own=True))

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        started = time.perf_counter()
        path = re.sub("/+", "/", request.path)
        try:
            answer = self._unheld(request, path)
        except ArmError as error:
            answer = Answer(error.status, error.envelope())
            if error.status == 401:  # noqa: PLR2004  (HTTP's own number)
                answer.headers["WWW-Authenticate"] = f'Bearer authorization_uri="{self.url}/login"'
        except Exception:
            log.exception("%s %s", request.method, path)
            said = f"The sandbox failed in {request.method} {path}; its log says where"
            answer = Answer(501, {"error": {"code": "SandboxFailure", "message": said}})
        self.requests.append(
            {
                "method": request.method,
                "path": path,
                "api_version": request.args.get("api-version"),
                "status": answer.status,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
        )
        return _response(answer)

    def _unheld(self, request: Request, path: str) -> Answer:
        """Answer a request, unless a test holds it."""
        about = self._about(request.method, path)
        hold = self.holds.take(about) if about else None
        if about is None or hold is None:
            return self._answer(request, path)
        if not hold.done:
            self.holds.keep(about, hold)
        try:
            return self._answer(request, path)
        finally:
            self.holds.keep(about, hold)

    def _about(self, method: str, path: str) -> holding.Asked | None:
        if path.startswith(blobs.PREFIX):
            return holding.Asked("blob", method, path)
        followed = _FOLLOWED.fullmatch(path)
        if followed is None:
            return holding.asked(method, path)
        operation = self.store.operations.get(followed[2])
        return None if operation is None else holding.asked("POLL", operation.resource)

    def _answer(self, request: Request, path: str) -> Answer:
        if path.rstrip("/") == "/metadata/endpoints":
            described = metadata.cloud(self.url)
            return Answer(200, described if request.args.get("api-version", "") < "2019" else [described])
        if path.startswith(history.OPEN):
            with self.lock:
                return history.unsigned(self, request, path)
        principal = tokens.principal(self, request.headers)
        for prefixes, asked in _DATA:
            if path.startswith(prefixes):
                with self.lock:
                    operations.settle(self)
                    return asked(self, request, path, principal)
        return self.arm(
            request.method,
            path,
            query={**request.args.to_dict()},
            body=_body(request),
            headers=dict(request.headers),
            principal=principal,
        )

    def arm(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str],
        body: Any = None,
        headers: dict[str, str] | None = None,
        principal: str = facts.DEPLOYER,
    ) -> Answer:
        """Answer one request to Resource Manager."""
        _versioned(query)
        followed = _FOLLOWED.fullmatch(path)
        if followed:
            with self.lock:
                operations.settle(self)
                return self._follow(path, *followed.groups())
        address, verb = self._address(method, path)
        kind = _kind(address)
        self._planned(kind, method, address, verb)
        with self.lock:
            operations.settle(self)
            removal.forget(self)
            placing.subscription(address)
            access.require(self, principal, access.action_of(method, kind.type, verb), address.id or address.scope)
            existing = None if address.collection else self.store.get(address.id)
            call = Call(self, method, address, kind, body or {}, query, headers or {}, principal, existing)
            try:
                if verb:
                    return actions.run(call, verb)
                if address.collection:
                    return _collection(call)
                if method not in _VERBS:
                    raise _unsupported(method, kind)
                if method in {"PUT", "PATCH"} and not isinstance(body, dict):
                    raise ArmError("InvalidRequestContent", "The request content is no JSON object.")
                if method == "GET" and existing is None and kind.type.lower() in actions.TABLES:
                    return actions.TABLES[kind.type.lower()](call)
                return _VERBS[method](call)
            finally:
                if method not in {"GET", "HEAD"}:
                    self.saver.soon()

    def _address(self, method: str, path: str) -> tuple[Address, str]:
        """Read the path; that of a POST ends with what is to be done."""
        if method == "POST":
            path, _, verb = path.rstrip("/").rpartition("/")
            provider = path.lower().rstrip("/").rpartition("/providers/")[2]
            return ids.parse(f"{path}/names" if "/" not in provider else path), verb  # one asked of a whole provider
        return ids.parse(path), ""

    def _planned(self, kind: Kind, method: str, address: Address, verb: str) -> None:
        """Delay or refuse a request if a test planned it."""
        what = "/".join((*address.types, verb) if verb else address.types)
        fault = self.faults.take(kind.namespace, f"{method} {what}")
        if fault is None:
            return
        if fault.latency:
            time.sleep(fault.latency)
        if fault.error:
            raise ArmError(fault.error, fault.message or "Planned by the sandbox", fault.status or 400)

    def _follow(self, path: str, what: str, identity: str) -> Answer:
        operation = self.store.operations.get(identity)
        if operation is None:
            raise ArmError("OperationNotFound", f"There is no operation '{identity}'.", 404)
        if what == "operationsStatus":
            waiting = {"Retry-After": "1"} if operation.status == "InProgress" else {}
            return Answer(200, operations.status(operation, path), waiting)
        return self._result(operation, path)

    def _result(self, operation: Operation, path: str) -> Answer:
        if operation.status == "InProgress":
            return Answer(202, None, {"Location": f"{self.url}{path}?api-version=2024-01-01", "Retry-After": "1"})
        if operation.error is not None:
            return Answer(409, {"error": operation.error})
        record = self.store.get(operation.resource)
        if record is None or operation.kind == "Deleting":
            return Answer(204)
        address = ids.parse(record.id)
        return Answer(200, resources.show(Call(self, "GET", address, _kind(address)), record))


def _versioned(query: dict[str, str]) -> None:
    version = query.get("api-version")
    if version is None:
        raise ArmError(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not _VERSION.fullmatch(version):
        raise ArmError(
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. The supported versions are dates, such as '2025-12-01'.",
        )


def _kind(address: Address) -> Kind:
    if address.type.lower() == "microsoft.resources/resources":
        return Kind("Microsoft.Resources/resources")
    kind = KINDS.get(address.type.lower())
    if kind is not None:
        return kind
    if address.namespace.lower() not in NAMESPACES:
        raise ArmError("InvalidResourceNamespace", f"The resource namespace '{address.namespace}' is invalid.", 404)
    raise ArmError(
        "InvalidResourceType",
        f"The resource type '{'/'.join(address.types)}' could not be found in the namespace '{address.namespace}'. The "
        "sandbox has those that pulumi-mlops uses.",
        404,
    )


def _collection(call: Call) -> Answer:
    if call.method not in {"GET", "HEAD"}:
        raise _unsupported(call.method, call.kind)
    placing.parents(call)
    return actions.listed(call) or resources.many(call)


def _unsupported(method: str, kind: Kind) -> ArmError:
    return ArmError("HttpMethodNotSupported", f"The HTTP method '{method}' is not supported for '{kind.type}'.", 405)


def _body(request: Request) -> Any:
    content = request.get_data()
    if not content:
        return None
    if request.path.startswith(blobs.PREFIX):
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        raise ArmError("InvalidRequestContent", f"The request content is no JSON: {error}") from error


def _response(answer: Answer) -> Response:
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, answer.headers)
    content = "" if answer.body is None else json.dumps(answer.body)
    return Response(content, answer.status, answer.headers, content_type="application/json; charset=utf-8")
