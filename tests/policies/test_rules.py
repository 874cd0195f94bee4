"""Every rule passes a good platform and refuses a bad one, on each cloud that it covers, without the engine."""

import re

import pytest

from pulumi_mlops.policies import BY_ID, RULES, UNKNOWN, Judge, resource
from support.policies import SETTINGS, Bad, Resources, aws, azure, kubernetes

CLOUDS = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
BAD: list[Bad] = [*aws.BAD, *azure.BAD, *kubernetes.BAD]
JUDGE = Judge(RULES, SETTINGS)


def good(cloud: str) -> Resources:
    return dict(CLOUDS[cloud].GOOD)


def test_there_are_enough_rules_and_each_is_once() -> None:
    assert len(RULES) >= 50
    assert len(BY_ID) == len(RULES)
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+(-[a-z]+)*", rule.id) for rule in RULES)
    assert all(rule.sources and rule.why.endswith(".") and not rule.title.endswith(".") for rule in RULES)


def test_a_number_of_a_benchmark_is_of_a_version() -> None:
    """They are numbered anew from version to version."""
    named = {source for rule in RULES for source in rule.sources if source.startswith("CIS")}
    assert len(named) > 15
    assert [source for source in named if not re.fullmatch(r"CIS \w+ \d+\.\d+: \d+(\.\d+)+", source)] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_good_platform_passes_every_rule(cloud: str) -> None:
    found = JUDGE.all(list(good(cloud).values()))
    assert [(each.rule.id, each.resource, each.message()) for each in found] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_good_platform_has_something_of_what_each_rule_is_about(cloud: str) -> None:
    """Keep the test above honest: a rule that sees nothing finds nothing. A key that lasts is bad by being there."""
    there = {each.type for each in good(cloud).values()} | {"aws:*", "azure-native:*"}
    checks = [(rule.id, check) for rule in RULES for check in rule.checks if check.cloud == cloud]
    covered = {rule for rule, check in checks if there & set(check.types)}
    assert {rule for rule, _ in checks} - covered == ({"access.no-lasting-keys"} if cloud == "aws" else set())


@pytest.mark.parametrize("case", BAD, ids=[f"{each.rule}-{each.cloud}-{number}" for number, each in enumerate(BAD)])
def test_a_bad_one_is_refused_by_the_rule(case: Bad) -> None:
    resources = good(case.cloud)
    case.edit(resources)
    found = [each for each in JUDGE.all(list(resources.values())) if each.rule.id == case.rule]
    assert case.on in {each.resource for each in found}, found
    for each in found:
        assert each.state == "violation"
        assert each.problem.path
        assert each.problem.fix
        assert each.problem.said


def test_each_rule_is_refused_on_each_cloud_that_it_covers() -> None:
    covered = {(rule.id, cloud) for rule in RULES for cloud in rule.clouds}
    assert {(each.rule, each.cloud) for each in BAD} == covered


def test_one_unknown_value_does_not_hide_what_is_wrong_with_another() -> None:
    """In a first preview most names are unknown: each resource is judged by itself."""
    token = "azure-native:storage:StorageAccount"
    there = resource(token, "other", {"accountName": UNKNOWN, "publicNetworkAccess": UNKNOWN})
    shut = resource(token, "shut", {"accountName": "shut", "publicNetworkAccess": "Disabled"})
    key = "privateLinkServiceConnections"
    door = resource("azure-native:network:PrivateEndpoint", "door", {key: [UNKNOWN]}, depends={key: ["urn:third"]})
    found = {
        each.resource: each.state for each in JUDGE.all([there, shut, door]) if each.rule.id == "network.private-way"
    }
    assert found == {"other": "undecided", "shut": "violation"}


def test_what_the_engine_knows_of_a_property_counts_for_its_unknown_value() -> None:
    shut = resource("azure-native:storage:StorageAccount", "shut", {"publicNetworkAccess": "Disabled"})
    key = "privateLinkServiceConnections"
    door = resource("azure-native:network:PrivateEndpoint", "door", {key: UNKNOWN}, depends={key: [shut.urn]})
    assert not [each for each in JUDGE.all([shut, door]) if each.rule.id == "network.private-way"]


def test_the_middle_of_a_path_means_nothing() -> None:
    """A resource group and a workspace may have one name."""
    resources = good("azure")
    del resources["door-workspace"]
    found = {each.resource for each in JUDGE.all(list(resources.values())) if each.rule.id == "network.private-way"}
    assert found == {"workspace"}
