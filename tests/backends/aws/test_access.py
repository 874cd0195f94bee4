"""Rights: every policy of a whole program, statement by statement."""

from collections.abc import Iterator
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live
from support.facts.aws import HUB, IMAGE, MODEL
from support.mocks import ACCOUNT, REGION, Cloud, Registration

# Actions for which IAM knows no resource, or none before the thing exists
# (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
TAKE_NO_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "logs:DescribeLogGroups",
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
        if found.type == "aws:ec2/vpcEndpoint:VpcEndpoint":  # judged in tests/field/test_04_wide.py
            continue
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
    (read,) = [one["Resource"] for one in rights if one["Action"] == ["s3:GetObject"]]
    assert read == "arn:aws:s3:::elsewhere/model.tar.gz"


ACTIONS = ("s3:GetObject", "s3:ListBucket", "ecr:BatchGetImage", "ecr:GetAuthorizationToken")


@pytest.mark.parametrize("one_of", ["approved", "by number"])
def test_what_a_version_names_elsewhere_may_be_pulled_and_read(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, one_of: str
) -> None:
    """A package's image and files may be anybody's: the role of its endpoint gets what is not the platform's own."""
    own = {"Image": IMAGE, "ModelDataUrl": "s3://artifacts/models/churn/model.tar.gz"}
    folder = {"S3DataSource": {"S3Uri": "s3://weights/llama/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    theirs = {"Image": f"763104351884.dkr.ecr.{REGION}.amazonaws.com/vllm:0.11", "ModelDataSource": folder}
    package = {
        "ModelPackageVersion": 3,
        "ModelPackageArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/3",
        "InferenceSpecification": {"Containers": [own, theirs]},
    }
    monkeypatch.setattr(live, "package", lambda *_: package)
    monkeypatch.setattr(live, "approved_packages", lambda *_: iter([package]))

    def program() -> None:
        version = MODEL.approved() if one_of == "approved" else MODEL.version(3)
        mlops.Endpoint("score", platform=HUB, model=version)

    cloud.run(program)
    rights = cloud.one("iam/rolePolicy", "score-rights").document("policy")["Statement"]
    given = {action: [one["Resource"] for one in rights if action in one["Action"]] for action in ACTIONS}
    files = ["arn:aws:s3:::artifacts/models/churn/model.tar.gz", "arn:aws:s3:::weights/llama/*"]
    assert given["s3:GetObject"] == [files]
    assert given["s3:ListBucket"] == ["arn:aws:s3:::artifacts", "arn:aws:s3:::weights"]
    theirs = f"arn:aws:ecr:{REGION}:763104351884:repository/vllm"
    assert given["ecr:BatchGetImage"] == [[f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/serve", theirs]]
    assert given["ecr:GetAuthorizationToken"] == ["*"]
