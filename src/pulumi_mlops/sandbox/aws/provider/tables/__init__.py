"""The table: one row a resource, one file a family of services."""

from collections.abc import Mapping

from pulumi_mlops.sandbox.aws.provider.row import Row
from pulumi_mlops.sandbox.aws.provider.tables import (
    attributes,
    cloudcontrol,
    data,
    ecr,
    functions,
    groups,
    network,
    observe,
    s3,
    sagemaker,
    scaling,
    security,
)

_FAMILIES = (attributes, cloudcontrol, data, ecr, functions, groups, network, observe, s3, sagemaker, scaling, security)
ROWS: Mapping[str, Row] = {row.resource: row for family in _FAMILIES for row in family.ROWS}
