"""Installs operators into a running sandbox whose nodes are real."""

import json
import sys
import urllib.error
from collections.abc import Sequence

from pulumi_mlops_sandbox.administering import administer
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.nodes import layers, published
from pulumi_mlops_sandbox.kubernetes.operators import install as installing
from pulumi_mlops_sandbox.kubernetes.operators import manifests
from pulumi_mlops_sandbox.progress import step

WITHIN = 900.0
"""Images of 3 GB are copied, and pods start on a busy machine."""


def prepare(names: Sequence[str]) -> None:
    """Build and fetch what operators and the library's pods need, with progress."""
    for operator in manifests.chosen(names):
        installing.manifest(operator)
    for image in (*published.images(), *published.operators(names)):
        layers.write(image)


def install(sandbox: Sandbox, names: Sequence[str] | None = None) -> list[str]:
    """Install operators by the names that the library has for them, all where none is named; wait for them."""
    wanted = list(names or manifests.NAMES)
    url = next((status.url for status in sandbox.status() if status.name == "kubernetes" and status.url), None)
    if url is None:
        raise SandboxError("No Kubernetes runs. Start one: pulumi-mlops sandbox up --plane kubernetes --nodes real")
    prepare(wanted)
    with step(f"Installing {', '.join(wanted)}"):
        try:
            installed: list[str] = administer(url, "operators", {"names": wanted}, WITHIN)["installed"]
        except urllib.error.HTTPError as error:
            raise SandboxError(json.loads(error.read())["error"]) from error
    return installed


def main() -> None:
    """Have all that is built: ``python -m pulumi_mlops_sandbox.kubernetes.operators.running``."""
    try:
        prepare(manifests.NAMES)
    except SandboxError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
