"""Programs that run in a user's image need no newer Python than the docs promise."""

import subprocess
import sys
from pathlib import Path

import pulumi_mlops.jobs
from pulumi_mlops.steps import work

JOBS = Path(str(pulumi_mlops.jobs.__file__)).parent
OLDEST = "3.9"
"""As docs/workload.md has it."""
IN_USERS_IMAGES = (
    *(work.START, work.FETCH, work.READ, work.FACTS, work.QUERY, work.SERVED, work.STARTING, work.PUBLISHES),
    "entering.py",
)


def test_they_run_by_an_old_python() -> None:
    vermin = Path(sys.executable).with_name("vermin")
    words = [f"-t={OLDEST}-", "--violations", "--no-tips", "--eval-annotations", "--processes=1"]
    programs = [JOBS / name for name in IN_USERS_IMAGES]
    done = subprocess.run([vermin, *words, *programs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
