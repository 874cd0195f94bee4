"""What starts a pipeline on AWS: patterns of events, and what looks first whether a run goes on."""

import json
from dataclasses import replace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

import pulumi_mlops as mlops
from pulumi_mlops import DatasetRef, InvalidArgs
from support.facts.aws import HUB, IMAGE
from support.mocks import ACCOUNT, REGION, Cloud

ROWS = DatasetRef(
    name="rows", backend="aws", platform=HUB, location="s3://rows-of-churn/", address={"database": "churn_dev_rows"}
)
HOURLY: Any = {"cron": "0 * * * *"}


def declare(cloud: Cloud, **args: Any) -> None:
    def program() -> Any:
        steps = {"fit": mlops.train(image=IMAGE, command=["train"])}
        return mlops.Pipeline("retrain", **({"platform": HUB, "steps": steps} | args)) and None

    cloud.run(program)


def pattern(cloud: Cloud, index: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = cloud.one("cloudwatch/eventRule", f"retrain-trigger-{index}").document("eventPattern")
    return found


def test_a_version_that_is_published_is_a_file_that_is_written_once(cloud: Cloud) -> None:
    below = DatasetRef(name="raw", backend="aws", platform=HUB, location="s3://theirs/raw/", address={})
    declare(cloud, triggers=[{"data": ROWS}, {"data": below}])
    assert pattern(cloud)["detail"] == {
        "bucket": {"name": ["rows-of-churn"]},
        "object": {"key": [{"wildcard": "_versions/*.json"}]},
    }
    assert pattern(cloud, 1)["detail"]["object"]["key"] == [{"wildcard": "raw/_versions/*.json"}]


def test_the_bucket_of_a_dataset_tells_of_its_files(cloud: Cloud) -> None:
    cloud.run(lambda: mlops.Dataset("rows", platform=HUB) and None)
    assert cloud.one("s3/bucketNotification", "rows-events").inputs["eventbridge"] is True


def test_an_alarm_starts_a_run_when_it_goes_off_and_not_when_it_is_over(cloud: Cloud) -> None:
    declare(cloud, triggers=[{"alarm": "drift"}])
    assert pattern(cloud)["detail"] == {"alarmName": ["drift"], "state": {"value": ["ALARM"]}}


def test_where_runs_may_not_overlap_everything_leads_to_what_looks_first(cloud: Cloud) -> None:
    declare(cloud, schedule=HOURLY, triggers=[{"data": ROWS}], overlap="skip")
    arn = cloud.one("scheduler/schedule", "retrain-schedule").inputs["target"]["arn"]
    assert arn.startswith("arn:aws:states:")
    assert cloud.one("cloudwatch/eventTarget", "retrain-trigger-0-target").inputs["arn"] == arn
    (starts,) = cloud.one("iam/rolePolicy", "retrain-start-rights").document("policy")["Statement"]
    assert (starts["Action"], starts["Resource"]) == (["states:StartExecution"], arn)
    (looks,) = cloud.one("iam/rolePolicy", "retrain-look-rights").document("policy")["Statement"]
    assert looks["Action"] == ["sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"]
    assert looks["Resource"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/churn-dev-retrain"
    trust = cloud.one("iam/role", "retrain-look-role").document("assumeRolePolicy")["Statement"][0]
    assert trust["Principal"] == {"Service": ["states.amazonaws.com"]}


def test_what_looks_first_is_a_machine_that_step_functions_reads(cloud: Cloud) -> None:
    declare(cloud, schedule=HOURLY, overlap="skip")
    definition = cloud.one("sfn/stateMachine", "retrain-one-at-a-time").document("definition")
    AmazonStateLanguageParser.parse(json.dumps(definition))
    states = definition["States"]
    assert states["Look"]["Arguments"]["PipelineName"] == "churn-dev-retrain"
    assert states["Judge"]["Choices"][0]["Next"] == "Skip"
    assert states["Skip"]["Type"] == "Succeed", "what is skipped is no failure"


def test_a_start_that_failed_is_told(cloud: Cloud) -> None:
    declare(cloud, schedule=HOURLY, overlap="skip")
    failed = cloud.one("cloudwatch/eventRule", "retrain-not-started").document("eventPattern")["detail"]
    assert failed["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert cloud.one("cloudwatch/eventTarget", "retrain-not-started-target").inputs["arn"] == HUB.address["topic"]


def test_what_raises_no_event_here_is_refused(cloud: Cloud) -> None:
    there = replace(HUB, name="far", address={**HUB.address, "region": "eu-west-1"})
    away = replace(ROWS, platform=there)
    elsewhere = replace(ROWS, platform=replace(HUB, backend="azure"))
    for rows, told in ((away, "another region or account"), (elsewhere, "lives on 'azure'")):
        with pytest.raises(InvalidArgs, match=told):
            declare(cloud, triggers=[{"data": rows}])
