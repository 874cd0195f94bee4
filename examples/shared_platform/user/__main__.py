"""A product team's stack: it builds on the platform of another stack, with the same key, bucket and tags."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform.from_stack(config.require("platform_stack"))
registry = mlops.ModelRegistry("models", platform=platform)
ranker = mlops.Model("ranker", registry=registry, metadata={"team": "search"})
rank = mlops.Endpoint(
    "rank",
    platform=platform,
    model={"image": platform.image("ranker", "1.0.0")},
    scaling={"min": 1, "max": 4, "requests_per_replica": 600},
)

pulumi.export("url", rank.url)
