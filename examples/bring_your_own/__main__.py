"""A platform on a cluster round an object store, a database and an image registry that are there already."""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "legacy",
    backend="kubernetes",
    stage="dev",
    images=["trainer"],
    existing={
        "object_store": {
            "url": "https://s3.example.com",
            "bucket": "ml-artifacts",
            "access_key": config.require("access_key"),
            "secret_key": config.require_secret("secret_key"),
        },
        "database": {
            "host": "postgres.example.com",
            "username": "mlops",
            "password": config.require_secret("database_password"),
        },
        "images": {"address": "registry.example.com/ml"},
    },
)
registry = mlops.ModelRegistry("models", platform=platform)
forecast = mlops.Model("forecast", registry=registry)

pulumi.export("artifacts", platform.artifacts)
pulumi.export("image", platform.image("trainer", "1.0.0"))
