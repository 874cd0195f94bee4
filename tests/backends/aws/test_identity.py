"""Identity on AWS: exactly the rights of its arguments, and exactly the trust."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from support.facts.aws import GROUP, HUB, KEY, MODEL, hub
from support.mocks import ACCOUNT, REGION, Cloud

ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
SCORE = mlops.EndpointRef(
    name="score", backend="aws", platform=HUB, status="live", address={"name": "churn-dev-score", "arn": "arn"}
)
PACKAGES = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/*"
PACKAGE_GROUP = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/churn-dev-models-churn"


def rights(cloud: Cloud, **args: Any) -> list[tuple[set[str], Any, Any]]:
    cloud.run(lambda: mlops.Identity("team", platform=HUB, **({"trusts": ROLE} | args)) and None)
    found = cloud.one("iam/rolePolicy", "team-rights").document("policy")["Statement"]
    return [(set(one["Action"]), one["Resource"], one.get("Condition")) for one in found]


def trust(cloud: Cloud, trusts: Any) -> list[dict[str, Any]]:
    cloud.run(lambda: mlops.Identity("team", platform=HUB, trusts=trusts) and None)
    found: list[dict[str, Any]] = cloud.one("iam/role", "team-role").document("assumeRolePolicy")["Statement"]
    return found


def test_a_reader_of_online_values(cloud: Cloud) -> None:
    assert rights(cloud, reads=[GROUP.online]) == [
        (
            {"sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"},
            GROUP.address["arn"],
            None,
        ),
        ({"kms:Decrypt"}, KEY, {"StringEquals": {"kms:ViaService": [f"sagemaker.{REGION}.amazonaws.com"]}}),
    ]


def test_a_reader_of_history(cloud: Cloud) -> None:
    found = rights(cloud, reads=[GROUP.as_of(days=9)])
    by_action = {action: resource for actions, resource, _ in found for action in actions}
    assert by_action["glue:GetTable"][-1].endswith(":table/churn_dev_features/churn_dev_profile")
    assert by_action["athena:StartQueryExecution"].endswith(":workgroup/primary")
    rows = f"arn:aws:s3:::artifacts/features/{ACCOUNT}/sagemaker/{REGION}/offline-store/churn-dev-profile-??????????/*"
    assert by_action["s3:GetObject"] == [rows, "arn:aws:s3:::artifacts/queries/churn-dev-profile/*"]
    assert "sagemaker:PutRecord" not in by_action
    assert by_action["s3:PutObject"] == "arn:aws:s3:::artifacts/queries/churn-dev-profile/*"


def test_a_writer(cloud: Cloud) -> None:
    assert rights(cloud, writes=[GROUP])[0] == (
        {"sagemaker:PutRecord", "sagemaker:DescribeFeatureGroup"},
        GROUP.address["arn"],
        None,
    )


def test_who_registers_does_not_approve(cloud: Cloud) -> None:
    found = rights(cloud, registers=[MODEL])
    assert (
        {"sagemaker:CreateModelPackage"},
        [PACKAGE_GROUP, PACKAGES],
        {"StringNotEqualsIfExists": {"sagemaker:ModelApprovalStatus": "Approved"}},
    ) in found
    assert not [actions for actions, _, _ in found if "sagemaker:UpdateModelPackage" in actions]
    assert "arn:aws:s3:::artifacts/models/churn-dev-models-churn/*" in [resource for _, resource, _ in found]


def test_who_approves_does_not_register(cloud: Cloud) -> None:
    found = rights(cloud, approves=[MODEL])
    (update,) = [one for one in found if "sagemaker:UpdateModelPackage" in one[0]]
    assert update[1] == PACKAGES
    assert list(update[2]["StringEquals"]) == ["sagemaker:ModelApprovalStatus"]
    assert not [actions for actions, _, _ in found if "sagemaker:CreateModelPackage" in actions]


def test_who_deploys_makes_models_of_this_platform_only(cloud: Cloud) -> None:
    found = rights(cloud, deploys=[MODEL])
    (own,) = [one for one in found if "sagemaker:AddTags" in one[0]]
    assert own[2] == {"StringEquals": {"aws:RequestTag/project": "churn"}}


def test_who_invokes(cloud: Cloud) -> None:
    ((actions, resource, _),) = rights(cloud, invokes=[SCORE])
    assert resource == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/churn-dev-score"
    assert "sagemaker:InvokeEndpoint" in actions


@pytest.mark.parametrize(
    ("where", "sub"),
    [
        ({"branch": "main"}, "repo:acme/ranker:ref:refs/heads/main"),
        ({"environment": "production"}, "repo:acme/ranker:environment:production"),
        (
            {"repository": "acme@12/ranker@345", "environment": "production"},
            "repo:acme@12/ranker@345:environment:production",
        ),
    ],
)
def test_jobs_of_one_branch_or_environment_are_trusted(cloud: Cloud, where: dict[str, str], sub: str) -> None:
    (one,) = trust(cloud, {"github": {"repository": "acme/ranker", **where}})
    issuer = "token.actions.githubusercontent.com"
    assert one["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}
    assert one["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert one["Condition"] == {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": sub}}


def test_an_account_is_trusted_by_its_word(cloud: Cloud) -> None:
    (one,) = trust(cloud, {"account": {"id": "4" * 12, "external_id": "acme"}})
    assert one["Principal"] == {"AWS": f"arn:aws:iam::{'4' * 12}:root"}
    assert one["Condition"] == {"StringEquals": {"sts:ExternalId": "acme"}}


BAD: dict[str, tuple[Any, str]] = {
    "nobody": ({}, "trusts: is required: IAM makes no role that nobody may assume"),
    "no branch": ({"trusts": {"github": {"repository": "acme/ranker"}}}, "takes exactly one of 'branch' and"),
    "any branch": ({"trusts": {"github": {"repository": "acme/ranker", "branch": "*"}}}, "trusts.github.branch: "),
    "two words": (
        {"trusts": {"github": {"repository": "a b/ranker", "branch": "a"}}},
        "trusts.github.repository: ",
    ),
    "half of the ids": (
        {"trusts": {"github": {"repository": "acme@/ranker@5", "branch": "a"}}},
        "trusts.github.repository: ",
    ),
    "no owner": ({"trusts": {"github": {"repository": "ranker", "branch": "a"}}}, "trusts.github.repository: "),
}


def test_rights_on_things_of_another_platform_are_given_there(cloud: Cloud) -> None:
    with pytest.raises(Unsupported, match=r"bridge\.identity: .* Instead: an Identity on that platform\."):
        cloud.run(lambda: mlops.Identity("team", platform=hub("fraud"), writes=[GROUP], trusts=ROLE) and None)
    assert cloud.registered == []


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_refused(cloud: Cloud, case: str) -> None:
    args, said = BAD[case]
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: mlops.Identity("team", **({"platform": HUB} | args)) and None)
    assert said in str(caught.value)
    assert cloud.registered == []


def test_a_namespace_is_not_trusted(cloud: Cloud) -> None:
    with pytest.raises(Unsupported, match="AWS has no namespaces"):
        cloud.run(lambda: mlops.Identity("team", platform=HUB, trusts={"namespace": "shop"}) and None)


def test_an_identity_is_a_principal(cloud: Cloud) -> None:
    def program() -> Any:
        team = mlops.Identity("team", platform=HUB, trusts=ROLE)
        mlops.Endpoint("score", platform=HUB, model={"image": "x"}, invokers=[team])
        return team.ref.export()

    exported = cloud.run(program)
    assert mlops.IdentityRef.load(exported).kind == "role"
    if not cloud.preview:
        attached = cloud.one("iam/rolePolicyAttachment", "score-invoke-identity-team")
        assert attached.inputs["role"].endswith("churn-dev-team-identity")


def test_tokens_of_an_issuer_are_trusted_for_one_subject(cloud: Cloud) -> None:
    token = {"issuer": "https://oidc.example.com/cluster", "subject": "system:serviceaccount:ranking:web"}
    (said,) = trust(cloud, {"token": token})
    assert said["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.example.com/cluster"}
    assert said["Condition"]["StringEquals"] == {
        "oidc.example.com/cluster:aud": "sts.amazonaws.com",
        "oidc.example.com/cluster:sub": "system:serviceaccount:ranking:web",
    }
