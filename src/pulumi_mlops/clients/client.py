"""The client of a stack, or of one thing in it: runs are started and followed, what serves is traced back."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi_mlops.clients import stacks
from pulumi_mlops.clients.features import Features
from pulumi_mlops.clients.going_back import GoingBack
from pulumi_mlops.clients.lineage import Known, Lineage
from pulumi_mlops.clients.monitors import Monitors
from pulumi_mlops.clients.parameters import judged
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.clients.picture import Picture, gathered
from pulumi_mlops.clients.predictions import Predictions
from pulumi_mlops.clients.runs import Run, StepState
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.errors import NotFound
from pulumi_mlops.core.refs import Has, Ref, ref_of
from pulumi_mlops.steps.step import Plain

_OFTEN, _SELDOM, _LONGER = 2.0, 15.0, 1.5
"""Seconds between two looks at a run: at first, at most, and how much longer each is than the one before."""


class Client(GoingBack, Predictions, Features, Monitors):
    """What is done with a platform from day to day. ``mlops.client(…)`` makes one."""

    def __init__(
        self, stack: stacks.Stack, pause: Callable[[float], object] = time.sleep, *, timeout_seconds: float = 60
    ) -> None:
        super().__init__(stack, Patience(seconds=timeout_seconds, pause=pause))

    def start(self, pipeline: "str | Has[PipelineRef]", parameters: Mapping[str, Plain] | None = None) -> Run:
        """Start a pipeline, and return its run as it begins.

        :param pipeline: the name of a pipeline that the stack exports, or its ref.
        :param parameters: what it is started with; the others have their defaults.
        :raises InvalidRun: a parameter is not the pipeline's, or not of its type; nothing was started.
        """
        ref = self._ref(PipelineRef, pipeline)
        wanted = judged(ref, parameters or {})
        with self._asking(ref) as asked:
            run = asked.start(ref, wanted)
            return asked.look(ref, run) or Run(id=run, pipeline=ref.name, state="waiting", parameters=wanted)

    def look(self, pipeline: "str | Has[PipelineRef]", run: str) -> Run:
        """Tell how a run is now.

        :raises NotFound: the pipeline has no such run.
        """
        ref = self._ref(PipelineRef, pipeline)
        with self._asking(ref) as asked:
            found = asked.look(ref, run)
        if found is None:
            raise NotFound(f"Pipeline {ref.name!r} has no run {run!r}, or has it no more.")
        return found

    def runs(self, pipeline: "str | Has[PipelineRef]", most: int = 10) -> list[Run]:
        """Tell of the newest runs of a pipeline, the newest first.

        A run in a list may lack its steps, its parameters and when it ended: ``look`` tells them.
        """
        ref = self._ref(PipelineRef, pipeline)
        with self._asking(ref) as asked:
            return list(asked.runs(ref, most))

    def follow(self, pipeline: "str | Has[PipelineRef]", run: str) -> Iterator[Run]:
        """Yield a run each time when it has changed, until it has ended; the last one tells how."""
        seen: Run | None = None
        wait = _OFTEN
        while True:
            found = self.look(pipeline, run)
            if found != seen:
                yield found
                seen, wait = found, _OFTEN
            if found.over:
                return
            self._patience.pause(wait)
            wait = min(wait * _LONGER, _SELDOM)

    def last_lines(self, pipeline: "str | Has[PipelineRef]", run: Run, step: StepState) -> list[str]:
        """Return the last lines that a step printed, as far as the backend gives them."""
        ref = self._ref(PipelineRef, pipeline)
        with self._asking(ref) as asked:
            return list(asked.last_lines(ref, run, step))

    def lineage(self, what: "str | Has[EndpointRef] | Has[ModelRef]", version: int | None = None) -> Lineage:
        """Walk from an endpoint, or from a version of a model, back to run, step, code and data.

        :param what: the name of an endpoint or of a model that the stack exports, or the ref.
        :param version: of the model; the newest unless told.
        """
        ref = self._served_or_model(what)
        with self._asking(ref) as asked:
            if isinstance(ref, EndpointRef):
                if version is not None:
                    raise NotFound(f"{ref.name!r} is an endpoint, which has no versions; name the model.")
                models = [one for several in self._stack.refs(ModelRef).values() for one in several]
                return Lineage(endpoint=ref.name, served=tuple(asked.served(ref, models)))
            found = asked.version(ref, version)
        if found is None:
            which = "version yet" if version is None else f"version {version}"
            raise NotFound(f"Model {ref.name!r} has no {which}.")
        return Lineage(version=found)

    def spent(self, platform: "str | Has[PlatformRef]") -> Known[Spent]:
        """Tell what a platform has cost in the month that goes on; where nobody counts that, why.

        :param platform: the name of a platform that the stack exports, or its ref.
        """
        ref = self._ref(PlatformRef, platform)
        with self._asking(ref) as asked:
            return asked.spent(ref)

    def picture(self) -> Picture:
        """Gather what the stack consists of, what serves, what ran last, and what it costs.

        What cannot be asked, for want of a right or of an export, says so in its place.
        """
        return gathered(self, self._stack)

    def _served_or_model(self, what: "str | Has[EndpointRef] | Has[ModelRef]") -> EndpointRef | ModelRef:
        if not isinstance(what, str):
            found = ref_of(what)
            if isinstance(found, EndpointRef | ModelRef):
                return found
            raise NotFound("lineage begins at an endpoint or at a model; give the name or the ref of one.")
        endpoints, models = self._stack.refs(EndpointRef), self._stack.refs(ModelRef)
        if what in endpoints and what in models:
            raise NotFound(f"Stack {self._stack.name!r} exports an endpoint and a model {what!r}; name the output.")
        named = self._stack.outputs.get(what)
        is_model = what in models or (isinstance(named, Mapping) and named.get("noun") == ModelRef.noun)
        if is_model:
            return self._stack.find(ModelRef, what)
        if what in endpoints or not models:
            return self._stack.find(EndpointRef, what)
        try:
            return self._stack.find(EndpointRef, what)
        except NotFound as error:
            raise NotFound(f"{error} Models: {', '.join(sorted(models))}.") from None


def client(
    of: "str | Has[Ref] | Mapping[str, Any]", *, cwd: Path | str | None = None, timeout_seconds: float = 60
) -> Client:
    """Return the client of a stack, or of one thing in it.

    :param of: the name of a stack, as ``pulumi --stack`` takes it; or a ref, or what a stack exports of one. With a
        ref the environment alone says with which credentials its cloud is asked.
    :param cwd: the folder of the stack's program, where the stack is named without its project.
    :param timeout_seconds: how long an answer to data is waited for: predictions, features, files of models.
    :raises MlopsError: the stack cannot be read.
    """
    if isinstance(of, str):
        return Client(stacks.read(of, Path(cwd) if cwd is not None else None), timeout_seconds=timeout_seconds)
    if isinstance(of, Mapping):
        return Client(stacks.Stack("exported", {"exported": of}), timeout_seconds=timeout_seconds)
    found = ref_of(of)
    if found is None:
        raise NotFound(f"client(…) takes the name of a stack, a ref, or an export; this is {type(of).__name__}.")
    return Client(stacks.Stack(found.name, {found.name: found.export()}), timeout_seconds=timeout_seconds)
