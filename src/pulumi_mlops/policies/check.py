"""Checks a stack: previews it with the pack, and reads what the pack has found. It needs no Pulumi Cloud."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.policies.model import VARIABLE
from pulumi_mlops.policies.report import Report
from pulumi_mlops.policies.settings import Profile

LAST_LINES: Final = 40


class NotChecked(MlopsError):  # noqa: N818  (it says what is so)
    """The preview failed before the pack had seen the whole stack."""


def check(
    folder: Path,
    stack: str | None = None,
    *,
    profile: Profile | None = None,
    config: Path | None = None,
    pack: Path | None = None,
) -> Report:
    """Preview a stack with a pack, the library's own unless another is named."""
    if not (folder / "Pulumi.yaml").is_file():
        raise NotChecked(f"{folder} has no Pulumi.yaml: name the folder of a stack's program")
    if pack and profile:
        raise NotChecked("A pack names its own profile: leave out one of --pack and --profile")
    program = shutil.which("pulumi")
    if program is None:
        raise NotChecked("There is no `pulumi` on PATH: install it, or run this by `pulumi-mlops sandbox run`")
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch, "found.jsonl")
        used = pack.resolve() if pack else _pack(Path(scratch, "policies"), profile)
        command = [program, "preview", "--non-interactive", "--color", "never", "--policy-pack", str(used)]
        command += ["--policy-pack-config", str(config.resolve())] if config else []
        command += ["--stack", stack] if stack else []
        done = subprocess.run(  # noqa: S603  (the user's own engine)
            command,
            cwd=folder,
            env=os.environ | {VARIABLE: str(found)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        lines: list[dict[str, Any]] = []
        if found.is_file():
            lines = [json.loads(line) for line in found.read_text().splitlines()]
    ends = [line for line in lines if "end" in line]
    if not ends:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        raise NotChecked(f"The preview failed (exit code {done.returncode}):\n{said}")
    findings = tuple(line for line in lines if "end" not in line)
    report = Report(stack or str(ends[-1]["stack"]), findings, int(ends[-1]["resources"]), tuple(ends[-1]["rules"]))
    if done.returncode and not report.blocking:  # for a reason that is not ours
        said = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        raise NotChecked(f"The preview failed (exit code {done.returncode}):\n{said}")
    return report


def _pack(folder: Path, profile: Profile | None) -> Path:
    """Write a pack of the library's rules, which runs with this interpreter's packages."""
    folder.mkdir()
    options = {"virtualenv": sys.prefix} if sys.prefix != sys.base_prefix else {}
    project = {"runtime": {"name": "python", "options": options}}
    (folder / "PulumiPolicy.yaml").write_text(json.dumps(project))  # JSON is YAML
    named = f"profile={profile!r}" if profile else ""
    (folder / "__main__.py").write_text(f"from pulumi_mlops.policies.pack import serve\n\nserve({named})\n")
    return folder
