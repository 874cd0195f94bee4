"""How tests wait: for a condition, with a bound."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

WITHIN = 240.0


def until(
    holds: Callable[[], Any],
    what: str = "it comes to pass",
    within: float = WITHIN,
    process: subprocess.Popen[str] | None = None,
) -> Any:
    """Wait for something to come to pass; return what it said. A process that ends meanwhile is the answer as well."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        ended = process is not None and process.poll() is not None
        assert not ended, f"{what}: the process ended with {process.returncode if process else None}"
        assert time.monotonic() < deadline, f"{what}: not within {within:g} s"
        time.sleep(0.1)
    return found
