"""What clouds whose resources are a table have in common: configuration, session, kinds."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pulumi_mlops_sandbox.provider.check import nearest
from pulumi_mlops_sandbox.provider.contract import Kind, ProviderError, Values


class Cancelled(Protocol):
    """What a session waits by."""

    def set(self) -> None:
        """Stop waiting."""


class Session(Protocol):
    """A way to the cloud."""

    @property
    def cancelled(self) -> Cancelled:
        """Set when the user has interrupted the run."""
        ...


S = TypeVar("S", bound=Session)
K = TypeVar("K", bound=Kind)


class Tabled(Generic[S, K]):
    """A table of resources, and the session of one account.

    :param opened: opens a session with a provider's configuration.
    :param made: makes the kind of a row.
    """

    known: ClassVar[frozenset[str]]
    """What a provider's configuration may hold."""
    moot: ClassVar[Mapping[str, str]]
    """What it may hold too, because it changes how the cloud is reached and not what is made there; with the reason."""

    def __init__(self, rows: Mapping[str, Any], opened: Callable[[Values], S], made: Callable[[Any, S], K]) -> None:
        self._rows, self._opened, self._made = rows, opened, made
        self._session: S | None = None
        self._kinds: dict[str, K] = {}

    @property
    def session(self) -> S:
        """The configured session; the defaults of the environment before the engine has configured anything."""
        if self._session is None:
            self._session = self._opened({})
        return self._session

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Refuse what the stand-in does not carry."""
        return [
            (name, f"the provider has no property {name!r} here{nearest(name, sorted(self.known))}")
            for name, value in config.items()
            if name not in self.known and name not in self.moot and value not in (None, {}, [])
        ]

    def configure(self, config: Values) -> None:
        """Open the session."""
        self._session = self._opened(config)
        self._kinds.clear()

    def kind(self, token: str) -> K:
        """Return the kind of a type token."""
        if token not in self._rows:
            raise ProviderError(f"the sandbox's table has no resource {token!r}{nearest(token, self.tokens())}")
        if token not in self._kinds:
            row = self._rows[token]
            self._kinds[token] = (row.kind or self._made)(row, self.session)
        return self._kinds[token]

    def tokens(self) -> list[str]:
        """List the resources."""
        return sorted(self._rows)

    def cancel(self) -> None:
        """Stop waiting."""
        self.session.cancelled.set()
