"""The demonstration of ``make demo``: a real stack up, unchanged, edited, and down without a trace.

``python -m pulumi_mlops.sandbox.demo stacks/aws`` runs the stack's own files, copied into a folder of the demo,
with the real engine against the sandbox's control plane, and ends with a table of what was shown.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from rich.console import Console
from rich.table import Table

from pulumi_mlops.sandbox.environment import Sandbox
from pulumi_mlops.sandbox.errors import SandboxError
from pulumi_mlops.sandbox.progress import step
from pulumi_mlops.sandbox.stack import Result, Stack, inventory

_GROUP = "churn-dev-models-churn"
_SHOWN_STEPS = 4


@dataclass
class Demo:
    """What was shown so far."""

    stack: Stack
    rows: list[tuple[str, str, str, float]] = field(default_factory=list)

    def show(self, title: str, action: Callable[[], Result], wanted: Callable[[Result], bool], says: str) -> Result:
        """Run one command, and stop when it did something else than it should."""
        started = time.monotonic()
        with step(title):
            result = action()
        if result.code or not wanted(result):
            raise SandboxError(f"{title}: wanted {says}, got {dict(result.counts)}:\n{result.output}")
        self.rows.append((title, says, _told(result), time.monotonic() - started))
        return result


def _told(result: Result) -> str:
    changes = [str(change) for change in result.changes]
    if not changes:
        return "nothing changed"
    if len(changes) <= _SHOWN_STEPS:
        return "\n".join(changes)
    return ", ".join(f"{count} {op}" for op, count in result.counts.items())


def run(demo: Demo, url: str) -> None:
    """Show it."""
    stack = demo.stack
    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 (made up)
    )
    before = inventory(url)

    def only(op: str, *names: str) -> Callable[[Result], bool]:
        return lambda result: {change.name for change in result.changes} == set(names) and set(result.counts) == {op}

    demo.show("up", stack.up, lambda result: set(result.counts) == {"create"}, "everything created")
    demo.show("up again", stack.up, lambda result: not result.changes, "nothing to do")
    demo.show("refresh", stack.refresh, lambda result: not result.changes, "no drift")

    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    demo.show(
        "a feature is added", stack.up, only("update", "profile"), "the group is kept; AWS adds the feature in place"
    )

    artifacts = stack.outputs()["platform"]["artifacts"]
    package = sagemaker.create_model_package(
        ModelPackageGroupName=_GROUP,
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"auc": "0.94"},
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-dev/churn:1.0.0",
                    "ModelDataUrl": f"{artifacts}churn/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    demo.show(
        "a version is registered", stack.up, lambda result: not result.changes, "the endpoint waits for an approval"
    )
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    demo.show(
        "and approved",
        stack.up,
        lambda result: "create" in result.counts and "delete" not in result.counts,
        "the endpoint appears",
    )
    stack.configure(canary_percent="20")
    demo.show("another canary", stack.up, only("update", "score", "score-endpoint"), "the endpoint is updated in place")
    stack.configure(cpus="4", memory_gb="8")
    demo.show(
        "a larger machine",
        stack.up,
        lambda result: "score-endpoint" in {change.name for change in result.changes if change.op == "update"},
        "a new configuration is released, the old one goes",
    )
    for version in sagemaker.list_model_packages(ModelPackageGroupName=_GROUP)["ModelPackageSummaryList"]:
        sagemaker.delete_model_package(ModelPackageName=version["ModelPackageArn"])
    demo.show("destroy", stack.destroy, lambda result: set(result.counts) == {"delete"}, "everything deleted")
    # AWS keeps a deleted key for at least a week, in which it can still be brought back.
    left = {kind: ids for kind, ids in inventory(url).items() if ids != before.get(kind) and "Pending" not in kind}
    if left:
        raise SandboxError(f"The control plane still holds {left}")
    nothing = "nothing is left, but for the key that AWS keeps for a week"
    demo.rows.append(("the control plane's whole store is listed", nothing, nothing, 0.0))


def table(rows: list[tuple[str, str, str, float]]) -> Table:
    """Lay out what was shown."""
    laid = Table(title="What was shown", show_lines=True)
    for column in ("step", "wanted", "happened"):
        laid.add_column(column)
    laid.add_column("seconds", justify="right")
    for title, says, told, seconds in rows:
        laid.add_row(title, says, told, f"{seconds:.1f}" if seconds else "")
    return laid


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Copy a stack's files, so that the demo changes none of them."""
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-demo-") as place:
        target = Path(place, folder.name)
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
        yield target


def main() -> int:
    """Run the demonstration in a sandbox of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a stack's folder, such as stacks/aws")
    folder = parser.parse_args().folder
    console = Console()
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-sandbox-") as home, copied(folder) as files:
        sandbox = Sandbox(Path(home))
        try:
            sandbox.up()
            url = next(status.url for status in sandbox.status() if status.url)
            demo = Demo(Stack(sandbox, files))
            run(demo, url)
            console.print(table(demo.rows))
        except SandboxError as error:
            console.print(f"Error: {error}", markup=False, highlight=False)
            return 1
        finally:
            sandbox.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
