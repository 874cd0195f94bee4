"""What the policy pack adds to a preview of each whole stack, with the real engine."""

import ctypes
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from ratios import Row, Sample, alternate, figures, show

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

ROOT = Path(__file__).parent.parent
STACKS = ("aws", "azure", "kubernetes")
RUNS = 5
PACK = ("--policy-pack", str(ROOT / "policies"))
SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of Linux: whom its parent leaves behind becomes a child of this process."""


def adopt() -> None:
    """Have the processor time of plugins counted that the engine ends without waiting for them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def spent() -> float:
    """Say how much processor time all processes have taken that were started here and have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def preview(stack: Stack, *options: str) -> Sample:
    """Preview a stack, and say what it took."""
    before, began = spent(), time.monotonic()
    result = stack.preview(*options)
    took = time.monotonic() - began
    if result.code:
        raise SystemExit(result.output)
    return {"seconds": took, "cpu": spent() - before, "resources": len(result.changes)}


def policies() -> None:
    """Print the ratios, stack by stack."""
    adopt()
    with tempfile.TemporaryDirectory(prefix="pulumi-mlops-bench-") as place:
        for name in STACKS:
            sandbox = Sandbox(Path(place, f"sandbox-{name}"))
            try:
                sandbox.up(planes=(name,))
                folder = Path(place, name)
                shutil.copytree(ROOT / "stacks" / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
                stack = Stack(sandbox, folder)
                made = alternate(RUNS, {"with": partial(preview, stack, *PACK), "without": partial(preview, stack)})
            finally:
                sandbox.down()
            rows = [
                Row(what, "s", figures(made["with"], key), figures(made["without"], key))
                for what, key in (("processor time", "cpu"), ("time", "seconds"))
            ]
            note = f"resources in each preview: {made['with'][0]['resources']:.0f}"
            show(f"Preview of stacks/{name} in stage dev, with the policy pack / without", rows, [note])


def sections() -> dict[str, Callable[[], None]]:
    """Name what can be measured here."""
    return {"policies": policies}
