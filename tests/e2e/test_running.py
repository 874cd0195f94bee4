"""`pulumi-mlops run` and `lineage` against the sandbox's AWS and Azure, whose pipelines run."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.facts import DEPLOYER
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.running.images import Images
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import succeeded
from support.e2e.tenant import Tenant

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]

PROGRAM = """
import pulumi
import pulumi_mlops as mlops

settings = pulumi.Config()
platform = mlops.Platform("loop", backend=settings.require("cloud"), images=["churn"])
models = mlops.ModelRegistry("models", platform=platform)
churn = mlops.Model("churn", registry=models)
image = platform.image("churn", "1")
rows = mlops.prepare(
    image=image, command=["sh", "rows.sh"], outputs=["rows"], parameters={"days": mlops.parameter("days")}
)
fit = mlops.train(image=image, command=["sh", "fit.sh"], inputs={"x": rows.out("rows")}, parameters={"lr": 0.1})
judge = mlops.evaluate(
    image=image,
    command=["sh", "judge.sh"],
    inputs={"m": fit.out("model")},
    metrics=["auc"],
    parameters={"auc": mlops.parameter("auc")},
)
when = judge.metric("auc") >= mlops.parameter("least")
keep = mlops.register(churn, fit.out("model"), image=image, when=when)
retrain = mlops.Pipeline(
    "retrain",
    platform=platform,
    parameters={"days": 30, "least": 1.0, "auc": 0.5},
    steps={"rows": rows, "fit": fit, "judge": judge, "keep": keep},
)
if settings.get_bool("serves"):
    score = mlops.Endpoint(
        "score",
        platform=platform,
        model=churn.version(1),
        serve={"image": image},
        compute={"cpus": 2, "memory_gb": 8},
        capture_percent=0,
    )
    pulumi.export("score", score.ref.export())
pulumi.export("retrain", retrain.ref.export())
pulumi.export("models", {"churn": churn.ref.export()})
"""
SCRIPTS = {
    "rows.sh": 'echo "$MLOPS_PARAMETER_DAYS days"; echo "$MLOPS_PARAMETER_DAYS" > "$MLOPS_OUTPUT_ROWS/rows"; '
    '[ "$MLOPS_PARAMETER_DAYS" != 0 ] || exit 7',
    "fit.sh": 'cp "$MLOPS_INPUT_X/rows" "$MLOPS_OUTPUT_MODEL/model"',
    "judge.sh": 'printf \'{"auc": %s}\' "$MLOPS_PARAMETER_AUC" > "$MLOPS_METRICS"',
}


SKIPPED = {
    "aws": "keep: skipped: auc >= least did not hold",
    "azure": "keep: skipped: auc of step 'judge' is 0.5, and >= 1 is asked for",
}
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
"""Storage Blob Data Reader."""
CLOUDS = {"aws": {"aws:region": "us-east-1"}, "azure": {"azure-native:location": "westeurope"}}


class Here:
    """A stack with a pipeline, and the commands in its folder."""

    def __init__(self, stack: Stack, cloud: str) -> None:
        self.stack, self.cloud = stack, cloud

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.stack.sandbox.run([sys.executable, "-m", "pulumi_mlops", *words], cwd=self.stack.folder)

    def lineage(self, what: str) -> Any:
        done = self.command("lineage", "dev", what, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module", params=CLOUDS)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    cloud: str = request.param
    sandbox = Sandbox(tmp_path_factory.mktemp(f"sandbox-{cloud}"))
    sandbox.up([cloud])
    folder = tmp_path_factory.mktemp("running")
    (folder / "Pulumi.yaml").write_text("name: running\nruntime: python\n")
    (folder / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    image = folder / "image"
    image.mkdir()
    for name, text in SCRIPTS.items():
        (image / name).write_text(f"{text}\n")
    stack = Stack(sandbox, folder)
    stack.configure(cloud=cloud, **CLOUDS[cloud])
    succeeded(stack.up())
    Images(sandbox.home).put("*/loop-dev/churn:*", str(image))
    yield Here(stack, cloud)
    sandbox.down()


def test_a_run_registers_a_version_and_the_version_knows_where_it_comes_from(here: Here) -> None:
    done = here.command("run", "dev", "retrain", "--parameter", "days=7", "-p", "auc=1.25")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    for step in ("rows", "fit", "judge", "keep"):
        assert any(line.startswith(f"{step}: succeeded after") for line in said), done.stdout
    run = said[-1].split()[1]
    assert said[-1].startswith(f"Run {run} of retrain: succeeded")
    found = here.lineage("churn")["version"]
    assert (found["version"], found["approval"], found["metrics"]) == (1, "pending", {"auc": "1.25"})
    made = found["by"]
    assert (made["pipeline"], made["run"], made["step"], made["state"]) == ("retrain", run, "fit", "succeeded")
    assert made["code"]["image"].endswith("loop-dev/churn:1")
    assert "unknown" in made["code"]["digest"]
    assert made["parameters"] == {"days": "7", "least": "1.0", "auc": "1.25"}
    if here.cloud == "azure":
        assert "does not let this program ask about the file" in made["settings"]["unknown"]
        storage = here.stack.outputs()["retrain"]["platform"]["address"]["storage_id"]
        Tenant(here.stack.sandbox).give(storage, READER, DEPLOYER, 1)
        made = (found := here.lineage("churn")["version"])["by"]
    assert made["settings"] == {"lr": "0.1"}
    assert made["reads"] == [], "no dataset, and what the steps before read was found"
    tree = here.command("lineage", "dev", "churn:1").stdout
    assert "└─ read: no dataset and no features" in tree
    here.stack.configure(serves="true")
    succeeded(here.stack.up())
    (served,) = here.lineage("score")["served"]
    assert (served["percent"], served["version"]) == (100, found)


def test_a_picture_of_the_stack(here: Here) -> None:
    done = here.command("show", "dev", "--output", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {(one["noun"], one["name"], one["output"]) for one in found["parts"]} == {
        ("Platform", "loop", None),
        ("ModelRegistry", "models", None),
        ("Model", "churn", "models"),
        ("Pipeline", "retrain", "retrain"),
        ("Endpoint", "score", "score"),
    }
    (served,) = found["endpoints"][0]["served"]
    assert (served["percent"], served["version"]["version"]) == (100, 1)
    assert [one["version"] for one in found["models"][0]["versions"]] == [1]
    assert found["models"][0]["newest"] == served["version"]
    (newest,) = found["pipelines"][0]["runs"]
    assert (newest["state"], newest["parameters"]["days"]) == ("succeeded", "7")
    assert [one["state"] for one in newest["steps"]] == ["succeeded"] * 4
    (cost,) = found["costs"]
    told = "the platform has no budget"
    assert told in cost["spent"]["unknown"], "its ref is in the exports of others, so that it could be asked about"
    assert here.command("show", "dev").returncode == 0
    assert "<h1>Stack dev</h1>" in (here.stack.folder / "dev.html").read_text()


def test_a_condition_that_does_not_hold_is_the_third_code(here: Here) -> None:
    done = here.command("run", "dev", "retrain")
    assert done.returncode == 3, done.stdout + done.stderr
    assert SKIPPED[here.cloud] in done.stdout
    assert "No version was registered by: keep" in done.stdout


def test_a_failed_run_says_why_and_what_was_printed_last(here: Here) -> None:
    done = here.command("run", "dev", "retrain", "-p", "days=0", "--output", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    rows = found["steps"][0]
    assert (rows["name"], rows["state"]) == ("rows", "failed")
    assert rows["reason"]
    assert [one["state"] for one in found["steps"][1:]] == ["stopped"] * 3
    assert "0 days" in found["logs"]["rows"]


def test_one_that_was_started_is_followed_later(here: Here) -> None:
    begun = here.command("run", "dev", "retrain", "--detach")
    assert begun.returncode == 0, begun.stderr
    again = begun.stdout.rpartition("pulumi-mlops ")[2].split()
    assert here.command(*again).returncode == 3


def test_what_is_wrong_is_said_before_anything_is_started(here: Here) -> None:
    done = here.command("run", "dev", "retrain", "-p", "dayz=7", "-p", "least=high")
    assert done.returncode == 1
    assert "2 problems; nothing was started" in done.stderr
    done = here.command("lineage", "dev", "churns")
    assert "has no endpoint 'churns'" in done.stderr
    assert "Models: churn." in done.stderr
