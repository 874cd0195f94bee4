"""ModelRegistry and Model on AWS."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live
from pulumi_mlops.core import private
from pulumi_mlops.core.gates import missed
from support.facts.aws import HUB, MODEL, REGISTRY, hub
from support.mocks import ACCOUNT, REGION, Cloud
from support.rights import of

CONSUMER = "999988887777"
ACCOUNT_OF = {"account": CONSUMER}
QUEUE = "arn:aws:sqs:us-east-1:1:ci"


def test_approvals_are_announced(cloud: Cloud) -> None:
    events: Any = {"deploy": {"to": QUEUE}, "audit": {"to": QUEUE, "on": ["rejected", "pending"]}}
    cloud.run(lambda: mlops.ModelRegistry("models", platform=HUB, events=events) and None)
    assert cloud.one("cloudwatch/eventRule", "models-event-deploy").document("eventPattern") == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [{"prefix": "churn-dev-models-"}],
            "ModelApprovalStatus": ["Approved"],
        },
    }
    audit = cloud.one("cloudwatch/eventRule", "models-event-audit").document("eventPattern")
    assert audit["detail"]["ModelApprovalStatus"] == ["Rejected", "PendingManualApproval"]
    assert {found.inputs["arn"] for found in cloud.all("cloudwatch/eventTarget")} == {QUEUE}
    assert {found.inputs["rule"] for found in cloud.all("cloudwatch/eventTarget")} == {
        "churn-dev-models-deploy-ae1fb6",
        "churn-dev-models-audit-ae1fb6",
    }


def test_approvers_may_approve_this_registrys_versions_only(cloud: Cloud) -> None:
    cloud.run(lambda: mlops.ModelRegistry("models", platform=HUB, approvers=[{"role": "lead"}]) and None)
    may, here = of(cloud, "models-approve", kind="iam/policy"), f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
    version, ours = (
        f"{here}:model-package/churn-dev-models-churn/1",
        {"aws:ResourceTag/mlops-registry": "churn-dev-models"},
    )
    for action in ("DescribeModelPackage", "ListModelPackages"):
        assert may(f"sagemaker:{action}", version, **ours)
    assert may("sagemaker:UpdateModelPackage", version, **ours, **{"sagemaker:ModelApprovalStatus": "Approved"})
    assert not may("sagemaker:UpdateModelPackage", version, **ours)
    assert may("sagemaker:DescribeModelPackageGroup", f"{here}:model-package-group/churn-dev-models-churn", **ours)
    assert cloud.one("iam/rolePolicyAttachment").inputs["role"] == "lead"


def test_a_model_is_a_group_with_its_facts_as_tags(cloud: Cloud) -> None:
    cloud.run(
        lambda: mlops.Model("churn", registry=REGISTRY, description="Who leaves", metadata={"task": "binary"}) and None
    )
    group = cloud.one("sagemaker/modelPackageGroup")
    assert group.inputs["modelPackageGroupName"] == "churn-dev-models-churn"
    assert group.inputs["modelPackageGroupDescription"] == "Who leaves"
    assert group.inputs["tags"]["task"] == "binary"
    assert not group.protect
    assert "sagemaker/modelPackageGroupPolicy" not in cloud.kinds


@pytest.mark.parametrize(
    ("of_platform", "of_registry", "granted"),
    [([ACCOUNT_OF], None, True), ([ACCOUNT_OF], [], False), ([], [ACCOUNT_OF], True)],
)
def test_consumers_may_read_and_deploy(cloud: Cloud, of_platform: Any, of_registry: Any, granted: bool) -> None:
    def program() -> None:
        registry = mlops.ModelRegistry("models", platform=hub(consumers=of_platform), consumers=of_registry)
        mlops.Model("churn", registry=registry)

    cloud.run(program)
    if not granted:
        assert "sagemaker/modelPackageGroupPolicy" not in cloud.kinds
        return
    policy = cloud.one("sagemaker/modelPackageGroupPolicy")
    group, versions = policy.document("resourcePolicy")["Statement"]
    assert group["Principal"] == versions["Principal"] == {"AWS": [f"arn:aws:iam::{CONSUMER}:root"]}
    assert group["Resource"].endswith(":model-package-group/churn-dev-models-churn")
    assert versions["Resource"].endswith(":model-package/churn-dev-models-churn/*")


def test_production_guards_the_group(cloud: Cloud) -> None:
    registry = mlops.ModelRegistryRef(**{**vars(REGISTRY), "platform": hub(stage="prod")})
    cloud.run(lambda: mlops.Model("churn", registry=registry) and None)
    assert cloud.one("sagemaker/modelPackageGroup").protect


@pytest.mark.parametrize(
    ("gate", "metrics", "short"),
    [
        ({}, {}, []),
        ({"auc": ">=0.9"}, {"auc": "0.9"}, []),
        ({"auc": ">0.9"}, {"auc": "0.9"}, ["auc is 0.9, wanted >0.9"]),
        ({"loss": "<= 1"}, {"loss": "2e0"}, ["loss is 2, wanted <= 1"]),
        ({"auc": ">=0.9"}, {}, ["auc is 'not given', wanted >=0.9"]),
        ({"auc": ">=0.9"}, {"auc": "good"}, ["auc is 'good', wanted >=0.9"]),
        ({"auc": ">=0.9", "n": "==3"}, {"auc": "0.1", "n": "3"}, ["auc is 0.1, wanted >=0.9"]),
        ({"auc": ">=-0.5"}, {"auc": "-0.4"}, []),
        ({"auc": ">=0.9"}, {"auc": "nan"}, ["auc is nan, wanted >=0.9"]),
    ],
)
def test_what_a_version_misses(gate: dict[str, str], metrics: dict[str, str], short: list[str]) -> None:
    assert missed(gate, metrics) == short


def package(number: int, auc: str) -> dict[str, Any]:
    metadata = {"CustomerMetadataProperties": {"auc": auc}}
    return {"ModelPackageVersion": number, "ModelPackageArn": f"arn:{number}", **metadata}


@pytest.mark.parametrize(
    ("there", "version", "warned"),
    [([], None, 0), ([("4", "0.95")], 4, 0), ([("4", "0.5"), ("3", "0.95")], 3, 1), ([("4", "0.5")], None, 1)],
)
def test_the_newest_approved_version_that_passes_its_gate(
    monkeypatch: pytest.MonkeyPatch, there: list[tuple[str, str]], version: int | None, warned: int
) -> None:
    packages = [package(int(number), auc) for number, auc in there]
    monkeypatch.setattr(live, "approved_packages", lambda *_: iter(packages))
    gated = mlops.ModelRef(**{**vars(MODEL), "gate": {"auc": ">=0.9"}})
    cloud = Cloud(preview=True)
    found = cloud.run(lambda: gated.approved(otherwise="wait"))
    assert (found.version, found.waiting) == (version, version is None)
    assert len(cloud.warnings) == warned


def test_a_version_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr(live, "model_group", lambda *_: None)
    with pytest.raises(mlops.MlopsError, match="has no version 7 in group 'churn-dev-models-churn' yet"):
        MODEL.version(7)


def test_a_version_by_its_number() -> None:
    arn = Cloud().run(lambda: MODEL.version(7).address["arn"])
    assert arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/7"
