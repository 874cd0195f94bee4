"""Azure as the protocol half sees it: the configured subscription and the table of kinds."""

import importlib.metadata

from pulumi_mlops_sandbox.azure.provider import failures, invokes
from pulumi_mlops_sandbox.azure.provider.kind import ArmKind
from pulumi_mlops_sandbox.azure.provider.session import Session
from pulumi_mlops_sandbox.azure.provider.table import ROWS
from pulumi_mlops_sandbox.provider.contract import Values
from pulumi_mlops_sandbox.provider.tabled import Tabled

CONFIG = frozenset({"location", "subscriptionId", "tenantId"})
"""What the provider's configuration may hold."""
_TOKEN = "the caller is the one that the sandbox's token names"  # noqa: S105  (not a token)
MOOT = {
    "auxiliaryTenantIds": _TOKEN,
    "clientCertificatePassword": _TOKEN,
    "clientCertificatePath": _TOKEN,
    "clientId": _TOKEN,
    "clientSecret": _TOKEN,
    "disableInstanceDiscovery": "the sandbox has no instances to discover",
    "disablePulumiPartnerId": "no partner is told",
    "environment": "the sandbox is the only cloud there",
    "metadataHost": "the sandbox says where it is",
    "msiEndpoint": _TOKEN,
    "oidcRequestToken": _TOKEN,
    "oidcRequestUrl": _TOKEN,
    "oidcToken": _TOKEN,
    "oidcTokenFilePath": _TOKEN,
    "partnerId": "no partner is told",
    "useDefaultAzureCredential": _TOKEN,
    "useMsi": _TOKEN,
    "useOidc": _TOKEN,
}
"""What it may hold too, because it changes how Azure is reached and not what is made there; with the reason."""


class Azure(Tabled[Session, ArmKind]):
    """The table of Azure's resources, and one subscription."""

    package = "azure-native"
    known, moot = CONFIG, MOOT

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_azure_native")
        super().__init__(ROWS, Session, ArmKind)

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Name nothing: the real provider keeps its resources, whose ids say in which subscription they are."""
        return []

    def functions(self) -> list[str]:
        """List the data sources."""
        return invokes.functions()

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answer a data source."""
        return invokes.answer(self.session, self.kind, token, arguments)

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        return failures.explain(error)
