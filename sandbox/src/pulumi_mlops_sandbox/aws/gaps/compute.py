"""EC2 and Lambda: endpoint services, networks and roles of functions.

https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""

import re

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import before

GATEWAY = {"s3", "dynamodb"}
# Interface services that a machine-learning platform meets, by the end of `com.amazonaws.<region>.<name>`.
INTERFACE = {
    "application-autoscaling", "athena", "autoscaling", "bedrock", "bedrock-runtime", "cloudcontrolapi",
    "cloudformation", "cloudtrail", "codeartifact.api", "codeartifact.repositories", "codebuild", "codecommit",
    "codepipeline", "config", "dynamodb", "ebs", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "ecs", "ecs-agent",
    "ecs-telemetry", "eks", "eks-auth", "elasticfilesystem", "elasticloadbalancing", "elasticmapreduce",
    "email-smtp", "events", "execute-api", "fsx", "glue", "iam", "kinesis-firehose", "kinesis-streams", "kms",
    "lakeformation", "lambda", "logs", "monitoring", "rds", "rds-data", "redshift", "redshift-data", "s3",
    "sagemaker.api", "sagemaker.featurestore-runtime", "sagemaker.metrics", "sagemaker.runtime", "scheduler",
    "secretsmanager", "servicecatalog", "sns", "sqs", "ssm", "ssmmessages", "states", "sts", "sync-states",
    "textract", "xray",
}  # fmt: skip
_STUDIO = re.compile(r"^aws\.sagemaker\.[a-z0-9-]+\.(notebook|studio|experiments|partner-app)$")


@before("ec2", "CreateVpcEndpoint")
def check_endpoint(call: Call) -> None:
    """Refuse services that do not exist, and a type that the service does not have."""
    name, kind = call.params.get("ServiceName", ""), call.params.get("VpcEndpointType", "Gateway")
    if name.startswith("com.amazonaws.vpce.") or _STUDIO.match(name):
        return
    prefix = f"com.amazonaws.{call.region}."
    short = name.removeprefix(prefix)
    if not name.startswith(prefix) or short not in GATEWAY | INTERFACE:
        raise AwsError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    offered = [label for label, names in (("Gateway", GATEWAY), ("Interface", INTERFACE)) if short in names]
    if kind not in offered:
        raise AwsError(
            "InvalidParameter",
            f"Endpoint type ({kind}) does not match available service types ([{', '.join(offered)}]).",
        )


@before("lambda", "CreateFunction")
def check_function(call: Call) -> None:
    """Refuse a role that Lambda cannot assume, and networks that do not exist."""
    role = accounts.role(call.params["Role"])
    if role is not None and not accounts.trusts(role, "lambda.amazonaws.com"):
        raise AwsError(
            "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
        )
    network = call.params.get("VpcConfig") or {}
    missing = accounts.missing_network(call.region, network.get("SubnetIds", []), network.get("SecurityGroupIds", []))
    if missing is not None:
        raise AwsError(
            "InvalidParameterValueException",
            f"Error occurred while DescribeSubnets or DescribeSecurityGroups. The ID '{missing}' does not exist",
        )
