"""The values that only one cloud understands, one set a backend: all that the neutral programs are given by a backend.

A new backend adds one entry to ``WORDS``; the programs stay as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_azure_native as azure
import pulumi_kubernetes as k8s

from support.conformance import further
from support.mocks import ACCOUNT, REGION, SUBSCRIPTION

_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers"


@dataclass(frozen=True, kw_only=True)
class Words:
    """How one cloud calls the things that a program names; a platform alone needs but the first and the last ones."""

    backend: str
    image: str = "none"
    """A serving image."""
    artifact: str = "none"
    """Files of a model."""
    rows: str = "s3://theirs/rows/"
    """A place that holds another's rows."""
    region: str = "none"
    """A region that is not the default one."""
    network: Mapping[str, list[str]] = field(default_factory=lambda: {"subnets": ["subnet-1"]})
    """A network that is there."""
    shares: tuple[str, ...] = ()
    """The regions of a registry that platforms share; none where a registry is of one platform."""
    bucket: str = "none"
    """A bucket that is there."""
    key: str = "none"
    """An encryption key that is there."""
    alerts: str = "none"
    """Somebody who is told of alerts."""
    alarm: str = "drift"
    """What goes off."""
    told: str = "none"
    """Somebody who is told of approvals."""
    consumer: Mapping[str, str] = field(default_factory=dict)
    """A principal outside the platform."""
    approver: Mapping[str, str] = field(default_factory=dict)
    """A principal that approves versions."""
    invoker: Mapping[str, str] = field(default_factory=dict)
    """A principal that calls endpoints."""
    trust: Mapping[str, Any] = field(default_factory=dict)
    """Who may act as an identity."""
    gateway: str = "none"
    """A way in from outside."""
    addon: str = "none"
    """Software that a platform can install."""
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What is there already wherever this cloud serves: every platform gets it as ``existing``."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """What two platforms are given so that one can read what the other keeps."""
    other_account: Mapping[str, str] = field(default_factory=dict)
    """What the address of a platform says in another account."""
    provider: Callable[[str], pulumi.ProviderResource]
    """Make the provider that leads to this cloud."""
    tags_at: tuple[str, ...]
    """The property that holds the tags of a resource."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Configuration that the cloud's provider wants in a stack."""


WORDS = {
    words.backend: words
    for words in (
        Words(
            backend="aws",
            image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/serve:1.0.0",
            artifact="s3://models/churn/model.tar.gz",
            region="eu-west-1",
            network={"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
            bucket="artifacts-of-mine",
            key=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mine",
            alerts=f"arn:aws:sns:{REGION}:{ACCOUNT}:mine",
            told=f"arn:aws:sqs:{REGION}:{ACCOUNT}:approvals",
            consumer={"account": "444455556666"},
            approver={"role": "lead"},
            invoker={"role": "storefront"},
            trust={"role": "arn:aws:iam::444455556666:role/ci"},
            gateway="public",
            addon="anything",
            other_account={"account": "444455556666"},
            provider=lambda name: aws.Provider(name, region=REGION),
            tags_at=("tags",),
            settings={"aws:region": REGION},
        ),
        Words(
            backend="azure",
            image="models.azurecr.io/serve:1.0.0",
            artifact="https://models.blob.core.windows.net/models/churn/",
            rows="https://theirs.blob.core.windows.net/rows/",
            region="northeurope",
            network={"subnets": [f"{_GROUP}/Microsoft.Network/virtualNetworks/mine/subnets/private"]},
            shares=("northeurope", "westeurope"),
            bucket=f"{_GROUP}/Microsoft.Storage/storageAccounts/mine/blobServices/default/containers/artifacts-of-mine",
            key=f"{_GROUP}/Microsoft.KeyVault/vaults/mine/keys/mine",
            alerts=f"{_GROUP}/Microsoft.Insights/actionGroups/mine",
            alarm=f"{_GROUP}/Microsoft.Insights/metricAlerts/drift",
            told="https://ci.example.com/hook",
            consumer={"group": "6f1f6c2e-2b0e-4f0c-9f0a-0c9d4c7f0a11"},
            approver={"user": "7f1f6c2e-2b0e-4f0c-9f0a-0c9d4c7f0a11"},
            invoker={"application": "8f1f6c2e-2b0e-4f0c-9f0a-0c9d4c7f0a11"},
            trust={},
            gateway="public",
            addon="anything",
            other_account={"subscription": "00000000-0000-4000-8000-000000000002"},
            provider=lambda name: azure.Provider(name, subscription_id=SUBSCRIPTION, location="westeurope"),
            tags_at=("tags",),
            settings={"azure-native:subscriptionId": SUBSCRIPTION, "azure-native:location": "westeurope"},
        ),
        Words(
            backend="kubernetes",
            image="registry.example.com/ml/serve:1.0.0",
            artifact="s3://models/churn",
            rows="s3://artifacts/theirs/rows/",
            region="eu-west-1",
            bucket="artifacts-of-mine",
            key="mine",
            alerts="https://alerts.example.com/hook",
            told="https://ci.example.com/hook",
            consumer={"namespace": "analytics"},
            approver={"user": "lead"},
            invoker={"namespace": "storefront"},
            trust={},
            gateway="gateways/another",
            addon="keda",
            parts={
                "images": {"address": "registry.example.com/ml"},
                "gateway": {"name": "gateways/public", "domain": "ml.example.com"},
                "metrics": "http://prometheus.monitoring.svc:9090",
            },
            shared={
                "object_store": {"url": "https://s3.example.com", "bucket": "ml", "access_key": "i", "secret_key": "k"}
            },
            provider=lambda name: k8s.Provider(name, context="here"),
            tags_at=("metadata", "labels"),
        ),
    )
}
WORDS |= {module.WORDS.backend: module.WORDS for module in further.modules()}
