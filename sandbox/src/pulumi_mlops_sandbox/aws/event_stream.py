"""Answers that come in pieces, as AWS writes them: messages with headers and check sums.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
"""

import struct
import zlib
from collections.abc import Mapping

TYPE = "application/vnd.amazon.eventstream"
_TEXT = 7


def written(event: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """Write an event, whose one member is its payload."""
    ((kind, members),) = event.items()
    (payload,) = members.values()
    headers = {":message-type": "event", ":event-type": kind, ":content-type": "application/octet-stream"}
    return _message(headers, payload)


def _message(headers: dict[str, str], payload: bytes) -> bytes:
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _TEXT, len(value)) + value.encode()
        for name, value in headers.items()
    )
    whole = 16 + len(head) + len(payload)
    prelude = struct.pack("!II", whole, len(head))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    message = prelude + head + payload
    return message + struct.pack("!I", zlib.crc32(message))
