"""Every cell of the capability matrix, held against what the backend does: the table is the oracle."""

import pytest

from pulumi_mlops import Unsupported
from pulumi_mlops.core.matrix import matrix
from support.conformance.evidence import NATIVE
from support.conformance.programs import PROGRAMS
from support.conformance.running import (
    ABSENT,
    BACKENDS,
    LOSSY,
    THERE,
    Ran,
    about,
    key_of,
    line,
    run,
    table_of,
    ways_to,
    without,
    working,
)

NOTHING = Ran([], frozenset(), [], [], {}, export={})


def test_every_capability_has_a_program() -> None:
    named = {row.capability for row in matrix(BACKENDS)}
    assert sorted(named - set(PROGRAMS)) == [], "names of the tables without a program in programs.py"
    assert sorted(set(PROGRAMS) - named) == [], "programs for names that no table has"


@pytest.mark.parametrize(("backend", "name"), THERE)
def test_what_is_there_works(backend: str, name: str) -> None:
    build = working(name, backend)
    assert build, "\n".join(str(run(build, backend).error) for build in ways_to(name))
    assert key_of(name) <= run(build, backend).uses, f"the program does not ask for {name}"
    assert run(build, backend, "first preview").error is None


@pytest.mark.parametrize(("backend", "name"), [cell for cell in THERE if " + " not in cell[1]])
def test_what_is_there_is_made_natively(backend: str, name: str) -> None:
    build, before = working(name, backend), without(name, backend)
    assert build
    baseline = run(before, backend) if before else NOTHING
    assert baseline.error is None
    unseen = [piece for piece in NATIVE[backend][name] if not piece.holds(run(build, backend), baseline)]
    assert unseen == []


@pytest.mark.parametrize(("backend", "name"), ABSENT)
def test_what_is_absent_is_refused(backend: str, name: str) -> None:
    for build in ways_to(name):
        ran = run(build, backend)
        assert isinstance(ran.error, Unsupported), f"{name} was not refused: {ran.error}"
        told = str(ran.error)
        refused = about(table_of(backend), ran.uses, "absent")
        assert refused, told
        assert f"backend {backend!r}" in told
        for key, entry in refused.items():
            assert line(key, entry) in told
        noun, name_of = told.split(maxsplit=1)[0], told.split("'")[1]
        made = [item.name for item in ran.components if item.type.endswith(f":{noun}")]
        assert name_of not in made
        owned = {item.name for item in ran.components}
        assert {item.parent.split("::")[-1] for item in ran.children} <= owned


@pytest.mark.parametrize(("backend", "name"), THERE)
def test_only_what_is_lossy_is_warned_of(backend: str, name: str) -> None:
    build = working(name, backend)
    assert build
    ran = run(build, backend, "first preview")
    expected = [line(key, entry) for key, entry in about(table_of(backend), ran.uses, "lossy").items()]
    assert sorted(ran.warnings) == sorted(expected)
    assert run(build, backend).warnings == [], "warned of in the update too, where nobody can turn back"
    if (backend, name) in LOSSY:
        assert expected
