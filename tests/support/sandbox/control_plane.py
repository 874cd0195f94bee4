"""A control plane as a process of its own, and boto3 clients of it."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from support.sandbox.emulator import BOUND, Emulator

TRUST = ("sagemaker.amazonaws.com", "lambda.amazonaws.com", "events.amazonaws.com")


class ControlPlane(Emulator):
    """A running server, its clients, and its administration."""

    plane, hidden = "aws", ("AWS_", "MOTO_")

    def __init__(self, home: Path, latency: float = 0.05) -> None:
        super().__init__(home, latency)
        self.port = 0
        self._session = boto3.Session()
        self._clients: dict[Any, Any] = {}

    def start(self) -> None:
        self.port = self.launch()["port"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}", method=method, data=json.dumps(body or {}).encode()
        )
        with urllib.request.urlopen(request, timeout=BOUND) as response:
            return json.loads(response.read())

    def client(self, service: str, *, validate: bool = False, region: str = "us-east-1", attempts: int = 1) -> Any:
        """Make a boto3 client, without its own validation, so that the control plane judges."""
        key = (service, validate, region, attempts, self.port)
        if key not in self._clients:
            retries: Any = {"total_max_attempts": attempts, "mode": "standard"}
            self._clients[key] = self._session.client(
                service,  # type: ignore[call-overload]  # a plain name
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",
                config=Config(parameter_validation=validate, retries=retries),
            )
        return self._clients[key]

    def until(self, condition: Any) -> Any:
        """Ask again until the answer is true, bounded."""
        deadline = time.monotonic() + BOUND
        while time.monotonic() < deadline:
            answer = condition()
            if answer:
                return answer
            self.process_pause()
        pytest.fail("the condition did not come true")


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def furnish(plane: ControlPlane) -> dict[str, str]:
    """Make what most requests name: a role, a bucket, a key, a network, a model."""
    role = plane.client("iam").create_role(RoleName="platform", AssumeRolePolicyDocument=trust(*TRUST))["Role"]["Arn"]
    stranger = plane.client("iam").create_role(RoleName="stranger", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    plane.client("s3").create_bucket(Bucket="artifacts-1")
    key = plane.client("kms").create_key()["KeyMetadata"]
    ec2 = plane.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="jobs", Description="jobs")["GroupId"]
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"
    sagemaker = plane.client("sagemaker")
    sagemaker.create_model(ModelName="churn", ExecutionRoleArn=role, PrimaryContainer={"Image": image})
    return {
        "role": role,
        "stranger": stranger["Role"]["Arn"],
        "bucket": "artifacts-1",
        "key": key["Arn"],
        "key_id": key["KeyId"],
        "vpc": vpc,
        "subnet": subnet,
        "group": group,
        "image": image,
    }
