"""What exists in the account."""

from typing import Any

from pulumi_mlops.sandbox.aws.plane import Plane


def inventory(plane: Plane) -> dict[str, list[str]]:
    return {f"sagemaker:{kind}": [i] for kind, i, _ in plane.store.everything()}
