"""One platform on Azure, from features to a served model.

Copy this folder and change it. It goes to the subscription of `az account show`, or of `pulumi config set
azure-native:subscriptionId ID`. What differs between stages is in Pulumi.dev.yaml and Pulumi.prod.yaml:
`pulumi config set cpus 8 -s prod` is all it takes to resize the endpoint, and the release is a canary.
"""

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
stage = config.require("stage")

# The hub: storage, vault, image repository, workspace, logs, alerts, budget, and a private network where the stage asks
# for one. A token that the model needs at run time is a secret from `pulumi config set --secret hub_token` onwards.
hub_token = config.get_secret("hub_token")
platform = mlops.Platform(
    "churn",
    backend="azure",
    stage=stage,
    owner=config.get("owner"),
    tags=config.get_object("tags") or {},
    alerts=config.require_object("alerts"),
    monthly_budget=config.require_float("monthly_budget"),
    images=["churn"],
    network=config.get_object("network"),
    secrets={"hub-token": hub_token} if hub_token else {},
)

# Features: typed, with a key and a time. Adding one later makes the next version of the set; the one before stays.
store = mlops.FeatureStore("features", platform=platform)
profile = mlops.FeatureGroup(
    "profile",
    store=store,
    keys=["customer_id"],
    event_time="updated_at",
    features={
        "customer_id": "string",
        "updated_at": "timestamp",
        "age": "integer",
        "spend_30d": "float",
        **(config.get_object("more_features") or {}),
    },
)

# Versions come from training; approving one is told to this address, for CI to run `pulumi up`.
registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": config.require("approvals")}})
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, description="Probability that a customer leaves")

# The newest approved version behind an address. Until the first approval this waits, and the preview says so.
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    compute={"cpus": config.require_int("cpus"), "memory_gb": config.require_int("memory_gb")},
    scaling={
        "min": config.require_int("replicas_min"),
        "max": config.require_int("replicas_max"),
        "requests_per_replica": 400,
    },
    release={"canary": {"percent": config.require_int("canary_percent"), "bake_minutes": 15}},
    secrets={"HUB_TOKEN": platform.secret("hub-token")} if hub_token else {},
    capture_percent=20,
)

pulumi.export("url", score.url)
pulumi.export("status", score.status)
# What other stacks build on: mlops.Platform.from_stack("organization/churn-azure/prod")
pulumi.export("platform", platform.ref.export())
