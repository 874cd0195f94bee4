"""Reads what the engine sends of a resource: values that are not known yet, and secrets, are marked by texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct, Value

from pulumi_mlops.policies.resources import UNKNOWN, Resource, resource

UNKNOWNS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""By which Pulumi's protocol says that a value of each of its types is not known yet."""
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  (the mark of one)


def plain(struct: Struct) -> tuple[dict[str, Any], list[str]]:
    """Turn properties into Python's own values; beside them the paths of those that are secret."""
    secrets: list[str] = []
    return _mapping(struct, "", secrets), secrets


def _mapping(struct: Struct, path: str, secrets: list[str]) -> dict[str, Any]:
    return {key: _value(each, f"{path}.{key}" if path else key, secrets) for key, each in struct.fields.items()}


def _value(value: Value, path: str, secrets: list[str]) -> Any:
    found: Any = None
    match value.WhichOneof("kind"):
        case "string_value":
            found = UNKNOWN if value.string_value in UNKNOWNS else value.string_value
        case "number_value":
            found = int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "bool_value":
            found = value.bool_value
        case "list_value":
            found = [_value(each, f"{path}[{number}]", secrets) for number, each in enumerate(value.list_value.values)]
        case "struct_value":
            found = _structure(value.struct_value, path, secrets)
    return found


def _structure(struct: Struct, path: str, secrets: list[str]) -> Any:
    """Read a structure, or what stands in one by its mark: a secret, or a file, which no rule looks into."""
    if SIGNATURE not in struct.fields:
        return _mapping(struct, path, secrets)
    if struct.fields[SIGNATURE].string_value != SECRET:
        return None
    secrets.append(path)
    return _value(struct.fields["value"], path, secrets)


def changed(struct: Struct, changes: Iterable[tuple[Sequence[str], Any]]) -> Struct:
    """Copy properties with some of them changed; what is secret or unknown among the others stays so."""
    made = Struct()
    made.CopyFrom(struct)
    for path, value in changes:
        place = made
        for word in path[:-1]:
            place = place.fields[word].struct_value
            if SIGNATURE in place.fields:
                place = place.fields["value"].struct_value
        place.update({path[-1]: value})
    return made


def read(request: Any, props: Mapping[str, Any], secrets: Iterable[str]) -> Resource:
    """Make a resource of a request, whose properties are read already."""
    depends = getattr(request, "propertyDependencies", {})
    provider = plain(request.provider.properties)[0] if request.HasField("provider") else {}
    return resource(
        request.type,
        request.name,
        props,
        urn=request.urn,
        protect=request.options.protect,
        parent=request.options.parent,
        secrets=secrets,
        provider=provider,
        depends={key: found.urns for key, found in depends.items()},
    )
