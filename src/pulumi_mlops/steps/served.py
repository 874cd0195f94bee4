"""What steps read of an endpoint beside its requests: what the version that it serves was made with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from pulumi import Input

from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.workload import Place, folder
from pulumi_mlops.steps.step import Out


@dataclass(frozen=True, eq=False)
class BaselineView:
    """A folder that a step made in the run in which the version was made that an endpoint serves.

    The step need not be the one whose files became the version: the record of that one leads to all others of its run.
    """

    advice: ClassVar[str] = "fit.out('baseline')"

    out: Out
    endpoint: EndpointRef
    pipeline: PipelineRef
    """The pipeline that made the version."""
    step: str
    """The name that the step has there."""
    record: str
    """Address of the record of the version that is served."""

    @property
    def label(self) -> str:
        """How the engine's record names it."""
        return f"{self.pipeline.name}/{self.step}/{self.out.name}"

    @property
    def runs(self) -> Input[str]:
        """The folder of the pipeline's runs."""
        return folder(self.pipeline.runs)

    @property
    def places(self) -> Iterator[Place]:
        """Yield the folders in which records and files of the pipeline are, of whichever version."""
        yield Place(self.runs)
        if f"/pipelines/{self.pipeline.name}/" in self.record:
            return  # it is among the runs
        root, _, _ = self.record.rpartition(f"/{self.step}/")
        below = (root or self.record).rpartition("/")[0]
        if "://" in below:
            yield Place(f"{below}/")
