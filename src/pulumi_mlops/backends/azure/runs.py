"""Runs of pipelines: jobs of Azure Machine Learning, and what its run history says of their steps.

Azure Resource Manager knows a job as a whole. Its steps are jobs as well, which only the history names as its children:
the same that Microsoft's own client asks (``azure.ai.ml``, ``jobs.stream``).
"""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import islice
from typing import Any
from urllib.parse import quote, urlsplit

from pulumi import Input

from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.backends.azure.asking import asking, refused
from pulumi_mlops.clients.runs import Run, State, StepState
from pulumi_mlops.components.platform import PlatformRef

AUDIENCE = "https://ml.azure.com"
"""Whom a token for the history is for."""
_STORAGE, _STORAGE_VERSION = "https://storage.azure.com", "2021-12-02"
SKIPPED = "mlops_skipped"
"""The tag of a job whose step was left out by a condition, with the reason."""
_STATES: Mapping[str, State] = {
    "NotStarted": "waiting",
    "Queued": "waiting",
    "Preparing": "running",
    "Provisioning": "running",
    "Starting": "running",
    "Running": "running",
    "Finalizing": "running",
    "CancelRequested": "running",
    "Completed": "succeeded",
    "Failed": "failed",
    "NotResponding": "running",
    "Canceled": "stopped",
    "Bypassed": "skipped",
}
_TAKES = re.compile(r"parent\.jobs\.([A-Za-z0-9_]+)\.")
_FINE = range(200, 300)
_ABSENT = 404
_LISTED = 1000
"""Jobs of a workspace that are looked through for those of a pipeline."""


def body(
    name: str,
    *,
    component: Input[str],
    experiment: str,
    client: Input[str],
    inputs: Mapping[str, str],
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """Write the job that runs a pipeline, as Azure Resource Manager takes it.

    :param component: id of the version of the pipeline's component.
    :param client: the identity as which it runs.
    """
    return {
        "jobType": "Pipeline",
        "componentId": component,
        "displayName": name,
        "experimentName": experiment,
        "isArchived": False,
        "inputs": {key: {"jobInputType": "literal", "value": value} for key, value in inputs.items()},
        "settings": {"_source": "REMOTE.WORKSPACE.JOB", "continue_on_step_failure": False},
        "identity": {"identityType": "Managed", "clientId": client},
        "tags": dict(tags),
    }


def job(platform: PlatformRef, name: str) -> dict[str, Any] | None:
    """Read a job; nothing where there is none."""
    return live.of_workspace(platform, f"job {name!r}", f"jobs/{quote(name)}")


def run(platform: PlatformRef, pipeline: str, found: Mapping[str, Any]) -> Run:
    """Tell of a job as the client does."""
    properties = found["properties"]
    state = _STATES.get(str(properties.get("status")), "running")
    name = str(found["name"])
    itself = _history(platform, name, "")
    children = {str(one.get("displayName")): one for one in _children(platform, name)}
    registered = _registers(platform, properties)
    over = state in ("failed", "stopped", "succeeded")
    names = [*registered, *(one for one in children if one not in registered)]
    return Run(
        id=name,
        pipeline=pipeline,
        state=state,
        began=_moment(itself.get("startTimeUtc")),
        ended=_moment(itself.get("endTimeUtc")),
        reason=_error(itself) if state == "failed" else "",
        steps=tuple(_step(one, children.get(one), registers=registered.get(one, False), over=over) for one in names),
        parameters={key: str(one.get("value")) for key, one in (properties.get("inputs") or {}).items()},
    )


def newest(platform: PlatformRef, pipeline: str, experiment: str, most: int) -> list[Run]:
    """List the newest jobs of a pipeline; a list tells no steps, and not when a job ended.

    Azure promises no order of them: the newest are sought among as many as a list is read for.
    """
    listed = live.all_of_workspace(
        platform, f"the runs of pipeline {pipeline!r}", "jobs", jobType="Pipeline", listViewType="ActiveOnly"
    )
    own = [one for one in islice(listed, _LISTED) if one["properties"].get("experimentName") == experiment]
    own.sort(key=lambda one: str((one.get("systemData") or {}).get("createdAt")), reverse=True)
    return [
        Run(
            id=str(one["name"]),
            pipeline=pipeline,
            state=_STATES.get(str(one["properties"].get("status")), "running"),
            began=_moment((one.get("systemData") or {}).get("createdAt")),
        )
        for one in own[:most]
    ]


def _step(name: str, found: Mapping[str, Any] | None, *, registers: bool, over: bool) -> StepState:
    if found is None:
        return StepState(name=name, state="stopped" if over else "waiting", registers=registers)
    state = _STATES.get(str(found.get("status")), "running")
    reason = (found.get("tags") or {}).get(SKIPPED)
    if reason is not None and state == "succeeded":
        return StepState(name=name, state="skipped", reason=str(reason), registers=registers)
    return StepState(
        name=name,
        state=state,
        began=_moment(found.get("startTimeUtc")),
        ended=_moment(found.get("endTimeUtc")),
        reason=_error(found) if state == "failed" else "",
        registers=registers,
        address=str(found.get("runId", "")),
    )


def _registers(platform: PlatformRef, job: Mapping[str, Any]) -> dict[str, bool]:
    """Name the steps of the pipeline that a job runs, and say of each whether it registers a version."""
    component = job.get("componentId")
    whole = live.get(live.provider_of(platform), "the pipeline", str(component), live.ML) if component else None
    nodes = specification(whole).get("jobs") or {}
    # Azure keeps no order of them: each comes after those whose outputs it takes.
    needs = {name: sorted(set(_TAKES.findall(json.dumps(nodes[name].get("inputs"))))) for name in sorted(nodes)}
    order = [name for name in TopologicalSorter(needs).static_order() if name in nodes]
    return {name: "input_files" in (nodes[name].get("inputs") or {}) for name in order}


def specification(component: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what a version of a component says."""
    found: Mapping[str, Any] = ((component or {}).get("properties") or {}).get("componentSpec") or {}
    return found


def printed(platform: PlatformRef, step: str, lines: int) -> Sequence[str]:
    """Return what a job printed last: the history names its logs, each by an address that lets one read it."""
    files: Mapping[str, str] = _history(platform, step, "/details").get("logFiles") or {}
    wanted = sorted(name for name in files if name.startswith("user_logs/"))
    if not wanted:
        return []
    from azure.core import PipelineClient  # noqa: PLC0415 (only programs that ask pay for it)
    from azure.core.rest import HttpRequest  # noqa: PLC0415 (as above)

    address = files[wanted[0]]
    parts = urlsplit(address)
    with asking(f"the log of job {step!r}"):
        # The address itself is the leave to read: no token goes along.
        client: PipelineClient[Any, Any] = PipelineClient(f"{parts.scheme}://{parts.netloc}", policies=[])
        response = client.send_request(HttpRequest("GET", address))
        text = response.text() if response.status_code in _FINE else ""
    return text.splitlines()[-lines:]


def _children(platform: PlatformRef, name: str) -> Iterator[Mapping[str, Any]]:
    page = _history(platform, name, "/children")
    while True:
        yield from page.get("value") or []
        if not (token := page.get("continuationToken")):
            return
        page = _history(platform, name, "/children", {"$continuationtoken": token})


def _history(platform: PlatformRef, name: str, part: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Ask the history of a workspace; nothing where it does not know the job."""
    what = f"the history of job {name!r}"
    path = f"{_address(platform)}/history/v1.0{live.workspace_path(platform)}/runs/{quote(name)}{part}"
    with asking(what):
        answer = sessions.ask(live.provider_of(platform), "GET", path, "", query=query, audience=AUDIENCE)
    if answer.status == _ABSENT:
        return {}
    if answer.status not in _FINE:
        raise refused(what, answer)
    return answer.body


def _address(platform: PlatformRef) -> str:
    """Return where the history of a workspace is: beside what it says of its own discovery."""
    if there := sessions.emulated():
        return there
    found = live.of_workspace(platform, "the workspace", "") or {}
    parts = urlsplit(str((found.get("properties") or {}).get("discoveryUrl", "")))
    return f"{parts.scheme}://{parts.netloc}"


def blob(platform: PlatformRef, address: str) -> dict[str, Any] | None:
    """Read a file of JSON; nothing where there is none."""
    parts = urlsplit(address)
    there = sessions.emulated()
    where = f"{there}/blob/{parts.netloc.partition('.')[0]}{parts.path}" if there else address
    with asking(f"the file {address}"):
        answer = sessions.ask(
            live.provider_of(platform), "GET", where, "", audience=_STORAGE, headers={"x-ms-version": _STORAGE_VERSION}
        )
    if answer.status == _ABSENT:
        return None
    if answer.status not in _FINE:
        raise refused(f"the file {address}", answer)
    return answer.body


def _error(found: Mapping[str, Any]) -> str:
    told = (found.get("error") or {}).get("error") or {}
    return str(told.get("message") or told.get("code") or "")


def _moment(written: object) -> dt.datetime | None:
    return dt.datetime.fromisoformat(str(written)) if written else None
