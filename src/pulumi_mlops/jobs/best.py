r"""Say which trial of a search was the best.

    python best.py trials.json auc max FOLDER

The file has, for each trial that succeeded, its number and what it measured, as Argo lists them:
``[{"trial": "0", "metrics": "{\"auc\": 0.9}"}]``. The folder gets two files, ``trial`` and ``metrics.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def best(trials: list[dict[str, str]], metric: str, sign: str) -> dict[str, str]:
    """Return the best trial; of equal ones the first."""
    order = -1 if sign == "max" else 1
    return min(trials, key=lambda trial: (order * float(json.loads(trial["metrics"])[metric]), int(trial["trial"])))


def main(file: str, metric: str, sign: str, folder: str) -> int:
    """Find it, and write it down."""
    trials = json.loads(Path(file).read_text())
    if not trials:
        sys.stderr.write("best: no trial succeeded.\n")
        return 1
    found = best(trials, metric, sign)
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "trial").write_text(found["trial"])
    (Path(folder) / "metrics.json").write_text(found["metrics"])
    sys.stdout.write(f"best: trial {found['trial']} of {len(trials)}: {found['metrics']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
