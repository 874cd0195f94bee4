"""Row 3, a reference whose rights are not derived: images, keys, tables, logs and topics that a program only names."""

from dataclasses import replace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import keys, live
from support.facts.aws import GROUP, HUB, KEY, MODEL
from support.mocks import ACCOUNT, REGION, Cloud
from support.rights import Rights, of

OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/other"
ROLE: Any = {"role": "arn:aws:iam::444455556666:role/ci"}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def endpoint(cloud: Cloud, platform: mlops.PlatformRef = HUB, **args: Any) -> Rights:
    cloud.run(lambda: mlops.Endpoint("score", platform=platform, **args) and None)
    return of(cloud, "score-rights")


def identity(cloud: Cloud, **args: Any) -> Rights:
    cloud.run(lambda: mlops.Identity("team", platform=HUB, trusts=ROLE, **args) and None)
    return of(cloud, "team-rights")


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (
            f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch-inference:2.6",
            "763104351884:repository/pytorch-inference",
        ),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/team/serve:1", f"{ACCOUNT}:repository/team/serve"),
        (f"999900001111.dkr.ecr.{REGION}.amazonaws.com/a@sha256:{'0' * 64}", "999900001111:repository/a"),
        (f"{ACCOUNT}.dkr-ecr.{REGION}.on.aws/serve:1", f"{ACCOUNT}:repository/serve"),
        (f"{ACCOUNT}.dkr.ecr-fips.{REGION}.amazonaws.com/serve", f"{ACCOUNT}:repository/serve"),
    ],
)
def test_an_image_of_any_repository_is_pulled_and_no_other(cloud: Cloud, image: str, repository: str) -> None:
    """An endpoint with an image of AWS's own account, or of another repository, got no right to pull it."""
    may = endpoint(cloud, model={"image": image})
    assert may("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{repository}")
    assert may("ecr:GetDownloadUrlForLayer", f"arn:aws:ecr:{REGION}:{repository}")
    assert may("ecr:GetAuthorizationToken")
    assert not may("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/churn-dev/churn")


@pytest.mark.parametrize("artifact", ["s3://elsewhere/model.tar.gz", "s3://elsewhere/weights/"])
def test_an_artifact_in_a_bucket_with_a_key_of_its_own(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, artifact: str
) -> None:
    """Its files are under another key, which nobody named: the container could not decrypt them."""
    monkeypatch.setattr(keys, "of_file", lambda _, uri: OTHER_KEY if uri == artifact else None)
    may = endpoint(cloud, model={"image": "x", "artifact": artifact})
    assert may.decrypt(OTHER_KEY, "s3")
    assert not may.decrypt(OTHER_KEY, None)
    assert not may.decrypt(KEY, "s3")


def test_a_bucket_has_a_key_for_what_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """An artifact that the training writes after the first `up`: the bucket's own key is the answer."""

    class S3:
        def get_bucket_encryption(self, **by: str) -> dict[str, Any]:
            assert by == {"Bucket": "elsewhere"}
            how = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": OTHER_KEY}
            return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": how}]}}

    monkeypatch.setattr(live, "client", lambda *_: S3())
    monkeypatch.setattr(live, "key_of", lambda *_: None)
    monkeypatch.setattr(keys.private, "mocked", lambda: False)
    assert keys.of_file(HUB, "s3://elsewhere/later.tar.gz") == OTHER_KEY


def test_a_topic_under_another_key(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asynchronous endpoint tells a topic whose key is not the platform's: the message was refused."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs"
    monkeypatch.setattr(keys, "of_topic", lambda _, named: OTHER_KEY if named == topic else None)
    may = endpoint(cloud, model={"image": "x"}, mode={"asynchronous": {"notify": topic}})
    assert may("sns:Publish", topic)
    assert may.decrypt(OTHER_KEY, "sns")
    assert may("kms:GenerateDataKey", OTHER_KEY, **{"kms:ViaService": f"sns.{REGION}.amazonaws.com"})
    assert not may.decrypt(OTHER_KEY, "s3")


def test_the_platforms_own_topic_is_under_its_key(cloud: Cloud) -> None:
    may = endpoint(cloud, model={"image": "x"}, mode={"asynchronous": {"notify": HUB.address["topic"]}})
    assert may.decrypt(KEY, "sns")


def test_what_an_asynchronous_endpoint_is_asked_is_read(cloud: Cloud) -> None:
    """Requests lie in S3: the role reads the folder for them, and not the store."""
    may = endpoint(cloud, model={"image": "x"}, mode={"asynchronous": {}})
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/requests/score/1.json")
    assert not may("s3:GetObject", "arn:aws:s3:::artifacts/requests/other/1.json")


def test_a_secret_of_somebody_else_is_read_with_its_key(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that is there already is under its owner's key, and may be named without what AWS adds to its name."""
    whole = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf"
    monkeypatch.setattr(keys, "secret", lambda *_: {"ARN": whole, "KmsKeyId": OTHER_KEY})
    theirs = mlops.SecretRef.existing("hub", backend="aws")
    may = endpoint(cloud, model={"image": "x"}, secrets={"HUB": theirs})
    assert may("secretsmanager:GetSecretValue", whole)
    assert may.decrypt(OTHER_KEY, "secretsmanager")
    assert not may.decrypt(KEY, "secretsmanager")


def test_a_secret_that_may_not_be_looked_up_is_named_without_its_suffix(cloud: Cloud) -> None:
    may = endpoint(cloud, model={"image": "x"}, secrets={"HUB": mlops.SecretRef.existing("hub", backend="aws")})
    assert may("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-AbCdEf")
    assert not may("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:hub-2-AbCdEf")


def test_a_table_of_iceberg_is_written_by_reading_it(cloud: Cloud) -> None:
    """Feature Store reads the metadata of an Iceberg table before it adds rows."""
    cloud.run(lambda: mlops.FeatureStore("features", platform=HUB) and None)
    may = of(cloud, "features-rights")
    rows = f"arn:aws:s3:::artifacts/features/features/{ACCOUNT}/sagemaker/{REGION}/offline-store/profile-1"
    assert may("s3:GetObject", f"{rows}/metadata/00000.metadata.json")
    assert may("s3:PutObject", f"{rows}/data/1.parquet")
    assert not may("s3:GetObject", f"{rows}/data/1.parquet")
    assert may.decrypt(KEY, "s3")


def test_flow_logs_look_for_their_group_without_a_resource(cloud: Cloud) -> None:
    """IAM takes no resource in DescribeLogGroups: with an ARN it is never allowed."""
    cloud.run(lambda: mlops.Platform("churn", backend="aws", network={"private": {}}) and None)
    may = of(cloud, "churn-flow-rights")
    group = cloud.one("cloudwatch/logGroup")
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:{group.inputs['name']}"
    assert may("logs:DescribeLogGroups")
    assert may("logs:PutLogEvents", f"{arn}:log-stream:eni-1")
    assert not may("logs:PutLogEvents", f"{arn}-other:log-stream:eni-1")


@pytest.mark.parametrize("what", ["registers", "approves", "deploys"])
def test_versions_are_listed_by_the_right_on_versions(cloud: Cloud, what: str) -> None:
    """ListModelPackages is asked of versions; on the group's ARN it is never allowed."""
    may = identity(cloud, **{what: [MODEL]})
    versions = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/1"
    assert may("sagemaker:ListModelPackages", versions)
    assert may("sagemaker:DescribeModelPackageGroup", MODEL.address["arn"])


def test_a_partition_with_addresses_of_its_own(cloud: Cloud) -> None:
    """In China services end in another domain, also where a key says through whom it is used."""
    address = {**HUB.address, "region": "cn-north-1", "partition": "aws-cn", "domain": "amazonaws.com.cn"}
    china = replace(HUB, address=address)
    may = endpoint(cloud, china, model={"image": "x", "artifact": "s3://artifacts/m.tar.gz"})
    assert may("kms:Decrypt", KEY, **{"kms:ViaService": "s3.cn-north-1.amazonaws.com.cn"})
    assert may("s3:GetObject", "arn:aws-cn:s3:::artifacts/m.tar.gz")


def test_the_rows_of_a_group_are_listed_and_decrypted_by_athena(cloud: Cloud) -> None:
    may = identity(cloud, reads=[GROUP.as_of(days=9)])
    rows = f"features/{ACCOUNT}/sagemaker/{REGION}/offline-store/churn-dev-profile-1700000000/"
    assert may("s3:ListBucket", "arn:aws:s3:::artifacts", **{"s3:prefix": rows})
    assert may.decrypt(KEY, "athena")
    assert may.decrypt(KEY, "s3")


def test_who_deploys_by_the_registry_finds_what_the_role_may_read(cloud: Cloud) -> None:
    """Versions that come later are deployed by somebody else: their files and images are the model's and the hub's."""
    version = mlops.ModelVersionRef(
        name="churn",
        backend="aws",
        platform=HUB,
        version=3,
        address={"arn": f"{MODEL.address['arn']}/3", "group": MODEL.address["group"]},
    )
    may = endpoint(cloud, model=version, release={"owner": "registry"})
    assert may("s3:GetObject", "arn:aws:s3:::artifacts/models/churn-dev-models-churn/9/model.tar.gz")
    assert may("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/churn-dev/churn")
