"""Row 14 and "Done when" 2: the rights of whoever deploys, and two validators that look at every policy.

parliament and policy-sentry know the actions, resources and conditions of each service by AWS's service authorization
reference. What they find and is meant to be so is in `REASONS`.
"""

import json
import re
import string
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data

import pulumi_mlops as mlops
from pulumi_mlops_sandbox.aws.evaluation import allowed, like
from support.facts.aws import GROUP as FACTS
from support.facts.aws import HUB, IMAGE, MODEL, TOPIC, hub
from support.mocks import ACCOUNT, REGION, Cloud

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # parliament asks setuptools in a way that is to go
    import parliament

PAGES = sorted((Path(__file__).parents[2] / "docs" / "rights" / "aws").glob("*.json"))
WHERE = {
    "partition": "aws",
    "region": REGION,
    "account": ACCOUNT,
    "platform": "churn",
    "stage": "dev",
    "principal": "lead",
    "files": "models-*/churn/*",
    **{f"existing_{kind}": f"their-{kind}" for kind in ("bucket", "endpoint", "feature_group", "model", "role")},
}
SECRET = mlops.SecretRef.existing(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf", backend="aws")
ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
REASONS = {
    "RESOURCE_STAR": "the action takes no resource, or none before the thing exists (kms:CreateKey, cloudformation:…)",
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": "who makes a bucket writes its policy; it is the platform's own",
    "RESOURCE_MISMATCH ec2": "parliament wants every kind in one statement, and knows no `*/*`; policy-sentry judges",
    "RESOURCE_MISMATCH glue:DeleteDatabase": "the database is empty: no table or function goes with it",
    "RESOURCE_MISMATCH sagemaker:CreateModel": "AWS's page on sharing versions with accounts names the version's ARN",
    "UNKNOWN_ACTION Mlflow": "parliament's list is older than SageMaker's MLflow apps; policy-sentry judges",
    "UNKNOWN_ACTION sagemaker-mlflow": "as above: actions on logged models and traces",
    "UNKNOWN_CONDITION_FOR_ACTION ec2:Subnet": "an interface has it, a subnet has not; parliament asks for it of both",
}
"""What a validator may find, by its own word, and why it is meant so."""
NAMED_BY_PAGES = {"sagemaker:CreateModel": REASONS["RESOURCE_MISMATCH sagemaker:CreateModel"]}
HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
GROUP = replace(FACTS, address={**FACTS.address, "arn": f"{HERE}:feature-group/churn-dev-profile"})


def excused(finding: Any) -> bool:
    said = f"{finding.issue} {finding.detail}"
    return any(
        finding.issue == reason.split(" ")[0] and all(word in said for word in reason.split(" ")[1:])
        for reason in REASONS
    )


def whole() -> None:
    """Use every kind of grant; the parts are another stack's, whose ARNs are known."""
    platform = hub(private=True)
    mlops.FeatureStore("features", platform=platform)
    registry = mlops.ModelRegistry("models", platform=platform, approvers=[{"role": "lead"}])
    mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"})
    score = mlops.Endpoint(
        "score",
        platform=platform,
        model={
            "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn-dev/churn:1",
            "artifact": "s3://else/m.tar.gz",
        },
        reads=[GROUP.online],
        secrets={"HUB": SECRET},
        capture_percent=5,
        invokers=[{"role": "app"}],
    )
    mlops.Endpoint("slow", platform=platform, model={"image": "x"}, mode={"asynchronous": {"notify": TOPIC}})
    mlops.Identity(
        "team",
        platform=platform,
        reads=[GROUP.online, GROUP.as_of(days=9)],
        writes=[GROUP],
        registers=[MODEL],
        approves=[MODEL],
        deploys=[MODEL],
        invokes=[score],
        secrets=[SECRET],
        records=[
            mlops.ExperimentTracker("runs", platform=platform),
            mlops.ExperimentTracker("large", platform=platform, managed={"size": "large"}),
        ],
        trusts=ROLE,
    )
    fit = mlops.train(image=IMAGE, command=["train"], secrets={"hub": SECRET})
    best = mlops.tune(fit, maximize="auc", trials=2, over={"depth": {"choice": [4, 6]}})
    mlops.Pipeline(
        "retrain",
        platform=platform,
        steps={"tune": best, "keep": mlops.register(MODEL, best.out("model"), image=IMAGE)},
        schedule={"cron": "0 3 * * MON"},
        triggers=[{"alarm": "lag"}],
        overlap="skip",
    )


def written() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every identity policy of a whole program, and those of whoever deploys it."""
    cloud = Cloud()
    cloud.run(whole)
    for found in cloud.registered:
        if found.type.startswith(("aws:iam/rolePolicy:", "aws:iam/policy:")):
            yield found.name, found.document("policy")
    for page in PAGES:
        yield page.stem, json.loads(deploying(page))


def deploying(page: Path) -> str:
    return string.Template(page.read_text()).substitute(WHERE)


@pytest.fixture(scope="module")
def policies() -> list[tuple[str, dict[str, Any]]]:
    return list(written())


def test_parliament_finds_nothing_without_a_reason(policies: list[tuple[str, dict[str, Any]]]) -> None:
    assert policies, "no rights are written down"
    found = [
        (name, finding.issue, finding.detail)
        for name, policy in policies
        for finding in parliament.analyze_policy_string(json.dumps(policy)).findings
        if not excused(finding)
    ]
    assert found == []


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def test_policy_sentry_knows_every_action_on_its_kind_of_resource(policies: list[tuple[str, dict[str, Any]]]) -> None:
    """An action on a kind of ARN that it does not take is never allowed."""
    wrong = []
    for name, policy in policies:
        for statement in policy["Statement"]:
            for action in statement["Action"]:
                service, _, operation = action.partition(":")
                data = get_action_data(service, operation)
                if not data:
                    wrong.append((name, action, "unknown"))
                    continue
                kinds, places = [one["resource_arn_format"] for one in data[service]], listed(statement["Resource"])
                fit = any(fits(kind, where) for kind in kinds for where in places)
                # AWS's own managed policies name apps; its list of actions knows tracking servers only.
                app = service == "sagemaker-mlflow" and all(":mlflow-app/" in place for place in places)
                if not fit and not app and action not in NAMED_BY_PAGES:
                    wrong.append((name, action, statement["Resource"]))
    assert wrong == []


def fits(kind: str, where: str) -> bool:
    """Say whether a resource is of the kind, where either may have stars."""
    if "*" in (kind, where):
        return where == "*"
    kind = kind.replace("${Partition}", "aws").replace("${Region}", REGION).replace("${Account}", ACCOUNT)
    shape, sample = re.sub(r"\$\{\w+\}", "*", kind), re.sub(r"\$\{\w+\}", "x", kind)
    return like(shape, where.replace("?", "x")) or like(where, sample)


def test_there_are_rights_for_each_noun() -> None:
    nouns = {
        "platform",
        "network",
        "featuregroup",
        "model",
        "endpoint",
        "identity",
        "dataset",
        "tracker",
        "trainingcluster",
        "pipeline",
    }
    assert {page.stem for page in PAGES} == nouns | {"existing", "copies", "verify"}


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_the_deploying_rights_hold_no_wildcard_of_actions_and_fit(page: Path) -> None:
    """`iam:*Policy*` gave every right to whoever deploys."""
    policy = json.loads(deploying(page))
    assert len("".join(deploying(page).split())) <= 6144
    actions = [action for one in policy["Statement"] for action in one["Action"]]
    assert not [action for action in actions if "*" in action]
    assert "sts:AssumeRole" not in actions


def everything() -> list[dict[str, Any]]:
    return [one for page in PAGES for one in json.loads(deploying(page))["Statement"]]


@pytest.mark.parametrize(
    "action",
    ["iam:CreateRole", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:CreatePolicyVersion", "iam:DeleteRole"],
)
def test_who_deploys_does_not_change_other_roles(action: str) -> None:
    kind = "policy" if "PolicyVersion" in action else "role"
    assert allowed(everything(), action, f"arn:aws:iam::{ACCOUNT}:{kind}/churn-dev-score-endpoint", {})
    for other in ("Admin", "churn-dev", "churn-developer", "fraud-dev-score"):
        assert not allowed(everything(), action, f"arn:aws:iam::{ACCOUNT}:{kind}/{other}", {})


def test_who_deploys_passes_roles_to_the_services_that_take_them_only() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/churn-dev-score-endpoint"
    assert allowed(everything(), "iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})
    assert not allowed(everything(), "iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})
    assert not allowed(everything(), "iam:PassRole", role, {})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("kms:TagResource", "kms:{r}:{a}:key/1"),
        ("iam:ListAttachedRolePolicies", "iam::{a}:role/churn-dev-score-endpoint"),
        ("ecr:DescribeRepositories", "ecr:{r}:{a}:repository/churn-dev/churn"),
        ("s3:GetBucketObjectLockConfiguration", "s3:::churn-dev-artifacts-1-us-east-1"),
        ("logs:TagResource", "logs:{r}:{a}:log-group:/mlops/churn-dev"),
        ("sagemaker:AddTags", "sagemaker:{r}:{a}:feature-group/churn-dev-profile"),
    ],
)
def test_what_the_first_up_asked_for_is_there(action: str, resource: str) -> None:
    """The page's rights failed at the first `up`: `kms:*Key*` is no TagResource, `iam:*RolePolicy` no plural."""
    assert allowed(everything(), action, f"arn:aws:{resource.format(r=REGION, a=ACCOUNT)}", {})


def test_a_platform_of_another_name_is_out_of_reach() -> None:
    for resource in (f"ecr:{REGION}:{ACCOUNT}:repository/fraud-dev/x", "s3:::fraud-dev-artifacts"):
        service = resource.partition(":")[0]
        reads = {"ecr": "ecr:DescribeRepositories", "s3": "s3:GetBucketPolicy"}
        assert not allowed(everything(), reads[service], f"arn:aws:{resource}", {})
    assert HUB.name == "churn"
