"""What is measured against `by_hand.py`: one platform on AWS, from features to a served model.

It takes the settings of `stacks/aws`, which declares more: a yardstick of all of that would be longer than it is worth.
"""

import pulumi
import pulumi_aws as aws

import pulumi_mlops as mlops

config = pulumi.Config()
stage = config.require("stage")

# The hub: key, bucket, image repository, logs, alerts, budget, and a private network where the stage asks for one.
# A token that the model needs at run time is a secret from `pulumi config set --secret hub_token` onwards.
hub_token = config.get_secret("hub_token")
platform = mlops.Platform(
    "churn",
    backend="aws",
    stage=stage,
    owner=config.get("owner"),
    tags=config.get_object("tags") or {},
    alerts=config.require_object("alerts"),
    monthly_budget=config.require_float("monthly_budget"),
    images=["churn"],
    network=config.get_object("network"),
    secrets={"hub-token": hub_token} if hub_token else {},
)

# Features: typed, with a key and a time. Adding one later updates the group in place.
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
    online={"ttl_hours": 72},
)

# Versions come from training; approving one puts a message into this queue, for CI to run `pulumi up`.
approvals = aws.sqs.Queue("approvals", sqs_managed_sse_enabled=True)
account = aws.get_caller_identity_output().account_id
aws.sqs.QueuePolicy(
    "approvals",
    queue_url=approvals.url,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": approvals.arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            },
        }
    ),
)
registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": approvals.arn}})
churn = mlops.Model("churn", registry=registry, gate={"auc": ">=0.9"}, description="Probability that a customer leaves")

# The newest approved version behind an address. Until the first approval this waits, and the preview says so.
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=churn.approved(otherwise="wait"),
    reads=[profile.online],
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
# What other stacks build on: mlops.Platform.from_stack("organization/churn-aws/prod")
pulumi.export("platform", platform.ref.export())
