"""Two datasets, one made of the other: who writes them, who reads them, and which version a run reads.

What writes files publishes a version: `python dataset.py publish LOCATION --parent RAW@latest` (docs/workload.md).
"""

from typing import Any

import pulumi

import pulumi_mlops as mlops

config = pulumi.Config()
platform = mlops.Platform("market", backend=config.get("backend") or "aws", stage=config.get("stage") or "dev")
# Who may act as the identities is a cloud's own word: `pulumi config set --path trusts.role arn:…`.
trusts: Any = config.get_object("trusts") or {}

raw = mlops.Dataset("raw", platform=platform, format="jsonl", retention_days=30, description="Orders as they came")
rows = mlops.Dataset(
    "rows",
    platform=platform,
    format="parquet",
    partition="day",
    columns={"customer_id": "string", "amount": "float", "returned": "boolean"},
    retention_days=config.get_int("retention_days") or 400,
    parents=[raw],
)
mlops.Identity("etl", platform=platform, reads=[raw], writes=[rows], trusts=trusts)
mlops.Identity("trainer", platform=platform, reads=[rows.latest()], trusts=trusts)

pulumi.export("raw", raw.location)
pulumi.export("rows", rows.location)
pulumi.export("dataset", rows.ref.export())
