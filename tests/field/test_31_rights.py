"""Rights inside the cluster are wider than the reference: what the servers cannot bound is said with the reason."""

from collections.abc import Callable
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes.capabilities import CAPABILITIES
from support.facts.kubernetes import GROUP, HUB, IMAGE
from support.mocks import Cloud

FILES: Any = {"image": IMAGE}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: mlops.Endpoint("score", platform=HUB, model=FILES, reads=[GROUP.online]),
            "endpoint.reads: Feast's server knows no groups",
        ),
        (
            lambda: mlops.Identity("job", platform=HUB, reads=[GROUP.online]),
            "identity.reads: Feast's server and the object store know no groups",
        ),
        (
            lambda: mlops.ModelRegistry("models", platform=HUB, approvers=[{"user": "lead"}]),
            "model_registry.approvers: MLflow has one right to edit",
        ),
        (
            lambda: mlops.Platform("churn", backend="kubernetes", consumers=[{"namespace": "shop"}]),
            "platform.consumers: the object store has one key that reads",
        ),
    ],
)
def test_what_is_wider_is_said_in_the_preview(make: Callable[[], object], says: str) -> None:
    cloud = Cloud(preview=True, first=True)
    cloud.run(lambda: make() and None)
    (warning,) = cloud.warnings
    assert warning.startswith(says)
    assert " Instead: " in warning


@pytest.mark.parametrize("name", ["identity.reads", "identity.writes", "endpoint.reads", "model_registry.approvers"])
def test_every_wider_right_has_a_way_out(name: str) -> None:
    entry = CAPABILITIES[frozenset([name])]
    assert entry.level == "lossy"
    assert entry.reason
    assert entry.instead


def test_nobody_gets_the_key_that_writes_who_only_reads() -> None:
    cloud = Cloud()

    def program() -> None:
        mlops.Endpoint("score", platform=HUB, model=FILES)
        mlops.Identity("job", platform=HUB, reads=[GROUP.as_of(days=9)])

    cloud.run(program)
    account = cloud.one("ServiceAccount", "score-account")
    assert [one["name"] for one in account.inputs["secrets"]] == ["churn-store-reader"]
    rules = cloud.one("Role", "job-role-reads").inputs["rules"]
    assert [rule["resourceNames"] for rule in rules] == [["churn-store-reader"]]
    assert [rule["verbs"] for rule in rules] == [["get"]]
