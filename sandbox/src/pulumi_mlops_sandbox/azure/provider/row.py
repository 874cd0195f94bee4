"""The words in which the table describes a resource.

Paths of properties are dotted names without list indices. Everything that the SDK's class says is not repeated here:
the properties, their types and the api-version are read from it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulumi_mlops_sandbox.provider.contract import AutoName

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.azure.provider.session import Session

ENVELOPE = frozenset({"eTag", "extendedLocation", "identity", "kind", "location", "sku", "tags", "zones"})
"""What stands beside ``properties`` in a body whose ``properties`` the SDK has flattened."""
_PARAMETER = re.compile(r"\{(\w+)\}")
_LONGEST = 260


@dataclass(frozen=True)
class Row:
    """One resource kind."""

    resource: str
    """Its type token."""
    path: str
    """The id, with the SDK's arguments as parameters."""
    kept: bool = False
    """The program writes ``properties`` itself: nothing is flattened."""
    bare: bool = False
    """The body has no ``properties`` at all."""
    inside: frozenset[str] = frozenset()
    """Members of the envelope that this kind has in its ``properties``."""
    beside: frozenset[str] = frozenset()
    """More of what stands beside ``properties``."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Path of a property → its name on the wire. ``*.name`` means wherever it stands."""
    inner: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Objects whose own ``properties`` the SDK has flattened too: path → what stays beside them."""
    query: frozenset[str] = frozenset()
    """Arguments that go into the query of a PUT."""
    replace: tuple[str, ...] = ()
    """More than the parts of the path and the location."""
    unmoved: bool = False
    """A change of location is an update: the real provider's own list says so."""
    maintained: Mapping[str, Any] = field(default_factory=dict)
    """Paths that an update leaves as they are where the program says nothing; and what a create sends."""
    reset: Mapping[str, Any] | None = None
    """A part of its parent that is always there: a create does not ask for it, and a delete sends this."""
    refused: Mapping[str, str] = field(default_factory=dict)
    kind: "Callable[[Row, Session], Any] | None" = None
    """The class that does what the table cannot say: an ``ArmKind``, whose module reads rows."""

    @property
    def label(self) -> str:
        """The kind's name for people."""
        return self.resource.removeprefix("azure-native:")

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The arguments in the path."""
        return tuple(name for name in _PARAMETER.findall(self.path) if name != "subscriptionId")

    @cached_property
    def name(self) -> AutoName | None:
        """How the last part of the path is made where the program gives none: the real provider's rule."""
        if not self.path.endswith("}"):
            return None
        last = self.parameters[-1]
        below = _PARAMETER.findall(self.path.rsplit("/providers/", 1)[-1]) if "/providers/" in self.path else [last]
        if last in {"roleAssignmentName", "roleDefinitionId"}:
            return AutoName(last, _LONGEST, form="uuid", prefix="")
        if last == "endpointName" or len(below) == 1:
            return AutoName(last, _LONGEST, separator="", digits=8, prefix="")
        return AutoName(last, _LONGEST, form="copy", prefix="")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the ids of this kind."""
        parts = _PARAMETER.split(self.path.lstrip("/") if self.path.startswith("/{") else self.path)
        text = ""
        for index, part in enumerate(parts):
            if index % 2 == 0:
                text += re.escape(part)
            else:
                text += f"(?P<{part}>.+)" if part in {"scope", "resourceUri", "blobName"} else f"(?P<{part}>[^/]+)"
        return re.compile(f"/?{text}", re.IGNORECASE)
