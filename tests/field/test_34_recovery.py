"""docs/recovery.md is executed: each of its situations is brought about by a test, and left as the page says."""

import ast
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recovery.md").read_text()
TROUBLE, TROUBLE_IN_CLUSTER = "e2e/test_trouble.py", "e2e/test_trouble_kubernetes.py"
HERE = "field/test_34_recovery.py::test_a_prod_stack_on_aws"
ON_AZURE = "backends/azure/test_checks.py"
OBJECTS, WAITING = "sandbox/kubernetes/provider/test_kubernetes_objects.py", "field/test_32_real_node.py"
SITUATIONS: dict[str, list[str]] = {
    "A killed `up`": [
        "e2e/test_real_engine.py::test_after_a_killed_engine_the_next_up_recovers",
        f"{TROUBLE}::test_a_killed_engine_leaves_nothing_behind",
        "field/test_34_recovery.py::test_a_lock_is_cancelled",
    ],
    "Throttling": [f"{TROUBLE}::test_faults_of_the_control_plane"],
    "Protected resources": [HERE],
    "Somebody changed a resource by hand": [
        HERE,
        "e2e/test_stack_kubernetes.py::test_what_others_change_is_not_overwritten_and_found",
    ],
    "Ids on AWS": [HERE],
    "A release that was rolled back": [f"{TROUBLE}::test_what_happens_to_what_serves"],
    "Expired credentials": [f"{TROUBLE}::test_faults_of_the_control_plane"],
    "What outlives a deletion": [HERE],
    "A configuration that was changed by hand": [HERE],
    "An endpoint that is Failed": ["field/test_05_state.py::test_what_failed_or_was_left_comes_back"],
    "A name that is taken by what was deleted": [
        HERE,
        "field/test_05_state.py::test_a_feature_group_that_failed_is_refused",
    ],
    "A feature group with features that the program lacks": [HERE],
    "A killed `up` on Azure": [
        "e2e/test_trouble_azure.py::test_a_killed_up_is_recovered_by_the_next",
        "e2e/test_trouble_azure.py::test_what_the_real_provider_finds_there_is_imported",
    ],
    "A name that Azure keeps": [
        f"{ON_AZURE}::test_a_production_platform_is_not_made_beside_the_vault_of_a_deleted_one",
        f"{ON_AZURE}::test_a_platform_that_is_made_again_has_other_names_and_keeps_them",
    ],
    "Credentials that Azure does not take": [
        "backends/azure/test_live.py::test_a_refusal_is_one_line_with_the_way_out",
        "backends/azure/test_live.py::test_an_azure_that_is_down_is_told_apart_from_one_that_refuses",
    ],
    "A managed network that is to be opened again": [f"{ON_AZURE}::test_a_managed_network_is_not_opened_again"],
    "A killed `up` on Kubernetes": [f"{TROUBLE_IN_CLUSTER}::test_a_killed_engine_leaves_nothing_behind"],
    "A release that was rolled back on Kubernetes": ["e2e/test_release_kubernetes.py::test_a_release_that_goes_back"],
    "Something does not become ready": [f"{WAITING}::test_an_endpoint_says_its_pods_own_reason_and_nothing_follows"],
    "A namespace that does not go away": [
        "sandbox/kubernetes/provider/test_kubernetes_waiting.py::test_a_namespace_that_is_held_up"
    ],
    "A conflict with another field manager": [
        f"{OBJECTS}::test_conflict",
        "e2e/test_stack_kubernetes.py::test_what_others_change_is_not_overwritten_and_found",
    ],
    "A registry that is made again on a database that was kept": [
        "field/test_24_lives.py::test_a_kept_database_takes_the_admins_password",
        "field/test_24_lives.py::test_webhooks_of_another_key_are_written_anew",
        "field/test_24_lives.py::test_a_rotated_password_of_a_user_runs_the_set_up_again",
    ],
    "A cluster that does not answer": [f"{TROUBLE_IN_CLUSTER}::test_a_cluster_that_is_down_is_one_line"],
    "What outlives a deletion on Kubernetes": [
        "acceptance/test_feast.py::test_what_a_removed_group_leaves_is_deleted_by_hand"
    ],
}
"""The tests of each section of the page."""


def test_every_situation_of_the_page_has_a_test() -> None:
    assert list(SITUATIONS) == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("where", sorted({where for several in SITUATIONS.values() for where in several}))
def test_that_test_is_there(where: str) -> None:
    path, name = where.split("::")
    tree = ast.parse((ROOT / "tests" / path).read_text())
    assert name in [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


IDS = {
    "S3 bucket": ("aws:s3/bucket:Bucket", "vault-prod-artifacts-ACCOUNT-REGION"),
    "ECR repository": ("aws:ecr/repository:Repository", "vault-prod/serve"),
    "FeatureGroup": ("aws:sagemaker/featureGroup:FeatureGroup", "vault-prod-profile"),
    "ModelPackageGroup": ("aws:sagemaker/modelPackageGroup:ModelPackageGroup", "vault-prod-models-churn"),
    "Budget": ("aws:budgets/budget:Budget", "ACCOUNT:vault-prod"),
    "Glue database": ("aws:glue/catalogDatabase:CatalogDatabase", "ACCOUNT:vault_prod_features"),
}
"""Rows of the page's table of ids: the kind, and the id that it has in this program."""


PROGRAM = """
    import pulumi_mlops as mlops
    hub = mlops.Platform("vault", backend="aws", stage="prod", secrets={"token": "t"}, images=["serve"],
                         alerts=["ml@example.com"], monthly_budget=9)
    store = mlops.FeatureStore("features", platform=hub)
    mlops.FeatureGroup("profile", store=store, features={FEATURES}, keys=["id"], event_time="at")
    models = mlops.ModelRegistry("models", platform=hub)
    mlops.Model("churn", registry=models)
    mlops.Endpoint("score", platform=hub, model={"image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/churn:1"})
"""
FEATURES = {"id": "string", "at": "timestamp"}


def written(**features: str) -> str:
    return PROGRAM.replace("{FEATURES}", repr(FEATURES | features))


def says(command: str) -> str:
    """Return a command that the page has."""
    assert command in PAGE, f"docs/recovery.md does not say: {command}"
    return command


@pytest.fixture
def client(sandbox: Sandbox) -> Any:
    url = sandbox.env()["AWS_ENDPOINT_URL"]

    def made(service: str) -> Any:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        return boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)  # type: ignore[call-overload]

    return made


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_a_prod_stack_on_aws(project: Any, pulumi: Any, client: Any, sandbox: Sandbox) -> None:
    """Hands change it behind the program's back; it is taken down on purpose; it comes back."""
    folder = project(written())

    def ran(*arguments: str, code: int | None = 0) -> str:
        done = pulumi(*arguments, cwd=folder, code=code)
        return str(done.stdout + done.stderr)

    ran("up", "--yes", "--skip-preview", "-s", "prod")
    ran("stack", "select", "prod")
    sagemaker = client("sagemaker")
    made = {found["type"]: found.get("id") for found in Stack(sandbox, folder, "prod").state()["resources"]}
    for row, (kind, wanted) in IDS.items():
        assert re.search(rf"^\| {row}", PAGE, re.MULTILINE), row
        assert made[kind] == wanted.replace("ACCOUNT", "123456789012").replace("REGION", "us-east-1"), row

    # A setting that somebody changed by hand.
    logs = client("logs")
    logs.put_retention_policy(logGroupName="/mlops/vault-prod", retentionInDays=7)
    assert "vault-logs" in ran("refresh", "--yes", "--skip-preview")

    # A feature that somebody added by hand.
    more = [{"FeatureName": "visits", "FeatureType": "Integral"}]
    sagemaker.update_feature_group(FeatureGroupName="vault-prod-profile", FeatureAdditions=more)
    assert "'visits' cannot be removed from a group that exists" in ran("preview", code=None)
    project(written(visits="integer"))

    # Another configuration that somebody gave the endpoint.
    ours = sagemaker.describe_endpoint(EndpointName="vault-prod-score")["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=ours)["ProductionVariants"]
    sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=variants)
    sagemaker.update_endpoint(EndpointName="vault-prod-score", EndpointConfigName="theirs")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="vault-prod-score", WaiterConfig={"Delay": 1})
    ran("up", "--yes", "--skip-preview")
    serving = sagemaker.describe_endpoint(EndpointName="vault-prod-score")["EndpointConfigName"]
    assert serving != "theirs"
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/mlops/vault-prod")["logGroups"]
    assert group["retentionInDays"] == 365
    ran("preview", "--expect-no-changes")
    sagemaker.delete_endpoint_config(EndpointConfigName="theirs")

    # Taken down on purpose: protected, then not empty.
    s3 = client("s3")
    (bucket,) = [found["Name"] for found in s3.list_buckets()["Buckets"] if found["Name"].startswith("vault-prod-")]
    s3.put_object(Bucket=bucket, Key="models/churn.tar.gz", Body=b"weights")
    assert "protected" in ran("destroy", "--yes", "--skip-preview", code=None)
    unprotect = says("pulumi state unprotect --all").split()[1:]
    ran(*unprotect, "--yes")
    assert "BucketNotEmpty" in ran("destroy", "--yes", "--skip-preview", code=None)
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    ran("destroy", "--yes", "--skip-preview")

    # Back again: the secret's name waits for its deletion, the table of the group is there.
    refused = ran("preview", code=None)
    assert "secrets.token: secret 'vault-prod/token' was deleted on" in refused
    client("secretsmanager").delete_secret(SecretId="vault-prod/token", ForceDeleteWithoutRecovery=True)
    ran("up", "--yes", "--skip-preview")
    ran(*unprotect, "--yes")
    ran("destroy", "--yes", "--skip-preview")


@pytest.mark.e2e
def test_a_lock_is_cancelled(project: Any, pulumi: Any, sandbox: Sandbox) -> None:
    """What a killed engine leaves in a file backend: the next command says so, and `pulumi cancel` takes it away."""
    folder = project("import pulumi\npulumi.export('a', 1)\n")
    pulumi("stack", "init", "dev", cwd=folder)
    pulumi("up", "--yes", "--skip-preview", cwd=folder)
    name = re.search(r"^name: (.+)$", (folder / "Pulumi.yaml").read_text(), re.MULTILINE)
    assert name
    lock = next(sandbox.home.rglob(".pulumi/stacks")).parent / "locks" / "organization" / name[1] / "dev"
    lock.mkdir(parents=True, exist_ok=True)
    (lock / "0d7a7c1c-0000-4000-8000-000000000000.json").write_text(
        '{"pid": 1, "username": "ci", "hostname": "runner", "timestamp": "2026-11-03T08:30:00Z"}'
    )
    locked = pulumi("up", "--yes", "--skip-preview", cwd=folder, code=None)
    assert "locked" in locked.stdout + locked.stderr
    pulumi(*says("pulumi cancel").split()[1:], "--yes", cwd=folder)
    pulumi("up", "--yes", "--skip-preview", cwd=folder)
