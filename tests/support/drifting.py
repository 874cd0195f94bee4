"""Windows of a made-up model, and many cases of the drift program in one process: its packages take seconds to load.

It runs in the environment of the drift image: ``python drifting.py FOLDER < cases.json``.
"""

import contextlib
import inspect
import io
import json
import os
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))  # where it is a program of its own

from support import captured  # noqa: E402 (as said)

PROGRAMS = Path(__file__).parents[2] / "src" / "pulumi_mlops" / "jobs"
PLANS, REGIONS = ("free", "basic", "pro"), ("north", "south")
SCRIPT = "</script><script>document.title = 'taken-over'</script><img src=x onerror=\"document.title = 'taken-over'\">"
"""What somebody may ask a model."""
Rows = list[dict[str, Any]]


def rows(count: int, seed: int, drift: str = "") -> tuple[Rows, list[Any], list[Any]]:
    """Make requests, answers and labels; `drift` says what is different from the baseline."""
    chance = random.Random(seed)  # noqa: S311 (a test's rows)
    asked: Rows = []
    said: list[Any] = []
    true: list[Any] = []
    for _ in range(count):
        age = chance.gauss(40 if drift != "data_drift" else 52, 10)
        spend, plan, region = chance.expovariate(1 / 30), chance.choice(PLANS), chance.choice(REGIONS)
        risk = (age - 40) / 10 + (plan == "free") - (spend - 30) / 60
        if drift == "attribution_drift":
            risk = (spend - 30) / 30
        label = int(risk + chance.gauss(0, 0.5) > 0)
        answer = int(risk > 0)
        if drift == "prediction_drift" and chance.random() < 0.5:
            answer = 1
        if drift == "bias" and region == "north":
            answer = int(chance.random() < 0.1)
        if drift == "model_quality" and chance.random() < 0.3:
            label = 1 - answer
        row = {"age": age, "spend": spend, "plan": plan, "region": region, "visits": chance.randint(0, 9)}
        if drift == "words" and chance.random() < 0.5:
            row["plan"] = SCRIPT
        if drift == "data_quality" and chance.random() < 0.15:
            row["spend"] = None
        asked.append(row)
        said.append(answer)
        true.append(label)
    return asked, said, true


def written(folder: Path, case: dict[str, Any]) -> dict[str, str]:
    """Write what a case reads; return its variables."""
    baseline, answers, labels = rows(1500, 1)
    (folder / "baseline").mkdir(parents=True)
    three = zip(baseline, answers, labels, strict=True)
    lines = [{**row, "prediction": answer, "churned": label} for row, answer, label in three]
    for line in lines if case.get("no_answers") else ():
        del line["prediction"]
    (folder / "baseline" / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    asked, said, true = rows(case.get("rows", 400), case.get("seed", 2), case.get("drift", ""))
    if names := case.get("called"):
        said, true = ([names[one] for one in some] for some in (said, true))
        lines = [{**line, "prediction": names[line["prediction"]]} for line in lines]
        (folder / "baseline" / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    if case.get("torn"):
        (folder / "baseline" / "rows.jsonl").write_text("{")
    (folder / "captured").mkdir()
    captured.FORMATS[case.get("service", "kserve")](folder / "captured", asked, said, each=1)
    for path in (folder / "captured").rglob("*.json*") if case.get("spoiled") else ():
        path.write_text("no json")
    (folder / "truth").mkdir()
    known = list(enumerate(true))[: case.get("labels", len(true))]
    text = f"{case['monitor']['truth']['join'] if case['monitor']['truth'] else 'id'},churned\n" + "".join(
        f"e{number},{label}\n" for number, label in known
    )
    (folder / "truth" / "labels.csv").write_text(text)
    given = {
        "MLOPS_MONITOR": json.dumps(case["monitor"]),
        "MLOPS_INPUT_CAPTURED": str(folder / "captured"),
        "MLOPS_INPUT_BASELINE": str(folder / "baseline"),
        "MLOPS_INPUT_TRUTH": str(folder / "truth"),
        "MLOPS_OUTPUT_REPORT": str(folder / "report"),
        "MLOPS_METRICS": str(folder / "metrics.json"),
    }
    return given | case.get("variables", {})


class Gateway(ThreadingHTTPServer):
    """Takes what the program that hands measurements on sends to a Pushgateway, or refuses it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Put)
        self.taken: list[dict[str, float]] = []
        self.refuses = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/metrics/job/mlops/endpoint/score"


class Put(BaseHTTPRequestHandler):
    """One request."""

    server: Gateway

    def do_PUT(self) -> None:
        """Remember what was measured."""
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
        self.server.taken.append({name.removeprefix("mlops_"): float(value) for name, value in lines})
        self.send_response(400 if self.server.refuses else 200)
        self.end_headers()
        if self.server.refuses:
            self.wfile.write(b"no numbers today")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Starts:
    """Stands for what starts pipelines, and takes what that takes."""

    def __init__(self, real: Any) -> None:
        self.real, self.asked, self.fails = inspect.signature(real.started), list[Any](), False
        self.error = real.NotStartedError

    def started(self, *given: Any, **named: Any) -> str | None:
        """Remember what was asked for."""
        self.asked.append(self.real.bind(*given, **named).arguments)
        if self.fails:
            raise self.error("no runs today")
        return "run-1"


def main(folder: Path) -> None:
    """Run the cases that standard input has; print what became of each."""
    sys.path.insert(0, str(PROGRAMS))
    import drift  # noqa: PLC0415 (seconds)
    import starting  # noqa: PLC0415 (where the program is)

    gateway, starts, whole, found = Gateway(), Starts(starting), drift.page.page, {}
    starting.started = starts.started
    for name, case in json.load(sys.stdin).items():
        gateway.taken, starts.asked = [], []
        gateway.refuses = starts.fails = bool(case.get("fails"))
        drift.page.page = whole if case.get("drawn") else lambda result, *_: drift.page.head(result)
        if case.get("drawn") == "not":
            drift.page._drawn = None
        before, out, err = dict(os.environ), io.StringIO(), io.StringIO()
        os.environ.update(written(folder / name, case))
        if case.get("watched"):
            os.environ["MLOPS_WATCH"] = gateway.address
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = drift.main()
        os.environ.clear()
        os.environ.update(before)
        report, metrics = folder / name / "report" / "result.json", folder / name / "metrics.json"
        found[name] = {
            "code": code,
            "out": out.getvalue(),
            "err": err.getvalue().replace(gateway.address, "there"),
            "result": json.loads(report.read_text()) if report.is_file() else None,
            "metrics": json.loads(metrics.read_text()) if metrics.is_file() else None,
            "put": gateway.taken,
            "asked": starts.asked,
        }
    print(json.dumps(found))  # noqa: T201 (for the test that started it)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
