"""An endpoint for a model that is in no registry: an image and its files, without machines of its own."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("vision", backend="aws", stage="dev", alerts=["ml-team@example.com"], monthly_budget=50)
labels = mlops.Endpoint(
    "labels",
    platform=platform,
    model={"image": config.require("image"), "artifact": config.require("artifact")},
    mode={"serverless": {"max_concurrency": 5}},
    compute={"memory_gb": 4},
    environment={"LOG_LEVEL": "info"},
)

pulumi.export("url", labels.url)
