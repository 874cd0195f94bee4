"""A small client of the cluster for the sandbox's own needs; users have kubectl and the Python client."""

import json
import time
from pathlib import Path
from typing import Any

import urllib3

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""Asks for all groups with their kinds in one answer."""
METADATA = "application/json;g=meta.k8s.io;v=v1;as=PartialObjectMetadataList"
"""Asks for a list of names and annotations rather than of whole objects."""

TOO_MANY = 429
NOT_AN_ERROR = range(200, 300)


class ApiError(Exception):
    """The cluster refused something."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Speaks to one apiserver as one user."""

    def __init__(self, server: str, ca: Path, token: str = "") -> None:
        self._server = server
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(ca_certs=str(ca), headers=headers, maxsize=4, retries=False)

    def get(self, path: str, accept: str = "application/json") -> Any:
        """Read something."""
        return self.request("GET", path, accept=accept)

    def apply(self, path: str, manifest: dict[str, Any]) -> Any:
        """Create an object, or bring it into the given form, by server-side apply."""
        query = "fieldManager=sandbox&force=true"
        return self.request("PATCH", f"{path}?{query}", manifest, content_type="application/apply-patch+yaml")

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str = "application/json",
        content_type: str = "application/json",
        within: float = 30.0,
    ) -> Any:
        """Send one request. For some time after a start lists are refused with 429: those are asked for again."""
        deadline = time.monotonic() + within
        headers = {**self._pool.headers, "Accept": accept, "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        while True:
            answer = self._pool.request(method, self._server + path, body=data, headers=headers, timeout=within)
            if answer.status != TOO_MANY or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if answer.status not in NOT_AN_ERROR:
            raise ApiError(answer.status, f"{method} {path}: {answer.data.decode(errors='replace')[:500]}")
        text = answer.data
        return json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text.decode()
