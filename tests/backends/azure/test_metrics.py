"""What is measured of an endpoint on Azure: rules look at what the program sends, and a step may send of it alone."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import azure.identity
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.azure.metrics import DIMENSION
from pulumi_mlops.jobs import measure
from support.facts.azure import GROUP_PATH, HUB, IMAGE, SETTINGS, WORKSPACE
from support.mocks import Cloud
from support.watching import AT, DRIFT, sending, watched

ID = f"{WORKSPACE}/onlineEndpoints/churn-dev-score"
ENDPOINT = mlops.EndpointRef(
    name="score", backend="azure", platform=HUB, status="live", address={"name": "churn-dev-score", "id": ID}
)
PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
RULE = "monitor/MetricAlert"


def declare(cloud: Cloud, endpoint: mlops.EndpointRef = ENDPOINT, **args: Any) -> dict[str, Any]:
    def program() -> Any:
        ref = watched(HUB, endpoint, **args)
        steps = {"drift": sending(ref, IMAGE)}
        mlops.Pipeline("runs", platform=HUB, steps=steps)
        return {"address": ref.address, "alarms": dict(ref.alarms), "stale": ref.stale}

    found: dict[str, Any] = cloud.run(program, **SETTINGS)
    return found


def criterion(cloud: Cloud, part: str) -> dict[str, Any]:
    (found,) = cloud.one(RULE, f"drift-watch-{part}").inputs["criteria"]["allOf"]
    return dict(found)


def sent(monkeypatch: pytest.MonkeyPatch, address: str, **values: float) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return resource, namespace and dimensions of what the program sends to an address, by metric."""
    found: dict[str, tuple[str, str, dict[str, str]]] = {}

    class Credential:
        token = "t"

        def __init__(self, **_options: Any) -> None: ...

        def get_token(self, _scope: str) -> "Credential":
            return self

    def keep(url: str, body: bytes, **_how: Any) -> None:
        parts = urlsplit(url)
        assert parts.hostname == "westeurope.monitoring.azure.com"
        one = json.loads(body)["data"]["baseData"]
        (series,) = one["series"]
        marks = dict(zip(one["dimNames"], series["dimValues"], strict=True))
        found[one["metric"]] = (parts.path.removesuffix("/metrics"), one["namespace"], marks)

    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Credential)
    monkeypatch.setattr(measure, "_send", keep)
    measure.put(address, values, AT)
    return found


def test_rules_and_workbook_look_at_what_is_sent(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    found = declare(cloud)
    taken = sent(monkeypatch, found["address"], data_drift=0.3, model_quality=0.9, rows=7)
    for part in ("data-drift", "model-quality"):
        rule, one = cloud.one(RULE, f"drift-watch-{part}").inputs, criterion(cloud, part)
        dimensions = {mark["name"]: mark["values"][0] for mark in one["dimensions"]}
        assert (rule["scopes"][0], one["metricNamespace"], dimensions) == taken[one["metricName"]]
    book = cloud.one("applicationinsights/Workbook").document("serializedData")
    for chart in book["items"]:
        (drawn,), (mark,) = chart["content"]["metrics"], chart["content"]["filters"]
        namespace, name = drawn["metric"].split("--")
        assert taken[name] == (chart["content"]["resourceIds"][0], namespace, {mark["key"]: mark["values"][0]})
    assert [one["content"]["title"] for one in book["items"]] == [
        f"data_drift (an alarm above {DRIFT.threshold})",
        "model_quality (an alarm below 0.85)",
        "rows",
    ]
    assert set(taken["rows"][2]) == {DIMENSION}


def test_bounds_are_rules_that_are_told(cloud: Cloud) -> None:
    found = declare(cloud)
    drift, accuracy = criterion(cloud, "data-drift"), criterion(cloud, "model-quality")
    assert (drift["operator"], drift["timeAggregation"], drift["threshold"]) == ("GreaterThan", "Maximum", 0.2)
    assert (accuracy["operator"], accuracy["timeAggregation"]) == ("LessThan", "Minimum")
    told = [{"actionGroupId": f"{GROUP_PATH}/providers/Microsoft.Insights/actionGroups/churn-dev-alerts"}]
    assert [one.inputs["actions"] for one in cloud.all(RULE) if "watch" in one.name] == [told, told]
    assert [
        name for name, id_ in found["alarms"].items() if not cloud.preview and name.replace("_", "-") not in id_
    ] == []
    assert list(found["alarms"]) == ["data_drift", "model_quality"]


def test_nobody_is_told_where_nobody_wants_to_be(cloud: Cloud) -> None:
    declare(cloud, alerts=False)
    assert [one.inputs.get("actions", []) for one in cloud.all(RULE) if "watch" in one.name] == [[], []]


def test_nothing_measured_is_a_measurement_of_a_workflow(cloud: Cloud) -> None:
    found = declare(cloud, stale_after_hours=2.5)
    one = criterion(cloud, "missing")
    assert (one["metricName"], one["operator"], one["threshold"]) == ("missing", "GreaterThan", 0)
    flow = cloud.one("logic/Workflow", "drift-watch-looking").inputs["definition"]
    assert flow["triggers"]["every"]["recurrence"] == {"frequency": "Hour", "interval": 1}
    measured, tell = flow["actions"]["measured"]["inputs"], flow["actions"]["tell"]["inputs"]
    assert measured["uri"].startswith(f"https://management.azure.com{ID}/providers/Microsoft.Insights/metrics?")
    assert "timespan=@{addMinutes(utcNow(), -150)}/@{utcNow()}" in measured["uri"]
    assert tell["uri"] == f"https://westeurope.monitoring.azure.com{ID}/metrics"
    base = tell["body"]["data"]["baseData"]
    assert (base["namespace"], base["dimNames"], base["series"][0]["dimValues"]) == (
        one["metricNamespace"],
        [one["dimensions"][0]["name"]],
        one["dimensions"][0]["values"],
    )
    if not cloud.preview:
        assert "missing" in found["stale"]
    looks = [item.inputs for item in cloud.all("authorization/RoleAssignment") if item.name.startswith("drift-watch-")]
    assert {item["scope"] for item in looks} == {ID}
    assert {item["roleDefinitionId"].rpartition("/")[2] for item in looks} == {
        PUBLISHER,
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    }


def test_the_workbook_has_one_name_for_good() -> None:
    clouds = Cloud(), Cloud()
    for cloud in clouds:
        declare(cloud)
    first, second = (one.one("applicationinsights/Workbook").inputs["resourceName"] for one in clouds)
    assert first == second
    assert len(first) == 36


def test_a_step_may_send_metrics_of_the_endpoint_and_of_nothing_else(cloud: Cloud) -> None:
    found = declare(cloud)
    given = [
        one.inputs["scope"]
        for one in cloud.all("authorization/RoleAssignment")
        if one.inputs["roleDefinitionId"].endswith(PUBLISHER)
    ]
    assert given == [ID]
    specs = [
        json.dumps(one.inputs["properties"]["componentSpec"])
        for one in cloud.all("machinelearningservices/ComponentVersion")
    ]
    nodes = " ".join(specs)
    assert found["address"] in nodes, "the container is told where it sends"


def test_an_endpoint_without_an_id_is_named_by_its_workspace(cloud: Cloud) -> None:
    declare(cloud, replace(ENDPOINT, address={"name": "churn-dev-score"}))
    assert cloud.one(RULE, "drift-watch-data-drift").inputs["scopes"] == [ID]
