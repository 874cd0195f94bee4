"""What the protocol half asks of a cloud, and the errors in which they agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:  # at run time it would load the whole SDK, which a provider without tables does not need
    from pulumi_mlops_sandbox.provider.schema import Property

Values = dict[str, Any]


class ProviderError(Exception):
    """Something the user must be told, in one line."""


class Missing(ProviderError):  # noqa: N818 - a finding, often not an error
    """The object does not exist (any more)."""


class Partial(ProviderError):  # noqa: N818 - a finding, often not an error
    """The object exists, but a later step of its creation or update failed.

    :ivar id: the object's id.
    :ivar state: its outputs so far.
    """

    def __init__(self, reason: str, object_id: str, state: Values) -> None:
        super().__init__(reason)
        self.id = object_id
        self.state = state


@dataclass(frozen=True)
class AutoName:
    """How a physical name is made when the program gives none."""

    property: str = "name"
    limit: int = 255
    suffix: str = ""
    separator: str = "-"
    lower: bool = False
    lead: str = ""
    """What every such name begins with."""
    digits: int = 7
    """How many hex digits make it unique."""
    prefix: str = "namePrefix"
    """The property by which a program asks for a name that begins in its own way."""
    form: Literal["random", "copy", "uuid"] = "random"
    """With random digits, the logical name as it is, or a UUID."""


@dataclass(frozen=True)
class Traits:
    """What the protocol half has to know about one kind of resource.

    Paths are dotted names without list indices. Of ``replace`` and ``keep`` the longest matching prefix decides;
    ``*`` matches all.
    """

    inputs: "Mapping[str, Property]"
    outputs: "Mapping[str, Property]"
    refused: Mapping[str, str] = field(default_factory=dict)
    """Inputs of the SDK's class that the sandbox does not carry (dotted where nested), with the reason."""
    name: AutoName | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    replace: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    """The properties that make the physical name: an object goes before a successor of the same name."""
    gives_way: bool = False
    """An object goes before its successor whatever the names are, unless chance has made the successor's name."""
    sets: frozenset[str] = frozenset()
    sticky: frozenset[str] = frozenset()
    """Properties that the cloud keeps when the program stops giving them."""
    sensitive: frozenset[str] = frozenset()
    drifting: frozenset[str] = frozenset()
    """Inputs whose presence in the cloud is drift even when the program does not give them."""
    loose: frozenset[str] = frozenset()
    """Inputs of which neither case nor blanks mean anything."""
    recomputed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Outputs that an update may change, each with the inputs that change it (none: any)."""
    stables: frozenset[str] = frozenset()

    def forces_replacement(self, path: str) -> bool:
        """Say whether a change at this path needs a new object."""
        forcing = max((_depth(rule, path) for rule in self.replace), default=-1)
        return forcing > max((_depth(rule, path) for rule in self.keep), default=-1)


def _depth(rule: str, path: str) -> int:
    """Say how many characters of the path a rule covers, or -1."""
    if rule == "*":
        return 0
    return len(rule) if path == rule or path.startswith(rule + ".") else -1


class OneForm:
    """What a kind says whose outputs have the form of its inputs and whose defaults are all in its traits."""

    def intended(self, inputs: Values) -> str:
        """Know no id beforehand."""
        return ""

    def completed(self, inputs: Values, olds: Values) -> Values:
        """Add nothing."""
        return {}

    def foreseen(self, inputs: Values, state: Values) -> Values:
        """Return the inputs."""
        return inputs

    def as_inputs(self, object_id: str, state: Values, inputs: Values, before: Values) -> Values:
        """Return the outputs."""
        return state


class Kind(Protocol):
    """One kind of resource: translates between Pulumi's properties and the cloud's API."""

    @property
    def traits(self) -> Traits:
        """What the protocol half has to know."""
        ...

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Return what is wrong beyond types: (property, reason). Inputs may hold unknowns."""
        ...

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        """Compare what a plain comparison cannot; path → forces replacement. None: compare plainly."""
        ...

    def completed(self, inputs: Values, olds: Values) -> Values:
        """Return the defaults that follow from other inputs or from the cloud. Inputs may hold unknowns."""
        ...

    def foreseen(self, inputs: Values, state: Values) -> Values:
        """Return the inputs in the form of outputs, for a preview; ``state`` is empty before a create."""
        ...

    def as_inputs(self, object_id: str, state: Values, inputs: Values, before: Values) -> Values:
        """Return the outputs in the form of inputs, spelled as the given ones where they mean the same.

        :param before: the outputs as recorded: what was not among them either is one that the cloud does not tell.
        """
        ...

    def intended(self, inputs: Values) -> str:
        """Return the id that the object will have, or nothing where only the cloud knows; refuse what is there."""
        ...

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the object; return its id and its outputs. May raise :class:`Partial`."""
        ...

    def read(self, object_id: str, inputs: Values) -> Values:
        """Return the outputs of an existing object, or raise :class:`Missing`."""
        ...

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Bring the object to the new inputs; ``changed`` names what differs. May raise :class:`Partial`."""
        ...

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Delete the object; one that is gone already raises :class:`Missing`."""


class Provider(Protocol):
    """What every stand-in says of itself, its configuration and its functions."""

    package: str
    version: str

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Return what is wrong with the provider's configuration: (property, reason)."""
        ...

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Name the configuration properties whose change means another account, hence other resources."""
        ...

    def configure(self, config: Values) -> None:
        """Take the provider's configuration; raise :class:`ProviderError` when it cannot work."""

    def tokens(self) -> list[str]:
        """List the type tokens that the table carries."""
        ...

    def functions(self) -> list[str]:
        """List the function tokens that the table carries."""
        ...

    def invoke(self, token: str, arguments: Values) -> Values:
        """Answer a data source."""
        ...

    def explain(self, error: Exception) -> str:
        """Turn an exception of the cloud's client into one line for the user, never with a secret."""
        ...

    def cancel(self) -> None:
        """Stop waiting: the user has interrupted the run."""


class Cloud(Provider, Protocol):
    """A cloud as a table of kinds."""

    def kind(self, token: str) -> Kind:
        """Return the kind of a type token, or raise :class:`ProviderError` that names it."""
        ...
