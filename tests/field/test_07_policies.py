"""Row 7, role policies above IAM's limits: many things named by one endpoint or identity."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws.policy import INLINE, MANAGED, merged
from support.facts.aws import GROUP, HUB
from support.mocks import ACCOUNT, REGION, Cloud, Registration
from support.rights import Rights

ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}


def groups(count: int) -> list[mlops.FeatureGroupRef]:
    return [
        mlops.FeatureGroupRef(
            name=f"group-{index}",
            backend="aws",
            platform=HUB,
            keys=["id"],
            event_time="at",
            features=GROUP.features,
            has_online=True,
            has_offline=True,
            address={
                **GROUP.address,
                "name": f"churn-dev-group-{index}-{'x' * 30}",
                "arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:feature-group/churn-dev-group-{index}-{'x' * 30}",
            },
        )
        for index in range(count)
    ]


def size(found: Registration) -> int:
    return len("".join(found.inputs["policy"].split()))


def test_thirty_groups_that_an_endpoint_reads_are_one_statement() -> None:
    cloud = Cloud()
    many = groups(30)
    reads = [group.online for group in many]
    cloud.run(lambda: mlops.Endpoint("score", platform=HUB, model={"image": "x"}, reads=reads) and None)
    policy = cloud.one("iam/rolePolicy", "score-rights")
    found = [one for one in policy.document("policy")["Statement"] if "sagemaker:GetRecord" in one["Action"]]
    (statement,) = found
    assert statement["Resource"] == [group.address["arn"] for group in many]
    keys = [one for one in policy.document("policy")["Statement"] if one["Action"] == ["kms:Decrypt"]]
    assert len(keys) == 1
    assert size(policy) < INLINE


@pytest.mark.parametrize("view", [lambda group: group.online, lambda group: group.as_of(days=9)])
def test_thirty_groups_that_an_identity_reads_are_no_thirty_statements(
    view: Callable[[mlops.FeatureGroupRef], Any],
) -> None:
    cloud = Cloud()
    reads = [view(group) for group in groups(30)]
    cloud.run(lambda: mlops.Identity("team", platform=HUB, reads=reads, trusts=ROLE) and None)
    found = [*cloud.all("iam/rolePolicy"), *cloud.all("iam/policy")]
    assert all(size(one) <= (INLINE if one.type.startswith("aws:iam/rolePolicy:") else MANAGED) for one in found)
    assert sum(len(one.document("policy")["Statement"]) for one in found) < 30


@pytest.mark.parametrize("preview", [False, True])
def test_what_one_policy_cannot_hold_is_shared_among_several(preview: bool) -> None:
    """Forty groups with their history are no inline policy any more; a preview makes the same ones as its `up`."""
    cloud = Cloud(preview=preview)
    many = groups(40)
    reads = [group.as_of(days=9) for group in many]
    cloud.run(lambda: mlops.Identity("team", platform=HUB, reads=reads, trusts=ROLE) and None)
    assert cloud.all("iam/rolePolicy") == []
    policies = cloud.all("iam/policy")
    assert 1 < len(policies) <= 10
    assert len(cloud.all("iam/rolePolicyAttachment")) == len(policies)
    assert all(size(one) <= MANAGED for one in policies)
    may = Rights([one for found in policies for one in found.document("policy")["Statement"]])
    for group in many:
        assert may("sagemaker:DescribeFeatureGroup", group.address["arn"])
        rows = f"{ACCOUNT}/sagemaker/{REGION}/offline-store/{group.address['name']}-1700000000/1.parquet"
        assert may("s3:GetObject", f"arn:aws:s3:::artifacts/features/{rows}")


def test_more_than_a_role_can_hold_is_refused(refused_at_preview: Callable[..., str]) -> None:
    reads = [group.as_of(days=9) for group in groups(300)]
    said = refused_at_preview(lambda: mlops.Identity("team", platform=HUB, reads=reads, trusts=ROLE))
    assert "reads: names so many things that their rights fill" in said
    assert "IAM attaches 10 to one role; share the things among several" in said


def test_more_than_an_endpoints_role_can_hold_is_refused(refused_at_preview: Callable[..., str]) -> None:
    reads = [group.online for group in groups(700)]
    said = refused_at_preview(lambda: mlops.Endpoint("score", platform=HUB, model={"image": "x"}, reads=reads))
    assert "reads: names so many things" in said


def test_statements_are_joined_only_where_nothing_becomes_wider() -> None:
    one = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "a"}
    here = {"Condition": {"StringLike": {"s3:prefix": ["x/*"]}}}
    there = {"Condition": {"StringLike": {"s3:prefix": ["y/*"]}}}
    assert merged([one | here, one | there]) == [one | {"Condition": {"StringLike": {"s3:prefix": ["x/*", "y/*"]}}}]
    other = {**one, "Resource": "b"}
    assert len(merged([one | here, other | there])) == 2
    twice = {"Condition": {"Null": {"k": "true"}}}, {"Condition": {"Null": {"l": "true"}}}
    assert len(merged([one | twice[0], one | twice[1]])) == 2
    negated = {"Condition": {"StringNotEquals": {"k": "a"}}}, {"Condition": {"StringNotEquals": {"k": "b"}}}
    assert len(merged([one | negated[0], one | negated[1]])) == 2
    assert merged([one, {**one, "Effect": "Deny"}]) == [one, {**one, "Effect": "Deny"}]
