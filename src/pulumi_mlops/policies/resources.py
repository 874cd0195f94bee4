"""What rules look at: resources of any provider, by one name a kind, with values that may not be known yet."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

CLOUDS: Final = {"aws": "aws", "aws-native": "aws", "azure-native": "azure", "kubernetes": "kubernetes"}
"""The cloud of a provider's package."""
CLOUD_CONTROL: Final = "aws:cloudcontrol:Resource"
NAMES: Final = (
    "id", "arn", "name", "bucket", "url", "accountName", "vaultName", "workspaceName", "registryName", "endpointName",
    "featureGroupName", "modelPackageGroupName", "virtualNetworkName", "subnetName", "networkSecurityGroupName",
)  # fmt: skip
"""Properties by which other resources know one."""


_MARKS: Final = re.compile(r"[:\\\"',\s*]+")


class Undecided(Exception):  # noqa: N818  (it says what is so)
    """A rule needs a value that only the update can tell."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _Unknown:
    """The value of a property that only the update can tell."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()


@lru_cache(maxsize=4096)
def canonical(token: str) -> str:
    """Name a kind of resource without the version of its API or the name of a file: ``aws:s3:Bucket``."""
    package, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    if package in ("aws", "aws-native"):
        service = module.split("/")[0]
        return f"aws:{service}:{name.removesuffix('V2') if service == 's3' else name}"
    if package == "azure-native":
        return f"{package}:{module.split('/')[0]}:{name}"
    if package == "kubernetes":
        return f"{package}:{module.rpartition('/')[0] or module}:{name}"
    return token


@dataclass(frozen=True)
class Part:
    """A structure somewhere in the properties of a resource."""

    value: Any
    path: str = ""

    def get(self, path: str, default: Any = None, key: str | None = None) -> Any:
        """Read a property by its path, such as ``spec.replicas``; a value that is not known yet is `Undecided`.

        A key is looked up in the mapping at the path; it may have dots in it.
        """
        found = self.value
        walked = self.path
        for word in [*path.split("."), *([] if key is None else [key])]:
            if found is UNKNOWN:
                raise Undecided(walked)
            if not isinstance(found, Mapping) or word not in found:
                return default
            found = found[word]
            walked = f"{walked}.{word}" if walked else word
        if found is UNKNOWN:
            raise Undecided(walked)
        return default if found is None else found

    def entries(self, path: str) -> "dict[str, Part]":
        """List the entries of a property that is a mapping; one that is not known yet is `Undecided`."""
        found = self.get(path, {})
        keys = found if isinstance(found, Mapping) else ()
        return {key: Part(self.get(path, key=key), f"{self.at(path)}.{key}") for key in keys}

    def part(self, path: str) -> "Part":
        """Go to a structure within; an empty one if there is none."""
        return Part(self.get(path, {}), self.at(path))

    def each(self, path: str) -> "list[Part]":
        """List the structures of a property that is a list, or the one that stands there instead of a list."""
        found = self.get(path, ())
        items = found if isinstance(found, list | tuple) else [found]
        for number, item in enumerate(items):
            if item is UNKNOWN:
                raise Undecided(f"{self.at(path)}[{number}]")
        return [Part(item, f"{self.at(path)}[{number}]") for number, item in enumerate(items)]

    def texts(self, path: str, default: Any = None) -> list[str]:
        """Read a property that is a text or a list of them as a list; an unknown one among them is `Undecided`."""
        found = self.get(path, default)
        items = found if isinstance(found, list | tuple) else [found]
        if any(each is UNKNOWN for each in items):
            raise Undecided(self.at(path))
        return [str(each) for each in items if each is not None]

    def at(self, path: str) -> str:
        """Say where a property of this structure is in the resource."""
        return f"{self.path}.{path}" if self.path else path

    def document(self, path: str) -> "Part":
        """Read a property that is JSON in a string."""
        found = self.get(path, {})
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except json.JSONDecodeError:
                found = {}
        return Part(found, self.at(path))


@dataclass(frozen=True)
class Resource(Part):
    """A resource of a stack."""

    type: str = ""
    """The kind, by `canonical`."""
    token: str = ""
    """The kind, as Pulumi has it."""
    name: str = ""
    urn: str = ""
    protect: bool = False
    parent: str = ""
    secrets: frozenset[str] = frozenset()
    """The paths of values that are secret."""
    provider: Mapping[str, Any] = field(default_factory=dict)
    """The properties of the provider that makes it."""
    depends: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The URNs on which each property depends."""
    step: str = ""
    """What the change does to what is there, where somebody has seen it: ``replace`` or ``delete``."""

    @property
    def cloud(self) -> str:
        """The cloud that has it; empty where it is no cloud's."""
        return CLOUDS.get(self.type.partition(":")[0], "")

    @property
    def plain(self) -> bool:
        """Say whether its properties are the provider's own, and not read out of CloudFormation's form of them."""
        return not self.token.startswith("aws-native:") and canonical(self.token) != CLOUD_CONTROL

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name under which other resources can mean this one."""
        values = [self.value.get(key) for key in NAMES] if isinstance(self.value, Mapping) else []
        if self.cloud == "kubernetes":
            metadata = self.value.get("metadata") if isinstance(self.value, Mapping) else None
            values = [metadata.get("name")] if isinstance(metadata, Mapping) else []
        return frozenset(value for value in values if isinstance(value, str) and value)

    @property
    def unnamed(self) -> bool:
        """Say whether what it will be called is not known yet; ids are known after an update only, and say nothing."""
        if not isinstance(self.value, Mapping) or not self.names:
            return True
        return any(self.value.get(key) is UNKNOWN for key in NAMES if key == "bucket" or key.endswith("Name"))

    @property
    def namespace(self) -> str:
        """The namespace of an object of Kubernetes."""
        return str(self.get("metadata.namespace", ""))


def resource(  # one argument for each thing that a resource has
    token: str,
    name: str,
    props: Mapping[str, Any] | None = None,
    *,
    urn: str = "",
    protect: bool = False,
    parent: str = "",
    secrets: Iterable[str] = (),
    provider: Mapping[str, Any] | None = None,
    depends: Mapping[str, Iterable[str]] | None = None,
    step: str = "",
) -> Resource:
    """Make a resource of what the engine tells of it; one of Cloud Control is what it stands for."""
    kind, value = canonical(token), props or {}
    urns = {key: frozenset(values) for key, values in (depends or {}).items()}
    if kind == CLOUD_CONTROL and isinstance(named := value.get("typeName"), str) and named.count("::") == 2:  # noqa: PLR2004
        _, service, thing = named.split("::")
        kind = f"aws:{service.lower()}:{thing}"
        wanted = value.get("desiredState", "{}")
        value = UNKNOWN if wanted is UNKNOWN else _camel(Part({"it": wanted}).document("it").value)
        if isinstance(value, dict):
            every = frozenset().union(*urns.values())
            urns = dict.fromkeys(value, every)
            value = value | {key: props[key] for key in ("id", "arn") if props and key in props}
    if kind.startswith("azure-native:") and isinstance(value, Mapping):
        own = _first_small(kind.rpartition(":")[2]) + "Properties"  # as older versions of the provider call them
        value = {"properties" if key == own else key: each for key, each in value.items()}
    made = f"urn:pulumi:stack::project::{token}::{name}"
    return Resource(
        value,
        type=kind,
        token=token,
        name=name,
        urn=urn or made,
        protect=protect,
        parent=parent,
        secrets=frozenset(secrets),
        provider=provider or {},
        depends=urns,
        step=step,
    )


def _camel(value: Any) -> Any:
    """Write the members of a CloudFormation type as the provider's own resources have them."""
    if isinstance(value, dict):
        return {_first_small(key): _camel(each) for key, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value


def _first_small(word: str) -> str:
    return word[:1].lower() + word[1:]


class Stack:
    """All resources of a stack, and how they hang together."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)
        self._by_type: dict[str, list[Resource]] = {}
        for each in self.resources:
            self._by_type.setdefault(each.type, []).append(each)

    @property
    def types(self) -> frozenset[str]:
        """Every kind that the stack has."""
        return frozenset(self._by_type)

    def all(self, *types: str) -> list[Resource]:
        """List the resources of some kinds."""
        return [each for kind in types for each in self._by_type.get(kind, ())]

    def means(self, one: Resource, path: str, other: Resource) -> bool:
        """Say whether a property of one resource means the other, by what the engine knows or by the other's name."""
        if other.urn in one.depends.get(path.split(".", maxsplit=1)[0], ()):
            return True
        try:
            found = one.get(path)
        except Undecided:
            return False
        return any(_names(value, other) for value in (found if isinstance(found, list | tuple) else [found]))

    def mentions(self, one: Resource, path: str, other: Resource) -> bool:
        """Say whether the other resource is meant anywhere within a property: by the engine's record, or by name."""
        root = path.split(".", maxsplit=1)[0]
        if other.urn in one.depends.get(root, ()):
            return True
        return isinstance(one.value, Mapping) and _within(one.value.get(root), other)

    def whose(self, types: Iterable[str], path: str, other: Resource) -> Iterator[Resource]:
        """Find the resources of some kinds of which a property means a resource.

        Where none is known to, and the update may yet tell that one does, it is `Undecided`.
        """
        asked = list[Resource]()
        found = False
        for one in self.all(*types):
            if self.means(one, path, other):
                found = True
                yield one
            else:
                asked.append(one)
        if not found:
            _closed(asked, (path,), other)

    def has(
        self,
        types: Iterable[str],
        path: str,
        other: Resource,
        holds: Callable[[Resource], bool] = lambda _: True,
    ) -> bool:
        """Say whether something holds for a resource of some kinds of which a property means a resource.

        Where it holds for none that is known to, and the update may yet tell of another, it is `Undecided`.
        """
        asked = self.all(*types)
        meaning = [one for one in asked if self.means(one, path, other)]
        if any(holds(one) for one in meaning):
            return True
        _closed([one for one in asked if one not in meaning], (path,), other)
        return False

    def meant(self, one: Resource, path: str, types: Iterable[str]) -> list[Resource]:
        """List the resources of some kinds that a property means; `Undecided` as in `whose`."""
        others = self.all(*types)
        found = [each for each in others if self.means(one, path, each)]
        for each in () if found else others:
            _closed((one,), (path,), each)
        return found

    def mentioned(self, other: Resource, ones: Iterable[Resource], *paths: str) -> bool:
        """Say whether a resource is meant anywhere within some properties of others; `Undecided` as in `whose`."""
        asked = list(ones)
        if any(self.mentions(one, path, other) for one in asked for path in paths):
            return True
        _closed(asked, paths, other)
        return False


def _closed(ones: Iterable[Resource], paths: Iterable[str], other: Resource) -> None:
    """Have it known that no property means a resource: it is not where a value or a name may yet turn out to."""
    for path in paths:
        root = path.split(".", maxsplit=1)[0]
        for one in ones:
            if one.depends.get(root) or not isinstance(one.value, Mapping):
                continue
            value = one.value.get(root)
            if blurred(value) or (value is not None and other.unnamed):
                raise Undecided(f"{one.name}.{path}")


def blurred(value: Any) -> bool:
    """Say whether something in a structure is not known yet."""
    if isinstance(value, Mapping):
        return any(blurred(each) for each in value.values())
    return value is UNKNOWN or (isinstance(value, list | tuple) and any(blurred(each) for each in value))


def _names(value: Any, other: Resource) -> bool:
    if not isinstance(value, str):
        return False
    return value in other.names or value.rpartition("/")[2] in other.names


def _within(value: Any, other: Resource) -> bool:
    """Look for a name among the parts of ARNs and of JSON; of a path, only its end means a thing."""
    if isinstance(value, Mapping):
        return any(_within(each, other) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_within(each, other) for each in value)
    if not isinstance(value, str):
        return False
    ends = (part.rstrip("/").rpartition("/")[2] for part in _MARKS.split(value))
    return value in other.names or not other.names.isdisjoint(ends)
