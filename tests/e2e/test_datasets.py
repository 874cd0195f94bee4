"""examples/datasets on each cloud: up, unchanged, a version published, another retention, down without a trace."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from pulumi_mlops.jobs import dataset
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.outside import Cloud, shown, succeeded
from support.e2e.tenant import Tenant

# A whole stack each, on a machine that may be busy.
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]
CI = {"aws": {"role": "arn:aws:iam::444455556666:role/ci"}, "kubernetes": {"namespace": "jobs"}}
CI["azure"] = {"github": {"repository": "acme/etl", "branch": "main"}}  # type: ignore[dict-item]

SETTINGS = {"azure": {"azure-native:location": "eastus"}}


@pytest.fixture
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.node.name.rpartition("_")[2],)


def made(stack_of: StackOf, backend: str) -> Stack:
    stack = stack_of("examples/datasets")
    stack.configure(backend=backend, trusts=json.dumps(CI[backend]), **SETTINGS.get(backend, {}))
    assert set(succeeded(stack.up()).counts) == {"create"}
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    return stack


def changed(stack: Stack) -> set[str]:
    """Take another retention, and say which kinds of resources are updated: none comes or goes."""
    stack.configure(retention_days="90")
    steps = shown(stack.up())
    assert {step.split()[0] for step in steps} == {"update"}
    assert shown(stack.up()) == []
    return {step.split()[1] for step in steps if step.startswith("update ")} - {"Dataset"}


def refused(stack: Stack) -> str:
    """Ask for another partition of files that are there."""
    program = stack.folder / "__main__.py"
    text = program.read_text()
    program.write_text(text.replace('partition="day"', 'partition="hour"'))
    said = stack.preview()
    program.write_text(text)
    assert said.code != 0
    assert "Traceback" not in said.output
    return said.output


def ran(*arguments: str) -> Any:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert dataset.main(arguments) == 0
    return json.loads(told.getvalue())


def test_on_aws(stack_of: StackOf, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = cloud.everything()
    stack = made(stack_of, "aws")
    raw, rows = stack.outputs()["raw"], stack.outputs()["rows"]
    s3, bucket = cloud.client("s3"), rows.removeprefix("s3://").rstrip("/")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.meta.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def acts_as(identity: str | None) -> None:
        own = {"access_key": "sandbox", "secret_key": "sandbox", "token": ""}
        if identity:  # what it does is judged by its own policies
            given = cloud.acting_as(f"market-dev-{identity}-identity", "s3")._request_signer._credentials
            own = {name: getattr(given, name) for name in own}
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", own["access_key"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", own["secret_key"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", own["token"])
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps who it was first

    acts_as(None)
    s3.put_object(Bucket=raw.removeprefix("s3://").rstrip("/"), Key="a.jsonl", Body=b"{}")
    ran("publish", raw)
    acts_as("etl")
    s3.put_object(Bucket=bucket, Key="dt=2026-11-29/a.parquet", Body=b"old")
    version = ran("publish", rows, "--parent", f"{raw}@latest")
    assert (version["number"], version["parents"][0]["version"]) == (1, 1)
    s3.put_object(Bucket=bucket, Key="dt=2026-11-29/a.parquet", Body=b"new")
    acts_as("trainer")
    ran("fetch", rows, "1", str(tmp_path / "rows"))
    with pytest.raises(ClientError, match="AccessDenied"):
        dataset.main(["publish", rows])
    assert (tmp_path / "rows" / "dt=2026-11-29" / "a.parquet").read_bytes() == b"old"

    def may(who: str, action: str, key: str, where: str = bucket, **facts: str) -> bool:
        return cloud.allows(f"market-dev-{who}-identity", action, f"arn:aws:s3:::{where}/{key}", **facts)

    assert may("etl", "s3:PutObject", "dt=2026-11-30/b.parquet")
    assert not may("etl", "s3:DeleteObject", "_versions/1.json")
    assert not may("etl", "s3:PutObject", "a.jsonl", raw.removeprefix("s3://").rstrip("/"))
    assert may("trainer", "s3:GetObjectVersion", "dt=2026-11-29/a.parquet")
    assert not may("trainer", "s3:PutObject", "dt=2026-11-29/a.parquet")
    assert not may("trainer", "s3:GetObject", "a.jsonl", raw.removeprefix("s3://").rstrip("/"))
    table = cloud.client("glue").get_table(DatabaseName="market_dev_rows_dataset", Name="rows")["Table"]
    assert table["Parameters"]["projection.dt.range"] == "NOW-401DAYS,NOW"

    assert "partition: cannot become 'hour' where it is 'day'" in refused(stack)
    assert changed(stack) == {
        "CatalogTable",
        "BucketLifecycleConfiguration",
    }
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {rule["ID"]: rule.get("Expiration", {}).get("Days") for rule in rules}["partitions"] == 90
    succeeded(stack.destroy())
    assert {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind} == before


def test_on_azure(stack_of: StackOf, tenant: Tenant) -> None:
    before = tenant.everything()
    stack = made(stack_of, "azure")
    assert stack.outputs()["rows"].endswith(".blob.core.windows.net/files/")
    assert "partition: cannot become 'hour' where it is 'day'" in refused(stack)
    assert changed(stack) == {"ManagementPolicy"}
    succeeded(stack.destroy())
    assert tenant.everything() == before


def test_on_kubernetes(stack_of: StackOf, cluster_inside: Cluster) -> None:
    before = cluster_inside.everything()
    stack = made(stack_of, "kubernetes")
    assert stack.outputs()["rows"] == "s3://artifacts/datasets/rows/"
    assert "partition: cannot become 'hour' where it is 'day'" in refused(stack)
    assert changed(stack) == {
        "CronJob",
        "ConfigMap",
    }
    succeeded(stack.destroy())
    assert cluster_inside.everything() == before
