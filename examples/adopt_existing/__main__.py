"""A platform round what is there already, made by hand or by other tools: it is used, and never changed or deleted.

A bucket, a network, a feature group, a model with its versions, an endpoint and a role exist. The new endpoint serves
the newest approved version of the model and reads the feature group; a job may call both endpoints and write rows.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
bucket = config.require("bucket")
platform = mlops.Platform(
    "legacy",
    backend="aws",
    stage="dev",
    existing={"artifacts": bucket},
    network={
        "existing": {
            "subnets": config.require_object("subnets"),
            "security_groups": config.require_object("security_groups"),
        }
    },
)
profile = mlops.FeatureGroup.existing("profile", platform=platform, called="CustomerProfile", keys=["customer_id"])
churn = mlops.Model.existing(
    "churn", platform=platform, called="ChurnModels", gate={"auc": ">=0.9"}, files=f"s3://{bucket}/churn/"
)
first = mlops.Endpoint.existing("first", platform=platform, called="churn-2019")
storefront = mlops.Identity.existing("storefront", platform=platform, called="storefront-web")

score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(),
    reads=[profile.online],
    invokers=[storefront],
)
job = mlops.Identity(
    "nightly", platform=platform, writes=[profile], invokes=[first, score], trusts={"role": config.require("runner")}
)

pulumi.export("artifacts", platform.artifacts)
pulumi.export("feature_group", profile.export())  # elsewhere: mlops.FeatureGroup.from_stack("…")
pulumi.export("urls", {"first": first.url, "score": score.url})
