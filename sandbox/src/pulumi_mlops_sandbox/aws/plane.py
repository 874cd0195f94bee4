"""The control plane itself: one request at a time through faults, shapes, checks, the own store or moto."""

import io
import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from pulumi_mlops_sandbox.aws import authorization, hooks, shapes, steps, wire
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError, not_implemented

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)
# What a service calls a request that does not fit its shapes; the others say ValidationException.
INVALID_CODES = {
    "budgets": "InvalidParameterException",
    "cloudwatch": "ValidationError",
    "ec2": "InvalidParameterValue",
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "lambda": "InvalidParameterValueException",
    "logs": "InvalidParameterException",
    "s3": "InvalidArgument",
    "sagemaker-featurestore-runtime": "ValidationError",
    "secretsmanager": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "sts": "ValidationError",
}
READS = ("Describe", "Get", "List", "Head", "Search", "BatchGet", "BatchDescribe", "Filter", "Simulate")
WAITING = {("sqs", "ReceiveMessage"), ("lambda", "Invoke")}  # may take seconds: never under the lock


class Plane(Account):
    """One sandboxed AWS account: its state, and the rules by which it answers."""

    def __init__(self, home: Path, latency: float | None = None) -> None:
        default = float(os.environ.get("PULUMI_MLOPS_SANDBOX_LATENCY", "0.3"))
        super().__init__(home, default if latency is None else latency)
        self.moto = DomainDispatcherApplication(create_backend_app)

    def handle(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one AWS request."""
        body = Request(environ).get_data(cache=False)
        try:
            call = wire.parse(self, environ, body)
        except AwsError as error:
            return wire.plain_error(error)(environ, start_response)
        if call is None:
            return self._unrecognised(environ, body)(environ, start_response)
        started = time.perf_counter()
        response = self._answer(call, environ, body)
        self.requests.append(
            {
                "service": call.service,
                "operation": call.operation,
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            }
        )
        return response(environ, start_response)

    def call(self, service: str, operation: str, params: dict[str, Any], region: str) -> dict[str, Any]:
        """Perform one of the sandbox's own operations from the inside, judged as from the outside."""
        call = Call(self, service, operation, region, params, get_service_model(service).operation_model(operation))
        with self.lock:
            self.faults.apply(call.service, call.operation)
            self._judge(call)
            return hooks.OWN[service, operation](call) or {}

    def _answer(self, call: Call, environ: "WSGIEnvironment", body: bytes) -> Response:
        try:
            self.faults.apply(call.service, call.operation)
            if (call.service, call.operation) in WAITING:
                return self._perform(call, environ, body)
            with self.lock:
                steps.settle(self)
                response = self._perform(call, environ, body)
                if not call.operation.startswith(READS):
                    self.saver.soon()
                return response
        except ServiceException as error:
            return wire.respond(call, error)
        except Exception:
            log.exception("%s %s", call.service, call.operation)
            return wire.respond(
                call,
                AwsError(
                    "SandboxFailure", f"The sandbox failed in {call.service} {call.operation}; its log says where", 501
                ),
            )

    def _perform(self, call: Call, environ: "WSGIEnvironment", body: bytes) -> Response:
        authorization.judge(call)
        self._judge(call)
        key = (call.service, call.operation)
        answer = hooks.OWN[key](call) if key in hooks.OWN else None
        if answer is not None:
            return wire.respond(call, answer)
        response = self._moto(call, environ, body)
        if response.status_code < 300:  # noqa: PLR2004 - HTTP's own border
            for hook in hooks.AFTER[key]:
                hook(call)
        return response

    def _judge(self, call: Call) -> None:
        found = shapes.problems(call.model.input_shape, call.params)
        if any(problem.serialization for problem in found):
            raise AwsError("SerializationException", shapes.message(found))
        if found:
            raise AwsError(INVALID_CODES.get(call.service, "ValidationException"), shapes.message(found))
        for check in (*hooks.BEFORE[call.service, "*"], *hooks.BEFORE[call.service, call.operation]):
            check(call)

    def _moto(self, call: Call, environ: "WSGIEnvironment", body: bytes) -> Response:
        try:
            return Response.from_app(self.moto, _rewound(environ, body), buffered=True)
        except NotImplementedError:
            raise not_implemented(call.service, call.operation) from None

    def _unrecognised(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        """Leave to moto what has no model here: its own pages, unsigned S3, services that botocore does not know."""
        try:
            with self.lock:
                response = Response.from_app(self.moto, _rewound(environ, body), buffered=True)
        except Exception:
            log.exception("%s %s", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"))
            response = Response(status=404)
        if response.status_code in {404, 500} and response.mimetype == "text/html":
            what = environ.get("HTTP_X_AMZ_TARGET") or f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
            return wire.plain_error(not_implemented("the operation", str(what)))
        return response


def _rewound(environ: "WSGIEnvironment", body: bytes) -> "WSGIEnvironment":
    """Give moto the request as if nobody had read it."""
    fresh = {name: value for name, value in environ.items() if not name.startswith("werkzeug.")}
    fresh.pop("HTTP_TRANSFER_ENCODING", None)
    fresh.pop("wsgi.input_terminated", None)
    return fresh | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
