"""Measurements that are missing: no rule of Azure Monitor fires where there is no data, so a workflow looks for it.

Each hour it counts what was measured within the time that was given, and sends whether that is nothing as a metric of
its own, by which a rule fires as by any other.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import logic

from pulumi_mlops.backends.azure import access, names, workflows
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.primitives import Watch
from pulumi_mlops.jobs.measure import MEASURED

MISSING = "missing"
"""The metric that says whether nothing was measured: 1 where that is so."""
_INGESTION = "https://monitoring.azure.com/"
_API = "2018-01-01"
_HOURLY = {"frequency": "Hour", "interval": 1}


def looking(
    scope: Scope, wanted: Watch, at: PlatformAddress, endpoint: Input[str], marks: tuple[str, str]
) -> dict[str, pulumi.Resource]:
    """Make what looks, as an identity that reads and sends metrics of the endpoint and of nothing else.

    :param marks: the namespace of the metrics, and their one dimension.
    """
    who = access.managed(scope, at.group, at.location, "watch-looks", scope.name, "looks")
    where = f"measures-{wanted.name}"
    given = [Right(role, endpoint, where) for role in ("Monitoring Reader", "Monitoring Metrics Publisher")]
    assigned = access.assign(scope, who.principal_id, at.subscription, given, part="watch")
    identity = access.known_with(who, assigned)
    made = logic.Workflow(
        scope.child("watch-looking"),
        workflow_name=names.inside(scope.project, scope.stage, scope.name, "looks", limit=workflows.NAME),
        resource_group_name=at.group,
        location=at.location,
        identity=workflows.identity(identity),
        state="Enabled",
        definition=workflows.definition(_HOURLY, _actions(identity.id, at.location, endpoint, marks, wanted)),
        tags=scope.tags,
        opts=scope.opts,
    )
    return {"looks": made, "looks_as": who}


def _actions(
    who: Input[str], location: Input[str], endpoint: Input[str], marks: tuple[str, str], wanted: Watch
) -> Mapping[str, workflows.Action]:
    (namespace, dimension), name = marks, wanted.name
    minutes = round((wanted.stale_after_hours or 0) * 60)
    span = f"@{{addMinutes(utcNow(), -{minutes})}}/@{{utcNow()}}"
    counted = Output.format(
        "{0}{1}/providers/Microsoft.Insights/metrics?api-version={2}&metricnamespace={3}&metricnames={4}"
        "&aggregation=count&interval=PT1H&timespan={5}&$filter={6}%20eq%20'{7}'",
        workflows.MANAGEMENT,
        endpoint,
        _API,
        namespace,
        MEASURED,
        span,
        dimension,
        name,
    )
    told = _some("body('measured')?['value']")
    series = _some(f"first({told})?['timeseries']")
    value = "@if(equals(length(body('found')), 0), 1, 0)"
    row: dict[str, Any] = {"dimValues": [name], **dict.fromkeys(("min", "max", "sum"), value), "count": 1}
    base = {"metric": MISSING, "namespace": namespace, "dimNames": [dimension], "series": [row]}
    sent = workflows.call(
        "POST",
        Output.format("https://{0}.monitoring.azure.com{1}/metrics", location, endpoint),
        who,
        body={"time": "@{utcNow()}", "data": {"baseData": base}},
        after=["found"],
        audience=_INGESTION,
    )
    found = workflows.chosen("@" + _some(f"first({series})?['data']"), "@greater(coalesce(item()?['count'], 0), 0)")
    # Before the first measurement there is no such metric, and asking for it fails.
    found["runAfter"] = {"measured": ["Succeeded", "Failed"]}
    return {"measured": workflows.call("GET", counted, who), "found": found, "tell": sent}


def _some(listed: str) -> str:
    """Write a list that is empty where there is none: what fails has no value."""
    return f"coalesce({listed}, json('[]'))"
