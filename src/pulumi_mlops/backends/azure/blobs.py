"""Files of Azure Storage, written and read by whoever asks, with a token of theirs.

https://learn.microsoft.com/rest/api/storageservices/put-blob
"""

import base64
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.backends.azure.asking import asking, refused
from pulumi_mlops.clients import http
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.components.platform import PlatformRef

_AUDIENCE, _VERSION = "https://storage.azure.com", "2021-12-02"
_BLOCK = 32 * 1024 * 1024
_FINE = range(200, 300)


def upload(platform: PlatformRef, address: str, content: Path | bytes, patience: Patience) -> None:
    """Write a file, a large one in blocks; one that is there is replaced."""
    if isinstance(content, bytes) or content.stat().st_size <= _BLOCK:
        whole = content if isinstance(content, bytes) else content.read_bytes()
        _put(platform, address, whole, patience, whole=True)
        return
    blocks: list[str] = []
    with content.open("rb") as file:
        while part := file.read(_BLOCK):
            blocks.append(base64.b64encode(f"{len(blocks):08d}".encode()).decode())
            _put(platform, address, part, patience, comp="block", blockid=blocks[-1])
    listed = "".join(f"<Latest>{name}</Latest>" for name in blocks)
    text = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
    _put(platform, address, text.encode(), patience, comp="blocklist")


def _put(
    platform: PlatformRef, address: str, body: bytes, patience: Patience, *, whole: bool = False, **query: str
) -> None:
    what = f"the file {address}"
    with asking(what):
        token = sessions.bearer(live.provider_of(platform), _AUDIENCE)
    parts = urlsplit(address)
    there = sessions.emulated()
    root = f"{there}/blob/{parts.netloc.partition('.')[0]}" if there else f"https://{parts.netloc}"
    request = http.Request(
        address=f"{root}{quote(parts.path)}{f'?{urlencode(query)}' if query else ''}",
        method="PUT",
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/octet-stream",
            "x-ms-version": _VERSION,
            **({"x-ms-blob-type": "BlockBlob"} if whole else {}),
        },
        body=body,
        seconds=patience.seconds,
    )
    answer = patience.ask(f"Azure Storage ({what})", lambda: http.send(request), repeatable=True)
    if answer.status not in _FINE:
        raise refused(what, sessions.Answer(answer.status, sessions.read(answer.body)))
