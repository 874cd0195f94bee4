"""Microsoft's own clients understand what the sandbox's Azure answers: an opinion that shares no code with ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

from pulumi_mlops_sandbox.azure.facts import SUBSCRIPTION, TOKEN
from support.sandbox import arm
from support.sandbox.arm import Arm
from support.sandbox.arm_good import MODEL, STORAGE
from support.sandbox.arm_world import furnish


def test_microsofts_clients_read_what_there_is(server: Arm) -> None:
    furnish(server)
    server.admin("POST", "latency", {"seconds": 0.05})
    environment = os.environ | {
        "ARM_CLOUD_METADATA_URL": f"{server.url}/metadata/endpoints?api-version=2022-09-01",
        "PULUMI_MLOPS_ARM_ENDPOINT": server.url,
        "PULUMI_MLOPS_ARM_TOKEN": TOKEN,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    program = Path(arm.__file__).with_name("microsofts_clients.py")
    arguments = [SUBSCRIPTION, "rg", "churn", "churn-features", "churnfiles", "churn-vault"]
    done = subprocess.run(
        [sys.executable, "-P", str(program), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    datastores = said.pop("datastores")
    assert datastores.items() >= {"artifacts": "AzureBlobDatastore", "workspacefilestore": "AzureFileDatastore"}.items()
    containers = said.pop("containers")
    assert "artifacts" in containers
    assert said == {
        "workspaces": ["churn", "churn-features"],
        "storage": STORAGE,
        "endpoints": ["churn-live"],
        "scoring": "https://churn-live.eastus.inference.ml.azure.com/score",
        "deployments": [["blue", "Standard_DS3_v2", f"{MODEL}/versions/1"]],
        "traffic": {"blue": 100},
        "models": ["churn"],
        "versions": ["1"],
        "latest": "azureml://datastores/workspaceblobstore/paths/models/churn/1/",
        "data": "azureml://datastores/artifacts/paths/training/",
        "environment": "churnimages.azurecr.io/server:1",
        "computes": [["cpu", "Standard_DS3_v2"]],
        "schedules": {"drift": "MonitorSchedule"},
        "feature sets": [["usage", "1", ["azureml:customer:1"]]],
        "entities": ["customer_id"],
        "feature store": "churn-features",
        "submitted": True,
        "missing": "ResourceNotFoundError",
        "account": ["Standard_ZRS", "TLS1_2", "https://churnfiles.blob.core.windows.net/"],
        "made": "Succeeded",
        "taken": "StorageAccountAlreadyTaken",
        "vault": [True],
        "secrets": ["token"],
        "assigned": 5,
        "roles": ["AcrPull"],
    }
