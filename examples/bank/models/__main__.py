"""The model risk team's account of a bank: the registry is here, and a role of theirs approves what may be served."""

import pulumi

import pulumi_mlops as mlops

serving_account = pulumi.Config().require("serving_account")
platform = mlops.Platform(
    "bank-models", backend="aws", stage="dev", images=["credit"], consumers=[{"account": serving_account}]
)
registry = mlops.ModelRegistry("models", platform=platform, approvers=[{"role": "model-risk"}])
credit = mlops.Model("credit", registry=registry, gate={"auc": ">=0.8"}, description="Whether a loan is paid back")

pulumi.export("credit", credit.ref.export())
pulumi.export("image", platform.image("credit", "1.0.0"))
