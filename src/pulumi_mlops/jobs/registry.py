"""Bring an MLflow server to what the program says: its users and their rights, its models, its webhooks.

Runs in a Job, as often as one likes: what is as it should be stays, and of what is there only webhooks whose names
begin with ``mlops-``, and users who hold one of our roles in ``users``, are ever taken away: of ``recorders``, each Job
knows its own only. Only the standard library is used.

    python registry.py settings.json

The settings name things; passwords and addresses are in the environment, whose variables the settings name::

    {"url": "http://models-mlflow:5000",
     "users": [{"name": "lead", "password": "USER_LEAD", "role": "approver"}],
     "recorders": [{"name": "identity-trainer", "password": "RECORDER"}],
     "registrants": [{"name": "pipeline-retrain", "password": "USER_PIPELINE", "models": ["churn"]}],
     "webhooks": [{"name": "mlops-deploy", "url": "WEBHOOK_DEPLOY"}],
     "models": [{"name": "churn", "description": "…", "tags": {"team": "growth"}}]}
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

_OURS = "mlops-"
_EVENTS = [{"entity": "MODEL_VERSION_TAG", "action": "SET"}]
_PATIENCE_SECONDS = 300
_NOT_FOUND, _UNAVAILABLE = 404, 500
_MARK = "mlops.tags"
"""The tag in which a model remembers which tags are the program's."""
_MODELS, _RUNS = "registered_model", "experiment"
_ROLES = {"approver": (_MODELS, "EDIT"), "reader": (_MODELS, "READ"), "recorder": (_RUNS, "EDIT")}
"""What a role may do with every model, or every experiment, of the server. Named ``mlops-approver`` in MLflow."""
_REGISTERS = "mlops-registers-"
"""How the role begins of those who register versions of one model."""
_WORKSPACE = "default"
"""Where roles live in a server that has no workspaces."""


class Server:
    """An MLflow server, as its admin."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self.login = base64.b64encode(f"admin:{password}".encode()).decode()

    def call(self, method: str, path: str, *, api: int = 2, **body: Any) -> dict[str, Any] | None:
        """Send a request, again while the server is not up yet; None where what was asked for is not there."""
        query = f"?{urllib.parse.urlencode(body)}" if method == "GET" and body else ""
        request = urllib.request.Request(  # noqa: S310 (the address is the program's own)
            f"{self.url}/api/{api}.0/mlflow/{path}{query}",
            method=method,
            data=None if method == "GET" else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {self.login}", "Content-Type": "application/json"},
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (as above)
                    text = answer.read()
                    return json.loads(text) if text.strip().startswith(b"{") else {}
            except urllib.error.HTTPError as error:
                reason = error.read().decode(errors="replace")
                if method == "GET" and error.code == _NOT_FOUND and "RESOURCE_DOES_NOT_EXIST" in reason:
                    return None
                if error.code < _UNAVAILABLE or time.monotonic() > deadline:
                    raise SystemExit(f"MLflow refused {method} {path}: {error.code} {reason[:300]}") from None
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SystemExit(f"MLflow at {self.url} does not answer: {error}") from None
            time.sleep(2)


def users(server: Server, wanted: list[dict[str, str]]) -> None:
    """Make users with their roles and passwords, and take away those of ours that nobody wants any more."""
    ids = roles(server, "approver", "reader")
    there = held_roles(server)
    for user in wanted:
        make_user(server, user, there.get(user["name"]), user["role"], ids)
    for name in there.keys() - {user["name"] for user in wanted}:
        if there[name] & ids.keys():
            server.call("DELETE", "users/delete", username=name)


def recorders(server: Server, wanted: list[dict[str, str]]) -> None:
    """Make users who record runs, and nobody's else: who else records is another Job's business."""
    ids = roles(server, "recorder")
    there = held_roles(server) if wanted else {}
    for user in wanted:
        make_user(server, user, there.get(user["name"]), "recorder", ids)


def held_roles(server: Server) -> dict[str, set[str]]:
    """Return which roles each user holds."""
    listed = (server.call("GET", "users/list") or {}).get("users", [])
    return {user["username"]: {role["name"] for role in user.get("roles", [])} for user in listed}


def make_user(server: Server, user: dict[str, str], held: set[str] | None, role: str, ids: dict[str, int]) -> None:
    """Make a user, or give one that is there this password; of our roles, it has this one."""
    name, password = user["name"], os.environ[user["password"]]
    if held is None:
        server.call("POST", "users/create", username=name, password=password)
    else:
        server.call("PATCH", "users/update-password", username=name, password=password)
    for other, role_id in ids.items():
        if other == _OURS + role and other not in (held or ()):
            server.call("POST", "roles/assign", api=3, username=name, role_id=role_id)
        elif other != _OURS + role and other in (held or ()):
            server.call("DELETE", "roles/unassign", api=3, username=name, role_id=role_id)


def roles(server: Server, *wanted: str) -> dict[str, int]:
    """Make roles, and return their ids by their names."""
    listed = (server.call("GET", "roles/list", api=3, workspace=_WORKSPACE) or {}).get("roles", [])
    there = {role["name"]: role for role in listed}
    ids = {}
    for short in wanted:
        name, (kind, permission) = _OURS + short, _ROLES[short]
        role = (
            there.get(name)
            or (server.call("POST", "roles/create", api=3, name=name, workspace=_WORKSPACE) or {})["role"]
        )
        ids[name] = int(role["id"])
        # A job that ended between the two calls left a role that may do nothing.
        if not role.get("permissions"):
            every: dict[str, Any] = {"resource_type": kind, "resource_pattern": "*"}
            server.call("POST", "roles/permissions/add", api=3, role_id=ids[name], permission=permission, **every)
    return ids


def registrants(server: Server, wanted: list[dict[str, Any]]) -> None:
    """Make users who may register versions of some models, by a role for each model."""
    listed = (server.call("GET", "roles/list", api=3, workspace=_WORKSPACE) or {}).get("roles", [])
    known = {role["name"]: role for role in listed}
    users = {user["username"]: user for user in (server.call("GET", "users/list") or {}).get("users", [])}
    for user in wanted:
        name, password = user["name"], os.environ[user["password"]]
        held = {role["name"] for role in users.get(name, {}).get("roles", [])}
        if name in users:
            server.call("PATCH", "users/update-password", username=name, password=password)
        else:
            server.call("POST", "users/create", username=name, password=password)
        ids = {_REGISTERS + model: _registering(server, model, known) for model in user["models"]}
        for role in sorted(ids.keys() - held):
            server.call("POST", "roles/assign", api=3, username=name, role_id=ids[role])
        for role in sorted(one for one in held - ids.keys() if one.startswith(_REGISTERS)):
            server.call("DELETE", "roles/unassign", api=3, username=name, role_id=int(known[role]["id"]))


def _registering(server: Server, model: str, known: dict[str, Any]) -> int:
    """Make the role of those who register versions of a model; return its id."""
    name = _REGISTERS + model
    role = (
        known.get(name) or (server.call("POST", "roles/create", api=3, name=name, workspace=_WORKSPACE) or {})["role"]
    )
    if not role.get("permissions"):
        only: dict[str, Any] = {"resource_type": "registered_model", "resource_pattern": model}
        server.call("POST", "roles/permissions/add", api=3, role_id=int(role["id"]), permission="EDIT", **only)
    return int(role["id"])


def webhooks(server: Server, wanted: list[dict[str, str]]) -> None:
    """Make webhooks, change those that lead elsewhere now, and take away ours that nobody wants any more."""
    secret = os.environ.get("WEBHOOK_SECRET", "")
    there = {hook["name"]: hook for hook in (server.call("GET", "webhooks") or {}).get("webhooks", [])}
    for hook in wanted:
        body: dict[str, Any] = {
            "name": hook["name"],
            "url": os.environ[hook["url"]],
            "events": _EVENTS,
            "secret": secret,
            "status": "ACTIVE",
        }
        if found := there.get(hook["name"]):
            server.call("PATCH", f"webhooks/{found['webhook_id']}", **body)
        else:
            server.call("POST", "webhooks", **body)
    for name in there.keys() - {hook["name"] for hook in wanted}:
        if name.startswith(_OURS):
            server.call("DELETE", f"webhooks/{there[name]['webhook_id']}")


def models(server: Server, wanted: list[dict[str, Any]]) -> None:
    """Make models; description and tags follow the program, versions are never touched."""
    for model in wanted:
        name, described = model["name"], model["description"] or ""
        found = server.call("GET", "registered-models/get", name=name)
        if found is None:
            server.call("POST", "registered-models/create", name=name, description=described)
            there: dict[str, str] = {}
        else:
            server.call("PATCH", "registered-models/update", name=name, description=described)
            there = {tag["key"]: tag["value"] for tag in found["registered_model"].get("tags", [])}
        tags = {**model["tags"], _MARK: ",".join(sorted(model["tags"]))}
        for key, value in tags.items():
            if there.get(key) != value:
                server.call("POST", "registered-models/set-tag", name=name, key=key, value=value)
        for key in set(there.get(_MARK, "").split(",")) & there.keys() - tags.keys():
            server.call("DELETE", "registered-models/delete-tag", name=name, key=key)


def main() -> None:
    """Do all of it."""
    settings = json.loads(Path(sys.argv[1]).read_text())
    server = Server(settings["url"], os.environ["ADMIN_PASSWORD"])
    if "users" in settings:
        users(server, settings["users"])
    if "recorders" in settings:
        recorders(server, settings["recorders"])
    if "registrants" in settings:
        registrants(server, settings["registrants"])
    if "webhooks" in settings:
        webhooks(server, settings["webhooks"])
    models(server, settings.get("models", []))
    print("done")  # noqa: T201 (the Job's log)


if __name__ == "__main__":
    main()
