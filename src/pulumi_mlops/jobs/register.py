"""Register a version of a model with an MLflow server; it waits for its approval.

It may run again: a version that the same step of the same run has registered is left as it is. Only the standard
library is used, and everything comes from the environment: ``MLOPS_REGISTRY`` is the server's address,
``MLOPS_VERSION`` says what is registered, and ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD`` are the
login::

    {"model": "churn", "source": "s3://…", "image": null, "metadata": {"team": "growth"},
     "facts": {"mlops-pipeline": "retrain", "mlops-run": "…", "mlops-step": "fit", "mlops-code": "…"},
     "metrics": {"auc": "MLOPS_MEASURED_0"}}

What was measured is in further variables, as JSON; ``MLOPS_MADE_BY`` is the record of the step that made the files.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

APPROVAL, PENDING = "approval", "Pending"
IMAGE = "serving_image"
_UNAVAILABLE = 500
_PATIENCE_SECONDS = 300
_PAGE = 100
"""How many of the newest versions are looked at."""


class Server:
    """An MLflow server, as a user who may register."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.login = base64.b64encode(f"{user}:{password}".encode()).decode()

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Send a request, again while the server is not there."""
        query = f"?{urllib.parse.urlencode(body)}" if method == "GET" else ""
        request = urllib.request.Request(  # noqa: S310 (the address is the program's own)
            f"{self.url}/api/2.0/mlflow/{path}{query}",
            method=method,
            data=None if method == "GET" else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {self.login}", "Content-Type": "application/json"},
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (as above)
                    found: dict[str, Any] = json.loads(answer.read() or b"{}")
                    return found
            except urllib.error.HTTPError as error:
                reason = error.read().decode(errors="replace")
                if error.code < _UNAVAILABLE or time.monotonic() > deadline:
                    raise SystemExit(f"MLflow refused {method} {path}: {error.code} {reason[:300]}") from None
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SystemExit(f"MLflow at {self.url} does not answer: {error}") from None
            time.sleep(2)


def tags(told: dict[str, Any], measured: dict[str, str]) -> dict[str, str]:
    """Return what is written down with the version."""
    metrics = {name: str(json.loads(measured[source])[name]) for name, source in told["metrics"].items()}
    image = {IMAGE: told["image"]} if told["image"] else {}
    inputs = json.loads(measured.get("MLOPS_MADE_BY", "{}")).get("inputs", {}).items()
    read = {f"mlops-data-{name}": f"{one['dataset']}@{one['version']}" for name, one in inputs if "dataset" in one}
    return {**told["metadata"], **metrics, **told["facts"], **read, **image, APPROVAL: PENDING}


def register(server: Server, told: dict[str, Any], written: dict[str, str]) -> tuple[str, bool]:
    """Make the version, unless it is there; return its number, and whether it is new."""
    model, run = told["model"], written["mlops-run"]
    query = {"filter": f"name = '{model}'", "order_by": "version_number DESC", "max_results": _PAGE}
    for version in server.call("GET", "model-versions/search", **query).get("model_versions", []):
        known = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        if version["source"] == told["source"] and known.get("mlops-run") == run:
            return str(version["version"]), False
    listed = [{"key": key, "value": value} for key, value in sorted(written.items())]
    made = server.call("POST", "model-versions/create", name=model, source=told["source"], tags=listed)
    return str(made["model_version"]["version"]), True


def main() -> int:
    """Do all of it."""
    told = json.loads(os.environ["MLOPS_VERSION"])
    server = Server(
        os.environ["MLOPS_REGISTRY"], os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]
    )
    number, new = register(server, told, tags(told, dict(os.environ)))
    sys.stdout.write(f"register: version {number} of {told['model']} {'waits for approval' if new else 'is there'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
