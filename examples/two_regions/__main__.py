"""Two regions serve at once, out of one registry: a version is approved once, and the next `up` releases it in both.

SageMaker takes images and files of a model's own region only. The image is pushed to both repositories; the files of a
version are copied into the second region's artifact store by the program.
"""

import pulumi

import pulumi_mlops as mlops

tag = pulumi.Config().require("tag")
regions = {"eu": "eu-west-1", "us": "us-east-1"}
platforms = {
    place: mlops.Platform(f"shop-{place}", backend="aws", stage="dev", region=region, images=["ranker"])
    for place, region in regions.items()
}
registry = mlops.ModelRegistry("models", platform=platforms["eu"])
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

pulumi.export("group", ranker.ref.address["group"])
