"""Identity on Azure: a managed identity with exactly its grants, and the tokens of others that it is had by."""

from collections.abc import Iterator

import pulumi
from pulumi_azure_native import managedidentity

from pulumi_mlops.backends.azure import access
from pulumi_mlops.backends.azure.addresses import IdentityAddress, PlatformAddress
from pulumi_mlops.components.identity import IdentityRef, IdentitySpec
from pulumi_mlops.core.component import Scope

GITHUB = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
"""For whom a token must be that is exchanged, as Entra ID recommends."""


def identity(scope: Scope, spec: IdentitySpec) -> IdentityRef:
    """Make the identity, then its rights: others know its address when it has them; then whom it trusts."""
    made = access.identity(scope, spec.platform, *spec.grants())
    native: dict[str, pulumi.Resource] = {"identity": made.resource}
    at = PlatformAddress.of(spec.platform)
    before: list[pulumi.Resource] = []
    for part, (issuer, subject, audience) in trusted(spec):
        # Azure refuses two credentials of one identity that are written at one time.
        credential = managedidentity.FederatedIdentityCredential(
            scope.child(f"trusts-{part}"),
            resource_group_name=at.group,
            resource_name_=made.resource.name,
            federated_identity_credential_resource_name=part,
            issuer=issuer,
            subject=subject,
            audiences=[audience],
            opts=pulumi.ResourceOptions.merge(scope.opts, pulumi.ResourceOptions(depends_on=list(before))),
        )
        before.append(credential)
        native[f"trusts.{part}"] = credential
    return IdentityRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        kind="application",
        principal=access.after(made.principal, made.assignments),
        address=IdentityAddress(id=made.id, client=made.client).plain(),
        native=native,
    )


def trusted(spec: IdentitySpec) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Say whose tokens are taken: issuer, subject and audience."""
    if github := spec.trusts.github:
        place = f"environment:{github.environment}" if github.environment else f"ref:refs/heads/{github.branch}"
        yield "github", (GITHUB, f"repo:{github.repository}:{place}", AUDIENCE)
    if token := spec.trusts.token:
        yield "token", (token.issuer, token.subject, token.audience or AUDIENCE)
