"""Requests to AWS's control plane, whole or in parts, for lists of what it refuses and what it accepts."""

import json
import re
from typing import Any

API = "https://docs.aws.amazon.com"
SM = f"{API}/sagemaker/latest/APIReference/API_"
STATE = dict[str, Any]

FEATURES = [{"FeatureName": "id", "FeatureType": "String"}, {"FeatureName": "at", "FeatureType": "String"}]
GROUP: STATE = {
    "FeatureGroupName": "profile",
    "RecordIdentifierFeatureName": "id",
    "EventTimeFeatureName": "at",
    "FeatureDefinitions": FEATURES,
    "OnlineStoreConfig": {"EnableOnlineStore": True},
    "RoleArn": "$role",
}
VARIANT: STATE = {"VariantName": "a", "ModelName": "churn", "InstanceType": "ml.m5.large", "InitialInstanceCount": 4}
SMALL: STATE = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
SERVERLESS: STATE = {
    "VariantName": "a",
    "ModelName": "churn",
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
}
PIPELINE: STATE = {
    "PipelineName": "retrain",
    "PipelineDefinition": '{"Steps": []}',
    "RoleArn": "$role",
    "ClientRequestToken": "x" * 32,
}
CAPTURE: STATE = {
    "InitialSamplingPercentage": 20,
    "DestinationS3Uri": "s3://artifacts-1/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ALARM: STATE = {
    "AlarmName": "errors",
    "Namespace": "AWS/SageMaker",
    "MetricName": "Invocation5XXErrors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
BUDGET: STATE = {
    "BudgetName": "monthly",
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
    "BudgetLimit": {"Amount": "9", "Unit": "USD"},
}
ACTUAL: STATE = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}
TARGET: STATE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/live/variant/a",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
FUNCTION: STATE = {
    "FunctionName": "job",
    "Runtime": "python3.12",
    "Handler": "job.run",
    "Role": "$role",
    "Code": {"ZipFile": b"PK"},
}


def email(address: str) -> STATE:
    return {"SubscriptionType": "EMAIL", "Address": address}


def canary(percent: int) -> STATE:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    return blue_green({"Type": "CANARY", "WaitIntervalInSeconds": 60, "CanarySize": size})


def linear(percent: int) -> STATE:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    return blue_green({"Type": "LINEAR", "WaitIntervalInSeconds": 60, "LinearStepSize": size})


def blue_green(routing: STATE) -> STATE:
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def rolling(percent: int) -> STATE:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 60}}


def config(*variants: STATE, **more: Any) -> STATE:
    return {"EndpointConfigName": "new", "ProductionVariants": list(variants)} | more


def deploy(deployment: STATE, name: str = "next", **more: Any) -> STATE:
    return {"EndpointName": "live", "EndpointConfigName": name, "DeploymentConfig": deployment} | more


def document(**members: Any) -> str:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"} | members
    kept = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


def filled(params: Any, names: dict[str, str]) -> Any:
    """Put ARNs and ids where the table says `$role` and the like."""
    if isinstance(params, dict):
        return {name: filled(value, names) for name, value in params.items()}
    if isinstance(params, list):
        return [filled(value, names) for value in params]
    return names[params[1:]] if isinstance(params, str) and params.startswith("$") else params


def method(operation: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()
