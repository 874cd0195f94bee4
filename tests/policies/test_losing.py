"""A change that would lose data is refused unless the stack names what it may lose, under the real engine."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.core.replaceable import REPLACEABLE
from pulumi_mlops.policies.steps import RULE
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PLAIN = """
import pulumi
import pulumi_aws as aws

name = pulumi.Config().require("name")
if name != "none":
    aws.s3.Bucket("files", bucket=name)
aws.sqs.Queue("messages", name=f"messages-{name}")
"""
NOUNS = """
import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("shop", backend="aws", stage=config.require("stage"), profile="dev")
if config.require("rows") == "there":
    mlops.Dataset("rows", platform=platform, protect=True)
"""


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("losing"))
    sandbox.up(planes=("aws",))
    yield sandbox
    sandbox.down()


def checked(stack: Stack) -> dict[str, str]:
    """Say what the rule finds, by resource."""
    command = ["pulumi-mlops", "check", str(stack.folder), "-s", stack.name, "--profile", "prod", "--output", "json"]
    done = stack.sandbox.run(command, cwd=stack.folder.parent)
    report: dict[str, Any] = json.loads(done.stdout)
    assert RULE.id in report["rules"]
    return {
        each["resource"]: each["message"]
        for each in report["findings"]
        if each["rule"] == RULE.id and each["level"] == "mandatory"
    }


def test_check_refuses_a_change_of_plain_resources(sandbox: Sandbox, project: Callable[..., Path]) -> None:
    stack = Stack(sandbox, project(PLAIN, name="plain", dev="config:\n  aws:region: us-east-1\n"))
    stack.configure(name="rows")
    assert stack.up().code == 0
    assert checked(stack) == {}
    stack.configure(name="columns")  # the queue is replaced too, and holds nothing that is missed
    assert {name: said.split(",")[0] for name, said in checked(stack).items()} == {"files": "this change replaces it"}
    stack.configure(name="none")
    assert {name: said.split(",")[0] for name, said in checked(stack).items()} == {"files": "this change deletes it"}
    stack.configure(**{REPLACEABLE: '["messages"]'})
    assert set(checked(stack)) == {"files"}
    stack.configure(**{REPLACEABLE: '["fil*"]'})
    assert checked(stack) == {}


def test_a_component_refuses_in_preview_and_up_until_it_is_named(
    sandbox: Sandbox, project: Callable[..., Path]
) -> None:
    stack = Stack(sandbox, project(NOUNS, name="nouns", dev="config:\n  aws:region: us-east-1\n"))
    stack.configure(stage="one", rows="there")
    assert stack.up().code == 0
    before = buckets(stack)
    assert before
    stack.configure(stage="two")  # which is in the bucket's name
    for refused in (stack.preview(), stack.up()):
        assert refused.code != 0
        assert "unable to replace resource" in refused.output
        assert "currently marked for protection" in refused.output
    assert buckets(stack) == before
    stack.configure(**{REPLACEABLE: '["rows"]'})
    assert "replace" in {step.op for step in stack.preview().changes if step.name.startswith("rows")}
    done = stack.up()
    assert done.code == 0, done.output
    assert buckets(stack) != before

    stack.configure(**{REPLACEABLE: "[]"})
    assert stack.up().code == 0
    stack.configure(rows="gone")
    refused = stack.preview()
    assert refused.code != 0
    assert "cannot be deleted" in refused.output
    stack.configure(rows="there", **{REPLACEABLE: '["rows"]'})  # what is deleted is named one `up` before
    assert stack.up().code == 0
    stack.configure(rows="gone")
    done = stack.up()
    assert done.code == 0, done.output
    assert buckets(stack) == set()


def buckets(stack: Stack) -> set[str]:
    """List the buckets of the dataset, by what the cloud calls them."""
    return {
        each["id"]
        for each in stack.state()["resources"]
        if each["type"] == "aws:s3/bucket:Bucket" and each["urn"].rpartition("::")[2].startswith("rows")
    }
