"""A platform round a workspace of Azure Machine Learning that runs already, made by hand or by other tools.

Its store, its vault, its registry of images and its identity are found by asking the workspace. Nothing of it is
changed or deleted, and its models and endpoints are used: the new endpoint serves the newest approved version of one of
them, and a job at GitHub may call both endpoints and register versions of a model of its own.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform(
    "legacy",
    backend="azure",
    stage="dev",
    images=["server"],
    secrets={"hub-token": config.require_secret("hub_token")},
    existing={"workspace": config.require("workspace")},  # its name, or its id
)
churn = mlops.Model.existing("churn", platform=platform, called=config.require("model"), gate={"auc": ">=0.9"})
first = mlops.Endpoint.existing("first", platform=platform, called=config.require("endpoint"))

score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(),
    serve={"image": platform.image("server", "1")},
    secrets={"HUB_TOKEN": platform.secret("hub-token")},
)
registry = mlops.ModelRegistry("models", platform=platform)
ranker = mlops.Model("ranker", registry=registry)
job = mlops.Identity(
    "nightly",
    platform=platform,
    registers=[ranker],
    invokes=[first, score],
    trusts={"github": {"repository": "acme/ranker", "branch": "main"}},
)

pulumi.export("artifacts", platform.artifacts)
pulumi.export("ranker", ranker.ref.export())
pulumi.export("urls", {"first": first.url, "score": score.url})
