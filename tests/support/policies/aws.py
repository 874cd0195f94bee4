"""A good platform on AWS, of plain resources, and each way to break it."""

import json
from typing import Any

from support.policies import Bad, Edit, edited, lost, made, unprotected, with_one, without

TAGS = {"owner": "ml", "project": "churn"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn@sha256:" + "a" * 64


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, to: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": to, **more}


def trust(service: str) -> str:
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
OIDC = {
    "Effect": "Allow",
    "Principal": {"Federated": "arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
}
SUBJECT = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/ml:ref:refs/heads/main"}}
ISOLATED = {"enableNetworkIsolation": True, "enableInterContainerTrafficEncryption": True}
STEP = {"Name": "fit", "Type": "Training", "Arguments": {"StoppingCondition": {"MaxRuntimeInSeconds": 3600}}}
REGISTER = {"Name": "register", "Type": "RegisterModel", "Arguments": {"ModelApprovalStatus": "PendingManualApproval"}}
PASS = allow(
    "iam:PassRole",
    "arn:aws:iam::1:role/serve",
    Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
)
READS = allow(["sagemaker:GetRecord"], "arn:aws:sagemaker:us-east-1:1:feature-group/profile")
IDLE = {"appLifecycleManagement": {"idleSettings": {"idleTimeoutInMinutes": 60}}}
SHUT = dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True)

GOOD = made(
    ("aws:kms/key:Key", "key", {"enableKeyRotation": True, "deletionWindowInDays": 30, "tags": TAGS, "policy": document()}),
    ("aws:s3/bucket:Bucket", "files", {"bucket": "acme-files", "region": "us-east-1", "tags": TAGS}),
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "encryption", {"bucket": "acme-files", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}}]}),
    ("aws:s3/bucketPolicy:BucketPolicy", "tls", {"bucket": "acme-files", "policy": document(TLS)}),
    ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "closed", {"bucket": "acme-files", **SHUT}),
    ("aws:s3/bucketVersioning:BucketVersioning", "versions", {"bucket": "acme-files", "versioningConfiguration": {"status": "Enabled"}}),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "lifecycle", {"bucket": "acme-files", "rules": [{"id": "old", "status": "Enabled"}]}),
    ("aws:sns/topic:Topic", "alerts", {"name": "alerts", "kmsMasterKeyId": KEY, "tags": TAGS}),
    ("aws:sqs/queue:Queue", "approvals", {"name": "approvals", "sqsManagedSseEnabled": True}),
    ("aws:cloudwatch/logGroup:LogGroup", "logs", {"name": "/ml", "retentionInDays": 90, "kmsKeyId": KEY, "tags": TAGS}),
    ("aws:ecr/repository:Repository", "images", {"name": "churn", "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": True}, "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": KEY}], "tags": TAGS}),
    ("aws:iam/role:Role", "serve", {"name": "serve", "arn": "arn:aws:iam::1:role/serve", "assumeRolePolicy": trust("sagemaker.amazonaws.com"), "tags": TAGS}),
    ("aws:iam/role:Role", "train", {"name": "train", "arn": "arn:aws:iam::1:role/train", "assumeRolePolicy": document({**OIDC, "Condition": SUBJECT}), "tags": TAGS}),
    ("aws:iam/role:Role", "people", {"name": "people", "arn": "arn:aws:iam::1:role/people", "assumeRolePolicy": trust("sagemaker.amazonaws.com"), "tags": TAGS}),
    ("aws:iam/rolePolicy:RolePolicy", "serves", {"role": "serve", "policy": document(READS)}),
    ("aws:iam/rolePolicy:RolePolicy", "trains", {"role": "train", "policy": document(PASS, allow("sagemaker:CreateModelPackage", "arn:aws:sagemaker:us-east-1:1:model-package/churn/*"))}),
    ("aws:iam/rolePolicy:RolePolicy", "looks", {"role": "people", "policy": document(allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:1:secret:wandb"))}),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attached", {"role": "people", "policyArn": "arn:aws:iam::1:policy/looks"}),
    ("aws:secretsmanager/secret:Secret", "secret", {"name": "wandb", "recoveryWindowInDays": 30}),
    ("aws:sagemaker/featureGroup:FeatureGroup", "profile", {"featureGroupName": "profile", "onlineStoreConfig": {"enableOnlineStore": True, "ttlDuration": {"unit": "Days", "value": 3}, "securityConfig": {"kmsKeyId": KEY}}, "offlineStoreConfig": {"s3StorageConfig": {"s3Uri": "s3://acme-files/f", "kmsKeyId": KEY}}, "tags": TAGS}),
    ("aws:sagemaker/modelPackageGroup:ModelPackageGroup", "registry", {"modelPackageGroupName": "churn", "modelPackageGroupDescription": "Who leaves", "tags": TAGS}),
    ("aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy", "shared", {"modelPackageGroupName": "churn", "resourcePolicy": document({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::2:root"}, "Action": "sagemaker:DescribeModelPackage", "Resource": "*"})}),
    ("aws:sagemaker/model:Model", "model", {"name": "model", "executionRoleArn": "arn:aws:iam::1:role/serve", "vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]}, "primaryContainer": {"image": IMAGE, "modelDataUrl": "s3://acme-files/models/3/model.tar.gz", "environment": {"HUB_TOKEN": "arn:aws:secretsmanager:us-east-1:1:secret:hub"}}, "tags": TAGS}),
    ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "configuration", {"name": "configuration", "kmsKeyArn": KEY, "productionVariants": [{"variantName": "main", "modelName": "model", "initialInstanceCount": 2, "instanceType": "ml.m5.large"}], "dataCaptureConfig": {"enableCapture": True, "initialSamplingPercentage": 20, "kmsKeyId": KEY}, "tags": TAGS}),
    ("aws:sagemaker/endpoint:Endpoint", "endpoint", {"name": "score", "endpointConfigName": "configuration", "deploymentConfig": {"autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]}}, "tags": TAGS}),
    ("aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition", "quality", {"name": "quality", "dataQualityJobInput": {"endpointInput": {"endpointName": "score"}}, "networkConfig": ISOLATED}),
    ("aws:sagemaker/monitoringSchedule:MonitoringSchedule", "schedule", {"name": "hourly", "monitoringScheduleConfig": {"monitoringJobDefinitionName": "quality", "monitoringType": "DataQuality"}}),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "errors", {"name": "errors", "dimensions": {"EndpointName": "score"}, "alarmActions": ["arn:aws:sns:us-east-1:1:alerts"]}),
    ("aws:sagemaker/notebookInstance:NotebookInstance", "notebook", {"name": "notebook", "roleArn": "arn:aws:iam::1:role/people", "instanceType": "ml.m5.large", "subnetId": "subnet-1", "directInternetAccess": "Disabled", "rootAccess": "Disabled", "kmsKeyId": KEY, "platformIdentifier": "notebook-al2-v3", "lifecycleConfigName": "stop", "instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "2"}, "tags": TAGS}),
    ("aws:sagemaker/domain:Domain", "studio", {"domainName": "studio", "appNetworkAccessType": "VpcOnly", "kmsKeyId": KEY, "defaultUserSettings": {"executionRole": "arn:aws:iam::1:role/people", "jupyterLabAppSettings": IDLE}, "tags": TAGS}),
    ("aws:sagemaker/pipeline:Pipeline", "retrain", {"pipelineName": "retrain", "pipelineDefinition": json.dumps({"Steps": [STEP, REGISTER]}), "tags": TAGS}),
    ("aws:budgets/budget:Budget", "budget", {"limitAmount": "500", "notifications": [{"subscriberEmailAddresses": ["ml@example.com"]}]}),
    ("aws:ec2/vpc:Vpc", "network", {"id": "vpc-1", "cidrBlock": "10.0.0.0/16", "tags": TAGS}),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "default", {"vpcId": "vpc-1", "ingress": [], "egress": []}),
    ("aws:ec2/flowLog:FlowLog", "flows", {"vpcId": "vpc-1", "trafficType": "ALL"}),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "to-files", {"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.s3"}),
    ("aws:ec2/securityGroup:SecurityGroup", "workloads", {"name": "workloads", "ingress": [{"protocol": "tcp", "cidrBlocks": ["10.0.0.0/16"]}], "egress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/16"]}]}),
    ("aws:ec2/launchTemplate:LaunchTemplate", "machines", {"name": "machines", "metadataOptions": {"httpTokens": "required"}}),
    ("aws:lambda/function:Function", "before", {"name": "before", "environment": {"variables": {"LEVEL": "info"}}, "tags": TAGS}),
    ("aws:lambda/functionUrl:FunctionUrl", "door", {"functionName": "before", "authorizationType": "AWS_IAM"}),
    ("aws:lambda/permission:Permission", "may", {"function": "before", "principal": "events.amazonaws.com"}),
    ("aws:rds/instance:Instance", "database", {"identifier": "tracker", "backupRetentionPeriod": 14, "deletionProtection": True, "skipFinalSnapshot": False}),
    protected=("files", "profile", "registry", "studio", "database"),
)  # fmt: skip


def bad(rule: str, edit: Edit, on: str) -> Bad:
    return Bad(rule, "aws", edit, on)


def changed(rule: str, on: str, path: str, *value: Any) -> Bad:
    return bad(rule, edited(on, path, *value), on)


BAD = (
    bad("encryption.artifact-store", without("encryption"), "files"),
    bad("encryption.artifact-store", edited("encryption", "rules/0/applyServerSideEncryptionByDefault/sseAlgorithm", "AES256"), "files"),
    changed("encryption.customer-key", "notebook", "kmsKeyId"),
    changed("encryption.customer-key", "studio", "kmsKeyId"),
    changed("encryption.endpoint-volume", "configuration", "kmsKeyArn"),
    changed("encryption.feature-store", "profile", "offlineStoreConfig/s3StorageConfig/kmsKeyId"),
    changed("encryption.served-features", "profile", "onlineStoreConfig/securityConfig"),
    changed("encryption.capture", "configuration", "dataCaptureConfig/kmsKeyId"),
    bad("encryption.in-transit", without("tls"), "files"),
    changed("encryption.between-machines", "quality", "networkConfig/enableInterContainerTrafficEncryption", False),
    changed("encryption.messages", "alerts", "kmsMasterKeyId"),
    changed("encryption.messages", "approvals", "sqsManagedSseEnabled", False),
    changed("encryption.logs", "logs", "kmsKeyId"),
    changed("encryption.images", "images", "encryptionConfigurations", [{"encryptionType": "AES256"}]),
    changed("encryption.key-rotates", "key", "enableKeyRotation"),
    changed("encryption.key-can-come-back", "secret", "recoveryWindowInDays", 0),
    changed("secrets.no-plain-values", "model", "primaryContainer/environment/HUB_TOKEN", "hf_abc"),
    changed("secrets.no-plain-values", "before", "environment/variables/DB_PASSWORD", "hunter2"),
    changed("network.notebook-without-internet", "notebook", "directInternetAccess", "Enabled"),
    changed("network.notebook-in-network", "notebook", "subnetId"),
    changed("network.workspace-private", "studio", "appNetworkAccessType", "PublicInternetOnly"),
    bad("network.private-way", without("to-files"), "model"),
    changed("network.endpoint-private", "door", "authorizationType", "NONE"),
    changed("network.model-isolated", "model", "vpcConfig"),
    changed("network.jobs-isolated", "quality", "networkConfig/enableNetworkIsolation", False),
    bad("network.default-deny", without("default"), "network"),
    changed("network.no-open-door", "workloads", "ingress/0/cidrBlocks", ["0.0.0.0/0"]),
    bad("network.no-open-door", with_one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "in", {"cidrIpv4": "0.0.0.0/0"}), "in"),
    changed("network.outbound-approved", "workloads", "egress/0", {"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}),
    bad("network.flows-logged", without("flows"), "network"),
    changed("access.no-wildcard", "serves", "policy", document(allow("s3:*", "*"))),
    changed("access.no-administrator", "attached", "policyArn", "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"),
    changed("access.no-administrator", "serve", "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    changed("access.handed-on-by-name", "trains", "policy", document(allow("iam:PassRole", "*"))),
    changed("access.trust-named", "train", "assumeRolePolicy", document(OIDC)),
    changed("access.trust-named", "serve", "assumeRolePolicy", document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})),
    changed("access.nothing-public", "tls", "policy", document(TLS, {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"})),
    changed("access.nothing-public", "may", "principal", "*"),
    changed("access.nothing-public", "shared", "resourcePolicy", document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"})),
    bad("access.no-lasting-keys", with_one("aws:iam/accessKey:AccessKey", "ci-key", {"user": "ci"}), "ci-key"),
    bad("access.own-identity", edited("model", "executionRoleArn", "arn:aws:iam::1:role/people"), "people"),
    changed("access.secrets-by-name", "looks", "policy", document(allow("secretsmanager:GetSecretValue", "*"))),
    changed("host.no-root", "notebook", "rootAccess", "Enabled"),
    changed("host.metadata-by-token", "notebook", "instanceMetadataServiceConfiguration"),
    changed("host.metadata-by-token", "machines", "metadataOptions"),
    changed("host.supported-system", "notebook", "platformIdentifier", "notebook-al1-v1"),
    bad("data.stateful-protected", unprotected("files"), "files"),
    bad("data.stateful-protected", unprotected("profile"), "profile"),
    bad("data.replacement-named", lost("files", "replace"), "files"),
    bad("data.replacement-named", lost("profile", "delete"), "profile"),
    bad("data.versioned", edited("versions", "versioningConfiguration/status", "Suspended"), "files"),
    bad("data.no-public-access", edited("closed", "blockPublicPolicy", False), "files"),
    changed("data.no-force-destroy", "files", "forceDestroy", True),
    changed("data.no-force-destroy", "database", "skipFinalSnapshot", True),
    changed("data.backed-up", "database", "backupRetentionPeriod", 1),
    changed("data.database-protected", "database", "deletionProtection"),
    changed("data.logs-kept", "logs", "retentionInDays"),
    bad("data.lifecycle", without("lifecycle"), "files"),
    changed("data.features-expire", "profile", "onlineStoreConfig/ttlDuration"),
    changed("supply.image-version", "model", "primaryContainer/image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:latest"),
    changed("supply.image-by-digest", "model", "primaryContainer/image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:3"),
    changed("supply.image-from-allowed", "model", "primaryContainer/image", "docker.io/somebody/churn:3"),
    changed("supply.images-scanned", "images", "imageScanningConfiguration"),
    changed("supply.tags-fixed", "images", "imageTagMutability", "MUTABLE"),
    changed("serving.capture-enabled", "configuration", "dataCaptureConfig"),
    changed("serving.capture-enabled", "configuration", "dataCaptureConfig/initialSamplingPercentage", 0),
    bad("serving.monitored", without("quality", "schedule"), "endpoint"),
    bad("serving.alarmed", edited("errors", "alarmActions", []), "endpoint"),
    changed("serving.rollback-configured", "endpoint", "deploymentConfig"),
    changed("serving.redundant", "configuration", "productionVariants/0/initialInstanceCount", 1),
    changed("serving.version-pinned", "model", "primaryContainer/modelDataUrl", "s3://acme-files/models/latest/"),
    changed("registry.approval-required", "retrain", "pipelineDefinition", json.dumps({"Steps": [{"Type": "Condition", "Arguments": {"IfSteps": [{"Type": "RegisterModel", "Arguments": {"ModelApprovalStatus": "Approved"}}]}}]})),
    changed("registry.four-eyes", "trains", "policy", document(allow(["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"], "arn:aws:sagemaker:us-east-1:1:model-package/churn/*"))),
    changed("registry.training-cannot-write", "looks", "policy", document(allow("sagemaker:CreateModelPackage", "arn:aws:sagemaker:us-east-1:1:model-package/churn/*"))),
    bad("cost.budget-present", without("budget"), "endpoint"),
    changed("cost.budget-heard", "budget", "notifications"),
    changed("cost.budget-ceiling", "budget", "limitAmount", "5000"),
    bad("cost.ceiling", edited("configuration", "productionVariants/0/initialInstanceCount", 200), "endpoint"),
    bad("cost.priced", edited("configuration", "productionVariants/0/instanceType", "ml.p5.48xlarge"), "endpoint"),
    changed("cost.idle-compute-stops", "studio", "defaultUserSettings/jupyterLabAppSettings"),
    changed("cost.idle-compute-stops", "notebook", "lifecycleConfigName"),
    changed("cost.machines-allowed", "configuration", "productionVariants/0/instanceType", "ml.p5.48xlarge"),
    changed("cost.runs-end", "retrain", "pipelineDefinition", json.dumps({"Steps": [{"Name": "fit", "Type": "Training", "Arguments": {}}]})),
    changed("governance.tags-required", "endpoint", "tags", {"owner": "ml"}),
    changed("governance.regions-allowed", "files", "region", "ap-south-1"),
    changed("governance.models-described", "registry", "modelPackageGroupDescription"),
)  # fmt: skip
