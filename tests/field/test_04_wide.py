"""Row 4, rights wider than the reference: what a role, an approver or a network opening may not do any more."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from support.facts.aws import GROUP, HUB, KEY, MODEL, REGISTRY, STORE, hub
from support.mocks import ACCOUNT, REGION, Cloud
from support.rights import Rights, of

ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
HERE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
VERSION = f"{HERE}:model-package/churn-dev-models-churn/1"
APPROVED = {"sagemaker:ModelApprovalStatus": "Approved"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def endpoint(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> Rights:
    cloud.run(lambda: mlops.Endpoint("score", platform=platform, **({"model": {"image": "x"}} | args)) and None)
    return of(cloud, "score-rights")


def identity(cloud: Cloud, **args: Any) -> Rights:
    cloud.run(lambda: mlops.Identity("team", platform=HUB, trusts=ROLE, **args) and None)
    return of(cloud, "team-rights")


@pytest.mark.parametrize("key", ["captured/other/1.jsonl", "features/profile/1.parquet", "queries/profile/1.csv", "m"])
def test_an_endpoint_reads_its_own_files_and_not_the_bucket(cloud: Cloud, key: str) -> None:
    """Every endpoint's role read the whole artifact bucket: features, answers and data captured by others."""
    may = endpoint(cloud, model={"image": "x", "artifact": "s3://artifacts/models/churn/1.tar.gz"}, capture_percent=5)
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/models/churn/1.tar.gz")
    assert may("s3:PutObject", "arn:aws:s3:::artifacts/captured/score/1.jsonl")
    assert not may("s3:GetObject", f"arn:aws:s3:::artifacts/{key}")
    assert not may("s3:ListBucket", "arn:aws:s3:::artifacts", **{"s3:prefix": key})
    assert not may("s3:ListBucket", "arn:aws:s3:::artifacts")


def test_a_version_is_read_and_not_its_neighbours(cloud: Cloud) -> None:
    """The files of a version are below the folder of its model."""
    version = mlops.ModelVersionRef(
        name="churn",
        backend="aws",
        platform=HUB,
        version=3,
        address={"arn": VERSION, "group": "churn-dev-models-churn"},
    )
    may = endpoint(cloud, model=version)
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/models/churn-dev-models-churn/3/model.tar.gz")
    assert not may("s3:GetObject", "arn:aws:s3:::artifacts/models/fraud/3/model.tar.gz")


def test_models_of_one_name_in_two_registries_keep_their_files_apart(cloud: Cloud) -> None:
    """A platform is shared by teams, each with a registry of its own."""

    def program() -> None:
        for team in ("ranking", "fraud"):
            registry = mlops.ModelRegistry(team, platform=HUB)
            model = mlops.Model("churn", registry=registry, opts=pulumi.ResourceOptions(parent=registry))
            mlops.Identity(f"{team}-trainer", platform=HUB, trusts=ROLE, registers=[model])

    cloud.run(program)
    may = of(cloud, "ranking-trainer-rights")
    assert may("s3:PutObject", "arn:aws:s3:::artifacts/models/churn-dev-ranking-churn/1/model.tar.gz")
    assert not may("s3:PutObject", "arn:aws:s3:::artifacts/models/churn-dev-fraud-churn/1/model.tar.gz")


def test_a_key_is_used_through_services_only(cloud: Cloud) -> None:
    """With `kms:Decrypt` alone a container decrypts whatever it gets hold of."""
    may = endpoint(cloud, reads=[GROUP.online], capture_percent=5)
    assert may.decrypt(KEY, "sagemaker")
    assert not may.decrypt(KEY, None)
    assert not may.decrypt(KEY, "dynamodb")
    assert not may.decrypt(KEY, "sagemaker", "eu-west-1")
    assert not may("kms:CreateGrant", KEY, **{"kms:GrantIsForAWSResource": "true"})


@pytest.mark.parametrize("what", ["reads", "writes", "registers", "deploys"])
def test_no_identity_uses_a_key_by_itself(cloud: Cloud, what: str) -> None:
    given = {"reads": GROUP.as_of(days=9), "writes": GROUP}.get(what, MODEL)
    may = identity(cloud, **{what: [given]})
    assert not may.decrypt(KEY, None)


def test_logs_of_an_endpoint_are_its_own(cloud: Cloud) -> None:
    """Log rights spanned all endpoints of the account."""
    may = endpoint(cloud)
    groups = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints"
    assert may("logs:CreateLogStream", f"{groups}/churn-dev-score:log-stream:main/i-1")
    assert may("logs:PutLogEvents", f"{groups}/churn-dev-score:log-stream:main/i-1")
    assert may("logs:DescribeLogStreams", f"{groups}/churn-dev-score")
    for other in ("churn-dev-score-2", "fraud"):
        assert not may("logs:PutLogEvents", f"{groups}/{other}:log-stream:main/i-1")


def test_interfaces_are_made_in_the_platforms_subnets(cloud: Cloud) -> None:
    """Network-interface rights stood on every subnet and group of the account."""
    may = endpoint(cloud, hub(private=True))
    where = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    ours, theirs = {"ec2:Subnet": f"{where}:subnet/subnet-1"}, {"ec2:Subnet": f"{where}:subnet/subnet-9"}
    assert may("ec2:CreateNetworkInterface", f"{where}:subnet/subnet-1")
    assert may("ec2:CreateNetworkInterface", f"{where}:security-group/sg-1")
    assert not may("ec2:CreateNetworkInterface", f"{where}:subnet/subnet-9")
    assert not may("ec2:CreateNetworkInterface", f"{where}:security-group/sg-9")
    for action in ("Create", "Delete"):
        for thing in ("", "Permission"):
            made = f"ec2:{action}NetworkInterface{thing}"
            assert may(made, f"{where}:network-interface/eni-1", **ours)
            assert not may(made, f"{where}:network-interface/eni-1", **theirs)


def test_an_endpoint_outside_of_a_network_makes_no_interfaces(cloud: Cloud) -> None:
    assert not endpoint(cloud)("ec2:DescribeSubnets")


def test_a_feature_store_only_writes_rows(cloud: Cloud) -> None:
    """Its role wrote logs, pulled images and read the bucket, as if it ran something."""
    cloud.run(lambda: mlops.FeatureStore("features", platform=hub(private=True)) and None)
    may = of(cloud, "features-rights")
    assert may("s3:PutObject", "arn:aws:s3:::artifacts/features/features/1.parquet")
    assert not may("s3:PutObject", "arn:aws:s3:::artifacts/features/others/1.parquet")
    assert not may("ecr:GetAuthorizationToken")
    assert not may("ec2:DescribeSubnets")
    assert not may("glue:DeleteTable", f"arn:aws:glue:{REGION}:{ACCOUNT}:table/churn_dev_features/profile")


def approvers(cloud: Cloud) -> Rights:
    def program() -> None:
        registry = mlops.ModelRegistry("models", platform=HUB, approvers=[{"role": "lead"}])
        mlops.Model("churn", registry=registry, gate={"auc": ">=0.9", "recall": ">0.5"})

    cloud.run(program)
    managed, inline = of(cloud, "models-approve", kind="iam/policy"), of(cloud, "churn-keep-metrics-lead")
    return Rights([*managed.statements, *inline.statements])


def test_approvers_of_one_registry_are_none_of_another(cloud: Cloud) -> None:
    """The groups of `models-eu` begin as those of `models` do: approvers of one approved in the other."""
    may = approvers(cloud)
    ours = {"aws:ResourceTag/mlops-registry": "churn-dev-models"}
    theirs = {"aws:ResourceTag/mlops-registry": "churn-dev-models-eu"}
    group = cloud.one("sagemaker/modelPackageGroup").inputs
    assert {f"aws:ResourceTag/{key}": value for key, value in group["tags"].items()}.items() >= ours.items()
    assert may("sagemaker:UpdateModelPackage", VERSION, **APPROVED, **ours)
    other = f"{HERE}:model-package/churn-dev-models-eu-churn/1"
    for facts in (theirs, {}):
        assert not may("sagemaker:UpdateModelPackage", other, **APPROVED, **facts)
        assert not may("sagemaker:DescribeModelPackage", other, **facts)
        assert not may("sagemaker:ListModelPackages", other, **facts)


@pytest.mark.parametrize("fact", ["Properties/auc", "Properties/recall", "PropertiesToRemove"])
def test_who_approves_does_not_write_what_the_gate_judges(cloud: Cloud, fact: str) -> None:
    """An approver could write `auc=0.99` into the version and approve it."""
    facts = {**APPROVED, "aws:ResourceTag/mlops-registry": "churn-dev-models"}
    may = approvers(cloud)
    assert may("sagemaker:UpdateModelPackage", VERSION, **facts)
    assert not may("sagemaker:UpdateModelPackage", VERSION, **facts, **{f"sagemaker:CustomerMetadata{fact}": "1"})


def test_an_identity_that_approves_writes_no_metrics_either(cloud: Cloud) -> None:
    gated = mlops.ModelRef(
        name="churn", backend="aws", platform=HUB, address=MODEL.address, gate={"auc": ">=0.9", "f1": ">=0.8"}
    )
    may = identity(cloud, approves=[gated])
    assert may("sagemaker:UpdateModelPackage", VERSION, **APPROVED)
    for metric in ("auc", "f1"):
        wrote = {f"sagemaker:CustomerMetadataProperties/{metric}": "1"}
        assert not may("sagemaker:UpdateModelPackage", VERSION, **APPROVED, **wrote)
    assert not may(
        "sagemaker:UpdateModelPackage", VERSION, **APPROVED, **{"sagemaker:CustomerMetadataPropertiesToRemove": "auc"}
    )


def test_approving_and_registering_are_two_rights(cloud: Cloud) -> None:
    """Four eyes: neither follows from the other."""
    may = approvers(cloud)
    tagged = {"aws:ResourceTag/mlops-registry": "churn-dev-models"}
    assert not may("sagemaker:CreateModelPackage", VERSION, **tagged)
    assert not may("s3:PutObject", "arn:aws:s3:::artifacts/models/churn/1.tar.gz", **tagged)
    other = Cloud()
    register = identity(other, registers=[MODEL])
    assert register("sagemaker:CreateModelPackage", VERSION)
    assert not register("sagemaker:CreateModelPackage", VERSION, **APPROVED)
    assert not register("sagemaker:UpdateModelPackage", VERSION, **APPROVED)


def test_consumers_read_versions_and_nothing_else(cloud: Cloud) -> None:
    """Another account read the whole bucket of the platform, features and captured data among it."""
    cloud.run(lambda: mlops.Platform("churn", backend="aws", consumers=[{"account": "9" * 12}]) and None)
    policy = [one for one in cloud.one("s3/bucketPolicy").document("policy")["Statement"] if one["Effect"] == "Allow"]
    may = Rights(policy)
    bucket = policy[1]["Resource"]
    assert may("s3:GetObject", f"{bucket}/models/churn/1.tar.gz")
    for key in ("features/a", "captured/score/1", "answers/slow/1", "modelsecrets"):
        assert not may("s3:GetObject", f"{bucket}/{key}")
    assert not may("s3:ListBucket", bucket)
    key_policy = cloud.one("kms/key").document("policy")["Statement"]
    use = Rights([one for one in key_policy if one["Sid"].startswith("Consumers")])
    assert use.decrypt("*", "s3")
    assert not use.decrypt("*", None)


def test_every_opening_of_the_network_is_for_this_account(cloud: Cloud) -> None:
    """Eleven VPC endpoints had no policy: whoever got in could take data to a bucket of another account."""
    cloud.run(lambda: mlops.Platform("churn", backend="aws", network={"private": {}}) and None)
    endpoints = cloud.all("ec2/vpcEndpoint")
    assert len(endpoints) == 11
    for found in endpoints:
        may = Rights(found.document("policy")["Statement"])
        ours, theirs = {"aws:PrincipalAccount": ACCOUNT}, {"aws:PrincipalAccount": "9" * 12}
        if found.name != "churn-s3":
            service = {"monitoring": "cloudwatch"}.get(found.name.removeprefix("churn-"), found.name.split("-")[1])
            assert may(f"{service}:Anything", **ours)
            assert not may(f"{service}:Anything", **theirs)
            continue
        elsewhere, layer = "arn:aws:s3:::elsewhere/x", f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/x"
        assert may("s3:GetObject", elsewhere, **ours)
        assert not may("s3:PutObject", elsewhere, **ours, **{"aws:ResourceAccount": "9" * 12})
        assert may("s3:PutObject", elsewhere, **ours, **{"aws:ResourceAccount": ACCOUNT})
        assert not may("s3:GetObject", elsewhere, **theirs)
        assert may("s3:GetObject", layer)
        assert not may("s3:PutObject", layer)


def test_an_image_is_pulled_and_not_every_one_of_the_platform(cloud: Cloud) -> None:
    own = HUB.address["repositories"]["churn"]
    name = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn-dev/churn:1"
    other = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/churn-dev/other"
    two = replace(HUB, address={**HUB.address, "repositories": {"churn": own, "other": other}})
    may = endpoint(cloud, two, model={"image": name})
    assert may("ecr:BatchGetImage", own)
    assert not may("ecr:BatchGetImage", other)


def test_the_names_of_facts_are_those_of_the_tests(cloud: Cloud) -> None:
    """A registry of another stack tags the groups of its models with its own prefix."""
    cloud.run(lambda: mlops.Model("churn", registry=REGISTRY) and None)
    assert cloud.one("sagemaker/modelPackageGroup").inputs["tags"]["mlops-registry"] == "churn-dev-models"
    assert STORE.platform is HUB
