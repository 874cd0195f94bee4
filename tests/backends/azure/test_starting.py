"""What starts a pipeline on Azure: workflows that look for what is new, and whether a run goes on."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import DatasetRef, InvalidArgs
from pulumi_mlops_sandbox.azure import expressions
from support.facts.azure import HUB, IMAGE, SETTINGS, WORKSPACE
from support.mocks import Cloud, Registration

ASSET = f"{WORKSPACE}/data/churn-dev-rows"
ROWS = DatasetRef(
    name="rows",
    backend="azure",
    platform=HUB,
    location="https://rows.blob.core.windows.net/files/",
    address={"container": "/subscriptions/s/c", "asset": ASSET},
)
RULE = "/subscriptions/S/resourceGroups/Theirs/providers/Microsoft.Insights/metricAlerts/Drift"
WEEKLY: Any = {"cron": "30 3 * * MON,WED", "timezone": "Europe/Berlin"}
NOW = dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC)


def build(**args: Any) -> Cloud:
    cloud = Cloud()

    def program() -> Any:
        steps = {"fit": mlops.train(image=IMAGE, command=["train"])}
        return {"ref": mlops.Pipeline("retrain", **({"platform": HUB, "steps": steps} | args)).ref.export()}

    cloud.run(program, **SETTINGS)
    return cloud


def workflow(cloud: Cloud) -> dict[str, Any]:
    (found,) = [item for item in cloud.registered if item.type.endswith(":Workflow")]
    definition: dict[str, Any] = found.inputs["definition"]
    return definition


def assigned(cloud: Cloud) -> list[Registration]:
    return [item for item in cloud.registered if item.type.endswith(":RoleAssignment")]


def holds(expression: str, item: Any) -> bool:
    """Judge an item as the service would at noon."""
    known = {**expressions.KNOWN, "item": lambda: item, "trigger": lambda: {"startTime": NOW.isoformat()}}
    return bool(expressions.evaluate(expression, known))


def ago(minutes: int) -> str:
    return (NOW - dt.timedelta(minutes=minutes)).isoformat()


def test_a_version_of_a_data_asset_starts_a_run_once() -> None:
    cloud = build(triggers=[{"data": ROWS}])
    actions = workflow(cloud)["actions"]
    assert actions["versions"]["inputs"]["uri"].startswith(f"https://management.azure.com{ASSET}/versions?")
    where = actions["new"]["inputs"]["where"]
    assert holds(where, {"systemData": {"createdAt": ago(3)}})
    assert not holds(where, {"systemData": {"createdAt": ago(30)}})
    start = actions["each"]["actions"]["start"]["inputs"]
    assert "concat('retrain-', 'rows-', items('each')?['name'])" in start["uri"], "a version is one job"
    assert ASSET in [item.inputs["scope"] for item in assigned(cloud)]


def test_an_alert_starts_a_run_when_its_rule_has_fired() -> None:
    cloud = build(triggers=[{"alarm": RULE}])
    actions = workflow(cloud)["actions"]
    group = RULE.partition("/providers/")[0]
    assert f"azure.com{group}/providers/Microsoft.AlertsManagement/alerts?" in actions["versions"]["inputs"]["uri"]

    def fired(rule: str, minutes: int) -> bool:
        essentials = {"alertRule": rule, "startDateTime": ago(minutes)}
        return holds(actions["new"]["inputs"]["where"], {"properties": {"essentials": essentials}})

    assert fired(RULE.replace("Drift", "drift"), 3)
    assert not fired(RULE.replace("Drift", "other"), 3)
    assert not fired(RULE, 30)
    assert group in [item.inputs["scope"] for item in assigned(cloud)]


def test_where_runs_may_not_overlap_a_workflow_is_the_schedule() -> None:
    cloud = build(schedule=WEEKLY, overlap="skip")
    assert not [item for item in cloud.registered if item.type.endswith(":Schedule")]
    definition = workflow(cloud)
    assert definition["triggers"]["every"]["recurrence"] == {
        "frequency": "Week",
        "interval": 1,
        "timeZone": "W. Europe Standard Time",
        "schedule": {"hours": ["3"], "minutes": [30], "weekDays": ["Monday", "Wednesday"]},
    }
    actions = definition["actions"]

    def goes_on(experiment: str, status: str) -> bool:
        job = {"properties": {"experimentName": experiment, "status": status}}
        return holds(actions["going"]["inputs"]["where"], job)

    assert goes_on("churn-dev-retrain", "Running")
    assert goes_on("churn-dev-retrain", "Queued")
    assert not goes_on("churn-dev-retrain", "Failed")
    assert not goes_on("churn-dev-score", "Running")
    last = actions["unless_one_goes_on"]
    assert last["expression"] == {"equals": ["@length(body('going'))", 0]}
    assert (list(last["actions"]), last["else"]["actions"]) == (["start"], {})


def test_where_runs_may_not_overlap_each_event_looks_first() -> None:
    each = workflow(build(triggers=[{"data": ROWS}], overlap="skip"))["actions"]["each"]["actions"]
    assert set(each) == {"runs", "going", "unless_one_goes_on"}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"triggers": [{"data": replace(ROWS, address={})}]}, "has no data asset"),
        ({"triggers": [{"alarm": "drift"}]}, "is no id of an alert rule"),
        ({"schedule": {"cron": "0 3 1 * *"}, "overlap": "skip"}, "names days of the month"),
        ({"triggers": [{"data": replace(ROWS, platform=replace(HUB, backend="aws"))}]}, "lives on 'aws'"),
    ],
    ids=["no asset", "no rule", "days of the month", "elsewhere"],
)
def test_what_cannot_be_looked_for_is_refused(args: Any, told: str) -> None:
    with pytest.raises(InvalidArgs, match=told):
        build(**args)
