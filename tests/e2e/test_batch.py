"""examples/batch_scoring runs in the sandbox: fed by a pipeline that publishes, scored as processes, read again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.e2e.judged import Judged
from support.e2e.outside import ROOT, Cloud, shown, succeeded
from support.e2e.tenant import Tenant
from support.sandbox.arm_good import GOOD, GROUP, P
from support.sandbox.arm_good import ROLES as GIVEN

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
EXAMPLE = "examples/batch_scoring"
FEEDS = """
image = config.require("image")
feed = mlops.prepare(image=image, command=["sh", "feed.sh"], outputs=["rows"], publish={"rows": customers})
fit = mlops.train(image=image, command=["sh", "fit.sh"], inputs={"rows": feed.out("rows")})
made = mlops.Pipeline("feed", platform=platform, steps={
    "feed": feed, "fit": fit, "register": mlops.register(leaves, fit.out("model"), image=image)})
look = mlops.evaluate(image=image, command=["python3", "look.py"], inputs={"scores": scores.latest()},
    metrics=["rows"], parameters={"runs": mlops.parameter("runs")})
seen = mlops.Pipeline("look", platform=platform, parameters={"runs": 1}, steps={"look": look})
pulumi.export("feed", made.ref.export())
pulumi.export("look", seen.ref.export())
pulumi.export("platform", platform.ref.export())
"""
"""What beside the example makes rows and a version, and reads the scores."""
IMAGES = f"{P}/Microsoft.ContainerRegistry/registries/imagesofours"
PROGRAMS = {
    "feed.sh": """
{ echo customer_id,visits; seq 1 19 | sed 's/.*/c&,&/'; echo c20,unknown; } > "$MLOPS_OUTPUT_ROWS/rows.csv"
""",
    "fit.sh": 'test -f "$MLOPS_INPUT_ROWS/rows.csv" && echo "{\\"rate\\": 1}" > "$MLOPS_OUTPUT_MODEL/weights.json"',
    "look.py": """
import csv, json, os, pathlib
files = sorted(pathlib.Path(os.environ["MLOPS_INPUT_SCORES"]).rglob("*.csv"))
rows = [row for path in files for row in csv.DictReader(path.open(newline=""))]
assert all(path.parent.parent.name.startswith("dt=") for path in files), files
assert all(path.parent.name.startswith("nightly-") for path in files), files
assert rows[0] == {"customer_id": "c1", "leaves": "0.5"}, rows[0]
assert "c20" not in {row["customer_id"] for row in rows}
assert len(files) == int(os.environ["MLOPS_PARAMETER_RUNS"]), files
assert len(rows) == 19 * len(files), rows
pathlib.Path(os.environ["MLOPS_METRICS"]).write_text(json.dumps({"rows": len(rows)}))
""",
}


@pytest.fixture
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.node.name.rpartition("_")[2],)


def made(sandbox: Sandbox, tmp_path: Path, backend: str) -> Stack:
    """Bring the example up with what feeds it: nothing scores while no version is approved."""
    folder = tmp_path / "image"
    shutil.copytree(ROOT / EXAMPLE / "program", folder)
    for name, text in PROGRAMS.items():
        (folder / name).write_text(text)
    Images(sandbox.home).put("*/leaves:1", str(folder))
    # By the administrator, who may start runs as well: the role that deploys may not.
    stack = Judged(sandbox, shutil.copytree(ROOT / EXAMPLE, tmp_path / "project"), backend)
    program = stack.folder / "__main__.py"
    program.write_text(program.read_text() + FEEDS)
    succeeded(stack.up())
    assert stack.outputs()["status"] == "waiting"
    return stack


def ran(sandbox: Sandbox, stack: Stack, pipeline: str, *more: str, code: int = 0) -> dict[str, Any]:
    command = ["pulumi-mlops", "run", stack.name, pipeline, "--cwd", str(stack.folder), "--output", "json", *more]
    done = sandbox.run(command, cwd=stack.folder)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def scored(sandbox: Sandbox, stack: Stack) -> None:
    """Score twice once a version is approved: runs add up in the versions of the scores."""
    created = shown(stack.up())
    assert any(step.startswith("create") for step in created), created
    assert stack.outputs()["status"] == "live"
    assert shown(stack.up()) == []
    for number in (1, 2):
        run = ran(sandbox, stack, "nightly")
        assert [(one["name"], one["state"]) for one in run["steps"]] == [("score", "succeeded")]
        ran(sandbox, stack, "look", "--parameter", f"runs={number}")
    assert shown(stack.up()) == []


def refused(stack: Stack) -> None:
    """Keep a column that the rows do not have."""
    program = stack.folder / "__main__.py"
    text = program.read_text()
    program.write_text(text.replace('keep=["customer_id"]', 'keep=["customer"]'))
    said = stack.preview()
    program.write_text(text)
    assert said.code != 0
    assert "keep: 'customer': no column of 'customers' (it has: customer_id, visits)" in said.output
    assert "Traceback" not in said.output


def test_on_aws(empty_sandbox: Sandbox, cloud: Cloud, tmp_path: Path) -> None:
    before = cloud.everything()
    stack = made(empty_sandbox, tmp_path, "aws")
    refused(stack)
    ran(empty_sandbox, stack, "feed")
    sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
    (package,) = sagemaker.list_model_packages(ModelPackageGroupName="churn-dev-models-leaves")[
        "ModelPackageSummaryList"
    ]
    sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")
    scored(empty_sandbox, stack)
    bucket = stack.outputs()["scores"].removeprefix("s3://").rstrip("/")
    manifest = json.load(s3.get_object(Bucket=bucket, Key="_versions/2.json")["Body"])
    assert [one["version"] for one in manifest["parents"]] == [1]
    assert len(manifest["files"]) == 2
    program = stack.folder / "__main__.py"
    program.write_text(program.read_text().replace("tolerate_percent=10", "tolerate_percent=1"))
    succeeded(stack.up())
    run = ran(empty_sandbox, stack, "nightly", code=1)
    assert run["state"] == "failed"
    assert "_versions/3.json" not in str(s3.list_objects_v2(Bucket=bucket))
    sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    succeeded(stack.destroy())
    left = {kind: ids for kind, ids in cloud.everything().items() if "Pending" not in kind}
    assert left.pop("logs:LogGroup") == ["/aws/sagemaker/ProcessingJobs"], "which is SageMaker's own"
    assert left == before


def test_on_azure(empty_sandbox: Sandbox, tenant: Tenant, tmp_path: Path) -> None:
    for path, kind in {GROUP: "group", IMAGES: "registry"}.items():
        tenant.done("PUT", path, GOOD[kind].body)
    stack = made(empty_sandbox, tmp_path, "azure")
    refused(stack)
    reader = GIVEN["Storage Blob Data Reader"]  # who owns an account reads no records of steps by that
    tenant.give(stack.outputs()["platform"]["address"]["storage_id"], reader, DEPLOYER, 1)
    ran(empty_sandbox, stack, "feed")
    tenant.workspace(stack).approve("models-leaves", 1)
    scored(empty_sandbox, stack)
    succeeded(stack.destroy())


def test_on_kubernetes(cluster_inside: Cluster, empty_sandbox: Sandbox, tmp_path: Path) -> None:
    """Nothing runs in this cluster: what a version would be given is seen with a folder of files."""
    before = cluster_inside.everything()
    stack = made(empty_sandbox, tmp_path, "kubernetes")
    refused(stack)
    program = stack.folder / "__main__.py"
    files = '{"image": config.require("image"), "artifact": "s3://artifacts/models/leaves/1/"}'
    text = program.read_text().replace('leaves.approved(otherwise="wait")', files)
    program.write_text(text.replace('    image=config.require("image"),\n    command', "    command", 1))
    succeeded(stack.up())
    assert stack.outputs()["status"] == "live"
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    found = cluster_inside.get("argoproj.io/v1alpha1", "WorkflowTemplate", "nightly", "churn-dev")
    assert found
    templates = {one["name"]: one for one in found["spec"]["templates"]}
    brought = {one["name"]: one["s3"]["key"] for one in templates["run-score"]["inputs"]["artifacts"]}
    assert brought == {"model": "models/leaves/1"}
    given = {one["name"]: one.get("value") for one in templates["run-score"]["container"]["env"]}
    assert given["MLOPS_PARAMETER_KEEP_1"] == "customer_id"
    assert not [name for name in given if name.startswith("AWS_")]
    assert templates["run-score"]["container"]["args"] == ["python3", "$(MLOPS_PROGRAMS)/score.py", "score-leaves"]
    schedule = cluster_inside.get("argoproj.io/v1alpha1", "CronWorkflow", "nightly", "churn-dev")
    assert schedule
    assert schedule["spec"]["concurrencyPolicy"] == "Forbid"
    succeeded(stack.destroy())
    assert cluster_inside.everything() == before
