"""The four kinds. A value is made once and lives in the state; every changed input makes another one."""

import base64
import importlib.metadata
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Final

from pulumi_mlops_sandbox.provider.contract import Kind, OneForm, ProviderError, Traits, Values
from pulumi_mlops_sandbox.provider.journal import Entry, Journal
from pulumi_mlops_sandbox.provider.schema import Property, Type
from pulumi_mlops_sandbox.provider.values import UNKNOWN

_TEXT, _WHOLE, _FLAG = Property(Type("string")), Property(Type("integer")), Property(Type("boolean"))
_NEEDED = Property(Type("integer"), required=True)
_KEEPERS = Property(Type("map", Type("string")))
_CLASSES: Final = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": "!@#$%&*()-_=+[]{}<>:?",
}
_LEAST: Final = {name: f"min{name.capitalize()}" for name in _CLASSES}
_CHARACTERS: Final = {
    "keepers": _KEEPERS,
    "length": _NEEDED,
    "overrideSpecial": _TEXT,
    **dict.fromkeys(_CLASSES, _FLAG),
    **dict.fromkeys(_LEAST.values(), _WHOLE),
}
_DEFAULTS: Final = {**dict.fromkeys(_CLASSES, True), **dict.fromkeys(_LEAST.values(), 0)}
_OLD_NAME: Final = {"number": "deprecated: write `numeric`"}
_LONGEST: Final = 1 << 16


def _alphabets(inputs: Values) -> Mapping[str, str]:
    """Return the characters of each class that is switched on."""
    special = inputs.get("overrideSpecial") or _CLASSES["special"]
    return {
        name: special if name == "special" else characters
        for name, characters in _CLASSES.items()
        if inputs.get(name, True)
    }


def _characters(inputs: Values) -> str:
    """Make a text: the least number of each class, the rest of all, in no order."""
    alphabets = _alphabets(inputs)
    found = [
        secrets.choice(characters)
        for name, characters in alphabets.items()
        for _ in range(int(inputs.get(_LEAST[name]) or 0))
    ]
    together = "".join(alphabets.values())
    found += [secrets.choice(together) for _ in range(int(inputs["length"]) - len(found))]
    secrets.SystemRandom().shuffle(found)
    return "".join(found)


def _text(inputs: Values) -> tuple[str, Values]:
    result = _characters(inputs)
    return result, {"result": result}


def _password(inputs: Values) -> tuple[str, Values]:
    return "none", {"result": _characters(inputs)}


def _bytes(inputs: Values) -> tuple[str, Values]:
    data = secrets.token_bytes(int(inputs["length"]))
    encoded = base64.b64encode(data).decode()
    # The real provider's id is the value itself, in the clear: who keeps a secret takes a RandomPassword.
    return encoded, {"base64": encoded, "hex": data.hex()}


def _id(inputs: Values) -> tuple[str, Values]:
    data, lead = secrets.token_bytes(int(inputs["byteLength"])), str(inputs.get("prefix") or "")
    address = base64.urlsafe_b64encode(data).decode().rstrip("=")
    forms = {
        "b64Std": base64.b64encode(data).decode(),
        "b64Url": address,
        "dec": str(int.from_bytes(data)),
        "hex": data.hex(),
    }
    return address, {name: lead + form for name, form in forms.items()}


class RandomKind(OneForm):
    """One kind: its properties, and how a value is made."""

    def __init__(
        self,
        make: Callable[[Values], tuple[str, Values]],
        inputs: Mapping[str, Property],
        outputs: tuple[str, ...],
        *,
        size: str = "length",
        secret: bool = False,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        self._make = make
        self._size = size
        self.traits = Traits(
            inputs=inputs,
            outputs={**inputs, **dict.fromkeys(outputs, _TEXT)},
            refused=_OLD_NAME,
            defaults=defaults or {},
            replace=("*",),
            sensitive=frozenset(outputs) if secret else frozenset(),
        )

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Refuse sizes that cannot be."""
        size = inputs.get(self._size)
        if UNKNOWN in inputs.values() or not isinstance(size, int):
            return []
        if not 1 <= size <= _LONGEST:
            return [(self._size, f"{size} is not between 1 and {_LONGEST}")]
        if self._make not in (_text, _password):
            return []
        least = {name: inputs.get(name) or 0 for name in _LEAST.values()}
        if sum(least.values()) > size:
            return [("length", f"{size} is less than the least numbers together, {sum(least.values())}")]
        off = [name for name in _CLASSES if not inputs.get(name, True)]
        if len(off) == len(_CLASSES):
            return [("lower", "no class of characters is left: switch one on")]
        return [(_LEAST[name], f"{name} is switched off") for name in off if least[_LEAST[name]]]

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        """Compare plainly."""
        return None

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make a value."""
        object_id, made = self._make(inputs)
        return object_id, {**inputs, **made}

    def read(self, object_id: str, inputs: Values) -> Values:
        """Return nothing new: what was made is in the state only."""
        if not inputs:
            raise ProviderError("the sandbox imports no random values: give the value as a secret of the configuration")
        return dict(inputs)

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Never happens: every change replaces."""
        raise ProviderError("a random value does not change")

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Forget it."""


KINDS: Final[Mapping[str, Kind]] = {
    "random:index/randomBytes:RandomBytes": RandomKind(
        _bytes, {"keepers": _KEEPERS, "length": _NEEDED}, ("base64", "hex"), secret=True
    ),
    "random:index/randomId:RandomId": RandomKind(
        _id,
        {"keepers": _KEEPERS, "byteLength": _NEEDED, "prefix": _TEXT},
        ("b64Std", "b64Url", "dec", "hex"),
        size="byteLength",
    ),
    "random:index/randomPassword:RandomPassword": RandomKind(
        _password, _CHARACTERS, ("result",), secret=True, defaults=_DEFAULTS
    ),
    "random:index/randomString:RandomString": RandomKind(_text, _CHARACTERS, ("result",), defaults=_DEFAULTS),
}


class Forgetful(Journal):
    """A journal that notes nothing: a value that nobody recorded is lost, and leaves nothing behind."""

    def _write(self, entry: Entry) -> None:
        """Note nothing, least of all an id that is a secret."""

    def made(self, urn: str, object_id: str) -> None:
        """Note nothing."""


class Random:
    """The table of kinds. The real provider has more, and a bcrypt hash of each password."""

    package = "random"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_random")

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Refuse all: there is nothing to configure."""
        return [(name, "the provider has no configuration") for name in config]

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Say that nothing does."""
        return []

    def configure(self, config: Values) -> None:
        """Take nothing."""

    def tokens(self) -> list[str]:
        """List the kinds."""
        return sorted(KINDS)

    def functions(self) -> list[str]:
        """List nothing."""
        return []

    def invoke(self, token: str, arguments: Values) -> Values:
        """Refuse: there is no function."""
        raise ProviderError(f"the sandbox has no function {token!r}")

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        return f"defect in the stand-in provider: {type(error).__name__}: {error}"

    def cancel(self) -> None:
        """Nothing is waited for."""

    def kind(self, token: str) -> Kind:
        """Return a kind."""
        if token not in KINDS:
            known = ", ".join(item.rpartition(":")[2] for item in self.tokens())
            raise ProviderError(f"the sandbox has no resource {token!r}; it has: {known}")
        return KINDS[token]
