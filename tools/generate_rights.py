"""Write down what a deploying identity needs on AWS, noun by noun: what a program's calls in the sandbox ask for.

`python tools/generate_rights.py` runs programs in the sandbox, one for each noun, each on a platform of another stack,
and writes `docs/rights/aws/<noun>.json`, policies with variables for `envsubst`. It takes some minutes. The tests of
the stacks and examples deploy with exactly the result (`tests/support/e2e/deploying.py`). What Pulumi's own provider
asks for beyond the stand-in is in `READ_BACK`.
"""

import json
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "rights" / "aws"
IMAGE = "123456789012.dkr.ecr.{}.amazonaws.com/{}/serve:1"
HEAD = '''"""A noun on a platform of another stack."""

import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
tags = config.get_object("tags") or {}
platform = mlops.Platform.from_stack("organization/platform/dev")
'''
PROGRAMS = {
    "Platform": '''"""The platform that all nouns are on."""

import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
tags = config.get_object("tags") or {}
platform = mlops.Platform(
    "hubname", backend="aws", stage="dev", tags=tags, images=["serve"], alerts=["ml@example.com"], monthly_budget=9,
    secrets={"token": "x"}, consumers=[{"account": "444455556666"}],
    network={"private": {}} if config.get("network") else None,
)
pulumi.export("platform", platform.ref.export())
''',
    "FeatureGroup": """
store = mlops.FeatureStore("features", platform=platform)
columns = {"id": "string", "at": "timestamp", **({"n": "integer"} if tags else {})}
group = mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=columns, online={},
                           tags=tags)
pulumi.export("profile", group.ref.export())
""",
    "Dataset": """
raw = mlops.Dataset.existing("raw", platform=platform, location="s3://existing-bucket/raw/")
columns = {"id": "string", **({"n": "integer"} if tags else {})}
rows = mlops.Dataset("rows", platform=platform, format="parquet", partition="day", columns=columns, parents=[raw],
                     tags=tags, retention_days=400, description="Rows" if tags else None)
pulumi.export("rows", rows.ref.export())
""",
    "Model": """
registry = mlops.ModelRegistry(
    "models", platform=platform, approvers=[{"role": "lead"}], tags=tags,
    events={"ci": {"to": "arn:aws:sqs:us-east-1:123456789012:approved"}},
)
model = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, tags=tags)
pulumi.export("churn", model.ref.export())
""",
    "Endpoint": """
profile = mlops.FeatureGroup.from_stack("organization/featuregroup/dev", "profile")
image = platform.image("serve", "1")
score = mlops.Endpoint(
    "score", platform=platform, model={"image": image}, secrets={"TOKEN": platform.secret("token")}, tags=tags,
    compute={"cpus": 4 if tags else 2, "memory_gb": 8}, capture_percent=5, invokers=[{"role": "app"}],
    scaling={"min": 1, "max": 2, "requests_per_replica": 9}, health={"latency_ms": 100}, reads=[profile.online],
)
mlops.Endpoint("slow", platform=platform, model={"image": image}, mode={"asynchronous": {}}, tags=tags,
               scaling={"min": 0, "max": 2, "requests_per_replica": 9})
pulumi.export("score", score.ref.export())
""",
    "Identity": """
mlops.Identity("team", platform=platform, secrets=[platform.secret("token")], tags=tags,
               trusts={"role": "arn:aws:iam::444455556666:role/ci"})
""",
    "TrainingCluster": """
many = 2 if tags else 1
mlops.TrainingCluster("gpus", platform=platform, nodes={"min": many, "max": many}, tags=tags,
                      persistent={"setup": "#!/bin/bash\\n" + ("exit\\n" if tags else "")})
""",
    "Pipeline": """
churn = mlops.Model.from_stack("organization/model/dev", "churn")
image = platform.image("serve", "1")
rows = mlops.prepare(image=image, command=["rows"], outputs=["x"], secrets={"token": platform.secret("token")})
fit = mlops.train(image=image, command=["fit", *tags], inputs={"x": rows.out("x")})
best = mlops.tune(fit, maximize="auc", trials=2, over={"depth": {"choice": [4, 6]}})
register = mlops.register(churn, best.out("model"), image=image, when=best.metric("auc") >= 0.9)
retrain = mlops.Pipeline(
    "retrain", platform=platform, steps={"rows": rows, "tune": best, "register": register}, tags=tags,
    schedule={"cron": "0 4 * * *" if tags else "0 3 * * *"}, triggers=[{"alarm": "lag"}], overlap="skip",
)
mlops.Monitor(
    "drift", endpoint=mlops.Endpoint.from_stack("organization/endpoint/dev", "score"), image=image, tags=tags,
    baseline=mlops.Dataset.from_stack("organization/dataset/dev", "rows").latest(), on_breach={"run": retrain},
    signals=[{"kind": "data_drift", "threshold": 0.3 if tags else 0.2}],
)
""",
    "Existing": """
profile = mlops.FeatureGroup.existing("profile", platform=platform, called="existing-feature-group", keys=["id"])
churn = mlops.Model.existing("churn", platform=platform, called="existing-model", files="s3://existing-bucket/churn/")
score = mlops.Endpoint.existing("first", platform=platform, called="existing-endpoint")
mlops.Identity.existing("app", platform=platform, called="existing-role")
mlops.Identity("job", platform=platform, reads=[profile.online], invokes=[score],
               trusts={"role": "arn:aws:iam::123456789012:role/existing-role"})
mlops.Endpoint("served", platform=platform, model=churn.approved())
""",
    "Copies": """
model = mlops.Model.from_stack("organization/model/dev", "churn")
far = mlops.Platform("hubname", backend="aws", stage="dev", region="eu-west-1", images=["serve"])
mlops.Endpoint("away", platform=far, model=model.approved(), serve={"image": far.image("serve", "1")})
""",
}
"""What is run, in this order; a document is made of each."""
SETS = ({"tags": json.dumps({"team": "growth"})},)
"""What is changed of each, but of those that make nothing of their own."""
ELSEWHERE = ("Existing", "Copies")
READ_BACK = {
    "s3:CreateBucket": "GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLogging "
    "GetBucketObjectLockConfiguration GetBucketPolicy GetBucketRequestPayment GetBucketTagging GetBucketVersioning "
    "GetBucketWebsite GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration "
    "PutBucketTagging",
    "ec2:CreateTags": "DeleteTags",
    "s3:PutObject": "GetObjectTagging DeleteObject",  # the latter where a bucket keeps no versions
    "kms:CreateKey": "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags EnableKeyRotation TagResource "
    "UntagResource UpdateKeyDescription PutKeyPolicy",
    "logs:CreateLogGroup": "ListTagsForResource TagResource UntagResource PutRetentionPolicy AssociateKmsKey",
    "sns:CreateTopic": "GetTopicAttributes SetTopicAttributes ListTagsForResource TagResource UntagResource",
    "ecr:CreateRepository": "DescribeRepositories ListTagsForResource GetRepositoryPolicy GetLifecyclePolicy "
    "TagResource UntagResource PutImageScanningConfiguration PutImageTagMutability",
    "secretsmanager:CreateSecret": "DescribeSecret GetResourcePolicy ListSecretVersionIds TagResource UntagResource "
    "UpdateSecret",
    "glue:CreateDatabase": "GetDatabase GetTags TagResource UntagResource UpdateDatabase",
    "glue:CreateTable": "GetTable GetPartitionIndexes UpdateTable",
    "events:PutRule": "DescribeRule ListTagsForResource ListTargetsByRule TagResource UntagResource",
    "cloudwatch:PutMetricAlarm": "DescribeAlarms ListTagsForResource TagResource UntagResource",
    "application-autoscaling:RegisterScalableTarget": "ListTagsForResource TagResource UntagResource",
    "sagemaker:Create": "ListTags AddTags DeleteTags",
    "scheduler:CreateSchedule": "GetSchedule UpdateSchedule",
    "states:CreateStateMachine": "TagResource UntagResource UpdateStateMachine",
    "budgets:ModifyBudget": "ListTagsForResource TagResource UntagResource ViewBudget ModifyBudget",
    "iam:CreateRole": "GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole "
    "TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
    "iam:CreatePolicy": "GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion DeletePolicyVersion "
    "TagPolicy UntagPolicy",
}
"""What Pulumi's provider reads back and sets beyond the stand-in, of what a noun makes, by the beginning of the action
that makes it: terraform-provider-aws reads each attribute, whether the program sets it or not."""
PASSED, STARTERS = ("sagemaker", "vpc-flow-logs"), ("events", "scheduler", "states")
"""To which services roles are passed: those of every noun, and those that start pipelines."""
GROWING = ("Identity", "Endpoint", "Pipeline")
"""Nouns whose roles have a right for each thing that they name: what one role cannot hold is in policies beside it."""
POLICIES = (
    "AttachRolePolicy CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion DetachRolePolicy GetPolicy "
    "GetPolicyVersion ListPolicyTags ListPolicyVersions TagPolicy UntagPolicy"
)
LOOK_UPS = "DescribeModelPackage ListModelPackages"
"""What the library asks about versions of models (`model.approved()`)."""
EC2_READS = (
    "DescribeAvailabilityZones DescribeFlowLogs DescribeNetworkAcls DescribeNetworkInterfaces DescribePrefixLists "
    "DescribeRouteTables DescribeSecurityGroupRules DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute "
    "DescribeVpcEndpointServices DescribeVpcEndpoints DescribeVpcs"
)


def needed(url: str) -> set[tuple[str, str]]:
    """Ask the sandbox which actions and resources were needed so far."""
    with urllib.request.urlopen(f"{url}/_sandbox/needs") as answer:  # noqa: S310 (localhost)
        return {(action, resource) for action, resource in json.load(answer)}


def forget(url: str) -> None:
    """Have the sandbox begin anew with what was needed."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/_sandbox/needs", method="DELETE")).close()  # noqa: S310


def pattern(resource: str) -> str:
    """Turn a resource of the programs into the pattern of any program's."""
    written = resource.replace("123456789012", "${account}")
    written = re.sub("us-east-1|eu-west-1", "${region}", written).replace("arn:aws:", "arn:${partition}:", 1)
    if found := re.search(r"existing-(bucket|feature-group|model|endpoint|role)", written):
        inside = "/*" if "/" in written[found.end() :] else ""
        return written[: found.start()] + f"${{{found[0].replace('-', '_')}}}" + inside
    if ":key/" in written:
        return re.sub(r":key/.*", ":key/*", written)
    if re.search(r":(model|endpoint-config|scalable-target|cluster)/", written):
        return re.sub(r":(model|endpoint-config|scalable-target|cluster)/.*", r":\1/*", written)
    if ":role/" in written and "hubname" not in written:
        return written.partition(":role/")[0] + ":role/${principal}"
    for name, variable in (("hubname_dev", "${platform}_${stage}"), ("hubname-dev", "${platform}-${stage}")):
        if name in written:
            start, _, rest = written.partition(name)
            inside = "/*" if ":s3:" in start and "/" in rest else ""
            return start + variable + (f"{rest[0]}*" if rest else "") + inside
    return written


def prepare(client: Any) -> None:
    """Make what the programs find: a queue, roles, and what exists already."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for role in ("lead", "app", "existing-role"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=document)
    client("sqs").create_queue(QueueName="approved")
    sagemaker, role = client("sagemaker"), "arn:aws:iam::123456789012:role/existing-role"
    client("s3").create_bucket(Bucket="existing-bucket")
    client("s3").put_object(Bucket="existing-bucket", Key="churn/1.tar.gz", Body=b"weights")
    client("ecr").create_repository(repositoryName="existing")
    sagemaker.create_feature_group(
        FeatureGroupName="existing-feature-group",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": name, "FeatureType": "String"} for name in ("id", "at")],
        OnlineStoreConfig={"EnableOnlineStore": True},
        RoleArn=role,
    )
    sagemaker.create_model_package_group(ModelPackageGroupName="existing-model")
    files = {
        "Image": IMAGE.format("us-east-1", "existing").replace("/serve", ""),
        "ModelDataUrl": "s3://existing-bucket/churn/1.tar.gz",
    }
    register(sagemaker, "existing-model", files)
    sagemaker.create_model(ModelName="existing", PrimaryContainer=files, ExecutionRoleArn=role)
    variant = {"VariantName": "all", "ModelName": "existing", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="existing", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="existing-endpoint", EndpointConfigName="existing")


def register(sagemaker: Any, group: str, files: dict[str, str]) -> None:
    """Register an approved version."""
    sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"auc": "0.95"},
        InferenceSpecification={
            "Containers": [files], "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"],
        },
    )  # fmt: skip


def collect() -> dict[str, set[tuple[str, str]]]:
    """Run the programs, and note what each needs."""
    folder = Path(tempfile.mkdtemp())
    sandbox = Sandbox(folder / "sandbox")
    found: dict[str, set[tuple[str, str]]] = {noun: set() for noun in (*PROGRAMS, "Network")}
    try:
        sandbox.up(planes=("aws",))
        url = next(status.url for status in sandbox.status() if status.name == "aws" and status.url)

        def client(service: str) -> Any:
            own = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
            return boto3.client(service, endpoint_url=url, region_name="us-east-1", **own)  # type: ignore[call-overload]

        prepare(client)

        def run(noun: str, stack: Stack, what: str = "up") -> None:
            forget(url)
            done = getattr(stack, what)()
            if done.code:
                sys.exit(done.output)
            found[noun] |= needed(url)
            sys.stdout.write(f"{what} {noun}: {len(found[noun])}\n")
            sys.stdout.flush()

        stacks = {noun: written(folder, sandbox, noun) for noun in PROGRAMS}
        for noun, stack in stacks.items():
            if noun == "Copies":
                bucket = "hubname-dev-artifacts-123456789012-us-east-1"
                client("s3").put_object(Bucket=bucket, Key="models/churn/1.tar.gz", Body=b"weights")
                image = IMAGE.format("us-east-1", "hubname-dev")
                files = {"Image": image, "ModelDataUrl": f"s3://{bucket}/models/churn/1.tar.gz"}
                register(client("sagemaker"), "hubname-dev-models-churn", files)
            run(noun, stack)
            if noun not in ELSEWHERE:
                stack.configure(tags=json.dumps({"team": "growth"}))
                run(noun, stack)
                run(noun, stack, "refresh")
        packages = client("sagemaker").list_model_packages(ModelPackageGroupName="hubname-dev-models-churn")
        hub = stacks.pop("Platform")
        client("s3").put_object(Bucket="hubname-dev-rows-123456789012-us-east-1", Key="dt=2026-11-30/a", Body=b"rows")
        for noun in reversed(stacks):
            if noun == "Model":
                for package in packages["ModelPackageSummaryList"]:
                    client("sagemaker").delete_model_package(ModelPackageName=package["ModelPackageArn"])
            run(noun, stacks[noun], "destroy")
        hub.configure(network="yes")
        run("Network", hub)
        run("Network", hub, "refresh")
        client("s3").delete_object(Bucket="hubname-dev-artifacts-123456789012-us-east-1", Key="models/churn/1.tar.gz")
        run("Network", hub, "destroy")
        found["Platform"] |= {need for need in found["Network"] if not of_the_network(need)}
        found["Network"] = {need for need in found["Network"] if of_the_network(need)}
    finally:
        sandbox.down()
        shutil.rmtree(folder, ignore_errors=True)
    return found


def of_the_network(need: tuple[str, str]) -> bool:
    """Whether something is needed for the network and its flow logs, and not for the platform around it."""
    action, resource = need
    return action.startswith("ec2:") or (action.startswith("iam:") and "flow" in resource)


def written(folder: Path, sandbox: Sandbox, noun: str) -> Stack:
    """Write a program."""
    project = folder / noun.lower()
    project.mkdir()
    (project / "Pulumi.yaml").write_text(f"name: {noun.lower()}\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAMS[noun] if noun == "Platform" else HEAD + PROGRAMS[noun])
    return Stack(sandbox, project, "dev")


def read_back(actions: dict[str, list[str]]) -> None:
    """Add what Pulumi's provider asks for of what is made here."""
    for maker, names in READ_BACK.items():
        service = maker.partition(":")[0]
        made = [one for action, several in actions.items() if action.startswith(maker) for one in several]
        own = {one for one in made if one != "*"}
        if made and not own:  # its name is not known before
            all_of = [one for action, several in actions.items() if action.startswith(f"{service}:") for one in several]
            own = {*all_of} - {"*"}
        if maker == "iam:CreatePolicy":
            own = {one for one in own if ":policy/" in one}
        for name in names.split() if own else ():
            actions.setdefault(f"{service}:{name}", []).extend(own)


def of_others(noun: str, needs: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Leave out what a program of `ELSEWHERE` needs for what it makes itself, which the other documents have."""
    for action, resource in needs:
        if noun == "Existing" and ("existing" in resource):
            yield action, resource
        elif noun == "Copies" and action.startswith("s3:") and re.search("/(copied|models)/", resource):
            where = (
                "arn:aws:s3:::${files}" if "/models/" in resource else "arn:aws:s3:::${platform}-${stage}-*/copied/*"
            )
            yield action, where
        elif noun not in ELSEWHERE:
            yield action, resource


def main() -> int:
    """Write the files."""
    rights: dict[str, dict[str, list[str]]] = {}
    for noun, needs in collect().items():
        actions = rights.setdefault(noun, {})
        for action, resource in of_others(noun, needs):
            actions.setdefault(action, []).append(pattern(resource))
        read_back(actions)
    rights["Network"] |= {f"ec2:{name}": ["*"] for name in EC2_READS.split()}
    for name in LOOK_UPS.split():
        rights["Model"][f"sagemaker:{name}"] = [
            "arn:${partition}:sagemaker:${region}:${account}:model-package/${platform}-${stage}-*"
        ]
    for noun in GROWING:
        for name in POLICIES.split():
            where = "role" if name.endswith("RolePolicy") else "policy"
            own = "arn:${partition}:iam::${account}:" + where + "/${platform}-${stage}-*"
            rights[noun].setdefault(f"iam:{name}", []).append(own)
    rights["Endpoint"]["iam:CreateServiceLinkedRole"] = [
        "arn:${partition}:iam::${account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/*"
    ]
    OUT.mkdir(parents=True, exist_ok=True)
    for noun, actions in rights.items():
        services = [*PASSED, *STARTERS] if noun == "Pipeline" else PASSED
        (OUT / f"{noun.lower()}.json").write_text(json.dumps(document(actions, services), indent=2) + "\n")
    return 0


def document(actions: dict[str, list[str]], services: Sequence[str]) -> dict[str, object]:
    """Write a policy: a statement for each set of resources.

    :param services: to which roles are passed.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for action, resources in sorted(actions.items()):
        wanted = set(resources)
        together.setdefault(("*",) if wanted == {"*"} else tuple(sorted(wanted - {"*"})), []).append(action)
    statements: list[dict[str, object]] = []
    for resources, names in sorted(together.items()):
        statement: dict[str, object] = {"Effect": "Allow", "Action": names, "Resource": list(resources)}
        if "iam:PassRole" in names:
            statement["Action"] = [name for name in names if name != "iam:PassRole"]
            to = {"iam:PassedToService": [f"{service}.amazonaws.com" for service in services]}
            passed = {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": list(resources)}
            statements.append({**passed, "Condition": {"StringEquals": to}})
        attaching = [name for name in names if name in {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}]
        if attaching:
            statement["Action"] = [name for name in names if name not in {*attaching, "iam:PassRole"}]
            ours = {"iam:PolicyARN": "arn:${partition}:iam::${account}:policy/${platform}-${stage}-*"}
            bound = {"Effect": "Allow", "Action": attaching, "Resource": list(resources)}
            statements.append({**bound, "Condition": {"ArnLike": ours}})
        if statement["Action"]:
            statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


if __name__ == "__main__":
    sys.exit(main())
