"""What the suite is told of backends of other distributions: files that hold their words and their native evidence.

``CONFORMANCE_FURTHER=…/conformance.py pytest tests/conformance`` judges a backend that is installed here: the file has
``WORDS``, which is one ``Words``, and ``NATIVE``, the evidence for each capability that is not absent.
"""

import importlib.util
import os
from functools import cache
from pathlib import Path
from types import ModuleType

FURTHER = "CONFORMANCE_FURTHER"
"""Environment variable: the files, separated as in ``PATH``."""


@cache
def modules() -> list[ModuleType]:
    """Load the files."""
    return [_load(Path(name)) for name in os.environ.get(FURTHER, "").split(os.pathsep) if name]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"further_{path.parent.name}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
