"""What ``pulumi-mlops verify`` does around the parts: it asks, goes on where it was, cleans up, and reports."""

import datetime as dt
import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem
from pulumi_mlops.verify import ground, program, report
from pulumi_mlops.verify.project import Project, Say, Up
from pulumi_mlops.verify.rounds import Rounds

VERIFIED, NOT_VERIFIED, INTERRUPTED = 0, 1, 130
_SOME = 5


def settings(
    *, backend: str, name: str, existing: str, image: str | None, drift_image: str | None, region: str | None = None
) -> dict[str, Any]:
    """Judge what the command was told.

    :raises InvalidArgs: something is wrong; every problem is listed.
    """
    problems, where = [], ground.load(backend)
    if where is None:
        known = " or ".join(ground.verified())
        problems.append(Problem("--backend", f"{backend!r} is not verified by this command; write {known}"))
    if where is not None and region is not None and not where.regions:
        problems.append(Problem("--region", f"{backend} has no regions; leave it out"))
    parts: Any = None
    try:
        parts = json.loads(existing)
    except ValueError as error:
        problems.append(Problem("--existing", f"is no JSON: {error}"))
    if parts is not None and not isinstance(parts, dict):
        problems.append(Problem("--existing", 'takes an object, such as {"gateway": {"name": "gateways/public", …}}'))
    if drift_image is None:
        problems.append(Problem("--drift-image", "is required; `pulumi-mlops image drift` prints how it is made"))
    told = {
        "backend": backend,
        "name": name,
        "existing": parts,
        "image": image or (program.server(backend) if where else None),
        "drift_image": drift_image,
        **({} if region is None else {"region": region}),
    }
    problems += [] if where is None else where.problems(told)
    if where is None or problems:
        raise InvalidArgs("verify", name, problems)
    return {**told, "every_minutes": where.pace.every_minutes}


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
        if there := rounds.left():
            project.forget()
            raise MlopsError(
                f"Nothing was made: there is something called {settings['name']!r} already ({_some(there)}); take "
                "another --name, or delete it."
            )
        seen = project.preview()
        if not seen.good:
            project.forget()
            raise MlopsError(f"Nothing was made: the platform is refused.\n{seen.failure}")
        backend = settings["backend"]
        said = (
            f"{seen.changes} resources named {settings['name']!r} are made on {backend}. {rounds.where.cost(settings)}"
        )
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
        _clean(rounds, say, keep=keep)
        code = INTERRUPTED
    except MlopsError as error:
        say(f"Failed: {error}")
        _clean(rounds, say, keep=keep)
        code = NOT_VERIFIED
    else:
        project.forget()
        code = VERIFIED
    page = report.write(reports, settings, rounds.results, dt.datetime.now(tz=dt.UTC))
    say(f"The report: {page}")
    return code


def _clean(rounds: Rounds, say: Say, *, keep: bool) -> None:
    """Take down what is there, unless it is to be looked at."""
    project = rounds.project
    if keep:
        say(f"What was made is kept; the next start goes on with it. Its project: {project.place}")
        return
    say("Taking down what was made …")
    project.settle()
    try:
        done = rounds.down()
        left = rounds.left() if done.good else ()
    except MlopsError as error:
        done, left = Up(0, str(error)), ()
    if not done.good:
        say(f"Not everything could be taken down, and the next start tries it again; {project.place}:\n{done.failure}")
        return
    project.forget()
    if left:
        say(f"What is left, and is in no state: {_some(left)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SOME]) + (f" and {len(names) - _SOME} more" if len(names) > _SOME else "")


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
