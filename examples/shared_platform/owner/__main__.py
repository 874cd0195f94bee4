"""The platform team's stack: it owns the hub and the customers' features, and hands their addresses to others.

`pulumi config set backend kubernetes` makes the same of a cluster.
"""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("shared", stage="dev", owner="platform-team")
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["customer_id"],
    event_time="updated_at",
    features={"customer_id": "string", "updated_at": "timestamp", "spend_30d": "float"},
    online={},
)

pulumi.export("platform", platform.ref.export())
pulumi.export("profile", profile.ref.export())
