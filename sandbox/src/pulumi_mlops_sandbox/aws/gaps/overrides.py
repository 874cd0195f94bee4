"""Where moto does otherwise than AWS and has no switch for it: a few of its methods, replaced."""

import copy
import datetime as dt
import json
import logging
import uuid
from typing import Any
from urllib.parse import ParseResult

from moto.events.models import Rule
from moto.events.utils import _BASE_EVENT_MESSAGE
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker
from moto.sqs.models import Queue

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.executions import starting
from pulumi_mlops_sandbox.aws.hooks import after, before

log = logging.getLogger(__name__)
_moto_sends = Rule.send_to_targets


def _no_opinion(_bucket: FakeBucket, _action: str, _resource: str) -> PermissionResult:
    """Judge no request by the bucket's policy.

    moto ignores conditions, so that the usual "deny what is not TLS" would deny everything; nothing else here evaluates
    policies at the time of a request either.
    """
    return PermissionResult.NEUTRAL


def _nothing_to_dispose(_marker: FakeDeleteMarker) -> None:
    """Let a delete marker go, as a version goes: moto fails on one in a bucket whose versioning is suspended."""


def _queue_url(queue: Queue, _request_url: ParseResult) -> str:
    """Give queues the address that they have on AWS, which no restart on another port changes."""
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account_id}/{queue.name}"


def _send_to_targets(rule: Rule, event: Any, transform_input: bool = True) -> None:
    """Deliver to each target by itself: one that moto cannot reach must not fail the event, nor the other targets."""
    if rule.state == "DISABLED" or not rule.event_pattern.matches_event(event):
        return
    if rule.scheduled_expression:
        return
    if event["id"] == _BASE_EVENT_MESSAGE.get("id"):  # moto gives all events of S3 one id
        event = {**event, "id": str(uuid.uuid4())}
    for target in rule.targets:
        try:
            hand(rule, target, event, transform_input=transform_input)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with a target is not the sender's affair
            log.warning("rule %s: the event did not reach target %s: %r", rule.name, target["Id"], error)


def hand(rule: Rule, target: dict[str, Any], event: Any, *, transform_input: bool = True) -> None:
    """Hand an event to one target of a rule."""
    service, region = target["Arn"].split(":")[2:4]
    if service in _DELIVERIES:
        _DELIVERIES[service](region, target, event)
        return
    alone = copy.copy(rule)
    alone.targets = [target]
    _moto_sends(alone, copy.deepcopy(event), transform_input)


def _publish(region: str, target: dict[str, Any], event: dict[str, Any]) -> None:
    moment = dt.datetime.fromtimestamp(float(event["time"]), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sns = accounts.backend("sns", region)
    sns.publish(target.get("Input") or json.dumps(event | {"time": moment}), arn=target["Arn"])


_DELIVERIES = {"sns": _publish, "sagemaker": starting.deliver, "states": starting.deliver}
# Not by assignment: type checkers would want another excuse for each.
setattr(Rule, "send_to_targets", _send_to_targets)  # noqa: B010 - said above
setattr(FakeDeleteMarker, "dispose", _nothing_to_dispose)  # noqa: B010 - said above
setattr(FakeBucket, "get_permission", _no_opinion)  # noqa: B010 - said above
setattr(Queue, "url", _queue_url)  # noqa: B010 - said above


@before("ec2", "CreateFlowLogs")
def accept_folders(call: Call) -> None:
    """Accept a folder in the destination bucket; moto takes it for a part of the bucket's name.

    Set on the instance and at the first request, since importing moto's EC2 takes two seconds.
    """
    backend = accounts.backend("ec2", call.region)
    original = type(backend).create_flow_logs

    def create_flow_logs(**given: Any) -> Any:
        destination = given["log_destination"]
        if given["log_destination_type"] == "s3" and destination:
            given["log_destination"] = destination.split("/")[0]
        del backend.create_flow_logs  # for this request only: a snapshot must not hold it
        created, failed = original(backend, **given)
        for flow_log in created:
            flow_log.log_destination = destination
        return created, failed

    backend.create_flow_logs = create_flow_logs


@after("ec2", "DeleteVpcEndpoints")
def forget_endpoints(call: Call) -> None:
    """Forget deleted endpoints, which moto shows for ever as `deleted`."""
    endpoints = accounts.backend("ec2", call.region).vpc_end_points
    for identity in call.params["VpcEndpointIds"]:
        endpoints.pop(identity, None)
