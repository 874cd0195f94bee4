"""What exists already: a thing that no program of ours made is turned into a ref, which is used like any other.

A noun has a spec of what is said of such a thing, and a ``Task`` by which the platform's backend looks it up:
``EXISTING = Task[[str, ExistingModelSpec], ModelRef]("Model.existing")``. Nothing is registered with the engine, so
nothing of it is ever changed or deleted.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import pulumi

from pulumi_mlops.core import capabilities, registry
from pulumi_mlops.core.component import anchor, named_engine
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.errors import InvalidArgs, Problem, Unsupported, concerning
from pulumi_mlops.core.inputs import Spec, needs, parse, refuse, shown
from pulumi_mlops.core.naming import snake
from pulumi_mlops.core.refs import Ref

_URI = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]+(/\S*)?")


class ExistingThing(Spec):
    """What is said of a thing that exists already, however it is found."""


class Existing(ExistingThing):
    """What is said of a thing that exists already and is found by its name."""

    called: str | None = None
    """The name by which the backend knows it; the default is ``name``. It is a plain value, since it is looked up while
    the program runs."""


E = TypeVar("E", bound=ExistingThing)
R = TypeVar("R", bound=Ref)


def take_over(task: Task[[str, E], R], spec: type[E], name: str, args: Mapping[str, Any]) -> R:
    """Judge what is said of an existing thing, and let the platform's backend look it up.

    :param name: how the program calls it: it is in the names of policies and variables, as a component's name is.
    """
    noun = task.name.partition(".")[0]
    what = f"{noun} {shown(name)!r}"
    capability = f"{snake(noun)}.existing"
    if named := named_engine(spec, args):  # what is not there at all is said before its details are judged
        table = capabilities.of_one(registry.load(named).capabilities)
        capabilities.check(registry.titled(named), table, what, frozenset({capability, *needs(spec, args)}))
    parsed = parse(spec, noun, name, args)
    hub = anchor(parsed)
    assert hub is not None  # noqa: S101 (each spec demands one)
    engine = registry.load(hub.backend)
    wanted = frozenset({capability, *needs(spec, vars(parsed)), *parsed.uses()})
    warnings = capabilities.check(registry.titled(hub.backend), engine.capabilities, what, wanted)
    look_up = engine.find(task)
    if look_up is None:
        raise Unsupported(f"{what}: backend {hub.backend!r} cannot look one up.")
    with concerning(noun, name):
        if problems := list(engine.problems(name, parsed)):
            raise InvalidArgs(noun, name, problems)
        if pulumi.runtime.is_dry_run():
            for line in warnings:
                pulumi.log.warn(f"{what}: {line}")
        return look_up(name, parsed)


def folder(uri: str) -> str:
    """Judge the address of a folder, and end it in a slash."""
    if not _URI.fullmatch(uri):
        raise refuse(f"{uri!r} is not the address of a folder; write a whole one, such as 'scheme://bucket/rows/'")
    return uri if uri.endswith("/") else f"{uri}/"


def absent(noun: str, name: str, told: str, field: str = "called") -> InvalidArgs:
    """Say that there is no such thing."""
    return InvalidArgs(noun, name, [Problem(field, told)])
