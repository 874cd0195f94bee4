"""The client on Azure: jobs as Azure Resource Manager has them, their steps as the run history tells of them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import EndpointRef, MlopsError, ModelRef, NotFound, PipelineRef
from pulumi_mlops.backends.azure import sessions
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.backends.azure.client import CLIENT
from pulumi_mlops.backends.azure.sessions import Answer
from pulumi_mlops.clients.lineage import Making, Read, Unknown, Version
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.core import private
from support.facts.azure import HUB, IMAGE
from support.mocks import Cloud

WORKSPACE = str(PlatformAddress.of(HUB).workspace_id)
CALLED = "churn-dev-models-churn"
MODEL = ModelRef(
    name="churn",
    backend="azure",
    platform=HUB,
    address={"id": f"{WORKSPACE}/models/{CALLED}", "called": CALLED},
)
COMPONENT = f"{WORKSPACE}/components/churn_dev_retrain/versions/abc"
HISTORY = f"https://westeurope.api.azureml.ms/history/v1.0{WORKSPACE}/runs/retrain-1"
RETRAIN = PipelineRef(
    name="retrain",
    backend="azure",
    platform=HUB,
    runs="https://x/pipelines/retrain/",
    parameters={"days-back": 30, "least": 0.9},
    address={"id": COMPONENT, "experiment": "churn-dev-retrain", "client": "c-1"},
)
SCORE = EndpointRef(
    name="score",
    backend="azure",
    platform=HUB,
    url="https://x",
    status="live",
    variants=["main"],
    address={"name": "churn-dev-score"},
)


class Azure:
    """Answers by method and path, and keeps what it was sent."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {
            WORKSPACE: {"properties": {"discoveryUrl": "https://westeurope.api.azureml.ms/discovery"}}
        }
        self.sent: list[tuple[str, str, Any]] = []
        self.audiences: dict[str, str | None] = {}

    def ask(self, _: Any, method: str, path: str, version: str, **more: Any) -> Answer:
        self.sent.append((method, path, more.get("body")))
        self.audiences[path] = more.get("audience")
        assert bool(version) == path.startswith("/")
        if method == "PUT":
            return Answer(201, {})
        found = self.there.get(path)
        return Answer(404, {"error": {"code": "NotFound"}}) if found is None else Answer(200, found)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    made = Azure()
    monkeypatch.setattr(sessions, "ask", made.ask)
    monkeypatch.setattr(private, "mocked", lambda: False)
    return made


@pytest.fixture(scope="module")
def component() -> dict[str, Any]:
    """Render a pipeline with a condition."""
    image: Any = {"image": IMAGE, "command": ["run"], "compute": {"cpus": 4, "memory_gb": 14}}
    rows = mlops.prepare(**image, outputs=["rows"], parameters={"days": mlops.parameter("days-back")})
    fit = mlops.train(**image, inputs={"x": rows.out("rows")})
    judge = mlops.evaluate(**image, inputs={"m": fit.out("model")}, metrics=["auc"])
    keep = mlops.register(MODEL, fit.out("model"), when=judge.metric("auc") >= mlops.parameter("least"))
    steps = {"rows": rows, "fit-it": fit, "judge": judge, "keep": keep}
    cloud = Cloud()
    given = {"days-back": 30, "least": 0.9}
    cloud.run(lambda: mlops.Pipeline("retrain", platform=HUB, steps=steps, parameters=given) and None)
    (found,) = (
        one.inputs["properties"]["componentSpec"]
        for one in cloud.registered
        if one.type.endswith(":ComponentVersion") and one.inputs["properties"]["componentSpec"]["type"] == "pipeline"
    )
    return {"properties": {"componentSpec": found}}


def child(name: str, status: str = "Completed", **facts: Any) -> dict[str, Any]:
    # As azure.ai.ml._restclient.runhistory.models.Run has them.
    return {
        "runId": f"id-of-{name}",
        "displayName": name,
        "status": status,
        "startTimeUtc": "2026-11-30T03:00:00.1234567+00:00",
        "endTimeUtc": "2026-11-30T03:02:00+00:00",
        **facts,
    }


def ran(azure: Azure, component: Mapping[str, Any], status: str, *children: dict[str, Any]) -> None:
    """Have a job and its steps, in two pages."""
    given = {"days_back": {"jobInputType": "literal", "value": "7"}}
    job = {"status": status, "experimentName": "churn-dev-retrain", "componentId": COMPONENT, "inputs": given}
    azure.there[f"{WORKSPACE}/jobs/retrain-1"] = {"name": "retrain-1", "properties": job}
    azure.there[COMPONENT] = dict(component)
    azure.there[HISTORY] = child("retrain", status, error={"error": {"code": "UserError", "message": "a step failed"}})
    azure.there[f"{HISTORY}/children"] = {"value": list(children)}


def test_a_run_is_a_job_of_the_component(azure: Azure) -> None:
    name = CLIENT.start(RETRAIN, {"days-back": "7"})
    ((method, path, body),) = azure.sent
    assert (method, path) == ("PUT", f"{WORKSPACE}/jobs/{name}")
    job = body["properties"]
    assert (job["componentId"], job["experimentName"]) == (COMPONENT, "churn-dev-retrain")
    assert {key: one["value"] for key, one in job["inputs"].items()} == {"days_back": "7", "least": "0.9"}
    assert job["identity"] == {"identityType": "Managed", "clientId": "c-1"}
    assert job["tags"]["component"] == "Pipeline/retrain"


def test_the_newest_runs_are_listed(azure: Azure) -> None:
    def job(name: str, day: int, experiment: str = "churn-dev-retrain", status: str = "Completed") -> dict[str, Any]:
        made = {"createdAt": f"2026-11-{day}T03:00:00.1234567+00:00"}
        return {"name": name, "systemData": made, "properties": {"experimentName": experiment, "status": status}}

    listed = [job("older", 28), job("else", 30, "another"), job("newest", 30, status="Running"), job("oldest", 27)]
    azure.there[f"{WORKSPACE}/jobs"] = {"value": listed}
    found = CLIENT.runs(RETRAIN, 2)
    assert [(one.id, one.state, one.began and one.began.day) for one in found] == [
        ("newest", "running", 30),
        ("older", "succeeded", 28),
    ]


def test_the_platforms_budget_says_what_was_spent(azure: Azure) -> None:
    cloud = Cloud()
    given: dict[str, Any] = {"backend": "azure", "alerts": ["ml@example.com"], "monthly_budget": 200}
    with pytest.MonkeyPatch.context() as mocked:
        mocked.setattr(private, "mocked", lambda: True)
        cloud.run(lambda: mlops.Platform("churn", **given) and None)
    name, group = cloud.one("consumption/Budget").inputs["budgetName"], PlatformAddress.of(HUB).group
    found = CLIENT.spent(HUB)
    assert isinstance(found, Unknown)
    assert "write monthly_budget=…" in found.why
    path = f"{WORKSPACE.partition('/resourceGroups/')[0]}/resourceGroups/{group}/providers/Microsoft.Consumption"
    azure.there[f"{path}/budgets/{name}"] = {"properties": {"amount": 200, "timeGrain": "Monthly"}}
    assert CLIENT.spent(HUB) == Unknown(f"Azure has not said yet what budget {name} counts")
    spent = {"amount": 46.5, "unit": "EUR"}
    azure.there[f"{path}/budgets/{name}"]["properties"]["currentSpend"] = spent
    assert CLIENT.spent(HUB) == Spent(amount=46.5, currency="EUR", budget=200.0, of=f"resource group {group}")


def test_steps_are_told_by_the_history(azure: Azure, component: Any) -> None:
    ran(azure, component, "Running", child("rows"), child("fit_it", "Running"))
    found = CLIENT.look(RETRAIN, "retrain-1")
    assert found
    assert [(one.name, one.state, one.registers) for one in found.steps] == [
        ("rows", "succeeded", False),
        ("fit_it", "running", False),
        ("judge", "waiting", False),
        ("keep", "waiting", True),
    ]
    assert found.parameters == {"days-back": "7"}
    assert azure.audiences[f"{HISTORY}/children"] == "https://ml.azure.com"


def test_a_step_that_did_nothing_says_why(azure: Azure, component: Any) -> None:
    reason = "auc of step 'judge' is 0.7, and >= 0.9 is asked for"
    skipped = child("keep", tags={"mlops_skipped": reason})
    ran(azure, component, "Completed", child("rows"), child("fit_it"), child("judge"), skipped)
    found = CLIENT.look(RETRAIN, "retrain-1")
    assert found
    assert [(one.name, one.reason) for one in found.unregistered] == [("keep", reason)]


def test_a_failed_step_says_why(azure: Azure, component: Any) -> None:
    error = {"error": {"code": "UserError", "message": "Execution failed: exit code 1"}}
    ran(azure, component, "Failed", child("rows"), child("fit_it", "Failed", error=error))
    found = CLIENT.look(RETRAIN, "retrain-1")
    assert found
    assert found.reason == "a step failed"
    assert [(one.state, one.reason) for one in found.steps] == [
        ("succeeded", ""),
        ("failed", "Execution failed: exit code 1"),
        ("stopped", ""),
        ("stopped", ""),
    ]
    assert CLIENT.last_lines(RETRAIN, found, found.steps[1]) == []


def test_a_job_of_another_pipeline_is_none_of_this_one(azure: Azure, component: Any) -> None:
    ran(azure, component, "Running")
    azure.there[f"{WORKSPACE}/jobs/retrain-1"]["properties"]["experimentName"] = "other"
    assert CLIENT.look(RETRAIN, "retrain-1") is None


def version(number: int, **facts: str) -> dict[str, Any]:
    return {
        "name": str(number),
        "systemData": {"createdAt": "2026-11-30T04:00:00.1234567Z"},
        "properties": {"modelUri": "azureml://x/", "tags": {"approval": "approved"}, "properties": facts},
    }


FACTS = {
    "mlops-pipeline": "retrain",
    "mlops-run": "retrain-1",
    "mlops-step": "fit-it",
    "mlops-code": IMAGE,
    "mlops-facts": "https://acct.blob.core.windows.net/artifacts/facts.json",
    "mlops-data-y": "rows@3",
    "auc": "0.93",
    "team": "growth",
}


def serves(azure: Azure, model: str | None) -> None:
    root = f"{WORKSPACE}/onlineEndpoints/churn-dev-score"
    azure.there[root] = {"properties": {"traffic": {"main-a": 90, "main-b": 10}, "mirrorTraffic": {"shadow-c": 5}}}
    made = {"main-a": model, "main-b": None, "shadow-c": None, "main-old": model}
    deployments = [{"name": name, "properties": {"model": one}} for name, one in made.items()]
    azure.there[f"{root}/deployments"] = {"value": deployments}


def test_an_endpoint_is_traced_back_to_the_job_that_made_its_version(azure: Azure, component: Any) -> None:
    address = f"{WORKSPACE}/models/{CALLED}/versions/4"
    serves(azure, address)
    azure.there[address] = version(4, **FACTS)
    ran(azure, component, "Completed")
    record = {"step": "fit-it", "parameters": {"lr": "0.1"}, "inputs": {"y": {"dataset": "rows", "version": 3}}}
    azure.there[FACTS["mlops-facts"]] = record
    found = CLIENT.served(SCORE, [MODEL])
    assert [(one.variant, one.percent, one.shadow) for one in found] == [
        ("main-a", 90, False),
        ("main-b", 10, False),
        ("shadow", 5, True),
    ]
    assert isinstance(found[1].version, Unknown)
    one = found[0].version
    assert isinstance(one, Version)
    assert (one.model, one.version, one.metrics, one.metadata) == ("churn", 4, {"auc": "0.93"}, {"team": "growth"})
    assert isinstance(one.by, Making)
    assert (one.by.state, one.by.parameters, one.by.settings) == ("succeeded", {"days_back": "7"}, {"lr": "0.1"})
    assert one.by.reads == (Read(kind="dataset", name="rows", version="3", step="fit-it"),)
    assert azure.audiences[FACTS["mlops-facts"]] == "https://storage.azure.com"
    assert json.dumps(mlops.Lineage(endpoint="score", served=tuple(found)).plain())


def test_what_is_gone_is_unknown_and_not_guessed(azure: Azure) -> None:
    azure.there[f"{WORKSPACE}/models/{CALLED}/versions"] = {"value": [version(9, **FACTS), version(10), version(3)]}
    newest = CLIENT.version(MODEL, None)
    assert newest
    assert newest.version == 10
    assert newest.by == Unknown("no pipeline of this library registered it: the version names no run")
    before = CLIENT.version(MODEL, 9)
    assert before
    assert isinstance(before.by, Making)
    assert before.by.parameters == Unknown("the workspace has no such job any more")
    assert isinstance(before.by.reads, tuple)
    assert [one.version for one in before.by.reads[:1]] == ["3"]
    with pytest.raises(NotFound, match="is not there any more"):
        CLIENT.served(SCORE, [])


@pytest.mark.usefixtures("azure")
def test_a_refusal_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "no right to perform action 'x/jobs/write' over scope 's'"
    said = Answer(403, {"error": {"code": "AuthorizationFailed", "message": told}})
    monkeypatch.setattr(sessions, "ask", lambda *_, **__: said)
    with pytest.raises(MlopsError, match="does not let this program ask about a run of pipeline 'retrain'"):
        CLIENT.start(RETRAIN, {})
