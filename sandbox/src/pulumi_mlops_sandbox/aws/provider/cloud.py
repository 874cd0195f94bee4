"""AWS as the protocol half sees it: the configured account and the table of kinds."""

import importlib.metadata

from pulumi_mlops_sandbox.aws.provider import failures, invokes
from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.aws.provider.tables import ROWS
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values
from pulumi_mlops_sandbox.provider.tabled import Tabled

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


class Aws(Tabled[Session, RowKind]):
    """The table of AWS's resources, and one account."""

    package = "aws"
    known, moot = CONFIG, MOOT

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_aws")
        super().__init__(ROWS, Session, RowKind)

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Say which changes mean other resources: only the region, as in the real provider."""
        return ["region"]

    def configure(self, config: Values) -> None:
        """Open the session and check the account."""
        super().configure(config)
        allowed, forbidden = config.get("allowedAccountIds") or [], config.get("forbiddenAccountIds") or []
        if allowed and self.session.account not in allowed:
            raise ProviderError(f"account {self.session.account} is not among allowedAccountIds ({', '.join(allowed)})")
        if forbidden and self.session.account in forbidden:
            raise ProviderError(f"account {self.session.account} is among forbiddenAccountIds")

    def functions(self) -> list[str]:
        """List the data sources."""
        return sorted(invokes.FUNCTIONS)

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answer a data source."""
        return invokes.answer(self.session, token, arguments)

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        return failures.explain(error)
