"""Azure as the protocol half sees it: the configured subscription and the table of kinds."""

import importlib.metadata

from pulumi_mlops_sandbox.azure.provider import failures, invokes
from pulumi_mlops_sandbox.azure.provider.kind import ArmKind
from pulumi_mlops_sandbox.azure.provider.session import Session
from pulumi_mlops_sandbox.azure.provider.table import ROWS
from pulumi_mlops_sandbox.provider.check import nearest
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

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


class Azure:
    """The table of Azure's resources, and one subscription."""

    package = "azure-native"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_azure_native")
        self._session: Session | None = None
        self._kinds: dict[str, ArmKind] = {}

    @property
    def session(self) -> Session:
        """The configured session; the defaults of the environment before the engine has configured anything."""
        if self._session is None:
            self._session = Session({})
        return self._session

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Refuse what the stand-in does not carry."""
        return [
            (name, f"the provider has no property {name!r} here{nearest(name, sorted(CONFIG))}")
            for name, value in config.items()
            if name not in CONFIG and name not in MOOT and value not in (None, {}, [])
        ]

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Name nothing: the real provider keeps its resources, whose ids say in which subscription they are."""
        return []

    def configure(self, config: Values) -> None:
        """Open the session."""
        self._session = Session(config)
        self._kinds.clear()

    def kind(self, token: str) -> ArmKind:
        """Return the kind of a type token."""
        if token not in ROWS:
            raise ProviderError(f"the sandbox's table has no resource {token!r}{nearest(token, self.tokens())}")
        if token not in self._kinds:
            row = ROWS[token]
            self._kinds[token] = (row.kind or ArmKind)(row, self.session)
        return self._kinds[token]

    def tokens(self) -> list[str]:
        """List the resources."""
        return sorted(ROWS)

    def functions(self) -> list[str]:
        """List the data sources."""
        return invokes.functions()

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answer a data source."""
        return invokes.answer(self.session, self.kind, token, arguments)

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        return failures.explain(error)

    def cancel(self) -> None:
        """Stop waiting."""
        self.session.cancelled.set()
