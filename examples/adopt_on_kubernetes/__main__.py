"""A platform beside what other teams run in the same cluster: it is used, and never changed or deleted.

A Feast server, an MLflow server, an InferenceService and a service account exist. The new endpoint serves the newest
approved version of the model and reads the features; a job may call both endpoints and write rows. The teams that own
the other namespaces let this one in by network policies of their own.
"""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("ranking", backend="kubernetes", stage="dev")
features = mlops.FeatureStore.existing("features", platform=platform, called="feast/feature-server")
profile = mlops.FeatureGroup.existing(
    "profile",
    store=features,
    called="customer_profile",
    features={"customer_id": "string", "updated_at": "timestamp", "age": "integer"},
    keys=["customer_id"],
    event_time="updated_at",
)
central = mlops.ModelRegistry.existing(
    "central", platform=platform, called="mlflow/tracking", files="s3://mlflow/artifacts/"
)
churn = mlops.Model.existing("churn", registry=central, called="Churn", gate={"auc": ">=0.9"})
first = mlops.Endpoint.existing("first", platform=platform, called="models/churn-2019")
storefront = mlops.Identity.existing("storefront", platform=platform, called="storefront/web")

score = mlops.Endpoint(
    "score", platform=platform, model=churn.approved(), reads=[profile.online], invokers=[storefront]
)
job = mlops.Identity(
    "nightly", platform=platform, writes=[profile], invokes=[first, score], trusts={"namespace": "jobs"}
)

pulumi.export("feature_group", profile.export())  # elsewhere: mlops.FeatureGroup.from_stack("…")
pulumi.export("urls", {"first": first.url, "score": score.url})
