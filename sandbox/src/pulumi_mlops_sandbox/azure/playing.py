"""Plays one run of a workflow: its requests are made as its identity, and judged as everybody's.

Requests to Azure go to this very Azure; what would leave it is only written down. What takes its time has ended when
the next action looks, as a Logic App waits for it.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pulumi_mlops_sandbox.azure import expressions, measured, operations
from pulumi_mlops_sandbox.azure.call import Tenant, dig
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.store import Record

MANAGEMENT = "management.azure.com"
INGESTION = re.compile(r"([a-z0-9]+)\.monitoring\.azure\.com")
SUCCEEDED, FAILED, SKIPPED = "Succeeded", "Failed", "Skipped"
BAD = 400
"""From here on statuses of HTTP say that something went wrong."""


class PlayError(Exception):
    """A workflow that cannot be played."""


@dataclass
class Step:
    """One action of a run."""

    name: str
    status: str
    said: str = ""
    """What was asked for and answered, or why it failed."""


@dataclass
class Run:
    """One run, and what each action came to."""

    tenant: Tenant
    workflow: Record
    later: float
    """Seconds that are added to the time of day: bake times need not be waited for."""
    steps: list[Step] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """What would have been sent out of Azure."""
    _bodies: dict[str, Any] = field(default_factory=dict)
    _items: dict[str, Any] = field(default_factory=dict)
    _item: list[Any] = field(default_factory=list)

    def play(self) -> None:
        """Do all actions."""
        if self.workflow.properties.get("state", "Enabled") != "Enabled":
            raise PlayError(f"'{self.workflow.name}' is {self.workflow.properties.get('state')}: nothing starts it")
        self._actions(self.workflow.at("properties.definition.actions") or {})

    def _actions(self, actions: dict[str, dict[str, Any]]) -> str:
        """Do actions in the order in which they run after each other; say whether one of them failed."""
        ended: dict[str, str] = {}
        waiting = dict(actions)
        while waiting:
            ready = [
                name for name, one in waiting.items() if all(other in ended for other in one.get("runAfter") or {})
            ]
            if not ready:
                raise PlayError(f"{', '.join(waiting)} run after each other, or after nobody")
            for name in ready:
                one = waiting.pop(name)
                after = one.get("runAfter") or {}
                runs = all(ended[other] in wanted for other, wanted in after.items())
                ended[name] = self._one(name, one) if runs else self._ended(name, SKIPPED)
        failed = [name for name, status in ended.items() if status == FAILED and not _handled(name, actions)]
        return FAILED if failed else SUCCEEDED

    def _one(self, name: str, action: dict[str, Any]) -> str:
        kinds: dict[str, Callable[[str, dict[str, Any]], str]] = {
            "http": self._http,
            "query": self._query,
            "if": self._if,
            "foreach": self._foreach,
            "compose": self._compose,
            "scope": lambda _name, one: self._actions(one.get("actions") or {}),
        }
        kind = kinds.get(str(action.get("type", "")).lower())
        if kind is None:
            raise PlayError(f"the sandbox plays no action of type '{action.get('type')}' ('{name}')")
        try:
            return kind(name, action)
        except expressions.ExpressionError as error:
            return self._ended(name, FAILED, str(error))

    def _ended(self, name: str, status: str, said: str = "") -> str:
        self.steps.append(Step(name, status, said))
        return status

    def _value(self, value: Any) -> Any:
        return expressions.evaluate(value, self._functions())

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            **expressions.KNOWN,
            "body": self._bodies.get,
            "outputs": lambda name: {"body": self._bodies.get(name)},
            "item": lambda: self._item[-1] if self._item else None,
            "items": self._items.get,
            "parameters": self._parameter,
            "trigger": lambda: {"startTime": self._now(), "name": "trigger"},
            "utcNow": self._now,
            "workflow": lambda: {"id": self.workflow.id, "name": self.workflow.name},
        }

    def _now(self) -> str:
        return expressions.written(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.later))

    def _parameter(self, name: str) -> Any:
        given = self.workflow.at(f"properties.parameters.{name}") or {}
        declared = self.workflow.at(f"properties.definition.parameters.{name}") or {}
        return given.get("value", declared.get("defaultValue"))

    # ------------------------------------------------------------------ the kinds of actions

    def _http(self, name: str, action: dict[str, Any]) -> str:
        asked = self._value(action["inputs"])
        method, uri = str(asked["method"]), str(asked["uri"])
        set_so = action.get("runtimeConfiguration") or {}
        takes = INGESTION.fullmatch(urlsplit(uri).netloc)
        if not takes and urlsplit(uri).netloc not in {MANAGEMENT, urlsplit(self.tenant.url).netloc}:
            self.told.append({"method": method, "uri": uri, "body": asked.get("body")})
            secure = "inputs" in dig(set_so, "secureData.properties", [])
            return self._ended(name, SUCCEEDED, "secure inputs" if secure else f"{method} {uri}")
        try:
            if takes:
                path = f"{measured.PREFIX}{takes[1]}{urlsplit(uri).path}"
                status, self._bodies[name] = self._sent(method, path, asked)
            else:
                status, self._bodies[name] = self._ask(method, uri, asked, paged="paginationPolicy" in set_so)
        except ArmError as error:
            self._bodies[name] = error.envelope()
            return self._ended(name, FAILED, f"{method} {urlsplit(uri).path}: {error.status} {error}")
        return self._ended(name, SUCCEEDED if status < BAD else FAILED, f"{method} {urlsplit(uri).path}: {status}")

    def _ask(self, method: str, uri: str, asked: dict[str, Any], *, paged: bool) -> tuple[int, Any]:
        parts = urlsplit(uri)
        query = dict(parse_qsl(parts.query))
        principal = self._principal(asked.get("authentication") or {})
        answer = self.tenant.arm(method, parts.path, query=query, body=asked.get("body"), principal=principal)
        operations.settle(self.tenant, hurry=True)
        found = json.loads(json.dumps(answer.body))
        while paged and isinstance(found, dict) and found.get("nextLink"):
            following = urlsplit(found.pop("nextLink"))
            page = self.tenant.arm(
                method, following.path, query=dict(parse_qsl(following.query)), principal=principal
            ).body
            found = {
                "value": found["value"] + page["value"],
                **({"nextLink": page["nextLink"]} if "nextLink" in page else {}),
            }
        return answer.status, found

    def _sent(self, method: str, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        """Send a metric, for which another token is needed than for Resource Manager."""
        how = asked.get("authentication") or {}
        if str(how.get("audience")).rstrip("/") != "https://monitoring.azure.com":
            raise ArmError("InvalidAuthenticationTokenAudience", f"The token is for '{how.get('audience')}'.", 401)
        answer = measured.take(self.tenant, method, path, asked.get("body"), self._principal(how))
        return answer.status, answer.body

    def _principal(self, how: dict[str, Any]) -> str:
        """Find whom a request is made as: one of the workflow's own identities."""
        if how.get("type") != "ManagedServiceIdentity":
            raise ArmError("AuthenticationFailed", "The request names no authentication.", 401)
        given = self.workflow.body.get("identity") or {}
        wanted = how.get("identity")
        if wanted is None:
            return str(self.workflow.at("identity.principalId", ""))
        held = {one.lower(): one for one in given.get("userAssignedIdentities") or {}}
        record = self.tenant.store.get(str(wanted)) if str(wanted).lower() in held else None
        if record is None:
            raise ArmError("WorkflowIdentityNotFound", f"'{wanted}' is no identity of the workflow, or is gone.", 400)
        return str(record.at("properties.principalId"))

    def _query(self, name: str, action: dict[str, Any]) -> str:
        items = self._value(action["inputs"]["from"])
        if not isinstance(items, list):
            return self._ended(name, FAILED, f"'from' is no list, but {items!r:.60}")
        found = []
        for item in items:
            self._item.append(item)
            try:
                if self._value(action["inputs"]["where"]):
                    found.append(item)
            finally:
                self._item.pop()
        self._bodies[name] = found
        return self._ended(name, SUCCEEDED, f"{len(found)} of {len(items)}")

    def _if(self, name: str, action: dict[str, Any]) -> str:
        holds = self._holds(action["expression"])
        self._ended(name, SUCCEEDED, "true" if holds else "false")
        return self._actions((action.get("actions") if holds else (action.get("else") or {}).get("actions")) or {})

    def _holds(self, said: Any) -> bool:
        if isinstance(said, str):
            return bool(self._value(said))
        for name, values in said.items():
            if name in {"and", "or"}:
                return (all if name == "and" else any)(self._holds(one) for one in values)
            if name == "not":
                return not self._holds(values)
            if name not in expressions.KNOWN:
                raise expressions.ExpressionError(f"there is no function '{name}'")
            return bool(expressions.KNOWN[name](*self._value(values)))
        raise expressions.ExpressionError("the condition is empty")

    def _foreach(self, name: str, action: dict[str, Any]) -> str:
        items = self._value(action["foreach"]) or []
        self._ended(name, SUCCEEDED, f"{len(items)}")
        status = SUCCEEDED
        for item in items:
            self._items[name] = item
            self._item.append(item)
            try:
                status = FAILED if self._actions(action.get("actions") or {}) == FAILED else status
            finally:
                self._item.pop()
        return status

    def _compose(self, name: str, action: dict[str, Any]) -> str:
        self._bodies[name] = self._value(action["inputs"])
        return self._ended(name, SUCCEEDED)


def _handled(name: str, actions: dict[str, dict[str, Any]]) -> bool:
    """Whether another action runs after the failure of this one."""
    return any(FAILED in (one.get("runAfter") or {}).get(name, ()) for one in actions.values())


def play(tenant: Tenant, identity: str, later: float = 0) -> dict[str, Any]:
    """Play one run of a workflow, as its trigger would start it."""
    record = tenant.store.get(identity)
    if record is None or record.type != "Microsoft.Logic/workflows":
        raise PlayError(f"there is no workflow '{identity}'")
    run = Run(tenant, record, later)
    run.play()
    tenant.saver.soon()
    failed = any(step.status == FAILED for step in run.steps)
    return {
        "status": FAILED if failed else SUCCEEDED,
        "actions": [{"name": step.name, "status": step.status, "said": step.said} for step in run.steps],
        "told": run.told,
    }
