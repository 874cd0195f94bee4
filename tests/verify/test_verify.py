"""A verification, with a platform and a client that are played: what it asks for, what it refuses, how it ends."""

import json
import os
import signal
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pulumi_mlops.backends.kubernetes import runtime
from pulumi_mlops.clients import stacks
from pulumi_mlops.core.errors import InvalidArgs, MlopsError
from pulumi_mlops.verify import command, program, rounds
from pulumi_mlops.verify.ground import Ground
from pulumi_mlops.verify.load import Load
from pulumi_mlops.verify.project import PASSPHRASE, Interruptible, Project, Up, last_lines
from pulumi_mlops.verify.rounds import PARTS, Rounds

SETTINGS = {
    "backend": "kubernetes",
    "name": "verify",
    "existing": {},
    "image": "i",
    "drift_image": "d",
    "every_minutes": 10,
}


class Played(Project):
    """A platform that does what it is asked, and keeps what it was asked."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, SETTINGS, lambda _line: None)
        self.asked: list[str] = []
        self.versions: list[str] = []
        self.serves = 0
        self.changes = 12
        self.refused: str | None = None
        self.runs = {program.PIPELINE: 0, program.LOOK: 0, program.SCORING: 0}
        self.flawed: set[int] = set()

    def preview(self) -> Up:
        self.asked.append("preview")
        return Up(self.changes, self.refused)

    def up(self) -> Up:
        self.asked.append("up")
        newest = max((n + 1 for n, approval in enumerate(self.versions) if approval == "approved"), default=0)
        if newest in self.flawed:
            return Up(0, "rolled back")
        changed, self.changes = self.changes + (newest != self.serves), 0
        self.serves = newest
        return Up(changed)

    def destroy(self) -> Up:
        self.asked.append("destroy")
        return Up(12)

    def settle(self) -> None:
        self.asked.append("settle")

    def resources(self) -> list[str]:
        return []

    def outputs(self) -> stacks.Stack:
        return stacks.Stack("verify", {})


class Asked:
    """A client of it."""

    retrains_each_time = False
    fails_at = -1

    def __init__(self, platform: Played) -> None:
        self.platform = platform
        self.requests = 0

    def start(self, pipeline: str, parameters: Mapping[str, Any] | None = None) -> Any:
        self._began(pipeline, flaw=bool((parameters or {}).get("flaw")))
        return SimpleNamespace(id=f"{pipeline}-{self.platform.runs[pipeline]}")

    def _began(self, pipeline: str, *, flaw: bool = False) -> None:
        kept = self.platform
        kept.runs[pipeline] += 1
        if pipeline == program.PIPELINE:
            kept.versions.append("pending")
            if flaw:
                kept.flawed.add(len(kept.versions))
        if pipeline == program.LOOK and (kept.runs[pipeline] == 1 or self.retrains_each_time):
            self._began(program.PIPELINE)

    def follow(self, _pipeline: str, run: str) -> Iterator[Any]:
        yield SimpleNamespace(id=run, state="running", reason="", steps=[])
        yield SimpleNamespace(id=run, state="succeeded", reason="", steps=[])

    def runs(self, pipeline: str) -> list[Any]:
        return [
            SimpleNamespace(id=f"{pipeline}-{one}", began=None) for one in range(1, self.platform.runs[pipeline] + 1)
        ]

    def versions(self, _model: str, *, last: int) -> list[Any]:
        found = [SimpleNamespace(version=n + 1, approval=one) for n, one in enumerate(self.platform.versions)]
        return found[::-1][:last]

    def approve(self, _model: str, version: int, **_why: str) -> None:
        self.platform.versions[version - 1] = "approved"

    def reject(self, _model: str, version: int, **_why: str) -> None:
        self.platform.versions[version - 1] = "rejected"

    def predict_rows(self, _endpoint: str, rows: Sequence[Any], *, form: str, repeat: bool) -> list[int]:
        assert (form, repeat) == (rounds.FORM, False)
        self.requests += 1
        if self.requests == self.fails_at:
            raise MlopsError("no answer")
        return [1 for _ in rows]

    def lineage(self, _what: str) -> Any:
        return SimpleNamespace(plain=lambda: {"pipeline": program.PIPELINE})

    def reports(self, _monitor: str, *, last: int) -> list[Any]:
        signal = SimpleNamespace(name="data_drift", value=3.5)
        return [SimpleNamespace(breached=True, signals=(signal,), plain=dict)][:last]


class Trial:
    """A verification under test."""

    def __init__(self, folder: Path) -> None:
        self.platform = Played(folder / "project")
        self.client = Asked(self.platform)
        self.reports = folder / "report"
        self.said: list[str] = []

    def __call__(self, *, confirmed: bool = True, keep: bool = False) -> int:
        def begun(project: Project, say: Any) -> Rounds:
            return Rounds(project, say, pause=lambda _seconds: None, clients=lambda _stack, _pause: self.client)

        return command.verify(
            self.platform,
            SETTINGS,
            say=self.said.append,
            confirmed=lambda _said: confirmed,
            reports=self.reports,
            keep=keep,
            begun=begun,
        )

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.reports / "report.json").read_text())
        return found

    def states(self) -> dict[str, str]:
        return {one["name"]: one["state"] for one in self.report()["parts"]}


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setattr(rounds, "_AFTER_RELEASE", 0.0)
    return Trial(tmp_path)


def test_once_round_the_loop(trial: Trial) -> None:
    assert trial() == 0
    assert set(trial.states().values()) == {"passed"}
    assert trial.report()["verified"] is True
    assert not trial.platform.place.exists(), "its project is deleted with all else"
    page = (trial.reports / "report.html").read_text()
    assert page.count('class="part"') == len(PARTS)
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_is_made_before_it_was_asked(trial: Trial) -> None:
    assert trial(confirmed=False) == 1
    assert trial.platform.asked == ["preview"]
    assert not trial.platform.place.exists()


def test_what_is_refused_is_told_and_nothing_is_made(trial: Trial) -> None:
    trial.platform.refused = "namespace 'verify-dev' is there and is not one of ours"
    with pytest.raises(MlopsError, match="is not one of ours"):
        trial()
    assert trial.platform.asked == ["preview"]


def test_a_part_that_fails_ends_it_and_everything_is_taken_down(trial: Trial) -> None:
    trial.client.retrains_each_time = True
    assert trial() == 1
    assert trial.states()["drifts"] == "failed"
    assert trial.states()["next"] == "waiting"
    assert trial.platform.asked[-2:] == ["settle", "destroy"]
    assert any("2 trainings were started; one is right" in line for line in trial.said)


def test_a_request_that_fails_during_a_release_is_a_failure(trial: Trial) -> None:
    trial.client.fails_at = 2
    assert trial() == 1
    assert "of" in trial.report()["parts"][3]["said"]
    assert trial.states()["releases"] == "failed"


def test_what_was_kept_is_gone_on_with(trial: Trial) -> None:
    trial.client.retrains_each_time = True
    assert trial(keep=True) == 1
    assert "destroy" not in trial.platform.asked
    assert (trial.platform.place / "progress.json").exists()
    trial.client.retrains_each_time = False
    trial.platform.runs[program.LOOK] = 0
    del trial.platform.asked[:]
    assert trial() == 0
    assert "preview" not in trial.platform.asked
    states = trial.states()
    assert states.pop("goes") == states.pop("drifts") == states.pop("next") == states.pop("scores") == "passed"
    assert set(states.values()) == {"before"}


def test_what_a_start_that_was_killed_at_once_has_made_is_not_forgotten(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed() -> Up:
        raise SystemExit("killed")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(trial.platform, "up", killed)
        with pytest.raises(SystemExit):
            trial()
    del trial.platform.asked[:]
    assert trial(confirmed=False) == 0
    assert trial.platform.asked[:2] == ["settle", "up"]
    assert set(trial.states().values()) == {"passed"}


def test_who_left_at_the_question_is_asked_again(trial: Trial) -> None:
    trial.platform.begin()
    assert trial(confirmed=False) == 1
    assert trial.platform.asked == ["preview"]


def test_the_model_is_trained_where_the_backend_has_mlflow() -> None:
    told = command.settings(backend="kubernetes", name="verify", existing="{}", image=None, drift_image="d")
    assert told["image"] == runtime.MLSERVER_IMAGE


@pytest.mark.parametrize("part", ["appears", "releases", "drifts"])
def test_interrupted_it_cleans_up(trial: Trial, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_rounds: Rounds) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "never"

    parts = [(name, title, interrupted if name == part else do) for name, title, do in PARTS]
    monkeypatch.setattr(rounds, "PARTS", parts)
    assert trial() == 130
    assert trial.platform.asked[-2:] == ["settle", "destroy"]
    assert trial.states()[part] == "failed"


def test_what_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidArgs) as error:
        command.settings(backend="azure", name="verify", existing="{", image=None, drift_image=None)
    for told in (
        "--backend: 'azure' is not verified by this command; write aws or kubernetes",
        "--existing",
        "--drift",
    ):
        assert told in str(error.value)


def test_a_cluster_has_no_region() -> None:
    with pytest.raises(InvalidArgs, match="--region: kubernetes has no regions"):
        command.settings(
            backend="kubernetes", name="verify", existing="{}", image=None, drift_image="d", region="eu-west-1"
        )


class Account(Ground):
    """A backend on which runs leave things, that nothing may be released over an alarm, and that tells of it late."""

    def __init__(self) -> None:
        self.versions = 3
        self.alarms = 2
        self.names: list[str] = []

    def cost(self, _told: Any) -> str:
        return "It costs 1 USD."

    def calm(self, _told: Any) -> bool:
        self.alarms = max(self.alarms - 1, 0)
        return not self.alarms

    def alarm(self, _told: Any) -> str | None:
        self.alarms += 1
        return None if self.alarms < 3 else "alarm x is in ALARM"

    def forget(self, _told: Any) -> list[str]:
        gone, self.versions = [f"version {n}" for n in range(self.versions)], 0
        return gone

    def left(self, _told: Any) -> list[str]:
        return self.names


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    found = Account()
    monkeypatch.setattr(rounds, "load", lambda _name: found)
    return found


def test_what_runs_have_made_goes_before_the_platform(trial: Trial, account: Account) -> None:
    assert trial() == 0
    assert account.versions == 0
    assert "alarm x is in ALARM" in trial.report()["parts"][5]["said"]


@pytest.mark.usefixtures("account")
def test_what_a_run_makes_while_all_goes_is_deleted_as_well(
    trial: Trial, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroyed: list[int] = []

    def destroy() -> Up:
        destroyed.append(account.versions)
        if len(destroyed) == 1:
            account.versions = 1
            return Up(0, "the group has versions")
        return Up(12)

    monkeypatch.setattr(trial.platform, "destroy", destroy)
    trial.client.retrains_each_time = True
    assert trial() == 1
    assert destroyed == [0, 0]
    assert not trial.platform.place.exists()


def test_what_is_left_after_a_failure_is_told(trial: Trial, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        account.names = ["bucket verify-dev-artifacts"]
        raise MlopsError("no")

    monkeypatch.setattr(trial.platform, "up", broken)
    assert trial() == 1
    assert "What is left, and is in no state: bucket verify-dev-artifacts" in trial.said


def test_a_name_that_is_taken_is_refused(trial: Trial, account: Account) -> None:
    account.names = [f"role verify-dev-{n}" for n in range(6)]
    with pytest.raises(MlopsError, match=r"'verify' already .* and 1 more"):
        trial()
    assert trial.platform.asked == []
    assert account.versions == 3, "what is somebody else's stays"


def test_an_account_with_something_left_is_not_verified(
    trial: Trial, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def destroy() -> Up:
        account.names = ["log group /mlops/verify-dev"]
        return Up(12)

    monkeypatch.setattr(trial.platform, "destroy", destroy)
    monkeypatch.setattr(rounds, "_GONE_WITHIN", 0.0)
    assert trial() == 1
    assert "log group /mlops/verify-dev" in trial.report()["parts"][-1]["said"]


def test_its_passphrase_is_nobody_elses(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", SETTINGS, lambda _line: None)
    project.begin()
    secret = project.place / PASSPHRASE
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_text()
    project.begin()
    assert secret.read_text() == before


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Diagnostics:\n  error: no such bucket\nOutputs:\n  a: 1\nResources:\n  1 errored", "error: no such bucket"),
        ("Resources:\n  1 errored\nerror: it is locked", "Resources:\n1 errored\nerror: it is locked"),
    ],
)
def test_a_failure_says_what_the_diagnostics_say(printed: str, said: str) -> None:
    assert last_lines(printed) == said


SLOW = """#!{python}
import signal, sys, time
if sys.argv[1:] == ["version"]:
    print("v3.999.0")
    sys.exit()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
print("busy", flush=True)
signal.sigwait([signal.SIGINT])
open({mark!r}, "w").write("ended in order")
"""


def test_pulumi_is_asked_to_end_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, program = tmp_path / "mark", tmp_path / "pulumi"
    program.write_text(SLOW.format(python=sys.executable, mark=str(mark)))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def interrupt(_line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    # Ctrl-C may be ignored by whoever runs the tests, and then by all that they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            Interruptible().run(["up"], str(tmp_path), {}, on_output=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert mark.read_text() == "ended in order"


def test_load_counts_what_failed() -> None:
    asked = iter(range(1000))

    def ask() -> None:
        if next(asked) % 2:
            raise MlopsError("no")

    with Load(ask, a_second=2000) as load:
        load.go_on(0.05)
    assert load.sent > 1
    assert len(load.failures) == load.sent // 2
