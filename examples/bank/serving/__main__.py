"""The lending team's account: versions out of the registry of another account, served without a way to the internet.

The look-ups of this stack and the role of its endpoint read the registry, its files, their key and the image because
that platform names this account among its consumers. `up` waits until the model risk team has approved a version.
"""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("bank-lending", backend="aws", stage="dev", network={"private": {"zones": 2}})
credit = mlops.Model.from_stack(pulumi.Config().require("models_stack"), "credit")
score = mlops.Endpoint(
    "score",
    platform=platform,
    model=credit.approved(otherwise="wait"),
    capture_percent=100,
    scaling={"min": 2},
    invokers=[{"role": "loans-web"}],
)

pulumi.export("status", score.status)
pulumi.export("url", score.url)
