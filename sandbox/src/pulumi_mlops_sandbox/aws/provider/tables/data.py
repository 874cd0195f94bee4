"""Glue and Budgets."""

from typing import Any

from pulumi_mlops_sandbox.aws.provider import names
from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Values

ACCOUNT = {"AccountId": "{account}", "BudgetName": "{name}"}
NOTIFIED = {"subscriberEmailAddresses": "EMAIL", "subscriberSnsTopicArns": "SNS"}


class DatabaseKind(RowKind):
    """A database of the catalog, whose id names the catalog too."""

    def scope(self, object_id: str, inputs: Values) -> Values:
        """Fill in the account's own catalog."""
        scope = super().scope(object_id, inputs)
        scope.setdefault("catalogId", self.session.account)
        return scope


class BudgetKind(RowKind):
    """A budget; limits are nested in the API, and notifications are objects of their own."""

    def scope(self, object_id: str, inputs: Values) -> Values:
        """Split the id, and put the account in."""
        scope = super().scope(object_id, inputs)
        account, _, name = object_id.partition(":")
        if name:
            scope.update(accountId=account, name=name)
        scope.setdefault("accountId", self.session.account)
        scope["account"] = scope["accountId"]
        return scope

    def budget(self, values: Values) -> Values:
        """Return the budget as the API has it."""
        found: Values = {
            "BudgetName": values["name"],
            "BudgetType": values["budgetType"],
            "TimeUnit": values["timeUnit"],
        }
        if values.get("limitAmount") is not None:
            found["BudgetLimit"] = {"Amount": str(values["limitAmount"]), "Unit": values.get("limitUnit") or "USD"}
        if values.get("costFilters"):
            found["CostFilters"] = {item["name"]: item["values"] for item in values["costFilters"]}
        if values.get("costTypes"):
            shape = names.place(self.input_shape("create_budget"), "Budget.CostTypes")
            found["CostTypes"] = names.to_wire(values["costTypes"], self.traits.inputs["costTypes"].type, shape, {})
        period = {
            member: values[name].replace("_", "T") + ":00Z"
            for name, member in (("timePeriodStart", "Start"), ("timePeriodEnd", "End"))
            if values.get(name)
        }
        if period:
            found["TimePeriod"] = period
        return found

    def notifications(self, values: Values) -> list[tuple[Values, list[Values]]]:
        """Return notifications with their subscribers."""
        found = []
        for item in values.get("notifications") or []:
            rule = {
                "NotificationType": item["notificationType"],
                "ComparisonOperator": item["comparisonOperator"],
                "Threshold": float(item["threshold"]),
                "ThresholdType": item["thresholdType"],
            }
            people = [
                {"SubscriptionType": kind, "Address": address}
                for name, kind in NOTIFIED.items()
                for address in item.get(name) or []
            ]
            found.append((rule, people))
        return found

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Send the budget with its notifications."""
        rules = [{"Notification": rule, "Subscribers": people} for rule, people in self.notifications(inputs)]
        return {"Budget": self.budget(inputs), **({"NotificationsWithSubscribers": rules} if rules else {})}

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Update the budget; a notification that changed is made anew."""
        where = {"AccountId": scope["accountId"]}
        if changed - {"tags", "notifications"}:
            self.invoke("update_budget", scope, NewBudget=self.budget(news), **where)
        if "notifications" in changed:
            where["BudgetName"] = scope["name"]
            present, wanted = self._present(where, scope), self.notifications(news)
            for entry in present:
                if entry not in wanted:
                    self.invoke("delete_notification", scope, Notification=entry[0], **where)
            for entry in wanted:
                if entry not in present:
                    self.invoke("create_notification", scope, Notification=entry[0], Subscribers=entry[1], **where)

    def _present(self, where: Values, scope: Values) -> list[tuple[Values, list[Values]]]:
        found = []
        for rule in self.invoke("describe_notifications_for_budget", scope, **where).get("Notifications", []):
            kept = {
                key: rule[key]
                for key in ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
                if key in rule
            }
            people = self.invoke("describe_subscribers_for_notification", scope, Notification=kept, **where)[
                "Subscribers"
            ]
            found.append((kept, sorted(people, key=lambda item: (item["SubscriptionType"], item["Address"]))))
        return found

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read limits, filters, periods and notifications."""
        budget = state.pop("budget")
        where = {"AccountId": state["accountId"], "BudgetName": budget["BudgetName"]}
        rules = []
        for rule, people in self._present(where, {"region": inputs.get("region")}):
            item: Values = {
                "notificationType": rule["NotificationType"],
                "comparisonOperator": rule["ComparisonOperator"],
                "threshold": rule["Threshold"],
                "thresholdType": rule.get("ThresholdType", "PERCENTAGE"),
            }
            for name, kind in NOTIFIED.items():
                addresses = [person["Address"] for person in people if person["SubscriptionType"] == kind]
                if addresses:
                    item[name] = addresses
            rules.append(item)
        asked = inputs.get("notifications")
        if asked is not None and _bag(self.notifications(inputs)) == _bag(self.notifications({"notifications": rules})):
            rules = asked
        limit = budget.get("BudgetLimit", {})
        same = (
            limit and inputs.get("limitAmount") is not None and float(limit["Amount"]) == float(inputs["limitAmount"])
        )
        filters = [{"name": key, "values": item} for key, item in (budget.get("CostFilters") or {}).items()]
        return {
            **state,
            "name": budget["BudgetName"],
            "budgetType": budget["BudgetType"],
            "timeUnit": budget["TimeUnit"],
            "limitAmount": inputs["limitAmount"] if same else limit.get("Amount"),
            "limitUnit": limit.get("Unit"),
            "costFilters": filters or None,
            "notifications": rules or None,
            "arn": f"arn:{self.session.partition}:budgets::{state['accountId']}:budget/{budget['BudgetName']}",
        }

    def get(self, get: Get, scope: Values, *, first: bool) -> Values:
        """Keep the whole for :meth:`adjusted`."""
        data = self.ask(get.operation, scope, **self.fill(get.ident, scope))
        return {
            "budget": data["Budget"],
            "accountId": scope["accountId"],
            "arn": f"arn:{self.session.partition}:budgets::{scope['accountId']}:budget/{scope['name']}",
        }


def _bag(items: list[tuple[Values, list[Values]]]) -> list[Any]:
    return sorted(str((sorted(rule.items()), sorted(map(str, people)))) for rule, people in items)


DATABASE = ("description", "locationUri", "name", "parameters", "createTableDefaultPermissions", "targetDatabase")
TABLE = (
    "description",
    "name",
    "owner",
    "parameters",
    "partitionKeys",
    "retention",
    "storageDescriptor",
    "tableType",
    "targetTable",
    "viewExpandedText",
    "viewOriginalText",
)
SERDE = {"storageDescriptor.serDeInfo": "SerdeInfo"}
ROWS = (
    Row(
        resource="aws:glue/catalogDatabase:CatalogDatabase",
        service="glue",
        id="{catalogId}:{name}",
        name=AutoName(limit=255, lower=True),
        create=Call("create_database", {"CatalogId": "{catalogId}"}, at="DatabaseInput", only=DATABASE),
        reads=(
            Get(
                "get_database",
                {"CatalogId": "{catalogId}", "Name": "{name}"},
                at="Database",
                only=(*DATABASE, "catalogId"),
            ),
        ),
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:database/{name}"},
        parts=(
            Part(
                Call(
                    "update_database", {"CatalogId": "{catalogId}", "Name": "{name}"}, at="DatabaseInput", only=DATABASE
                ),
                on=tuple(item for item in DATABASE if item != "name"),
            ),
        ),
        delete=Call("delete_database", {"CatalogId": "{catalogId}", "Name": "{name}"}),
        absent=("EntityNotFoundException",),
        tags=TagApi(
            ident="ResourceArn", form="map", fetch="get_tags", tags="TagsToAdd", keys="TagsToRemove", fetched="Tags"
        ),
        replace=("name", "catalogId"),
        identity=("name", "catalogId"),
        sticky=("catalogId", "createTableDefaultPermissions"),
        refused={"federatedDatabase": "not in the table"},
        kind=DatabaseKind,
    ),
    Row(
        resource="aws:glue/catalogTable:CatalogTable",
        service="glue",
        id="{catalogId}:{databaseName}:{name}",
        name=AutoName(limit=255, lower=True),
        create=Call(
            "create_table",
            {"CatalogId": "{catalogId}", "DatabaseName": "{databaseName}"},
            at="TableInput",
            only=TABLE,
            rename=SERDE,
        ),
        reads=(
            Get(
                "get_table",
                {"CatalogId": "{catalogId}", "DatabaseName": "{databaseName}", "Name": "{name}"},
                at="Table",
                only=(*TABLE, "catalogId", "databaseName"),
                rename=SERDE,
            ),
        ),
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:table/{databaseName}/{name}"},
        parts=(
            Part(
                Call(
                    "update_table",
                    {"CatalogId": "{catalogId}", "DatabaseName": "{databaseName}"},
                    at="TableInput",
                    only=TABLE,
                    rename=SERDE,
                ),
                on=tuple(item for item in TABLE if item != "name"),
            ),
        ),
        delete=Call("delete_table", {"CatalogId": "{catalogId}", "DatabaseName": "{databaseName}", "Name": "{name}"}),
        absent=("EntityNotFoundException",),
        replace=("name", "catalogId", "databaseName"),
        identity=("name", "catalogId", "databaseName"),
        sticky=("catalogId",),
        refused={
            "partitionIndices": "not in the table",
            "openTableFormatInput": "not in the table",
            "viewDefinition": "not in the table",
        },
        kind=DatabaseKind,
    ),
    Row(
        resource="aws:budgets/budget:Budget",
        service="budgets",
        id="{accountId}:{name}",
        name=AutoName(limit=100),
        create=Call("create_budget", {"AccountId": "{accountId}"}, only=()),
        reads=(Get("describe_budget", ACCOUNT),),
        delete=Call("delete_budget", ACCOUNT),
        absent=("NotFoundException",),
        tags=TagApi(ident="ResourceARN", tags="ResourceTags", keys="ResourceTagKeys", at_create="ResourceTags"),
        replace=("name", "namePrefix", "accountId"),
        identity=("name", "accountId"),
        local=(
            "budgetType",
            "costFilters",
            "costTypes",
            "limitAmount",
            "limitUnit",
            "notifications",
            "timePeriodEnd",
            "timePeriodStart",
            "timeUnit",
        ),
        sets=(
            "notifications",
            "notifications.subscriberEmailAddresses",
            "notifications.subscriberSnsTopicArns",
            "costFilters",
        ),
        sticky=("accountId", "costTypes", "timePeriodStart", "timePeriodEnd"),
        refused=dict.fromkeys(
            ("autoAdjustData", "billingViewArn", "filterExpression", "metrics", "plannedLimits"), "not in the table"
        ),
        kind=BudgetKind,
    ),
)
