"""Budgets: updates, subscribers and tags, which moto lacks.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html
"""

import copy
import time
from typing import Any

from moto.budgets.models import Budget

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import after, before, own

MAX_SUBSCRIBERS = 10
Subscriber = dict[str, Any]


@before("budgets", "*")
def check_account(call: Call) -> None:
    """Refuse the budgets of other accounts."""
    if call.params.get("AccountId", ACCOUNT) != ACCOUNT:
        raise AwsError("AccessDeniedException", f"Account {call.params['AccountId']} is not the caller's")


@before("budgets", "CreateBudget")
def check_budget(call: Call) -> None:
    """Refuse notifications that nobody, or too many, would get."""
    params = call.params
    _check_limit(params["Budget"])
    for entry in params.get("NotificationsWithSubscribers", []):
        _check_subscribers(entry["Subscribers"])


@after("budgets", "CreateBudget")
def keep_tags(call: Call) -> None:
    """Keep what CreateBudget was given in tags."""
    _tags(call)[_arn(call.params["Budget"]["BudgetName"])] = copy.deepcopy(call.params.get("ResourceTags", []))


@after("budgets", "DeleteBudget")
def forget_tags(call: Call) -> None:
    """Forget the tags with the budget."""
    _tags(call).pop(_arn(call.params["BudgetName"]), None)


@own("budgets", "UpdateBudget")
def update(call: Call) -> dict[str, Any]:
    """Replace a budget; its notifications stay."""
    wanted = copy.deepcopy(call.params["NewBudget"])
    _check_limit(wanted)
    budget = _budget(wanted["BudgetName"])
    for fixed in ("BudgetType",):
        if wanted[fixed] != budget.budget[fixed]:
            raise AwsError("InvalidParameterException", f"{fixed} of a budget cannot be changed")
    wanted.setdefault("TimePeriod", budget.budget["TimePeriod"])
    budget.budget = wanted | {"LastUpdatedTime": time.time()}
    return {}


@before("budgets", "CreateNotification")
def check_notification(call: Call) -> None:
    """Refuse doubled notifications and wrong subscribers."""
    budget = _budget(call.params["BudgetName"])
    _check_subscribers(call.params["Subscribers"])
    if any(_same(known.details, call.params["Notification"]) for known in _notifications(budget)):
        raise AwsError("DuplicateRecordException", "Unable to create notification - the notification already exists.")


@before("budgets", "DescribeNotificationsForBudget")
def check_exists(call: Call) -> None:
    """Refuse a budget that is not there."""
    _budget(call.params["BudgetName"])


@own("budgets", "UpdateNotification")
def update_notification(call: Call) -> dict[str, Any]:
    """Replace a notification's condition."""
    found = _notification(call, "OldNotification")
    found.details = copy.deepcopy(call.params["NewNotification"])
    return {}


@own("budgets", "DescribeSubscribersForNotification")
def subscribers(call: Call) -> dict[str, Any]:
    """List who gets a notification."""
    return {"Subscribers": _subscribers(_notification(call))}


@own("budgets", "CreateSubscriber")
def add_subscriber(call: Call) -> dict[str, Any]:
    """Add somebody to a notification."""
    found = _notification(call)
    wanted = [*_subscribers(found), call.params["Subscriber"]]
    if call.params["Subscriber"] in _subscribers(found):
        raise AwsError("DuplicateRecordException", "Unable to create subscriber - the subscriber already exists.")
    _check_subscribers(wanted)
    found.subscribers = wanted
    return {}


@own("budgets", "UpdateSubscriber", "DeleteSubscriber")
def change_subscriber(call: Call) -> dict[str, Any]:
    """Replace or remove somebody."""
    found = _notification(call)
    old = call.params.get("OldSubscriber", call.params.get("Subscriber"))
    if old not in _subscribers(found):
        raise AwsError("NotFoundException", "Unable to find the subscriber")
    new = [call.params["NewSubscriber"]] if call.operation.startswith("Update") else []
    found.subscribers = [entry for entry in _subscribers(found) if entry != old] + new
    return {}


@own("budgets", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """List the tags of a budget."""
    return {"ResourceTags": _tagged(call)}


@own("budgets", "TagResource")
def tag(call: Call) -> dict[str, Any]:
    """Add or overwrite tags."""
    merged = {entry["Key"]: entry["Value"] for entry in [*_tagged(call), *call.params["ResourceTags"]]}
    _tags(call)[call.params["ResourceARN"]] = [{"Key": key, "Value": value} for key, value in merged.items()]
    return {}


@own("budgets", "UntagResource")
def untag(call: Call) -> dict[str, Any]:
    """Remove tags."""
    kept = [entry for entry in _tagged(call) if entry["Key"] not in call.params["ResourceTagKeys"]]
    _tags(call)[call.params["ResourceARN"]] = kept
    return {}


def _arn(name: str) -> str:
    return f"arn:aws:budgets::{ACCOUNT}:budget/{name}"


def _tags(call: Call) -> dict[str, list[dict[str, str]]]:
    tags: dict[str, list[dict[str, str]]] = call.plane.store.extra.setdefault("budget_tags", {})
    return tags


def _tagged(call: Call) -> list[dict[str, str]]:
    arn = call.params["ResourceARN"]
    _budget(arn.split(":budget/")[-1])
    return _tags(call).get(arn, [])


def _budget(name: str) -> Budget:
    budgets: dict[str, Budget] = accounts.backend("budgets", "aws").budgets[ACCOUNT]
    if name not in budgets:
        raise AwsError("NotFoundException", f"Unable to find the budget {name}: it doesn't exist.")
    return budgets[name]


def _notifications(budget: Budget) -> list[Any]:
    return list(budget.notifications)


def _notification(call: Call, member: str = "Notification") -> Any:
    for found in _notifications(_budget(call.params["BudgetName"])):
        if _same(found.details, call.params[member]):
            return found
    raise AwsError("NotFoundException", "Unable to find the notification")


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def plain(details: dict[str, Any]) -> tuple[Any, ...]:
        named = (details["NotificationType"], details["ComparisonOperator"], float(details["Threshold"]))
        return (*named, details.get("ThresholdType", "PERCENTAGE"))

    return plain(one) == plain(other)


def _subscribers(notification: Any) -> list[Subscriber]:
    return list(notification.subscribers)


def _check_limit(budget: dict[str, Any]) -> None:
    limit = budget.get("BudgetLimit")
    if limit is not None and float(limit["Amount"]) <= 0:
        raise AwsError("InvalidParameterException", "The Amount of BudgetLimit must be greater than 0")


def _check_subscribers(entries: list[Subscriber]) -> None:
    if not 1 <= len(entries) <= MAX_SUBSCRIBERS + 1:
        raise AwsError(
            "InvalidParameterException",
            f"A notification has 1 SNS topic and up to {MAX_SUBSCRIBERS} e-mail subscribers",
        )
    if sum(entry["SubscriptionType"] == "SNS" for entry in entries) > 1:
        raise AwsError("InvalidParameterException", "A notification has at most one SNS subscriber")
    for entry in entries:
        if entry["SubscriptionType"] == "EMAIL" and "@" not in entry["Address"]:
            raise AwsError("InvalidParameterException", "The Address of an EMAIL subscriber is not an e-mail address")
        if entry["SubscriptionType"] == "SNS" and not entry["Address"].startswith("arn:"):
            raise AwsError("InvalidParameterException", "The Address of an SNS subscriber is not a topic's ARN")
