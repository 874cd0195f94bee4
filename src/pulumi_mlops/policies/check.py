"""Checks a stack, or estimates what it costs: previews it with a pack, and reads what that has written down.

It needs no Pulumi Cloud.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.policies.costs.estimate import difference, estimate, tables
from pulumi_mlops.policies.costs.meters import metered
from pulumi_mlops.policies.costs.prices import BadPrices, Prices
from pulumi_mlops.policies.costs.report import Costs, by_resource, summary
from pulumi_mlops.policies.costs.state import exported
from pulumi_mlops.policies.costs.told import CostSettings
from pulumi_mlops.policies.costs.uses import Metered
from pulumi_mlops.policies.model import VARIABLE
from pulumi_mlops.policies.report import PROGRAM, Report
from pulumi_mlops.policies.settings import Profile, Settings
from pulumi_mlops.policies.steps import findings, lost

LAST_LINES: Final = 40


class NotChecked(MlopsError):  # noqa: N818  (it says what is so)
    """The preview failed before the pack had seen the whole stack."""


@dataclass(frozen=True)
class Seen:
    """What a pack has written down in a preview."""

    stack: str
    findings: tuple[dict[str, Any], ...]
    metered: tuple[Metered, ...]
    resources: int
    rules: tuple[str, ...]
    failed: str
    """What the preview said, if it ended with an error."""


def check(
    folder: Path,
    stack: str | None = None,
    *,
    profile: Profile | None = None,
    config: Path | None = None,
    pack: Path | None = None,
) -> Report:
    """Preview a stack with a pack, the library's own unless another is named."""
    if pack and profile:
        raise NotChecked("A pack names its own profile: leave out one of --pack and --profile")
    settings = cost_settings(config)
    prices = _tables(folder, settings)
    with tempfile.TemporaryDirectory() as scratch:
        used = pack.resolve() if pack else _pack(Path(scratch, "policies"), f"profile={profile!r}" if profile else "")
        seen = _previewed(folder, stack, used, config)
    estimated = estimate(seen.metered, prices, settings.usage, Settings().today)
    report = Report(
        seen.stack,
        seen.findings,
        seen.resources,
        seen.rules,
        summary(estimated) if seen.metered else "",
        by_resource(estimated),
        estimated.warnings if seen.metered else (),
        _program(folder),
    )
    if seen.failed and not report.blocking:  # for a reason that is not ours
        raise NotChecked(seen.failed)
    return report


def costs(folder: Path, stack: str | None = None, *, config: Path | None = None, prices: Path | None = None) -> Costs:
    """Preview a stack, and estimate what a month of it costs, and of it as it is now."""
    settings = cost_settings(config)
    if prices:
        settings = settings.model_copy(update={"prices": str(prices.resolve())})
    known, today = _tables(folder, settings), Settings().today
    with tempfile.TemporaryDirectory() as scratch:
        seen = _previewed(folder, stack, _pack(Path(scratch, "policies"), "()"), None)
    if seen.failed:
        raise NotChecked(seen.failed)
    now = estimate(seen.metered, known, settings.usage, today, assume=settings.assume)
    done = _pulumi(["stack", "export", *(["--stack", stack] if stack else [])], folder)
    if done.returncode:
        raise NotChecked(f"The stack's state cannot be read:\n{done.stderr}")
    stands = metered(exported(json.loads(done.stdout)))
    before = estimate(stands, known, settings.usage, today, assume=settings.assume)
    return Costs(seen.stack, now, tuple(difference(before, now)), before)


def cost_settings(config: Path | None) -> CostSettings:
    """Read what a configuration tells of costs."""
    if config is None:
        return CostSettings()
    try:
        told = json.loads(config.read_text(), parse_float=Decimal)
        return CostSettings.model_validate(told.get("settings", {}).get("cost", {}))
    except (OSError, ValueError, AttributeError) as error:
        raise NotChecked(f"{config}: {error}") from None


def _tables(folder: Path, settings: CostSettings) -> Prices:
    try:
        return tables(settings, folder)
    except BadPrices as error:
        raise NotChecked(str(error)) from None


def _previewed(folder: Path, stack: str | None, pack: Path, config: Path | None) -> Seen:
    """Preview a stack with a pack; it has to come to the end of the program."""
    if not (folder / PROGRAM).is_file():
        raise NotChecked(f"{folder} has no {PROGRAM}: name the folder of a stack's program")
    words = ["preview", "--suppress-outputs", "--policy-pack", str(pack)]
    words += ["--policy-pack-config", str(config.resolve())] if config else []
    words += ["--stack", stack] if stack else []
    with tempfile.TemporaryDirectory() as scratch:
        found, events = Path(scratch, "found.jsonl"), Path(scratch, "events")
        # The engine offers the log of its events, as the Automation API uses it, among its debugging commands.
        words += ["--event-log", str(events)]
        done = _pulumi(words, folder, {VARIABLE: str(found), "PULUMI_DEBUG_COMMANDS": "true"})
        lines: list[dict[str, Any]] = []
        if found.is_file():
            lines = [json.loads(line) for line in found.read_text().splitlines()]
        losing = lost(events)
    said = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
    failed = f"The preview failed (exit code {done.returncode}):\n{said}" if done.returncode else ""
    ends = [line for line in lines if "end" in line]
    if not ends:
        raise NotChecked(failed or f"The preview did not come to the end of the stack:\n{said}")
    return Seen(
        stack=stack or str(ends[-1]["stack"]),
        findings=(*(line for line in lines if "rule" in line), *findings(losing, ends[-1])),
        metered=tuple(Metered.read(line["metered"]) for line in lines if "metered" in line),
        resources=int(ends[-1]["resources"]),
        rules=tuple(ends[-1]["levels"]),
        failed=failed,
    )


def _pulumi(
    words: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    program = shutil.which("pulumi")
    if program is None:
        raise NotChecked("There is no `pulumi` on PATH: install it, or run this by `pulumi-mlops sandbox run`")
    return subprocess.run(  # noqa: S603  (the user's own engine)
        [program, *words, "--non-interactive", "--color", "never"],
        cwd=folder,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _program(folder: Path) -> str:
    """Name a stack's project as it is seen from here, which is the root of a repository in CI."""
    project, here = folder.resolve() / PROGRAM, Path.cwd()
    return project.relative_to(here).as_posix() if project.is_relative_to(here) else PROGRAM


def _pack(folder: Path, arguments: str) -> Path:
    """Write a pack of the library's rules, which runs with this interpreter's packages."""
    folder.mkdir()
    options = {"virtualenv": sys.prefix} if sys.prefix != sys.base_prefix else {}
    project = {"runtime": {"name": "python", "options": options}}
    (folder / "PulumiPolicy.yaml").write_text(json.dumps(project))  # JSON is YAML
    (folder / "__main__.py").write_text(f"from pulumi_mlops.policies.pack import serve\n\nserve({arguments})\n")
    return folder
