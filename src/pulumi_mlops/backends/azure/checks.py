"""What only Azure can judge, before anything is registered: its limits, its names, and what is there already."""

from collections.abc import Iterator

from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec


def problems(name: str, spec: Spec) -> Iterator[Problem]:
    """Judge a spec."""
    del name, spec
    yield from ()
