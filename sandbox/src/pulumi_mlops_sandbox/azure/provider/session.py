"""HTTP to Azure Resource Manager: one request, its errors, and the operations that take longer than a request."""

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3

from pulumi_mlops_sandbox.azure import facts
from pulumi_mlops_sandbox.azure.provider import failures
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

GROUPS_VERSION: Final = "2020-10-01"
"""The api-version by which the real provider asks a resource group for its location."""
_CONNECTIONS = 64
_ATTEMPTS = 6
_FIRST_POLL, _LONGEST_POLL = 0.05, 1.0
_PATIENCE = 1200.0
_ACCEPTED, _REFUSED = 202, 400
_DONE: Final = frozenset({"succeeded", "failed", "canceled"})


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def data(self) -> Any:
        """The body as JSON; nothing where there is none."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            return None


class Session:
    """One provider's way to Azure."""

    def __init__(self, config: Values) -> None:
        self.config = config
        self.cancelled = threading.Event()
        self.endpoint = (os.environ.get("PULUMI_MLOPS_ARM_ENDPOINT") or "").rstrip("/")
        self.token = os.environ.get("PULUMI_MLOPS_ARM_TOKEN") or ""
        self._locations: dict[str, str] = {}
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, retries=False, timeout=urllib3.Timeout(connect=5, read=120)
        )

    @property
    def subscription(self) -> str:
        """The subscription of the configuration, or of the environment."""
        found = str(self.config.get("subscriptionId") or os.environ.get("ARM_SUBSCRIPTION_ID") or "")
        if not found:
            raise ProviderError("no subscription: set azure-native:subscriptionId")
        return found

    @property
    def tenant(self) -> str:
        """The tenant of the configuration, or of the environment."""
        return str(self.config.get("tenantId") or os.environ.get("ARM_TENANT_ID") or "")

    def caller(self) -> tuple[str, str]:
        """Say who the token names: the application's id and the principal's, which are one for other principals."""
        named = self.token.removeprefix("principal:")
        return (facts.CLIENT, facts.DEPLOYER) if named == self.token else (named, named)

    def location(self, group: str) -> str:
        """Ask a resource group for its location, once; nothing where there is no such group."""
        if group not in self._locations:
            path = f"/subscriptions/{self.subscription}/resourcegroups/{group}"
            try:
                self._locations[group] = str(self.get(path, GROUPS_VERSION)["location"])
            except failures.ArmError as error:
                if error.status != failures.MISSING:
                    raise
                return ""
        return self._locations[group]

    def get(self, path: str, version: str) -> Values:
        """Read a resource."""
        found: Values = self.send("GET", path, {"api-version": version}).data or {}
        return found

    def put(self, path: str, version: str, body: Values, query: Mapping[str, str]) -> None:
        """Write a resource and wait until it is done."""
        self._done(self.send("PUT", path, {"api-version": version, **query}, body))

    def delete(self, path: str, version: str) -> None:
        """Delete a resource and wait until it is gone."""
        self._done(self.send("DELETE", path, {"api-version": version}))

    def post(self, path: str, version: str, body: Values | None = None) -> Values:
        """Call an action."""
        found: Values = self.send("POST", path, {"api-version": version}, body or {}).data or {}
        return found

    def send(self, method: str, path: str, query: Mapping[str, str], body: Values | None = None) -> Answer:
        """Send one request, again while the answer is one that passes by itself."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self.raw(method, f"{path}?{urlencode(query)}" if query else path, content, headers)

    def raw(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send bytes."""
        if not self.endpoint:
            raise ProviderError("PULUMI_MLOPS_ARM_ENDPOINT is not set; run inside `pulumi-mlops sandbox run`")
        url = path if "://" in path else self.endpoint + path
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        pause = _FIRST_POLL
        for attempt in range(_ATTEMPTS):
            found = self._pool.request(method, url, body=content, headers=sent)
            answer = Answer(found.status, found.headers, found.data)
            if answer.status < _REFUSED:
                return answer
            error = failures.refusal(answer.status, answer.data, f"{method} {urlsplit(url).path}")
            if not error.passing or attempt == _ATTEMPTS - 1:
                raise error
            self._wait(_after(answer, pause), "for Azure to take the request")
            pause = min(pause * 2, _LONGEST_POLL)
        raise AssertionError  # the last attempt has returned or raised

    def _done(self, answer: Answer) -> None:
        """Wait for the operation that a request has begun."""
        where = answer.headers.get("Azure-AsyncOperation")
        limit, pause = time.monotonic() + _PATIENCE, _FIRST_POLL
        while where is not None or (answer.status == _ACCEPTED and answer.headers.get("Location")):
            self._wait(_after(answer, pause), "for an operation")
            if time.monotonic() > limit:
                raise ProviderError(f"waited {_PATIENCE:.0f} s for an operation; see {where}")
            pause = min(pause * 1.5, _LONGEST_POLL)
            answer = self.raw("GET", where or answer.headers["Location"], None, {})
            if where is None:
                continue
            status = str((answer.data or {}).get("status") or "Succeeded")
            if status.lower() not in _DONE:
                continue
            if status.lower() != "succeeded":
                raise failures.refusal(_REFUSED, answer.data)
            return

    def _wait(self, seconds: float, what: str) -> None:
        if self.cancelled.wait(seconds):
            raise ProviderError(f"interrupted while waiting {what}")


def _after(answer: Answer, otherwise: float) -> float:
    """Wait as long as was asked, at most; the stand-in looks sooner, since nothing is far away."""
    try:
        asked = float(answer.headers.get("Retry-After") or "")
    except ValueError:
        return otherwise
    return min(asked, otherwise)
