"""What ``pulumi-mlops verify`` does around the parts: it asks, goes on where it was, cleans up, and reports."""

import datetime as dt
import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem
from pulumi_mlops.verify import program, report
from pulumi_mlops.verify.project import Project, Say
from pulumi_mlops.verify.rounds import Rounds

COSTS: Mapping[str, str] = {
    "kubernetes": "It costs nothing beyond the cluster: about 3 CPUs, 8 GiB of memory, 40 GiB of volumes, for a while."
}
"""What a verification spends."""
VERIFIED, NOT_VERIFIED, INTERRUPTED = 0, 1, 130


def settings(*, backend: str, name: str, existing: str, image: str | None, drift_image: str | None) -> dict[str, Any]:
    """Judge what the command was told.

    :raises InvalidArgs: something is wrong; every problem is listed.
    """
    problems = []
    if backend not in COSTS:
        problems.append(Problem("--backend", f"{backend!r} is not verified by this command; write kubernetes"))
    parts: Any = None
    try:
        parts = json.loads(existing)
    except ValueError as error:
        problems.append(Problem("--existing", f"is no JSON: {error}"))
    if parts is not None and not isinstance(parts, dict):
        problems.append(Problem("--existing", 'takes an object, such as {"gateway": {"name": "gateways/public", …}}'))
    if drift_image is None:
        problems.append(Problem("--drift-image", "is required; `pulumi-mlops image drift` prints how it is made"))
    if problems:
        raise InvalidArgs("verify", name, problems)
    return {
        "backend": backend,
        "name": name,
        "existing": parts,
        "image": image or program.server(backend),
        "drift_image": drift_image,
        "every_minutes": program.EVERY_MINUTES,
    }


def verify(
    project: Project,
    settings: Mapping[str, Any],
    *,
    say: Say,
    confirmed: Callable[[str], bool],
    reports: Path,
    keep: bool = False,
    begun: Callable[[Project, Say], Rounds] = Rounds,
) -> int:
    """Verify, and return the exit code.

    Interrupted, it takes down what it has made; killed, the next start goes on where this one was.
    """
    project.begin()
    rounds = begun(project, say)
    if "done" in rounds.progress:
        far = list(rounds.progress["done"])[-1:] or ["its beginning"]
        say(f"An earlier start came as far as {far[0]!r}; this one goes on from there.")
        project.settle()
    else:
        seen = project.preview()
        if not seen.good:
            project.forget()
            raise MlopsError(f"Nothing was made: the platform is refused.\n{seen.failure}")
        backend = settings["backend"]
        said = f"{seen.changes} resources named {settings['name']!r} are made on {backend}. {COSTS[backend]}"
        if not confirmed(said):
            project.forget()
            say("Nothing was made.")
            return NOT_VERIFIED
        rounds.progress["done"] = {}
        project.remember(rounds.progress)  # from here on something may be made, of which its state alone tells
    try:
        with _interruptible():
            rounds.run()
    except KeyboardInterrupt:
        say("Interrupted.")
        _clean(project, say, keep=keep)
        code = INTERRUPTED
    except MlopsError as error:
        say(f"Failed: {error}")
        _clean(project, say, keep=keep)
        code = NOT_VERIFIED
    else:
        project.forget()
        code = VERIFIED
    page = report.write(reports, settings, rounds.results, dt.datetime.now(tz=dt.UTC))
    say(f"The report: {page}")
    return code


def _clean(project: Project, say: Say, *, keep: bool) -> None:
    """Take down what is there, unless it is to be looked at."""
    if keep:
        say(f"What was made is kept; the next start goes on with it. Its project: {project.place}")
        return
    say("Taking down what was made …")
    project.settle()
    done = project.destroy()
    if done.good:
        project.forget()
        return
    say(f"Not everything could be taken down, and the next start tries it again; {project.place}:\n{done.failure}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a request to end be an interruption, as Ctrl-C is; also where whoever started us had Ctrl-C ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
