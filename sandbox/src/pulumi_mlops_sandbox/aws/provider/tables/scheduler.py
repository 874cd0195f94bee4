"""EventBridge Scheduler."""

from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row
from pulumi_mlops_sandbox.provider.contract import AutoName

WHICH = {"Name": "{name}", "GroupName": "{groupName}"}
SENT = (
    "actionAfterCompletion",
    "description",
    "flexibleTimeWindow",
    "kmsKeyArn",
    "scheduleExpression",
    "scheduleExpressionTimezone",
    "state",
    "target",
)
NAMES = {
    "target.sagemakerPipelineParameters": "SageMakerPipelineParameters",
    "target.sagemakerPipelineParameters.pipelineParameters": "PipelineParameterList",
    "target.retryPolicy.maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
}
UPDATE = Call("update_schedule", WHICH, only=SENT, rename=NAMES)
ROWS = (
    Row(
        resource="aws:scheduler/schedule:Schedule",
        service="scheduler",
        id="{groupName}/{name}",
        name=AutoName(limit=64),
        create=Call("create_schedule", WHICH, only=SENT, rename=NAMES),
        reads=(Get("get_schedule", WHICH, rename={"arn": "Arn", **NAMES}),),
        parts=(Part(UPDATE, on=SENT),),
        delete=Call("delete_schedule", WHICH),
        absent=("ResourceNotFoundException",),
        replace=("name", "groupName"),
        identity=("groupName", "name"),
        defaults={
            "groupName": "default",
            "scheduleExpressionTimezone": "UTC",
            "state": "ENABLED",
            "actionAfterCompletion": "NONE",
        },
        refused={
            **dict.fromkeys(("startDate", "endDate"), "a schedule of the sandbox has no first and no last day"),
            **{
                f"target.ecsParameters.networkConfiguration.{one}": "the sandbox runs no tasks"
                for one in ("assignPublicIp", "securityGroups", "subnets")
            },
        },
    ),
)
