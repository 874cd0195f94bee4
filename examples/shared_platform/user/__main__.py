"""A product team's stack: it builds on the platform of another stack, with the same key, artifact store and tags."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
owner = config.require("platform_stack")
platform = mlops.Platform.from_stack(owner)
profile = mlops.FeatureGroup.from_stack(owner, "profile")
registry = mlops.ModelRegistry("models", platform=platform)
ranker = mlops.Model("ranker", registry=registry, metadata={"team": "search"})
rank = mlops.Endpoint(
    "rank",
    platform=platform,
    model={"image": config.require("image")},
    reads=[profile.online],
    scaling={"min": 2},
)

pulumi.export("url", rank.url)
