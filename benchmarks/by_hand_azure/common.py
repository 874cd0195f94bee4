"""What all of the yardstick uses: names, tags, identities and rights."""

import hashlib
import uuid
from typing import Any

import pulumi
from pulumi import Input
from pulumi_azure_native import authorization, managedidentity, resources

PROJECT, STAGE = "churn", "dev"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
ROLES = {
    "contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "storage-blob-data-contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storage-file-data-privileged-contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "key-vault-administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "acrpull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "azureml-data-scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    "azureml-metrics-writer-preview": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
    "managed-identity-operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "monitoring-reader": "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    "logic-app-operator": "515c2055-d9d4-4321-b1b9-bd0c9a0f79fe",
}

config, provider = pulumi.Config(), pulumi.Config("azure-native")
location, subscription = provider.require("location"), provider.require("subscriptionId")
DEFINITIONS = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
digest = hashlib.sha256(f"{subscription}/{PROJECT}/{STAGE}/{location}/".encode()).hexdigest()[:8]
UNIQUE = f"{PROJECT}{STAGE}{digest}"


def tags(component: str) -> dict[str, str]:
    """Say what a resource belongs to."""
    return {
        "project": PROJECT,
        "stage": STAGE,
        "component": component,
        "managed-by": "pulumi-mlops",
        "owner": config.require("owner"),
    }


def person(name: str, called: str, component: str, group: resources.ResourceGroup) -> Any:
    """Declare a managed identity."""
    return managedidentity.UserAssignedIdentity(
        name, resource_group_name=group.name, location=location, resource_name_=called, tags=tags(component)
    )


def let(
    who: Any, component: str, name: str, role: str, scope: Input[str], *, below: str | None = None, why: str = ""
) -> authorization.RoleAssignment:
    """Give an identity a role on something, or only on the files below a folder of it."""
    noun, _, owner = component.partition("/")
    return authorization.RoleAssignment(
        name,
        role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stack}/{noun}/{name}")),
        scope=scope,
        principal_id=who.principal_id,
        principal_type="ServicePrincipal",
        role_definition_id=f"{DEFINITIONS}/{ROLES[role]}",
        description=f"{noun} {owner} of {PROJECT} ({STAGE}){why}",
        condition=condition(below) if below else None,
        condition_version="2.0" if below else None,
    )


def condition(below: str) -> str:
    """Bound reading, writing, deleting and listing to a folder."""
    listing = f"ActionMatches{{'{BLOBS}/read'}} AND SubOperationMatches{{'Blob.List'}}"
    reading = f"!(ActionMatches{{'{BLOBS}/read'}} AND NOT SubOperationMatches{{'Blob.List'}})"
    changing = [f"!(ActionMatches{{'{BLOBS}/{action}'}})" for action in ("write", "add/action", "delete")]
    return (
        f"(({' AND '.join([reading, *changing])}) OR (@Resource[{BLOBS}:path] StringLike '{below}*')) "
        f"AND ((!({listing})) OR (@Request[{BLOBS}:prefix] StringLike '{below}*'))"
    )
