"""Holds rules against resources: those of a resource's kind only, and never a value that is not known yet."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from pulumi_mlops.policies.model import Change, Check, Finding, Predicate, Problem, Relation, Rule
from pulumi_mlops.policies.resources import Resource, Stack, Undecided
from pulumi_mlops.policies.settings import Exemption, Settings


class Judge:
    """Some rules, by the kinds of resources that they are about."""

    def __init__(self, rules: Iterable[Rule], settings: Settings | None = None) -> None:
        self.rules = tuple(rules)
        self.settings = settings or Settings()
        self._single: dict[str, list[tuple[Rule, Predicate]]] = {}
        self._across: list[tuple[Rule, Check, Relation]] = []
        for rule in self.rules:
            for check in rule.checks:
                if check.relation:
                    self._across.append((rule, check, check.relation))
                for kind in check.types if check.predicate else ():
                    assert check.predicate  # noqa: S101  (for the type checker)
                    self._single.setdefault(kind, []).append((rule, check.predicate))

    def resource(self, resource: Resource) -> list[Finding]:
        """Judge one resource by itself."""
        found: list[Finding] = []
        package = resource.type.partition(":")[0]
        for kind in (resource.type, f"{package}:*"):
            for rule, predicate in self._single.get(kind, ()):
                found += self._found(rule, partial(predicate, resource, self.settings), resource)
        return found

    def stack(self, stack: Stack) -> list[Finding]:
        """Judge what resources are to each other."""
        found: list[Finding] = []
        for rule, check, relation in self._across:
            for each in stack.all(*check.types):
                found += self._found(rule, partial(relation, each, stack, self.settings), each)
        return found

    def all(self, resources: Sequence[Resource]) -> list[Finding]:
        """Judge resources by themselves and as a stack."""
        single = [finding for each in resources for finding in self.resource(each)]
        return single + self.stack(Stack(resources))

    def mended(self, resource: Resource, rules: Collection[str]) -> Iterator[tuple[Rule, list[Change]]]:
        """Say what has to change for a resource to be as some rules ask; an unknown value is left as it is."""
        if not resource.plain:
            return
        for rule in self.rules:
            if rule.id not in rules or self._holding(self._covering(rule, resource)):
                continue
            for mending in rule.mendings:
                if resource.type in mending.types:
                    with suppress(Undecided):
                        if changes := list(mending.changes(resource, self.settings)):
                            yield rule, changes

    def _covering(self, rule: Rule, on: Resource) -> list[Exemption]:
        """List the exceptions of a resource from a rule."""
        return [each for each in self.settings.exceptions if each.covers(rule.id, on.name, on.urn)]

    def _holding(self, covering: Iterable[Exemption]) -> list[Exemption]:
        """List those that hold still."""
        return [each for each in covering if each.expires >= self.settings.today]

    def _found(self, rule: Rule, problems: Callable[[], Iterable[Problem]], resource: Resource) -> Iterator[Finding]:
        """Take the problems of a rule; what it finds before it meets an unknown value holds all the same."""
        try:
            for problem in problems():
                yield self._excepted(rule, problem, problem.on or resource)
        except Undecided as undecided:
            problem = Problem(undecided.path, "", "")
            yield Finding(rule, resource.urn, resource.token, resource.name, problem, "undecided")
        except Exception as error:  # noqa: BLE001  (a rule of a user's: what it cannot judge has not passed)
            said = f"could not be judged: {type(error).__name__}: {error}"
            yield Finding(rule, resource.urn, resource.token, resource.name, Problem(rule.id, said, "a rule that can"))

    def _excepted(self, rule: Rule, problem: Problem, on: Resource) -> Finding:
        covering = self._covering(rule, on)
        if holding := self._holding(covering):
            note = f"{holding[0].owner} until {holding[0].expires}: {holding[0].reason}"
            return Finding(rule, on.urn, on.token, on.name, problem, "excepted", note)
        note = f"the exception of {covering[0].owner} has expired on {covering[0].expires}" if covering else ""
        return Finding(rule, on.urn, on.token, on.name, problem, note=note)
