"""Rights on datasets: to read what is below a folder in any version of it, and to write there and publish versions."""

from pulumi import Output

from pulumi_mlops.backends.aws.addresses import DatasetAddress, PlatformAddress
from pulumi_mlops.backends.aws.places import below, bucket_of, list_files, objects, through, with_key
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import VERSIONS, Place


def read_view(view: DatasetView, here: PlatformRef) -> list[Statement]:
    """Allow to read a version: which files it has is known to nobody before it is read."""
    return read_dataset(view.dataset, here)


def read_dataset(dataset: DatasetRef, here: PlatformRef) -> list[Statement]:
    """Allow to read the files, those that others took the place of included, and to look the table up."""
    at = PlatformAddress.of(here)
    files = Late(objects, (dataset.location, at.partition))
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], files),
        *list_files(Place(dataset.location), at),
        _key(dataset, here, ["kms:Decrypt"]),
        *_catalogue(dataset, here),
    ]


def write_dataset(dataset: DatasetRef, here: PlatformRef) -> list[Statement]:
    """Allow to write and delete files, and to publish versions: of what is there only the versions are read."""
    at, versions = PlatformAddress.of(here), Output.format("{0}{1}", dataset.location, VERSIONS)
    files, kept = (Late(objects, (where, at.partition)) for where in (dataset.location, versions))
    listed = {"StringLike": {"s3:prefix": [Late(below, (dataset.location,))]}}
    return [
        allow(["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"], files),
        # A version is written once; the bucket of a dataset of ours refuses to write one anew as well.
        {**allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], kept), "Effect": "Deny"},
        allow(["s3:GetObject"], kept),
        *list_files(Place(dataset.location), at),
        allow(["s3:ListBucketVersions"], Late(bucket_of, (dataset.location, at.partition)), listed),
        _key(dataset, here, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ]


def _key(dataset: DatasetRef, here: PlatformRef, actions: list[str]) -> Statement:
    """Allow the use of the key of the files; of a folder that was there already, of the key that is found there."""
    key = DatasetAddress.of(dataset).key
    if key is None:
        return with_key(Place(dataset.location), actions, here)
    return allow(actions, key, through(PlatformAddress.of(here), "s3"))


def _catalogue(dataset: DatasetRef, here: PlatformRef) -> list[Statement]:
    at, address = PlatformAddress.of(here), DatasetAddress.of(dataset)
    if address.database is None or address.table is None:
        return []
    where = (at.partition, at.region, at.account, address.database, address.table)
    parts = ("catalog", "database/{3}", "table/{3}/{4}")
    arns = [arn(f"arn:{{0}}:glue:{{1}}:{{2}}:{part}", *where) for part in parts]
    return [allow(["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"], arns)]
