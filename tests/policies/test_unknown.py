"""A value that a preview does not know neither passes nor fails: each place of each good platform in turn."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mlops.policies import RULES, UNKNOWN, Judge, Resource, Stack, resource
from support.policies import SETTINGS, Bad, Resources, aws, azure, kubernetes

CLOUDS = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BAD: list[Bad] = [*aws.BAD, *azure.BAD, *kubernetes.BAD]
JUDGE = Judge(RULES, SETTINGS)
LINKED = Judge((rule for rule in RULES if rule.id not in ("cost.ceiling", "cost.priced")), SETTINGS)
"""Those two read tables of prices each time; `test_costs` says what they make of unknown values."""
NEVER = {
    "data.stateful-protected",
    "data.replacement-named",
    "access.no-lasting-keys",
    "cost.budget-present",
    "cost.ceiling",
    "cost.priced",
}
"""Rules that look at no property, on some clouds at least, or are not asked here."""
Path = tuple[Any, ...]


def good(cloud: str) -> Resources:
    return dict(CLOUDS[cloud].GOOD)


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Find every place of a structure, the structures in it among them."""
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(each, (*path, key))


def blurred(one: Resource, path: Path) -> Resource:
    props = copy.deepcopy(dict(one.value))
    place: Any = props
    for word in path[:-1]:
        place = place[word]
    place[path[-1]] = UNKNOWN
    return resource(one.token, one.name, props, urn=one.urn, protect=one.protect, provider=one.provider)


def differing(one: Any, other: Any, path: Path = ()) -> Iterator[Path]:
    """Find the places at which two structures differ, no deeper than both of them are."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if key not in one or key not in other:
                yield (*path, key)
            else:
                yield from differing(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differing(left, right, (*path, number))
    elif one != other:
        yield path


def mistakes(case: Bad) -> list[tuple[str, Path]]:
    """Say which property of which resource a mistake is in; none where it is a resource too many or too few."""
    before, after = good(case.cloud), good(case.cloud)
    case.edit(after)
    if before.keys() != after.keys():
        return []
    return [(name, path) for name, one in before.items() for path in differing(one.value, after[name].value)]


PLACED = [(case, *found[0]) for case in BAD if len(found := mistakes(case)) == 1]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_is_not_known_yet_refuses_nothing(cloud: str) -> None:
    wrong, undecided = set(), set()
    for one in good(cloud).values():
        others = [each for each in good(cloud).values() if each.name != one.name]
        for path in leaves(one.value):
            new = blurred(one, path)
            found = JUDGE.resource(new) + LINKED.stack(Stack([*others, new]))
            wrong |= {(one.name, path, each.rule.id, each.resource) for each in found if each.state != "undecided"}
            undecided |= {each.rule.id for each in found}
    assert wrong == set()
    asked = {rule.id for rule in LINKED.rules for check in rule.checks if check.cloud == cloud}
    assert asked - undecided <= NEVER


@pytest.mark.parametrize(
    ("case", "name", "path"),
    PLACED,
    ids=[f"{case.rule}-{case.cloud}-{number}" for number, (case, _, _) in enumerate(PLACED)],
)
def test_what_would_be_a_mistake_is_decided_at_update(case: Bad, name: str, path: Path) -> None:
    """The good platform, but the place of the mistake is not known: nothing passes that may yet be the mistake."""
    resources = good(case.cloud)
    one = resources[name]
    resources[name] = blurred(one, path)
    found = [each for each in JUDGE.all(list(resources.values())) if each.rule.id == case.rule]
    assert {each.state for each in found} == {"undecided"}, found
