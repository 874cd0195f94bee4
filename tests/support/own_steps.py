"""Steps as the library makes them itself, for tests of what a backend gives to such a step."""

from pulumi_mlops.steps.work import Work
from support.mocks import Cloud


class OwnStep(Work):
    """A step whose command is a program of the library."""

    kind = "own"
    programs = ("suggest.py",)


def own(image: str) -> OwnStep:
    """Return such a step."""
    return OwnStep(image=image, command=["python3", "$(MLOPS_PROGRAMS)/suggest.py"])


def delivered(cloud: Cloud) -> set[str]:
    """Name the programs that containers of a pipeline find."""
    objects = [item.inputs for item in cloud.registered if item.type.startswith("aws:s3/bucketObjectv2:")]
    blobs = [item.inputs for item in cloud.registered if item.type.endswith(":Blob")]
    maps = [item.inputs["data"] for item in cloud.registered if item.name.endswith("-programs")]
    paths = (
        [one["key"] for one in objects] + [one["blobName"] for one in blobs] + [name for one in maps for name in one]
    )
    return {path.rpartition("/")[2] for path in paths}
