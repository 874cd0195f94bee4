"""One of each resource through the real engine: up, unchanged, refresh, edit in place, destroy, nothing left."""

import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from pulumi_mlops_sandbox.aws.provider.tables import ROWS
from pulumi_mlops_sandbox.environment import Sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
STACK = ("--stack", "dev")
QUIET = ("--yes", "--skip-preview", *STACK)


def inventory(sandbox: Sandbox) -> dict[str, list[str]]:
    with urllib.request.urlopen(f"{sandbox.env()['AWS_ENDPOINT_URL']}/_sandbox/inventory", timeout=30) as answer:
        found: dict[str, list[str]] = json.load(answer)
    return {kind: ids for kind, ids in found.items() if ids}


@pytest.mark.long
def test_every_resource_lives(sandbox: Sandbox, pulumi: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "everything"
    shutil.copytree(Path(__file__).parent / "everything", folder)
    s3 = boto3.client(
        "s3",
        endpoint_url=sandbox.env()["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    s3.create_bucket(Bucket="source-of-copies")
    s3.put_object(Bucket="source-of-copies", Key="model.tar.gz", Body=b"weights")
    before = inventory(sandbox)
    pulumi("up", *QUIET, cwd=folder)
    state = json.loads(pulumi("stack", "export", *STACK, cwd=folder).stdout)
    kinds = {item["type"] for item in state["deployment"]["resources"] if item["type"].startswith("aws:")}
    assert kinds == set(ROWS), "the program has one of each"
    assert "hunter2hunter2" not in json.dumps(state)

    pulumi("refresh", "--expect-no-changes", *QUIET, cwd=folder)
    pulumi("up", "--expect-no-changes", *QUIET, cwd=folder)

    pulumi("config", "set", "edition", "2", *STACK, cwd=folder)
    foreseen = json.loads(pulumi("preview", "--json", *STACK, cwd=folder).stdout)["steps"]
    replaced = {step["urn"].split("::")[-1] for step in foreseen if "replace" in step["op"]}
    assert replaced == {"configuration"}, "everything else is edited in place"
    pulumi("up", *QUIET, cwd=folder)
    pulumi("refresh", "--expect-no-changes", *QUIET, cwd=folder)

    pulumi("destroy", *QUIET, cwd=folder)
    after = inventory(sandbox)
    left = {kind: sorted(set(ids) - set(before.get(kind, []))) for kind, ids in after.items()}
    assert {kind: ids for kind, ids in left.items() if ids and kind != "kms:KeyPendingDeletion"} == {}, (
        "keys wait for their deletion"
    )
