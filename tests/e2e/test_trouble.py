"""What goes wrong while a stack runs, and that the next `up` recovers."""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import Cloud, resources, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]

SECRET = "hunter2-the-token-nobody-may-see"
KILLS = 10
UP = ("pulumi", "up", "--yes", "--skip-preview", "-s", "dev", "--non-interactive", "--color", "never")


def test_a_killed_engine_leaves_nothing_behind(stack_of: StackOf, empty_sandbox: Sandbox, cloud: Cloud) -> None:
    """Ten times the engine is killed when it has made something more; the up after that makes the rest."""
    whole = stack_of("stacks/aws")
    before = cloud.everything()
    of_two_ups_at_once_one_is_refused(whole, empty_sandbox)
    wanted, shape = cloud.everything(), described(whole)
    succeeded(whole.destroy())
    assert counted(cloud.everything()) == counted(before | pending_keys(cloud))

    for done in range(KILLS):
        kill_engine_after(empty_sandbox, whole.folder, created=done % 3 + 1)
    succeeded(whole.up())
    assert shown(whole.up()) == []
    assert described(whole) == shape
    assert counted(cloud.everything()) == counted(wanted | pending_keys(cloud))


def of_two_ups_at_once_one_is_refused(stack: Stack, sandbox: Sandbox) -> None:
    """Bring a stack up, and try it a second time meanwhile."""
    stack.configure(owner="somebody")  # so that the stack exists before two want to make it
    first = subprocess.Popen(
        UP,
        cwd=stack.folder,
        env=sandbox.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert first.stdout is not None
    head = first.stdout.readline() + first.stdout.readline() + first.stdout.readline()
    os.killpg(first.pid, signal.SIGSTOP)  # it holds the lock for as long as the second takes, on any machine
    try:
        second = subprocess.run(
            UP, cwd=stack.folder, env=sandbox.environ(), capture_output=True, text=True, check=False
        )
    finally:
        os.killpg(first.pid, signal.SIGCONT)
    rest = first.stdout.read()
    first.stdout.close()
    assert first.wait() == 0, head + rest
    assert second.returncode != 0, head + second.stdout
    assert "locked" in second.stdout + second.stderr


def kill_engine_after(sandbox: Sandbox, folder: Path, created: int) -> None:
    """Start `pulumi up` and kill the engine, by its own number, when it says that it has created that many."""
    process = subprocess.Popen(
        UP, cwd=folder, env=sandbox.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    seen, said = 0, ""
    for line in process.stdout:
        said += line
        seen += bool(re.search(r"aws:\S+ \S+ created", line))
        if seen >= created:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() in (-signal.SIGKILL, 0), said


def described(stack: Stack) -> list[tuple[str, str]]:
    """Describe the state, without what differs from one run to the next."""
    return sorted((resource["urn"], resource["type"]) for resource in resources(stack))


def counted(everything: dict[str, list[str]]) -> dict[str, int]:
    return {kind: len(ids) for kind, ids in everything.items()}


def pending_keys(cloud: Cloud) -> dict[str, list[str]]:
    """List deleted keys, which AWS keeps for a week at least."""
    return {kind: ids for kind, ids in cloud.everything().items() if "Pending" in kind}


def test_secrets_are_nowhere_in_clear(stack_of: StackOf, empty_sandbox: Sandbox, cloud: Cloud) -> None:
    stack = stack_of("stacks/aws")
    stack.configure_secret("hub_token", SECRET)
    said = [succeeded(stack.preview_and_up("--diff")).output]
    package = cloud.register("dev", stack.outputs()["platform"]["artifacts"])
    cloud.approve(package)
    said += [succeeded(stack.preview_and_up("--diff")).output, succeeded(stack.refresh()).output]
    said += [stack.export(), json.dumps(stack.outputs())]
    said += [json.dumps(empty_sandbox.env()), empty_sandbox.shell()]
    files = [path for path in empty_sandbox.home.rglob("*") if path.is_file() and not path.name.startswith("aws-state")]
    files += [path for path in stack.folder.rglob("*") if path.is_file()]
    assert [text[:200] for text in said if SECRET in text] == []
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []

    value = cloud.client("secretsmanager").get_secret_value(SecretId="churn-dev/hub-token")
    assert value["SecretString"] == SECRET
    (model,) = cloud.client("sagemaker").list_models()["Models"]
    container = cloud.client("sagemaker").describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
    assert container["Environment"]["MLOPS_SECRET_HUB_TOKEN"] == value["ARN"]


def test_faults_of_the_control_plane(stack_of: StackOf, empty_sandbox: Sandbox, cloud: Cloud) -> None:
    """It is down, then it refuses expired credentials, then it throttles: each is said, and the next up goes on."""
    stack = stack_of("examples/feature_store")
    stack.configure(unused="x")
    environment = empty_sandbox.environ() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    down = subprocess.run(
        UP, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert down.returncode != 0
    assert "not answer; start it with `pulumi-mlops sandbox up`" in down.stdout + down.stderr

    fault = {"service": "glue", "operation": "CreateDatabase", "count": 50, "error": "ExpiredTokenException"}
    faults(cloud, fault)
    expired = stack.up()
    assert expired.code != 0
    assert "ExpiredTokenException" in expired.output
    faults(cloud, None)
    faults(cloud, fault | {"error": "ThrottlingException", "count": 2})
    assert succeeded(stack.up()).counts.keys() == {"create"}
    with urllib.request.urlopen(f"{cloud.url}/_sandbox/faults", timeout=10) as waiting:
        assert json.load(waiting) == [], "it was throttled"
    assert shown(stack.up()) == []


def faults(cloud: Cloud, fault: dict[str, Any] | None) -> None:
    """Ask the control plane to fail, or to stop failing."""
    body = json.dumps(fault).encode() if fault else None
    request = urllib.request.Request(f"{cloud.url}/_sandbox/faults", body, method="POST" if fault else "DELETE")
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.long
def test_what_happens_to_what_serves(stack_of: StackOf, cloud: Cloud) -> None:
    """Autoscaling, a release that is rolled back, and an approval that is taken back: what serves goes on."""
    stack = stack_of("stacks/aws")
    stack.configure(replicas_max="8")
    succeeded(stack.up())
    cloud.approve(cloud.register("dev", stack.outputs()["platform"]["artifacts"]))
    succeeded(stack.up())
    package = what_autoscaling_reached_survives_a_release(stack, cloud)
    a_release_that_is_rolled_back_fails_the_up(stack, cloud)
    an_approval_that_is_taken_back_does_not_take_the_endpoint_away(stack, cloud, package)


def what_autoscaling_reached_survives_a_release(stack: Stack, cloud: Cloud) -> str:
    """Return the version that is released."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="churn-dev-score",
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 5}],
    )
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="churn-dev-score", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    package = cloud.register("dev", stack.outputs()["platform"]["artifacts"])
    cloud.approve(package)
    succeeded(stack.up())
    (variant,) = sagemaker.describe_endpoint(EndpointName="churn-dev-score")["ProductionVariants"]
    assert variant["DesiredInstanceCount"] == 5
    return package


def a_release_that_is_rolled_back_fails_the_up(stack: Stack, cloud: Cloud) -> None:
    sagemaker, alarms = cloud.client("sagemaker"), cloud.client("cloudwatch")
    served = sagemaker.describe_endpoint(EndpointName="churn-dev-score")["EndpointConfigName"]
    (alarm,) = alarms.describe_alarms(AlarmNamePrefix="churn-dev-score-main-errors")["MetricAlarms"]
    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="test")
    stack.configure(cpus="8", memory_gb="16")
    failed = stack.up()
    assert failed.code != 0
    assert "roll" in failed.output.lower()
    endpoint = sagemaker.describe_endpoint(EndpointName="churn-dev-score")
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", served)

    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="test")
    succeeded(stack.up())
    assert sagemaker.describe_endpoint(EndpointName="churn-dev-score")["EndpointConfigName"] != served
    assert shown(stack.up()) == []
    assert len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1


def an_approval_that_is_taken_back_does_not_take_the_endpoint_away(stack: Stack, cloud: Cloud, package: str) -> None:
    """Take back the approvals of the version that is served and of those before it."""
    sagemaker = cloud.client("sagemaker")
    group = package.rpartition("/")[0].rpartition("/")[2]
    for version in sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]:
        sagemaker.update_model_package(ModelPackageArn=version["ModelPackageArn"], ModelApprovalStatus="Rejected")
    refused = stack.up()
    assert refused.code != 0
    assert "taking it away would be an outage" in refused.output
    assert sagemaker.describe_endpoint(EndpointName="churn-dev-score")["EndpointStatus"] == "InService"
