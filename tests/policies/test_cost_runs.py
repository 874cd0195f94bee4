"""`pulumi-mlops cost` under the real engine: the stacks of this repository, and an edit of a plain program."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "support" / "policies" / "programs"
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

OURS = """\
provider,service,component,sku,region,unit,price,currency,effective,source,confidence
kubernetes,kubernetes,cpu,,*,vcpu-hour,0.04,USD,2026-11-01,our cluster,agreed
kubernetes,kubernetes,memory,,*,gb-hour,0.005,USD,2026-11-01,our cluster,agreed
kubernetes,kubernetes,volume,*,*,gb-month,0.10,USD,2026-11-01,our cluster,agreed
azure,private-endpoint,hour,,westeurope,hour,0.01,USD,2026-11-01,our contract,agreed
aws,vpc-endpoint,interface,,us-east-1,hour,0.01,USD,2026-11-01,our contract,agreed
"""


FEATURES = {f"sagemaker features-{each}" for each in ("reads", "writes", "storage")}
FOLDERS = {f"storage {each}" for each in ("reads", "writes", "storage")}
SPARK = "azureml serverless-spark"
MISSING = {
    ("aws", "dev"): {*FEATURES, "sagemaker mlflow-app", "aws:sagemaker:Pipeline"},
    ("aws", "prod"): {*FEATURES, "sagemaker mlflow-app", "aws:sagemaker:Pipeline"},
    ("azure", "dev"): {*FOLDERS, SPARK},
    ("azure", "prod"): {*FOLDERS, SPARK, "azure-firewall hour"},
}
"""What the sum of a stack leaves out."""


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("costs"))
    yield sandbox
    sandbox.down()


def cost(sandbox: Sandbox, folder: Path, stack: str, *options: str, **variables: str) -> dict[str, Any]:
    words = ["pulumi-mlops", "cost", str(folder), "-s", stack, "--output", "json", *options]
    done = sandbox.run(words, cwd=folder.parent, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("backend", ["aws", "azure", "kubernetes"])
def test_each_stack_is_covered_and_each_sum_says_what_it_leaves_out(
    backend: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.up(planes=(backend,))
    folder = tmp_path / backend
    shutil.copytree(ROOT / "stacks" / backend, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if backend == "kubernetes":
        Stack(sandbox, folder, "prod").configure_secret("wandb_api_key", "not-a-key")
    (tmp_path / "ours.csv").write_text(OURS)
    for stage in ("dev", "prod"):
        found = cost(sandbox, folder, stage, "--prices", str(tmp_path / "ours.csv"))
        assert found["not_counted"]["uncovered"] == 0
        month = {key: float(value) for key, value in found["month"].items()}
        assert 0 < month["low"] <= month["expected"] <= month["high"]
        assert found["before"] == {"month": {"low": "0", "expected": "0", "high": "0"}, "resources": 0}
        assert {change["what"] for change in found["changes"]} == {"added"}
        missing = [line for line in found["lines"] if line["state"] != "priced"]
        assert all(line["month"] is None for line in missing)
        if (backend, stage) in MISSING:
            assert {f"{line['service']} {line['component']}".strip() or line["type"] for line in missing} == MISSING[
                backend, stage
            ]
    priced = [line for line in found["lines"] if line["state"] == "priced"]
    assert {line["price"]["origin"] for line in priced} >= {"yours"}


def test_an_example_says_what_its_machines_cost(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.up(planes=("aws",))
    folder = tmp_path / "language_model"
    shutil.copytree(ROOT / "examples" / "language_model", folder, ignore=shutil.ignore_patterns("__pycache__"))
    Stack(sandbox, folder, "aws").configure_secret("hub_token", "not-a-token")
    found = cost(sandbox, folder, "aws")
    line = found["lines"][0]
    assert (line["sku"], line["amount"]["expected"], line["price"]["price"]) == ("ml.g5.2xlarge", "730", "1.515")
    assert line["month"] == {"low": "1105.95", "expected": "1105.95", "high": "2211.9"}
    assert found["month"] == {"low": "1108.7705", "expected": "1114.505", "high": "2285.95"}
    assert set(found["not_counted"].values()) == {0}


def test_an_edit_is_told_against_what_is_there_and_held_against_the_ceiling(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.up(planes=("aws",))
    folder = tmp_path / "spending"
    shutil.copytree(PROGRAMS / "spending", folder, ignore=shutil.ignore_patterns("__pycache__"))
    first = cost(sandbox, folder, "dev", INSTANCES="2")
    assert first["month"] == {"low": "168.9", "expected": "336.8", "high": "1010.4"}
    assert {line["state"] for line in first["lines"]} == {"priced"}
    done = sandbox.run(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "-s", "dev"], cwd=folder, INSTANCES="2"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    same = cost(sandbox, folder, "dev", INSTANCES="2")
    assert (same["edit"], same["changes"]) == ("0", [])
    edited = cost(sandbox, folder, "dev", INSTANCES="4")
    assert edited["edit"] == "335.8"
    (change,) = edited["changes"]
    assert (change["name"], change["what"], change["month"]) == ("score", "changed", "335.8")

    config = tmp_path / "config.json"
    config.write_text(json.dumps({"settings": {"cost": {"ceiling": 500, "prices": "ours.csv"}}}))
    (folder / "ours.csv").write_text(f"{OURS}aws,kms,key,,*,key-month,1.00,USD,2026-11-01,our contract,agreed\n")
    words = ["pulumi-mlops", "check", str(folder), "-s", "dev", "--config", str(config), "--output", "json"]
    for instances, refused in (("2", False), ("4", True)):
        report = json.loads(sandbox.run(words, cwd=tmp_path, INSTANCES=instances).stdout)
        found = [each for each in report["findings"] if each["rule"] == "cost.ceiling"]
        assert bool(found) == refused
        assert report["month"].startswith("672.60" if refused else "336.80")
    assert (found[0]["resource"], found[0]["state"], found[0]["level"]) == ("score", "violation", "mandatory")
    assert "is expected to cost 672.60, above 500.00 USD" in found[0]["message"]
    assert found[0]["month"] == "671.60 USD (167.90 to 1,007.40)"
    options = ["--policy-pack", str(ROOT / "policies"), "--policy-pack-config", str(config)]
    refused_up = sandbox.run(
        ["pulumi", "up", "--yes", "--non-interactive", "-s", "dev", *options], cwd=folder, INSTANCES="4"
    )
    assert refused_up.returncode != 0
    assert "is expected to cost 672.60, above 500.00 USD" in refused_up.stdout
