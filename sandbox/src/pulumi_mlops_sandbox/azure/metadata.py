"""What clients ask about a cloud before they do anything: where its parts are."""

from typing import Any

from pulumi_mlops_sandbox.azure.facts import TENANT

NAME = "PulumiMlopsSandbox"


def cloud(url: str) -> dict[str, Any]:
    """Describe this cloud, as ``/metadata/endpoints`` does."""
    return {
        "name": NAME,
        "portal": "https://portal.sandbox.local",
        "resourceManager": f"{url}/",
        "authentication": {
            "loginEndpoint": f"{url}/login",
            "audiences": [f"{url}/"],
            "tenant": TENANT,
            "identityProvider": "AAD",
        },
        "graph": f"{url}/graph/",
        "graphAudience": f"{url}/graph/",
        "microsoftGraphResourceId": f"{url}/graph/",
        "suffixes": {
            "storage": "core.windows.net",
            "keyVaultDns": "vault.azure.net",
            "acrLoginServer": "azurecr.io",
        },
        "gallery": f"{url}/",
        "batch": f"{url}/",
    }
