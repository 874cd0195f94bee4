"""What of the library's own resources the shipped tables have no price for, each with the reason: one list."""

import fnmatch
from typing import Final, NamedTuple

from pulumi_mlops.policies.costs.uses import Use

_NO_SOURCE: Final = "no public source of a rate was found"
_FREE_CLAIM: Final = "no rate of AWS was found; others call it free of charge, and AWS was not found to say so"


class Unpriced(NamedTuple):
    """A part without a price, by patterns."""

    cloud: str
    service: str
    component: str
    sku: str
    reason: str


ROWS: Final = (
    Unpriced("aws", "sagemaker", "features-*", "*", _NO_SOURCE),
    Unpriced("aws", "sagemaker", "mlflow-app", "*", _FREE_CLAIM),
    Unpriced("aws", "sagemaker", "mlflow", "*", _NO_SOURCE),
    Unpriced("aws", "sagemaker", "serverless*", "*", _NO_SOURCE),
    Unpriced("aws", "sagemaker", "cluster", "*", _NO_SOURCE),
    Unpriced("aws", "sagemaker", "hosting-storage", "*", "the source that was found is of eu-west-1"),
    Unpriced("azure", "azureml", "serverless-spark", "*", _NO_SOURCE),
    Unpriced("azure", "azureml", "runs", "*", "the machine of such a run is nowhere in the program"),
    Unpriced("azure", "storage", "*", "*_ZRS*", "the sources that were found are of one zone"),
    Unpriced("azure", "storage", "*", "*hierarchical", "the sources that were found are of accounts without folders"),
    Unpriced("azure", "azure-firewall", "hour", "*", "the source that was found is of eastus"),
    Unpriced("azure", "monitor", "query-alert", "*", _NO_SOURCE),
)


def reason(cloud: str, use: Use) -> str:
    """Say why a use has no price in the shipped tables; nothing of one for which that is not known."""
    for row in ROWS:
        patterns = zip((use.service, use.component, use.sku), row[1:4], strict=True)
        if row.cloud == cloud and all(fnmatch.fnmatchcase(value, pattern) for value, pattern in patterns):
            return row.reason
    return ""
