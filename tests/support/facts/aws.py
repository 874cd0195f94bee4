"""Refs of a platform on AWS, as another stack would export them: a test starts at the noun that it is about."""

from typing import Any

from pulumi_mlops import FeatureGroupRef, FeatureStoreRef, ModelRef, ModelRegistryRef, PlatformRef
from support.mocks import ACCOUNT, PARTITION, REGION

KEY = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/1"
TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:alerts"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serve:1"


def hub(name: str = "churn", *, private: bool = False, **facts: Any) -> PlatformRef:
    address = {
        "account": ACCOUNT,
        "region": REGION,
        "partition": PARTITION,
        "domain": "amazonaws.com",
        "key": KEY,
        "bucket": "artifacts",
        "logs": "/mlops/churn-dev",
        "log_days": 14,
        "topic": TOPIC,
        "repositories": {"churn": f"arn:{PARTITION}:ecr:{REGION}:{ACCOUNT}:repository/churn-dev/churn"},
        "subnets": ["subnet-1", "subnet-2"] if private else [],
        "security_groups": ["sg-1"] if private else [],
    }
    known: dict[str, Any] = {"stage": "dev", "artifacts": "s3://artifacts/", "tags": {"team": "growth"}}
    return PlatformRef(name=name, backend="aws", private=private, address=address, **(known | facts))


HUB = hub()
STORE = FeatureStoreRef(
    name="features",
    backend="aws",
    platform=HUB,
    address={"database": "churn_dev_features", "role": "arn:aws:iam::1:role/w", "offline": "s3://artifacts/features/"},
)
GROUP = FeatureGroupRef(
    name="profile",
    backend="aws",
    platform=HUB,
    keys=["id"],
    event_time="at",
    features={"id": "string", "at": "timestamp"},
    has_online=True,
    has_offline=True,
    address={
        "name": "churn-dev-profile",
        "arn": "arn:aws:sagemaker:us-east-1:1:feature-group/churn-dev-profile",
        "database": "churn_dev_features",
        "offline": "s3://artifacts/features/",
    },
)
REGISTRY = ModelRegistryRef(name="models", backend="aws", platform=HUB, address={"prefix": "churn-dev-models"})
MODEL = ModelRef(
    name="churn",
    backend="aws",
    platform=HUB,
    address={
        "group": "churn-dev-models-churn",
        "arn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/churn-dev-models-churn",
    },
)
