"""SNS and SQS: resources whose properties are a map of text attributes."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pulumi_mlops_sandbox.aws.provider import sdk
from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import EVERYTHING, Call, Get, Part, Row, TagApi
from pulumi_mlops_sandbox.provider.contract import AutoName, Missing, Values
from pulumi_mlops_sandbox.provider.schema import Type


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text: str | None, kind: Type) -> Any:
    if text is None or text == "":
        return None
    match kind.form:
        case "boolean":
            return text == "true"
        case "integer":
            return int(text)
        case _:
            return text


class AttributesKind(RowKind):
    """Properties as attributes: all in the create call, later each by itself."""

    attributes: ClassVar[Mapping[str, str]]
    """Property → attribute."""
    setter = ""
    where = ""
    """The member that says which object."""

    def wire(self, values: Values) -> dict[str, str]:
        """Return the given properties as attributes."""
        return {target: _text(values[name]) for name, target in self.attributes.items() if values.get(name) is not None}

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Send the attributes with the create call."""
        found = self.wire(inputs)
        return {"Attributes": found} if found else {}

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set what changed; what was given up gets an empty text."""
        for name in sorted(changed.intersection(self.attributes)):
            if news.get(name) is not None or olds.get(name) is not None:
                text = _text(news[name]) if news.get(name) is not None else ""
                self.set(object_id, self.attributes[name], text, scope)

    def set(self, object_id: str, attribute: str, text: str, scope: Values) -> None:
        """Set one attribute."""
        self.invoke(self.setter, scope, **{self.where: object_id}, AttributeName=attribute, AttributeValue=text)

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Read the attributes."""
        found = state.pop("attributes")
        fields = {**self.traits.inputs, **self.traits.outputs}
        return {
            **state,
            **{name: _value(found.get(target), fields[name].type) for name, target in self.attributes.items()},
        }

    def get(self, get: Get, scope: Values, *, first: bool) -> Values:
        """Keep the map for :meth:`adjusted`."""
        data = self.ask(get.operation, scope, **self.fill(get.ident, scope))
        return {"attributes": data["Attributes"]}


def _attributes(token: str, names: Mapping[str, str], without: tuple[str, ...]) -> dict[str, str]:
    """Name the attribute of every property: a capital first, unless the table says otherwise."""
    return {
        name: names.get(name, name[0].upper() + name[1:])
        for name in {**sdk.inputs(token), **sdk.outputs(token)}
        if name not in {"region", "tags", "tagsAll", "name", "namePrefix", *without}
    }


class TopicKind(AttributesKind):
    """A topic."""

    setter, where = "set_topic_attributes", "TopicArn"

    @property
    def attributes(self) -> Mapping[str, str]:  # type: ignore[override]  # read of the row, not given
        """Name the attributes."""
        feedback = {
            f"{protocol}{what}": f"{wire}{what[0].upper()}{what[1:]}"
            for protocol, wire in (("http", "HTTP"), ("sqs", "SQS"))
            for what in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")
        }
        return _attributes(
            self.row.resource, {"arn": "TopicArn", "maximumMessageSize": "MaximumMessageSize", **feedback}, ()
        )

    def wire(self, values: Values) -> dict[str, str]:
        """Leave out what a topic only returns, and FIFO where it is not asked for: AWS refuses false."""
        found = super().wire({name: item for name, item in values.items() if name not in {"arn", "owner"}})
        return {key: text for key, text in found.items() if key != "FifoTopic" or text == "true"}

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Take the name from the ARN."""
        state = super().adjusted(state, inputs)
        return {**state, "name": state["arn"].rsplit(":", 1)[-1]}


class SubscriptionKind(AttributesKind):
    """A subscription to a topic."""

    setter, where = "set_subscription_attributes", "SubscriptionArn"
    attributes: ClassVar[Mapping[str, str]] = {
        "arn": "SubscriptionArn",
        "confirmationWasAuthenticated": "ConfirmationWasAuthenticated",
        "deliveryPolicy": "DeliveryPolicy",
        "endpoint": "Endpoint",
        "filterPolicy": "FilterPolicy",
        "filterPolicyScope": "FilterPolicyScope",
        "ownerId": "Owner",
        "pendingConfirmation": "PendingConfirmation",
        "protocol": "Protocol",
        "rawMessageDelivery": "RawMessageDelivery",
        "redrivePolicy": "RedrivePolicy",
        "replayPolicy": "ReplayPolicy",
        "subscriptionRoleArn": "SubscriptionRoleArn",
        "topic": "TopicArn",
    }

    def wire(self, values: Values) -> dict[str, str]:
        """Leave out what has members of its own."""
        return super().wire(
            {name: item for name, item in values.items() if name not in {"endpoint", "protocol", "topic"}}
        )


class QueueKind(AttributesKind):
    """A queue."""

    @property
    def attributes(self) -> Mapping[str, str]:  # type: ignore[override]  # read of the row, not given
        """Name the attributes."""
        names = {
            "arn": "QueueArn",
            "maxMessageSize": "MaximumMessageSize",
            "messageRetentionSeconds": "MessageRetentionPeriod",
            "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
            "visibilityTimeoutSeconds": "VisibilityTimeout",
        }
        return _attributes(self.row.resource, names, ("url",))

    def wire(self, values: Values) -> dict[str, str]:
        """Leave out FIFO where it is not asked for: AWS refuses false."""
        found = super().wire({name: item for name, item in values.items() if name != "arn"})
        return {key: text for key, text in found.items() if key != "FifoQueue" or text == "true"}

    def set(self, object_id: str, attribute: str, text: str, scope: Values) -> None:
        """Set one attribute."""
        self.invoke("set_queue_attributes", scope, QueueUrl=object_id, Attributes={attribute: text})

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Take the name from the ARN."""
        state = super().adjusted(state, inputs)
        return {**state, "name": state["arn"].rsplit(":", 1)[-1]}


class PolicyKind(RowKind):
    """The policy of a topic or a queue: one attribute as a resource of its own."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Raise Missing where there is none."""
        if not state.get("policy"):
            raise Missing(f"{self.row.resource}: no policy is set")
        return state

    def get(self, get: Get, scope: Values, *, first: bool) -> Values:
        """Read the attribute."""
        found = self.ask(get.operation, scope, **self.fill(get.ident, scope)).get("Attributes", {})
        owner = {"owner": found["Owner"]} if "Owner" in found else {}
        return {"policy": found.get("Policy"), **owner}


_ACTIONS = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe Publish"
# A topic is never without a policy: this is the one that AWS gives a new topic. Doubled braces are for the template.
_OWNER_ONLY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in _ACTIONS.split()],
                "Resource": "<id>",
                "Condition": {"StringEquals": {"AWS:SourceOwner": "<account>"}},
            }
        ],
    }
).translate({ord("{"): "{{", ord("}"): "}}", ord("<"): "{", ord(">"): "}"})
TOPIC_ABSENT = ("NotFound", "NotFoundException")
QUEUE_ABSENT = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
SET_QUEUE = Call("set_queue_attributes", {"QueueUrl": "{queueUrl}", "Attributes": {"Policy": "{policy}"}}, only=())
SET_TOPIC = Call(
    "set_topic_attributes", {"TopicArn": "{arn}", "AttributeName": "Policy", "AttributeValue": "{policy}"}, only=()
)
ROWS = (
    Row(
        resource="aws:sns/topic:Topic",
        service="sns",
        id="{result[TopicArn]}",
        name=AutoName(limit=256),
        create=Call("create_topic", only=("name",)),
        reads=(Get("get_topic_attributes", {"TopicArn": "{id}"}),),
        delete=Call("delete_topic", {"TopicArn": "{id}"}),
        absent=TOPIC_ABSENT,
        tags=TagApi(ident="ResourceArn", value="{id}"),
        replace=("name", "namePrefix", "fifoTopic"),
        identity=("name",),
        local=EVERYTHING,
        sticky=(
            "policy",
            "deliveryPolicy",
            "signatureVersion",
            "tracingConfig",
            "maximumMessageSize",
            "fifoThroughputScope",
        ),
        kind=TopicKind,
    ),
    Row(
        resource="aws:sns/topicSubscription:TopicSubscription",
        service="sns",
        id="{result[SubscriptionArn]}",
        create=Call("subscribe", {"TopicArn": "{topic}", "ReturnSubscriptionArn": True}, only=("protocol", "endpoint")),
        reads=(Get("get_subscription_attributes", {"SubscriptionArn": "{id}"}),),
        delete=Call("unsubscribe", {"SubscriptionArn": "{id}"}),
        absent=(*TOPIC_ABSENT, "InvalidParameter:does not exist"),
        replace=("endpoint", "protocol", "topic"),
        local=(
            "confirmationTimeoutInMinutes",
            "deliveryPolicy",
            "endpointAutoConfirms",
            "filterPolicy",
            "filterPolicyScope",
            "rawMessageDelivery",
            "redrivePolicy",
            "replayPolicy",
            "subscriptionRoleArn",
        ),
        sticky=("filterPolicyScope",),
        defaults={"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False},
        kind=SubscriptionKind,
    ),
    Row(
        resource="aws:sns/topicPolicy:TopicPolicy",
        service="sns",
        id="{arn}",
        create=SET_TOPIC,
        reads=(Get("get_topic_attributes", {"TopicArn": "{id}"}),),
        outputs={"arn": "{id}"},
        parts=(Part(SET_TOPIC, on=("policy",)),),
        delete=Call(
            "set_topic_attributes",
            {"TopicArn": "{id}", "AttributeName": "Policy", "AttributeValue": _OWNER_ONLY},
            only=(),
        ),
        absent=TOPIC_ABSENT,
        replace=("arn",),
        identity=("arn",),
        kind=PolicyKind,
    ),
    Row(
        resource="aws:sqs/queue:Queue",
        service="sqs",
        id="{result[QueueUrl]}",
        name=AutoName(limit=80),
        create=Call("create_queue", {"QueueName": "{name}"}, only=()),
        reads=(Get("get_queue_attributes", {"QueueUrl": "{id}", "AttributeNames": ["All"]}),),
        outputs={"url": "{id}"},
        delete=Call("delete_queue", {"QueueUrl": "{id}"}),
        absent=QUEUE_ABSENT,
        tags=TagApi(
            ident="QueueUrl",
            form="map",
            add="tag_queue",
            remove="untag_queue",
            fetch="list_queue_tags",
            at_create="tags",
            value="{id}",
        ),
        replace=("name", "namePrefix", "fifoQueue"),
        identity=("name",),
        local=EVERYTHING,
        sticky=(
            "policy",
            "sqsManagedSseEnabled",
            "kmsDataKeyReusePeriodSeconds",
            "deduplicationScope",
            "fifoThroughputLimit",
            "delaySeconds",
            "maxMessageSize",
            "messageRetentionSeconds",
            "receiveWaitTimeSeconds",
            "visibilityTimeoutSeconds",
        ),
        retry=("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"),
        kind=QueueKind,
    ),
    Row(
        resource="aws:sqs/queuePolicy:QueuePolicy",
        service="sqs",
        id="{queueUrl}",
        create=SET_QUEUE,
        reads=(Get("get_queue_attributes", {"QueueUrl": "{id}", "AttributeNames": ["Policy"]}),),
        outputs={"queueUrl": "{id}"},
        parts=(Part(SET_QUEUE, on=("policy",)),),
        delete=Call("set_queue_attributes", {"QueueUrl": "{id}", "Attributes": {"Policy": ""}}, only=()),
        absent=QUEUE_ABSENT,
        replace=("queueUrl",),
        identity=("queueUrl",),
        kind=PolicyKind,
    ),
)
