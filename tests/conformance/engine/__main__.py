"""Every noun once, with nothing but neutral arguments; the backend and its words are configuration."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
words = config.require_object("words")

platform = mlops.Platform(
    "hub",
    owner="ml-team",
    tags={"team": "growth"},
    alerts=["ml-team@example.com"],
    images=["ranker"],
    consumers=[words["consumer"]],
    secrets={"hub-token": config.require_secret("token")},
    existing=words["parts"],
)
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["customer_id"],
    event_time="at",
    features={"customer_id": "string", "at": "timestamp", "spend": "float", "visits": "integer"},
    **({"online": {"ttl_hours": 72}} if words["online"] else {}),
)
registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": words["told"]}})
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, description="Who leaves")
score = mlops.Endpoint(
    "score",
    platform=platform,
    model={
        "image": platform.image("ranker", "1.0.0"),
        "artifact": pulumi.Output.format("{0}churn/model.tar.gz", platform.artifacts),
    },
    reads=[profile.online] if words["online"] else [],
    secrets={"HUB_TOKEN": platform.secret("hub-token")},
    environment={"WORKERS": "2"},
    compute={"cpus": 2, "memory_gb": 4},
    scaling={"min": 1, "max": 3, "requests_per_replica": 400},
    release={"canary": {"percent": 25, "bake_minutes": 5}},
    health={"errors_percent": 2, "latency_ms": 500},
    capture_percent=100,
)

for component in (platform, store, profile, registry, churn, score):
    pulumi.export(component.ref.noun, component.ref.export())
