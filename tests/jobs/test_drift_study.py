"""Drift and chance on data sets that packages ship, as `benchmarks/drift.py` tells them apart: some windows of each."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

STUDY = Path(__file__).parents[2] / "benchmarks" / "drift.py"
ROW = re.compile(r"\| (\w+) \| 200 \| (\w+ \w+) \|.*\| (\d+) of 6 \|.*\| (\d+) of 2 \|")


def test_each_signal_tells_drift_from_chance_on_three_data_sets() -> None:
    command = [sys.executable, str(STUDY), "--rows", "200", "--plain", "6", "--drifted", "2", "--large", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONWARNINGS": ""})
    assert done.returncode == 0, done.stderr
    found = ROW.findall(done.stdout)
    assert {name for name, *_ in found} == {"visits", "affairs", "digits"}
    assert len(found) == 8 + 8 + 7
    assert sum(int(alarms) for *_, alarms, _ in found) <= 1, done.stdout
    assert not [row for row in found if row[3] != "2"], done.stdout
