"""Rights on files, and on the keys that they are encrypted with: used through the services that need them, only."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pulumi_mlops.backends.aws import keys
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.policy import Late, Statement, allow, arn
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import Place


def objects(uri: str, partition: str) -> str:
    """Return the ARN of a file, or of what is in a folder."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"arn:{partition}:s3:::{bucket}/{key}{'*' if key.endswith('/') or not key else ''}"


def bucket_of(uri: str, partition: str) -> str:
    """Return the ARN of the bucket of an address."""
    return f"arn:{partition}:s3:::{uri.removeprefix('s3://').partition('/')[0]}"


def below(uri: str) -> str:
    """Return the prefix by which a file, or what is in a folder, is listed."""
    _, _, key = uri.removeprefix("s3://").partition("/")
    return f"{key}*" if key.endswith("/") or not key else key


def through(at: PlatformAddress, *services: str) -> Mapping[str, Any]:
    """Write the condition that a key is used by these services for whoever has the right, and not directly."""
    names = [arn(f"{service}.{{0}}.amazonaws.com", at.region) for service in services]
    names += [Late(partial(_elsewhere, service), (at.region, at.domain)) for service in services]
    return {"StringEquals": {"kms:ViaService": names}}


def _elsewhere(service: str, region: str, domain: str) -> str | None:
    return None if domain == "amazonaws.com" else f"{service}.{region}.{domain}"


def _key_of(platform: PlatformRef) -> Callable[[str, str, str], str | None]:
    """Return what finds the key of a file: the platform's own for what is in its own bucket."""

    def found(uri: str, bucket: str, key: str) -> str | None:
        return key if uri.startswith(f"s3://{bucket}/") else keys.of_file(platform, uri)

    return found


def with_key(place: Place, actions: Sequence[str], here: PlatformRef, *services: str) -> Statement:
    """Allow the use of the key of a place, which is looked up where it is not the platform's."""
    at = PlatformAddress.of(here)
    key = Late(_key_of(here), (place.uri, at.bucket, at.key), asks=True)
    return allow(actions, key, through(at, "s3", *services))


def list_files(place: Place, at: PlatformAddress) -> list[Statement]:
    """Allow to list what is in a place."""
    bucket = Late(bucket_of, (place.uri, at.partition))
    return [
        allow(["s3:ListBucket"], bucket, {"StringLike": {"s3:prefix": [Late(below, (place.uri,))]}}),
        allow(["s3:GetBucketLocation"], bucket),
    ]


def read_files(place: Place, at: PlatformAddress) -> list[Statement]:
    """Allow to read a place, whose key is granted elsewhere."""
    return [allow(["s3:GetObject"], Late(objects, (place.uri, at.partition))), *list_files(place, at)]


def read_place(place: Place, here: PlatformRef) -> list[Statement]:
    """Allow to read a place, and the use of its key."""
    return [*read_files(place, PlatformAddress.of(here)), with_key(place, ["kms:Decrypt"], here)]


def write_place(place: Place, here: PlatformRef, *services: str) -> list[Statement]:
    """Allow to write to a place, and the use of its key, also through further services."""
    at = PlatformAddress.of(here)
    return [
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], Late(objects, (place.uri, at.partition))),
        *list_files(place, at),
        with_key(place, ["kms:Decrypt", "kms:GenerateDataKey"], here, *services),
    ]
