"""Two workspaces of Azure Machine Learning serve out of one registry: a version is approved once, for both regions.

A workspace serves versions of its own, or of a registry that workspaces share. This registry keeps versions in both
regions. Training registers them in it, as an identity that may write there and nowhere else:
`az ml model create --registry-name …`, or `az ml model share` for one that a workspace has. CI is told of an approval,
and its `up` releases the version in both.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
tag = config.require("tag")
regions = {"west": "westeurope", "north": "northeurope"}
platforms = {
    place: mlops.Platform(f"shop-{place}", backend="azure", stage="dev", region=region, images=["ranker"])
    for place, region in regions.items()
}
registry = mlops.ModelRegistry(
    "models",
    platform=platforms["west"],
    regions=[*regions.values()],
    events={"release": {"to": config.require_secret("hook")}},
)
ranker = mlops.Model("ranker", registry=registry, gate={"ndcg": ">=0.6"})
best = ranker.approved(otherwise="wait")
for place, platform in platforms.items():
    rank = mlops.Endpoint(
        f"rank-{place}",
        platform=platform,
        model=best,
        serve={"image": platform.image("ranker", tag)},
        scaling={"min": 2},
    )
    pulumi.export(f"url-{place}", rank.url)
training = mlops.Identity(
    "training",
    platform=platforms["west"],
    registers=[ranker],
    trusts={"github": {"repository": "acme/ranker", "branch": "main"}},
)

pulumi.export("model", ranker.ref.address["id"])
pulumi.export("training", training.principal)
