"""A version of one platform served on another on AWS: which rights follow, what is copied, what is refused."""

from dataclasses import replace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, MlopsError, Unsupported
from pulumi_mlops.backends.aws import live
from pulumi_mlops.core import private
from support.facts.aws import GROUP, HUB, IMAGE, KEY, MODEL, hub
from support.mocks import ACCOUNT, REGION, Cloud

BANK, FAR = "999988887777", "eu-west-1"
THEIR_KEY = f"arn:aws:kms:{REGION}:{BANK}:key/theirs"
THEIR_IMAGE = f"{BANK}.dkr.ecr.{REGION}.amazonaws.com/models/churn:3"
VENDOR_IMAGE = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch-inference:2.6"


def container(**facts: Any) -> dict[str, Any]:
    return {"Image": THEIR_IMAGE, "ModelDataUrl": "s3://theirs/models/churn/3/model.tar.gz"} | facts


def package(*containers: dict[str, Any]) -> dict[str, Any]:
    arn = f"arn:aws:sagemaker:{REGION}:{BANK}:model-package/models-churn/3"
    return {
        "ModelPackageVersion": 3,
        "ModelPackageArn": arn,
        "InferenceSpecification": {"Containers": list(containers)},
    }


def there(region: str = REGION, account: str = BANK) -> mlops.PlatformRef:
    ref: mlops.PlatformRef = hub("models")
    return replace(
        ref,
        stage="prod",
        region=region,
        artifacts="s3://theirs/",
        address={**ref.address, "account": account, "region": region, "bucket": "theirs", "key": THEIR_KEY},
    )


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Look up version 3 of a registry, which is made of the containers given."""

    def look_up(*containers: dict[str, Any], keys: Any = THEIR_KEY, on: mlops.PlatformRef | None = None) -> Any:
        monkeypatch.setattr(live, "package", lambda *_: package(*(containers or [container()])))
        monkeypatch.setattr(live, "key_of", lambda *_: keys)
        with monkeypatch.context() as real:
            real.setattr(private, "mocked", lambda: False)
            return replace(MODEL, platform=on or there()).version(3)

    return look_up


def rights(cloud: Cloud) -> dict[str, set[str]]:
    """Return the resources of each action."""
    found: dict[str, set[str]] = {}
    for statement in cloud.one("iam/rolePolicy").document("policy")["Statement"]:
        for action in statement["Action"]:
            where = statement["Resource"]
            found.setdefault(action, set()).update([where] if isinstance(where, str) else where)
    return found


def serve(cloud: Cloud, **args: Any) -> None:
    cloud.run(lambda: mlops.Endpoint("score", **({"platform": hub(region=REGION)} | args)) and None)


def test_a_version_says_what_it_is_made_of(third: Any) -> None:
    found = third(container(ImageDigest="sha256:1", Framework="XGBOOST"))
    assert (found.version, found.image, found.digest, found.flavour) == (3, THEIR_IMAGE, "sha256:1", "XGBOOST")
    assert found.files == "s3://theirs/models/churn/3/model.tar.gz"
    assert mlops.ModelVersionRef.load(found.export()) == found


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ({"S3Uri": "s3://theirs/llm", "S3DataType": "S3Prefix", "CompressionType": "None"}, "s3://theirs/llm/"),
        ({"S3Uri": "s3://theirs/llm/", "S3DataType": "S3Prefix", "CompressionType": "None"}, "s3://theirs/llm/"),
        ({"S3Uri": "s3://theirs/m.gz", "S3DataType": "S3Object", "CompressionType": "Gzip"}, "s3://theirs/m.gz"),
    ],
)
def test_files_may_be_a_folder(third: Any, source: dict[str, str], files: str) -> None:
    made = {"Image": THEIR_IMAGE, "ModelDataSource": {"S3DataSource": source}}
    assert third(made).files == files


def test_several_containers_are_no_single_image(third: Any, cloud: Cloud) -> None:
    found = third(container(), container(Image=VENDOR_IMAGE, ModelDataUrl="s3://elsewhere/b.tar.gz"))
    assert (found.image, found.files) == (None, None)
    serve(cloud, model=found)
    allowed = rights(cloud)
    assert "arn:aws:s3:::elsewhere/b.tar.gz" in allowed["s3:GetObject"]
    assert f"arn:aws:ecr:{REGION}:763104351884:repository/pytorch-inference" in allowed["ecr:BatchGetImage"]


def test_a_version_of_another_account_is_served_with_what_it_needs(third: Any, cloud: Cloud) -> None:
    found = third()
    serve(cloud, model=found)
    assert cloud.one("sagemaker/model").inputs["primaryContainer"] == {
        "environment": {},
        "modelPackageName": found.address["arn"],
    }
    allowed = rights(cloud)
    assert allowed["s3:GetObject"] == {"arn:aws:s3:::theirs/models/churn/3/model.tar.gz"}
    assert allowed["s3:ListBucket"] == {"arn:aws:s3:::theirs"}
    assert allowed["kms:Decrypt"] == {THEIR_KEY}
    assert f"arn:aws:ecr:{REGION}:{BANK}:repository/models/churn" in allowed["ecr:BatchGetImage"]


def test_the_key_of_the_other_platform_is_taken_where_that_of_the_files_cannot_be_seen(
    third: Any, cloud: Cloud
) -> None:
    serve(cloud, model=third(keys=None))
    assert rights(cloud)["kms:Decrypt"] == {THEIR_KEY}


def test_what_the_own_platform_holds_is_granted_once(third: Any, cloud: Cloud) -> None:
    own = {"Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/churn-dev/churn:3"}
    found = third({**own, "ModelDataUrl": "s3://artifacts/models/churn/model.tar.gz"}, keys=KEY, on=HUB)
    serve(cloud, model=found, shadow={"model": found})
    statements = cloud.one("iam/rolePolicy").document("policy")["Statement"]
    for action, where in {
        "s3:GetObject": "arn:aws:s3:::artifacts/models/churn/model.tar.gz",
        "kms:Decrypt": KEY,
        "ecr:BatchGetImage": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/churn-dev/churn",
    }.items():
        assert [one["Resource"] for one in statements if action in one["Action"]] == [where]


def test_an_image_of_ones_own_serves_the_files_of_a_version(third: Any, cloud: Cloud) -> None:
    serve(cloud, model=third(), serve={"image": IMAGE})
    made = cloud.one("sagemaker/model").inputs["primaryContainer"]
    assert (made["image"], made["modelDataUrl"]) == (IMAGE, "s3://theirs/models/churn/3/model.tar.gz")
    assert "modelPackageName" not in made
    assert not any("models/churn" in where for where in rights(cloud)["ecr:BatchGetImage"])


def test_a_version_of_another_region_is_copied(third: Any, cloud: Cloud) -> None:
    home = hub(region=FAR)
    at = {**home.address, "region": FAR}
    image = IMAGE.replace(REGION, FAR)
    serve(cloud, platform=replace(home, address=at), model=third(), serve={"image": image})
    copy = cloud.one("s3/objectCopy", "score-main-files").inputs
    assert (copy["source"], copy["bucket"]) == ("theirs/models/churn/3/model.tar.gz", "artifacts")
    assert (copy["kmsKeyId"], copy["serverSideEncryption"]) == (KEY, "aws:kms")
    made = cloud.one("sagemaker/model").inputs["primaryContainer"]
    assert made["image"] == image
    if not cloud.preview:
        assert made["modelDataUrl"] == f"s3://artifacts/{copy['key']}"
    assert rights(cloud)["kms:Decrypt"] == {KEY}
    assert not any("theirs" in where for where in rights(cloud)["s3:GetObject"])


@pytest.mark.parametrize(
    ("args", "containers", "said"),
    [
        ({}, [container()], "serve.image: is required: model is a version of region us-east-1"),
        (
            {"serve": {"image": IMAGE}},
            [container()],
            "serve.image: is an image of region us-east-1, and SageMaker takes images of the endpoint's own region",
        ),
        (
            {"serve": {"image": IMAGE.replace(REGION, FAR)}},
            [container(ModelDataUrl="s3://theirs/llm/")],
            "model: the files of version 3 are a folder of region us-east-1, and only an archive is copied",
        ),
        (
            {"serve": {"image": IMAGE.replace(REGION, FAR)}},
            [container(), container()],
            "model: version 3 is made of several containers, and serve.image serves one",
        ),
    ],
)
def test_what_another_region_cannot_take(
    third: Any, args: dict[str, Any], containers: list[dict[str, Any]], said: str
) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        serve(cloud, platform=hub(region=FAR), model=third(*containers), **args)
    assert [str(problem)[: len(said)] for problem in caught.value.problems] == [said]
    assert cloud.registered == []


def test_a_feature_group_of_another_platform_is_read_with_its_key(cloud: Cloud) -> None:
    theirs = replace(GROUP, platform=there(account=ACCOUNT))
    image = {"image": IMAGE}
    serve(cloud, model=image, reads=[theirs.online])
    assert rights(cloud)["sagemaker:GetRecord"] == {GROUP.address["arn"]}
    assert rights(cloud)["kms:Decrypt"] == {THEIR_KEY}
    serve(far := Cloud(), model=image, reads=[replace(GROUP, platform=there(FAR, ACCOUNT)).online])
    server = far.one("sagemaker/model").inputs["primaryContainer"]["environment"]["MLOPS_FEATURE_SERVER_PROFILE"]
    assert server == f"https://featurestore-runtime.sagemaker.{FAR}.amazonaws.com"


def test_a_feature_group_of_another_account_is_not_bridged() -> None:
    cloud = Cloud()
    with pytest.raises(Unsupported, match=r"bridge\.feature_group\.account: .* AWS RAM"):
        serve(cloud, model={"image": IMAGE}, reads=[replace(GROUP, platform=there()).online])
    assert cloud.registered == []


def test_a_version_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "package", lambda *_: None)
    monkeypatch.setattr(private, "mocked", lambda: False)
    with pytest.raises(MlopsError, match="has no version 9 in group"):
        MODEL.version(9)


def test_the_key_of_files_is_that_of_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    class S3:
        def list_objects_v2(self, **what: Any) -> dict[str, Any]:
            asked.append(what)
            return {"Contents": [{"Key": "llm/a.bin"}]} if what["Prefix"] == "llm/" else {}

        def head_object(self, **what: Any) -> dict[str, Any]:
            asked.append(what)
            return {"SSEKMSKeyId": THEIR_KEY}

    monkeypatch.setattr(live, "client", lambda *_: S3())
    monkeypatch.setattr(private, "mocked", lambda: False)
    assert live.key_of(HUB, "s3://theirs/llm/") == THEIR_KEY
    assert asked[1] == {"Bucket": "theirs", "Key": "llm/a.bin"}
    assert live.key_of(HUB, "s3://theirs/none/") is None
    assert live.key_of(HUB, "s3://theirs/m.tar.gz") == THEIR_KEY
