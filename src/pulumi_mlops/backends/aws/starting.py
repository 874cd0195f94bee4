"""What starts a pipeline on AWS by itself: a schedule, events, and what looks first whether a run goes on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import access, live, names, start_rights
from pulumi_mlops.backends.aws.addresses import DatasetAddress, ModelAddress, PipelineAddress, PlatformAddress
from pulumi_mlops.backends.aws.cron import aws_cron
from pulumi_mlops.backends.aws.policy import Statement
from pulumi_mlops.components.dataset_ref import DatasetRef
from pulumi_mlops.components.pipeline import PipelineSpec, Trigger
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.workload import VERSIONS

_CHANGED = "SageMaker Model Building Pipeline Execution Status Change"
_GOING = ["Executing", "Stopping"]
_SHORTEST_TOKEN = 32
"""Characters that StartPipelineExecution asks of its token at least."""


def started(scope: Scope, spec: PipelineSpec, arn: Output[str], name: str) -> dict[str, pulumi.Resource]:
    """Make what starts a pipeline, and the one role that does so."""
    if spec.schedule is None and not spec.triggers:
        return {}
    native: dict[str, pulumi.Resource] = {}
    to: Input[str] = arn
    may: Any = start_rights.Runs(name)
    if spec.overlap == "skip":
        looks = _one_at_a_time(scope, spec, arn, name)
        native["one_at_a_time"] = looks
        if spec.alerts:
            what = f"Starts of pipeline {scope.name} that failed"
            topic = PlatformAddress.of(spec.platform).topic
            native["not_started"] = on_event(scope, "not-started", _stopped(looks.arn), what, to=topic)
        to, may = looks.arn, start_rights.Looks(looks.arn)
    services = ["scheduler.amazonaws.com"] * bool(spec.schedule) + ["events.amazonaws.com"] * bool(spec.triggers)
    starter = access.role_of(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "start"),
        "Start of pipeline",
        [_trust(spec, services)],
        platform=spec.platform,
        grants=[("start", may)],
        part="start",
    )
    native["starter"] = starter.role
    if spec.schedule:
        native["schedule"] = aws.scheduler.Schedule(
            scope.child("schedule"),
            name=names.of_stack(scope, scope.name, limit=64),
            description=f"Starts pipeline {scope.name} of {scope.project} ({scope.stage})",
            schedule_expression=aws_cron(spec.schedule.cron),
            schedule_expression_timezone=spec.schedule.timezone,
            flexible_time_window={"mode": "OFF"},
            kms_key_arn=PlatformAddress.of(spec.platform).key,
            target={"arn": to, "role_arn": starter.arn},
            opts=scope.opts,
        )
    for index, trigger in enumerate(spec.triggers):
        native[f"trigger.{index}"] = on_event(
            scope, f"trigger-{index}", _pattern(trigger), f"Starts pipeline {scope.name}", to=to, role=starter.arn
        )
    return native


def _trust(spec: PipelineSpec, services: list[str]) -> Statement:
    return {
        "Effect": "Allow",
        "Principal": {"Service": services},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": PlatformAddress.of(spec.platform).account}},
    }


def _one_at_a_time(scope: Scope, spec: PipelineSpec, arn: Input[str], name: str) -> "aws.sfn.StateMachine":
    """Make what starts a run unless one goes on: SageMaker itself begins each that it is asked for."""
    role = access.role_of(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "look"),
        "Look for runs of pipeline",
        [_trust(spec, ["states.amazonaws.com"])],
        platform=spec.platform,
        grants=[("start", start_rights.Runs(name, looks=True))],
        part="look",
    )
    return aws.sfn.StateMachine(
        scope.child("one-at-a-time"),
        name=names.of_stack(scope, scope.name, limit=80),
        definition=Output.json_dumps(looking(arn, name)),
        role_arn=role.arn,
        type="STANDARD",
        tags=scope.tags,
        opts=scope.opts,
    )


def looking(arn: Input[str], name: str) -> Mapping[str, Any]:
    """Write what looks: a run whose state is not final goes on.

    https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
    """
    asks = "arn:aws:states:::aws-sdk:sagemaker"
    again = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 20, "MaxAttempts": 4, "BackoffRate": 2}]
    going = f"$states.result.PipelineExecutionSummaries[PipelineExecutionStatus in {json.dumps(_GOING)}]"
    return {
        "Comment": "Starts a pipeline unless a run of it goes on",
        "QueryLanguage": "JSONata",
        "StartAt": "Look",
        "States": {
            "Look": {
                "Type": "Task",
                "Resource": f"{asks}:listPipelineExecutions",
                "Arguments": {"PipelineName": name, "SortBy": "CreationTime", "SortOrder": "Descending"},
                "Output": {"going": f"{{% $count({going}) %}}"},
                "Retry": again,
                "Next": "Judge",
            },
            "Judge": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.going > 0 %}", "Next": "Skip"}],
                "Default": "Start",
            },
            "Skip": {"Type": "Succeed"},
            "Start": {
                "Type": "Task",
                "Resource": f"{asks}:startPipelineExecution",
                "Arguments": {
                    "PipelineName": arn,
                    # What is asked for twice under one token is begun once.
                    "ClientRequestToken": f"{{% $pad($states.context.Execution.Name, {_SHORTEST_TOKEN}, '-') %}}",
                },
                "Retry": again,
                "End": True,
            },
        },
    }


def _pattern(trigger: Trigger) -> Mapping[str, Any]:
    if trigger.approval is not None:
        return {
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {
                "ModelPackageGroupName": [ModelAddress.of(trigger.approval).name],
                "ModelApprovalStatus": ["Approved"],
            },
        }
    if trigger.data is not None:
        return published(trigger.data)
    if trigger.alarm is not None:
        return {
            "source": ["aws.cloudwatch"],
            "detail-type": ["CloudWatch Alarm State Change"],
            "detail": {"alarmName": [trigger.alarm], "state": {"value": ["ALARM"]}},
        }
    assert trigger.pipeline is not None  # noqa: S101 (one of them is given)
    return ended(PipelineAddress.of(trigger.pipeline).arn, "Succeeded")


def published(dataset: DatasetRef) -> Mapping[str, Any]:
    """Return the pattern of the event that a version is published: its file is written, once."""
    parts = Output.from_input(dataset.location).apply(lambda uri: uri.removeprefix("s3://").split("/", 1))
    bucket = parts.apply(lambda found: found[0])
    # What is noted beside a version is no version: its name ends otherwise.
    versions = parts.apply(lambda found: f"{found[1]}{VERSIONS}*.json")
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"wildcard": versions}]}},
    }


def ended(arn: Input[str], status: str) -> Mapping[str, Any]:
    """Return the pattern of the event that a run has ended so."""
    return {
        "source": ["aws.sagemaker"],
        "detail-type": [_CHANGED],
        "detail": {"pipelineArn": [arn], "currentPipelineExecutionStatus": [status]},
    }


def _stopped(machine: Input[str]) -> Mapping[str, Any]:
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }


def on_event(
    scope: Scope, part: str, pattern: Mapping[str, Any], what: str, *, to: Input[str], role: Input[str] | None = None
) -> "aws.cloudwatch.EventRule":
    """Hand events of a pattern to something, as a role where that asks for one."""
    rule = aws.cloudwatch.EventRule(
        scope.child(part),
        name=names.of_stack(scope, scope.name, part),
        description=what,
        event_pattern=Output.json_dumps(pattern),
        tags=scope.tags,
        opts=scope.opts,
    )
    aws.cloudwatch.EventTarget(
        scope.child(f"{part}-target"),
        rule=rule.name,
        target_id=part,
        arn=to,
        role_arn=role,
        opts=scope.opts,
    )
    return rule


def trigger_problems(spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse what raises no event where this pipeline is: rules see those of their own account and region."""
    at = PlatformAddress.of(spec.platform)
    here = (at.region, at.account)
    for index, trigger in enumerate(spec.triggers):
        where, ref = f"triggers[{index}].{trigger.kind}", trigger.ref
        if ref is None:
            continue
        if ref.platform.backend != "aws":
            yield Problem(where, f"{ref.name!r} lives on {ref.platform.backend!r}, whose events are not seen here")
            continue
        away = PlatformAddress.of(ref.platform)
        there = (away.region, away.account)
        if not any(is_deferred(one) for one in (*here, *there)) and here != there:
            told = f"{ref.name!r} is of platform {ref.platform.name!r}, in another region or account"
            yield Problem(where, f"{told}, whose events are not seen here; write a schedule")
        if trigger.data is None or DatasetAddress.of(trigger.data).database is not None:
            continue
        if not is_deferred(trigger.data.location):
            bucket = str(trigger.data.location).removeprefix("s3://").partition("/")[0]
            if live.tells_of_files(spec.platform, bucket) is False:
                yield Problem(
                    where,
                    f"the bucket {bucket!r} of {trigger.data.name!r} raises no events; its owner switches them on "
                    "(aws s3api put-bucket-notification-configuration, with EventBridgeConfiguration)",
                )
