"""What the library needs of Pulumi's SDK that the SDK does not offer in public.

tests/components/test_private.py fails when one of these moves.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from pulumi.runtime import is_config_secret, mocks
from pulumi.runtime.settings import get_monitor
from pulumi.runtime.sync_await import _sync_await

T = TypeVar("T")
_MADE: "WeakKeyDictionary[Any, dict[str, Any]]" = WeakKeyDictionary()


def mocked() -> bool:
    """Whether the program runs under Pulumi's mocks, where no cloud is there to be asked."""
    return isinstance(get_monitor(), mocks.MockMonitor)


def config_secret(key: str) -> bool:
    """Whether a value of the stack's configuration is a secret: reading it as a plain one would show it."""
    return bool(is_config_secret(key))


def resolve(awaitable: Awaitable[T]) -> T:
    """Wait for a value inside a program, as Pulumi's own synchronous look-ups do."""
    return _sync_await(awaitable)


def once(key: str, make: Callable[[], T]) -> T:
    """Return what was made under this key in this run of a program; make it the first time."""
    made = _MADE.setdefault(get_monitor(), {})
    if key not in made:
        made[key] = make()
    return cast("T", made[key])
