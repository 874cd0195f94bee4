"""Data sources: every one answers, in the words of the SDK's result class."""

import importlib
import json
import re
from typing import Any

import boto3
import pytest
from pulumi._types import output_type_types

from pulumi_mlops_sandbox.aws.provider import invokes
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.provider.contract import ProviderError

BUCKET = "invoked-bucket"


def existing() -> dict[str, dict[str, Any]]:
    """Make what is looked up; return the arguments of each function."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    vpc = boto3.client("ec2").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    boto3.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")
    boto3.client("ecr").create_repository(repositoryName="invoked")
    boto3.client("sns").create_topic(Name="invoked")
    principal = {"Service": "sagemaker.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    boto3.client("iam").create_role(RoleName="invoked", AssumeRolePolicyDocument=document)
    return {
        "aws:index/getAvailabilityZones:getAvailabilityZones": {"state": "available"},
        "aws:index/getCallerIdentity:getCallerIdentity": {},
        "aws:index/getPartition:getPartition": {},
        "aws:index/getRegion:getRegion": {},
        "aws:ec2/getSecurityGroup:getSecurityGroup": {"vpcId": vpc, "name": "default"},
        "aws:ec2/getSubnets:getSubnets": {"filters": [{"name": "vpc-id", "values": [vpc]}]},
        "aws:ec2/getVpc:getVpc": {"id": vpc},
        "aws:ecr/getRepository:getRepository": {"name": "invoked"},
        "aws:iam/getRole:getRole": {"name": "invoked"},
        "aws:kms/getKey:getKey": {"keyId": key},
        "aws:s3/getBucket:getBucket": {"bucket": BUCKET},
        "aws:sns/getTopic:getTopic": {"name": "invoked"},
        "aws:cloudcontrol/getResource:getResource": {
            "typeName": "AWS::SageMaker::FeatureGroup",
            "identifier": feature_group(),
        },
    }


def feature_group() -> str:
    sagemaker = boto3.client("sagemaker")
    role = boto3.client("iam").get_role(RoleName="invoked")["Role"]["Arn"]
    features = [{"FeatureName": name, "FeatureType": "String"} for name in ("id", "t")]
    sagemaker.create_feature_group(
        FeatureGroupName="invoked",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="t",
        FeatureDefinitions=features,
        OnlineStoreConfig={"EnableOnlineStore": True},
        RoleArn=role,
    )
    return "invoked"


def result_fields(token: str) -> set[str]:
    _, place, name = token.split(":")
    package, file = place.split("/")
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", file).lower()
    module = importlib.import_module(f"pulumi_aws.{snake}" if package == "index" else f"pulumi_aws.{package}.{snake}")
    return set(output_type_types(getattr(module, f"{name[0].upper()}{name[1:]}Result")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK warns of its own classes while it loads
@pytest.mark.usefixtures("in_sandbox")
def test_every_function_answers_in_the_sdks_words() -> None:
    arguments = existing()
    assert set(arguments) == set(invokes.FUNCTIONS)
    session = Session({})
    for token, given in arguments.items():
        result = invokes.answer(session, token, given)
        assert set(result) - {"region"} <= result_fields(token), token
        assert result["id"], token
    assert invokes.answer(session, "aws:ec2/getSubnets:getSubnets", arguments["aws:ec2/getSubnets:getSubnets"])["ids"]


@pytest.mark.usefixtures("in_sandbox")
def test_nothing_found_and_unknown_functions_are_named(sandbox: Sandbox) -> None:
    session = Session({})
    with pytest.raises(ProviderError, match="getVpc: nothing found, one is needed"):
        invokes.answer(session, "aws:ec2/getVpc:getVpc", {"tags": {"no": "such"}})
    with pytest.raises(
        ProviderError, match="no function 'aws:ec2/getVpcs:getVpcs'; did you mean 'aws:ec2/getVpc:getVpc'"
    ):
        invokes.answer(session, "aws:ec2/getVpcs:getVpcs", {})
