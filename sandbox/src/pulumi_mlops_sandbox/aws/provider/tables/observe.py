"""Logs, alarms and events."""

from typing import Any

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, ProviderError, Values


class GroupKind(RowKind):
    """A log group, whose ARN AWS lists with a star at its end."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Drop the star; no retention is 0 in the program's words."""
        return {
            **state,
            "arn": str(state["arn"]).removesuffix(":*"),
            "retentionInDays": state.get("retentionInDays") or 0,
        }

    def fetch_tags(self, scope: Values) -> dict[str, str]:
        """Ask with the ARN without its star."""
        return super().fetch_tags({**scope, "arn": str(scope["arn"]).removesuffix(":*")})

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Leave the group where the program says so."""
        if inputs.get("skipDestroy"):
            raise ProviderError("skipDestroy: use the option retain_on_delete instead")


class RuleKind(RowKind):
    """An event rule, which is put as a whole. Its id names the bus only where that is not the default one."""

    def identified(self, scope: Values) -> str:
        """Make the id."""
        return str(
            scope["name"] if scope["eventBusName"] == DEFAULT_BUS else f"{scope['eventBusName']}/{scope['name']}"
        )

    def parsed(self, object_id: str) -> Values:
        """Read the id."""
        bus, _, name = object_id.rpartition("/")
        return {"eventBusName": bus or DEFAULT_BUS, "name": name} if object_id else {}

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Send the state by its name."""
        if inputs.get("isEnabled") is not None and not inputs.get("state"):
            return {"State": "ENABLED" if inputs["isEnabled"] else "DISABLED"}
        return {}

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Put the rule again."""
        if changed - {"tags", "forceDestroy"}:
            self.call(self.row.create, news, scope, self.creating(news, scope))

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Say the state in both words."""
        return {**state, "isEnabled": state.get("state") != "DISABLED"}

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Remove targets where the program says so."""
        if inputs.get("forceDestroy"):
            where = {"Rule": scope["name"], "EventBusName": scope.get("eventBusName") or "default"}
            ids = [item["Id"] for item in self.ask("list_targets_by_rule", scope, **where)["Targets"]]
            if ids:
                self.invoke("remove_targets", scope, Ids=ids, **where)


class TargetKind(RowKind):
    """A target of a rule: an entry in the rule's list. An import names it by ``[bus/]rule/target``."""

    def identified(self, scope: Values) -> str:
        """Make the id."""
        bus = "" if scope["eventBusName"] == DEFAULT_BUS else f"{scope['eventBusName']}-"
        return f"{bus}{scope['rule']}-{scope['targetId']}"

    def parsed(self, object_id: str) -> Values:
        """Read the id of an import."""
        if "/" not in object_id:
            return {}
        rest, _, target = object_id.rpartition("/")
        bus, _, rule = rest.rpartition("/")
        return {"eventBusName": bus or DEFAULT_BUS, "rule": rule, "targetId": target}

    def call(self, call: Call, values: Values, scope: Values, extra: Values | None = None) -> Any:
        """Report what the batch call refused."""
        result = super().call(call, values, scope, extra)
        for entry in result.get("FailedEntries") or []:
            raise ProviderError(
                f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')} (target {entry.get('TargetId')})"
            )
        return result


LOG = {"logGroupName": "{id}"}
LOGS_ABSENT = ("ResourceNotFoundException",)
DEFAULT_BUS = "default"
BUS = {"EventBusName": "{eventBusName}"}
TARGET_NAMES = {
    "targetId": "Id",
    "sagemakerPipelineTarget": "SageMakerPipelineParameters",
    "sagemakerPipelineTarget.pipelineParameterLists": "PipelineParameterList",
    "sqsTarget": "SqsParameters",
    "inputTransformer.inputPaths": "InputPathsMap",
    "retryPolicy.maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
}
TARGET_ONLY = (
    "arn",
    "deadLetterConfig",
    "input",
    "inputPath",
    "inputTransformer",
    "retryPolicy",
    "roleArn",
    "sagemakerPipelineTarget",
    "sqsTarget",
    "targetId",
)
PUT_TARGET = Call("put_targets", {"Rule": "{rule}", **BUS}, at="Targets", only=TARGET_ONLY, rename=TARGET_NAMES)
ALARM = (
    "actionsEnabled",
    "alarmActions",
    "alarmDescription",
    "comparisonOperator",
    "datapointsToAlarm",
    "dimensions",
    "evaluateLowSampleCountPercentiles",
    "evaluationPeriods",
    "extendedStatistic",
    "insufficientDataActions",
    "metricName",
    "metricQueries",
    "name",
    "namespace",
    "okActions",
    "period",
    "statistic",
    "threshold",
    "thresholdMetricId",
    "treatMissingData",
    "unit",
)
ALARM_NAMES = {
    "name": "AlarmName",
    "okActions": "OKActions",
    "metricQueries": "Metrics",
    "arn": "AlarmArn",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "metricQueries.metric": "MetricStat",
    "metricQueries.metric.metricName": "Metric.MetricName",
    "metricQueries.metric.namespace": "Metric.Namespace",
    "metricQueries.metric.dimensions": "Metric.Dimensions",
}
PUT_ALARM = Call("put_metric_alarm", only=ALARM, rename=ALARM_NAMES)
PUT_DASHBOARD = Call("put_dashboard", only=("dashboardName", "dashboardBody"))
ROWS = (
    Row(
        resource="aws:cloudwatch/logGroup:LogGroup",
        service="logs",
        id="{name}",
        name=AutoName(limit=512),
        create=Call(
            "create_log_group",
            rename={"name": "logGroupName"},
            only=("name", "kmsKeyId", "logGroupClass", "deletionProtectionEnabled"),
        ),
        reads=(
            Get(
                "describe_log_groups",
                {"logGroupNamePrefix": "{id}"},
                at="logGroups",
                where={"logGroupName": "{id}"},
                rename={"name": "logGroupName"},
            ),
        ),
        parts=(
            Part(
                Call("put_retention_policy", LOG, only=("retentionInDays",)),
                on=("retentionInDays",),
                clear=Call("delete_retention_policy", LOG),
                at_create=True,
            ),
            Part(
                Call("associate_kms_key", LOG, only=("kmsKeyId",)),
                on=("kmsKeyId",),
                clear=Call("disassociate_kms_key", LOG),
            ),
        ),
        delete=Call("delete_log_group", LOG),
        absent=LOGS_ABSENT,
        tags=TagApi(ident="resourceArn", form="map", tags="tags", keys="tagKeys", at_create="tags"),
        replace=("name", "namePrefix", "logGroupClass"),
        identity=("name",),
        sticky=("logGroupClass",),
        local=("skipDestroy",),
        defaults={"skipDestroy": False},
        refused={"deletionProtectionEnabled": "use Pulumi's own option protect"},
        retry=("InvalidParameterException:does not exist or is not allowed", "OperationAbortedException"),
        kind=GroupKind,
    ),
    Row(
        resource="aws:cloudwatch/metricAlarm:MetricAlarm",
        service="cloudwatch",
        id="{name}",
        name=AutoName(limit=255),
        create=PUT_ALARM,
        reads=(
            Get(
                "describe_alarms",
                {"AlarmNames": ["{id}"]},
                at="MetricAlarms[0]",
                only=(*ALARM, "arn"),
                rename=ALARM_NAMES,
            ),
        ),
        parts=(Part(PUT_ALARM, on=tuple(name for name in ALARM if name != "name")),),
        delete=Call("delete_alarms", {"AlarmNames": ["{id}"]}),
        absent=("ResourceNotFound",),
        tags=TagApi(ident="ResourceARN"),
        replace=("name",),
        identity=("name",),
        sets=("alarmActions", "okActions", "insufficientDataActions"),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        sticky=("evaluateLowSampleCountPercentiles", "unit"),
        refused=dict.fromkeys(
            ("evaluationCriteria", "evaluationInterval", "evaluationWindow", "warmUpConfiguration"), "not in the table"
        ),
    ),
    Row(
        resource="aws:cloudwatch/dashboard:Dashboard",
        service="cloudwatch",
        id="{dashboardName}",
        create=PUT_DASHBOARD,
        reads=(Get("get_dashboard", {"DashboardName": "{id}"}),),
        parts=(Part(PUT_DASHBOARD, on=("dashboardBody",)),),
        delete=Call("delete_dashboards", {"DashboardNames": ["{id}"]}),
        absent=("ResourceNotFound",),
        replace=("dashboardName",),
        identity=("dashboardName",),
    ),
    Row(
        resource="aws:cloudwatch/eventRule:EventRule",
        service="events",
        id="{eventBusName}/{name}",
        name=AutoName(limit=64),
        create=Call(
            "put_rule",
            only=("description", "eventBusName", "eventPattern", "name", "roleArn", "scheduleExpression", "state"),
        ),
        reads=(Get("describe_rule", {"Name": "{name}", **BUS}),),
        delete=Call("delete_rule", {"Name": "{name}", **BUS}),
        absent=LOGS_ABSENT,
        tags=TagApi(ident="ResourceARN"),
        replace=("name", "namePrefix", "eventBusName"),
        identity=("name", "eventBusName"),
        local=("forceDestroy", "isEnabled", "description", "eventPattern", "roleArn", "scheduleExpression", "state"),
        sticky=("isEnabled", "state"),
        defaults={"eventBusName": "default", "forceDestroy": False},
        kind=RuleKind,
    ),
    Row(
        resource="aws:cloudwatch/eventTarget:EventTarget",
        service="events",
        id="{eventBusName}/{rule}/{targetId}",
        name=AutoName("targetId", limit=64),
        create=PUT_TARGET,
        reads=(
            Get(
                "list_targets_by_rule",
                {"Rule": "{rule}", **BUS},
                at="Targets",
                where={"Id": "{targetId}"},
                only=TARGET_ONLY,
                rename=TARGET_NAMES,
            ),
        ),
        outputs={"rule": "{rule}", "eventBusName": "{eventBusName}"},
        parts=(Part(PUT_TARGET, on=tuple(name for name in TARGET_ONLY if name != "targetId")),),
        delete=Call("remove_targets", {"Rule": "{rule}", "Ids": ["{targetId}"], **BUS}),
        absent=LOGS_ABSENT,
        replace=("rule", "eventBusName", "targetId"),
        identity=("rule", "eventBusName", "targetId"),
        defaults={"eventBusName": "default"},
        refused={
            **dict.fromkeys(
                (
                    "appsyncTarget",
                    "batchTarget",
                    "ecsTarget",
                    "httpTarget",
                    "kinesisTarget",
                    "redshiftTarget",
                    "runCommandTargets",
                ),
                "only queues, topics, functions, state machines and SageMaker pipelines are in the table",
            ),
            "forceDestroy": "not in the table",
        },
        kind=TargetKind,
    ),
)
