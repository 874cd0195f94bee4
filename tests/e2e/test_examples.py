"""Every example is run: up, unchanged, down without a trace.

Each is deployed by a role that has docs/rights/aws for its nouns (`support.e2e.deploying`). What there is before, and
what registers versions, is somebody else's, whom the administrator's client of `cloud` stands for.
"""

import base64
import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.jobs import start
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import ROOT, Cloud, shown, succeeded

# A whole stack each, on a machine that may be busy.
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]
REPOSITORY = "models/ours"
TEAM = "market-dev-ranking-team-identity"
TABLE = "arn:aws:glue:us-east-1:123456789012:table/market_dev_features/market_dev_{}"
AWS_IMAGES = "763104351884"
"""The account in which AWS keeps its images for us-east-1."""
TOKEN = "hf_not-in-any-state"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:1"


def lives_and_dies(stack: Stack, cloud: Cloud, before: dict[str, list[str]]) -> None:
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    succeeded(stack.destroy())
    assert left(cloud) == before


def test_feature_store(stack_of: StackOf, cloud: Cloud) -> None:
    """And another stack that takes this one, which exports no platform, for its owner."""
    stack, before = stack_of("examples/feature_store"), cloud.everything()
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    user = stack_of("examples/shared_platform/user")
    user.configure(platform_stack="organization/feature-store/dev", image=IMAGE)
    refused = user.preview()
    assert refused.code != 0
    assert "has no output 'platform'" in refused.output
    assert "Traceback" not in refused.output
    succeeded(stack.destroy())
    assert left(cloud) == before


def test_existing_model(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="models-of-ours")
    s3.put_object(Bucket="models-of-ours", Key="labels.tar.gz", Body=b"x")
    stack = stack_of("examples/existing_model")
    stack.configure(image=IMAGE, artifact="s3://models-of-ours/labels.tar.gz")
    lives_and_dies(stack, cloud, cloud.everything())


def test_shared_platform(stack_of: StackOf, cloud: Cloud) -> None:
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    before = cloud.everything()
    owner, user = stack_of("examples/shared_platform/owner"), stack_of("examples/shared_platform/user")
    succeeded(owner.up())
    user.configure(platform_stack="organization/platform-owner/dev", image=IMAGE)
    shared = cloud.everything()
    lives_and_dies(user, cloud, shared)
    succeeded(owner.destroy())
    assert left(cloud) == before


GROUP: dict[str, Any] = {
    "FeatureGroupName": "CustomerProfile",
    "RecordIdentifierFeatureName": "customer_id",
    "EventTimeFeatureName": "updated_at",
    "FeatureDefinitions": [
        {"FeatureName": "customer_id", "FeatureType": "String"},
        {"FeatureName": "updated_at", "FeatureType": "String"},
        {"FeatureName": "age", "FeatureType": "Integral"},
    ],
    "OnlineStoreConfig": {"EnableOnlineStore": True},
}


def what_a_company_has(cloud: Cloud) -> dict[str, str]:
    """Make by the cloud's own clients what the example takes over; return what its stack is configured with."""
    s3, ec2, iam, sagemaker = (cloud.client(service) for service in ("s3", "ec2", "iam", "sagemaker"))
    cloud.client("ecr").create_repository(repositoryName=REPOSITORY)
    s3.create_bucket(Bucket="bucket-of-ours")
    s3.put_object(Bucket="bucket-of-ours", Key="churn/7.tar.gz", Body=b"x")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="ours", Description="ours", VpcId=vpc)["GroupId"]
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    roles = {
        name: iam.create_role(RoleName=name, Path="/web/", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        for name in ("storefront-web", "runner")
    }
    files = {"Image": IMAGE, "ModelDataUrl": "s3://bucket-of-ours/churn/7.tar.gz"}
    pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    rows = ["s3:GetObject", "s3:ListBucket", "s3:PutObject*", "s3:GetBucketAcl", "glue:*Table"]
    may_read = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": rows, "Resource": ["arn:aws:s3:::bucket-of-ours*", "arn:aws:glue:*:*:*"]},
            {"Effect": "Allow", "Action": [*pull, "ecr:GetAuthorizationToken"], "Resource": "*"},
            {"Effect": "Allow", "Action": ["logs:*", "cloudwatch:PutMetricData"], "Resource": "*"},
        ],
    }
    iam.put_role_policy(RoleName="runner", PolicyName="files", PolicyDocument=json.dumps(may_read))
    sagemaker.create_feature_group(**GROUP, RoleArn=roles["runner"])
    sagemaker.create_model_package_group(ModelPackageGroupName="ChurnModels")
    for auc in ("0.94", "0.7"):  # the newest one misses the gate
        sagemaker.create_model_package(
            ModelPackageGroupName="ChurnModels",
            ModelApprovalStatus="Approved",
            CustomerMetadataProperties={"auc": auc},
            InferenceSpecification={
                "Containers": [files],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
    sagemaker.create_model(ModelName="churn-2019", PrimaryContainer=files, ExecutionRoleArn=roles["runner"])
    variant = {
        "VariantName": "all",
        "ModelName": "churn-2019",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="churn-2019", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="churn-2019", EndpointConfigName="churn-2019")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="churn-2019", WaiterConfig={"Delay": 1})
    return {
        "bucket": "bucket-of-ours",
        "runner": roles["runner"],
        "subnets": json.dumps([subnet]),
        "security_groups": json.dumps([group]),
    }


def test_adopt_existing(stack_of: StackOf, cloud: Cloud) -> None:
    stack = stack_of("examples/adopt_existing")
    stack.configure(bucket="bucket-of-ours", runner="x", subnets='["subnet-1"]', security_groups='["sg-1"]')
    refused = stack.preview()
    assert refused.code != 0
    assert "FeatureGroup 'profile': 1 problem; nothing was registered." in refused.output
    assert "called: there is no feature group 'CustomerProfile' in the platform's account, us-east-1" in refused.output
    assert "Traceback" not in refused.output
    stack.configure(**what_a_company_has(cloud))
    before = cloud.everything()
    looked_at = described(cloud)

    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    sagemaker, arn = cloud.client("sagemaker"), "arn:aws:sagemaker:us-east-1:123456789012"
    configuration = sagemaker.describe_endpoint(EndpointName="legacy-dev-score")["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    assert container["ModelPackageName"] == f"{arn}:model-package/ChurnModels/1", "the version that passes the gate"
    assert container["Environment"]["MLOPS_FEATURES_PROFILE"] == "CustomerProfile"
    server, job = "legacy-dev-score-endpoint", "legacy-dev-nightly-identity"
    assert cloud.allows(server, "sagemaker:GetRecord", f"{arn}:feature-group/CustomerProfile")
    assert not cloud.allows(server, "sagemaker:PutRecord", f"{arn}:feature-group/CustomerProfile")
    assert cloud.allows(server, "s3:GetObject", "arn:aws:s3:::bucket-of-ours/churn/7.tar.gz")
    assert cloud.allows(job, "sagemaker:PutRecord", f"{arn}:feature-group/CustomerProfile")
    for endpoint in ("churn-2019", "legacy-dev-score"):
        assert cloud.allows(job, "sagemaker:InvokeEndpoint", f"{arn}:endpoint/{endpoint}")
    assert not cloud.allows(job, "sagemaker:InvokeEndpoint", f"{arn}:endpoint/churn-2020")
    exported = stack.outputs()["feature_group"]
    assert FeatureGroupRef.load(exported).export() == exported
    (policy,) = cloud.client("iam").list_attached_role_policies(RoleName="storefront-web")["AttachedPolicies"]
    assert policy["PolicyName"] == "legacy-dev-score-invoke"

    succeeded(stack.destroy())
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before
    assert described(cloud) == looked_at, "what was taken over has changed"


def described(cloud: Cloud) -> list[Any]:
    """Describe what the example takes over."""
    sagemaker, iam = cloud.client("sagemaker"), cloud.client("iam")
    found = [
        sagemaker.describe_feature_group(FeatureGroupName="CustomerProfile"),
        sagemaker.describe_model_package_group(ModelPackageGroupName="ChurnModels"),
        sagemaker.list_model_packages(ModelPackageGroupName="ChurnModels"),
        sagemaker.describe_endpoint(EndpointName="churn-2019"),
        iam.get_role(RoleName="storefront-web"),
        iam.list_attached_role_policies(RoleName="storefront-web"),
    ]
    return [{key: value for key, value in answer.items() if key != "ResponseMetadata"} for answer in found]


HYPERPOD = {"persistent": {"setup": "#!/bin/bash\necho ready\n"}, "interconnect": True}


def test_gpu_training(stack_of: StackOf, cloud: Cloud) -> None:
    """Terms alone first, then machines that stay: one more of them is an update, others are another cluster."""
    stack, before = stack_of("examples/gpu_training", "aws"), cloud.everything()
    stack.configure_secret("wandb_api_key", KEYS[0])
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    found = cloud.client("sagemaker").describe_pipeline(PipelineName="vision-dev-retrain")
    (fit,) = json.loads(found["PipelineDefinition"])["Steps"]
    job = fit["Arguments"]
    assert (job["ResourceConfig"]["InstanceCount"], job["EnableManagedSpotTraining"]) == (2, True)
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 10 * 3600, "MaxWaitTimeInSeconds": 16 * 3600}
    assert job["CheckpointConfig"]["S3Uri"]
    assert job["Environment"]["WANDB_PROJECT"] == "vision"
    assert start.known(job["Environment"]["MLOPS_ENV_WANDB_API_KEY"])
    assert '"launcher": "torchrun"' in job["Environment"]["MLOPS_STEP"]
    nowhere(stack, [stack.export(), found["PipelineDefinition"]], KEYS[0])
    stack.configure(run="{}")
    gone = shown(stack.up())
    assert "delete Pipeline retrain-pipeline" in gone
    assert {line.split()[0] for line in gone} <= {"delete", "update"}
    terms = stack.outputs()["gpus"]
    assert (terms["address"]["instance"], terms["nodes_max"], terms["spot_wait_hours"]) == ("ml.p4d.24xlarge", 2, 6)
    assert len(terms["address"]["security_groups"]) == 2
    stack.configure(machines="9")
    refused = stack.preview()
    assert refused.code != 0
    assert "the account's quota 'ml.p4d.24xlarge for spot training job usage' is 2" in refused.output

    stack.configure(machines="1", least="1", terms=json.dumps({"persistent": {}}))
    succeeded(stack.up())
    stack.configure(machines="2", least="2")
    assert "update Resource gpus-cluster" in shown(stack.up())
    stack.configure(terms=json.dumps(HYPERPOD))
    succeeded(stack.up())
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    cluster = cloud.client("sagemaker").describe_cluster(ClusterName="vision-dev-gpus")
    counts = {group["InstanceType"]: group["CurrentCount"] for group in cluster["InstanceGroups"]}
    assert counts == {"ml.m5.xlarge": 1, "ml.p4d.24xlarge": 2}
    assert cluster["ClusterStatus"] == "InService"
    assert len(cluster["VpcConfig"]["Subnets"]) == 1
    stack.configure(accelerator="H100:8")
    assert "replace Resource gpus-cluster" in shown(stack.up())
    succeeded(stack.destroy())
    assert left(cloud) == before


def test_fine_tuning(stack_of: StackOf, cloud: Cloud) -> None:
    """A pipeline for several GPUs; the version that it would register is served when it is approved."""
    sagemaker, before = cloud.client("sagemaker"), cloud.everything()
    stack = stack_of("examples/fine_tuning", "aws")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    found = sagemaker.describe_pipeline(PipelineName="assistant-dev-tuning")
    steps = {step["Name"]: step for step in json.loads(found["PipelineDefinition"])["Steps"]}
    job = steps["tune"]["Arguments"]
    assert job["ResourceConfig"]["InstanceType"] == "ml.p4d.24xlarge"
    assert json.loads(job["Environment"]["MLOPS_STEP"])["processes"] == 8
    assert stack.outputs()["dataset"] in job["Environment"]["MLOPS_DATASET_TALKS"]
    assert job["Environment"]["MLOPS_SECRET_HUB_TOKEN"].startswith("arn:aws:secretsmanager:")
    nowhere(stack, [stack.export(), found["PipelineDefinition"]], TOKEN)
    assert "Endpoint" not in str(stack.outputs().get("url"))

    package = sagemaker.create_model_package(
        ModelPackageGroupName="assistant-dev-models-llama",
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"loss": "0.9"},
        InferenceSpecification={
            "Containers": [
                {
                    "Image": stack.get("registered"),
                    "ModelDataSource": {
                        "S3DataSource": {
                            "S3Uri": f"s3://{artifacts(cloud)}/pipelines/tuning/1/tune/model/",
                            "S3DataType": "S3Prefix",
                            "CompressionType": "None",
                        }
                    },
                }
            ],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    served_now = shown(stack.up())
    assert "create Resource chat-endpoint" in served_now, served_now
    assert shown(stack.up()) == []
    container = served(cloud, "assistant-dev-chat")
    assert container["Environment"]["SM_VLLM_MODEL"] == "/opt/ml/model"
    sagemaker.delete_model_package(ModelPackageName=package)
    succeeded(stack.destroy())
    assert left(cloud) == before


def artifacts(cloud: Cloud) -> str:
    """Find the bucket of the platform's artifacts."""
    found = [bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]]
    return next(name for name in found if "artifacts" in name)


def test_language_model(stack_of: StackOf, cloud: Cloud) -> None:
    """The folder is served first, then by the same program a version of the registry, which names a folder as well."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.client("iam").create_role(RoleName="support", AssumeRolePolicyDocument=document)
    cloud.client("s3").create_bucket(Bucket="weights-of-ours")
    sagemaker, before = cloud.client("sagemaker"), cloud.everything()
    stack = stack_of("examples/language_model", "aws")
    stack.configure_secret("hub_token", TOKEN)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    folder = {"S3Uri": stack.get("weights"), "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = served(cloud, "assistant-dev-chat")
    assert container["Image"] == stack.get("image")
    assert container["ModelDataSource"] == {"S3DataSource": folder}
    assert container["Environment"]["MLOPS_SECRET_HUB_TOKEN"].startswith("arn:aws:secretsmanager:")

    tuned = {**folder, "S3Uri": "s3://weights-of-ours/tuned/"}
    package = sagemaker.create_model_package(
        ModelPackageGroupName="assistant-dev-models-llama",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": stack.get("image"), "ModelDataSource": {"S3DataSource": tuned}}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    stack.configure(version="1")
    assert "replace Model chat-main" in shown(stack.up())
    assert shown(stack.up()) == []
    assert served(cloud, "assistant-dev-chat") == {**container, "ModelDataSource": {"S3DataSource": tuned}}
    role, weights = "assistant-dev-chat-endpoint", "arn:aws:s3:::weights-of-ours"
    assert cloud.allows(role, "s3:GetObject", f"{weights}/tuned/tokenizer.json")
    assert not cloud.allows(role, "s3:GetObject", f"{weights}/llama-3.1-8b/tokenizer.json")
    assert cloud.allows(role, "ecr:BatchGetImage", f"arn:aws:ecr:us-east-1:{AWS_IMAGES}:repository/vllm")
    caller, endpoint = "assistant-dev-support-identity", "arn:aws:sagemaker:us-east-1:123456789012:endpoint"
    assert cloud.allows(caller, "sagemaker:InvokeEndpoint", f"{endpoint}/assistant-dev-chat")
    assert not cloud.allows(caller, "sagemaker:InvokeEndpoint", f"{endpoint}/assistant-dev-other")
    assert TOKEN not in stack.export()

    sagemaker.delete_model_package(ModelPackageName=package)
    succeeded(stack.destroy())
    assert left(cloud) == before


def register(sagemaker: Any, group: str, image: str, files: str, status: str = "Approved", **metrics: str) -> str:
    """Register a version with one container, as somebody outside the stack."""
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus=status,
        CustomerMetadataProperties=metrics,
        InferenceSpecification={
            "Containers": [{"Image": image, "ModelDataUrl": files}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return str(made["ModelPackageArn"])


def test_two_regions(stack_of: StackOf, cloud: Cloud) -> None:
    """Both wait; a version is approved in the first region, and is served in both, from files of each."""
    before = cloud.everything()
    stack = stack_of("examples/two_regions")
    stack.configure(tag="1.0.0")
    succeeded(stack.up())
    assert stack.outputs().get("url-us") is None
    sagemaker, s3 = cloud.client("sagemaker", "eu-west-1"), cloud.client("s3")
    home, away = (f"shop-{place}-dev-artifacts-123456789012-{region}" for place, region in REGIONS.items())
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop-eu-dev/ranker:1.0.0"
    packages = []
    for number in (1, 2):
        key = f"models/ranker/{number}/model.tar.gz"
        s3.put_object(Bucket=home, Key=key, Body=f"weights {number}".encode())
        packages.append(register(sagemaker, "shop-eu-dev-models-ranker", image, f"s3://{home}/{key}", ndcg="0.7"))
        succeeded(stack.up())
        files = {place: serving(cloud, region, f"shop-{place}-dev-rank-{place}") for place, region in REGIONS.items()}
        assert files["eu"] == f"s3://{home}/{key}"
        assert files["us"].startswith(f"s3://{away}/")
        copy = s3.get_object(Bucket=away, Key=files["us"].removeprefix(f"s3://{away}/"))
        assert (copy["Body"].read(), copy["ServerSideEncryption"]) == (f"weights {number}".encode(), "aws:kms")
    assert shown(stack.up()) == []
    for package in packages:
        sagemaker.delete_model_package(ModelPackageName=package)
    succeeded(stack.destroy())
    assert left(cloud) == before


REGIONS = {"eu": "eu-west-1", "us": "us-east-1"}


def serving(cloud: Cloud, region: str, endpoint: str) -> str:
    """Return where the files are that an endpoint of one variant serves."""
    sagemaker = cloud.client("sagemaker", region)
    configuration = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    return str(sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]["ModelDataUrl"])


def test_bank(stack_of: StackOf, cloud: Cloud) -> None:
    """The sandbox has one account, which plays both: that another one is let in is judged by the policies."""
    iam, sagemaker = cloud.client("iam"), cloud.client("sagemaker")
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    for role in ("model-risk", "loans-web"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=document)
    before = cloud.everything()
    models, serving = stack_of("examples/bank/models"), stack_of("examples/bank/serving")
    models.configure(serving_account="444455556666")
    succeeded(models.up())
    group = "bank-models-dev-models-credit"
    policy = json.loads(sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)["ResourcePolicy"])
    assert all(one["Principal"]["AWS"] == ["arn:aws:iam::444455556666:root"] for one in policy["Statement"])
    (attached,) = iam.list_attached_role_policies(RoleName="model-risk")["AttachedPolicies"]
    assert attached["PolicyName"] == "bank-models-dev-models-approve"

    serving.configure(models_stack="organization/bank-models/dev")
    succeeded(serving.up())
    assert serving.outputs()["status"] == "waiting"
    bucket = "bank-models-dev-artifacts-123456789012-us-east-1"
    cloud.client("s3").put_object(Bucket=bucket, Key="models/credit/1.tar.gz", Body=b"weights")
    files = f"s3://{bucket}/models/credit/1.tar.gz"
    package = register(sagemaker, group, str(models.outputs()["image"]), files, "PendingManualApproval", auc="0.9")
    approve = cloud.acting_as("model-risk", "sagemaker").update_model_package
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:UpdateModelPackage"):
        approve(ModelPackageArn=package, CustomerMetadataProperties={"auc": "0.99"})
    approve(ModelPackageArn=package, ModelApprovalStatus="Approved")
    succeeded(serving.up())
    assert shown(serving.up()) == []
    assert serving.outputs()["status"] == "live"
    role = "bank-lending-dev-score-endpoint"
    assert cloud.allows(role, "s3:GetObject", f"arn:aws:s3:::{bucket}/models/credit/1.tar.gz")
    assert not cloud.allows(role, "s3:GetObject", f"arn:aws:s3:::{bucket}/models/credit/2.tar.gz")
    key = str(models.outputs()["credit"]["platform"]["address"]["key"])
    through = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert cloud.allows(role, "kms:Decrypt", key, **through)
    assert not cloud.allows(role, "kms:Decrypt", key)
    assert not cloud.allows(role, "kms:GenerateDataKey", key)
    repository = "arn:aws:ecr:us-east-1:123456789012:repository/bank-models-dev/credit"
    assert cloud.allows(role, "ecr:BatchGetImage", repository)
    configuration = sagemaker.describe_endpoint(EndpointName="bank-lending-dev-score")["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    assert sagemaker.describe_model(ModelName=variant["ModelName"])["VpcConfig"]["Subnets"]

    succeeded(serving.destroy())
    sagemaker.delete_model_package(ModelPackageName=package)
    succeeded(models.destroy())
    assert left(cloud) == before


def served(cloud: Cloud, endpoint: str) -> dict[str, Any]:
    """Describe the container behind an endpoint of one variant."""
    sagemaker = cloud.client("sagemaker")
    configuration = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    assert variant["InstanceType"] == "ml.g5.2xlarge"
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 40 * 60
    container: dict[str, Any] = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
    return container


def test_team_access(stack_of: StackOf, cloud: Cloud) -> None:
    before = cloud.everything()
    owner, team = stack_of("examples/team_access/owner"), stack_of("examples/team_access/team")
    succeeded(owner.up())
    team.configure(owner_stack="organization/features-owner/dev")
    shared = cloud.everything()
    assert set(succeeded(team.up()).counts) == {"create"}
    assert shown(team.up()) == []
    assert_the_rights_of_the_ranking_team(cloud, owner)
    succeeded(team.destroy())
    assert left(cloud) == shared
    succeeded(owner.destroy())
    assert left(cloud) == before


def assert_the_rights_of_the_ranking_team(cloud: Cloud, owner: Stack) -> None:
    """Ask of each action on each thing whether the team may do it, and of the trust who may act as the team."""
    role = cloud.client("iam").get_role(RoleName=TEAM)["Role"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    issuer = "token.actions.githubusercontent.com"
    told = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "repo:acme/ranker:ref:refs/heads/main"}
    assert trust["Condition"] == {"StringEquals": told}

    groups = {name: owner.outputs()[name]["address"]["arn"] for name in ("profile", "ranks")}
    may = {
        action: [name for name, arn in groups.items() if cloud.allows(TEAM, f"sagemaker:{action}", arn)]
        for action in ("GetRecord", "BatchGetRecord", "PutRecord", "DeleteRecord", "DeleteFeatureGroup")
    }
    assert may == {
        "GetRecord": ["profile"],
        "BatchGetRecord": ["profile"],
        "PutRecord": ["ranks"],
        "DeleteRecord": [],
        "DeleteFeatureGroup": [],
    }
    offline = cloud.client("sagemaker").describe_feature_group(FeatureGroupName="market-dev-profile")
    rows = offline["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"].replace("s3://", "arn:aws:s3:::")
    assert cloud.allows(TEAM, "s3:GetObject", f"{rows}/year=2026/rows.parquet")
    assert not cloud.allows(TEAM, "s3:GetObject", f"{rows}/year=2026/rows.parquet".replace("-profile-", "-ranks-"))
    longer = re.sub(r"profile-(\d+)", r"profile-eu-\1", rows)
    assert longer != rows
    assert not cloud.allows(TEAM, "s3:GetObject", f"{longer}/year=2026/rows.parquet")
    assert not cloud.allows(TEAM, "s3:PutObject", f"{rows}/year=2026/rows.parquet")
    assert not cloud.allows(TEAM, "s3:DeleteObject", f"{rows}/year=2026/rows.parquet")
    tables = {name: TABLE.format(name) for name in groups}
    assert [name for name, arn in tables.items() if cloud.allows(TEAM, "glue:GetTable", arn)] == ["profile"]
    key = owner.outputs()["platform"]["address"]["key"]
    assert cloud.allows(TEAM, "kms:GenerateDataKey", key, **{"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not cloud.allows(TEAM, "kms:GenerateDataKey", key)
    assert not cloud.allows(TEAM, "kms:ScheduleKeyDeletion", key)
    assert not cloud.allows(TEAM, "iam:PassRole", role["Arn"])


KEYS = ("wandb-0123456789-not-in-any-state", "wandb-9876543210-not-in-any-state")


def nowhere(stack: Stack, said: list[str], *keys: str) -> None:
    """Find no key in clear: in nothing that was said, in no file of the stack, in no file of the sandbox's state."""
    files = [path for folder in (stack.folder, stack.sandbox.home / "state") for path in folder.rglob("*")]
    for key in keys:
        for text in (key, base64.b64encode(key.encode()).decode()):
            assert [words[:200] for words in said if text in words] == []
            assert [path for path in files if path.is_file() and text.encode() in path.read_bytes()] == []


def test_tracked_by_wandb(stack_of: StackOf, cloud: Cloud) -> None:
    """A key is rotated in place, read by who records and by nobody else, and found nowhere in clear."""
    before, stack = cloud.everything(), stack_of("examples/tracked_by_wandb")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = f"http://127.0.0.1:{listening.getsockname()[1]}"
    stack.configure(wandb_url=nobody)
    stack.configure_secret("wandb_api_key", KEYS[0])
    said = [succeeded(stack.preview("--diff")).output]
    assert f"wandb.base_url: {nobody} does not answer from here" in said[0]
    made = succeeded(stack.up("--diff"))
    assert set(made.counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    found = stack.outputs()
    secret, app = found["tracker"]["keys"]["WANDB_API_KEY"]["address"]["id"], found["audits"]["address"]["arn"]
    assert start.known(secret)
    assert found["tracker"]["environment"] == {
        "WANDB_ENTITY": "acme",
        "WANDB_PROJECT": "defects",
        "WANDB_BASE_URL": nobody,
    }

    def value() -> str:
        asked = cloud.acting_as("vision-dev-trainer-identity", "secretsmanager")
        return str(asked.get_secret_value(SecretId=secret)["SecretString"])

    assert value() == KEYS[0]
    stack.configure_secret("wandb_api_key", KEYS[1])
    rotated = stack.up("--diff")
    assert {step.split()[1] for step in shown(rotated)} == {"SecretVersion"}
    assert shown(stack.up()) == []
    assert value() == KEYS[1]
    theirs = cloud.acting_as("vision-dev-auditor-identity", "secretsmanager")
    with pytest.raises(ClientError, match="AccessDenied"):
        theirs.get_secret_value(SecretId=secret)
    sagemaker = cloud.acting_as("vision-dev-auditor-identity", "sagemaker")
    assert sagemaker.describe_mlflow_app(Arn=app)["Status"] == "Created"
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.acting_as("vision-dev-trainer-identity", "sagemaker").describe_mlflow_app(Arn=app)
    with pytest.raises(ClientError, match="AccessDenied"):
        sagemaker.delete_mlflow_app(Arn=app)
    said += [made.output, rotated.output, stack.export(), json.dumps(stack.outputs())]
    nowhere(stack, said, *KEYS)
    succeeded(stack.destroy())
    assert left(cloud) == before


def test_tracked_by_clearml(stack_of: StackOf, cloud: Cloud) -> None:
    before, stack = cloud.everything(), stack_of("examples/tracked_by_clearml", "aws")
    stack.configure(**{name: f"http://127.0.0.1:{port}" for port, name in enumerate(("api", "web", "files"), 9)})
    for name, key in zip(("access_key", "secret_key"), KEYS, strict=True):
        stack.configure_secret(name, key)
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    found = stack.outputs()["tracker"]["keys"]
    asked = cloud.acting_as("search-dev-trainer-identity", "secretsmanager")
    values = [asked.get_secret_value(SecretId=key["address"]["id"])["SecretString"] for key in found.values()]
    assert sorted(values) == sorted(KEYS)
    bucket = stack.outputs()["clicks"].removeprefix("s3://").rstrip("/")
    for who, may in (("etl", True), ("trainer", False)):
        theirs = cloud.acting_as(f"search-dev-{who}-identity", "secretsmanager")
        assert theirs.get_secret_value(SecretId=next(iter(found.values()))["address"]["id"])["SecretString"] in KEYS
        assert cloud.allows(f"search-dev-{who}-identity", "s3:PutObject", f"arn:aws:s3:::{bucket}/a.parquet") is may
    nowhere(stack, [stack.export(), json.dumps(stack.outputs())], *KEYS)
    succeeded(stack.destroy())
    assert left(cloud) == before


def left(cloud: Cloud) -> dict[str, list[str]]:
    """List what is there, without what AWS itself keeps for a while."""
    return {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind}


def test_every_example_is_tested_here() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    here = {"feature_store", "existing_model", "shared_platform", "adopt_existing", "language_model", "team_access"}
    here |= {"two_regions", "bank", "gpu_training", "tracked_by_wandb", "tracked_by_clearml", "fine_tuning"}
    there = {"model_on_kubernetes", "bring_your_own", "two_platforms", "adopt_on_kubernetes"}
    elsewhere = {"existing_workspace", "two_workspaces", "datasets", "batch_scoring", "ci", "closed_loop"}
    assert folders == here | there | elsewhere, (
        "test_examples_kubernetes.py, test_examples_azure.py, test_datasets.py, test_batch.py, test_ci.py, "
        "test_closed_loop.py"
    )
    for folder in folders:
        programs = (ROOT / "examples" / folder).rglob("__main__.py")
        assert 15 <= sum(len(program.read_text().splitlines()) for program in programs) <= 50, folder
