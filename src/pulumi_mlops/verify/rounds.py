"""Once round the loop: what a verification does, in order, and what each part has to show.

A part that has passed is not done again when the verification is started once more. What it needs to know of those
before it is in the progress, which is written down after each.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pulumi_mlops.clients.client import Client
from pulumi_mlops.clients.runs import Run
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops.core.errors import MlopsError, VerificationFailed
from pulumi_mlops.jobs import toy
from pulumi_mlops.verify import program
from pulumi_mlops.verify.ground import Ground, load
from pulumi_mlops.verify.load import Load
from pulumi_mlops.verify.project import Project, Say, Up

_ANSWERS_WITHIN = _TELLS_WITHIN = _GONE_WITHIN = 600.0
_CALM_WITHIN = 1200.0
_OFTEN = 2.0
_COOLS_AFTER = 120.0
"""Seconds after the end of a cooldown within which a training may begin again."""
_AFTER_RELEASE = 10.0
"""Seconds for which requests go on after a release is through."""
_ASKED, _DRIFTED = 1, 500
"""How many rows one request has: of those that only ask, and of those that drift, which outweigh them."""
FORM: Final = "dataframe_split"
"""How rows are sent: with the names of their columns, by which the monitor knows them."""
_REQUESTS = 20
"""How many requests drift."""
_SHIFT = 4.0
"""By how much the traffic that drifts lies off what the model has seen: four standard deviations."""


@dataclass
class Result:
    """What a part came to."""

    name: str
    title: str
    state: str = "waiting"
    """``waiting``, ``passed``, ``failed``, or ``before``: an earlier start has done it."""
    seconds: float = 0.0
    said: str = ""


@dataclass
class Rounds:
    """A verification under way."""

    project: Project
    say: Say
    pause: Callable[[float], object] = time.sleep
    clients: Callable[[Stack, Callable[[float], object]], Any] = Client
    progress: dict[str, Any] = field(init=False)
    results: list[Result] = field(init=False)
    where: Ground = field(init=False)

    def __post_init__(self) -> None:
        self.progress = self.project.progress()
        self.results = [Result(name, title) for name, title, _ in PARTS]
        self.where = load(self.project.settings["backend"]) or Ground()

    def run(self) -> None:
        """Do one part after the other; the first that fails ends it.

        :raises MlopsError: a part failed; the results tell which.
        """
        done: dict[str, Any] = self.progress.setdefault("done", {})
        for result, (name, title, do) in zip(self.results, PARTS, strict=True):
            if name in done:
                result.state, result.said = "before", str(done[name])
                continue
            self.say(f"{title} …")
            began = time.monotonic()
            try:
                result.said = do(self)
            except BaseException as error:
                result.state, result.said = "failed", str(error) or type(error).__name__
                result.seconds = time.monotonic() - began
                raise
            result.state, result.seconds = "passed", time.monotonic() - began
            done[name] = result.said
            self.project.remember(self.progress)

    # What the parts share

    def client(self) -> Client:
        """Return a client of the stack as it is now."""
        found: Client = self.clients(self.project.outputs(), self.pause)
        return found

    def up(self) -> Up:
        """Bring the program up; it has to go through."""
        done = self.project.up()
        if not done.good:
            raise VerificationFailed(f"`pulumi up` failed: {done.failure}")
        return done

    def bring(self, *, flawed: bool = False) -> Up:
        """Bring a version up, and wait until its release is over; one that is sent back fails."""
        del flawed  # who plays a backend has to know it
        return self.project.up()

    def calm(self) -> None:
        """Wait until a release may begin."""
        told = self.project.settings
        self.until(lambda: self.where.calm(told), "an end of the alarms of the endpoint", _CALM_WITHIN)

    def start(self, pipeline: str, parameters: Mapping[str, Any] | None = None) -> Run:
        """Start a pipeline."""
        return self.client().start(pipeline, parameters)

    def alarm(self) -> str:
        """Tell of the alarm of a drift that was seen, where that can be read."""
        told, seen = self.project.settings, list[str]()

        def fires() -> bool:
            found = self.where.alarm(told)
            seen.extend([] if found is None else [found])
            return found is not None

        self.until(fires, "the alarm of the drift", _TELLS_WITHIN)
        return seen[-1]

    def forget(self) -> Sequence[str]:
        """Delete what runs have made, and no program; return what that was."""
        return self.where.forget(self.project.settings)

    def left(self) -> Sequence[str]:
        """Name what there is of the platform."""
        return self.where.left(self.project.settings)

    def gone(self) -> None:
        """Wait until nothing is there, as a cloud may list what was deleted a while longer."""
        deadline = time.monotonic() + _GONE_WITHIN
        while left := self.left():
            if time.monotonic() >= deadline:
                raise VerificationFailed(f"there still is {', '.join(left[:5])}")
            self.pause(_OFTEN)

    def down(self) -> Up:
        """Take everything down; once more where a run has made something meanwhile."""
        self.forget()
        done = self.project.destroy()
        if not done.good and self.forget():
            done = self.project.destroy()
        return done

    def ran(self, pipeline: str, parameters: Mapping[str, Any] | None = None) -> str:
        """Run a pipeline to its end, which has to be a good one; return the run."""
        asked = self.client()
        run = self.followed(asked, pipeline, self.start(pipeline, parameters))
        if run.state != "succeeded":
            failed = [step for step in run.steps if step.state == "failed"]
            lines = [line for step in failed for line in asked.last_lines(pipeline, run, step)]
            raise VerificationFailed(
                f"run {run.id} of {pipeline} {run.state}: {run.reason or ''} {' '.join(lines[-5:])}".strip()
            )
        return run.id

    def followed(self, asked: Client, pipeline: str, run: Run) -> Run:
        """Tell of a run until it has ended; return it as it is then."""
        for now in asked.follow(pipeline, run.id):
            run = now
            self.say(f"  {pipeline} {run.id}: {run.state}")
        return run

    def trained(self, *, flaw: bool = False) -> int:
        """Have a version trained and approved; return its number."""
        self.ran(program.PIPELINE, {"flaw": flaw})
        asked = self.client()
        newest = asked.versions(program.MODEL, last=1)
        if not newest or newest[0].approval != "pending":
            raise VerificationFailed(f"the run registered no version that waits for its approval: {newest}")
        asked.approve(program.MODEL, newest[0].version, reason="verified by pulumi-mlops verify", by="pulumi-mlops")
        return newest[0].version

    def asks(self, rows: int = _ASKED, shift: float = 0.0) -> Callable[[], Any]:
        """Return what asks the endpoint once."""
        asked, table = self.client(), list(drawn(rows, shift))

        def ask() -> Any:
            # Not again where the connection broke: whoever asks once would have lost that request.
            return list(asked.predict_rows(program.ENDPOINT, table, form=FORM, repeat=False))

        return ask

    def answered(self) -> None:
        """Wait until the endpoint answers."""
        ask, deadline = self.asks(), time.monotonic() + _ANSWERS_WITHIN
        while True:
            try:
                ask()
            except MlopsError as error:
                if time.monotonic() > deadline:
                    raise VerificationFailed(
                        f"the endpoint does not answer within {_ANSWERS_WITHIN:.0f} s: {error}"
                    ) from None
                self.pause(_OFTEN)
            else:
                return

    def released(self, number: int) -> str:
        """Bring a version up under steady requests, of which none may fail."""
        self.calm()
        with Load(self.asks()) as load:
            done = self.bring()
            load.go_on(_AFTER_RELEASE)
        if not done.good:
            raise VerificationFailed(f"the release of version {number} failed: {done.failure}")
        if load.failures:
            raise VerificationFailed(f"{len(load.failures)} of {load.sent} requests failed: {load.failures[0]}")
        return f"version {number} took over; {load.sent} requests were sent, none failed"

    def until(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise VerificationFailed(f"{what} did not come to be within {seconds:.0f} s")
            self.pause(_OFTEN)


def drawn(rows: int, shift: float) -> Iterator[dict[str, float]]:
    """Yield rows to ask about."""
    for value in _spread(rows):
        yield {name: shift + value * (-1) ** index for index, name in enumerate(toy.COLUMNS)}


def _spread(count: int) -> Iterator[float]:
    """Yield numbers spread as those of a normal distribution are, without chance."""
    from statistics import NormalDist  # noqa: PLC0415 (takes a while, and only a verification needs it)

    usual = NormalDist()
    for index in range(count):
        yield usual.inv_cdf((index + 0.5) / count)


def _appears(rounds: Rounds) -> str:
    changes = rounds.up().changes
    again = rounds.up().changes
    if again:
        raise VerificationFailed(f"the second `pulumi up` changed {again} resources")
    return f"{changes} resources; the second up changed nothing; the endpoint waits for a version"


def _learns(rounds: Rounds) -> str:
    number = rounds.trained()
    rounds.progress["serves"] = number
    return f"version {number} was trained, registered and approved"


def _serves(rounds: Rounds) -> str:
    rounds.up()
    rounds.answered()
    found = rounds.client().lineage(program.ENDPOINT).plain()
    if program.PIPELINE not in str(found):
        raise VerificationFailed(f"lineage does not lead to the pipeline: {found}")
    return f"version {rounds.progress['serves']} answers, and lineage leads to its run"


def _releases(rounds: Rounds) -> str:
    number = rounds.trained()
    said = rounds.released(number)
    rounds.progress["serves"] = number
    return said


def _goes_back(rounds: Rounds) -> str:
    number = rounds.trained(flaw=True)
    rounds.calm()
    with Load(rounds.asks()) as load:
        done = rounds.bring(flawed=True)
        load.go_on(_AFTER_RELEASE)
    if done.good:
        raise VerificationFailed(f"version {number} fails at each request, and its release went through")
    asked = rounds.client()
    asked.reject(program.MODEL, number, reason="broken on purpose", by="pulumi-mlops")
    most = load.sent * rounds.where.pace.most_failing_percent / 100
    if len(load.failures) > most:
        raise VerificationFailed(f"{len(load.failures)} of {load.sent} requests failed, more than a canary's share")
    rounds.calm()
    rounds.up()
    rounds.answered()
    return (
        f"version {number} was sent back, and rejected; of {load.sent} requests {len(load.failures)} failed, "
        "within a canary's share"
    )


def _cooled(runs: Sequence[Run], minutes: int) -> bool:
    """Tell whether the newest run began so long ago that the monitor would start another."""
    began = max((run.began for run in runs if run.began is not None), default=None)
    return began is None or dt.datetime.now(tz=dt.UTC) - began > dt.timedelta(minutes=minutes)


def _drifts(rounds: Rounds) -> str:
    asked = rounds.client()
    every: int = rounds.project.settings["every_minutes"]
    cooled_within = 60 * every + _COOLS_AFTER
    rounds.until(lambda: _cooled(asked.runs(program.PIPELINE), every), "a moment without a training", cooled_within)
    before = {run.id for run in asked.runs(program.PIPELINE)}
    ask = rounds.asks(_DRIFTED, _SHIFT)
    for _ in range(_REQUESTS):
        ask()
    rounds.pause(rounds.where.pace.captured_within)
    for _ in range(2):
        rounds.ran(program.LOOK)
    report = asked.reports(program.MONITOR, last=1)[0]
    if not report.breached:
        raise VerificationFailed(f"the monitor has seen no drift: {report.plain()}")
    alarm = rounds.alarm()
    begun = [run for run in asked.runs(program.PIPELINE) if run.id not in before]
    if len(begun) != 1:
        raise VerificationFailed(f"the monitor ran twice, and {len(begun)} trainings were started; one is right")
    last = rounds.followed(asked, program.PIPELINE, begun[0])
    if last.state != "succeeded":
        raise VerificationFailed(f"the training that the monitor started has {last.state}")
    seen = ", ".join(f"{one.name} {one.value:.2f}" for one in report.signals if one.value is not None)
    parts = (f"drift was seen ({seen})", alarm, "a training was started once by two runs of the monitor")
    return "; ".join(part for part in parts if part)


def _next(rounds: Rounds) -> str:
    asked = rounds.client()
    newest = asked.versions(program.MODEL, last=1)[0]
    asked.approve(program.MODEL, newest.version, reason="trained after drift", by="pulumi-mlops")
    return rounds.released(newest.version)


def _scores(rounds: Rounds) -> str:
    run = rounds.ran(program.SCORING)
    return f"run {run} scored {toy.SCORED} rows into the dataset {program.SCORES}"


def _goes(rounds: Rounds) -> str:
    done = rounds.down()
    if not done.good:
        raise VerificationFailed(f"`pulumi destroy` failed: {done.failure}")
    if left := rounds.project.resources():
        raise VerificationFailed(f"the state still has {', '.join(left[:5])}")
    rounds.gone()
    return f"{done.changes} resources were deleted"


class Part(Protocol):
    """One part of a verification."""

    def __call__(self, rounds: Rounds) -> str:
        """Do it; return what was seen."""
        ...


PARTS: Sequence[tuple[str, str, Part]] = (
    ("appears", "The platform comes up, and comes up again unchanged", _appears),
    ("learns", "A pipeline trains a version, which is approved", _learns),
    ("serves", "The version answers", _serves),
    ("releases", "Another version takes over under load", _releases),
    ("goes-back", "A version that is broken on purpose is sent back", _goes_back),
    ("drifts", "The traffic drifts, and a training is started once", _drifts),
    ("next", "The version that it made takes over under load", _next),
    ("scores", "A batch scores a day of rows", _scores),
    ("goes", "The platform goes, and nothing is left", _goes),
)
