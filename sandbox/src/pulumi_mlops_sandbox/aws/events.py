"""What services tell the default event bus of an account.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_mlops_sandbox.aws import accounts


def announce(
    region: str, what: str, detail: Mapping[str, Any], resources: Sequence[str], *, source: str = "aws.sagemaker"
) -> None:
    """Put an event on the bus; what has a rule for it is reached before this returns."""
    event = {
        "Source": source,
        "DetailType": what,
        "Detail": json.dumps(detail, default=_plain),
        "Resources": list(resources),
        "EventBusName": "default",
    }
    accounts.backend("events", region).put_events([event])


def _plain(value: Any) -> Any:
    """Tell times in milliseconds, as events of SageMaker's do."""
    return int(value.timestamp() * 1000) if isinstance(value, dt.datetime) else str(value)
