"""`stacks/aws` is deployed by a role that has the rights of docs/rights/aws and no other."""

import json
import string
from collections.abc import Callable

import pytest

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import ROOT, Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy

WHERE = {"partition": "aws", "region": "us-east-1", "account": "123456789012", "platform": "churn", "stage": "dev"}
QUEUE = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
"""The stack's own queue, which is no part of the library."""


def deployer(cloud: Cloud, *, without: str = "") -> str:
    """Make the role, with a policy for each noun."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for page in sorted((ROOT / "docs" / "rights" / "aws").glob("*.json")):
        written = string.Template(page.read_text()).substitute(WHERE, principal="none")
        assert len("".join(written.split())) <= 6144, page
        if page.stem != without:
            policy = iam.create_policy(PolicyName=f"deploy-{page.stem}", PolicyDocument=written)["Policy"]["Arn"]
            iam.attach_role_policy(RoleName="deployer", PolicyArn=policy)
    own = json.dumps({"Version": "2012-10-17", "Statement": [QUEUE]})
    iam.put_role_policy(RoleName="deployer", PolicyName="queue", PolicyDocument=own)
    return str(role)


def act_as(stack: Stack, role: str) -> None:
    stack.configure(**{"aws:assumeRoles": json.dumps([{"roleArn": role}])})


def test_the_documented_rights_are_enough(stack_of: Callable[..., Stack], cloud: Cloud) -> None:
    stack = stack_of("stacks/aws")
    act_as(stack, deployer(cloud))
    succeeded(stack.up())
    cloud.approve(cloud.register("dev", stack.outputs()["platform"]["artifacts"]))
    succeeded(stack.up())
    assert stack.outputs()["status"] == "live"
    stack.configure(cpus="8", memory_gb="16", tags=json.dumps({"team": "growth"}))
    succeeded(stack.up())
    assert shown(stack.refresh()) == []
    cloud.forget_versions("dev")
    succeeded(stack.destroy())


def test_a_noun_whose_rights_are_missing_is_not_made(stack_of: Callable[..., Stack], cloud: Cloud) -> None:
    stack = stack_of("stacks/aws")
    act_as(stack, deployer(cloud, without="featuregroup"))
    refused = stack.up()
    assert refused.code != 0
    assert "not authorized to perform: glue:" in refused.output
