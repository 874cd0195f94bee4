"""Property values as the engine sends them: structs in which secrets, unknowns and assets hide behind signatures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format, struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret, not one
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_SHORTEST: Final = 4  # what is shorter is struck out nowhere: it would take half of every message with it
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that only the update itself will tell."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that is encrypted in the state and never shown."""

    value: Any = field(repr=False)


def receive(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Turn a struct of the engine into plain values, :class:`Secret` and :data:`UNKNOWN`."""
    received: dict[str, Any] = _receive(json_format.MessageToDict(struct))
    return received


def _receive(value: Any) -> Any:
    if isinstance(value, dict):
        return _receive_object(value)
    if isinstance(value, list):
        return [_receive(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == _UNKNOWN_TEXT else value


def _receive_object(value: dict[str, Any]) -> Any:
    match value.get(SIGNATURE):
        case None:
            return {key: _receive(item) for key, item in value.items()}
        case signature if signature == SECRET:
            return Secret(_receive(value.get("value")))
        case signature if signature == OUTPUT:
            inner = _receive(value["value"]) if "value" in value else UNKNOWN
            return Secret(inner) if value.get("secret") else inner
        case signature if signature == RESOURCE:
            return value.get("id") or UNKNOWN
        case _:  # assets and archives stay as they came: the cloud's half reads them
            return value


def send(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Turn plain values back into a struct."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(_send(stripped(values)), struct)
    return struct


def _send(value: Any) -> Any:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _send(value.value)}
    if value is UNKNOWN:
        return _UNKNOWN_TEXT
    if isinstance(value, Mapping):
        return {str(key): _send(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_send(item) for item in value]
    return value


def plain(value: Any) -> Any:
    """Return the value without its secret marks."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _holds(value: Any, found: Callable[[Any], bool]) -> bool:
    if found(value):
        return True
    if isinstance(value, Secret):
        return _holds(value.value, found)
    if isinstance(value, dict):
        return any(_holds(item, found) for item in value.values())
    return isinstance(value, list) and any(_holds(item, found) for item in value)


def has_secret(value: Any) -> bool:
    """Say whether a secret is anywhere inside."""
    return _holds(value, lambda item: isinstance(item, Secret))


def has_unknown(value: Any) -> bool:
    """Say whether an unknown is anywhere inside."""
    return _holds(value, lambda item: item is UNKNOWN)


def stripped(value: Any) -> Any:
    """Return the value without the properties that are None."""
    if isinstance(value, dict):
        return {key: stripped(item) for key, item in value.items() if item is not None}
    return [stripped(item) for item in value] if isinstance(value, list) else value


def conceal(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Mark the named properties as secret."""
    return {key: Secret(plain(item)) if key in names and item is not None else item for key, item in values.items()}


def marked(value: Any, like: Any) -> Any:
    """Mark as secret what is secret in another value of the same form, and all of a list of another length."""
    if isinstance(like, Secret):
        return Secret(plain(value))
    if isinstance(value, dict) and isinstance(like, dict):
        return {key: marked(item, like.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(like, list) and len(value) == len(like):
        return [marked(item, wanted) for item, wanted in zip(value, like, strict=True)]
    return Secret(plain(value)) if has_secret(like) else value


def secret_names(values: Mapping[str, Any]) -> frozenset[str]:
    """Name the properties in which a secret is."""
    return frozenset(key for key, item in values.items() if has_secret(item))


def secret_texts(values: Any, *, inside: bool = False) -> set[str]:
    """Collect the texts that are secret, so that they can be struck out of a message."""
    if isinstance(values, Secret):
        return secret_texts(values.value, inside=True)
    if isinstance(values, dict):
        return {text for item in values.values() for text in secret_texts(item, inside=inside)}
    if isinstance(values, list):
        return {text for item in values for text in secret_texts(item, inside=inside)}
    return (
        {str(values)} if inside and isinstance(values, (str, int, float)) and len(str(values)) >= _SHORTEST else set()
    )
