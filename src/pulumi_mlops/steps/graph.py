"""The steps of a pipeline as a graph: what is wrong with it, and in which order it runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import nearest
from pulumi_mlops.steps.step import Condition, Plain, Step
from pulumi_mlops.steps.tune import TuneStep
from pulumi_mlops.steps.work import Work


def works(step: Step) -> Work | None:
    """Return the container that a step runs; of a tuning, that of one trial."""
    if isinstance(step, TuneStep):
        return step.trial()
    return step if isinstance(step, Work) else None


@dataclass(frozen=True)
class Graph:
    """Steps by name; each stands in ``before`` of another only if it is one of them."""

    steps: Mapping[str, Step]
    parameters: Mapping[str, Plain]

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The name of each step, by its identity."""
        return {id(step): name for name, step in self.steps.items()}

    def name(self, step: Step) -> str:
        """Return the name of a step."""
        return self.names[id(step)]

    def before(self, name: str) -> list[str]:
        """Name the steps that end before one begins."""
        return [self.name(step) for step in self.steps[name].before()]

    def order(self) -> list[str]:
        """Name the steps, each after all that it needs, otherwise as they were written."""
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in done:
                return
            for other in self.before(name):
                visit(other)
            done[name] = None

        for name in self.steps:
            visit(name)
        return list(done)

    def conditions(self, name: str) -> list[Condition]:
        """List what must hold for a step to run: its own condition, and those of all that it needs."""
        return list(self._conditions[name].values())

    @cached_property
    def _conditions(self) -> Mapping[str, Mapping[int, Condition]]:
        """The conditions of each step, by their identity."""
        found: dict[str, dict[int, Condition]] = {}
        for name in self.order():
            own = self.steps[name].when
            inherited = {key: one for other in self.before(name) for key, one in found[other].items()}
            found[name] = inherited | ({id(own): own} if own is not None else {})
        return found

    def problems(self) -> Iterator[Problem]:
        """Say what is wrong with the graph, and with the parameters that its steps use."""
        if circle := self._circle():
            told = f"waits for itself ({' after '.join([*circle, circle[0]])}); take one of these inputs out"
            yield Problem(f"steps.{circle[0]}", told)
        else:
            yield from self._misplaced()

    def _misplaced(self) -> Iterator[Problem]:
        first: dict[int, str] = {}
        for name, step in self.steps.items():
            if (known := first.setdefault(id(step), name)) != name:
                told = f"is the very step that {known!r} is; call mlops.{step.kind}(…) once for each"
                yield Problem(f"steps.{name}", told)
        for name, step in self.steps.items():
            for other in step.before():
                if id(other) not in self.names:
                    yield Problem(f"steps.{name}", self._missing(other))
            for used in {one.name: one for one in step.parameters_used()}.values():
                if used.name not in self.parameters:
                    close = nearest(used.name, self.parameters)
                    told = (
                        f"uses parameter {used.name!r}, which is not among parameters{close}; add it with its default"
                    )
                    yield Problem(f"steps.{name}", told)
        wanted = {one.name for step in self.steps.values() for one in step.parameters_used()}
        for name in self.parameters:
            if name not in wanted:
                yield Problem(
                    f"parameters.{name}", f"is used by no step; write mlops.parameter({name!r}) where it is meant"
                )

    def _circle(self) -> list[str]:
        """Return steps each of which waits for the next, and the last for the first: inputs may be added to a step."""
        done: set[int] = set()

        def walked(step: Step, way: list[Step]) -> list[Step]:
            if step in way:
                return way[way.index(step) :]
            if id(step) in done:
                return []
            found = next((found for one in step.before() if (found := walked(one, [*way, step]))), [])
            done.add(id(step))
            return found

        circle = next((found for step in self.steps.values() if (found := walked(step, []))), [])
        return [self.names.get(id(step), step.label) for step in circle]

    def _missing(self, other: Step) -> str:
        tuned = next(
            (name for name, step in self.steps.items() if isinstance(step, TuneStep) and step.fit is other), None
        )
        if tuned is not None:
            return f"takes from the training that {tuned!r} tunes; take from {tuned!r}, which stands for the best trial"
        return f"takes from a step of mlops.{other.kind}(…) that is not among steps; add it there under a name"
