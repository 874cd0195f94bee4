"""What runs against the sandbox's Kubernetes: `up` of a whole stack, and the same objects applied by hand."""

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ratios import Row, Sample, alternate, figures, show
from real import project, timed

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parent.parent
FILES = ROOT / "stacks" / "kubernetes"
APPLY = ROOT / "benchmarks" / "apply_objects.py"
RUNS = 3
# An image instead of a version of the registry: no version is approved while the registry is being made.
APPROVED = 'model=churn.approved(otherwise="wait")'
GIVEN = 'model={"image": "registry.example.com/churn:1.0.0", "artifact": "s3://artifacts/churn"}'
IMPATIENT = """
import pulumi


def _impatient(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if not args.type_.startswith("kubernetes:"):
        return None
    metadata = args.props["metadata"]
    annotations = {**metadata.get("annotations", {}), "pulumi.com/skipAwait": "true"}
    annotations.pop("pulumi.com/waitFor", None)
    props = {**args.props, "metadata": {**metadata, "annotations": annotations}}
    return pulumi.ResourceTransformResult(props, args.opts)


pulumi.runtime.register_resource_transform(_impatient)
"""
"""What is put before a program that shall wait for nothing: what is left is the engine, the library and the API."""
_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 (the key by which Pulumi marks secrets)


def sections() -> dict[str, Callable[[], None]]:
    """Name what can be measured here."""
    return {"kubernetes": kubernetes}


def objects(sandbox: Sandbox, stack: Stack) -> list[dict[str, Any]]:
    """Read the objects of a stack out of its state, in the order in which they were made."""
    command = ["pulumi", "stack", "export", "--show-secrets", "-s", stack.name, "--non-interactive"]
    done = sandbox.run(command, cwd=stack.folder)
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)["deployment"]["resources"]
    return [
        {key: item for key, item in revealed(resource["inputs"]).items() if not key.startswith("__")}
        for resource in found
        if resource["type"].startswith("kubernetes:")
    ]


def revealed(value: Any) -> Any:
    """Take secrets out of their wrapping."""
    if isinstance(value, dict):
        if _SECRET in value:
            return revealed(json.loads(value["plaintext"]))
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value


def applied(sandbox: Sandbox, file: Path, url: str, *options: str) -> Sample:
    """Apply the objects in a process of its own to an empty cluster, and make it empty again."""
    began = time.monotonic()
    done = sandbox.run([sys.executable, str(APPLY), str(file), *options], cwd=file.parent)
    took = time.monotonic() - began
    if done.returncode:
        raise SystemExit(done.stderr)
    empty(url)
    return {"seconds": took}


def brought_up(stack: Stack, url: str) -> Sample:
    """Bring a stack up, and take it down again without counting that."""
    sample = timed(stack.up, "kubernetes:")
    timed(stack.destroy, "kubernetes:")
    empty(url)  # what waits for nothing does not wait for a namespace to go, either
    return sample


def empty(url: str) -> None:
    """Make the cluster as new."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_sandbox/reset", method="POST")):  # noqa: S310 (ours)
        pass


def kubernetes() -> None:
    """Print what a first `up` costs beside a server-side apply of the same objects."""
    program = (FILES / "__main__.py").read_text()
    if APPROVED not in program:
        raise SystemExit(f"stacks/kubernetes says no longer: {APPROVED}")
    program = program.replace(APPROVED, GIVEN)
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-bench-") as place:
        sandbox = Sandbox(Path(place, "sandbox"))
        try:
            sandbox.up(planes=("kubernetes",))
            url = next(status.url for status in sandbox.status() if status.name == "kubernetes" and status.url)
            # The prelude stands before the docstring of the program, which is then a string like any other.
            programs = {"waiting": program, "impatient": IMPATIENT + program}
            stacks = {name: project(Path(place, name), sandbox, text, FILES) for name, text in programs.items()}
            compare(sandbox, stacks, Path(place), url)
        finally:
            sandbox.down()


def compare(sandbox: Sandbox, stacks: Mapping[str, Stack], place: Path, url: str) -> None:
    """Alternate the sides, and print them."""
    timed(stacks["waiting"].up, "kubernetes:")
    found = objects(sandbox, stacks["waiting"])
    file = place / "objects.json"
    file.write_text(json.dumps(found))
    timed(stacks["waiting"].destroy, "kubernetes:")
    empty(url)
    made = alternate(
        RUNS,
        {
            "waiting": partial(brought_up, stacks["waiting"], url),
            "applied and ready": partial(applied, sandbox, file, url, "--wait"),
            "impatient": partial(brought_up, stacks["impatient"], url),
            "applied": partial(applied, sandbox, file, url),
        },
        thrown_away=0,
    )
    counts = {int(sample["native"]) for name in stacks for sample in made[name]}
    if counts != {len(found)}:
        raise SystemExit(f"{len(found)} objects are applied, and up makes {counts}")
    seconds = {name: figures(samples, "seconds") for name, samples in made.items()}
    rows = [
        Row("until everything is ready", "s", seconds["waiting"], seconds["applied and ready"]),
        Row("without waiting for anything", "s", seconds["impatient"], seconds["applied"]),
    ]
    show(
        "First up of stacks/kubernetes / server-side apply of the same objects by the Python client",
        rows,
        [f"objects on either side: {len(found)}; up also makes random values, and holds back what depends on others"],
    )
