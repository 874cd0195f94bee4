"""Two platforms in one program: the same features on AWS and on a cluster."""

import pulumi

import pulumi_mlops as mlops


def features(platform: mlops.Platform, name: str) -> mlops.FeatureGroup:
    """Declare the same table of features on any platform."""
    store = mlops.FeatureStore(f"{name}-features", platform=platform)
    return mlops.FeatureGroup(
        f"{name}-profile",
        store=store,
        keys=["customer_id"],
        event_time="updated_at",
        features={"customer_id": "string", "updated_at": "timestamp", "spend_30d": "float"},
        online={},
    )


cloud = mlops.Platform("shop", backend="aws", stage="dev")
edge = mlops.Platform("store", backend="kubernetes", stage="dev")
groups = {"cloud": features(cloud, "cloud"), "edge": features(edge, "edge")}

pulumi.export("artifacts", {"cloud": cloud.artifacts, "edge": edge.artifacts})
pulumi.export("features", {name: group.ref.export() for name, group in groups.items()})
