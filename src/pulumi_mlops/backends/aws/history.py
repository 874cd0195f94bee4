"""The history of a feature group: where its rows are, and the rights to select them by Athena."""

from collections.abc import Sequence
from urllib.parse import urlencode

from pulumi import Input, Output

from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress, PlatformAddress
from pulumi_mlops.backends.aws.places import below, bucket_of, objects, read_files, through, write_place
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import InvalidArgs, Problem
from pulumi_mlops.core.workload import Place


def table_of(group: str) -> str:
    """Name the table of a group, as Feature Store and the library do."""
    return group.replace("-", "_")


def address(group: FeatureGroupRef, here: PlatformRef) -> Output[str]:
    """Write where the rows of a group are, for the program that selects them (``jobs/history.py``).

    :param here: the platform whose artifact store takes the answers.
    """
    known = FeatureGroupAddress.of(group)
    time = group.event_time
    kind = "float" if group.features.get(time) == "float" else "timestamp"
    told = urlencode([*(("key", key) for key in group.keys), ("time", time), ("kind", kind)])
    table: Input[str] = Output.from_input(known.name).apply(table_of) if known.table is None else known.table
    return Output.format("athena://{0}/{1}?{2}&answers={3}", known.database, table, told, _answers(group, here))


def _answers(group: FeatureGroupRef, here: PlatformRef) -> Output[str]:
    """Return the folder to which answers of queries on a group go."""
    return Output.format("s3://{0}/queries/{1}/", PlatformAddress.of(here).bucket, FeatureGroupAddress.of(group).name)


def with_keys(
    actions: Sequence[str], used: Sequence[Input[str]] | None, at: PlatformAddress, *services: str
) -> list[Statement]:
    """Allow the use of the keys of a store; of one of ours, the platform's."""
    return [allow(actions, key, through(at, *services)) for key in ([at.key] if used is None else used)]


def read_history(group: FeatureGroupRef, here: PlatformRef) -> list[Statement]:
    """Query the table of a group by Athena, whose answers go to a folder of their own in the artifact store."""
    at, address = PlatformAddress.of(here), FeatureGroupAddress.of(group)
    if address.offline is None or address.database is None:
        told = "the ref does not say where its rows are; run pulumi up in the stack that exports it"
        raise InvalidArgs("FeatureGroup", group.name, [Problem("address", told)])
    # SageMaker ends the name of a group's folder with the second at which it was made, ten digits: a star in their
    # place would stand for the rows of a group with a longer name as well.
    folder = "{0}{1}/sagemaker/{2}/offline-store/{3}-??????????/"
    rows = arn(folder, address.offline, at.account, at.region, address.name)
    table = Late(table_of, (address.name,)) if address.table is None else address.table
    answers = Place(_answers(group, here))
    return [
        allow(["sagemaker:DescribeFeatureGroup"], address.arn),
        allow(
            ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
            [
                arn("arn:{0}:glue:{1}:{2}:catalog", at.partition, at.region, at.account),
                arn("arn:{0}:glue:{1}:{2}:database/{3}", at.partition, at.region, at.account, address.database),
                arn("arn:{0}:glue:{1}:{2}:table/{3}/{4}", at.partition, at.region, at.account, address.database, table),
            ],
        ),
        allow(
            ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
            arn("arn:{0}:athena:{1}:{2}:workgroup/primary", at.partition, at.region, at.account),
        ),
        allow(["s3:GetObject"], Late(objects, (rows, at.partition))),
        allow(
            ["s3:ListBucket"],
            Late(bucket_of, (address.offline, at.partition)),
            {"StringLike": {"s3:prefix": [Late(below, (rows,))]}},
        ),
        *read_files(answers, at),
        *write_place(answers, here, "athena"),
        *with_keys(["kms:Decrypt"], address.offline_keys, at, "s3", "athena"),
    ]
