"""Resource ids: read without regard to case, kept as they were written."""

from dataclasses import dataclass

from pulumi_mlops_sandbox.azure.errors import ArmError

GROUPS = "Microsoft.Resources/resourceGroups"
SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"


@dataclass(frozen=True)
class Address:
    """A resource, or the collection that it is in where its last name is missing."""

    scope: str
    """What stands before the last ``/providers/``: a group, a subscription, another resource."""
    namespace: str
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """The full type, such as ``Microsoft.Storage/storageAccounts``."""
        return "/".join((self.namespace, *self.types))

    @property
    def collection(self) -> bool:
        """Whether the last name is missing."""
        return len(self.names) < len(self.types)

    @property
    def name(self) -> str:
        """The last name."""
        return self.names[-1] if self.names else ""

    @property
    def id(self) -> str:
        """The id, in canonical form."""
        if self.type == GROUPS and not self.scope:
            return ""
        if self.type in {GROUPS, SUBSCRIPTIONS}:
            return "/".join(
                (self.scope, {GROUPS: "resourceGroups", SUBSCRIPTIONS: "subscriptions"}[self.type], *self.names)
            )
        parts = [f"{self.scope}/providers/{self.namespace}"]
        for index, kind in enumerate(self.types):
            parts += [kind, *self.names[index : index + 1]]
        return "/".join(parts)

    @property
    def key(self) -> str:
        """What two spellings of one id have in common."""
        return self.id.lower()

    @property
    def parent(self) -> str:
        """The id of what this resource is a part of, or hangs on."""
        if len(self.types) > 1 and self.type not in {GROUPS, SUBSCRIPTIONS}:
            return Address(self.scope, self.namespace, self.types[:-1], self.names[: len(self.types) - 1]).id
        return self.scope

    @property
    def subscription(self) -> str:
        """The id of its subscription, or nothing."""
        return self._segment("subscriptions")

    @property
    def group(self) -> str:
        """The name of its resource group, or nothing."""
        return self._segment("resourcegroups")

    @property
    def group_id(self) -> str:
        """The id of its resource group, or nothing."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}" if self.group else ""

    def child(self, kind: str, name: str) -> "Address":
        """Name a resource below this one."""
        return Address(self.scope, self.namespace, (*self.types, kind), (*self.names, name))

    def _segment(self, label: str) -> str:
        parts = self.id.split("/")
        lower = [part.lower() for part in parts]
        at = lower.index(label) + 1 if label in lower else len(parts)
        return parts[at] if at < len(parts) else ""


def parse(path: str) -> Address:
    """Read an id or the path of a collection."""
    parts = [part for part in path.split("/") if part]
    lower = [part.lower() for part in parts]
    if "providers" in lower:
        at = len(lower) - 1 - lower[::-1].index("providers")
        rest = parts[at + 1 :]
        if len(rest) < 2:  # noqa: PLR2004  (a namespace and a type)
            raise ArmError("InvalidResourceType", f"'{path}' names no resource type.", 404)
        scope = _scope(parts[:at])
        return Address(scope, rest[0], tuple(rest[1::2]), tuple(rest[2::2]))
    if not lower or lower[0] != "subscriptions":
        raise ArmError("InvalidRequestUri", f"'{path}' is no resource id: it begins with /subscriptions/.", 404)
    if len(parts) <= 2:  # noqa: PLR2004  (the word and the id)
        return Address("", "Microsoft.Resources", ("subscriptions",), tuple(parts[1:2]))
    if lower[2] == "resourcegroups" and len(parts) <= 4:  # noqa: PLR2004  (as above, twice)
        return Address(f"/subscriptions/{parts[1]}", "Microsoft.Resources", ("resourceGroups",), tuple(parts[3:4]))
    if lower[2] == "resourcegroups" and len(parts) == 5:  # noqa: PLR2004  (what is in a group)
        return Address(_scope(parts[:4]), "Microsoft.Resources", (parts[4],), ())
    if len(parts) == 3:  # noqa: PLR2004  (what is in a subscription)
        return Address(_scope(parts[:2]), "Microsoft.Resources", (parts[2],), ())
    raise ArmError("InvalidRequestUri", f"'{path}' is no resource id.", 404)


def _scope(parts: list[str]) -> str:
    spelt = {"subscriptions": "subscriptions", "resourcegroups": "resourceGroups", "providers": "providers"}
    return "".join(f"/{spelt.get(part.lower(), part)}" for part in parts)


def within(identity: str, scope: str) -> bool:
    """Say whether a resource is the scope itself or lies in it."""
    inner, outer = identity.lower().rstrip("/"), scope.lower().rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")
