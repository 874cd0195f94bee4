"""A platform round a bucket and a network that are there already: they are used, never changed or deleted."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "legacy",
    backend="aws",
    stage="dev",
    existing={"artifacts": config.require("bucket")},
    network={
        "existing": {
            "subnets": config.require_object("subnets"),
            "security_groups": config.require_object("security_groups"),
        }
    },
)
forecast = mlops.Endpoint(
    "forecast",
    platform=platform,
    model={"image": config.require("image"), "artifact": f"s3://{config.require('bucket')}/models/forecast.tar.gz"},
)

pulumi.export("artifacts", platform.artifacts)
pulumi.export("url", forecast.url)
