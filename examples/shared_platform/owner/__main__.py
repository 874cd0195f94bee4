"""The platform team's stack: it owns the hub and hands its address to others."""

import pulumi

import pulumi_mlops as mlops

platform = mlops.Platform("shared", backend="aws", stage="dev", images=["ranker"], owner="platform-team")

pulumi.export("platform", platform.ref.export())
