"""AWS as the protocol half sees it: the configured account and the table of kinds."""

import importlib.metadata

from pulumi_mlops_sandbox.aws.provider import failures, invokes
from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.aws.provider.tables import ROWS
from pulumi_mlops_sandbox.provider.check import nearest
from pulumi_mlops_sandbox.provider.contract import Kind, ProviderError, Values

CONFIG = frozenset(
    {
        "accessKey",
        "allowedAccountIds",
        "assumeRoles",
        "defaultTags",
        "endpoints",
        "forbiddenAccountIds",
        "profile",
        "region",
        "secretKey",
        "token",
    }
)
"""What the provider's configuration may hold."""
MOOT = {
    "maxRetries": "the stand-in's patience is fixed",
    "retryMode": "the stand-in's patience is fixed",
    "s3UsePathStyle": "a local control plane always has paths",
    "skipCredentialsValidation": "the stand-in validates with the first call",
    "skipMetadataApiCheck": "there is no metadata service",
    "skipRegionValidation": "the stand-in does not validate the region",
    "skipRequestingAccountId": "the account is asked for when it is needed",
}
"""What it may hold too, because it changes how AWS is reached and not what is made there; with the reason."""


class Aws:
    """The table of AWS's resources, and one account."""

    package = "aws"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_aws")
        self._session: Session | None = None
        self._kinds: dict[str, Kind] = {}

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
        """Say which changes mean other resources: only the region, as in the real provider."""
        return ["region"]

    def configure(self, config: Values) -> None:
        """Open the session and check the account."""
        self._session = Session(config)
        self._kinds.clear()
        allowed, forbidden = config.get("allowedAccountIds") or [], config.get("forbiddenAccountIds") or []
        if allowed and self._session.account not in allowed:
            raise ProviderError(
                f"account {self._session.account} is not among allowedAccountIds ({', '.join(allowed)})"
            )
        if forbidden and self._session.account in forbidden:
            raise ProviderError(f"account {self._session.account} is among forbiddenAccountIds")

    def kind(self, token: str) -> Kind:
        """Return the kind of a type token."""
        if token not in ROWS:
            raise ProviderError(f"the sandbox's table has no resource {token!r}{nearest(token, self.tokens())}")
        if token not in self._kinds:
            row = ROWS[token]
            self._kinds[token] = (row.kind or RowKind)(row, self.session)
        return self._kinds[token]

    def tokens(self) -> list[str]:
        """List the resources."""
        return sorted(ROWS)

    def functions(self) -> list[str]:
        """List the data sources."""
        return sorted(invokes.FUNCTIONS)

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answer a data source."""
        return invokes.answer(self.session, token, arguments)

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        return failures.explain(error)

    def cancel(self) -> None:
        """Stop waiting."""
        self.session.cancelled.set()
