"""Batch inferences on Kubernetes: what scores where no image is given."""

from pulumi_mlops.backends.kubernetes.runtime import MLSERVER_IMAGE


def server() -> str | None:
    """Return MLServer's image, which has MLflow."""
    return MLSERVER_IMAGE
