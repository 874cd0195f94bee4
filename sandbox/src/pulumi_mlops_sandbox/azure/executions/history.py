"""What the run history of a workspace tells, what MLflow's part of it takes, and tokens for those who run.

``GET /history/v1.0/<workspace>/runs/<run>[/children|/details]`` is what Microsoft's own client asks to follow a job.
``POST /mlflow/v1.0/<workspace>/api/2.0/mlflow/runs/{log-batch|log-metric|set-tag}`` takes what a run tells of itself.
``GET /msi/token/<run>`` gives a token of an identity of the machine, to who shows the key of the run.
"""

import json
import re
import time
from typing import Any

from werkzeug.wrappers import Request

from pulumi_mlops_sandbox.azure import access
from pulumi_mlops_sandbox.azure.call import Answer, Tenant
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Run

TOKENS, LOGS = "/msi/token/", "/logs/"
_HISTORY = re.compile(
    r"/history/v1\.0(?P<space>/subscriptions/.+?/workspaces/[^/]+)/runs/(?P<run>[^/]+)(?P<part>/\w+)?"
)
_MLFLOW = re.compile(
    r"/mlflow/v[12]\.0(?P<space>/subscriptions/.+?/workspaces/[^/]+)/api/2\.0/mlflow/runs/(?P<what>[\w-]+)"
)
PREFIXES = ("/history/", "/mlflow/")
OPEN = (TOKENS, LOGS)
"""What is asked without a token."""
_ML = "Microsoft.MachineLearningServices/workspaces"
READ, WRITE = f"{_ML}/jobs/read", f"{_ML}/experiments/runs/write"
ENDED = frozenset({"Completed", "Failed", "Canceled"})


def unsigned(tenant: Tenant, request: Request, path: str) -> Answer:
    """Answer what is asked without a token: for a token, or for a log by an address that is the leave to read it."""
    run = tenant.store.runs.get(path.rpartition("/")[2])
    given = request.headers.get("secret") if path.startswith(TOKENS) else request.args.get("sig")
    if run is None or not run.key or given != run.key:
        raise ArmError("AuthenticationFailed", "The key of the run is wrong.", 403)
    if path.startswith(LOGS):
        text = "".join(f"{line}\n" for line in run.lines)
        return Answer(200, text.encode(), {"Content-Type": "text/plain"})
    if run.status in ENDED:
        raise ArmError("AuthenticationFailed", "The run is over.", 403)
    client = request.args.get("clientid") or request.args.get("client_id")
    principal = run.identities.get(client) if client else run.principal
    if principal is None:
        raise ArmError("IdentityNotFound", f"The machine has no identity '{client}'.", 400)
    told = {"access_token": f"principal:{principal}", "token_type": "Bearer", "resource": request.args.get("resource")}
    return Answer(200, {**told, "expires_on": str(int(time.time()) + 86400)})


def answer(tenant: Tenant, request: Request, path: str, principal: str) -> Answer:
    """Answer a request of whoever has a token."""
    if found := _HISTORY.fullmatch(path):
        run = _run(tenant, found["space"], found["run"])
        _require(tenant, principal, READ, found["space"])
        part = found["part"] or ""
        if part == "/children":
            children = [one for one in tenant.store.runs.values() if one.parent == run.id]
            return Answer(200, {"value": [told(one) for one in sorted(children, key=lambda one: one.began)]})
        if part == "/details":
            return Answer(200, _details(tenant, run))
        if part:
            raise ArmError("NotFound", f"The sandbox's history has no '{part}'.", 404)
        return Answer(200, told(run))
    if (found := _MLFLOW.fullmatch(path)) and request.method == "POST":
        body = json.loads(request.get_data() or b"{}")
        run = _run(tenant, found["space"], str(body.get("run_id") or body.get("run_uuid")))
        if principal != run.principal:  # a run tells of itself; for anybody else it is a right
            _require(tenant, principal, WRITE, found["space"])
        return _note(tenant, run, found["what"], body)
    raise ArmError("NotFound", f"The sandbox has no '{path}'.", 404)


def _run(tenant: Tenant, space: str, name: str) -> Run:
    run = tenant.store.runs.get(name)
    if run is None or run.workspace.lower() != space.lower():
        raise ArmError("UserError", f"Run {name} was not found.", 404)
    return run


def _require(tenant: Tenant, principal: str, action: str, space: str) -> None:
    access.require(tenant, principal, action, space)


def told(run: Run) -> dict[str, Any]:
    """Write a run as the history does."""
    found: dict[str, Any] = {
        "runId": run.id,
        "displayName": run.name,
        "status": run.status,
        "runType": f"azureml.{run.kind}",
        "experimentName": run.experiment,
        "parentRunId": run.parent or None,
        "rootRunId": run.root or run.id,
        "tags": dict(run.tags),
        "properties": {"azureml.runsource": run.kind, "azureml.parameters": json.dumps(run.parameters)},
        "startTimeUtc": run.began or None,
        "endTimeUtc": run.ended or None,
        "outputs": {name: {"assetId": uri, "type": "UriFolder"} for name, uri in run.places.items()},
    }
    if run.error:
        found["error"] = {"error": {"code": "UserError", "message": run.error}}
    return found


def _details(tenant: Tenant, run: Run) -> dict[str, Any]:
    address = f"{tenant.url}{LOGS}{run.id}?sig={run.key}"
    return {
        "runId": run.id,
        "status": run.status,
        "logFiles": {"user_logs/std_log.txt": address} if run.key else {},
        "startTimeUtc": run.began or None,
        "endTimeUtc": run.ended or None,
        "inputs": {},
        "properties": told(run)["properties"],
        **({"error": told(run)["error"]} if run.error else {}),
    }


def _note(tenant: Tenant, run: Run, what: str, body: dict[str, Any]) -> Answer:
    rows = {"log-metric": [body], "log-batch": body.get("metrics") or []}.get(what, [])
    tags = {"set-tag": [body], "log-batch": body.get("tags") or []}.get(what, [])
    if what not in {"log-metric", "log-batch", "set-tag"}:
        raise ArmError("NotFound", f"The sandbox's MLflow takes no '{what}'.", 404)
    run.metrics.update({str(one["key"]): float(one["value"]) for one in rows})
    run.tags.update({str(one["key"]): str(one["value"]) for one in tags})
    tenant.saver.soon()
    return Answer(200, {})
