"""Rules beside an independent scanner: what each of the two says of the same samples, and why they differ."""

from pathlib import Path

import pytest

from pulumi_mlops.policies import BY_ID, RULES, Judge
from support.policies import SETTINGS
from support.policies.checkov import GOOD, PINS, known, scanned
from support.policies.compared import COMPARED, OURS, Compared, own, own_table, sample, samples, table

PAGE = Path(__file__).parents[2] / "docs" / "policies" / "scanner.md"
JUDGE = Judge(RULES, SETTINGS)
NAMES = [f"{one.rule}-{one.on}-{one.check}" for one in COMPARED]


def test_enough_rules_of_each_form_are_compared() -> None:
    assert all(len({one.rule for one in COMPARED if one.cloud == cloud}) >= 8 for cloud in ("aws", "kubernetes"))
    assert {one.rule for one in COMPARED} <= BY_ID.keys()


@pytest.mark.parametrize("one", COMPARED, ids=NAMES)
def test_where_they_differ_there_is_a_reason(one: Compared) -> None:
    assert bool(one.why) is not one.agrees
    assert one.agrees or one.why.endswith(".")


@pytest.mark.parametrize("one", COMPARED, ids=NAMES)
def test_our_rule_tells_the_two_samples_apart(one: Compared) -> None:
    made = dict(samples())
    found = {
        name: [
            each for each in JUDGE.all(list(made[name].values())) if (each.rule.id, each.resource) == (one.rule, one.on)
        ]
        for name in (f"{one.cloud}-{GOOD}", sample(one))
    }
    assert [len(each) > 0 for each in found.values()] == [False, True]


def test_the_page_is_what_was_compared() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    tables = [*table(), *own_table()]
    assert rows == tables, "\n".join(["The tables of docs/policies/scanner.md are to be:", *tables])
    version = next(line for line in PINS.read_text().splitlines() if line.startswith("checkov=="))
    assert version.replace("==", " ") in PAGE.read_text()
    agree = sum(one.agrees for one in COMPARED)
    assert (
        f"{len(COMPARED)} comparisons of {len({one.rule for one in COMPARED})} rules: {agree} agree" in PAGE.read_text()
    )


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_scanner_says_what_the_page_says(tmp_path: Path) -> None:
    said = scanned(dict(samples()), tmp_path)
    found = {
        name: tuple(said.get((at, one.named, one.check), "nothing") for at in (f"{one.cloud}-{GOOD}", sample(one)))
        for name, one in zip(NAMES, COMPARED, strict=True)
    }
    assert found == {name: (one.good, one.bad) for name, one in zip(NAMES, COMPARED, strict=True)}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_of_our_own_stack_it_says_what_the_page_says(tmp_path: Path) -> None:
    stack = own()
    assert len(stack) > 80
    said = scanned({"kubernetes-own": stack}, tmp_path)
    assert {check for (_, _, check), outcome in said.items() if outcome == "fails"} == set(OURS)
    assert sum(outcome == "passes" for outcome in said.values()) > 500


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_checks_that_rules_name_are_there() -> None:
    named = {source.removeprefix("checkov ") for rule in RULES for source in rule.sources if "checkov " in source}
    assert len(named) > 30
    assert named - known() == set()
