"""One measurement in a process of its own; prints one line of JSON.

``measure.py import NAMES``, such as ``pulumi,pulumi_mlops.Platform``; or, under Pulumi's mocks,
``measure.py stack|endpoints|azure library|hand SETTINGS``, where
SETTINGS is JSON: the stack's ``config``, the number of ``endpoints``, whether to ``record`` what is registered.
"""

import time

STARTED = time.process_time()

import asyncio  # noqa: E402 (the clock comes first)
import importlib  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from clouds import Cloud  # noqa: E402
from programs import PROGRAMS, Program  # noqa: E402

if TYPE_CHECKING:
    from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs


def peak_mb() -> float:
    """Return the most memory that this process held.

    Linux hands ``ru_maxrss`` down from the parent, so the kernel's own mark for this image is read there.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    kilobytes = float(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1024


def measure_import(names: str) -> dict[str, Any]:
    """Import modules, and use the names after a dot: a lazy package loads what is behind them only then."""
    began = time.process_time()
    for name in names.split(","):
        module, _, attribute = name.partition(".")
        loaded = importlib.import_module(module)
        if attribute:
            getattr(loaded, attribute)
    return {"seconds": time.process_time() - began, "memory": peak_mb()}


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts its tasks: each ``apply`` of an Output is one, which no load of the machine changes."""

    tasks = 0

    def create_task(self, coro: Any, **more: Any) -> "asyncio.Task[Any]":
        """Count one."""
        self.tasks += 1
        return super().create_task(coro, **more)


def measure_program(cloud: Cloud, program: Program, settings: dict[str, Any]) -> dict[str, Any]:
    """Run a program under Pulumi's mocks, as a preview of a stack that exists."""
    import pulumi  # noqa: PLC0415 (its import is part of what is measured)
    from pulumi.runtime import mocks, set_all_config  # noqa: PLC0415
    from pulumi.runtime.stack import run_pulumi_func  # noqa: PLC0415

    registered: list[list[Any]] = []
    counted = 0

    class Answers(mocks.Mocks):
        def call(self, args: "MockCallArgs") -> tuple[dict[str, Any], list[tuple[str, str]]]:
            return cloud.answers[args.token.rsplit(":", 1)[-1]], []

        def new_resource(self, args: "MockResourceArgs") -> tuple[str, dict[str, Any]]:
            nonlocal counted
            if args.custom:
                counted += 1
                if settings.get("record"):
                    registered.append([args.typ, args.name, args.inputs])
            return cloud.made(args.typ, args.name, args.inputs) if args.custom else (f"{args.name}-id", args.inputs)

    own = {f"{cloud.project}:{key}": value for key, value in settings["config"].items()}
    set_all_config({**own, **cloud.settings})
    loop = CountingLoop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(Answers(), project=cloud.project, stack="dev", preview=True)
    began = time.process_time()
    loop.run_until_complete(run_pulumi_func(lambda: program(settings.get("endpoints", 0))))
    ended = time.process_time()
    assert pulumi.runtime.is_dry_run()  # noqa: S101 (else this measures something else)
    return {
        "seconds": ended - STARTED,
        "program": ended - began,
        "memory": peak_mb(),
        "tasks": loop.tasks,
        "resources": counted,
        "registered": registered,
    }


def main(what: str, which: str, settings: str = "") -> None:
    """Measure one thing."""
    made = measure_import(which) if what == "import" else measure_program(*PROGRAMS[what, which], json.loads(settings))
    print(json.dumps(made))


if __name__ == "__main__":
    main(*sys.argv[1:])
