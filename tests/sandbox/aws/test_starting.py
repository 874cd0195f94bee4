"""What starts executions of pipelines: requests, other pipelines, files, alarms, schedules, state machines."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops.backends.aws.starting import looking
from support.sandbox.executions_aws import ACCOUNT, STATEMENTS, Here


def test_a_token_starts_one_execution(here: Here) -> None:
    here.pipeline(here.processing("count", ["true"]), parameters=[{"Name": "n", "Type": "Integer", "DefaultValue": 1}])
    token = {"ClientRequestToken": "k" * 32}
    first = here.start(**token)
    assert here.start(**token) == first
    with pytest.raises(ClientError, match="ConflictException"):
        here.start(**token, PipelineParameters=[{"Name": "n", "Value": "2"}])
    for wrong, told in (
        ({"Name": "m", "Value": "2"}, "Unknown parameters: m"),
        ({"Name": "n", "Value": "x"}, "no Integer"),
    ):
        with pytest.raises(ClientError, match=told):
            here.start(PipelineParameters=[wrong])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        here.start("absent")
    here.ended(first)


def test_one_pipeline_starts_another_and_a_failure_is_told(here: Here) -> None:
    here.pipeline(here.processing("count", ["true"]), name="first")
    here.pipeline(here.processing("broken", ["false"]), name="second")
    events, sqs = here.plane.client("events"), here.plane.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    kind = ["SageMaker Model Building Pipeline Execution Status Change"]

    def rule(name: str, pipeline: str, status: str, **target: Any) -> None:
        detail = {"pipelineArn": [f"{ACCOUNT}:pipeline/{pipeline}"], "currentPipelineExecutionStatus": [status]}
        pattern = {"source": ["aws.sagemaker"], "detail-type": kind, "detail": detail}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[{"Id": "it", **target}])

    rule("then", "first", "Succeeded", Arn=f"{ACCOUNT}:pipeline/second", RoleArn=here.role)
    rule("failed", "second", "Failed", Arn="arn:aws:sqs:us-east-1:123456789012:told")
    here.ended(here.start("first"))
    (message,) = here.plane.until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    detail = json.loads(message["Body"])["detail"]
    (other,) = here.sagemaker.list_pipeline_executions(PipelineName="second")["PipelineExecutionSummaries"]
    assert detail["pipelineExecutionArn"] == other["PipelineExecutionArn"]
    assert (detail["previousPipelineExecutionStatus"], detail["currentPipelineExecutionStatus"]) == (
        "Executing",
        "Failed",
    )
    here.allow([*STATEMENTS, {"Effect": "Deny", "Action": "sagemaker:StartPipelineExecution", "Resource": "*"}])
    here.ended(here.start("first"))
    listed = here.sagemaker.list_pipeline_executions(PipelineName="second")["PipelineExecutionSummaries"]
    assert len(listed) == 1, "the role of the target may not start it any more"


def test_files_and_alarms_start_pipelines(here: Here) -> None:
    here.pipeline(
        here.processing("count", ["true"]), parameters=[{"Name": "file", "Type": "String", "DefaultValue": ""}]
    )
    events, monitoring = here.plane.client("events"), here.plane.client("cloudwatch")
    told = {"EventBridgeConfiguration": {}}
    here.s3.put_bucket_notification_configuration(Bucket="jobs", NotificationConfiguration=told)
    monitoring.put_metric_alarm(
        AlarmName="drift",
        MetricName="drift",
        Namespace="mlops",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    versions = {"bucket": {"name": ["jobs"]}, "object": {"key": [{"wildcard": "rows_versions/*.json"}]}}
    ringing = {"alarmName": ["drift"], "state": {"value": ["ALARM"]}}
    for name, source, kind, detail in (
        ("file", "aws.s3", "Object Created", versions),
        ("alarm", "aws.cloudwatch", "CloudWatch Alarm State Change", ringing),
    ):
        pattern = {"source": [source], "detail-type": [kind], "detail": detail}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        given = {"PipelineParameterList": [{"Name": "file", "Value": "$.detail.object.key"}]} if name == "file" else {}
        more = {"SageMakerPipelineParameters": given} if given else {}
        target = {"Id": "it", "Arn": f"{ACCOUNT}:pipeline/retrain", "RoleArn": here.role, **more}
        events.put_targets(Rule=name, Targets=[target])
    for key in ("rows_versions/1.json", "rows_versions/2.json", "rows/1.csv"):
        here.s3.put_object(Bucket="jobs", Key=key, Body=b"{}")
    for state in ("ALARM", "ALARM", "OK"):
        monitoring.set_alarm_state(AlarmName="drift", StateValue=state, StateReason="tried")
    found = here.sagemaker.list_pipeline_executions(PipelineName="retrain")["PipelineExecutionSummaries"]
    files = [
        here.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=one["PipelineExecutionArn"])
        for one in found
    ]
    assert sorted(one["PipelineParameters"][0]["Value"] for one in files) == [
        "",
        "rows_versions/1.json",
        "rows_versions/2.json",
    ]
    for one in found:
        here.ended(one["PipelineExecutionArn"])


def test_a_schedule_fires_when_somebody_says_so(here: Here) -> None:
    here.pipeline(here.processing("count", ["true"]), parameters=[{"Name": "n", "Type": "Integer", "DefaultValue": 1}])
    target = {
        "Arn": f"{ACCOUNT}:pipeline/retrain",
        "RoleArn": here.role,
        "SageMakerPipelineParameters": {"PipelineParameterList": [{"Name": "n", "Value": "7"}]},
    }
    here.plane.client("scheduler").create_schedule(
        Name="weekly", ScheduleExpression="cron(0 3 ? * MON *)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    (execution,) = here.plane.admin("POST", "fire", {"schedule": "weekly"})["reached"]
    assert here.ended(execution)["PipelineExecutionStatus"] == "Succeeded"
    parameters = here.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)
    assert parameters["PipelineParameters"] == [{"Name": "n", "Value": "7"}]
    with pytest.raises(OSError, match="400"):
        here.plane.admin("POST", "fire", {"schedule": "absent"})


def test_a_state_machine_starts_a_run_unless_one_goes_on(here: Here) -> None:
    """With what the library writes for `overlap="skip"`."""
    marked = here.began("long.sh", "while true; do sleep 0.1; done")
    here.pipeline(here.processing("long", ["sh", "long.sh"]))
    states, arn = here.plane.client("stepfunctions"), f"{ACCOUNT}:pipeline/retrain"
    machine = states.create_state_machine(
        name="looks", definition=json.dumps(looking(arn, "retrain")), roleArn=here.role
    )["stateMachineArn"]
    here.plane.client("scheduler").create_schedule(
        Name="weekly",
        ScheduleExpression="cron(0 3 ? * MON *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": here.role},
    )
    with pytest.raises(OSError, match="400"):
        here.plane.admin("POST", "fire", {"schedule": "weekly"})
    allowed = [one for one in STATEMENTS if "sagemaker:*" not in one["Action"]]
    jobs = ["sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "iam:PassRole", "ecr:*"]
    looks = ["sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"]
    for actions, resource in ((jobs, "*"), (looks, arn), (["states:StartExecution"], machine)):
        allowed.append({"Effect": "Allow", "Action": actions, "Resource": resource})
    here.allow(allowed)

    def fired() -> str:
        (execution,) = here.plane.admin("POST", "fire", {"schedule": "weekly"})["reached"]

        def status() -> Any:
            found = states.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found = here.plane.until(status)
        assert found["status"] == "SUCCEEDED", found
        return str(found["output"])

    def runs() -> list[str]:
        found = here.sagemaker.list_pipeline_executions(PipelineName="retrain")["PipelineExecutionSummaries"]
        return [one["PipelineExecutionArn"] for one in found]

    assert json.loads(fired())["PipelineExecutionArn"] in runs()
    here.plane.until(marked.exists)
    assert json.loads(fired()) == {"going": 1}
    (only,) = runs()
    here.sagemaker.stop_pipeline_execution(PipelineExecutionArn=only, ClientRequestToken="s" * 32)
    here.ended(only)
    fired()
    assert len(runs()) == 2
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 3
    here.sagemaker.stop_pipeline_execution(PipelineExecutionArn=runs()[0], ClientRequestToken="t" * 32)
    here.ended(runs()[0])
