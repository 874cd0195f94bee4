"""Files of jobs: folders of storage, read and written as the identity of a job."""

import time
from pathlib import Path

from pulumi_mlops_sandbox.azure import access
from pulumi_mlops_sandbox.azure.call import Call
from pulumi_mlops_sandbox.azure.rules import rights
from pulumi_mlops_sandbox.azure.store import Item, Record


class RunError(Exception):
    """A run failed, for a reason that the history tells."""


class Files:
    """Storage, as somebody."""

    def __init__(self, call: Call, space: Record, principal: str) -> None:
        self.call, self.space, self.principal = call, space, principal

    def fetch(self, uri: str, folder: Path, *, empty: bool = False) -> None:
        """Fetch all that is below an address; nothing there is an error, unless it may be."""
        folder.mkdir(parents=True, exist_ok=True)
        with self.call.tenant.lock:
            container, path = self._place(uri)
            items = self.call.store.items
            found = {key: items[key].content for key in items if key.startswith(f"{container}/{path}")}
            for key in found:
                self._require(rights.READ, container, key.removeprefix(f"{container}/"), "Storage Blob Data Reader")
        if not found and not empty:
            raise RunError(f"There is nothing at {uri}, and Azure mounts no folder that is empty.")
        for key, content in found.items():
            name = key.removeprefix(f"{container}/{path}").lstrip("/") or Path(key).name
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def keep(self, folder: Path, uri: str) -> None:
        """Write all files of a folder below an address."""
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            self.write(f"{uri.rstrip('/')}/{file.relative_to(folder).as_posix()}", file.read_bytes())

    def write(self, uri: str, content: bytes, kind: str = "application/octet-stream") -> None:
        """Write one object."""
        with self.call.tenant.lock:
            container, path = self._place(uri)
            self._require(rights.WRITE, container, path, "Storage Blob Data Contributor")
            self.call.store.items[f"{container}/{path}"] = Item(content, kind, {}, time.time())
            self.call.tenant.saver.soon()

    def _place(self, uri: str) -> tuple[str, str]:
        found = next(rights.storage_of(self.call, self.space, uri), None)
        if found is None:
            raise RunError(f"'{uri}' leads to no storage that the workspace knows.")
        container, _, path = found.partition("#")
        record = self.call.store.get(container)
        if record is None:
            raise RunError(f"The container '{container}' does not exist.")
        return record.id, path

    def _require(self, action: str, container: str, path: str, role: str) -> None:
        about = access.at_path(action, path)
        if not access.allowed(self.call.tenant, self.principal, action, container, data=True, about=about):
            raise RunError(str(rights.denied(self.principal, action, f"{container}#{path}", role)))
