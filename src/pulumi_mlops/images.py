"""Images that the library's own steps need and nobody publishes: a Dockerfile each, and the tag that belongs to it."""

import hashlib
from importlib import resources

BASE = "docker.io/library/python:3.13.9-slim"
DRIFT, TOY = "drift", "toy"
IMAGES = {
    DRIFT: "what a Monitor runs: Evidently, and the clients of S3 and of Azure's storage",
    TOY: "what `pulumi-mlops verify` trains, serves and scores with on AWS: MLflow, numpy, and the client of S3",
}
"""Each image, and what it is for. The library's programs are not in it: each step is given those of its own version."""
_TAG = 12
_QUIET = {DRIFT: ("Evidently", "DO_NOT_TRACK=1"), TOY: ("MLflow", "MLFLOW_DISABLE_TELEMETRY=true")}
"""What of an image would tell its makers that it is used, and the variable that forbids it."""
_AFTER: dict[str, tuple[str, ...]] = {
    TOY: (
        "# SageMaker starts a model's image with the word `serve`; the model brings the program that answers.",
        "COPY --chmod=755 <<'SERVE' /usr/local/bin/serve",
        "#!/bin/sh",
        "exec python3 /opt/ml/model/toy.py serve",
        "SERVE",
    )
}
"""What an image has beside its packages."""


def pins(name: str) -> str:
    """Return the Python packages of an image, all of them pinned."""
    return resources.files("pulumi_mlops.jobs").joinpath(f"{name}.txt").read_text()


def dockerfile(name: str) -> str:
    """Write the Dockerfile of an image, which needs no other file: ``docker build -t IMAGE - < Dockerfile``."""
    who, quiet = _QUIET[name]
    return "\n".join(
        [
            "# syntax=docker/dockerfile:1",
            f"# pulumi-mlops: {IMAGES[name]}.",
            f"FROM {BASE}",
            f"# Steps run as any user, and write below /tmp alone. {who} does not tell its makers that it is used.",
            f"ENV HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 {quiet}",
            "RUN pip install --no-cache-dir --no-deps --only-binary=:all: -r /dev/stdin <<'PINS'",
            pins(name).strip(),
            "PINS",
            *_AFTER.get(name, ()),
            "",
        ]
    )


def tag(name: str) -> str:
    """Return the tag of an image: another Dockerfile has another one."""
    return hashlib.sha256(dockerfile(name).encode()).hexdigest()[:_TAG]
