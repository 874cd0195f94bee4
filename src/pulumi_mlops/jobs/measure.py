"""Send numbers to where they are watched: CloudWatch, Azure Monitor, or a Pushgateway of Prometheus.

    measure.put(os.environ["MLOPS_WATCH"], {"data_drift": 0.31, "rows": 5120}, datetime.now(timezone.utc))

An address says which of them it is, and carries what every number is marked with:

    cloudwatch://eu-west-1/mlops-monitors/churn-dev/drift?Endpoint=score&Monitor=drift
    azure-monitor://westeurope/subscriptions/…/onlineEndpoints/score?namespace=mlops&Monitor=drift
    http://drift-metrics.churn-dev:9091/metrics/job/mlops/endpoint/score/monitor/drift

Beside the numbers it sends that it measured, so that nothing being measured is seen as well. Only the standard library
is used: boto3, or azure-identity, is needed where such an address is met.
"""

from __future__ import annotations

import json
import math
import os
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

MEASURED = "measured"
"""The number that only says that something was measured: 1, or the time in seconds at a Pushgateway."""
PREFIX = "mlops_"
"""What names begin with at a Pushgateway, where numbers of everybody are side by side."""
NAMESPACE = "namespace"
"""The part of an address of Azure Monitor that is no mark of a number."""
PAUSES = (1.0, 4.0, 15.0)
"""Seconds to wait before each further try, where a server is not there or is busy."""
_SECONDS = 30
_TOLD = 500


class MeasureError(Exception):
    """Numbers were not taken; the text says where, and why."""


def put(address: str, values: Mapping[str, float], at: dt.datetime) -> None:
    """Send numbers that were measured at one time.

    :param at: with its zone. Alarms look at what is new: give the time of now, not that of the data.
    :raises MeasureError: they were not taken.
    """
    if wrong := sorted(name for name, value in values.items() if not math.isfinite(value)):
        raise MeasureError(f"{', '.join(wrong)}: no finite number; leave out what was not measured")
    form = {"cloudwatch": _cloudwatch, "azure-monitor": _azure_monitor, "http": _pushgateway}.get(
        urlsplit(address).scheme
    )
    if form is None:
        raise MeasureError(f"{address!r} is no address for numbers; cloudwatch://, azure-monitor:// and http:// are")
    try:
        form(address, values, at.timestamp())
    except ImportError as error:
        raise MeasureError(f"{address} is sent to with {error.name}, which this image does not have") from None
    except MeasureError:
        raise
    except Exception as error:
        raise MeasureError(f"{address} did not take the numbers: {type(error).__name__}: {error}") from error


def _cloudwatch(address: str, values: Mapping[str, float], at: float) -> None:
    """Put metrics (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html)."""
    import boto3  # noqa: PLC0415 (needed for such an address only)

    parts = urlsplit(address)
    dimensions = [{"Name": name, "Value": value} for name, value in parse_qsl(parts.query)]
    boto3.client("cloudwatch", region_name=parts.netloc).put_metric_data(
        Namespace=parts.path.removeprefix("/"),
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": float(value)}
            for name, value in {**values, MEASURED: 1.0}.items()
        ],
    )


def _azure_monitor(address: str, values: Mapping[str, float], at: float) -> None:
    """Put metrics (https://learn.microsoft.com/azure/azure-monitor/essentials/metrics-store-custom-rest-api)."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (needed for such an address only)

    parts = urlsplit(address)
    marks = dict(parse_qsl(parts.query))
    namespace = marks.pop(NAMESPACE)
    client = os.environ.get("AZURE_CLIENT_ID") or os.environ.get("DEFAULT_IDENTITY_CLIENT_ID")
    token = DefaultAzureCredential(managed_identity_client_id=client).get_token("https://monitoring.azure.com/.default")
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    for name, value in {**values, MEASURED: 1.0}.items():
        series = {"dimValues": list(marks.values()), "min": value, "max": value, "sum": value, "count": 1}
        found = {"metric": name, "namespace": namespace, "dimNames": list(marks), "series": [series]}
        _send(
            f"https://{parts.netloc}.monitoring.azure.com{parts.path}/metrics",
            json.dumps({"time": when, "data": {"baseData": found}}).encode(),
            method="POST",
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token.token}"},
        )


def _pushgateway(address: str, values: Mapping[str, float], at: float) -> None:
    """Replace a group (https://github.com/prometheus/pushgateway#put-method)."""
    lines = []
    for name, value in {**values, f"{MEASURED}_seconds": at}.items():
        lines += [f"# TYPE {PREFIX}{name} gauge", f"{PREFIX}{name} {value!r}"]
    # What was measured before and is not now goes with it: a number that stays would stay an alarm.
    _send(address, ("\n".join(lines) + "\n").encode(), method="PUT", headers={"Content-Type": "text/plain"})


def _send(url: str, body: bytes, *, method: str, headers: Mapping[str, str]) -> None:
    """Send a request, again where the server is not there or is busy."""
    for pause in (*PAUSES, None):
        asked = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 (of an address that was judged)
        try:
            with urllib.request.urlopen(asked, timeout=_SECONDS):  # noqa: S310 (as above)
                return
        except urllib.error.HTTPError as refused:
            told = refused.read(_TOLD).decode(errors="replace").strip()
            if pause is None or (refused.code < 500 and refused.code != 429):  # noqa: PLR2004 (of HTTP)
                raise MeasureError(f"{url} answered {refused.code}: {told}") from None
        except OSError as failed:
            if pause is None:
                raise MeasureError(f"{url} was not reached: {failed}") from None
        time.sleep(pause)
