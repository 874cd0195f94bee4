"""Platform on AWS, as an engineer of that cloud would check it."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from support.mocks import ACCOUNT, REGION, Cloud

BUCKET = f"churn-dev-artifacts-{ACCOUNT}-{REGION}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:churn-key-0a1b2c3"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
CONSUMER = "999988887777"
READERS = [f"arn:aws:iam::{CONSUMER}:root"]


def make(cloud: Cloud, **args: Any) -> Any:
    def program() -> Any:
        return mlops.Platform("churn", **({"backend": "aws"} | args)).artifacts

    return cloud.run(program)


def statements(cloud: Cloud, kind: str, field: str = "policy") -> dict[str, Any]:
    return {statement["Sid"]: statement for statement in cloud.one(kind).document(field)["Statement"]}


def test_the_key_leaves_it_to_iam(cloud: Cloud) -> None:
    make(cloud)
    key = cloud.one("kms/key")
    assert key.inputs["enableKeyRotation"] is True
    found = statements(cloud, "kms/key")
    assert found["IamDecides"] == {
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": ["kms:*"],
        "Resource": "*",
        "Sid": "IamDecides",
    }
    others = [statement for sid, statement in found.items() if sid != "IamDecides"]
    assert all(set(statement["Principal"]) == {"Service"} for statement in others)
    assert all(statement["Condition"] for statement in others)
    assert not any(action in ("*", "kms:*") for statement in others for action in statement["Action"])
    assert cloud.one("kms/alias").inputs["name"] == "alias/churn-dev"


def test_the_bucket_is_closed_versioned_and_encrypted(cloud: Cloud) -> None:
    assert make(cloud) == f"s3://{BUCKET}/"
    assert cloud.one("s3/bucket").inputs["bucket"] == BUCKET
    parts = {
        "s3/bucketPublicAccessBlock": {
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        "s3/bucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "s3/bucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
        "s3/bucketServerSideEncryptionConfiguration": {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
                    "bucketKeyEnabled": True,
                }
            ]
        },
    }
    for kind, wanted in parts.items():
        assert cloud.one(kind).inputs == {"bucket": BUCKET, **wanted}
    (rule,) = cloud.one("s3/bucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 7}
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert "expiration" not in rule


def test_the_bucket_takes_tls_only(cloud: Cloud) -> None:
    make(cloud)
    (found,) = statements(cloud, "s3/bucketPolicy").values()
    assert (found["Effect"], found["Principal"], found["Action"]) == ("Deny", "*", "s3:*")
    assert found["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert [resource.endswith("/*") for resource in found["Resource"]] == [False, True]
    assert "churn-closed" in cloud.one("s3/bucketPolicy").depends_on


@pytest.mark.parametrize(
    ("stage", "protects", "days"),
    [("dev", False, (7, 0, 14, 7)), ("staging", False, (7, 7, 30, 30)), ("prod", True, (30, 30, 365, 90))],
)
def test_a_stage_is_a_profile(cloud: Cloud, stage: Any, protects: bool, days: tuple[int, ...]) -> None:
    window, secrets, logs, versions = days
    make(cloud, stage=stage, images=["churn"], secrets={"tok": "x"})
    holders = ["kms/key", "s3/bucket", "ecr/repository", "secretsmanager/secret"]
    assert {cloud.one(kind).protect for kind in holders} == {protects}
    assert {kind for kind in cloud.kinds if any(found.protect for found in cloud.all(kind))} == {
        *(holders if protects else [])
    }
    assert cloud.one("s3/bucket").inputs["forceDestroy"] is not protects
    assert cloud.one("ecr/repository").inputs["forceDelete"] is not protects
    assert cloud.one("kms/key").inputs["deletionWindowInDays"] == window
    assert cloud.one("secretsmanager/secret").inputs["recoveryWindowInDays"] == secrets
    assert cloud.one("cloudwatch/logGroup").inputs["retentionInDays"] == logs
    (rule,) = cloud.one("s3/bucketLifecycleConfiguration").inputs["rules"]
    assert rule["noncurrentVersionExpiration"]["noncurrentDays"] == versions


def test_repositories(cloud: Cloud) -> None:
    make(cloud, images=["churn", "drift"])
    assert {found.inputs["name"] for found in cloud.all("ecr/repository")} == {"churn-dev/churn", "churn-dev/drift"}
    inputs = cloud.one("ecr/repository", "churn-image-churn").inputs
    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert inputs["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
    (rule,) = cloud.one("ecr/lifecyclePolicy", "churn-image-churn-lifecycle").document("policy")["rules"]
    assert (rule["selection"]["tagStatus"], rule["action"]) == ("untagged", {"type": "expire"})
    assert "ecr/repositoryPolicy" not in cloud.kinds


def test_alerts_and_budget(cloud: Cloud) -> None:
    make(cloud, alerts=["ml@example.com", "ops@example.com"], monthly_budget=2000, budget_thresholds=[50, 100])
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:churn-dev-alerts-ae1fb6"
    assert cloud.one("sns/topic").inputs["kmsMasterKeyId"] == KEY
    mails = [(found.inputs["topic"], found.inputs["protocol"]) for found in cloud.all("sns/topicSubscription")]
    assert mails == [(topic, "email")] * 2
    assert {found.inputs["endpoint"] for found in cloud.all("sns/topicSubscription")} == {
        "ml@example.com",
        "ops@example.com",
    }
    budget = cloud.one("budgets/budget").inputs
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("2000", "USD", "MONTHLY")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:project$churn"]}]
    notices = [(notice["notificationType"], notice["threshold"]) for notice in budget["notifications"]]
    assert notices == [("ACTUAL", 50), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert all(notice["subscriberSnsTopicArns"] == [topic] for notice in budget["notifications"])
    own = statements(cloud, "sns/topicPolicy")["OwnAlarms"]
    assert own["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert own["Resource"] == topic


def test_secrets_are_secret_and_nowhere_in_clear(cloud: Cloud) -> None:
    make(cloud, secrets={"hub-token": "hunter2"})
    assert cloud.one("secretsmanager/secret").inputs["name"] == "churn-dev/hub-token"
    assert cloud.one("secretsmanager/secret").inputs["kmsKeyId"] == KEY
    value = cloud.one("secretsmanager/secretVersion")
    assert value.inputs["secretString"] == "hunter2"
    assert value.secret == {"secretString"}
    assert not [found.name for found in cloud.registered if found is not value and "hunter2" in str(found)]
    assert "hunter2" not in str(cloud.outputs)


def test_consumers_are_in_every_policy(cloud: Cloud) -> None:
    make(cloud, consumers=[{"account": CONSUMER}], images=["churn"])
    granted = {
        "kms/key": ["kms:Decrypt", "kms:DescribeKey"],
        "s3/bucketPolicy": ["s3:GetObject", "s3:GetObjectVersion"],
        "ecr/repositoryPolicy": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"],
    }
    for kind, actions in granted.items():
        found = statements(cloud, kind)["Consumers"]
        assert (found["Action"], found["Principal"]) == (actions, {"AWS": READERS})


@pytest.mark.parametrize(
    ("part", "value", "absent"),
    [
        ("artifacts", "theirs", {"s3/bucket", "s3/bucketPolicy", "s3/bucketVersioning"}),
        ("key", "arn:aws:kms:us-east-1:1:key/theirs", {"kms/key", "kms/alias"}),
        ("alerts", "arn:aws:sns:us-east-1:1:theirs", {"sns/topic", "sns/topicPolicy"}),
    ],
)
def test_what_is_there_is_used_and_not_made_again(cloud: Cloud, part: str, value: str, absent: set[str]) -> None:
    make(cloud, existing={part: value}, alerts=["ml@example.com"], images=["churn"])
    assert not absent & cloud.kinds
    using = {
        "artifacts": lambda: cloud.outputs["churn"]["artifacts"],
        "key": lambda: cloud.one("cloudwatch/logGroup").inputs["kmsKeyId"],
        "alerts": lambda: cloud.one("sns/topicSubscription").inputs["topic"],
    }
    assert using[part]() in (value, f"s3://{value}/")


def test_the_log_group_keeps_what_it_is_told_to(cloud: Cloud) -> None:
    make(cloud, log_days=90)
    logs = cloud.one("cloudwatch/logGroup").inputs
    assert (logs["name"], logs["retentionInDays"], logs["kmsKeyId"]) == ("/mlops/churn-dev", 90, KEY)


def test_no_network_unless_asked(cloud: Cloud) -> None:
    make(cloud)
    assert not {kind for kind in cloud.kinds if kind.startswith(("ec2/", "vpc/"))}


def test_an_existing_network_is_used(cloud: Cloud) -> None:
    def program() -> Any:
        network = {"existing": {"subnets": ["subnet-9"], "security_groups": ["sg-9"]}}
        return mlops.Platform("churn", backend="aws", network=network).ref.address["subnets"]  # type: ignore[arg-type]

    assert cloud.run(program) == ["subnet-9"]
    assert not {kind for kind in cloud.kinds if kind.startswith(("ec2/", "vpc/"))}


def test_a_private_network_has_no_way_out(cloud: Cloud) -> None:
    make(cloud, network={"private": {"cidr": "10.1.0.0/16", "zones": 3}})
    network = {kind for kind in cloud.kinds if kind.startswith(("ec2/", "vpc/"))}
    assert network == {
        "ec2/vpc",
        "ec2/subnet",
        "ec2/routeTable",
        "ec2/routeTableAssociation",
        "ec2/securityGroup",
        "ec2/defaultSecurityGroup",
        "ec2/vpcEndpoint",
        "ec2/flowLog",
        "vpc/securityGroupIngressRule",
        "vpc/securityGroupEgressRule",
    }
    assert "routes" not in cloud.one("ec2/routeTable").inputs
    closed = cloud.one("ec2/defaultSecurityGroup").inputs
    assert (closed["ingress"], closed["egress"]) == ([], [])
    assert not any({"ingress", "egress"} & set(group.inputs) for group in cloud.all("ec2/securityGroup"))
    subnets = {(found.inputs["availabilityZone"], found.inputs["cidrBlock"]) for found in cloud.all("ec2/subnet")}
    assert subnets == {
        ("us-east-1a", "10.1.0.0/18"),
        ("us-east-1b", "10.1.64.0/18"),
        ("us-east-1c", "10.1.128.0/18"),
    }
    assert not any(found.inputs.get("mapPublicIpOnLaunch") for found in cloud.all("ec2/subnet"))


def test_security_groups_open_https_to_the_service_endpoints_only(cloud: Cloud) -> None:
    make(cloud, network={"private": {}})
    rules = cloud.all("vpc/securityGroupIngressRule") + cloud.all("vpc/securityGroupEgressRule")
    assert {(r.inputs["ipProtocol"], r.inputs["fromPort"], r.inputs["toPort"]) for r in rules} == {("tcp", 443, 443)}
    assert not any({"cidrIpv4", "cidrIpv6"} & set(rule.inputs) for rule in rules)
    ends = {
        rule.name: (
            rule.inputs["securityGroupId"],
            rule.inputs.get("referencedSecurityGroupId") or rule.inputs.get("prefixListId"),
        )
        for rule in rules
    }
    assert ends == {
        "churn-to-services": ("churn-workloads-id", "churn-services-id"),
        "churn-to-s3": ("churn-workloads-id", "pl-1"),
        "churn-from-workloads": ("churn-services-id", "churn-workloads-id"),
    }


def test_every_service_has_an_endpoint_inside(cloud: Cloud) -> None:
    make(cloud, network={"private": {}})
    inside = {found.inputs["serviceName"]: found.inputs for found in cloud.all("ec2/vpcEndpoint")}
    assert inside[f"com.amazonaws.{REGION}.s3"]["vpcEndpointType"] == "Gateway"
    assert inside[f"com.amazonaws.{REGION}.s3"]["routeTableIds"] == ["churn-routes-id"]
    interfaces = [inputs for name, inputs in inside.items() if not name.endswith(".s3")]
    assert {name.removeprefix(f"com.amazonaws.{REGION}.") for name in inside} >= {"sagemaker.api", "ecr.dkr", "kms"}
    assert all(
        inputs["privateDnsEnabled"] and inputs["securityGroupIds"] == ["churn-services-id"] for inputs in interfaces
    )
    flow = cloud.one("ec2/flowLog")
    assert flow.inputs["trafficType"] == "ALL"
    assert "churn-flow-rights" in flow.depends_on
