"""Batch inferences on Azure: what scores where no image is given."""


def server() -> str | None:
    """Return nothing: Azure makes its model server for a version when that is deployed."""
    return None
