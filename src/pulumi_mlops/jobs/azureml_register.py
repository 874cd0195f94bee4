"""Register what a step made as a version of a model of an Azure workspace, which waits for its approval.

It runs in a job, as the job's identity, and needs nothing but Python 3.9. The files are copied to the folder of the
model, where those who serve it may read. It can be run again: a run registers one version.
"""

from __future__ import annotations

import base64
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STORAGE = "https://storage.azure.com/"
JOB = "mlops-job"
"""The property of a version that says which job registered it."""
APPROVAL, IMAGE = "approval", "serving_image"
_STORAGE_VERSION = "2021-12-02"
_BLOCK = 32 * 1024 * 1024
_TIMEOUT_SECONDS = 300
_TRIES, _PAUSE_SECONDS = 5, 3.0
_MOST_TAKEN = 20
_BUSY = 429
_BROKEN = 500


class RefusedError(Exception):
    """Azure refused a request."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status = status


def main(
    settings: Mapping[str, Any], metrics: Mapping[str, float], given: Mapping[str, str], facts: Mapping[str, Any]
) -> int:
    """Copy the files, and register the version.

    :param facts: the record of the step that made the files.
    """
    azure = Azure(given, pause=float(settings.get("pause", _PAUSE_SECONDS)))
    root, own = f"{settings['management']}{settings['model']}/versions", given["AZUREML_RUN_ID"]
    there = list(azure.listed(root, settings["api"]))
    for one in there:
        if ((one.get("properties") or {}).get("properties") or {}).get(JOB) == own:
            sys.stdout.write(f"register: this run registered version {one['name']} already\n")
            return 0
    source, folder = Path(given["MLOPS_INPUT_FILES"]), f"{settings['folder']}{own}/"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if not files:
        sys.stderr.write(f"register: there are no files below {source}\n")
        return 1
    for path in files:
        azure.upload(f"{settings['store']}{folder}{path.relative_to(source).as_posix()}", path)
    properties = {
        **settings.get("metadata", {}),
        **{name: repr(value) for name, value in metrics.items()},
        **settings.get("lineage", {}),
        "mlops-run": given.get("AZUREML_ROOT_RUN_ID", own),
        **read(facts),
        JOB: own,
    }
    body = {
        "properties": {
            "modelType": "mlflow_model" if (source / "MLmodel").is_file() else "custom_model",
            "modelUri": f"{settings['datastore']}{folder}",
            "tags": {APPROVAL: "pending", **({IMAGE: settings["image"]} if settings.get("image") else {})},
            "properties": properties,
        }
    }
    number = max((int(one["name"]) for one in there if one["name"].isdigit()), default=0) + 1
    for _ in range(_MOST_TAKEN):
        if azure.register(f"{root}/{number}?api-version={settings['api']}", body):
            sys.stdout.write(f"register: version {number} of {settings['model'].rpartition('/')[2]}, pending\n")
            return 0
        number += 1
    sys.stderr.write("register: others take every number; run the step again\n")
    return 1


def read(facts: Mapping[str, Any]) -> dict[str, str]:
    """Say where the record of a step is, and which versions of datasets it read."""
    inputs = facts.get("inputs", {}).items()
    found = {f"mlops-data-{name}": f"{one['dataset']}@{one['version']}" for name, one in inputs if "dataset" in one}
    return {"mlops-facts": facts.get("address", ""), **found}


class Azure:
    """Azure, as the job's identity may use it."""

    def __init__(self, given: Mapping[str, str], pause: float = _PAUSE_SECONDS) -> None:
        self.given, self.pause = given, pause
        self.tokens: dict[str, str] = {}

    def token(self, resource: str) -> str:
        """Ask for a token of the identity as which the job runs.

        The address of jobs' tokens is that of App Service of 2017: azure-identity's AzureMLCredential asks it so.
        """
        if resource not in self.tokens:
            query = {"api-version": "2017-09-01", "resource": resource}
            if client := self.given.get("AZURE_CLIENT_ID"):
                query["clientid"] = client
            address = f"{self.given['MSI_ENDPOINT']}?{urllib.parse.urlencode(query)}"
            said = self.send("GET", address, {"secret": self.given["MSI_SECRET"]})
            self.tokens[resource] = json.loads(said)["access_token"]
        return self.tokens[resource]

    def listed(self, address: str, api: str, **chosen: str) -> Iterator[dict[str, Any]]:
        """List what is below an address, page by page.

        :param chosen: what else is asked, such as ``jobType="Pipeline"``.
        """
        query = urllib.parse.urlencode({"api-version": api, "listViewType": "All", **chosen})
        following: str | None = f"{address}?{query}"
        while following:
            page = json.loads(self.send("GET", following, self.signed(following)))
            yield from page.get("value", [])
            following = page.get("nextLink")

    def register(self, address: str, body: Mapping[str, Any]) -> bool:
        """Register a version; say whether nobody else has the number."""
        headers = {**self.signed(address), "Content-Type": "application/json"}
        try:
            self.send("GET", address, headers)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        else:
            return False
        try:
            self.send("PUT", address, headers, json.dumps(body).encode())
        except RefusedError as error:
            # Somebody registered it meanwhile: what a version is of cannot be changed.
            if error.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT) and self.there(address, headers):
                return False
            raise
        return True

    def there(self, address: str, headers: Mapping[str, str]) -> bool:
        """Tell whether something is there."""
        try:
            self.send("GET", address, headers)
        except RefusedError:
            return False
        return True

    def upload(self, address: str, path: Path) -> None:
        """Upload a file, a large one in blocks."""
        where = urllib.parse.quote(address, safe=":/")
        headers = {
            "Authorization": f"Bearer {self.token(STORAGE)}",
            "x-ms-version": _STORAGE_VERSION,
            "Content-Type": "application/octet-stream",
        }
        if path.stat().st_size <= _BLOCK:
            self.send("PUT", where, {**headers, "x-ms-blob-type": "BlockBlob"}, path.read_bytes())
            return
        blocks: list[str] = []
        with path.open("rb") as file:
            while part := file.read(_BLOCK):
                blocks.append(base64.b64encode(f"{len(blocks):08d}".encode()).decode())
                name = urllib.parse.quote(blocks[-1], safe="")
                self.send("PUT", f"{where}?comp=block&blockid={name}", headers, part)
        listed = "".join(f"<Latest>{name}</Latest>" for name in blocks)
        whole = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        self.send("PUT", f"{where}?comp=blocklist", headers, whole.encode())

    def signed(self, address: str) -> dict[str, str]:
        """Return the header that says who asks, of the Resource Manager that is asked."""
        host = urllib.parse.urlsplit(address)
        return {"Authorization": f"Bearer {self.token(f'{host.scheme}://{host.netloc}/')}"}

    def send(self, method: str, address: str, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
        """Send a request, again where Azure is busy."""
        request = urllib.request.Request(address, data=body, headers=dict(headers), method=method)  # noqa: S310
        for number in range(_TRIES):
            last = number == _TRIES - 1
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as said:  # noqa: S310
                    found: bytes = said.read()
                    return found
            except urllib.error.HTTPError as error:
                why = error.read().decode(errors="replace")[:500]
                if last or not (error.code == _BUSY or error.code >= _BROKEN):
                    raise RefusedError(error.code, f"{method} {address.partition('?')[0]}: {why}") from None
            except OSError:
                if last:
                    raise
            time.sleep(self.pause)
        raise AssertionError
