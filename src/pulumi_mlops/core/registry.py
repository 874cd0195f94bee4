"""Which backends there are. Imports none of them: a backend is loaded when a platform names it."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pulumi_mlops.core.errors import MissingBackend

if TYPE_CHECKING:
    from pulumi_mlops.backends.base import Backend


@dataclass(frozen=True)
class Entry:
    """Where a backend's code is and what must be installed for it."""

    module: str
    extra: str
    packages: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        """The packages of the extra that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    @property
    def install(self) -> str:
        """The line that installs the extra."""
        return f"pip install 'pulumi-mlops[{self.extra}]'"


BACKENDS = {
    "aws": Entry("pulumi_mlops.backends.aws", extra="aws", packages=("pulumi_aws", "boto3")),
    "kubernetes": Entry(
        "pulumi_mlops.backends.kubernetes",
        extra="kubernetes",
        packages=("pulumi_kubernetes", "pulumi_random", "kubernetes"),
    ),
}


def load(name: str) -> "Backend":
    """Import a backend by name, or say which names there are and what to install."""
    entry = BACKENDS.get(name)
    if entry is None:
        raise MissingBackend(f"There is no backend {name!r}; write one of: {', '.join(sorted(BACKENDS))}.")
    if entry.missing:
        raise MissingBackend(f"Backend {name!r} needs {' and '.join(entry.missing)}; run: {entry.install}")
    return cast("Backend", importlib.import_module(entry.module))
