"""What every call of the client stands on: a thing of the stack, and its backend, asked with the stack's settings."""

import contextlib
from collections.abc import Iterator
from typing import Any, TypeVar

from pulumi_mlops.clients import backend, stacks
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import NotFound
from pulumi_mlops.core.refs import Has, Ref, ref_of

R = TypeVar("R", bound=Ref)


class Asking:
    """A stack, and how its backends are asked."""

    def __init__(self, stack: stacks.Stack, patience: Patience) -> None:
        self._stack, self._patience = stack, patience
        self._made: dict[str, Any] = {}

    def _ref(self, kind: type[R], given: "str | Has[R]") -> R:
        if isinstance(given, str):
            return self._stack.find(kind, given)
        found = ref_of(given)
        if not isinstance(found, kind):
            noun = kind.noun.replace("_", " ")
            raise NotFound(f"the name or the ref of a {noun} is needed; this is {type(given).__name__}.")
        return found

    @contextlib.contextmanager
    def _asking(self, ref: Ref) -> Iterator[backend.Backend]:
        """Have a backend asked with the stack's settings."""
        found = backend.load(ref.backend)
        with private.outside(self._stack.settings, self._made):
            yield found
