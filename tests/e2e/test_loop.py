"""Once round the loop on AWS and on Azure, in one life: as far as processes and the control plane go.

On AWS it is all of ``pulumi-mlops verify``, by a role that has docs/rights/aws for it; on Azure its rounds. What
nothing plays in the sandbox is in ``<cloud>/loop.py`` there.
"""

import json
import sys
from pathlib import Path

import pytest

from pulumi_mlops.verify.rounds import PARTS
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import inventory
from support.e2e.deploying import verifying_role
from support.e2e.outside import Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(2400)]
KEPT = {
    "aws": {"kms:KeyPendingDeletion", "logs:LogGroup"},
    "azure": {"Microsoft.Resources/resourceGroups"},
}
"""What stays: a deleted key, the groups of logs that are SageMaker's own, and the group of the team's own registry."""
ALARMS = {"aws": "(Endpoint answer, Monitor drift) is in ALARM", "azure": "(Monitor drift) fires"}


@pytest.fixture(params=KEPT)
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.param,)


def test_once_round_and_nothing_is_left(empty_sandbox: Sandbox, planes: tuple[str, ...], tmp_path: Path) -> None:
    (cloud,) = planes
    url = next(status.url for status in empty_sandbox.status() if status.name == cloud and status.url)
    login = verifying_role(Cloud(empty_sandbox)) if cloud == "aws" else {}
    before = inventory(url)
    command = [sys.executable, "-P", "-m", "pulumi_mlops_sandbox.loop", cloud, str(tmp_path)]
    done = empty_sandbox.run(command, cwd=None, planes=planes, **login)
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    found = json.loads((tmp_path / "report.json").read_text())
    assert [(one["name"], one["state"]) for one in found["parts"]] == [(name, "passed") for name, _, _ in PARTS]
    said = {one["name"]: one["said"] for one in found["parts"]}
    assert ALARMS[cloud] in said["drifts"]
    assert "started once by two runs" in said["drifts"]
    left = {kind for kind, ids in inventory(url).items() if ids != before.get(kind) and "softly" not in kind}
    assert left <= KEPT[cloud], left
    if cloud == "aws":
        assert "hours of sagemaker hosting ml.m5.large at" in done.stdout
        logs = Cloud(empty_sandbox).client("logs")
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]:
            assert logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"] == []
