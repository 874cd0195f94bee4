"""Batch inferences on AWS: what scores where no image is given."""


def server() -> str | None:
    """Return nothing: a version is served by the image that it names, of which nothing is known."""
    return None
