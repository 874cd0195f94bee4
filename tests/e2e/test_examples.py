"""Every example is run: up, unchanged, down without a trace."""

import json
from collections.abc import Callable

import pytest

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import ROOT, Cloud, shown, succeeded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]  # a whole stack, on a machine that may be busy
StackOf = Callable[..., Stack]
REPOSITORY = "models/ours"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:1"


def lives_and_dies(stack: Stack, cloud: Cloud, before: dict[str, list[str]]) -> None:
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    succeeded(stack.destroy())
    left = {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind}
    assert left == before


def test_feature_store(stack_of: StackOf, cloud: Cloud) -> None:
    lives_and_dies(stack_of("examples/feature_store"), cloud, cloud.everything())


def test_existing_model(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="models-of-ours")
    s3.put_object(Bucket="models-of-ours", Key="labels.tar.gz", Body=b"x")
    stack = stack_of("examples/existing_model")
    stack.configure(image=IMAGE, artifact="s3://models-of-ours/labels.tar.gz")
    lives_and_dies(stack, cloud, cloud.everything())


def test_shared_platform(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    before = cloud.everything()
    owner, user = stack_of("examples/shared_platform/owner"), stack_of("examples/shared_platform/user")
    succeeded(owner.up())
    user.configure(platform_stack="organization/platform-owner/dev", image=IMAGE)
    shared = cloud.everything()
    lives_and_dies(user, cloud, shared)
    succeeded(owner.destroy())
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before


def test_shared_platform_without_the_output(stack_of: StackOf) -> None:
    other, user = stack_of("examples/feature_store"), stack_of("examples/shared_platform/user")
    succeeded(other.up())
    user.configure(platform_stack="organization/feature-store/dev", image=IMAGE)
    refused = user.preview()
    assert refused.code != 0
    assert "has no output 'platform'" in refused.output
    assert "Traceback" not in refused.output


def test_adopt_existing(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    s3, ec2 = cloud.client("s3"), cloud.client("ec2")
    s3.create_bucket(Bucket="bucket-of-ours")
    s3.put_object(Bucket="bucket-of-ours", Key="models/forecast.tar.gz", Body=b"x")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="ours", Description="ours", VpcId=vpc)["GroupId"]
    stack = stack_of("examples/adopt_existing")
    stack.configure(bucket="bucket-of-ours", image=IMAGE)
    stack.configure(subnets=json.dumps([subnet]), security_groups=json.dumps([group]))
    lives_and_dies(stack, cloud, cloud.everything())


def test_every_example_is_tested_here() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    here = {"feature_store", "existing_model", "shared_platform", "adopt_existing"}
    assert folders == here | {"model_on_kubernetes", "bring_your_own", "two_platforms"}, "test_examples_kubernetes.py"
    for folder in folders:
        programs = (ROOT / "examples" / folder).rglob("__main__.py")
        assert 15 <= sum(len(program.read_text().splitlines()) for program in programs) <= 50, folder
