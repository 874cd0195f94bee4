"""Steps as the library makes them itself, for tests of what a backend gives to such a step."""

from collections.abc import Mapping

from pydantic import Field

from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.refs import Of
from pulumi_mlops.steps.work import Work
from support.mocks import Cloud


class OwnStep(Work):
    """A step whose command is a program of the library."""

    kind = "own"
    programs = ("suggest.py",)

    then: dict[str, Of[PipelineRef]] = Field(default_factory=dict)
    """The pipelines that it may start."""

    @property
    def starts(self) -> Mapping[str, PipelineRef]:
        """The pipelines that it may start."""
        return self.then


def own(image: str, then: Mapping[str, object] | None = None) -> OwnStep:
    """Return such a step."""
    command = ["python3", "$(MLOPS_PROGRAMS)/suggest.py"]
    return OwnStep.model_validate({"image": image, "command": command, "then": dict(then or {})})


def delivered(cloud: Cloud) -> set[str]:
    """Name the programs that containers of a pipeline find."""
    objects = [item.inputs for item in cloud.registered if item.type.startswith("aws:s3/bucketObjectv2:")]
    blobs = [item.inputs for item in cloud.registered if item.type.endswith(":Blob")]
    maps = [item.inputs["data"] for item in cloud.registered if item.name.endswith("-programs")]
    paths = (
        [one["key"] for one in objects] + [one["blobName"] for one in blobs] + [name for one in maps for name in one]
    )
    return {path.rpartition("/")[2] for path in paths}
