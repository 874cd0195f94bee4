"""The wire: an HTTP request becomes a `Call`, a result or an error becomes a response, in AWS's own protocols.

moto's core has routers, parsers and serializers for the protocols over botocore's models; they are used here, so that
the sandbox's own operations and moto's are spoken to alike.
"""

import io
import json
import re
import warnings
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from pulumi_mlops_sandbox.aws import event_stream
from pulumi_mlops_sandbox.aws.call import Account, Call
from pulumi_mlops_sandbox.aws.errors import AwsError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from moto.core.model import OperationModel

# moto warns of every error code that a model does not hold, which many true ones of AWS are.
warnings.filterwarnings("ignore", message=r"Exception\(.*\) with code .* does not match an error shape")

DEFAULT_REGION = "us-east-1"
_SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_KEY = re.compile(r"Credential=(?P<key>[^/]+)/")
# The name that signs is not always the name of the model; several models may share one.
_SIGNING_NAMES = {
    "monitoring": "cloudwatch",
    "cloudcontrolapi": "cloudcontrol",
    "states": "stepfunctions",
    "elasticfilesystem": "efs",
    "servicequotas": "service-quotas",
}
_SAGEMAKER_RUNTIMES = (
    (re.compile(r"^/(FeatureGroup/|BatchGetRecord|BatchWriteRecord)"), "sagemaker-featurestore-runtime"),
    (re.compile(r"^/endpoints/[^/]+/(async-)?invocations"), "sagemaker-runtime"),
)


def parse(plane: Account, environ: "WSGIEnvironment", body: bytes) -> Call | None:
    """Recognise service, operation and parameters; None for what has no model here and is left to moto."""
    request = Request(environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    service, region = _service(request)
    try:
        service_model = get_service_model(service)
        operation, url_params = get_service_router(service).match(request)
        protocol = determine_request_protocol(service_model, request.content_type)
    except (UnknownServiceError, HTTPException, NotImplementedError):
        return None
    caller = _KEY.search(request.headers.get("Authorization", ""))
    return Call(
        plane,
        service,
        str(operation.name),
        region,
        _params(request, operation, protocol, url_params, body),
        operation,
        protocol,
        caller["key"] if caller else "",
    )


def _service(request: Request) -> tuple[str, str]:
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    if scope is None:
        return "s3", DEFAULT_REGION  # unsigned requests are nearly always S3's
    name = _SIGNING_NAMES.get(scope["service"], scope["service"])
    if name == "sagemaker" and "X-Amz-Target" not in request.headers:
        name = next((service for path, service in _SAGEMAKER_RUNTIMES if path.match(request.path)), name)
    return name, scope["region"]


def _params(
    request: Request, operation: "OperationModel", protocol: str, url_params: dict[str, Any], body: bytes
) -> dict[str, Any]:
    if protocol == "json":  # raw, so that unknown members and wrong types are still to be seen
        try:
            loaded = json.loads(body or b"{}")
        except ValueError:
            raise AwsError("SerializationException", "The request body is not valid JSON") from None
        if not isinstance(loaded, dict):
            raise AwsError("SerializationException", "The request body is not a JSON object")
        return cast("dict[str, Any]", loaded)
    parser = PROTOCOL_PARSERS[protocol](operation)
    parsed = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": body,
            "url_path": request.path,
            "url_params": url_params,
        }
    )
    # A list parameter that is absent from the query string is parsed as an empty one.
    return {name: value for name, value in parsed.items() if value is not None and value != []}


def respond(call: Call, result: dict[str, Any] | Exception) -> Response:
    """Serialize a result or an error in the protocol of the call."""
    if isinstance(result, dict) and call.model.has_event_stream_output:
        return _in_pieces(call, result)
    serializer = get_serializer_class(call.service, call.protocol)(operation_model=call.model)
    serialized = serializer.serialize(result)
    status = serialized["status_code"]
    if isinstance(result, AwsError) and result.status is not None:
        status = result.status
    headers = {name: str(value) for name, value in serialized["headers"].items()}
    response = Response(serialized["body"] or b"", status=status, headers=headers)
    response.headers["x-amzn-requestid"] = call.plane.request_id()
    return response


def _in_pieces(call: Call, result: dict[str, Any]) -> Response:
    """Serialize a result whose one member is a list of events with bytes."""
    headers, body = {}, b""
    shape: Any = call.model.output_shape
    for name, member in shape.members.items():
        if member.serialization.get("eventstream"):
            body = b"".join(event_stream.written(event) for event in result[name])
        elif name in result:
            headers[member.serialization["name"]] = str(result[name])
    response = Response(body, headers=headers)
    response.headers["Content-Type"] = event_stream.TYPE
    response.headers["x-amzn-requestid"] = call.plane.request_id()
    return response


def plain_error(error: AwsError) -> Response:
    """Answer where no operation was recognised: JSON, which every SDK can show."""
    payload = {"__type": error.code, "message": error.message, "Message": error.message}
    headers = {"X-Amzn-ErrorType": error.code}
    return Response(json.dumps(payload), error.status or 400, headers, content_type="application/x-amz-json-1.1")
