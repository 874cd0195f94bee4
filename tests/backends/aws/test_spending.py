"""What a platform has cost on AWS: the budget that it makes is the one that is asked."""

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

import pulumi_mlops as mlops
from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.client import CLIENT
from pulumi_mlops.clients.lineage import Unknown
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.core import private
from support.facts.aws import hub
from support.mocks import ACCOUNT, Cloud


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    keys: Any = {"aws_access_key_id": "some", "aws_secret_access_key": "some"}
    made = botocore.session.get_session().create_client("budgets", region_name="us-east-1", **keys)
    monkeypatch.setattr(live, "client", lambda _, __: made)
    monkeypatch.setattr(live, "account", lambda _: ACCOUNT)
    monkeypatch.setattr(private, "mocked", lambda: False)
    with Stubber(made) as stub:
        yield stub
        stub.assert_no_pending_responses()


def budget(**facts: Any) -> dict[str, Any]:
    limit = {"Amount": "200", "Unit": "USD"}
    return {"Budget": {"BudgetName": "b", "TimeUnit": "MONTHLY", "BudgetType": "COST", "BudgetLimit": limit, **facts}}


def made_in(region: str) -> str:
    """Return the name of the budget that a platform makes."""
    cloud = Cloud()
    given: dict[str, Any] = {"backend": "aws", "alerts": ["ml@example.com"], "monthly_budget": 200}
    cloud.run(lambda: mlops.Platform("churn", **given) and None, aws__region=region)
    return str(cloud.one("budgets/budget").inputs["name"])


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_platforms_own_budget_is_asked(budgets: Stubber, monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    with monkeypatch.context() as mocked:
        mocked.setattr(private, "mocked", lambda: True)
        own = made_in(region)
    for name in dict.fromkeys([f"churn-dev-{region}", "churn-dev"]):
        asked = {"AccountId": ACCOUNT, "BudgetName": name}
        if name != own:
            budgets.add_client_error("describe_budget", "NotFoundException", expected_params=asked)
            continue
        counted = {"ActualSpend": {"Amount": "46.5", "Unit": "USD"}}
        budgets.add_response("describe_budget", budget(CalculatedSpend=counted), asked)
        break
    found = CLIENT.spent(hub(region=region))
    assert found == Spent(
        amount=46.5, currency="USD", budget=200.0, of=f"what is tagged project=churn in account {ACCOUNT}"
    )


def test_without_a_budget_nobody_counts(budgets: Stubber) -> None:
    budgets.add_client_error("describe_budget", "NotFoundException")
    found = CLIENT.spent(hub())
    assert isinstance(found, Unknown)
    assert "write monthly_budget=…" in found.why


def test_a_budget_that_has_not_counted_yet(budgets: Stubber) -> None:
    budgets.add_response("describe_budget", budget())
    assert CLIENT.spent(hub()) == Unknown("AWS has not said yet what budget churn-dev counts")
