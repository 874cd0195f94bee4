"""An endpoint of plain resources of AWS that scales: `INSTANCES` is what it begins with."""

import json
import os
from typing import Any

import pulumi_aws as aws

INSTANCES = int(os.environ["INSTANCES"])
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}

role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [TRUST]}))
model = aws.sagemaker.Model(
    "model",
    execution_role_arn=role.arn,
    primary_container={"image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"},
)
configuration = aws.sagemaker.EndpointConfiguration(
    "configuration",
    production_variants=[
        {
            "variant_name": "main",
            "model_name": model.name,
            "initial_instance_count": INSTANCES,
            "instance_type": "ml.m5.xlarge",
        }
    ],
)
endpoint = aws.sagemaker.Endpoint("score", name="score", endpoint_config_name=configuration.name)
aws.appautoscaling.Target(
    "scaling",
    service_namespace="sagemaker",
    resource_id=endpoint.name.apply(lambda name: f"endpoint/{name}/variant/main"),
    scalable_dimension="sagemaker:variant:DesiredInstanceCount",
    min_capacity=1,
    max_capacity=6,
)
aws.kms.Key("key", enable_key_rotation=True)
