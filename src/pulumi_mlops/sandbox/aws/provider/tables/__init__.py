"""The table: one row a resource, one file a family of services."""

from collections.abc import Mapping

from pulumi_mlops.sandbox.aws.provider.row import Row
from pulumi_mlops.sandbox.aws.provider.tables import s3, sagemaker, security

ROWS: Mapping[str, Row] = {row.token: row for module in (s3, sagemaker, security) for row in module.ROWS}
