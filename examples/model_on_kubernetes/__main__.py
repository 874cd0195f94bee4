"""A model that is in no registry, on a cluster: two sizes of it share the traffic."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
image = config.require("image")
platform = mlops.Platform(
    "vision",
    backend="kubernetes",
    stage="dev",
    quota={"cpus": 16, "memory_gb": 32},
    existing={"gateway": {"name": "gateways/public", "domain": "vision.example.com"}},
)
labels = mlops.Endpoint(
    "labels",
    platform=platform,
    variants=[
        {"name": "small", "model": {"image": image, "artifact": "s3://artifacts/labels/small"}, "weight": 9},
        {"name": "large", "model": {"image": image, "artifact": "s3://artifacts/labels/large"}, "weight": 1},
    ],
    compute={"cpus": 1, "memory_gb": 2},
    environment={"LOG_LEVEL": "info"},
    invokers=[{"namespace": "web-shop"}],
)

pulumi.export("url", labels.url)
pulumi.export("artifacts", platform.artifacts)
