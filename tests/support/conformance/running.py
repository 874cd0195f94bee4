"""Runs a neutral program on one backend under the recording mocks, once for each way to run it."""

import asyncio
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from unittest.mock import patch

from pulumi import Output
from pulumi.runtime import rpc

from pulumi_mlops import MlopsError
from pulumi_mlops.core import capabilities, registry
from pulumi_mlops.core.capabilities import Entry, Table
from pulumi_mlops.core.refs import Ref
from support.conformance.programs import PROGRAMS, Build
from support.conformance.words import WORDS
from support.mocks import Cloud, Registration

Way = Literal["update", "again", "preview", "first preview"]


@dataclass(frozen=True)
class Ran:
    """What a program left behind."""

    registered: list[Registration]
    uses: frozenset[str]
    """The capabilities that its components asked for."""
    warnings: list[str]
    said: list[str]
    outputs: Mapping[str, Mapping[str, Any]]
    """What the components put out, by name."""
    error: MlopsError | None = None
    kind: type[Ref] = Ref
    """The kind of ref that the component has which the program is about."""
    name: str = ""
    export: Mapping[str, Any] | None = None
    secret: bool = False
    """Whether the export holds something secret."""

    @property
    def children(self) -> list[Registration]:
        """What is not a component of ours."""
        return [item for item in self.registered if not item.type.startswith("pulumi-mlops:")]

    @property
    def components(self) -> list[Registration]:
        """The components."""
        return [item for item in self.registered if item.type.startswith("pulumi-mlops:")]


@functools.cache
def run(build: Build, backend: str, way: Way = "update") -> Ran:
    """Run a program; what the library refuses is an answer, every other error fails the test."""
    words = WORDS[backend]
    cloud = Cloud(preview="preview" in way, first=way == "first preview")
    asked: list[frozenset[str]] = []
    made: list[Any] = []
    judge = capabilities.check

    def spy(name: str, table: Table, what: str, uses: frozenset[str]) -> list[str]:
        asked.append(uses)
        return judge(name, table, what, uses)

    def program() -> list[Any]:
        component = build(words)
        made.append(component)
        export = Output.from_input(component.ref.export())
        return [export, Output.from_input(export.is_secret())]

    settings = {key.replace(":", "__"): value for each in WORDS.values() for key, value in each.settings.items()}
    answer: list[Any] = [None, False]
    error: MlopsError | None = None
    with patch.object(capabilities, "check", spy):
        try:
            answer = cloud.run(program, **settings) or answer  # nothing, where a part of it is unknown
        except MlopsError as refused:
            error = refused
    return Ran(
        registered=cloud.registered,
        uses=frozenset().union(*asked),
        warnings=cloud.warnings,
        said=cloud.warnings + cloud.infos,
        outputs=cloud.outputs,
        error=error,
        kind=type(made[0].ref) if made else Ref,
        name=made[0].ref.name if made else "",
        export=answer[0],
        secret=bool(answer[1]),
    )


def key_of(name: str) -> frozenset[str]:
    """Turn a name of the matrix into a table's key."""
    return frozenset(name.split(" + "))


def about(table: Table, key: frozenset[str], *levels: str) -> dict[frozenset[str], Entry]:
    """Find what a table says of a key, or of a part of it, at some levels."""
    return {found: entry for found, entry in capabilities.about(table, key).items() if entry.level in levels}


def line(key: frozenset[str], entry: Entry) -> str:
    """Write an entry as a user reads it."""
    return f"{' with '.join(sorted(key))}: {entry.reason} Instead: {entry.instead}"


def ways_to(name: str) -> tuple[Build, ...]:
    """Return the programs that ask for a capability."""
    return PROGRAMS[name].build, *PROGRAMS[name].otherwise


@functools.cache
def working(name: str, backend: str) -> Build | None:
    """Return the first of the programs for a capability that the backend takes."""
    return next((build for build in ways_to(name) if run(build, backend).error is None), None)


def without(name: str, backend: str) -> Build | None:
    """Return the program to compare with; nothing for a platform, which stands on nothing."""
    if PROGRAMS[name].against and working(name, backend) is not PROGRAMS[name].build:
        return PROGRAMS[name].against
    if PROGRAMS[name].without:
        return PROGRAMS[name].without
    shorter = name.rpartition(".")[0]
    while shorter and shorter not in PROGRAMS:
        shorter = shorter.rpartition(".")[0]
    return PROGRAMS[shorter].build if shorter else None


def table_of(backend: str) -> Table:
    """Return what a backend says of itself."""
    return registry.load(backend).capabilities


BACKENDS = sorted(registry.backends())
CELLS = [(backend, name) for backend in BACKENDS for name in PROGRAMS]


def cells(*levels: str) -> list[tuple[str, str]]:
    """Choose the cells of the matrix of which a table says one of these, of the whole or of a part."""
    return [(backend, name) for backend, name in CELLS if about(table_of(backend), key_of(name), *levels)]


ABSENT = cells("absent")
THERE = [cell for cell in CELLS if cell not in ABSENT]


def having(*names: str) -> list[str]:
    """Choose the backends that have all of these; one with a platform alone is judged by its platform alone."""
    return [backend for backend in BACKENDS if not about(table_of(backend), frozenset(names), "absent")]


LOSSY = [cell for cell in cells("lossy") if cell in THERE]


def through_the_engine(export: Mapping[str, Any]) -> Any:
    """Send a value the way that stack outputs go: nulls are dropped, and whole numbers come back as floats."""

    async def there_and_back() -> Any:
        return rpc.deserialize_properties(await rpc.serialize_properties(dict(export), {}))

    return asyncio.run(there_and_back())
