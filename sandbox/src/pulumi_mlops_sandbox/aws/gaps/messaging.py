"""SNS, SQS and EventBridge: protocols, attribute ranges, policies, roles of targets.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import re
from collections.abc import Callable
from typing import Any

from pulumi_mlops_sandbox.aws import accounts, policies
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid
from pulumi_mlops_sandbox.aws.hooks import after, before

QUEUE_RANGES = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43200),
}
# What an endpoint of each protocol looks like.
PROTOCOLS: dict[str, Callable[[str], object]] = {
    "application": re.compile(r"^arn:aws[a-z-]*:sns:.+:endpoint/").match,
    "email": re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$").match,
    "email-json": re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$").match,
    "firehose": re.compile(r"^arn:aws[a-z-]*:firehose:").match,
    "http": re.compile(r"^http://").match,
    "https": re.compile(r"^https://").match,
    "lambda": re.compile(r"^arn:aws[a-z-]*:lambda:").match,
    "sms": re.compile(r"^\+?[\d-]{5,20}$").match,
    "sqs": re.compile(r"^arn:aws[a-z-]*:sqs:").match,
}
# Targets that EventBridge calls with a role; the others let it in by their own policy.
_NEEDS_ROLE = re.compile(
    r"^arn:aws[a-z-]*:(batch|codebuild|codepipeline|ecs|execute-api|firehose|kinesis|redshift|sagemaker|ssm|states|events:[^:]+:[^:]*:api-destination)[:/]"
)


@before("sqs", "CreateQueue", "SetQueueAttributes")
def check_queue(call: Call) -> None:
    """Refuse attributes out of range, and policies that are none."""
    for name, value in call.params.get("Attributes", {}).items():
        if name in QUEUE_RANGES:
            low, high = QUEUE_RANGES[name]
            if not value.isdigit() or not low <= int(value) <= high:
                raise AwsError("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
        if name == "Policy" and value:
            policies.parse(value, "InvalidAttributeValue")


def _queue(call: Call) -> Any | None:
    return accounts.backend("sqs", call.region).queues.get(str(call.params["QueueUrl"]).rsplit("/", 1)[-1])


@before("sqs", "SetQueueAttributes")
def note_policy(call: Call) -> None:
    """Remember the policy, which moto drops when another attribute is set."""
    call.notes["policy"] = getattr(_queue(call), "policy", None)


@after("sqs", "SetQueueAttributes")
def keep_policy(call: Call) -> None:
    """Put the policy back, unless it was what the call set."""
    queue = _queue(call)
    if queue is not None and "Policy" not in call.params.get("Attributes", {}):
        queue.policy = call.notes["policy"]


@before("sns", "Subscribe")
def check_subscription(call: Call) -> None:
    """Refuse unknown protocols and endpoints that do not fit them."""
    protocol, endpoint = call.params["Protocol"], call.params.get("Endpoint", "")
    if protocol not in PROTOCOLS:
        raise AwsError(
            "InvalidParameter", f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
        )
    if not PROTOCOLS[protocol](endpoint):
        raise AwsError("InvalidParameter", f"Invalid parameter: Endpoint is not valid for the protocol {protocol}")


@before("sns", "CreateTopic", "SetTopicAttributes")
def check_topic(call: Call) -> None:
    """Refuse policies that are none."""
    attributes = call.params.get("Attributes", {})
    named = {call.params.get("AttributeName"): call.params.get("AttributeValue")}
    text = attributes.get("Policy") or named.get("Policy")
    if text:
        policies.parse(text, "InvalidParameter")


@before("events", "PutTargets")
def check_targets(call: Call) -> None:
    """Refuse targets that need a role and have none, and doubled ids."""
    targets = call.params["Targets"]
    if len({target["Id"] for target in targets}) != len(targets):
        raise invalid("Every target Id must be unique within a request")
    for target in targets:
        if _NEEDS_ROLE.match(target["Arn"]) and "RoleArn" not in target:
            raise invalid(f"RoleArn is required for target {target['Arn']}.")
