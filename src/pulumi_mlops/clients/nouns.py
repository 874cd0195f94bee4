"""The nouns of a stack and how they hang together, out of what it exports and what the engine recorded of them.

The record (``pulumi stack export``) has every component with its arguments, in which others stand by their names and
secrets are withheld or encrypted (``core.component.echo``). Of it are taken names, what names them, and a few plain
facts; an export adds where a thing is. No value of either is passed on that is not asked for here by its name.
"""

import functools
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args, get_origin, get_type_hints

from pulumi_mlops import components, steps
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.inputs import Spec, engines_of
from pulumi_mlops.core.refs import Ref, SecretRef, kinds

_TOKEN = "pulumi-mlops:index:"  # noqa: S105 (what Pulumi calls a type)
_NAMED = re.compile(r"(?P<name>[^\s@:]+?)(?P<which>:\d+|@\S+|\.online|\.offline)?")
"""A component's name in the arguments of another: as it is, or with the version or the tier that is meant."""
_OF_WHICH = {":": "Model", "@": "Dataset", ".": "FeatureGroup"}
_FACTS = ("backend", "stage", "monthly_budget", "schedule", "gate", "capture_percent", "overlap", "online", "nodes")
"""Arguments that a page tells, where they are plain."""
PLATFORM = "Platform"
_STANDS_ON = frozenset({"platform", "store", "registry", "endpoint"})


@dataclass(frozen=True, order=True)
class Key:
    """A noun and a name."""

    noun: str
    name: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.noun} {self.name}"


@dataclass(frozen=True, kw_only=True)
class Noun:
    """A component of a stack, or one that it uses of another."""

    key: Key
    ref: Ref | None = field(default=None, repr=False)
    """None where the stack does not export it: nobody can be asked about it."""
    here: bool = True
    """Whether this stack makes it."""
    output: str | None = None
    """The output that has it."""
    engine: str | None = None
    """The engine or backend that its own arguments name."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that it was given."""


@dataclass(frozen=True, order=True)
class Link:
    """One noun that stands in the arguments of another."""

    user: Key
    used: Key
    how: str
    """The argument, such as ``reads`` or ``steps.fit.cluster``."""


@dataclass(frozen=True)
class Nouns:
    """What a stack consists of."""

    nouns: Mapping[Key, Noun]
    links: Sequence[Link]

    def backend_below(self, key: Key) -> str | None:
        """Return the backend that a noun stands on, by way of what it uses."""
        seen, waiting = {key}, [key]
        while waiting:
            one = self.nouns[waiting.pop(0)]
            if one.key.noun == PLATFORM and (found := one.ref.backend if one.ref else one.engine):
                return found
            below = [link.used for link in self.links if link.user == one.key and link.how in _STANDS_ON]
            waiting += [used for used in below if used not in seen]
            seen |= set(below)
        return None


def read(outputs: Mapping[str, Any], recorded: Mapping[str, Any] | None) -> Nouns:
    """Read what a stack consists of.

    :param outputs: its outputs, as ``pulumi stack output --json`` prints them.
    :param recorded: its state, as ``pulumi stack export`` prints it; None where that cannot be read.
    """
    found: dict[Key, Noun] = {}
    arguments: dict[Key, Mapping[str, Any]] = {}
    for resource in ((recorded or {}).get("deployment") or {}).get("resources") or []:
        kind, urn = str(resource.get("type", "")), str(resource.get("urn", ""))
        if kind.startswith(_TOKEN) and not resource.get("delete"):
            key = Key(kind.removeprefix(_TOKEN), urn.rpartition("::")[2])
            arguments[key] = resource.get("inputs") or {}
            found[key] = Noun(key=key, engine=_engine(key.noun, arguments[key]), facts=_facts(arguments[key]))
    links: set[Link] = set()
    for output, data in outputs.items():
        for ref, whole in _exported(data):
            key = _key(ref)
            # What an engine made of its own is on record under the whole alone.
            here = recorded is None or (whole is not None and found[_key(whole)].here)
            known = found.get(key, Noun(key=key, here=here))
            found[key] = replace(known, ref=ref, output=known.output or output)
    for noun in list(found.values()):
        for how, used in _inside(noun.ref) if noun.ref else ():
            key = _key(used)
            known = found.get(key, Noun(key=key, here=False))
            found[key] = known if known.ref else replace(known, ref=used)
            own = noun.ref is not None and how in noun.ref.parts and key not in arguments
            if noun.key not in arguments or own:  # else these say it, by the names of arguments
                links.add(Link(noun.key, key, how))
    for key, given in arguments.items():
        links |= {Link(key, used, how) for how, used in _named(given, found, "", frozenset(), named=False)}
    return Nouns(dict(sorted(found.items())), sorted(links))


def _key(ref: Ref) -> Key:
    return Key(_noun(type(ref)), ref.name)


def _noun(kind: type[Ref]) -> str:
    """Return the component's name for a kind of ref; a version stands for its model."""
    return {"ModelVersionRef": "Model"}.get(kind.__name__, kind.__name__.removesuffix("Ref"))


def _exported(value: Any, whole: Ref | None = None) -> Iterator[tuple[Ref, Ref | None]]:
    """Yield the refs in an output, each with what it is a part of; one of an unknown kind is left out."""
    if isinstance(value, Mapping):
        if "schema" in value and "noun" in value:
            if kind := kinds().get(str(value["noun"])):
                ref = kind.load(value)
                yield ref, whole
                yield from (found for part in kind.parts for found in _exported(value.get(part), ref))
            return
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _exported(inner, whole)


def _inside(ref: Ref) -> Iterator[tuple[str, Ref]]:
    """Yield the refs that a ref holds, with the field of each."""
    for item in fields(ref):
        value = getattr(ref, item.name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, Ref) and not isinstance(one, SecretRef) and not item.metadata.get("local"):
                yield item.name, one


def _facts(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name in _FACTS if (value := given.get(name)) is not None and _plain(value)}


def _engine(noun: str, given: Mapping[str, Any]) -> str | None:
    """Return the engine that arguments name, or the backend of a platform."""
    backend = given.get("backend")
    spec = _specs().get(f"{noun}Spec")
    named = next(engines_of(spec, given), None) if spec else None
    return named or (backend if isinstance(backend, str) else None)


def _plain(value: Any) -> bool:
    """Whether nothing in a value is encrypted: the engine writes a secret as a mapping with its own keys."""
    if isinstance(value, Mapping):
        return "ciphertext" not in value and all(map(_plain, value.values()))
    return all(map(_plain, value)) if isinstance(value, list) else True


def _named(
    value: Any, there: Mapping[Key, Noun], path: str, wanted: frozenset[str], *, named: bool
) -> Iterator[tuple[str, Key]]:
    """Yield what arguments name.

    :param wanted: the nouns that the field holds which leads here.
    :param named: whether the keys of a mapping here are names that a program gives, not fields.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            known = _taking().get(key)
            below = f"{path}.{key}" if path else str(key)
            if named or known is None:
                yield from _named(inner, there, below, wanted if named else frozenset(), named=False)
            else:
                yield from _named(inner, there, below, known.nouns, named=known.by_name and isinstance(inner, Mapping))
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, there, path, wanted, named=False)
    elif isinstance(value, str) and wanted and (found := _NAMED.fullmatch(value)):
        which = found["which"]
        kinds_here = {_OF_WHICH[which[0]]} & wanted if which else wanted
        yield from ((path, key) for noun in sorted(kinds_here) if (key := Key(noun, found["name"])) in there)


@dataclass(frozen=True)
class _Takes:
    """What the fields of one name hold, in whatever spec."""

    nouns: frozenset[str]
    by_name: bool


@functools.cache
def _taking() -> Mapping[str, _Takes]:
    """Return the fields that hold other nouns, read off every spec there is: none is listed here by hand."""
    found: dict[str, _Takes] = {}
    for spec in _specs().values():
        for name, item in spec.model_fields.items():
            if nouns := _nouns_in(item.annotation):
                known = found.get(name, _Takes(frozenset(), by_name=False))
                by_name = known.by_name or any(get_origin(arm) is dict for arm in _arms(item.annotation))
                found[name] = _Takes(known.nouns | nouns, by_name)
    return found


@functools.cache
def _specs() -> Mapping[str, type[Spec]]:
    """Return every spec of the library, by its name."""
    for package in (components, steps):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    return {spec.__name__: spec for spec in _below(Spec)}


def _arms(annotation: Any) -> Iterator[Any]:
    yield annotation
    for arm in get_args(annotation) if get_origin(annotation) is not dict else ():
        yield from _arms(arm)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    one: type[Any]
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _nouns_in(annotation: Any) -> frozenset[str]:
    """Name the nouns whose refs, or views of whose refs, a type holds."""
    if not isinstance(annotation, type) or get_args(annotation):
        return frozenset().union(*map(_nouns_in, get_args(annotation)))
    if issubclass(annotation, Ref):
        below = [annotation, *_below(annotation)]
        return frozenset(_noun(one) for one in below if "noun" in vars(one))
    if hasattr(annotation, "advice") and hasattr(annotation, "label") and not issubclass(annotation, Spec):
        return frozenset().union(*(_nouns_in(hint) for hint in get_type_hints(annotation).values() if _is_ref(hint)))
    return frozenset()


def _is_ref(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Ref) and hint is not PlatformRef
