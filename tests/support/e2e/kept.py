"""What is in the object store that a platform runs on a real cluster, seen through a forwarded port."""

import base64
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from pulumi_mlops_sandbox.kubernetes.forwarding import forwarded
from support.e2e.inside import Cluster

BUCKET = "artifacts"


class Kept:
    """The bucket of a platform."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def keys(self, prefix: str = "") -> list[str]:
        """List what is below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """Read a file."""
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def captured(self, endpoint: str, without: Collection[str] = ()) -> tuple[list[Any], list[Any]]:
        """Read what was asked and what was answered: a file that KServe's agent writes is an event, or some."""
        said: dict[str, list[Any]] = {"request": [], "response": []}
        for key in self.keys(f"captured/{endpoint}/"):
            found = [] if key in without else json.loads(self.read(key))
            for event in found if isinstance(found, list) else [found]:
                said[event["reqType"].rpartition(".")[2]].append(json.loads(base64.b64decode(event["bytes"])))
        return said["request"], said["response"]

    def write(self, key: str, content: bytes) -> None:
        """Write a file."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)


@contextmanager
def kept(cluster: Cluster, namespace: str, platform: str) -> Iterator[Kept]:
    """Open the bucket of a platform, with the key that writes."""
    login = cluster.secret(namespace, f"{platform}-store-writer")
    with forwarded(cluster.kubeconfig, namespace, f"service/{platform}-store", 8333) as port:
        yield Kept(
            boto3.client(
                "s3",
                endpoint_url=f"http://127.0.0.1:{port}",
                region_name="us-east-1",
                aws_access_key_id=login["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=login["AWS_SECRET_ACCESS_KEY"],
            )
        )
