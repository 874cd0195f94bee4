"""Images that the library's own steps need and nobody publishes: a Dockerfile each, and the tag that belongs to it."""

import hashlib
from importlib import resources

BASE = "docker.io/library/python:3.13.9-slim"
DRIFT = "drift"
IMAGES = {DRIFT: "what a Monitor runs: Evidently, and the clients of S3 and of Azure's storage"}
"""Each image, and what it is for. The library's programs are not in it: each step is given those of its own version."""
_TAG = 12


def pins(name: str) -> str:
    """Return the Python packages of an image, all of them pinned."""
    return resources.files("pulumi_mlops.jobs").joinpath(f"{name}.txt").read_text()


def dockerfile(name: str) -> str:
    """Write the Dockerfile of an image, which needs no other file: ``docker build -t IMAGE - < Dockerfile``."""
    return "\n".join(
        [
            "# syntax=docker/dockerfile:1",
            f"# pulumi-mlops: {IMAGES[name]}.",
            f"FROM {BASE}",
            "# Steps run as any user, and write below /tmp alone. Evidently does not tell its makers that it is used.",
            "ENV HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=1",
            "RUN pip install --no-cache-dir --no-deps --only-binary=:all: -r /dev/stdin <<'PINS'",
            pins(name).strip(),
            "PINS",
            "",
        ]
    )


def tag(name: str) -> str:
    """Return the tag of an image: another Dockerfile has another one."""
    return hashlib.sha256(dockerfile(name).encode()).hexdigest()[:_TAG]
