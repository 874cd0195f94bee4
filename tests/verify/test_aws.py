"""What a verification does on AWS beside the rounds: what it judges, prices, deletes and looks for."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mlops.backends.aws import instances, machines, sessions, verify
from pulumi_mlops.core.compute import Compute
from pulumi_mlops.core.errors import InvalidArgs, VerificationFailed
from pulumi_mlops.policies.costs.spans import Span
from pulumi_mlops.policies.costs.uses import always
from pulumi_mlops.verify import command, costs

HERE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
TOLD = {
    "backend": "aws",
    "name": "verify",
    "region": "eu-west-1",
    "image": f"{HERE}/toy:1",
    "drift_image": f"{HERE}/d:1",
}


class Service:
    """A service of AWS, by the pages of its lists, which keeps what it was asked to change."""

    def __init__(self, lists: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
        self.lists, self.done = lists, list[tuple[str, Any]]()
        self.exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def get_paginator(self, call: str) -> Any:
        return SimpleNamespace(paginate=lambda **by: [self.lists[call](**by)])

    def __getattr__(self, call: str) -> Callable[..., Any]:
        def act(**by: Any) -> Any:
            self.done.append((call, next(iter(by.values()))))
            return self.lists[call](**by) if call in self.lists else {}

        return act


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> dict[str, Service]:
    found: dict[str, Service] = {}
    monkeypatch.setattr(sessions, "client", lambda _given, service, _region: found[service])
    return found


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidArgs) as error:
        command.settings(
            backend="aws",
            name="verify",
            existing="[]",
            image="docker.io/team/toy:1",
            drift_image=f"{HERE}/drift:1",
            region="us-east-1",
        )
    said = str(error.value)
    assert "3 problems" in said
    assert "--existing: takes an object" in said
    assert "'docker.io/team/toy:1' is not in ECR" in said
    assert "is in eu-west-1, and SageMaker in us-east-1 starts images of us-east-1" in said


@pytest.mark.parametrize(("region", "said"), [(None, "is required on AWS"), ("europe", "'europe' is no region of AWS")])
def test_a_region_has_to_be_one(region: str | None, said: str) -> None:
    with pytest.raises(InvalidArgs) as error:
        command.settings(backend="aws", name="v", existing="{}", image=None, drift_image=None, region=region)
    assert f"--region: {said}" in str(error.value)
    assert "--image: is required on AWS; `pulumi-mlops image toy`" in str(error.value)
    assert str(error.value).count("--drift-image") == 1


def test_what_is_right_is_taken() -> None:
    told = {key: value for key, value in TOLD.items() if key != "backend"}
    assert command.settings(backend="aws", existing="{}", **told) == TOLD | {"existing": {}, "every_minutes": 30}


def test_the_machines_are_those_that_are_priced() -> None:
    wanted = Compute.model_validate(dict(verify.GROUND.pace.serving))
    found = {instances.pick(wanted), machines.PROCESSING.pick(wanted), machines.JOBS.pick(wanted)}
    assert {one.name for one in found if one} == {verify.MACHINE}


def test_the_cost_is_that_of_the_tables() -> None:
    said = verify.GROUND.cost(TOLD)
    assert re.search(r"About [1-9]\.\d\d to [1-9]\.\d\d USD by the tables of prices: ", said)
    assert "9 hours of sagemaker hosting ml.m5.large at 0.1152 (2026-07-20, as in us-east-1, 1.20 times EC2" in said


def test_what_has_no_price_is_named_beside_what_has_one() -> None:
    uses = [always("sagemaker", "hosting", "hour", "ml.m5.large", times=Span.of(2)), always("moon", "dust")]
    said = costs.said(costs.spent("aws", "eu-west-1", "us-east-1", uses, dt.date(2026, 12, 1)))
    assert "2 hours of sagemaker hosting" in said
    assert said.endswith("Beside that nothing is known of the price of: moon dust.")


def test_nothing_is_priced_as_nothing() -> None:
    found = costs.spent("aws", "eu-west-1", "us-east-1", [always("moon", "dust")], dt.date(2026, 12, 1))
    assert costs.said(found) == "Nothing is known of the price of: moon dust."


def test_what_runs_have_made_is_deleted_and_nothing_else(services: dict[str, Service]) -> None:
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/verify-dev-learn/execution/a"
    job = {"Metadata": {"ProcessingJob": {"Arn": "arn:aws:sagemaker:eu-west-1:1:processing-job/pipelines-a-rows"}}}
    sagemaker = services["sagemaker"] = Service(
        {
            "list_pipelines": lambda **_: {
                "PipelineSummaries": [{"PipelineName": "verify-dev-learn"}, {"PipelineName": "verify-development"}]
            },
            "list_pipeline_executions": lambda **_: {
                "PipelineExecutionSummaries": [{"PipelineExecutionArn": arn, "PipelineExecutionStatus": "Executing"}]
            },
            "describe_pipeline_execution": lambda **_: {"PipelineExecutionStatus": "Stopped"},
            "list_pipeline_execution_steps": lambda **_: {
                "PipelineExecutionSteps": [job, {"Metadata": {"Model": {"Arn": "arn:aws:sagemaker:a:1:model/m"}}}, {}]
            },
            "list_model_package_groups": lambda **_: {
                "ModelPackageGroupSummaryList": [
                    {"ModelPackageGroupName": "verify-dev-models-toy"},
                    {"ModelPackageGroupName": "team-verify-dev-models"},
                ]
            },
            "list_model_packages": lambda ModelPackageGroupName: {  # noqa: N803
                "ModelPackageSummaryList": [
                    {"ModelPackageArn": f"{ModelPackageGroupName}/{n}", "ModelPackageVersion": n} for n in (1, 2)
                ]
            },
        }
    )
    logs = services["logs"] = Service(
        {"describe_log_streams": lambda **_: {"logStreams": [{"logStreamName": "pipelines-a-rows/algo-1"}]}}
    )
    gone = verify.GROUND.forget(TOLD)
    assert [done for done in sagemaker.done if not done[0].startswith("describe")] == [
        ("stop_pipeline_execution", arn),
        ("delete_model_package", "verify-dev-models-toy/1"),
        ("delete_model_package", "verify-dev-models-toy/2"),
    ]
    assert logs.done == [("delete_log_stream", "/aws/sagemaker/ProcessingJobs")]
    assert gone == [
        "run a, which went on",
        "log pipelines-a-rows/algo-1",
        "version 1 of verify-dev-models-toy",
        "version 2 of verify-dev-models-toy",
    ]


def test_what_is_left_is_what_has_the_name_or_the_tags(services: dict[str, Service]) -> None:
    names = {
        "list_buckets": ["verify-dev-artifacts-1", "verify-develop", "my-verify-dev"],
        "describe_log_groups": ["/aws/sagemaker/Endpoints/verify-dev-answer", "/aws/sagemaker/TrainingJobs"],
        "list_topics": ["arn:aws:sns:eu-west-1:1:verify-dev-alerts"],
        "get_databases": ["verify_dev_rows", "verify_device"],
        "list_models": ["answer-main-1", "answer-of-others"],
    }
    for kind in (*verify._KINDS, *verify._OWN):
        page = [{kind.name: name, "ModelArn": name} for name in names.get(kind.call, [])]
        services.setdefault(kind.service, Service({})).lists |= {  # type: ignore[operator]
            kind.call: lambda _of=kind.of, _page=page, **_: {_of: _page}
        }
    ours = [{"Key": "project", "Value": "verify"}, {"Key": "stage", "Value": "dev"}]
    services["sagemaker"].lists |= {  # type: ignore[operator]
        "list_tags": lambda ResourceArn: {"Tags": ours if ResourceArn == "answer-main-1" else []}  # noqa: N803
    }
    assert sorted(verify.GROUND.left(TOLD)) == [
        "bucket verify-dev-artifacts-1",
        "database verify_dev_rows",
        "log group /aws/sagemaker/Endpoints/verify-dev-answer",
        "model answer-main-1",
        "topic arn:aws:sns:eu-west-1:1:verify-dev-alerts",
    ]


def alarm(state: str, **marks: str) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in marks.items()]
    return {"AlarmName": "x", "MetricName": "data_drift", "StateValue": state, "Dimensions": dimensions}


def test_the_alarm_is_read_back_with_what_it_goes_by(services: dict[str, Service]) -> None:
    there = [alarm("OK", Endpoint="answer", Monitor="drift")]
    services["cloudwatch"] = Service({"describe_alarms": lambda **_: {"MetricAlarms": there}})
    assert verify.GROUND.alarm(TOLD) is None
    assert verify.GROUND.calm(TOLD)
    there[0]["StateValue"] = "ALARM"
    assert verify.GROUND.alarm(TOLD) == "alarm x (Endpoint answer, Monitor drift) is in ALARM"
    assert not verify.GROUND.calm(TOLD)
    there[0] = alarm("ALARM", Endpoint="another", Monitor="drift")
    with pytest.raises(VerificationFailed, match="another"):
        verify.GROUND.alarm(TOLD)
