"""A feature store alone: one group, online and offline, on a platform with nothing else in it."""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("shop", backend="aws", stage="dev")
store = mlops.FeatureStore("features", platform=platform)
baskets = mlops.FeatureGroup(
    "baskets",
    store=store,
    keys=["basket_id"],
    event_time="changed_at",
    features={"basket_id": "string", "changed_at": "timestamp", "items": "integer", "total": "float"},
    online={"ttl_hours": 24},
)

pulumi.export("group", baskets.ref.address["name"])
pulumi.export("rows", store.ref.address["offline"])
