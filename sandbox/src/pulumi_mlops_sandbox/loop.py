"""Once round the loop: the rounds of ``pulumi-mlops verify``, in the sandbox.

``python -m pulumi_mlops_sandbox.loop aws FOLDER`` runs in the sandbox's environment, and leaves ``report.json`` in the
folder. On a real node of Kubernetes the rounds are those of a user. On a played cloud pipelines run, and so do the
programs of their steps; what nothing does there is done in its place: no model answers, so what an endpoint was asked
is written where the service would capture it, and its alarm is set off where a version would fail. What that is on
each cloud is in ``<cloud>/loop.py``. A cloud that the command takes is verified by all of the command.
"""

import argparse
import datetime as dt
import importlib
import os
import shlex
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pulumi_mlops import images
from pulumi_mlops.clients.runs import Run
from pulumi_mlops.core.errors import MlopsError, VerificationFailed
from pulumi_mlops.verify import command, ground, program, report
from pulumi_mlops.verify.project import Project, Up
from pulumi_mlops.verify.rounds import Rounds, drawn
from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.running.images import Images

NAME = "verify"
STANDS_IN = "1"
"""The tag of the image of the toy model for which a folder stands in."""
EVERY_MINUTES = 3
"""How long the monitor starts no other training after one: longer than two looks take."""
_STARTS_WITHIN = 60.0
_OFTEN = 0.5
Answered = Sequence[Mapping[str, float]]
"""Rows that were asked about, each with the answer."""


class Cloud(Protocol):
    """A played cloud, as whoever is outside of the program sees it."""

    region: str
    registry: str
    """Where its images are."""
    image: str
    """The tag of the toy model's image there."""

    def furnish(self) -> None:
        """Have what is there before the platform."""

    def appeared(self, outputs: Mapping[str, Any]) -> None:
        """Give whoever verifies what no program gives, once the platform is there."""

    def capture(self, rows: Answered, name: str) -> None:
        """Write what the endpoint was asked and answered, as the service does."""

    def bring(self, project: Project, *, flawed: bool) -> Up:
        """Bring a version up, and play its release to the end."""
        ...

    def fire(self) -> None:
        """Let the schedule of the monitor fire."""

    def alarm(self) -> str:
        """Read what the library's own look at the alarm of the drift leaves out; return what was seen.

        :raises VerificationFailed: it is silent, or goes by something else.
        """
        ...

    def clear(self) -> None:
        """Delete what was there before the platform."""


@dataclass
class Played(Rounds):
    """The rounds, on a cloud of the sandbox."""

    cloud: Cloud = field(kw_only=True)
    _asked: int = 0

    def asks(self, rows: int = 1, shift: float = 0.0) -> Callable[[], Any]:
        """Return what asks the endpoint once, and captures that."""
        asked, table = self.client(), list(drawn(rows, shift))
        answered = [{**row, program.PREDICTION: float(sum(row.values()) > 0)} for row in table]

        def ask() -> Any:
            found = asked.predict(program.ENDPOINT, {"dataframe_records": table}, repeat=False)
            self._asked += 1
            self.cloud.capture(answered, f"call-{self._asked}-{time.monotonic_ns()}")
            return found

        return ask

    def up(self) -> Up:
        """Bring the program up, for somebody who may look at it."""
        done = super().up()
        self.cloud.appeared(self.project.outputs().outputs)
        return done

    def bring(self, *, flawed: bool = False) -> Up:
        """Bring a version up, and play its release."""
        return self.cloud.bring(self.project, flawed=flawed)

    def start(self, pipeline: str, parameters: Mapping[str, Any] | None = None) -> Run:
        """Start a pipeline; that of the monitor by its schedule."""
        if pipeline != program.LOOK:
            return super().start(pipeline, parameters)
        asked = self.client()
        before = {run.id for run in asked.runs(pipeline)}
        self.cloud.fire()

        def begun() -> list[Run]:
            return [run for run in asked.runs(pipeline) if run.id not in before]

        self.until(lambda: bool(begun()), f"a run of {pipeline}, whose schedule fired,", _STARTS_WITHIN)
        return begun()[0]

    def alarm(self) -> str:
        """Read the alarm back."""
        return "; ".join(part for part in (super().alarm(), self.cloud.alarm()) if part)


def only(found: Iterable[Any], what: str) -> Any:
    """Return the one that there is."""
    listed = list(found)
    if len(listed) != 1:
        raise VerificationFailed(f"there are {len(listed)} of {what}, and one is right")
    return listed[0]


def played(cloud: Cloud, backend: str, folder: Path, say: Callable[[str], None]) -> Played:
    """Begin the rounds on a played cloud, in the environment of its sandbox."""
    cloud.furnish()
    if cloud.image == STANDS_IN:
        _toy(Path(os.environ["PULUMI_MLOPS_SANDBOX"]), folder / "toy")
    told: dict[str, Any] = {
        "backend": backend,
        "name": NAME,
        "region": cloud.region,
        "image": f"{cloud.registry}/toy:{cloud.image}",
        "drift_image": f"{cloud.registry}/drift:{images.tag('drift')}",
    }
    settings = command.settings(existing="{}", **told) if ground.load(backend) else told
    project = Project(folder / "project", settings | {"every_minutes": EVERY_MINUTES}, say)
    return Played(project, say, cloud=cloud, pause=lambda seconds: time.sleep(min(seconds, _OFTEN)))


def _toy(home: Path, folder: Path) -> None:
    """Have a folder stand in for the image of the toy model: its Python has MLflow, and behind that what we have."""
    programs, behind = folder / "bin", folder / "behind"
    for one in (programs, behind):
        one.mkdir(parents=True)
    ours = sysconfig.get_path("purelib")  # with the clients of clouds, by which steps publish
    (behind / "sitecustomize.py").write_text(f"import sys\n\nsys.path.append({ours!r})\n")
    python, first = packages.ensure() / "python", f"PYTHONPATH={shlex.quote(str(behind))}"
    (programs / "python3").write_text(f'#!/bin/sh\n{first} exec {shlex.quote(str(python))} "$@"\n')
    (programs / "python3").chmod(0o755)
    Images(home).put(f"*/toy:{STANDS_IN}", str(folder), ["python3", "/opt/ml/input/data/mlops.program/step.py"])


def main() -> int:
    """Go once round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend", choices=["aws", "azure", "kubernetes"])
    parser.add_argument("folder", type=Path, help="an empty folder for the project and the report")
    arguments = parser.parse_args()
    there = importlib.import_module(f"pulumi_mlops_sandbox.{arguments.backend}.loop")
    rounds: Rounds = there.begun(arguments.folder, lambda line: print(line, flush=True))  # noqa: T201
    cloud: Cloud | None = getattr(rounds, "cloud", None)
    if cloud is None:  # a real node; its class says nothing, as this file is run and imported
        return _gone_round(rounds, arguments.folder)
    go = _verified if ground.load(arguments.backend) else _gone_round
    try:
        return go(rounds, arguments.folder)
    finally:
        cloud.clear()


def _verified(rounds: Rounds, folder: Path) -> int:
    """Go by the command."""

    def confirmed(said: str) -> bool:
        rounds.say(said)
        return True

    return command.verify(
        rounds.project,
        rounds.project.settings,
        say=rounds.say,
        confirmed=confirmed,
        reports=folder,
        begun=lambda *_: rounds,
    )


def _gone_round(rounds: Rounds, folder: Path) -> int:
    """Go by the rounds alone."""
    rounds.project.begin()
    try:
        rounds.run()
    except MlopsError as error:
        rounds.say(f"Failed: {error}")
    report.write(folder, rounds.project.settings, rounds.results, dt.datetime.now(dt.UTC))
    return not report.good(rounds.results)


if __name__ == "__main__":
    sys.exit(main())
