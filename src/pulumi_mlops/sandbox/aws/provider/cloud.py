"""AWS as the protocol half sees it: the configured account and the table of kinds."""

import importlib.metadata
from functools import cached_property

from pulumi_mlops.sandbox.aws.provider import failures, invokes
from pulumi_mlops.sandbox.aws.provider.kind import RowKind
from pulumi_mlops.sandbox.aws.provider.session import Session
from pulumi_mlops.sandbox.aws.provider.tables import ROWS
from pulumi_mlops.sandbox.provider.check import nearest
from pulumi_mlops.sandbox.provider.contract import Kind, ProviderError, Values

CONFIG = frozenset(
    {
        "accessKey",
        "allowedAccountIds",
        "assumeRoles",
        "defaultTags",
        "endpoints",
        "forbiddenAccountIds",
        "ignoreTags",
        "maxRetries",
        "profile",
        "region",
        "retryMode",
        "s3UsePathStyle",
        "secretKey",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "token",
    }
)
"""What the provider's configuration may hold. ``ignoreTags`` is refused below unless empty."""


class Aws:
    """The table of AWS's resources, and one account."""

    package = "aws"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_aws")
        self._session: Session | None = None
        self._kinds: dict[str, Kind] = {}

    @cached_property
    def _rows(self) -> dict[str, type[RowKind]]:
        return {token: row.kind or RowKind for token, row in ROWS.items()}

    @property
    def session(self) -> Session:
        """The configured session; the defaults of the environment before the engine has configured anything."""
        if self._session is None:
            self._session = Session({})
        return self._session

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Refuse what the stand-in does not carry."""
        problems = [
            (name, f"the provider has no property {name!r} here{nearest(name, sorted(CONFIG))}")
            for name in config
            if name not in CONFIG
        ]
        if config.get("ignoreTags"):
            problems.append(("ignoreTags", "the stand-in does not carry ignoreTags"))
        return problems

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
        if self._session.account in forbidden if forbidden else False:
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
