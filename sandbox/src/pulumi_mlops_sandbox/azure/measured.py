"""Custom metrics of resources, and the alert rules that go by them.

``POST /monitoring/<region>/<resource id>/metrics`` takes one metric, as ``https://<region>.monitoring.azure.com`` does
(https://learn.microsoft.com/azure/azure-monitor/essentials/metrics-store-custom-rest-api).
"""

import datetime as dt
import json
import math
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.azure import access
from pulumi_mlops_sandbox.azure.call import Answer, Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Record

PREFIX = "/monitoring/"
RULES = "Microsoft.Insights/metricAlerts"
WRITE = "Microsoft.Insights/Metrics/Write"
FIRING, CALM = "Unhealthy", "Healthy"
_PAST, _FUTURE = 20 * 60, 5 * 60
"""Seconds around now in which a metric is taken."""
_KEPT = 2 * 24 * 3600
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_FILTER = re.compile(r"(?P<name>\w+) eq '(?P<value>[^']*)'")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqual": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqual": operator.le,
    "Equals": operator.eq,
}
_AGGREGATED: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Total": sum,
    "Average": lambda values: sum(values) / len(values),
    "Count": len,
}


def answer(tenant: Tenant, request: Request, path: str, principal: str) -> Answer:
    """Answer a request for the address by which metrics are sent."""
    try:
        body = json.loads(request.get_data())
    except ValueError:
        body = None
    return take(tenant, request.method, path, body, principal)


def take(tenant: Tenant, method: str, path: str, body: Any, principal: str) -> Answer:
    """Take a metric of a resource, by where that is and what is sent."""
    region, _, rest = path.removeprefix(PREFIX).partition("/")
    if method != "POST" or not rest.endswith("/metrics"):
        raise ArmError("NotFound", "Metrics are sent by POST to <resource id>/metrics.", 404)
    identity = f"/{rest.removesuffix('/metrics')}"
    resource = tenant.store.get(identity)
    if resource is None:
        raise ArmError("ResourceNotFound", f"There is no resource '{identity}'.", 404)
    if not access.allowed(tenant, principal, WRITE, resource.id, data=True):
        raise ArmError("Forbidden", f"'{principal}' lacks '{WRITE}' on '{resource.id}'.", 403)
    where = str(resource.body.get("location", region)).replace(" ", "").lower()
    if where != region.lower():
        raise ArmError("BadRequest", f"The resource is in '{where}', and its metrics are not taken in '{region}'.")
    found = _read(body)
    now = time.time()
    tenant.store.metrics = [one for one in tenant.store.metrics if now - one["at"] < _KEPT]
    tenant.store.metrics += [{"resource": resource.key, **one} for one in found]
    for rule in tenant.store.of_type(RULES):
        if resource.key in {str(scope).lower() for scope in rule.properties.get("scopes", [])}:
            _judge(tenant, rule, resource.key)
    tenant.saver.soon()
    return Answer(200, {})


def _read(body: Any) -> list[dict[str, Any]]:
    """Read the body: one metric at one time, a row for each combination of dimensions."""
    try:
        base = body["data"]["baseData"]
        at = dt.datetime.fromisoformat(body["time"]).timestamp()
        names, series = list(base.get("dimNames", [])), list(base["series"])
        metric, namespace = str(base["metric"]), str(base["namespace"])
        rows = [
            (list(one.get("dimValues", [])), [float(one[key]) for key in ("min", "max", "sum")], int(one["count"]))
            for one in series
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ArmError("BadRequest", f"The body is no metric: {error!r}.") from None
    if not -_FUTURE <= time.time() - at <= _PAST:
        raise ArmError("BadRequest", f"'{body['time']}' is not within 20 minutes of the past and 5 of the future.")
    if len(names) > 10 or any(len(names) != len(values) for values, _, _ in rows):  # noqa: PLR2004 (the service's limit)
        raise ArmError("BadRequest", "dimNames and dimValues are not of one length, or more than 10.")
    if not all(math.isfinite(value) for _, values, _ in rows for value in values):
        raise ArmError("BadRequest", "A value is no finite number.")
    return [
        {
            "namespace": namespace,
            "metric": metric,
            "marks": dict(zip(names, values, strict=True)),
            "value": numbers[2] / count if count else 0.0,
            "at": at,
        }
        for values, numbers, count in rows
    ]


def counted(tenant: Tenant, resource: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """Count the metrics of a resource, as ``Microsoft.Insights/metrics`` does: one number for the whole span.

    https://learn.microsoft.com/rest/api/monitor/metrics/list
    """
    known = [one for one in tenant.store.metrics if one["resource"] == resource.lower()]
    name, namespace = asked.get("metricnames", ""), asked.get("metricnamespace", "")
    named = [one for one in known if (one["metric"], one["namespace"]) == (name, namespace)]
    if not named:
        said = f"Failed to find metric configuration for provider, namespace '{namespace}', metric '{name}'."
        raise ArmError("BadRequest", said)
    if asked.get("aggregation") != "count":
        raise ArmError("BadRequest", "The sandbox counts metrics, and does nothing else: aggregation=count.")
    mark = _FILTER.fullmatch(asked.get("$filter", ""))
    since, until = (dt.datetime.fromisoformat(part).timestamp() for part in asked["timespan"].split("/"))
    meant = [
        one
        for one in named
        if since <= one["at"] <= until and (mark is None or one["marks"].get(mark["name"]) == mark["value"])
    ]
    data = [{"timeStamp": asked["timespan"].split("/")[0], "count": len(meant)}]
    return {"value": [{"name": {"value": name}, "timeseries": [{"data": data}] if meant else []}]}


def _judge(tenant: Tenant, rule: Record, resource: str) -> None:
    """Let a rule fire, or be resolved, where all that it looks at was measured."""
    window = _seconds(str(rule.properties.get("windowSize", "")))
    held: list[bool] = []
    for one in rule.at("properties.criteria.allOf", []):
        values = [
            row["value"]
            for row in tenant.store.metrics
            if row["resource"] == resource and time.time() - row["at"] <= window and _meant(one, row)
        ]
        compare, gather = _COMPARED.get(str(one.get("operator"))), _AGGREGATED.get(str(one.get("timeAggregation")))
        if not values or compare is None or gather is None:
            return
        held.append(compare(gather(values), float(one["threshold"])))
    state = FIRING if held and all(held) else CALM
    if tenant.store.alerts.get(rule.key, CALM) != state:
        tenant.store.alerts[rule.key] = state
        tenant.store.fired[rule.key] = time.time()


def _meant(criterion: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    if (str(criterion.get("metricNamespace")).lower(), criterion.get("metricName")) != (
        row["namespace"].lower(),
        row["metric"],
    ):
        return False
    return all(
        (row["marks"].get(one["name"]) in one["values"] or "*" in one["values"]) == (one.get("operator") != "Exclude")
        for one in criterion.get("dimensions") or []
    )


def _seconds(duration: str) -> float:
    found = _DURATION.fullmatch(duration)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ((days * 24 + hours) * 60 + minutes) * 60.0
