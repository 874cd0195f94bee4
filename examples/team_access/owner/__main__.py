"""The data team's stack: it owns the platform and the features, and exports their addresses. It gives nobody rights.

`pulumi config set backend kubernetes` makes the same of a cluster.
"""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("market", stage="dev", owner="data-team")
store = mlops.FeatureStore("features", platform=platform)
for name, column in {"profile": "spend_30d", "ranks": "score"}.items():
    group = mlops.FeatureGroup(
        name,
        store=store,
        keys=["customer_id"],
        event_time="updated_at",
        features={"customer_id": "string", "updated_at": "timestamp", column: "float"},
        online={},
    )
    pulumi.export(name, group.ref.export())
pulumi.export("platform", platform.ref.export())
