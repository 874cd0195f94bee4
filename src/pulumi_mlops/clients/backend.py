"""What a backend has to be able to do for the client: a module ``client`` beside its engine, with a constant CLIENT.

Another distribution's backend that has no such module builds platforms all the same; its runs are started otherwise.
"""

import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from pulumi_mlops.clients.frames import Row
from pulumi_mlops.clients.lineage import Known, Served, Version
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.results import Answer, Approval, Decision, Question, RegisteredVersion, Registration
from pulumi_mlops.clients.runs import Run, StepState
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import registry
from pulumi_mlops.core.errors import MissingBackend, Problem, Unsupported


class Backend(Protocol):
    """A backend, as the client asks it: by the order of arguments, whatever they are called."""

    def start(self, pipeline: PipelineRef, parameters: Mapping[str, str], /) -> str:
        """Start a pipeline; return what its run is called."""
        ...

    def look(self, pipeline: PipelineRef, run: str, /) -> Run | None:
        """Tell how a run is; nothing where there is no such run of this pipeline."""
        ...

    def runs(self, pipeline: PipelineRef, most: int, /) -> Sequence[Run]:
        """Tell of the newest runs of a pipeline, the newest first, as far as the backend's list of them tells."""
        ...

    def last_lines(self, pipeline: PipelineRef, run: Run, step: StepState, /) -> Sequence[str]:
        """Return the last lines that a step printed, or one line that says why there are none."""
        ...

    def served(self, endpoint: EndpointRef, models: Sequence[ModelRef], /) -> Sequence[Served]:
        """Tell what an endpoint serves.

        :param models: models that the stack exports, among which a version is looked for that is known by its files.
        """
        ...

    def version(self, model: ModelRef, number: int | None, /) -> Version | None:
        """Describe a version, the newest unless told; nothing where there is none."""
        ...

    def caller(self, model: ModelRef, /) -> str:
        """Say as whom the backend knows who asks about a model."""
        ...

    def register_problems(
        self, model: ModelRef, facts: Mapping[str, object], image: str | None, /
    ) -> Iterable[Problem]:
        """Judge what only this backend can of a version that is to be registered; nothing is changed."""
        ...

    def register(self, model: ModelRef, given: Registration, patience: Patience, /) -> RegisteredVersion:
        """Upload files and register them as a version that waits for its approval."""
        ...

    def versions(self, model: ModelRef, number: int | None = None, /) -> Iterator[RegisteredVersion]:
        """Yield the versions of a model, the newest first; only that of a number where one is given."""
        ...

    def decide(self, model: ModelRef, version: int, approval: Approval, decision: Decision, /) -> RegisteredVersion:
        """Write down what was decided on a version, by whom and why; return the version as it is then."""
        ...

    def predict(self, endpoint: EndpointRef, question: Question, patience: Patience, /) -> Answer:
        """Ask a model, and return its whole answer."""
        ...

    def stream(self, endpoint: EndpointRef, question: Question, patience: Patience, /) -> Iterator[bytes]:
        """Ask a model; when it has begun to answer, return its answer piece by piece."""
        ...

    def spent(self, platform: PlatformRef, /) -> Known[Spent]:
        """Tell what a platform has cost in the month that goes on, as far as its cloud counts that."""
        ...

    def record(self, pipeline: PipelineRef, run: Run, step: str, /) -> str:
        """Return the address of the record that a step of a run leaves, which trains nothing."""
        ...

    def text(self, platform: PlatformRef, address: str, /) -> Known[str]:
        """Read a text of the platform's store, or say why it cannot be read."""
        ...

    def put_features(self, group: FeatureGroupRef, rows: Sequence[Row], patience: Patience, /) -> None:
        """Write rows that fit a group, of which values that are None are missing."""
        ...

    def get_features(
        self, group: FeatureGroupRef, keys: Sequence[Row], features: Sequence[str], patience: Patience, /
    ) -> Sequence[Row | None]:
        """Read rows of the online store, keys included, as it keeps their values; None for a key without one."""
        ...


def load(name: str) -> Backend:
    """Import what a backend has for the client, and no more of it."""
    entry = registry.backends().get(name)
    if entry is None:
        raise MissingBackend(f"There is no backend {name!r}; write one of: {', '.join(sorted(registry.backends()))}.")
    if entry.missing:
        raise MissingBackend(f"Backend {name!r} needs {' and '.join(entry.missing)}; run: {entry.install}")
    if importlib.util.find_spec(f"{entry.folder}.client") is None:
        raise Unsupported(f"Backend {name!r} has no client: start its pipelines by its own tools.")
    found: Backend = importlib.import_module(f"{entry.folder}.client").CLIENT
    return found
