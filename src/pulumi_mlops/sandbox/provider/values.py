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
        match value.get(SIGNATURE):
            case None:
                return {key: _receive(item) for key, item in value.items()}
            case str(signature) if signature == SECRET:
                return Secret(_receive(value.get("value")))
            case str(signature) if signature == OUTPUT:
                inner = _receive(value["value"]) if "value" in value else UNKNOWN
                return Secret(inner) if value.get("secret") else inner
            case str(signature) if signature == RESOURCE:
                return value.get("id") or UNKNOWN
            case _:  # assets and archives stay as they came: the cloud's half reads them
                return value
    if isinstance(value, list):
        return [_receive(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == _UNKNOWN_TEXT else value


def send(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Turn plain values back into a struct."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(_send(values), struct)
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


def conceal(values: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Mark the named properties as secret."""
    return {key: Secret(plain(item)) if key in names and item is not None else item for key, item in values.items()}


def secret_names(values: Mapping[str, Any]) -> frozenset[str]:
    """Name the properties in which a secret is."""
    return frozenset(key for key, item in values.items() if has_secret(item))
