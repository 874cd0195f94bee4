"""The ranking team's stack: its jobs read the customers' profiles, of now and of the past, and write the ranks.

The identity may do that and nothing else. Whoever it trusts acts as it: on AWS jobs of one branch at GitHub, without a
key that could be lost; in a cluster a service account of the team's own namespace. Feast's server in a cluster knows no
groups: the preview warns that who reads or writes one of them reaches all of its store.
"""

import pulumi

import pulumi_mlops as mlops

TRUSTS: dict[str, mlops.Trusts] = {
    "aws": {"github": {"repository": "acme/ranker", "branch": "main"}},
    "kubernetes": {"service_account": "ranking/trainer"},
}

owner = pulumi.Config().require("owner_stack")
platform = mlops.Platform.from_stack(owner)
profile, ranks = (mlops.FeatureGroup.from_stack(owner, name) for name in ("profile", "ranks"))
team = mlops.Identity(
    "ranking-team",
    platform=platform,
    reads=[profile.online, profile.as_of(days=90)],
    writes=[ranks],
    trusts=TRUSTS[platform.backend],
)

pulumi.export("identity", team.principal)
