"""The toy model of ``pulumi-mlops verify``: it runs as a step of a pipeline, in an image that has MLflow.

    python3 toy.py rows    writes rows to learn from, and rows to score
    python3 toy.py fit     fits a line through them, and keeps what it saw as the baseline
    python3 toy.py score   scores rows by the model beside it, into which `fit` has put this program
    python3 toy.py serve   answers on port 8080 by the model beside it: /ping and /invocations, as SageMaker asks

Only numpy and MLflow are used. With the parameter ``flaw`` the model passes its measurement and fails at each request.
"""

# pyright: reportMissingImports=false
# MLflow and numpy are in the image that this runs in, and not in the environment of the library.

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS = ("x1", "x2")
TARGET, KEY, PREDICTION = "y", "id", "prediction"
SEEN, SCORED = 2000, 500
"""How many rows a model learns from, and how many a batch has."""
PORT = 8080


def rows(folder: Path, count: int, seed: int) -> None:
    """Write rows: two numbers around zero, and whether their sum is above it."""
    import numpy as np  # noqa: PLC0415 (in the image)

    drawn = np.random.default_rng(seed).normal(size=(count, 2))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([KEY, *COLUMNS, TARGET])
        out.writerows([index, *map(float, one), int(one.sum() > 0)] for index, one in enumerate(drawn))


def read(folder: Path) -> list[dict[str, str]]:
    """Read what was written."""
    found: list[dict[str, str]] = []
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="") as file:
            found += csv.DictReader(file)
    return found


def fit(source: Path, model: Path, baseline: Path, measured: Path, *, flawed: bool) -> None:
    """Fit, measure, and keep the model as MLflow does, with what it saw and answered beside it."""
    import mlflow  # noqa: PLC0415 (in the image)
    import numpy as np  # noqa: PLC0415 (in the image)

    table = read(source)
    x = np.array([[float(row[name]) for name in COLUMNS] for row in table])
    y = np.array([int(row[TARGET]) for row in table])
    weights, *_ = np.linalg.lstsq(np.c_[x, np.ones(len(x))], 2.0 * y - 1.0, rcond=None)

    class Toy(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not in the environment of the checkers
        """A line between two classes."""

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            """Say on which side of the line each row is."""
            del context, params
            if flawed:
                message = "this version is broken on purpose"
                raise RuntimeError(message)
            given = np.asarray(model_input, dtype=float)[:, :2]
            return (np.c_[given, np.ones(len(given))] @ weights > 0).astype(int)

    answers = (np.c_[x, np.ones(len(x))] @ weights > 0).astype(int)
    example = {name: x[:5, index] for index, name in enumerate(COLUMNS)}
    import pandas as pd  # noqa: PLC0415 (MLflow brings it)

    signature = mlflow.models.infer_signature(pd.DataFrame(example), answers[:5])
    mlflow.pyfunc.save_model(model, python_model=Toy(), signature=signature, pip_requirements=[])
    shutil.copy(__file__, model)
    baseline.mkdir(parents=True, exist_ok=True)
    with (baseline / "baseline.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*COLUMNS, PREDICTION])
        out.writerows([*map(float, one), int(answer)] for one, answer in zip(x, answers, strict=True))
    measured.write_text(json.dumps({"accuracy": float((answers == y).mean())}))


def score(model: Path, source: Path, scores: Path) -> None:
    """Score rows by a model that is a folder, one score a row."""
    import mlflow  # noqa: PLC0415 (in the image)
    import pandas as pd  # noqa: PLC0415 (MLflow brings it)

    table = pd.DataFrame([[float(row[name]) for name in COLUMNS] for row in read(source)], columns=COLUMNS)
    answers = mlflow.pyfunc.load_model(str(model)).predict(table)
    with (scores / "scores.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([PREDICTION])
        out.writerows([int(answer)] for answer in answers)


def asked(body: bytes, content_type: str) -> list[list[float]]:
    """Read the rows of a request: CSV without names, or JSON of one of the two forms that MLflow's servers take."""
    if content_type.partition(";")[0].strip() == "text/csv":
        return [[float(value) for value in row] for row in csv.reader(body.decode().splitlines()) if row]
    told: dict[str, Any] = json.loads(body)
    if "dataframe_records" in told:
        return [[float(row[name]) for name in COLUMNS] for row in told["dataframe_records"]]
    places = [told["dataframe_split"]["columns"].index(name) for name in COLUMNS]
    return [[float(row[place]) for place in places] for row in told["dataframe_split"]["data"]]


def server(predict: Callable[[list[list[float]]], list[int]], port: int = PORT, host: str = "") -> ThreadingHTTPServer:
    """Return a server of a model, as SageMaker wants it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html

    A request that is no rows gets a 400. A model that fails gets a 500, which is what the alarm of a release goes by;
    MLflow's own server would say 400 to that as well.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Tell that the model is loaded."""
            self._say(200 if self.path == "/ping" else 404, {})

        def do_POST(self) -> None:
            """Answer."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/invocations":
                self._say(404, {})
                return
            try:
                rows = asked(body, self.headers.get("Content-Type") or "application/json")
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self._say(400, {"error": f"these are no rows of {', '.join(COLUMNS)}: {error!r}"})
                return
            try:
                answers = predict(rows)
            except Exception as error:  # noqa: BLE001 (whatever the model does, the caller is told)
                self._say(500, {"error": str(error)})
            else:
                self._say(200, {"predictions": answers})

        def _say(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_said: object) -> None:  # noqa: A002 (as its base calls it)
            """Print nothing for each request."""

    return ThreadingHTTPServer((host, port), Handler)


def serve(model: Path, port: int = PORT) -> None:
    """Answer by a model that is a folder, until the process is ended."""
    import mlflow  # noqa: PLC0415 (in the image)
    import pandas as pd  # noqa: PLC0415 (MLflow brings it)

    loaded = mlflow.pyfunc.load_model(str(model))

    def predict(rows: list[list[float]]) -> list[int]:
        return [int(answer) for answer in loaded.predict(pd.DataFrame(rows, columns=COLUMNS))]

    server(predict, port).serve_forever()


def main(words: list[str]) -> int:
    """Do one step."""
    places = {name: Path(value) for name, value in os.environ.items() if name.startswith(("MLOPS_OUTPUT", "MLOPS_IN"))}
    if words == ["rows"]:
        rows(places["MLOPS_OUTPUT_SEEN"], SEEN, seed=1)
        rows(places["MLOPS_OUTPUT_SCORED"], SCORED, seed=2)
        return 0
    if words == ["fit"]:
        fit(
            places["MLOPS_INPUT_ROWS"],
            places["MLOPS_OUTPUT_MODEL"],
            places["MLOPS_OUTPUT_BASELINE"],
            Path(os.environ["MLOPS_METRICS"]),
            flawed=os.environ.get("MLOPS_PARAMETER_FLAW") == "true",
        )
        return 0
    if words == ["score"]:
        score(Path(__file__).parent, places["MLOPS_INPUT_ROWS"], places["MLOPS_OUTPUT_SCORES"])
        return 0
    if words == ["serve"]:
        serve(Path(__file__).parent)
    sys.stderr.write("toy.py takes one word: rows, fit, score, or serve\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
