"""The commands run and lineage: what they print, and with which code they end."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import Lineage, MlopsError, Run, StepState, __main__
from pulumi_mlops.clients import client as clients
from pulumi_mlops.clients.lineage import Code, Making, Read, Served, Unknown, Version

Command = Callable[..., tuple[int, str, str]]
FIT = StepState(name="fit", state="succeeded")
KEEP = StepState(name="keep", state="skipped", reason="auc >= 0.9 did not hold", registers=True)
BROKEN = StepState(name="fit", state="failed", reason="exit code 1", address="job")


def run(state: Any, *steps: StepState) -> Run:
    return Run(id="r1", pipeline="retrain", state=state, steps=steps)


class Client:
    """A client that has one run, and one endpoint."""

    def __init__(self, *seen: Any, found: Lineage | None = None) -> None:
        self.seen, self.found = seen, found
        self.asked: list[Any] = []

    def start(self, pipeline: str, given: Any) -> Run:
        self.asked.append(("start", pipeline, given))
        return run("running")

    def look(self, pipeline: str, name: str) -> Run:
        self.asked.append(("look", pipeline, name))
        return run("running")

    def follow(self, _: str, __: str) -> Iterator[Run]:
        for one in self.seen:
            if isinstance(one, BaseException):
                raise one
            yield one

    def last_lines(self, *_: object) -> list[str]:
        return ["Traceback", "KeyError: 'x'"]

    def lineage(self, what: str, version: int | None) -> Lineage:
        self.asked.append((what, version))
        assert self.found
        return self.found


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this very process, with a client; return its code, and what it printed."""

    def run_here(client: Client | Exception, *arguments: str) -> tuple[int, str, str]:
        def made(*_: object, **__: object) -> Client:
            if isinstance(client, Exception):
                raise client
            return client

        monkeypatch.setattr(clients, "client", made)
        monkeypatch.setattr(sys, "argv", ["pulumi-mlops", *arguments])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        printed = capsys.readouterr()
        said = ended.value.code if isinstance(ended.value.code, str) else ""
        return 1 if said else int(ended.value.code or 0), printed.out, printed.err + said

    return run_here


def test_a_run_is_followed_to_its_end(here: Command) -> None:
    client = Client(run("running", StepState(name="fit", state="running")), run("succeeded", FIT))
    code, out, _ = here(client, "run", "dev", "retrain", "-p", "days=7", "--parameter", "name=a=b")
    assert (code, client.asked) == (0, [("start", "retrain", {"days": "7", "name": "a=b"})])
    assert out.splitlines() == [
        "Run r1 of retrain",
        "fit: running",
        "fit: succeeded",
        "Run r1 of retrain: succeeded",
    ]


def test_a_condition_that_left_a_step_out_has_a_code_of_its_own(here: Command) -> None:
    code, out, _ = here(Client(run("succeeded", FIT, KEEP)), "run", "dev", "retrain")
    assert code == 3
    assert "keep: skipped: auc >= 0.9 did not hold" in out
    assert "No version was registered by: keep" in out


def test_a_failed_run_ends_with_what_the_step_printed_last(here: Command) -> None:
    code, out, _ = here(Client(run("failed", BROKEN)), "run", "dev", "retrain")
    assert code == 1
    assert "The last lines of fit:\n  Traceback\n  KeyError: 'x'\n" in out
    assert "fit: failed: exit code 1" in out
    code, out, _ = here(Client(run("failed", BROKEN)), "run", "dev", "retrain", "--output", "json")
    found = json.loads(out)
    assert (code, found["state"], found["logs"]) == (1, "failed", {"fit": ["Traceback", "KeyError: 'x'"]})


def test_who_interrupts_is_told_how_to_go_on(here: Command, tmp_path: Path) -> None:
    client = Client(KeyboardInterrupt())
    code, _, said = here(client, "run", "dev", "retrain", "--cwd", str(tmp_path))
    assert code == 130
    again = f"pulumi-mlops run dev retrain --follow r1 --cwd {tmp_path}"
    assert f"The run goes on. Follow it again with: {again}" in said
    code, out, _ = here(Client(run("succeeded", FIT)), *again.split()[1:])
    assert (code, out.splitlines()[-1]) == (0, "Run r1 of retrain: succeeded")


def test_one_that_is_not_waited_for(here: Command) -> None:
    code, out, _ = here(Client(), "run", "dev", "retrain", "--detach")
    assert code == 0
    assert out == "Run r1 of retrain has begun. Follow it with: pulumi-mlops run dev retrain --follow r1\n"
    code, out, _ = here(Client(), "run", "dev", "retrain", "--detach", "--output", "json")
    assert json.loads(out)["id"] == "r1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "dev", "retrain", "-p", "days"], "--parameter takes NAME=VALUE; this is 'days'"),
        (["run", "dev", "retrain", "-p", "a=1", "-p", "a=2"], "--parameter a is given twice"),
        (["run", "dev", "retrain", "--follow", "r", "--detach"], "leave out --parameter and --detach"),
        (["lineage", "dev", "churn:new"], "'new' is no version; write a number, such as churn:3"),
    ],
)
def test_bad_input_is_one_line(here: Command, arguments: list[str], said: str) -> None:
    client = Client()
    code, out, told = here(client, *arguments)
    assert (code, out, client.asked) == (1, "", [])
    assert told.startswith("Error: ")
    assert said in told


@pytest.mark.parametrize("arguments", [["run", "dev", "retrain"], ["lineage", "dev", "score"]])
def test_what_cannot_be_asked_is_one_line(here: Command, arguments: list[str]) -> None:
    code, _, said = here(MlopsError("for want of credentials. aws sso login"), *arguments)
    assert (code, said) == (1, "Error: for want of credentials. aws sso login")


VERSION = Version(
    model="churn",
    version=3,
    approval="approved",
    files="s3://f/",
    image=Unknown("it names none"),
    metrics={"auc": "0.93"},
    by=Making(
        pipeline="retrain",
        run="r1",
        state="succeeded",
        step="fit",
        code=Code(image="i:1", digest=Unknown("a tag")),
        parameters={"days": "7"},
        settings=Unknown("gone"),
        reads=(Read(kind="dataset", name="rows", version="3", step="prep", location="s3://r/", asked="latest"),),
    ),
)


def test_a_lineage_is_a_tree(here: Command) -> None:
    served = (
        Served(variant="main", percent=90.0, version=VERSION),
        Served(variant="b", percent=10.0, version=Unknown("no registry")),
    )
    client = Client(found=Lineage(endpoint="score", served=served))
    _, out, _ = here(client, "lineage", "dev", "score")
    assert client.asked == [("score", None)]
    assert out.splitlines() == [
        "endpoint score",
        "├─ variant main, 90 %",
        "│  └─ model churn, version 3, approved",
        "│     ├─ files: s3://f/",
        "│     ├─ serving image unknown: it names none",
        "│     ├─ metrics: auc=0.93",
        "│     └─ pipeline retrain, run r1, succeeded",
        "│        ├─ step: fit",
        "│        ├─ code i:1",
        "│        │  └─ digest unknown: a tag",
        "│        ├─ parameters of the run: days=7",
        "│        ├─ parameters of the step unknown: gone",
        "│        └─ dataset rows, version 3 (asked for latest), read by prep",
        "│           └─ s3://r/",
        "└─ variant b, 10 %",
        "   └─ version unknown: no registry",
    ]


def test_a_lineage_as_json(here: Command) -> None:
    client = Client(found=Lineage(version=VERSION))
    _, out, _ = here(client, "lineage", "dev", "churn:3", "--output", "json")
    assert client.asked == [("churn", 3)]
    found = json.loads(out)["version"]
    assert (found["version"], found["image"]) == (3, {"unknown": "it names none"})
    assert found["by"]["reads"][0]["version"] == "3"
