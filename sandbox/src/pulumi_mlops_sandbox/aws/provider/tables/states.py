"""Step Functions."""

from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName

WHICH = {"stateMachineArn": "{id}"}
SENT = ("definition", "encryptionConfiguration", "loggingConfiguration", "roleArn", "tracingConfiguration")
ROWS = (
    Row(
        resource="aws:sfn/stateMachine:StateMachine",
        service="stepfunctions",
        id="{result[stateMachineArn]}",
        name=AutoName(limit=80),
        create=Call("create_state_machine", only=("name", "type", *SENT)),
        reads=(Get("describe_state_machine", WHICH, rename={"arn": "stateMachineArn"}),),
        parts=(Part(Call("update_state_machine", WHICH, only=SENT), on=SENT),),
        delete=Call("delete_state_machine", WHICH),
        absent=("StateMachineDoesNotExist",),
        tags=TagApi(ident="resourceArn", form="key/value", tags="tags", keys="tagKeys", at_create="tags"),
        replace=("name", "namePrefix", "type"),
        outputs={"arn": "{id}"},
        defaults={"type": "STANDARD"},
        sticky=("encryptionConfiguration", "loggingConfiguration", "tracingConfiguration"),
        refused={
            **dict.fromkeys(("publish", "versionDescription"), "versions are not in the table"),
            "loggingConfiguration.logDestination": "logs of runs are not in the table",
        },
    ),
)
