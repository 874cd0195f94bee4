"""Write down what a deploying identity needs on AWS, noun by noun: what a program's calls in the sandbox ask for.

`python tools/generate_rights.py` runs a program in the sandbox that grows and shrinks noun by noun, and writes
`docs/rights/aws/<noun>.json`, policies with variables for `envsubst`. It takes some minutes;
`tests/e2e/test_deploy_role_aws.py` runs `stacks/aws` with exactly the result. What Pulumi's own provider asks for
beyond the stand-in is in `READ_BACK`.
"""

import json
import re
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "rights" / "aws"
PROGRAM = '''"""A program that grows noun by noun."""

import pulumi
import pulumi_mlops as mlops

config = pulumi.Config()
parts = config.require_object("parts")
tags = config.get_object("tags") or {}
platform = mlops.Platform(
    "hubname", backend="aws", stage="dev", tags=tags, images=["serve"], alerts=["ml@example.com"], monthly_budget=9,
    secrets={"token": "x"}, consumers=[{"account": "444455556666"}],
    network={"private": {}} if "Network" in parts else None,
)
store = group = score = model = None
if "FeatureGroup" in parts:
    store = mlops.FeatureStore("features", platform=platform)
    columns = {"id": "string", "at": "timestamp", **({"n": "integer"} if tags else {})}
    group = mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=columns, online={})
if "Model" in parts:
    registry = mlops.ModelRegistry(
        "models", platform=platform, approvers=[{"role": "lead"}],
        events={"ci": {"to": "arn:aws:sqs:us-east-1:123456789012:approved"}},
    )
    model = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"})
if "Endpoint" in parts:
    secrets = {"TOKEN": platform.secret("token")}
    score = mlops.Endpoint(
        "score", platform=platform, model={"image": platform.image("serve", "1")}, secrets=secrets,
        compute={"cpus": 4 if tags else 2, "memory_gb": 8}, capture_percent=5, invokers=[{"role": "app"}],
        scaling={"min": 1, "max": 2, "requests_per_replica": 9}, health={"latency_ms": 100},
    )
    mlops.Endpoint("slow", platform=platform, model={"image": platform.image("serve", "1")},
                   mode={"asynchronous": {}}, scaling={"min": 0, "max": 2, "requests_per_replica": 9})
if "Identity" in parts:
    mlops.Identity("team", platform=platform, secrets=[platform.secret("token")],
                   trusts={"role": "arn:aws:iam::444455556666:role/ci"}, tags=tags)
'''
NOUNS = ("Platform", "Network", "FeatureGroup", "Model", "Endpoint", "Identity")
READ_BACK = {
    "s3": "GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLogging GetBucketObjectLockConfiguration "
    "GetBucketPolicy GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite "
    "GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration PutBucketTagging",
    "kms": "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags EnableKeyRotation TagResource UntagResource "
    "UpdateKeyDescription PutKeyPolicy",
    "logs": "ListTagsForResource TagResource UntagResource PutRetentionPolicy AssociateKmsKey",
    "sns": "GetTopicAttributes SetTopicAttributes ListTagsForResource TagResource UntagResource",
    "ecr": "DescribeRepositories ListTagsForResource GetRepositoryPolicy GetLifecyclePolicy TagResource UntagResource "
    "PutImageScanningConfiguration PutImageTagMutability",
    "secretsmanager": "DescribeSecret GetResourcePolicy ListSecretVersionIds TagResource UntagResource UpdateSecret",
    "glue": "GetDatabase GetTags TagResource UntagResource UpdateDatabase",
    "events": "DescribeRule ListTagsForResource ListTargetsByRule TagResource UntagResource",
    "cloudwatch": "DescribeAlarms ListTagsForResource TagResource UntagResource",
    "sagemaker": "ListTags AddTags DeleteTags",
    "budgets": "ListTagsForResource TagResource UntagResource ViewBudget ModifyBudget",
}
"""What Pulumi's provider reads back and sets beyond the stand-in, on the resources that a noun has of a service anyway:
the read functions of terraform-provider-aws ask for each attribute, whether the program sets it or not."""
ROLES = (
    "GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole TagRole UntagRole "
    "UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
)
POLICIES = "GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion DeletePolicyVersion TagPolicy UntagPolicy"
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


def pattern(resource: str) -> str:
    """Turn a resource of the program into the pattern of any program's."""
    written = resource.replace("123456789012", "${account}").replace("us-east-1", "${region}")
    written = written.replace("arn:aws:", "arn:${partition}:", 1)
    if ":key/" in written:
        return re.sub(r":key/.*", ":key/*", written)
    if re.search(r":(model|endpoint-config|scalable-target)/", written):
        return re.sub(r":(model|endpoint-config|scalable-target)/.*", r":\1/*", written)
    if ":role/" in written and "hubname" not in written:
        return written.partition(":role/")[0] + ":role/${principal}"
    for name, variable in (("hubname_dev", "${platform}_${stage}"), ("hubname-dev", "${platform}-${stage}")):
        if name in written:
            start, _, rest = written.partition(name)
            return start + variable + (f"{rest[0]}*" if rest else "")
    return written


def collect() -> dict[str, set[tuple[str, str]]]:
    """Run the program, and note what each noun adds."""
    folder = Path(tempfile.mkdtemp())
    sandbox = Sandbox(folder / "sandbox")
    found: dict[str, set[tuple[str, str]]] = {noun: set() for noun in NOUNS}
    known: set[tuple[str, str]] = set()
    try:
        sandbox.up(planes=("aws",))
        url = next(status.url for status in sandbox.status() if status.name == "aws" and status.url)
        import boto3  # noqa: PLC0415 (as the program's look-ups do)

        def client(service: str) -> object:
            return boto3.client(  # type: ignore[call-overload]
                service,
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="x",
                aws_secret_access_key="x",  # noqa: S106
            )

        iam, sqs = client("iam"), client("sqs")
        trust = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
                ],
            }
        )
        for role in ("lead", "app"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)  # type: ignore[attr-defined]
        sqs.create_queue(QueueName="approved")  # type: ignore[attr-defined]
        before = needed(url)
        project = folder / "project"
        project.mkdir()
        (project / "Pulumi.yaml").write_text("name: rights\nruntime: python\n")
        (project / "__main__.py").write_text(PROGRAM)
        stack = Stack(sandbox, project, "dev")

        def run(noun: str, parts: tuple[str, ...], what: str = "up") -> None:
            stack.configure(parts=json.dumps(parts))
            done = getattr(stack, what)()
            if done.code:
                sys.exit(done.output)
            now = needed(url) - before
            found[noun] |= now - known
            known.update(now)
            sys.stdout.write(f"{what} {noun}: {len(found[noun])}\n")

        for index, noun in enumerate(NOUNS):
            run(noun, NOUNS[: index + 1])
        run("Identity", NOUNS, "refresh")
        stack.configure(tags=json.dumps({"team": "growth"}))
        run("Identity", NOUNS)
        for index in range(len(NOUNS) - 1, 0, -1):
            run(NOUNS[index], NOUNS[:index])
        run("Platform", NOUNS[:1], "destroy")
    finally:
        sandbox.down()
        shutil.rmtree(folder, ignore_errors=True)
    return found


def shared(found: dict[str, set[tuple[str, str]]]) -> dict[str, dict[str, list[str]]]:
    """Give each action to its noun; what changes or reads back all nouns at once, to the one with the resource."""
    made = {
        noun: {(action.split(":")[0], pattern(resource)) for action, resource in needs}
        for noun, needs in found.items()
        if noun != "Identity"
    }
    rights: dict[str, dict[str, list[str]]] = {}
    for noun, needs in found.items():
        for action, resource in needs:
            wanted = (action.split(":")[0], pattern(resource))
            home = next((one for one in made if wanted in made[one]), noun) if noun == "Identity" else noun
            home = noun if wanted[0] == "iam" else home
            rights.setdefault(home, {}).setdefault(action, []).append(pattern(resource))
    return rights


def read_back(noun: str, actions: dict[str, list[str]]) -> None:
    """Add what Pulumi's provider asks for."""
    of: dict[str, set[str]] = {}
    for action, resources in actions.items():
        of.setdefault(action.split(":")[0], set()).update(one for one in resources if one != "*")
    wanted = [(service, names, of.get(service, set())) for service, names in READ_BACK.items()]
    own = {one for one in of.get("iam", ()) if "${principal}" not in one}
    wanted += [("iam", ROLES, {one for one in own if ":role/" in one})]
    wanted += [("iam", POLICIES, {one for one in own if ":policy/" in one})]
    for service, names, resources in wanted:
        for name in names.split() if resources else ():
            actions.setdefault(f"{service}:{name}", []).extend(resources)
    if noun == "Network":
        actions |= {f"ec2:{name}": ["*"] for name in EC2_READS.split()}


def main() -> int:
    """Write the file."""
    rights = shared(collect())
    for noun, actions in rights.items():
        read_back(noun, actions)
    for name in LOOK_UPS.split():
        rights["Model"][f"sagemaker:{name}"] = [
            "arn:${partition}:sagemaker:${region}:${account}:model-package/${platform}-${stage}-*"
        ]
    rights["Endpoint"]["iam:CreateServiceLinkedRole"] = [
        "arn:${partition}:iam::${account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/*"
    ]
    OUT.mkdir(parents=True, exist_ok=True)
    for noun, actions in rights.items():
        (OUT / f"{noun.lower()}.json").write_text(json.dumps(document(actions), indent=2) + "\n")
    return 0


def document(actions: dict[str, list[str]]) -> dict[str, object]:
    """Write a policy: a statement for each set of resources."""
    together: dict[tuple[str, ...], list[str]] = {}
    for action, resources in sorted(actions.items()):
        wanted = set(resources)
        together.setdefault(("*",) if wanted == {"*"} else tuple(sorted(wanted - {"*"})), []).append(action)
    statements: list[dict[str, object]] = []
    for resources, names in sorted(together.items()):
        statement: dict[str, object] = {"Effect": "Allow", "Action": names, "Resource": list(resources)}
        if "iam:PassRole" in names:
            statement["Action"] = [name for name in names if name != "iam:PassRole"]
            to = {"iam:PassedToService": ["sagemaker.amazonaws.com", "vpc-flow-logs.amazonaws.com"]}
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
