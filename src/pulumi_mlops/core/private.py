"""What the library needs of Pulumi's SDK that the SDK does not offer in public.

tests/components/test_private.py fails when one of these moves.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from pulumi.runtime import is_config_secret, mocks, set_all_config
from pulumi.runtime.config import CONFIG
from pulumi.runtime.settings import get_monitor
from pulumi.runtime.sync_await import _sync_await

T = TypeVar("T")
_MADE: "WeakKeyDictionary[Any, dict[str, Any]]" = WeakKeyDictionary()
_OUTSIDE: ContextVar[dict[str, Any] | None] = ContextVar("pulumi_mlops_outside", default=None)
"""What was made where no program runs, while ``outside`` lasts."""


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
    """Return what was made under this key in this run of a program; make it the first time.

    Where no program runs, what was made lasts as long as ``outside``.
    """
    monitor = get_monitor()
    made = _MADE.setdefault(monitor, {}) if monitor is not None else _OUTSIDE.get()
    if made is None:
        return make()
    if key not in made:
        made[key] = make()
    return cast("T", made[key])


@contextlib.contextmanager
def outside(settings: Mapping[str, str], made: dict[str, Any]) -> Iterator[None]:
    """Have what is looked up where no program runs be asked with a stack's settings.

    :param settings: configuration of the stack, by its whole keys; secrets among it stay in this process.
    :param made: what ``once`` keeps.
    """
    before, token = CONFIG.get(), _OUTSIDE.set(made)
    set_all_config({**before, **settings})
    try:
        yield
    finally:
        CONFIG.set(before)
        _OUTSIDE.reset(token)
