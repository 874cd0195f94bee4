"""Refs of a platform on Kubernetes, as another stack would export them: a test starts at the noun that it is about."""

from typing import Any

from pulumi_mlops import FeatureGroupRef, FeatureStoreRef, ModelRef, ModelRegistryRef, ModelVersionRef, PlatformRef

NAMESPACE = "churn-dev"
GATEWAY = {"name": "gateways/public", "domain": "ml.example.com", "tls": True}
METRICS = "http://prometheus.monitoring.svc:9090"
IMAGE = "registry.example.com/churn/serve:1"
OBJECT_STORE = {
    "url": "http://platform-store.churn-dev.svc.cluster.local:8333",
    "bucket": "artifacts",
    "region": "us-east-1",
    "reader": "churn-store-reader",
    "writer": "churn-store-writer",
    "door": {
        "name": "store",
        "port": 8333,
        "pods": {"app.kubernetes.io/name": "seaweedfs", "app.kubernetes.io/instance": "churn"},
    },
}


def hub(name: str = "churn", **facts: Any) -> PlatformRef:
    """Return a platform; keywords that are facts of its address replace those, others are the ref's own."""
    address: dict[str, Any] = {
        "context": None,
        "namespace": f"{name}-{facts.get('stage', 'dev')}",
        "addons": [],
        "pull_secret": None,
        "store": OBJECT_STORE,
        "database": None,
        "quota": None,
        "gateway": GATEWAY,
        "metrics": METRICS,
    }
    address |= {key: facts.pop(key) for key in list(facts) if key in address}
    known: dict[str, Any] = {"stage": "dev", "artifacts": "s3://artifacts/", "tags": {"team": "growth"}}
    return PlatformRef(name=name, backend="kubernetes", address=address, **(known | facts))


HUB = hub()
STORE = FeatureStoreRef(name="features", backend="kubernetes", platform=HUB, address={})
GROUP = FeatureGroupRef(
    name="profile",
    backend="kubernetes",
    platform=HUB,
    keys=["id"],
    event_time="at",
    features={"id": "string", "at": "timestamp"},
    has_online=True,
    has_offline=True,
    address={
        "view": "profile",
        "url": "http://features.churn-dev.svc.cluster.local",
        "door": {
            "name": "features",
            "port": 6566,
            "pods": {"app.kubernetes.io/name": "feast", "app.kubernetes.io/instance": "features"},
        },
    },
)
REGISTRY = ModelRegistryRef(name="models", backend="kubernetes", platform=HUB, address={})
MODEL = ModelRef(name="churn", backend="kubernetes", platform=HUB, address={})


def version(number: int = 3, platform: PlatformRef = HUB) -> ModelVersionRef:
    """Return a version of the model."""
    return ModelVersionRef(
        name="churn",
        backend="kubernetes",
        platform=platform,
        version=number,
        address={"uri": f"s3://artifacts/models/{number}/artifacts/model", "image": None},
    )
