"""The program that starts another pipeline, against the control plane of Azure and as a job of its own."""

import datetime as dt
import importlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import jobs
from pulumi_mlops.backends.azure.triggers import STARTS
from support.sandbox.arm import GROUP, ROOT, Arm
from support.sandbox.arm_good import SERVING, WORKSPACE
from support.sandbox.arm_world import furnish
from support.sandbox.executions_azure import IMAGE, SCIENTIST, Space

FILES = "https://churnfiles.blob.core.windows.net/artifacts"
FOLDER = Path(jobs.__file__).parent
ROLE = f"{ROOT}/providers/Microsoft.Authorization/roleDefinitions/00000000-0000-4000-8000-000000000091"
GIVEN = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000092"
STARTING = """
import os, sys
sys.path.insert(0, os.environ["MLOPS_PROGRAMS"])
import starting
print("run:", starting.started(os.environ["MLOPS_START_NEXT"], {"days-back": 7}, cooldown_hours=24, reason="drift"))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    arm = Arm(tmp_path_factory.mktemp("azure"))
    arm.start()
    yield arm
    assert arm.stop() == 0


@pytest.fixture
def space(server: Arm, tmp_path: Path) -> Iterator[Space]:
    """Have a pipeline, and an identity that may do to jobs what the role of steps that start another lets it."""
    for path, told in (("reset", {}), ("latency", {"seconds": 0})):
        server.admin("POST", path, told)
    server.done("PUT", GROUP, {"location": "eastus"})
    furnish(server)
    server.admin("POST", "images", {"image": IMAGE, "folder": str(tmp_path)})
    found = Space(server, tmp_path)
    server.done("DELETE", SCIENTIST.id, version=SCIENTIST.version)
    permissions = [{"actions": list(STARTS), "notActions": [], "dataActions": [], "notDataActions": []}]
    role = {"roleName": "starter", "type": "CustomRole", "permissions": permissions, "assignableScopes": [GROUP]}
    server.done("PUT", ROLE, {"properties": role}, version="2022-04-01")
    principal = server.done("GET", SERVING, version="2023-01-31")["properties"]["principalId"]
    given = {"principalId": principal, "roleDefinitionId": ROLE, "principalType": "ServicePrincipal"}
    server.done("PUT", GIVEN, {"properties": given}, version="2022-04-01")
    yield found
    server.admin("DELETE", "images")


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("starting")


def retrain(space: Space, command: str = "true") -> dict[str, Any]:
    """Have a pipeline that is to be started; return what a step is told of it."""
    nodes = {"fit": space.node("fit", space.command("fit", f"{command}; echo > ${{{{outputs.out}}}}/x"))}
    whole = space.pipeline(nodes, {"days_back": {"type": "string", "default": "30"}})
    job = space.job(whole, days_back="30") | {"displayName": "retrain", "experimentName": "churn-dev-retrain"}
    return {
        "management": space.arm.url,
        "api": "2025-12-01",
        "workspace": WORKSPACE,
        "called": "retrain",
        "job": job,
    }


def place(starting: Any, space: Space, told: dict[str, Any]) -> Any:
    """Be a job: its token comes from the machine, and here at once."""
    found = starting.AzureML(told, {})
    found.azure.token = lambda _resource: space.token
    return found


def start(starting: Any, at: Any, hours: float = 24, later: float = 0, **parameters: object) -> str | None:
    given = {name.replace("_", "-"): value for name, value in parameters.items()}
    found: str | None = starting.once(at, given, hours, "drift", dt.datetime.now(dt.UTC) + dt.timedelta(hours=later))
    return found


def names(space: Space) -> list[str]:
    """Name the runs that were started."""
    found = [one["name"] for one in space.arm.done("GET", f"{WORKSPACE}/jobs")["value"]]
    return [one for one in found if one.startswith("retrain-")]


def test_it_starts_a_job_and_none_within_the_cooldown(starting: Any, space: Space) -> None:
    at = place(starting, space, retrain(space))
    name = start(starting, at, days_back=7)
    found = space.ended(str(name))
    assert (found["description"], found["inputs"]["days_back"]["value"]) == ("drift", "7")
    assert start(starting, at, later=23.9) is None
    assert start(starting, at, later=24.1) not in (None, name)
    assert len(names(space)) == 2


def test_while_a_run_goes_on_none_is_started_whoever_started_that(starting: Any, space: Space) -> None:
    told = retrain(space, "sleep 600")
    other = {**told["job"], "experimentName": "another"}
    space.arm.done("PUT", f"{WORKSPACE}/jobs/other", {"properties": other})
    at = place(starting, space, told)
    space.arm.done("PUT", f"{WORKSPACE}/jobs/by-hand", {"properties": told["job"]})
    assert start(starting, at, hours=1, later=999) is None
    space.arm.done("POST", f"{WORKSPACE}/jobs/by-hand/cancel")
    space.ended("by-hand")
    assert start(starting, at, hours=1, later=0.5) is None
    assert start(starting, at, hours=1, later=999) is not None


def test_two_who_look_at_once_start_one(starting: Any, space: Space) -> None:
    told, barrier = retrain(space), threading.Barrier(2)

    def ask(_: int) -> str | None:
        at = place(starting, space, told)
        look = at.runs

        def together() -> Any:
            found = look()
            barrier.wait(30)
            return found

        at.runs = together
        return start(starting, at)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, range(2)))
    assert any(found)
    assert len(names(space)) == 1


def test_a_caller_who_may_not_is_told_in_the_services_words(starting: Any, space: Space) -> None:
    at = place(starting, space, retrain(space))
    space.arm.done("DELETE", GIVEN, version="2022-04-01")
    with pytest.raises(starting.NotStartedError, match=r"403: .*does not have authorization"):
        start(starting, at)
    assert not names(space)


def test_as_a_job_it_asks_by_the_identity_of_its_machine(space: Space) -> None:
    told = retrain(space) | {"management": "https://management.azure.com"}
    for name in ("azureml.py", "azureml_register.py", "step.py", "facts.py", "starting.py"):
        space.upload(f"code/1/{name}", (FOLDER / name).read_bytes())
    space.program("watch.py", STARTING)
    space.arm.done("PUT", f"{WORKSPACE}/codes/starts", {"properties": {"isArchived": False}})
    code = f"{WORKSPACE}/codes/starts/versions/1"
    where = {"codeUri": f"{FILES}/code/1"}
    space.arm.done("PUT", code, {"properties": where})
    settings = {
        "command": ["python3", "watch.py"],
        "wanted": {"outputs": [], "metrics": []},
        "record": {
            "pipeline": "watch",
            "step": "own",
            "trials": False,
            "made": {},
            "kept": {},
            "runs": f"{FILES}/runs/",
        },
        "environment": {"AZURE_CLIENT_ID": space.client, "MLOPS_START_NEXT": json.dumps(told)},
    }
    text = f"MLOPS_STATE='${{{{outputs.out}}}}' python3 azureml.py '{json.dumps(settings)}'"
    node = space.node("watch", space.command("watch", text, code=f"azureml:{code}"))
    whole = space.component("watching", {"type": "pipeline", "inputs": {}, "outputs": {}, "jobs": {"watch": node}})
    for number in ("1", "2"):
        name = f"watch-{number}"
        assert space.run(whole, name)["status"] == "Completed", space.reason(name)
        (run,) = names(space)
        assert space.ended(run)["inputs"]["days_back"]["value"] == "7"
