"""Jobs of pipelines: each command is a process, as the identity of its machines, at Azure's own addresses."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

import pulumi_mlops.jobs
from pulumi_mlops.jobs import measure
from pulumi_mlops_sandbox.azure.facts import TOKEN
from support.azureml_entities import RunHistoryClient
from support.sandbox.arm import BOUND, ROOT, Arm
from support.sandbox.arm_good import ENDPOINT, SERVING, WORKSPACE, role
from support.sandbox.arm_world import body, furnish
from support.sandbox.executions_azure import IMAGE, PLACE, SCIENTIST, WRITER, Space

PUBLISHER = "/3913510d-42f4-4e42-8a64-420c390055eb"
"""Monitoring Metrics Publisher."""


@pytest.fixture
def space(arm: Arm, tmp_path: Path) -> Iterator[Space]:
    furnish(arm)
    arm.admin("POST", "images", {"image": IMAGE, "folder": str(tmp_path)})
    yield Space(arm, tmp_path)
    arm.admin("DELETE", "images")


def _in(*names: str, kind: str = "uri_folder") -> dict[str, Any]:
    return {name: {"type": kind} for name in names}


def test_steps_take_what_others_left_as_the_identity_of_their_machines(space: Space) -> None:
    space.program("count.sh", 'echo "$2 weeks"; wc -l < "$1/rows" | tr -d " \\n" > "$3/count"\n')
    space.upload("raw/rows", b"1\n2\n")
    text = "sh count.sh '${{inputs.rows}}' '${{inputs.weeks}}' '${{outputs.out}}'"
    first = space.command("count", text, {**_in("rows"), **_in("weeks", kind="string")})
    second = space.command("look", "cat ${{inputs.x}}/count > ${{outputs.out}}/seen", _in("x"))
    count = space.node("count", first, {"weeks": "${{parent.inputs.weeks}}"})
    count["inputs"]["rows"] = {"job_input_type": "uri_folder", "uri": f"{PLACE}/raw/"}
    look = space.node("look", second, {"x": "${{parent.jobs.count.outputs.out}}"})
    whole = space.pipeline({"look": look, "count": count}, {"weeks": {"type": "string", "default": "4"}})
    assert space.run(whole, weeks="9")["status"] == "Completed"
    steps = space.steps()
    assert space.text(f"runs/{steps['look']['runId']}/out/seen") == "2"
    assert steps["count"]["endTimeUtc"] <= steps["look"]["startTimeUtc"]
    part = space.arm.done("GET", f"{WORKSPACE}/jobs/{steps['count']['runId']}")["properties"]
    assert (part["status"], part["displayName"]) == ("Completed", "count")
    assert space.printed("count") == "9 weeks\n"
    listed = [one["name"] for one in space.arm.done("GET", f"{WORKSPACE}/jobs")["value"]]
    assert "run-1" in listed
    assert steps["count"]["runId"] not in listed


def test_microsofts_client_reads_the_history(space: Space) -> None:
    whole = space.pipeline({"fit": space.node("fit", space.command("fit", "echo no rows; exit 3"))})
    space.run(whole)
    client: Any = RunHistoryClient(Credential(), endpoint=space.arm.url, authentication_policy=Plain())
    place = (ROOT.rpartition("/")[2], "rg", WORKSPACE.rpartition("/")[2])
    (child,) = client.runs.get_child(*place, "run-1")
    assert (child.display_name, child.status, child.root_run_id) == ("fit", "Failed", "run-1")
    assert "status code 3" in child.error.error.message
    assert child.start_time_utc <= child.end_time_utc
    details = client.runs.get_details(*place, child.run_id)
    assert list(details.log_files) == ["user_logs/std_log.txt"]
    assert client.runs.get(*place, "run-1").status == "Failed"


class Credential:
    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(TOKEN, 2**31)


class Plain(SansIOHTTPPolicy[Any, Any]):
    """Sends the token without TLS."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options.pop("enforce_https", None)
        request.http_request.headers["Authorization"] = f"Bearer {TOKEN}"


def test_a_step_registers_a_version_at_azures_own_addresses(space: Space) -> None:
    """By the library's own program, with the very arguments that Azure would give it."""
    folder = Path(pulumi_mlops.jobs.__file__).parent
    for name in ("azureml.py", "azureml_register.py", "step.py", "facts.py"):
        space.upload(f"code/1/{name}", (folder / name).read_bytes())
    space.upload("files/weights", b"w")
    space.arm.done("PUT", f"{WORKSPACE}/codes/starts", {"properties": {"isArchived": False}})
    code = f"{WORKSPACE}/codes/starts/versions/1"
    space.arm.done(
        "PUT", code, {"properties": {"codeUri": "https://churnfiles.blob.core.windows.net/artifacts/code/1"}}
    )
    settings = {
        "before": [],
        "register": {
            "api": "2025-12-01",
            "management": "https://management.azure.com",
            "model": f"{WORKSPACE}/models/churn",
            "store": "https://churnfiles.blob.core.windows.net/artifacts/",
            "datastore": f"{PLACE}/",
            "folder": "models/churn/",
            "image": IMAGE,
            "noted": [],
            "metadata": {"team": "growth"},
            "lineage": {"mlops-step": "fit"},
        },
        "environment": {"AZURE_CLIENT_ID": space.client},
    }
    folders = {"MLOPS_INPUT_FILES": "inputs.files", "MLOPS_BEFORE_FIT": "inputs.files", "MLOPS_STATE": "outputs.out"}
    given = " ".join(f"{name}='${{{{{place}}}}}'" for name, place in folders.items())
    text = f"{given} python3 azureml.py '{json.dumps(settings)}'"
    component = space.command("register", text, _in("files"), code=f"azureml:{code}")
    node = space.node("register", component)
    node["inputs"]["files"] = {"job_input_type": "uri_folder", "uri": f"{PLACE}/files/"}
    assert space.run(space.pipeline({"register": node}))["status"] == "Completed", space.reason()
    version = space.arm.done("GET", f"{WORKSPACE}/models/churn/versions/2")["properties"]
    job = space.steps()["register"]["runId"]
    assert version["properties"] | {"mlops-run": "run-1", "mlops-job": job, "team": "growth"} == version["properties"]
    assert version["tags"] == {"approval": "pending", "serving_image": IMAGE}
    assert space.text(f"models/churn/{job}/weights") == "w"
    space.arm.done("DELETE", SCIENTIST.id, version=SCIENTIST.version)
    space.run(space.pipeline({"register": node}), "run-2")
    assert "status code 1" in space.reason("run-2")


def test_a_step_measures_at_azures_own_address(space: Space) -> None:
    """By the library's own program, as the identity of its machines, which may send metrics of the endpoint alone."""
    space.program("measure.py", Path(measure.__file__).read_text())
    address = f"azure-monitor://eastus{ENDPOINT}?namespace=mlops&Monitor=drift"
    send = (
        f"import datetime as dt, measure\nmeasure.put({address!r}, {{'rows': 7}}, dt.datetime.now(dt.timezone.utc))\n"
    )
    space.program("send.py", send)
    told = f"AZURE_CLIENT_ID={space.client} python3 send.py && touch ${{{{outputs.out}}}}/sent"
    whole = space.pipeline({"send": space.node("send", space.command("send", told))})
    assert space.run(whole)["status"] == "Failed"
    assert "lacks 'Microsoft.Insights/Metrics/Write'" in space.printed("send")
    given = role(ENDPOINT, "AcrPull", 72, SERVING)
    sent = body(space.arm, given)
    sent["properties"]["roleDefinitionId"] = sent["properties"]["roleDefinitionId"].rpartition("/")[0] + PUBLISHER
    space.arm.done("PUT", given.id, sent, version=given.version)
    assert space.run(whole, "run-2")["status"] == "Completed", space.reason("run-2")


TRIAL = """
import json, os, sys, urllib.request
address = "https://" + os.environ["MLFLOW_TRACKING_URI"].partition("://")[2] + "/api/2.0/mlflow/runs/log-batch"
body = {"run_id": os.environ["MLFLOW_RUN_ID"], "metrics": [{"key": "auc", "value": float(sys.argv[1]), "timestamp": 1}]}
headers = {"Authorization": f"Bearer {os.environ['MLFLOW_TRACKING_TOKEN']}"}
urllib.request.urlopen(urllib.request.Request(address, json.dumps(body).encode(), headers, method="POST"))
open(f"{sys.argv[2]}/depth", "w").write(sys.argv[1])
"""


def test_the_best_trial_of_a_search_is_what_others_take(space: Space) -> None:
    space.program("trial.py", TRIAL)
    fit = space.command("fit", "python3 trial.py ${{inputs.depth}} ${{outputs.out}}", _in("depth", kind="number"))
    look = space.command("look", "cat ${{inputs.x}}/depth > ${{outputs.out}}/seen", _in("x"))
    sweep = space.node("tune", fit) | {
        "type": "sweep",
        "trial": {"componentId": fit},
        "sampling_algorithm": "random",
        "objective": {"goal": "maximize", "primary_metric": "auc"},
        "search_space": {"depth": {"type": "quniform", "min_value": 1, "max_value": 9, "q": 1}},
        "limits": {"max_total_trials": 3, "max_concurrent_trials": 2, "trial_timeout": 60, "timeout": 600},
    }
    del sweep["componentId"], sweep["identity"]
    whole = space.pipeline(
        {"tune": sweep, "look": space.node("look", look, {"x": "${{parent.jobs.tune.outputs.out}}"})}
    )
    assert space.run(whole)["status"] == "Completed", space.steps()
    steps = space.steps()
    assert space.text(f"runs/{steps['look']['runId']}/out/seen") == "9"
    trials = space.history(steps["tune"]["runId"], "/children")["value"]
    tried = sorted(json.loads(one["properties"]["azureml.parameters"])["depth"] for one in trials)
    assert tried == [1, 5, 9]
    assert steps["tune"]["tags"]["best_child_run_id"] in {one["runId"] for one in trials}


def test_several_machines_know_of_each_other(space: Space) -> None:
    text = 'echo "$MASTER_ADDR" > ${{outputs.out}}/$NODE_RANK-of-$WORLD_SIZE'
    spread = {"resources": {"instance_count": 2}, "distribution": {"type": "pytorch", "process_count_per_instance": 1}}
    whole = space.pipeline({"fit": space.node("fit", space.command("fit", text, **spread))})
    assert space.run(whole)["status"] == "Completed", space.steps()
    for rank in ("0", "1"):
        assert space.text(f"runs/{space.steps()['fit']['runId']}/out/{rank}-of-2") == "127.0.0.1\n"


def test_what_fails_says_why_and_nothing_behind_it_begins(space: Space) -> None:
    broken = space.command("broken", "echo no rows; exit 3")
    after = space.command("after", "true", _in("x"))
    whole = space.pipeline(
        {
            "broken": space.node("broken", broken),
            "after": space.node("after", after, {"x": "${{parent.jobs.broken.outputs.out}}"}),
        }
    )
    assert space.run(whole)["status"] == "Failed"
    assert set(space.steps()) == {"broken"}
    assert "exited with status code 3" in space.reason()
    assert space.reason().endswith("Error: no rows")
    assert "broken" in space.history("run-1")["error"]["error"]["message"]


def test_an_image_that_nothing_stands_in_for_did_not_run(space: Space) -> None:
    space.arm.admin("DELETE", "images")
    whole = space.pipeline({"fit": space.node("fit", space.command("fit", "true"))})
    assert space.run(whole)["status"] == "Failed"
    assert f"The sandbox has no stand-in for the image {IMAGE}, so nothing ran" in space.reason()


def test_an_identity_needs_what_its_steps_do(space: Space) -> None:
    whole = space.pipeline({"fit": space.node("fit", space.command("fit", "echo 1 > ${{outputs.out}}/1"))})
    assert space.run(whole)["status"] == "Completed"
    space.arm.done("DELETE", WRITER.id, version=WRITER.version)
    assert space.run(whole, "run-2")["status"] == "Failed"
    assert "Storage Blob Data Contributor" in space.reason("run-2")


def test_a_job_is_cancelled_with_its_steps(space: Space) -> None:
    marked = space.image / "began"
    space.program("long.sh", f"touch {marked}\nwhile true; do sleep 0.1; done\n")
    whole = space.pipeline({"long": space.node("long", space.command("long", "sh long.sh"))})
    space.arm.done("PUT", f"{WORKSPACE}/jobs/run-1", {"properties": space.job(whole)})
    deadline = time.monotonic() + BOUND
    while not marked.exists():
        assert time.monotonic() < deadline
        space.arm.process_pause()
    assert space.arm.ask("DELETE", f"{WORKSPACE}/jobs/run-1").status == 400
    assert space.arm.ask("POST", f"{WORKSPACE}/jobs/run-1/cancel").status == 200
    assert space.ended("run-1")["status"] == "Canceled"
    assert space.steps()["long"]["status"] == "Canceled"


def test_nothing_leaves_the_sandbox_and_keys_are_asked_for(space: Space) -> None:
    space.program(
        "ask.py",
        "import os, urllib.request\n"
        "for address in ('https://example.com/', os.environ['MSI_ENDPOINT'] + '?resource=https://storage.azure.com/'):\n"
        "    try:\n        urllib.request.urlopen(address)\n    except OSError as error:\n        print(error)\n",
    )
    whole = space.pipeline({"ask": space.node("ask", space.command("ask", "python3 ask.py"))})
    assert space.run(whole)["status"] == "Completed"
    said = space.printed("ask")
    assert "Nothing leaves the sandbox" in said
    assert "HTTP Error 403" in said


def test_a_schedule_fires_when_somebody_says_so(space: Space) -> None:
    whole = space.pipeline({"fit": space.node("fit", space.command("fit", "true"))})
    trigger = {"triggerType": "Cron", "expression": "0 3 * * 1", "timeZone": "UTC"}
    action = {"actionType": "CreateJob", "jobDefinition": space.job(whole)}
    schedule = {"properties": {"trigger": trigger, "action": action, "isEnabled": True, "displayName": "weekly"}}
    space.arm.done("PUT", f"{WORKSPACE}/schedules/weekly", schedule)
    (job,) = space.arm.admin("POST", "fire", {"schedule": "weekly"})["reached"]
    assert space.ended(job.rpartition("/")[2])["status"] == "Completed"
    assert "error" in space.arm.admin("POST", "fire", {"schedule": "absent"})
