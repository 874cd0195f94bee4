"""Whose request it is. Tokens are plain words: this is a sandbox."""

from typing import Any

from pulumi_mlops_sandbox.azure.call import Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.facts import DEPLOYER, EXPIRED, TOKEN

_FORMS = (
    f"Use `{TOKEN}`, `principal:<object id>`, or `federated:<issuer>#<subject>` of a federated credential; `{EXPIRED}` "
    "is one that has expired."
)


def principal(tenant: Tenant, headers: Any) -> str:
    """Find the object id of the caller."""
    scheme, _, token = str(headers.get("Authorization", "")).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ArmError(
            "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing or invalid.", 401
        )
    if token == EXPIRED:
        raise ArmError(
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current UTC time. Log in again: az login",
            401,
        )
    if token == TOKEN:
        return DEPLOYER
    kind, _, rest = token.partition(":")
    if kind == "principal" and rest:
        return rest
    if kind == "federated":
        return _federated(tenant, rest)
    raise ArmError("InvalidAuthenticationToken", f"The access token is invalid. {_FORMS}", 401)


def _federated(tenant: Tenant, claims: str) -> str:
    """Exchange a token of somebody else's for that of the identity that trusts it."""
    issuer, _, subject = claims.partition("#")
    for credential in tenant.store.of_type(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
    ):
        said = credential.properties
        if said.get("issuer") == issuer and said.get("subject") == subject:
            identity = tenant.store.get(credential.id.rsplit("/federatedIdentityCredentials/", 1)[0])
            if identity is not None:
                return str(identity.at("properties.principalId"))
    raise ArmError(
        "AADSTS700213",
        f"No matching federated identity record found for presented assertion issuer '{issuer}', subject '{subject}'.",
        401,
    )
