"""``storage.Blob``, which is no resource of Azure Resource Manager: it is written to the account's data plane."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pulumi_mlops_sandbox.azure.provider import failures
from pulumi_mlops_sandbox.azure.provider.failures import ArmError
from pulumi_mlops_sandbox.azure.provider.kind import ArmKind
from pulumi_mlops_sandbox.provider.contract import Missing, ProviderError, Values
from pulumi_mlops_sandbox.provider.values import ASSET, SIGNATURE

_META = "x-ms-meta-"
_TYPES = {"Block": "BlockBlob"}


class BlobKind(ArmKind):
    """A block blob whose content the program gives."""

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Refuse what the stand-in does not carry."""
        kind = inputs.get("type")
        if isinstance(kind, str) and kind not in _TYPES:
            return [("type", f"the sandbox carries Block blobs, not {kind!r}")]
        return []

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Upload it."""
        path = self.path(inputs)
        self._upload(inputs)
        return path, self.read(path, inputs)

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Upload it again: what can change in place are its headers."""
        self._upload(news)
        return self.read(object_id, news)

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Delete it."""
        try:
            self.session.raw("DELETE", self._place(self.parts(object_id)), None, {})
        except ArmError as error:
            if error.status == failures.MISSING:
                raise Missing(str(error)) from error
            raise

    def look(self, object_id: str) -> Values:
        """Ask for its headers."""
        parts = self.parts(object_id)
        place = self._place(parts)
        try:
            headers = self.session.raw("HEAD", place, None, {}).headers
        except ArmError as error:
            if error.status == failures.MISSING:
                raise Missing(f"blob {object_id} does not exist") from error
            self.session.raw("GET", place, None, {})  # says why: the answer to a HEAD has no text
            raise
        metadata = {name[len(_META) :]: value for name, value in headers.items() if name.lower().startswith(_META)}
        found = {
            "contentType": headers.get("Content-Type"),
            "contentMd5": headers.get("Content-MD5"),
            "accessTier": headers.get("x-ms-access-tier"),
            "metadata": metadata or None,
        }
        blob, container = parts["blobName"], parts["containerName"]
        return {
            **{name: value for name, value in found.items() if value is not None},
            "name": blob,
            "type": "Block",
            "url": f"https://{parts['accountName']}.blob.core.windows.net/{container}/{quote(blob)}",
        }

    def state(self, object_id: str, wire: Values) -> Values:
        """Return the outputs."""
        return wire

    def as_inputs(self, object_id: str, state: Values, inputs: Values, before: Values) -> Values:
        """Return what a program would have written; Azure knows the content by its sum alone."""
        found = {name: item for name, item in state.items() if name in self.traits.inputs}
        return {**found, **self.parts(object_id)}

    def _upload(self, inputs: Values) -> None:
        content = _content(inputs.get("source"))
        headers = {
            "x-ms-blob-type": _TYPES[str(inputs.get("type") or "Block")],
            "Content-Type": str(inputs.get("contentType") or "application/octet-stream"),
            "Content-MD5": str(inputs.get("contentMd5") or _sum(content)),
            **{f"{_META}{name}": str(value) for name, value in (inputs.get("metadata") or {}).items()},
        }
        if inputs.get("accessTier"):
            headers["x-ms-access-tier"] = str(inputs["accessTier"])
        self.session.raw("PUT", self._place(inputs), content, headers)

    def _place(self, parts: Values) -> str:
        return f"/blob/{parts['accountName']}/{parts['containerName']}/{quote(str(parts['blobName']))}"


def _sum(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _content(source: Any) -> bytes:
    """Return the bytes of an asset as the engine sends it."""
    if source is None:
        return b""
    if not isinstance(source, dict) or source.get(SIGNATURE) != ASSET:
        raise ProviderError("source: give an asset")
    if source.get("uri"):
        raise ProviderError("source: remote assets are not in the table; give a file or a text")
    if source.get("path"):
        return Path(source["path"]).read_bytes()
    return str(source.get("text") or "").encode()
