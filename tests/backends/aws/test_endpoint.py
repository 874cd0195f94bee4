"""Endpoint on AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import jsonschema
import pytest
import regex
from pulumi import Output

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, ReleaseRolledBack
from pulumi_mlops.backends.aws.release import LONGEST_SECONDS, SHORTEST_SECONDS, traffic, watching_seconds
from pulumi_mlops.components.endpoint import Release
from support.facts.aws import GROUP, HUB, IMAGE, KEY, MODEL, TOPIC, hub
from support.mocks import ACCOUNT, REGION, Cloud

FILES = {"image": IMAGE, "artifact": "s3://artifacts/m/model.tar.gz"}
SECRET = mlops.SecretRef.existing("arn:aws:secretsmanager:us-east-1:1:secret:hf", backend="aws")

THIRD = mlops.ModelVersionRef(
    name="churn",
    backend="aws",
    platform=HUB,
    version=3,
    address={
        "arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/3",
        "group": "churn-dev-models-churn",
    },
)


def _pattern(_: object, pattern: str, value: object, __: object) -> Iterator[jsonschema.ValidationError]:
    r"""CloudFormation's patterns know \\p, Python's re does not."""
    if isinstance(value, str) and not regex.search(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


Validator: Any = jsonschema.validators.extend(jsonschema.Draft7Validator, {"pattern": _pattern})


def make(cloud: Cloud, **args: Any) -> Any:
    def program() -> Any:
        return mlops.Endpoint("score", **({"platform": HUB, "model": FILES} | args)).ref.export()

    return cloud.run(program)


def desired(cloud: Cloud) -> dict[str, Any]:
    state: dict[str, Any] = cloud.one("cloudcontrol/resource").document("desiredState")
    return state


def schema() -> dict[str, Any]:
    data = Path(cfnlint.__file__).parent / "data" / "schemas"
    index = (data / "providers" / "us-east-1.json").read_text()
    name = json.loads(index)["AWS::SageMaker::Endpoint"]
    found: dict[str, Any] = json.loads((data / "resources" / f"{name}.json").read_text())
    return found


def test_a_real_time_endpoint(cloud: Cloud) -> None:
    ref = make(cloud)
    assert ref["url"] == f"https://runtime.sagemaker.{REGION}.amazonaws.com/endpoints/churn-dev-score/invocations"
    assert (ref["status"], ref["variants"], ref["captured"]) == ("live", ["main"], None)
    model = cloud.one("sagemaker/model")
    assert "name" not in model.inputs
    assert model.inputs["primaryContainer"] == {
        "image": IMAGE,
        "modelDataUrl": FILES["artifact"],
        "environment": {},
    }
    assert model.inputs["enableNetworkIsolation"] is True
    assert "vpcConfig" not in model.inputs
    configuration = cloud.one("sagemaker/endpointConfiguration")
    assert "name" not in configuration.inputs
    assert configuration.inputs["kmsKeyArn"] == KEY
    assert configuration.inputs["productionVariants"] == [
        {
            "variantName": "main",
            "modelName": "score-main-0a1b2c3",
            "initialVariantWeight": 1,
            "instanceType": "ml.m5.large",
            "initialInstanceCount": 1,
        }
    ]
    logs = cloud.one("cloudwatch/logGroup").inputs
    assert (logs["name"], logs["kmsKeyId"]) == ("/aws/sagemaker/Endpoints/churn-dev-score", KEY)
    assert desired(cloud)["EndpointName"] == "churn-dev-score"
    assert desired(cloud)["EndpointConfigName"] == "score-configuration-0a1b2c3"
    assert "score-logs" in cloud.one("cloudcontrol/resource").depends_on


def test_nothing_starts_before_its_rights(cloud: Cloud) -> None:
    make(cloud)
    assert {"score-role", "score-rights"} <= cloud.one("sagemaker/model").depends_on


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "scaled": {"scaling": {"max": 4, "requests_per_replica": 9}},
    "canary": {"release": {"canary": {"percent": 10, "bake_minutes": 15}, "rollback_alarms": ["theirs"]}},
    "linear": {"release": {"linear": {"step_percent": 25}}},
    "latency": {"health": {"latency_ms": 200}},
    "serverless": {"mode": {"serverless": {}}, "compute": {"memory_gb": 4}},
    "asynchronous": {"mode": {"asynchronous": {}}, "scaling": {"min": 0, "max": 2, "requests_per_replica": 5}},
}


@pytest.mark.parametrize("case", CASES)
def test_cloud_control_accepts_the_desired_state(cloud: Cloud, case: str) -> None:
    make(cloud, **CASES[case])
    shape = schema()
    assert cloud.one("cloudcontrol/resource").inputs["typeName"] == shape["typeName"]
    Validator(shape).validate(desired(cloud))
    assert not {f"/properties/{key}" for key in desired(cloud)} & {*shape.get("readOnlyProperties", [])}


@pytest.mark.parametrize(
    ("release", "routing", "watched"),
    [
        ({}, {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}, 0),
        (
            {"canary": {"percent": 10, "bake_minutes": 15}},
            {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
                "WaitIntervalInSeconds": 900,
            },
            900,
        ),
        (
            {"linear": {"step_percent": 30, "interval_minutes": 5}},
            {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 30},
                "WaitIntervalInSeconds": 300,
            },
            1200,
        ),
    ],
)
def test_how_traffic_moves(release: dict[str, Any], routing: dict[str, Any], watched: int) -> None:
    parsed = Release(**release)
    assert watching_seconds(parsed) == watched
    policy = traffic(parsed)
    assert policy["TrafficRoutingConfiguration"] == routing
    longest = policy["MaximumExecutionTimeoutInSeconds"]
    assert SHORTEST_SECONDS <= longest <= LONGEST_SECONDS
    assert longest > watched


def test_a_release_is_watched_by_its_alarms(cloud: Cloud) -> None:
    make(cloud, health={"latency_ms": 250, "errors_percent": 2}, release={"rollback_alarms": ["theirs"]})
    names = [alarm["AlarmName"] for alarm in desired(cloud)["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]
    assert names == ["churn-dev-score-main-errors-ae1fb6", "churn-dev-score-main-latency-ae1fb6", "theirs"]
    errors = cloud.one("cloudwatch/metricAlarm", "score-main-errors").inputs
    latency = cloud.one("cloudwatch/metricAlarm", "score-main-latency").inputs
    assert (errors["metricName"], errors["statistic"], errors["threshold"]) == ("Invocation5XXErrors", "Average", 0.02)
    assert (latency["metricName"], latency["extendedStatistic"], latency["threshold"]) == (
        "ModelLatency",
        "p99",
        250000,
    )
    assert errors["dimensions"] == {"EndpointName": "churn-dev-score", "VariantName": "main"}
    assert errors["alarmActions"] == [TOPIC]
    assert errors["treatMissingData"] == "notBreaching"


def test_serverless(cloud: Cloud) -> None:
    mode = {"serverless": {"max_concurrency": 50, "provisioned": 5}}
    make(cloud, mode=mode, compute={"memory_gb": 4})
    configuration = cloud.one("sagemaker/endpointConfiguration").inputs
    (variant,) = configuration["productionVariants"]
    assert variant["serverlessConfig"] == {"memorySizeInMb": 4096, "maxConcurrency": 50, "provisionedConcurrency": 5}
    assert not {"instanceType", "initialInstanceCount"} & set(variant)
    assert "kmsKeyArn" not in configuration
    assert cloud.one("sagemaker/model").inputs["enableNetworkIsolation"] is False
    assert "DeploymentConfig" not in desired(cloud)


def test_asynchronous(cloud: Cloud) -> None:
    ref = make(cloud, mode={"asynchronous": {"max_concurrency": 4, "notify": TOPIC}})
    assert ref["url"].endswith("/async-invocations")
    queue = cloud.one("sagemaker/endpointConfiguration").inputs["asyncInferenceConfig"]
    assert queue == {
        "clientConfig": {"maxConcurrentInvocationsPerInstance": 4},
        "outputConfig": {
            "s3OutputPath": "s3://artifacts/answers/score/",
            "s3FailurePath": "s3://artifacts/answers/score/failed/",
            "kmsKeyId": KEY,
            "notificationConfig": {"successTopic": TOPIC, "errorTopic": TOPIC},
        },
    }
    written = [one["Resource"] for one in rights(cloud) if "s3:PutObject" in one["Action"]]
    assert written == ["arn:aws:s3:::artifacts/answers/score/*"]


def rights(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.one("iam/rolePolicy").document("policy")["Statement"]
    return found


def test_an_asynchronous_endpoint_may_tell_its_topic(cloud: Cloud) -> None:
    make(cloud, mode={"asynchronous": {"notify": TOPIC}})
    assert [one["Resource"] for one in rights(cloud) if "sns:Publish" in one["Action"]] == [TOPIC]


def test_variants_share_the_traffic(cloud: Cloud) -> None:
    variants = [
        {"name": "old", "model": FILES, "weight": 9},
        {"name": "new", "model": THIRD, "weight": 1, "compute": {"cpus": 8}},
    ]
    ref = make(cloud, model=None, variants=variants)
    assert ref["variants"] == ["old", "new"]
    made = cloud.one("sagemaker/endpointConfiguration").inputs["productionVariants"]
    assert [(v["variantName"], v["initialVariantWeight"], v["instanceType"]) for v in made] == [
        ("old", 9, "ml.m5.large"),
        ("new", 1, "ml.c5.2xlarge"),
    ]
    package = cloud.one("sagemaker/model", "score-new").inputs["primaryContainer"]
    assert package["modelPackageName"] == THIRD.address["arn"]
    assert len(cloud.all("cloudwatch/metricAlarm")) == 2


def test_a_shadow_gets_its_share(cloud: Cloud) -> None:
    make(cloud, shadow={"model": FILES, "percent": 25, "compute": {"accelerator": "A10G:1"}})
    (shadow,) = cloud.one("sagemaker/endpointConfiguration").inputs["shadowProductionVariants"]
    assert (shadow["initialVariantWeight"], shadow["instanceType"]) == (0.25, "ml.g5.xlarge")
    assert shadow["modelName"] == "score-shadow-0a1b2c3"


@pytest.mark.parametrize("where", ["compute", "shadow"])
def test_a_machine_with_its_own_disk_takes_no_key(cloud: Cloud, where: str) -> None:
    machine = {"accelerator": "A10G:1"}
    make(cloud, **({"compute": machine} if where == "compute" else {"shadow": {"model": FILES, "compute": machine}}))
    assert "kmsKeyArn" not in cloud.one("sagemaker/endpointConfiguration").inputs


def test_capture(cloud: Cloud) -> None:
    ref = make(cloud, capture_percent=20)
    assert ref["captured"] == "s3://artifacts/captured/score/"
    capture = cloud.one("sagemaker/endpointConfiguration").inputs["dataCaptureConfig"]
    assert capture["initialSamplingPercentage"] == 20
    assert capture["destinationS3Uri"] == "s3://artifacts/captured/score/"
    assert capture["kmsKeyId"] == KEY
    assert [option["captureMode"] for option in capture["captureOptions"]] == ["Input", "Output"]
    assert "arn:aws:s3:::artifacts/captured/score/*" in [
        one["Resource"] for one in rights(cloud) if "s3:PutObject" in one["Action"]
    ]


def test_what_it_reads_is_granted_and_named(cloud: Cloud) -> None:
    make(cloud, reads=[GROUP.online], secrets={"HF": SECRET}, environment={"MODE": "fast"})
    container = cloud.one("sagemaker/model").inputs
    assert container["primaryContainer"]["environment"] == {
        "MODE": "fast",
        "MLOPS_SECRET_HF": SECRET.address["id"],
        "MLOPS_FEATURES_PROFILE": "churn-dev-profile",
        "MLOPS_FEATURE_SERVER_PROFILE": f"https://featurestore-runtime.sagemaker.{REGION}.amazonaws.com",
    }
    assert container["enableNetworkIsolation"] is False
    granted = {tuple(one["Action"]): one["Resource"] for one in rights(cloud)}
    assert granted["secretsmanager:GetSecretValue",] == SECRET.address["id"]
    assert (
        granted["sagemaker:GetRecord", "sagemaker:BatchGetRecord", "sagemaker:DescribeFeatureGroup"]
        == GROUP.address["arn"]
    )


def test_a_private_platform_puts_the_model_into_its_network(cloud: Cloud) -> None:
    make(cloud, platform=hub(private=True))
    model = cloud.one("sagemaker/model").inputs
    assert model["vpcConfig"] == {"subnets": ["subnet-1", "subnet-2"], "securityGroupIds": ["sg-1"]}
    assert any("ec2:CreateNetworkInterface" in one["Action"] for one in rights(cloud))


def test_invokers_may_call_it_and_nothing_else(cloud: Cloud) -> None:
    make(cloud, invokers=[{"role": "app"}, {"role": "batch"}])
    policy = cloud.one("iam/policy")
    (statement,) = policy.document("policy")["Statement"]
    assert statement["Resource"] == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/churn-dev-score"
    assert statement["Action"] == ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    assert {found.inputs["role"] for found in cloud.all("iam/rolePolicyAttachment")} == {"app", "batch"}


def test_the_registry_owns_what_comes_after_the_first_release(cloud: Cloud) -> None:
    make(cloud, release={"owner": "registry"})
    assert cloud.one("cloudcontrol/resource").ignore_changes == ["desiredState"]
    assert cloud.one("sagemaker/model").ignore_changes == ["primaryContainer"]
    assert "productionVariants" in cloud.one("sagemaker/endpointConfiguration").ignore_changes


def test_it_waits_for_a_first_approval_and_says_so(cloud: Cloud) -> None:
    ref = make(cloud, model=MODEL.approved(otherwise="wait"))
    assert (ref["url"], ref["status"]) == (None, "waiting")
    assert cloud.kinds == {"Endpoint"}
    said = "waits for the first approved version of churn; approve one, and the next up creates the endpoint"
    assert [line for line in cloud.infos if "waits" in line] == ([said] if cloud.preview else [])


@pytest.mark.parametrize(("preview", "fails"), [(True, False), (False, True)])
def test_a_release_that_was_rolled_back_fails_the_up(
    monkeypatch: pytest.MonkeyPatch, preview: bool, fails: bool
) -> None:
    cloud = Cloud(preview=preview)
    old = {"EndpointConfigName": "the-one-before"}
    monkeypatch.setattr(
        "pulumi_aws.cloudcontrol.Resource.properties", property(lambda _: Output.from_input(json.dumps(old)))
    )
    if not fails:
        assert make(cloud)["status"] == "live"
        return
    with pytest.raises(ReleaseRolledBack, match="still serves the-one-before, not score-configuration-0a1b2c3"):
        make(cloud)


def version(images: list[str], files: list[str]) -> mlops.ModelVersionRef:
    address = {**THIRD.address, "images": images, "files": files}
    first = files[0] if files else None
    return mlops.ModelVersionRef(name="churn", backend="aws", platform=HUB, version=3, files=first, address=address)


@pytest.mark.parametrize(
    ("files", "container"),
    [
        (["s3://weights/3.tar.gz"], {"modelDataUrl": "s3://weights/3.tar.gz"}),
        (
            ["s3://weights/3/"],
            {
                "modelDataSource": {
                    "s3DataSources": [{"s3Uri": "s3://weights/3/", "s3DataType": "S3Prefix", "compressionType": "None"}]
                }
            },
        ),
        ([], {}),
    ],
)
def test_another_image_serves_the_files_of_a_version(cloud: Cloud, files: list[str], container: dict[str, Any]) -> None:
    make(cloud, model=version([IMAGE], files), serve={"image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vllm:1"})
    found = cloud.one("sagemaker/model").inputs["primaryContainer"]
    served = {"environment": {}, "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vllm:1"}
    assert found == {**served, **container}
    rights = cloud.one("iam/rolePolicy", "score-rights").document("policy")["Statement"]
    pulled = [one["Resource"] for one in rights if "ecr:BatchGetImage" in one["Action"]]
    assert f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/vllm" in pulled
    assert f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/serve" not in pulled
    read = [one["Resource"] for one in rights if one["Action"] == ["s3:GetObject"]]
    assert [one for one in read if "weights" in one] == [
        uri.replace("s3://", "arn:aws:s3:::") + "*" * uri.endswith("/") for uri in files
    ]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"mode": {"serverless": {}}}, "compute.memory_gb: 8.0 is not a size that serverless has; write 1, 2, 3"),
        ({"compute": {"accelerator": "A10:1"}}, "compute: no SageMaker instance has all of that; accelerators here: "),
        ({"compute": {"cpus": 512, "memory_gb": 4096}}, "compute: no SageMaker instance has all of that; ask for less"),
        ({"compute": {"pin": {"aws": "m5.large"}}}, "compute.pin.aws: 'm5.large' is not a SageMaker instance"),
        (
            {"shadow": {"model": FILES, "compute": {"accelerator": "B1:9"}}},
            "shadow.compute: no SageMaker instance has all of that",
        ),
        (
            {"release": {"linear": {"step_percent": 10, "interval_minutes": 60}}},
            "release: would be watched for 600 minutes; AWS ends a deployment after 240",
        ),
    ],
)
def test_what_aws_cannot_do_is_refused_first(cloud: Cloud, args: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, **args)
    assert said in str(caught.value)
    assert cloud.registered == []
