"""Runs a module that needs Pulumi's wire protocol but not its SDK: ``python -P bare.py MODULE ARGUMENTS…``.

The protocol's modules are part of the SDK, whose import is most of the time that a language host or a provider takes to
start, and each ``pulumi`` command starts them. So the packages around the protocol are registered here without running
their code.
"""

import importlib.machinery
import runpy
import sys
from contextlib import suppress
from types import ModuleType

PACKAGES = ("pulumi", "pulumi.runtime")


class Bare(ModuleType):
    """A package whose code has not run."""


def register() -> None:
    """Register the packages as empty ones, or leave them as they are if the protocol needs more of them."""
    found = importlib.machinery.PathFinder.find_spec("pulumi")
    places = found.submodule_search_locations if found else None
    if not places:
        return
    for name in PACKAGES:
        package = Bare(name)
        package.__path__ = ["/".join([places[0], *name.split(".")[1:]])]
        sys.modules[name] = package
    with suppress(ImportError):
        importlib.import_module("pulumi.runtime.proto")
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "pulumi"]:
        del sys.modules[name]


def unregister() -> None:
    """Let the next import of the packages run their code; the protocol's modules stay, as each may be loaded once."""
    for name in PACKAGES:
        if type(sys.modules.get(name)).__name__ == Bare.__name__:  # by its name: this file also runs as `__main__`
            del sys.modules[name]


if __name__ == "__main__":
    register()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
