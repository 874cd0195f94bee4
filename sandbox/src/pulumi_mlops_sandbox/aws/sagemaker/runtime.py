"""Invocations: an endpoint in service answers, with canned bytes; any other is refused.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import json
import uuid
from typing import Any

from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import own
from pulumi_mlops_sandbox.aws.sagemaker.kinds import ENDPOINT

USABLE = {"InService", "Updating", "RollingBack", "SystemUpdating"}


def _endpoint(call: Call) -> dict[str, Any]:
    name = call.params["EndpointName"]
    record = call.plane.store.all(ENDPOINT, call.region).get(name)
    if record is None or record["EndpointStatus"] not in USABLE:
        raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    return record


@own("sagemaker-runtime", "InvokeEndpoint")
def invoke(call: Call) -> dict[str, Any]:
    """Answer with the name of the variant that was asked; the sandbox runs no model."""
    body, wanted = _answer(call)
    return {"Body": body, "ContentType": "application/json", "InvokedProductionVariant": wanted}


@own("sagemaker-runtime", "InvokeEndpointWithResponseStream")
def invoke_in_pieces(call: Call) -> dict[str, Any]:
    """Give the same answer in two pieces."""
    body, wanted = _answer(call)
    half = len(body) // 2
    pieces = [{"PayloadPart": {"Bytes": piece}} for piece in (body[:half], body[half:])]
    return {"Body": pieces, "ContentType": "application/json", "InvokedProductionVariant": wanted}


def _answer(call: Call) -> tuple[bytes, str]:
    record = _endpoint(call)
    if "AsyncInferenceConfig" in record:
        raise AwsError("ValidationError", f"Endpoint {record['EndpointName']} is asynchronous; use InvokeEndpointAsync")
    names = [variant["VariantName"] for variant in record["ProductionVariants"]]
    wanted = call.params.get("TargetVariant", names[0])
    if wanted not in names:
        raise AwsError("ValidationError", f"Variant {wanted} is not part of endpoint {record['EndpointName']}")
    return json.dumps({"sandbox": True, "endpoint": record["EndpointName"], "variant": wanted}).encode(), wanted


@own("sagemaker-runtime", "InvokeEndpointAsync")
def invoke_async(call: Call) -> dict[str, Any]:
    """Accept a request to an asynchronous endpoint; nothing is ever written to its output."""
    record = _endpoint(call)
    if "AsyncInferenceConfig" not in record:
        raise AwsError("ValidationError", f"Endpoint {record['EndpointName']} is not asynchronous")
    identity = str(uuid.uuid4())
    output = record["AsyncInferenceConfig"]["OutputConfig"].get("S3OutputPath", "")
    return {"InferenceId": identity, "OutputLocation": f"{output.rstrip('/')}/{identity}.out"}
