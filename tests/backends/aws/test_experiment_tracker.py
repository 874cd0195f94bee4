"""ExperimentTracker on AWS: SageMaker's MLflow, its role, and who may call it."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from support import rights
from support.changes.common import WANDB, hidden
from support.facts.aws import HUB, KEY, hub
from support.mocks import ACCOUNT, REGION, Cloud

TRUST: Any = {"role": "arn:aws:iam::444455556666:role/ci"}
APP = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-app/app-runs-app"
SERVER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:mlflow-tracking-server/server-runs-server"
FILES = "arn:aws:s3:::artifacts/mlflow/runs"


def build(cloud: Cloud, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = cloud.run(
        lambda: {"ref": mlops.ExperimentTracker("runs", platform=HUB, **args).ref.export()}
    )["ref"]
    return found


def test_an_app_is_made_by_default(cloud: Cloud) -> None:
    ref = build(cloud)
    app = cloud.one("sagemaker/mlflowApp").inputs
    assert (app["name"], app["artifactStoreUri"]) == ("churn-dev-runs", "s3://artifacts/mlflow/runs/")
    assert "modelRegistrationMode" not in app, "versions are registered by who may, and by no copy of MLflow's"
    assert ref["environment"] == {"MLFLOW_TRACKING_URI": APP, "MLFLOW_EXPERIMENT_NAME": "runs"}
    assert (ref["engine"], ref["project"], ref["keys"], ref["servers"]) == ("mlflow", "runs", {}, [])
    assert not cloud.all("sagemaker/mlflowTrackingServer")


def test_a_size_is_a_server(cloud: Cloud) -> None:
    ref = build(cloud, managed={"size": "medium", "experiment": "churn"})
    server = cloud.one("sagemaker/mlflowTrackingServer").inputs
    assert (server["trackingServerName"], server["trackingServerSize"]) == ("churn-dev-runs", "Medium")
    assert ref["environment"] == {"MLFLOW_TRACKING_URI": SERVER, "MLFLOW_EXPERIMENT_NAME": "churn"}
    assert ref["url"].startswith("https://")
    assert not cloud.all("sagemaker/mlflowApp")


def test_its_role_keeps_files_and_nothing_else(cloud: Cloud) -> None:
    build(cloud)
    may = rights.of(cloud, "runs-rights")
    assert may("s3:PutObject", f"{FILES}/1/artifacts/model.pkl")
    assert may("s3:GetObject", f"{FILES}/1/artifacts/model.pkl")
    assert not may("s3:PutObject", f"{FILES}-eu/1/artifacts/model.pkl")
    assert not may("s3:PutObject", "arn:aws:s3:::artifacts/models/churn/1/model.tar.gz")
    assert may("kms:GenerateDataKey", KEY, **{"kms:ViaService": f"s3.{REGION}.amazonaws.com"})
    assert not may("kms:Decrypt", KEY)
    trust = cloud.one("iam/role", "runs-role").document("assumeRolePolicy")["Statement"]
    assert [one["Principal"] for one in trust] == [{"Service": "sagemaker.amazonaws.com"}]
    assert trust[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_it_is_protected_where_the_stage_says_so(cloud: Cloud) -> None:
    cloud.run(lambda: mlops.ExperimentTracker("runs", platform=hub(stage="prod")) and None)
    assert cloud.one("sagemaker/mlflowApp").protect
    assert cloud.one("iam/role", "runs-role").depends_on <= {"runs"}
    assert "runs-rights" in cloud.one("sagemaker/mlflowApp").depends_on


def recorder(cloud: Cloud, **args: Any) -> rights.Rights:
    def program() -> None:
        runs = mlops.ExperimentTracker("runs", platform=HUB, **hidden(args))
        mlops.ExperimentTracker("others", platform=HUB, **hidden(args))
        mlops.Identity("trainer", platform=HUB, records=[runs], trusts=TRUST)

    cloud.run(program)
    return rights.of(cloud, "trainer-rights")


@pytest.mark.parametrize(("size", "arn"), [(None, APP), ("small", SERVER)])
def test_who_records_calls_this_one(cloud: Cloud, size: str | None, arn: str) -> None:
    may = recorder(cloud, managed={"size": size})
    for action in ("CreateExperiment", "CreateRun", "LogBatch", "LogMetric", "UpdateRun", "SetTag", "SearchRuns"):
        assert may(f"sagemaker-mlflow:{action}", arn), action
    for action in ("DeleteRun", "DeleteExperiment", "CreateRegisteredModel", "CreateModelVersion", "AccessUI"):
        assert not may(f"sagemaker-mlflow:{action}", arn), action
    assert not may("sagemaker-mlflow:CreateRun", arn.replace("runs", "others"))
    assert may("sagemaker:CallMlflowAppApi", arn) is (size is None)
    assert may("sagemaker:DescribeMlflowApp", arn) is (size is None)
    assert may("sagemaker:DescribeMlflowTrackingServer", arn) is (size is not None)
    assert not may("sagemaker:UpdateMlflowApp", arn)
    assert may("s3:PutObject", f"{FILES}/1/artifacts/model.pkl")
    assert not may("s3:PutObject", f"{FILES.replace('runs', 'others')}/1/artifacts/model.pkl")
    assert not may("s3:DeleteObject", f"{FILES}/1/artifacts/model.pkl")


def test_who_records_in_an_engine_reads_its_key_and_no_other(cloud: Cloud) -> None:
    may = recorder(cloud, wandb=WANDB)
    keys = {one.name: one.inputs["name"] for one in cloud.all("secretsmanager/secret")}
    assert sorted(keys.values()) == [
        f"churn-dev/experiment-tracker/{name}/wandb-api-key" for name in ("others", "runs")
    ]
    arn = "arn:aws:secretsmanager:{0}:{1}:churn-dev/experiment-tracker/{2}/wandb-api-key"
    assert may("secretsmanager:GetSecretValue", arn.format(REGION, ACCOUNT, "runs"))
    assert not may("secretsmanager:GetSecretValue", arn.format(REGION, ACCOUNT, "others"))
    assert may.decrypt(KEY, "secretsmanager")
    assert not may("sagemaker:CallMlflowAppApi", APP)
