"""What runs through the real engine, in a sandbox of its own: previews, and `up`."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from ratios import Row, Sample, alternate, figures, show

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Result, Stack

ROOT = Path(__file__).parent.parent
FILES = ROOT / "stacks" / "aws"
GROUP, FILES_OF_MODELS = "churn-dev-models-churn", "models-of-the-benchmark"
DESCRIPTION = "Probability that a customer leaves"
RUNS = 3


def project(folder: Path, sandbox: Sandbox, program: str, files: Path = FILES) -> Stack:
    """Lay out a project with the settings of a stack of ours and another program."""
    folder.mkdir()
    ours = f"churn-{files.name}"
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy2(files / name, folder / name)
    # Another project's name would be another namespace of the settings; a stack of another project is what is needed.
    settings = (folder / "Pulumi.yaml").read_text().replace(f"name: {ours}", f"name: {folder.name}", 1)
    (folder / "Pulumi.yaml").write_text(settings)
    values = (folder / "Pulumi.dev.yaml").read_text().replace(f"{ours}:", f"{folder.name}:")
    (folder / "Pulumi.dev.yaml").write_text(values)
    (folder / "__main__.py").write_text(program)
    return Stack(sandbox, folder)


def timed(command: Callable[[], Result], package: str = "aws:") -> Sample:
    """Run a command and say how long it took and how many resources of a package it touched."""
    began = time.monotonic()
    result = command()
    took = time.monotonic() - began
    if result.code:
        raise SystemExit(result.output)
    return {"seconds": took, "native": sum(step.type.startswith(package) for step in result.changes)}


def aws_client(url: str, service: str) -> Any:
    """Make a client of the sandbox's control plane."""
    chosen: Any = boto3.client  # the service's name is not a literal here
    return chosen(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 (made up)
    )


@contextmanager
def approved_version(client: Callable[[str], Any]) -> Iterator[str]:
    """Have an approved version for as long as it is needed."""
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket=FILES_OF_MODELS)
    # The library refuses a group of this name with another description: AWS would replace it, versions and all.
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP, ModelPackageGroupDescription=DESCRIPTION)
    package: str = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus="Approved",
        CustomerMetadataProperties={"auc": "0.94"},
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/churn-dev/churn:1.0.0",
                    "ModelDataUrl": f"s3://{FILES_OF_MODELS}/churn/model.tar.gz",
                }
            ],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    yield package
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.delete_model_package_group(ModelPackageGroupName=GROUP)
    s3.delete_bucket(Bucket=FILES_OF_MODELS)


def previews(stacks: Mapping[str, Stack], client: Callable[[str], Any]) -> None:
    """Print what a preview costs, with an approved version so that the endpoint is among the resources."""
    with approved_version(client) as package:
        stacks["hand"].configure(version=package)
        stacks["asking"].configure(look_up="true")
        made = alternate(RUNS, {name: partial(timed, stack.preview) for name, stack in stacks.items()})
        stacks["hand"].configure(version="")
    counts = {name: {int(sample["native"]) for sample in made[name]} for name in ("ours", "hand", "asking")}
    if len({frozenset(count) for count in counts.values()}) != 1:
        raise SystemExit(f"The previews do not show the same number of resources: {counts}")
    ours = figures(made["ours"], "seconds")
    rows = [
        Row("by hand, the version pinned", "s", ours, figures(made["hand"], "seconds")),
        Row("by hand, asking for the newest version", "s", ours, figures(made["asking"], "seconds")),
        Row("an empty program", "s", ours, figures(made["empty"], "seconds")),
    ]
    note = f"resources in each preview: {next(iter(counts['ours']))}"
    show("Preview of serving.py with the real engine / the same", rows, [note])


def ups(stacks: Mapping[str, Stack]) -> None:
    """Print what a first `up` costs; the endpoint waits for an approval that never comes, as at a first `up`."""

    def up(stack: Stack) -> Sample:
        sample = timed(stack.up)
        timed(stack.destroy)
        return sample

    chosen = ("ours", "hand", "empty")
    made = alternate(RUNS, {name: partial(up, stacks[name]) for name in chosen}, thrown_away=0)
    ours = figures(made["ours"], "seconds")
    rows = [
        Row("by hand", "s", ours, figures(made["hand"], "seconds")),
        Row("an empty program", "s", ours, figures(made["empty"], "seconds")),
    ]
    native = {name: int(made[name][0]["native"]) for name in chosen}
    note = f"resources created: ours {native['ours']}, by hand {native['hand']}, empty {native['empty']}"
    show("First up of serving.py in the sandbox / the same", rows, [note])


def sections() -> dict[str, Callable[[], None]]:
    """Name what can be measured here."""
    return {"engine": engine}


def engine() -> None:
    """Print what the real engine needs."""
    by_hand = (ROOT / "benchmarks" / "by_hand.py").read_text()
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-bench-") as place:
        sandbox = Sandbox(Path(place, "sandbox"))
        try:
            sandbox.up(planes=("aws",))
            url = next(status.url for status in sandbox.status() if status.url)
            programs = {
                "ours": (ROOT / "benchmarks" / "serving.py").read_text(),
                "hand": by_hand,
                "asking": by_hand,
                "empty": '"""Nothing."""\n',
            }
            stacks = {name: project(Path(place, name), sandbox, program) for name, program in programs.items()}
            previews(stacks, partial(aws_client, url))
            ups(stacks)
        finally:
            sandbox.down()
