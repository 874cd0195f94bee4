"""Rights: every policy of a whole program, statement by statement."""

from collections.abc import Iterator
from typing import Any

import pulumi_mlops as mlops
from support.mocks import ACCOUNT, Cloud, Registration

# Actions for which IAM knows no resource, or none before the thing exists
# (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
TAKE_NO_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
}


def whole() -> None:
    platform = mlops.Platform(
        "churn",
        backend="aws",
        network={"private": {}},
        images=["churn"],
        secrets={"hub-token": "x"},
        alerts=["ml@example.com"],
        monthly_budget=9,
        consumers=[{"account": "9" * 12}],
    )
    store = mlops.FeatureStore("features", platform=platform)
    group = mlops.FeatureGroup(
        "profile",
        store=store,
        features={"id": "string", "at": "timestamp"},
        keys=["id"],
        event_time="at",
        online={},
    )
    registry = mlops.ModelRegistry(
        "models", platform=platform, approvers=[{"role": "lead"}], events={"ci": {"to": "arn:q"}}
    )
    mlops.Model("churn", registry=registry)
    mlops.Endpoint(
        "score",
        platform=platform,
        model={"image": "x", "artifact": "s3://elsewhere/model.tar.gz"},
        reads=[group.online],
        secrets={"HUB": platform.secret("hub-token")},
        capture_percent=5,
        invokers=[{"role": "app"}],
    )
    mlops.Endpoint("slow", platform=platform, model={"image": "x"}, mode={"asynchronous": {"notify": "arn:aws:sns:t"}})


def statements(cloud: Cloud) -> Iterator[tuple[Registration, dict[str, Any]]]:
    for found in cloud.registered:
        for field in ("policy", "assumeRolePolicy", "resourcePolicy"):
            if "Statement" in str(found.inputs.get(field, "")):
                for statement in found.document(field)["Statement"]:
                    yield found, statement


def as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_no_statement_is_wider_than_it_must_be(cloud: Cloud) -> None:
    cloud.run(whole)
    seen = list(statements(cloud))
    assert len(seen) > 30
    for found, statement in seen:
        where, actions = f"{found.name}: {statement}", as_list(statement["Action"])
        on_itself = found.type == "aws:kms/key:Key"  # in a key's own policy "*" is that key
        if statement["Effect"] == "Deny" or statement.get("Sid") == "IamDecides":
            continue
        assert not [action for action in actions if action.split(":")[-1] == "*" or action == "*"], where
        assert statement.get("Principal") != "*", where
        if "*" in as_list(statement.get("Resource", [])) and not on_itself:
            assert set(actions) <= TAKE_NO_RESOURCE, where


def test_a_role_is_assumed_from_this_account_only(cloud: Cloud) -> None:
    cloud.run(whole)
    roles = cloud.all("iam/role")
    assert {role.name for role in roles} == {"churn-flow-role", "features-role", "score-role", "slow-role"}
    for role in roles:
        (trust,) = role.document("assumeRolePolicy")["Statement"]
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        assert list(trust["Principal"]) == ["Service"]


def test_nothing_is_made_before_the_rights_of_its_role(cloud: Cloud) -> None:
    cloud.run(whole)
    users = {
        "churn-flow": "churn-flow-rights",
        "profile-group": "features-rights",
        "score-main": "score-rights",
        "slow-main": "slow-rights",
    }
    by_name = {found.name: found for found in cloud.registered if found.custom}
    for user, rights in users.items():
        assert rights in by_name[user].depends_on


def test_files_from_elsewhere_may_be_read(cloud: Cloud) -> None:
    cloud.run(whole)
    rights = cloud.one("iam/rolePolicy", "score-rights").document("policy")["Statement"]
    read = [one["Resource"] for one in rights if one["Action"] == ["s3:GetObject"]]
    assert "arn:aws:s3:::elsewhere/model.tar.gz" in read
