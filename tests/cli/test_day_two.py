"""The commands of day two: what they ask the client, what they print, and with which code they end."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import Decision, GateMissed, Prediction, RegisteredVersion, Report, RollBack, Signal, __main__
from pulumi_mlops.clients import client as clients

THIRD = RegisteredVersion(
    model="churn",
    version=3,
    approval="approved",
    metrics={"auc": 0.93},
    decision=Decision(by="bob", reason="better"),
)
SIGNAL = Signal(name="data_drift", kind="data_drift", metric="share", value=0.51234, threshold=0.2, breached=True)
UNJUDGED = Signal(
    name="bias", kind="bias", metric="", value=None, threshold=0.1, breached=False, reason="no row has a label"
)
REPORTS = [
    Report(monitor="drift", run="r4", state="running", reason="it is running"),
    Report(monitor="drift", run="r3", state="succeeded", rows=240, breached=True, signals=(SIGNAL, UNJUDGED)),
    Report(monitor="drift", run="r2", state="succeeded", rows=7, insufficient=True, reason="7 rows are too few"),
]
Command = Callable[..., tuple[int, str, str]]


class Client:
    """A client that keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.back = RollBack(endpoint="score", model="churn", before=(3,), rejected=(3,), version=2, serves=True)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*given: Any, **more: Any) -> Any:
            self.asked.append((name, given, more))
            answers = {"versions": [THIRD], "stream": iter([b"a", b"b"]), "roll_back": self.back}
            answers["predict"] = Prediction(value=[1], body=b"[1]", content_type="application/json", seconds=0.1)
            answers |= {"reports": REPORTS, "report_page": "<html>"}
            return answers.get(name, THIRD)

        return ask


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def here(client: Client, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Command:
    """Run a command in this very process; return its code, and what it printed."""
    monkeypatch.setattr(clients, "client", lambda *_, **__: client)

    def run(*arguments: str, sent: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pulumi-mlops", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent)))
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        code = ended.value.code
        printed = capfdbinary.readouterr()
        said = code if isinstance(code, str) else printed.err.decode()
        return (1 if isinstance(code, str) else int(code or 0)), printed.out.decode(), said

    return run


def test_a_version_is_approved_with_why(here: Command, client: Client) -> None:
    assert here("approve", "dev", "churn", "3", "--reason", "better", "--by", "bob") == (
        0,
        "churn version 3: approved by bob: better (auc=0.93)\n",
        "",
    )
    assert client.asked == [("approve", ("churn", 3), {"reason": "better", "by": "bob"})]
    code, _, said = here("approve", "dev", "churn", "3")
    assert (code, "--reason" in said) == (2, True)
    assert here("reject", "dev", "churn", "3", "-r", "drifts")[0] == 0


def test_what_the_client_refuses_is_a_line(here: Command, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise GateMissed("Version 3 of model 'churn' is not approved: auc is 0.8, wanted >=0.9.")

    monkeypatch.setattr(client, "approve", refuse, raising=False)
    code, printed, said = here("approve", "dev", "churn", "3", "--reason", "x")
    assert (code, printed) == (1, "")
    assert said == "Error: Version 3 of model 'churn' is not approved: auc is 0.8, wanted >=0.9."


def test_a_version_is_registered(here: Command, client: Client, tmp_path: Path) -> None:
    words = ("register", "dev", "churn", str(tmp_path), "-m", "auc=0.93", "--metadata", "team=a=b", "--image", "i")
    code, printed, _ = here(*words, "--output", "json")
    assert (code, json.loads(printed)["version"]) == (0, 3)
    more = {"metrics": {"auc": 0.93}, "metadata": {"team": "a=b"}, "image": "i"}
    assert client.asked == [("register", ("churn", tmp_path), more)]
    for wrong, said in (
        ("auc", "Error: --metric takes NAME=VALUE; this is 'auc'"),
        ("auc=x", "Error: --metric auc is 'x', which is no number"),
    ):
        assert here("register", "dev", "churn", str(tmp_path), "-m", wrong)[2] == said


def test_versions_are_listed(here: Command, client: Client) -> None:
    code, printed, _ = here("versions", "dev", "churn", "--approval", "approved", "--last", "2", "--output", "json")
    assert (code, [one["version"] for one in json.loads(printed)]) == (0, [3])
    assert client.asked == [("versions", ("churn",), {"approval": "approved", "last": 2})]


def test_an_endpoint_is_asked_by_a_file_or_a_pipe(here: Command, client: Client, tmp_path: Path) -> None:
    assert here("predict", "dev", "score", "-", sent=b'{"a": 1}')[:2] == (0, "[1]")
    assert here("predict", "dev", "score", sent=b"1,2")[0] == 0
    file = tmp_path / "rows.csv"
    file.write_text("7")
    assert here("predict", "dev", "score", str(file), "--variant", "main")[0] == 0
    assert here("predict", "dev", "score", str(file), "--stream", "--content-type", "image/png")[:2] == (0, "ab")
    asked = [(name, given[1], more["content_type"], more["variant"]) for name, given, more in client.asked]
    assert asked == [
        ("predict", b'{"a": 1}', "application/json", None),
        ("predict", b"1,2", "text/csv", None),
        ("predict", b"7", "text/csv", "main"),
        ("stream", b"7", "image/png", None),
    ]
    assert here("predict", "dev", "score", "nothing")[2].startswith("Error: nothing is not there")


def test_an_endpoint_goes_back(here: Command, client: Client) -> None:
    code, printed, _ = here("rollback", "dev", "score", "--reason", "drifts")
    assert code == 0
    assert printed == "score served churn version 3; rejected: 3\nscore serves version 2 again\n"
    assert client.asked[-1] == ("roll_back", ("score",), {"reason": "drifts", "to": None, "by": None, "up": True})
    client.back = RollBack(endpoint="score", model="churn", before=(3,), rejected=(), version=2, serves=False)
    assert here("rollback", "dev", "score", "--reason", "drifts", "--no-up")[:2] == (
        3,
        "score served churn version 3; rejected: none\nThe next pulumi up brings version 2\n",
    )
    assert "does its program pin another one?" in here("rollback", "dev", "score", "-r", "x", "--to", "2")[1]


def test_what_a_monitor_found_is_told(here: Command, client: Client, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    code, printed, _ = here("reports", "dev", "drift", "--last", "3", "--page", str(page))
    assert code == 0
    assert printed.splitlines() == [
        "r4: running (it is running)",
        "r3: BREACHED, 240 rows",
        "  BREACHED data_drift: 0.5123, threshold 0.2",
        "  bias: no row has a label, threshold 0.1",
        "r2: too few rows, 7 rows (7 rows are too few)",
        f"{page} is written; open it in a browser",
    ]
    assert page.read_text() == "<html>"
    assert client.asked[0] == ("reports", ("drift",), {"last": 3})
    assert json.loads(here("reports", "dev", "drift", "--output", "json")[1])[1]["breached"]
