"""The names that components of one platform take, of which there is one each.

Pulumi compares types, parents and names; what a backend makes is named by the platform and the component alone. So two
components of one noun may differ for Pulumi, by their parents, and be one thing in the cloud; and a noun that is made
of another's takes a name of that one's.
"""

from collections.abc import Iterator

from pulumi_mlops.core import private
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec
from pulumi_mlops.core.naming import snake
from pulumi_mlops.core.refs import HubRef, ref_of


def problems(hub: HubRef, noun: str, name: str, spec: Spec) -> Iterator[Problem]:
    """Refuse a component whose names another one of this program has."""
    taken = _taken(hub)
    for each in _wanted(noun, name, spec):
        if owner := taken.get(each):
            kind, wanted = snake(each[0], " "), each[-1]
            yield Problem(
                "name", f"{owner} and this one both make the {kind} {wanted!r}; give one of them another name"
            )


def take(hub: HubRef | None, noun: str, name: str, spec: Spec) -> None:
    """Remember the names of a component that is made; a platform has them all to itself."""
    if hub is not None:
        _taken(hub).update(dict.fromkeys(_wanted(noun, name, spec), f"{noun} {name!r}"))


def _taken(hub: HubRef) -> dict[tuple[str, ...], str]:
    return private.once(f"claims {hub.backend} {hub.name} {hub.stage}", dict)


def _wanted(noun: str, name: str, spec: Spec) -> Iterator[tuple[str, ...]]:
    above = None if spec.stands_on == "platform" else ref_of(getattr(spec, spec.stands_on, None))
    yield (noun, name) if above is None else (noun, above.name, name)
    yield from spec.claims(name)
