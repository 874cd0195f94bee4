"""Conditions of a pipeline as SageMaker has them: branches, within which steps and further branches stand."""

from collections.abc import Iterator

from pulumi_mlops.core.errors import Problem
from pulumi_mlops.steps.graph import Graph

Branch = tuple[int, ...]
"""The conditions within which a step stands, by their identity, from the outermost."""


def branches(graph: Graph) -> Iterator[tuple[str, Branch]]:
    """Yield each step with the branch that it stands in: the innermost of what it needs, and its own condition."""
    found: dict[str, Branch] = {}
    for name in graph.order():
        needed = [found[one] for one in graph.before(name)]
        inner = max(needed, key=len, default=())
        own = graph.steps[name].when
        found[name] = inner if own is None or id(own) in inner else (*inner, id(own))
        yield name, found[name]


def crossed(graph: Graph) -> Iterator[Problem]:
    """Refuse a step that takes from two branches, neither of which is within the other."""
    found = dict(branches(graph))
    for name, own in found.items():
        if wrong := [one for one in graph.before(name) if found[one] != own[: len(found[one])]]:
            told = (
                f"needs {wrong[0]!r}, which runs under another condition than the rest of what it needs; give both the "
                "same condition, as one value"
            )
            yield Problem(f"steps.{name}", told)
