"""Azure's table against the SDK's classes and Azure's own types, and the bodies that it makes."""

from collections.abc import Iterator
from typing import Any

import pytest

from pulumi_mlops_sandbox.azure.provider import body, sdk
from pulumi_mlops_sandbox.azure.provider.kind import ArmKind
from pulumi_mlops_sandbox.azure.provider.row import Row
from pulumi_mlops_sandbox.azure.provider.session import Session
from pulumi_mlops_sandbox.azure.provider.table import ROWS
from pulumi_mlops_sandbox.azure.types.judge import types
from pulumi_mlops_sandbox.provider.contract import ProviderError
from pulumi_mlops_sandbox.provider.schema import Type
from pulumi_mlops_sandbox.provider.values import UNKNOWN

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g"

NEWER = {
    "fileSharePaidBursting",
    "ipamPoolPrefixAllocations",
    "provisionedBandwidthMibps",
    "provisionedIops",
    "serviceGateway",
}
"""What the SDK's api-version has and the types of an earlier one have not."""


def kind(token: str) -> ArmKind:
    row = ROWS[f"azure-native:{token}"]
    return (row.kind or ArmKind)(row, Session({"subscriptionId": SUBSCRIPTION}))


def body_of(token: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return kind(token).request(inputs)


def answered(path: str, sent: dict[str, Any]) -> dict[str, Any]:
    return {**sent, "id": path, "name": path.rsplit("/", 1)[-1], "type": "Microsoft.Some/thing"}


def round_trip(token: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Send inputs, and read them back from an Azure that returns what it was sent."""
    subject = kind(token)
    path = subject.path(inputs)
    state = subject.state(path, answered(path, subject.request(inputs)))
    return subject.as_inputs(path, state, inputs, state)


@pytest.mark.parametrize("token", sorted(ROWS))
def test_the_row_fits_the_class(token: str) -> None:
    row, described = ROWS[token], sdk.described(token)
    assert set(row.parameters) <= set(described.inputs), "each part of the id is an argument"
    assert described.version or token == "azure-native:storage:Blob"
    paths: set[str] = set()
    body.walk(described.inputs, lambda path, _: paths.add(path))
    outputs = set(described.outputs)
    named = {*row.inner, *row.query, *row.replace, *row.refused}
    named |= {path for path in row.renames if not path.startswith("*.")}
    assert sorted(named - paths - outputs) == []


@pytest.mark.parametrize(
    ("token", "property_", "form"),
    [
        ("resources:ResourceGroup", "resourceGroupName", "random"),
        ("storage:StorageAccount", "accountName", "random"),
        ("storage:BlobContainer", "containerName", "copy"),
        ("authorization:RoleAssignment", "roleAssignmentName", "uuid"),
        ("monitor:DiagnosticSetting", "name", "random"),
        ("machinelearningservices:OnlineEndpoint", "endpointName", "random"),
        ("machinelearningservices:OnlineDeployment", "deploymentName", "copy"),
        ("machinelearningservices:ModelVersion", "version", "copy"),
    ],
)
def test_names_are_made_as_the_real_provider_makes_them(token: str, property_: str, form: str) -> None:
    name = ROWS[f"azure-native:{token}"].name
    assert name is not None
    assert (name.property, name.form) == (property_, form)


@pytest.mark.parametrize(
    ("token", "replacing", "updating"),
    [
        ("storage:StorageAccount", ["accountName", "location", "isHnsEnabled"], ["sku", "minimumTlsVersion"]),
        ("authorization:RoleAssignment", ["principalId", "scope"], ["roleDefinitionId", "description"]),
        ("network:PrivateEndpoint", ["subnet", "location"], ["privateLinkServiceConnections", "tags"]),
        ("storage:BlobContainer", ["containerName", "accountName"], ["publicAccess"]),
        ("machinelearningservices:Workspace", ["workspaceName", "location"], ["keyVault", "storageAccount", "kind"]),
        ("machinelearningservices:OnlineDeployment", ["endpointName", "location"], ["properties.instanceType"]),
        ("storage:Blob", ["source", "blobName"], ["metadata", "contentType"]),
    ],
)
def test_what_replaces(token: str, replacing: list[str], updating: list[str]) -> None:
    traits = kind(token).traits
    assert [path for path in replacing if not traits.forces_replacement(path)] == []
    assert [path for path in updating if traits.forces_replacement(path)] == []
    assert traits.gives_way, "the old one goes first, unless chance has made the new one's name"


def test_a_flattened_body() -> None:
    found = body_of(
        "storage:StorageAccount",
        {
            "resourceGroupName": "g",
            "accountName": "a",
            "location": "westeurope",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "enableHttpsTrafficOnly": True,
            "networkRuleSet": {
                "defaultAction": "Deny",
                "ipRules": [{"iPAddressOrRange": "1.2.3.4", "action": "Allow"}],
            },
            "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/i"]},
            "tags": {"a": "b"},
        },
    )
    assert found == {
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/s/i": {}}},
        "tags": {"a": "b"},
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "1.2.3.4", "action": "Allow"}]},
        },
    }


def test_a_body_that_is_kept() -> None:
    inputs = {
        "resourceGroupName": "g",
        "workspaceName": "w",
        "name": "d",
        "skipValidation": True,
        "properties": {"datastoreType": "AzureBlob", "accountName": "a", "credentials": {"credentialsType": "None"}},
    }
    assert body_of("machinelearningservices:Datastore", inputs) == {"properties": inputs["properties"]}


def test_objects_whose_inner_properties_are_flattened() -> None:
    found = body_of(
        "network:PrivateEndpoint",
        {
            "subnet": {"id": "s"},
            "privateLinkServiceConnections": [{"name": "blob", "groupIds": ["blob"], "privateLinkServiceId": "a"}],
        },
    )
    assert found["properties"]["privateLinkServiceConnections"] == [
        {"name": "blob", "properties": {"groupIds": ["blob"], "privateLinkServiceId": "a"}}
    ]


LIVES: dict[str, dict[str, Any]] = {
    "monitor:MetricAlert": {
        "criteria": {
            "odataType": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            "allOf": [{"criterionType": "StaticThresholdCriterion", "name": "m", "threshold": 1}],
        },
        "actions": [{"actionGroupId": "/subscriptions/s/a"}],
        "enabled": True,
        "location": "global",
        "ruleName": "r",
        "tags": {"a": "b"},
    },
    "applicationinsights:Component": {
        "applicationType": "web",
        "kind": "web",
        "disableLocalAuth": True,
        "workspaceResourceId": "w",
        "resourceName": "c",
    },
    "eventgrid:SystemTopicEventSubscription": {
        "systemTopicName": "t",
        "eventSubscriptionName": "s",
        "destination": {"endpointType": "WebHook", "endpointUrl": "https://example.com"},
    },
    "storage:StorageAccount": {
        "accountName": "a",
        "encryption": {
            "keySource": "Microsoft.Keyvault",
            "encryptionIdentity": {"encryptionUserAssignedIdentity": "i"},
            "keyVaultProperties": {"keyName": "k", "keyVaultUri": "u"},
        },
        "networkRuleSet": {"virtualNetworkRules": [{"virtualNetworkResourceId": "n"}]},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/S/B", "/subscriptions/S/a"]},
    },
    "monitor:AutoscaleSetting": {"autoscaleSettingName": "a", "name": "another", "enabled": True, "profiles": []},
    "network:VirtualNetwork": {
        "virtualNetworkName": "n",
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [{"name": "a", "addressPrefix": "10.0.0.0/24", "delegations": [{"name": "d", "serviceName": "s"}]}],
    },
    "logic:Workflow": {
        "workflowName": "w",
        "definition": {"parameters": {"to": {"type": "SecureString"}}},
        "parameters": {"to": {"type": "SecureString", "value": "hunter2"}},
    },
    "keyvault:Secret": {
        "vaultName": "v",
        "secretName": "s",
        "properties": {"value": "hunter2", "attributes": {"enabled": True, "expires": 5}},
    },
    "machinelearningservices:ModelVersion": {
        "workspaceName": "w",
        "name": "m",
        "version": "3",
        "properties": {"modelUri": "azureml://x", "properties": {"any_key": "kept"}},
    },
    "authorization:RoleDefinition": {
        "scope": GROUP,
        "roleDefinitionId": "11111111-1111-4111-8111-111111111111",
        "roleName": "reader",
        "roleType": "CustomRole",
        "permissions": [{"actions": ["*/read"]}],
    },
    "operationalinsights:Workspace": {"workspaceName": "w", "sku": {"name": "PerGB2018"}, "retentionInDays": 30},
}


@pytest.mark.parametrize("token", sorted(LIVES))
def test_what_was_sent_is_read_back_as_it_was_written(token: str) -> None:
    inputs = {**({} if "scope" in LIVES[token] else {"resourceGroupName": "g"}), **LIVES[token]}
    assert round_trip(token, inputs) == inputs


def test_what_somebody_took_away_is_missed() -> None:
    subject = kind("machinelearningservices:OnlineEndpoint")
    inputs = {
        "resourceGroupName": "g",
        "workspaceName": "w",
        "endpointName": "e",
        "location": "West Europe",
        "properties": {"authMode": "AADToken", "description": "d", "keys": {"primaryKey": "k"}},
    }
    wire: dict[str, Any] = {
        "name": "e",
        "location": "westeurope",
        "properties": {"authMode": "AADToken", "scoringUri": "https://x"},
    }
    path = subject.path(inputs).replace("resourceGroups", "resourcegroups")
    before = subject.state(path, {**wire, "properties": {**wire["properties"], "description": "d"}})
    found = subject.as_inputs(path, subject.state(path, wire), inputs, before)
    assert found["properties"] == {"authMode": "AADToken", "description": None, "keys": {"primaryKey": "k"}}
    assert found["location"] == "West Europe", "spelt as the program does"


def test_what_azure_never_tells_is_kept() -> None:
    subject = kind("logic:Workflow")
    inputs = {"resourceGroupName": "g", **LIVES["logic:Workflow"]}
    wire = {"properties": {"definition": inputs["definition"], "parameters": {"to": {"type": "SecureString"}}}}
    path = subject.path(inputs)
    state = subject.state(path, wire)
    assert subject.as_inputs(path, state, inputs, state) == inputs
    longer = {"properties": {**wire["properties"], "parameters": {**wire["properties"]["parameters"], "more": {}}}}
    found = subject.as_inputs(path, subject.state(path, longer), inputs, state)
    assert set(found["parameters"]) == {"to", "more"}, "what somebody added shows"


def test_an_id_is_taken_apart_and_another_kinds_is_refused() -> None:
    subject = kind("machinelearningservices:OnlineDeployment")
    place = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e/deployments/d"
    parts = {"resourceGroupName": "g", "workspaceName": "w", "endpointName": "e", "deploymentName": "d"}
    assert subject.parts(place) == parts
    assert subject.parts(place.lower()) == parts
    with pytest.raises(ProviderError, match="is no id of a machinelearningservices:OnlineDeployment"):
        subject.parts(f"{GROUP}/providers/Microsoft.KeyVault/vaults/v")
    role = kind("authorization:RoleAssignment")
    name = "11111111-1111-4111-8111-111111111111"
    scope = f"{GROUP}/providers/Microsoft.KeyVault/vaults/v"
    assert role.parts(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}") == {
        "scope": scope,
        "roleAssignmentName": name,
    }
    assert role.path({"scope": scope, "roleAssignmentName": name}).startswith(f"{scope}/providers/")


def test_a_preview_knows_what_azure_adds_only_when_it_is_there() -> None:
    subject = kind("machinelearningservices:Workspace")
    inputs = {"identity": {"type": "UserAssigned", "userAssignedIdentities": ["/subscriptions/s/I"]}}
    first = subject.foreseen(inputs, {})
    assert first["identity"]["userAssignedIdentities"] is UNKNOWN
    assert first["identity"]["principalId"] is UNKNOWN
    there = {"identity": {"userAssignedIdentities": {"/subscriptions/s/i": {"clientId": "c"}}, "principalId": "p"}}
    later = subject.foreseen(inputs, there)
    assert later["identity"]["userAssignedIdentities"] == {"/subscriptions/s/i": {"clientId": "c"}}
    assert later["identity"]["principalId"] == "p"


def members(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """List what a type has, whatever its variants are."""
    for name, member in (row.get("properties") or row.get("baseProperties") or {}).items():
        yield name, types().rows[member["type"]]
    for number in (row.get("elements") or {}).values() if row["$type"] == "DiscriminatedObjectType" else ():
        yield from members(types().rows[number])


def unknown(wire: Any, allowed: list[dict[str, Any]], path: str) -> Iterator[str]:
    """List the names of a body that none of Azure's types for it has."""
    if isinstance(wire, list):
        for item in wire:
            items = [types().rows[row["itemType"]] for row in allowed if row["$type"] == "ArrayType"]
            yield from unknown(item, items, path)
    objects = [row for row in allowed if row["$type"] in {"ObjectType", "DiscriminatedObjectType"}]
    if not isinstance(wire, dict) or not objects or any("additionalProperties" in row for row in objects):
        return
    held = [found for row in objects for found in members(row)]
    for name, item in wire.items():
        fitting = [row for called, row in held if called == name]
        yield from unknown(item, fitting, f"{path}.{name}") if fitting else [f"{path}.{name}"[1:]]


def sample(row: Row, kind_of: Type, path: str) -> Any:
    """Make a value that has every property; of another resource its id alone."""
    match kind_of.form:
        case "object" if "id" in kind_of.fields and path not in row.inner:
            return {"id": "x"}
        case "object":
            return {name: sample(row, item.type, f"{path}.{name}") for name, item in kind_of.fields.items()}
        case "list":
            return [sample(row, kind_of.item or Type("any"), path)]
        case "map":
            return {}
        case _:
            return "x"


@pytest.mark.parametrize("token", sorted(set(ROWS) - {"azure-native:storage:Blob"}))
def test_every_property_reaches_azure(token: str) -> None:
    """Each input, nested ones too, is sent under a name that Azure's own type has."""
    row = ROWS[token]
    subject = kind(token.removeprefix("azure-native:"))
    space, _, rest = row.path.rsplit("/providers/", 1)[-1].partition("/")
    own = "Microsoft.Resources/resourceGroups" if row.bare else "/".join([space, *rest.split("/")[::2]])
    body_type = types().body(own)
    assert body_type is not None
    inputs = {name: sample(row, item.type, name) for name, item in subject.traits.inputs.items()}
    inputs = {name: item for name, item in inputs.items() if name not in row.refused}
    lost = set(unknown(subject.request(inputs), [body_type], ""))
    assert sorted(path for path in lost if path.rsplit(".", 1)[-1] not in NEWER) == []
