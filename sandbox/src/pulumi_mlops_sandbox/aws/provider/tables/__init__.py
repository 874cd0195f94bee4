"""The table: one row a resource, one file a family of services.

To add a resource, write its :class:`~pulumi_mlops_sandbox.aws.provider.row.Row` into the file of its family. Names and
types of properties come from the SDK's class. The test of the table says what the row has not answered yet: for each
property, the member of the API that takes it, and whether a change is an update, a replacement, or refused. What no row
can say is a method of a subclass of :class:`~pulumi_mlops_sandbox.aws.provider.kind.RowKind`.
"""

from collections.abc import Mapping

from pulumi_mlops_sandbox.aws.provider.row import Row
from pulumi_mlops_sandbox.aws.provider.tables import (
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
    scheduler,
    security,
    states,
)

_FAMILIES = (
    *(attributes, cloudcontrol, data, ecr, functions, groups, network, observe, s3, sagemaker, scaling, scheduler),
    *(security, states),
)
ROWS: Mapping[str, Row] = {row.resource: row for family in _FAMILIES for row in family.ROWS}
