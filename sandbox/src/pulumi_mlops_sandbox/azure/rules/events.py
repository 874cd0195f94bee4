"""Event topics, their subscriptions, and the workflows that answer them."""

from collections.abc import Iterator

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.facts import region

TOPICS = "Microsoft.EventGrid/systemTopics"
# Type of a topic -> the type of its source, and the events that there are.
SOURCES = {
    "microsoft.machinelearningservices.workspaces": "microsoft.machinelearningservices/workspaces",
    "microsoft.storage.storageaccounts": "microsoft.storage/storageaccounts",
    "microsoft.keyvault.vaults": "microsoft.keyvault/vaults",
    "microsoft.containerregistry.registries": "microsoft.containerregistry/registries",
    "microsoft.resources.resourcegroups": "microsoft.resources/resourcegroups",
}
EVENTS = {
    "microsoft.machinelearningservices/workspaces": (
        "ModelRegistered",
        "ModelDeployed",
        "RunCompleted",
        "RunStatusChanged",
    ),
}
FILTERS, VALUES = 25, 25


@rule(TOPICS)
def system_topic(call: Call) -> Iterator[Problem]:
    """Refuse a topic that does not fit its source, or is its second one."""
    kind, source = str(call.properties.get("topicType", "")), str(call.properties.get("source", ""))
    wanted = SOURCES.get(kind.lower())
    if wanted is None:
        yield Problem("properties.topicType", f"'{kind}' is none of {', '.join(SOURCES)}")
        return
    if not source:
        yield Problem("properties.source", "is required and missing")
        return
    record = call.store.get(source)
    if ids.parse(source).type.lower() != wanted:
        yield Problem("properties.source", f"'{source}' does not fit topicType '{kind}'")
    elif record is not None and region(str(record.body.get("location"))) != region(str(call.body.get("location"))):
        yield Problem("location", f"has to be that of the source, '{record.body.get('location')}'")
    for other in call.store.of_type(TOPICS):
        if other.key != call.address.key and str(other.properties.get("source", "")).lower() == source.lower():
            raise ArmError("Conflict", f"Only one system topic is allowed per source: there is '{other.id}'.", 409)


@rule("Microsoft.EventGrid/eventSubscriptions", f"{TOPICS}/eventSubscriptions")
def subscription(call: Call) -> Iterator[Problem]:
    """Refuse a subscription that goes nowhere, or asks for events that there are not."""
    if call.properties.get("destination") is None and call.properties.get("deliveryWithResourceIdentity") is None:
        yield Problem("properties.destination", "is required and missing")
    topic = call.store.get(call.address.parent)
    source = ids.parse(str(topic.properties.get("source"))).type.lower() if topic and topic.type == TOPICS else ""
    known = EVENTS.get(source)
    for name in call.at("properties.filter.includedEventTypes") or []:
        if known is not None and str(name).rpartition(".")[2] not in known:
            yield Problem("properties.filter.includedEventTypes", f"'{name}' is none of {', '.join(known)} of {source}")
    filters = call.at("properties.filter.advancedFilters") or []
    if len(filters) > FILTERS:
        yield Problem("properties.filter.advancedFilters", f"has {len(filters)} entries, at most {FILTERS} are allowed")
    url = call.at("properties.destination.properties.endpointUrl")
    if url is not None and not str(url).startswith("https://"):
        yield Problem("properties.destination.properties.endpointUrl", f"'{url}' does not begin with https://")


@rule("Microsoft.Logic/workflows")
def workflow(call: Call) -> Iterator[Problem]:
    """Refuse a definition that is none, steps that run after nobody, and parameters that are not declared."""
    definition = call.properties.get("definition")
    if not isinstance(definition, dict):
        yield Problem("properties.definition", "is required and missing", "InvalidTemplate")
        return
    if "$schema" not in definition:
        yield Problem("properties.definition.$schema", "is required and missing", "InvalidTemplate")
    if not definition.get("triggers"):
        yield Problem("properties.definition.triggers", "needs a trigger", "InvalidTemplate")
    actions = definition.get("actions") or {}
    if not isinstance(actions, dict) or not all(isinstance(step, dict) for step in actions.values()):
        yield Problem("properties.definition.actions", "has to be an object of objects", "InvalidTemplate")
        return
    for name, step in actions.items():
        for before in step.get("runAfter") or {}:
            if before not in actions:
                place = f"properties.definition.actions.{name}.runAfter"
                yield Problem(place, f"'{before}' is no action of the workflow", "InvalidTemplate")
    declared = definition.get("parameters") or {}
    for name in call.properties.get("parameters") or {}:
        if name not in declared:
            yield Problem(f"properties.parameters.{name}", "is not declared in the definition", "InvalidTemplate")
