"""What a pack mends is made so by the real engine; unless that was asked for, a resource is made as it was written."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.judged import PACK

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PROGRAM = """
import json

import pulumi_aws as aws
import pulumi_azure_native as azure

bucket = aws.s3.Bucket("files", tags={"project": "churn"})
aws.s3.BucketPublicAccessBlock("closed", bucket=bucket.id, block_public_acls=True)
deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
policy = bucket.arn.apply(lambda arn: json.dumps({"Version": "2012-10-17", "Statement": [{**deny, "Resource": arn}]}))
aws.s3.BucketPolicy("tls", bucket=bucket.id, policy=policy)  # no mending writes one
group = azure.resources.ResourceGroup("group", location="westeurope")
azure.storage.StorageAccount(
    "store",
    resource_group_name=group.name,
    kind=azure.storage.Kind.STORAGE_V2,
    sku={"name": "Standard_LRS"},
    minimum_tls_version="TLS1_0",
    allow_blob_public_access=True,
)
"""
STAGE = "config:\n  aws:region: us-east-1\n  azure-native:location: westeurope\n"
ASKED = {
    "data.no-public-access": "remediate",
    "encryption.in-transit": "remediate",
    "governance.tags-required": "remediate",
    "settings": {"tag_values": {"owner": "ml", "project": "other"}},
}
UNASKED = {name: level if name == "settings" else "advisory" for name, level in ASKED.items()}
TAGS = {"owner": "ml", "project": "other"}
MENDED = {
    "files": {"tags": {"project": "churn", "owner": "ml"}},
    "closed": {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    "group": {"tags": TAGS},
    "store": {
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": False,
        "tags": {"owner": "ml", "project": "other"},
    },
}
WRITTEN = {
    "files": {"tags": {"project": "churn"}},
    "closed": {"blockPublicAcls": True},
    "group": {},
    "store": {"minimumTlsVersion": "TLS1_0", "allowBlobPublicAccess": True},
}
LOOKED_AT = {key for wanted in MENDED.values() for key in wanted}


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("mending"))
    sandbox.up(planes=("aws", "azure"))
    yield sandbox
    sandbox.down()


def made(stack: Stack) -> dict[str, dict[str, Any]]:
    """Read what the resources of the program were made with."""
    found = {each["urn"].rpartition("::")[2]: each.get("inputs", {}) for each in stack.state()["resources"]}
    return {name: {key: found[name][key] for key in found[name].keys() & LOOKED_AT} for name in MENDED}


def test_a_resource_is_made_mended_where_that_is_asked_for(
    sandbox: Sandbox, project: Callable[..., Path], tmp_path: Path
) -> None:
    stack = Stack(sandbox, project(PROGRAM, name="mended", dev=STAGE))
    options = {}
    for name, told in (("asked", ASKED), ("unasked", UNASKED)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(told))
        options[name] = (*PACK, "--policy-pack-config", str(path))

    done = stack.up(*options["unasked"])
    assert done.code == 0, done.output
    assert made(stack) == WRITTEN
    assert "[remediate]" not in done.output

    done = stack.up(*options["asked"])
    assert done.code == 0, done.output
    assert made(stack) == MENDED
    assert "[remediate]  governance.tags-required  (3 resources)" in done.output
    assert stack.up(*options["asked"]).changes == []
