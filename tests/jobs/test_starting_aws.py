"""The program that starts another pipeline, against the control plane of SageMaker."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from pulumi_mlops.jobs import starting
from support.sandbox.control_plane import ControlPlane
from support.sandbox.executions_aws import ACCOUNT, STATEMENTS, Here

ARN = f"{ACCOUNT}:pipeline/retrain"
LOOKS = {
    "Effect": "Allow",
    "Action": ["sagemaker:ListPipelineExecutions", "sagemaker:StartPipelineExecution"],
    "Resource": ARN,
}
DAYS = {"Name": "days", "Type": "Integer", "DefaultValue": 30}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane(tmp_path_factory.mktemp("aws"))
    plane.start()
    yield plane
    assert plane.stop() == 0


@pytest.fixture
def here(server: ControlPlane, tmp_path: Path) -> Iterator[Here]:
    server.admin("POST", "reset")
    server.admin("POST", "latency", {"seconds": 0.01})
    found = Here(server, tmp_path)
    found.pipeline({"Name": "nothing", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}, parameters=[DAYS])
    yield found
    server.admin("DELETE", "images")


def step(here: Here, *statements: dict[str, Any]) -> Any:
    """Return SageMaker as a job sees it whose role may do this."""
    here.allow([*statements, *STATEMENTS[:2]])
    sts = here.plane.client("sts")
    taken = sts.assume_role(RoleArn=here.role, RoleSessionName="job")["Credentials"]
    return boto3.client(
        "sagemaker",
        endpoint_url=here.plane.url,
        region_name="us-east-1",
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )


def start(client: Any, hours: float = 24, reason: str = "drift", later: float = 0, **parameters: object) -> str | None:
    place = starting.SageMaker(ARN, client)
    return starting.once(place, parameters, hours, reason, dt.datetime.now(dt.UTC) + dt.timedelta(hours=later))


def executions(here: Here) -> list[dict[str, Any]]:
    listed = here.sagemaker.list_pipeline_executions(PipelineName=ARN)
    return list(listed["PipelineExecutionSummaries"])


def test_it_starts_one_with_the_parameters_and_the_reason_and_none_within_the_cooldown(here: Here) -> None:
    client = step(here, LOOKS)
    run = start(client, days=7)
    arn = f"{ARN}/execution/{run}"
    described = here.ended(arn)
    assert described["PipelineExecutionDescription"] == "drift"
    given = here.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)["PipelineParameters"]
    assert given == [{"Name": "days", "Value": "7"}]
    assert start(client) is None
    assert start(client, later=23.9) is None
    assert len(executions(here)) == 1
    assert start(client, later=24.1) not in (None, run)
    assert len(executions(here)) == 2


def test_who_else_started_one_counts_as_well(here: Here) -> None:
    client = step(here, LOOKS)
    here.ended(here.start())
    assert start(client) is None
    assert start(client, hours=0) is not None


def test_while_a_run_goes_on_none_is_started_however_long_ago_it_began(here: Here) -> None:
    here.program("wait.sh", "sleep 600\n")
    here.pipeline(here.processing("wait", ["sh", "wait.sh"]), name="long")
    place = starting.SageMaker(f"{ACCOUNT}:pipeline/long", here.sagemaker)
    execution, later = here.start("long"), dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    assert starting.once(place, {}, 1, "", later) is None
    here.sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="s" * 32)
    here.ended(execution)
    assert starting.once(place, {}, 1, "", later) is not None


def together(client: Any, asks: list[Callable[[Any], str | None]]) -> list[str | None]:
    """Have several look before any of them starts."""
    barrier, own = threading.Barrier(len(asks)), threading.local()

    class Both:
        def list_pipeline_executions(self, **args: Any) -> Any:
            found = client.list_pipeline_executions(**args)
            if not getattr(own, "looked", False):
                own.looked = True
                barrier.wait(30)
            return found

        def start_pipeline_execution(self, **args: Any) -> Any:
            return client.start_pipeline_execution(**args)

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(lambda ask: ask(Both()), asks))


def test_two_who_look_at_once_start_one(here: Here) -> None:
    client = step(here, LOOKS)
    one, other = together(client, [start, start])
    assert one == other is not None
    assert len(executions(here)) == 1


def test_two_who_look_at_once_for_other_reasons_start_one(here: Here) -> None:
    client = step(here, LOOKS)
    found = together(client, [lambda to: start(to, reason="drift"), lambda to: start(to, reason="quality", days=3)])
    assert len([one for one in found if one]) == 1
    assert len(executions(here)) == 1


@pytest.mark.parametrize("action", ["ListPipelineExecutions", "StartPipelineExecution"])
def test_a_caller_who_may_not_is_told_in_the_services_words(here: Here, action: str) -> None:
    client = step(here, {**LOOKS, "Action": f"sagemaker:{action}"})
    with pytest.raises(starting.NotStartedError, match="not authorized to perform: sagemaker:"):
        start(client)
    assert executions(here) == []
