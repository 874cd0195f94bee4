"""What Pulumi's mocks say in the place of a cloud: whose account it is, and what a resource is known by once made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"
SUBSCRIPTION, TENANT = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000000a"

Made = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Cloud:
    """One cloud under mocks."""

    project: str
    settings: Mapping[str, str]
    """Of the provider, as the stack's configuration has them."""
    answers: Mapping[str, dict[str, Any]]
    """What a look-up returns, by the last part of its token."""
    made: Callable[[str, str, dict[str, Any]], Made]
    """Returns id and outputs of a resource, of its type, its name in the program and its inputs."""


def _on_aws(kind: str, name: str, inputs: dict[str, Any]) -> Made:
    called = inputs.get("name") or f"{name}-0a1b2c3"
    service = kind.split(":")[1].split("/", maxsplit=1)[0]
    found = {"name": called, "arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{called}", "url": f"https://{called}"}
    more = {"keyId": f"{name}-key", "repositoryUrl": called, "properties": "{}"}
    return f"{name}-id", found | more | inputs


def _on_azure(kind: str, name: str, inputs: dict[str, Any]) -> Made:
    """Give ids of Azure's resource manager, and identities as a map where a list went in."""
    service, word = kind.split(":")[1:]
    own = (text for key, text in inputs.items() if key.endswith("Name") and word.lower().endswith(key[:-4].lower()))
    called = next(own, None) or inputs.get("resourceName") or inputs.get("name") or f"{name}0a1b2c3d"
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{inputs.get('resourceGroupName', 'group')}"
    found = {"name": called, "principalId": f"{name}-principal", "clientId": f"{name}-client", **inputs}
    who = inputs.get("identity")
    if who:
        found["identity"] = {**who, "userAssignedIdentities": {one: {} for one in who["userAssignedIdentities"]}}
    where = "" if word == "ResourceGroup" else f"/providers/Microsoft.{service}/{word}/{called}"
    return group + where, found


AWS = Cloud(
    project="churn-aws",
    settings={"aws:region": REGION},
    answers={
        "getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT, "arn": "", "userId": ""},
        "getRegion": {"region": REGION, "id": REGION, "description": "", "endpoint": ""},
        "getPartition": {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com"},
    },
    made=_on_aws,
)
AZURE = Cloud(
    project="churn-azure",
    settings={"azure-native:location": "westeurope", "azure-native:subscriptionId": SUBSCRIPTION},
    answers={
        "getClientConfig": {"clientId": "c", "objectId": "o", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT},
    },
    made=_on_azure,
)
