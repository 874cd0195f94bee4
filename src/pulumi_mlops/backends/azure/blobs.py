"""Files of Azure Storage, written and read by whoever asks, with a token of theirs.

https://learn.microsoft.com/rest/api/storageservices/put-blob
"""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from pulumi_mlops.backends.azure import live, sessions
from pulumi_mlops.backends.azure.asking import asking, refused
from pulumi_mlops.clients import http
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.components.platform import PlatformRef

_AUDIENCE, _VERSION = "https://storage.azure.com", "2021-12-02"
_BLOCK = 32 * 1024 * 1024
_PATIENCE = Patience()
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


def text(platform: PlatformRef, address: str, patience: Patience = _PATIENCE) -> str | None:
    """Read a file; nothing where there is none."""
    answer = _asked(platform, address, patience, body=None, headers={})
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    _judge(address, answer)
    return answer.body.decode()


def _put(
    platform: PlatformRef, address: str, body: bytes, patience: Patience, *, whole: bool = False, **query: str
) -> None:
    kind = {"x-ms-blob-type": "BlockBlob"} if whole else {}
    where = f"{address}?{urlencode(query)}" if query else address
    headers = {"Content-Type": "application/octet-stream", **kind}
    _judge(address, _asked(platform, where, patience, body=body, headers=headers))


def _judge(address: str, answer: http.Answer) -> None:
    if answer.status not in _FINE:
        raise refused(f"the file {address}", sessions.Answer(answer.status, sessions.read(answer.body)))


def _asked(
    platform: PlatformRef, address: str, patience: Patience, *, body: bytes | None, headers: Mapping[str, str]
) -> http.Answer:
    """Write a file, or read it where there is nothing to write, as whoever asks; each may be done twice."""
    what = f"the file {address.partition('?')[0]}"
    with asking(what):
        token = sessions.bearer(live.provider_of(platform), _AUDIENCE)
    parts = urlsplit(address)
    there = sessions.emulated()
    root = f"{there}/blob/{parts.netloc.partition('.')[0]}" if there else f"https://{parts.netloc}"
    request = http.Request(
        address=f"{root}{quote(parts.path)}{f'?{parts.query}' if parts.query else ''}",
        method="GET" if body is None else "PUT",
        headers={"Authorization": f"Bearer {token}", "x-ms-version": _VERSION, **headers},
        body=body or b"",
        seconds=patience.seconds,
    )
    return patience.ask(f"Azure Storage ({what})", lambda: http.send(request), repeatable=True)
