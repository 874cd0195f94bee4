"""What runs without an engine: imports, and programs under Pulumi's mocks, each in a process of its own."""

import json
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ratios import Row, Sample, alternate, figures, show

HERE = Path(__file__).parent
RUNS = 7
FEW, MANY = 50, 1000
RELEASE = "mlops-release"
_COUNTED = re.compile(r"(main|release|traffic)-(?:[0-9a-f]{8}|1)(?![0-9A-Za-z])")
"""Of a name: the digest by which the library knows a release again, or the number that somebody counts up by hand."""
NOUNS = ("Platform", "FeatureStore", "ModelRegistry", "Endpoint")
"""One of each module."""


def measured(*arguments: str) -> dict[str, Any]:
    """Run one measurement."""
    done = subprocess.run(
        [sys.executable, str(HERE / "measure.py"), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"measure.py {' '.join(arguments[:2])} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def program(kind: str, which: str, config: Mapping[str, str], **settings: Any) -> dict[str, Any]:
    """Measure a program under mocks."""
    return measured(kind, which, json.dumps({"config": config, **settings}))


def _read(value: Any) -> Any:
    """Make inputs comparable: JSON in a string is read, since the order of its keys says nothing.

    The digest by which the library knows a release again is a number that somebody counts up by hand.
    """
    if isinstance(value, str):
        return _read(json.loads(value)) if value.startswith("{") else _COUNTED.sub(r"\1-any", value)
    if isinstance(value, dict):
        return {_read(key): "any" if key == RELEASE else _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _readable(kind: str, name: str, inputs: dict[str, Any]) -> tuple[tuple[str, str], Any]:
    """Return what a resource is compared by, and its inputs; a UUID that is made of a counted name is let pass."""
    if _COUNTED.search(name):
        inputs = {key: value for key, value in inputs.items() if key != "roleAssignmentName"}
    return (kind, _COUNTED.sub(r"\1-any", name)), _read(inputs)


def check_same(kind: str, config: Mapping[str, str], where: str) -> str:
    """Compare every resource of both programs, and return what was compared.

    Another resource would spoil the ratios and stops the run; an input that differs is named beside them.

    :param where: the yardstick, for whom it concerns.
    """
    sides = []
    for which in ("library", "hand"):
        found = program(kind, which, config, record=True)["registered"]
        sides.append(dict(_readable(*one) for one in found))
        if len(sides[-1]) != len(found):
            raise SystemExit(f"The {which} program declares two resources of one type and name; nothing is compared")
    ours, theirs = sides
    if ours.keys() != theirs.keys():
        different = sorted(ours.keys() ^ theirs.keys())
        raise SystemExit(f"The two programs do not declare the same; mend benchmarks/{where}: {different}")
    drifted = [name for (type_, name), inputs in ours.items() if inputs != theirs[type_, name]]
    types = len(Counter(type_ for type_, _ in ours))
    equal = "all inputs equal" if not drifted else f"inputs differ (mend {where}): {', '.join(sorted(drifted))}"
    return f"compared: {len(ours)} resources of {types} types on both sides, {equal}"


def imports() -> None:
    """Print what the import costs."""
    programs = {
        "pulumi": "pulumi",
        "ours": "pulumi,pulumi_mlops",
        "used": f"pulumi,{','.join(f'pulumi_mlops.{noun}' for noun in NOUNS)}",
    }
    made = alternate(RUNS, {name: partial(measured, "import", names) for name, names in programs.items()})
    rows = [
        Row(f"{what}, {column}", unit, figures(made[side], key), figures(made["pulumi"], key))
        for side, what in (
            ("ours", "import pulumi, pulumi_mlops"),
            ("used", "the same, and every noun's module loaded"),
        )
        for column, unit, key in (("CPU time", "s", "seconds"), ("peak memory", "MB", "memory"))
    ]
    show("Import / import pulumi alone", rows)


def previewed(kind: str, title: str, config: Mapping[str, str], where: str) -> None:
    """Print what a preview of a whole program costs beside the yardstick."""
    same = check_same(kind, config, where)
    made = alternate(
        RUNS,
        {name: partial(program, kind, which, config) for name, which in (("ours", "library"), ("hand", "hand"))},
    )
    shares = (
        ("CPU time of the process", "s", "seconds"),
        ("CPU time of the program", "s", "program"),
        ("tasks of the event loop", "", "tasks"),
        ("peak memory", "MB", "memory"),
    )
    rows = [Row(what, unit, figures(made["ours"], key), figures(made["hand"], key)) for what, unit, key in shares]
    show(f"{title} under mocks / by hand", rows, [same, f"load of the machine: {os.getloadavg()[0]:.1f}"])


def _pair(config: Mapping[str, str], number: int) -> tuple[Sample, Sample]:
    """Measure both sides at once, so that a long run sees the same load on both."""
    with ThreadPoolExecutor(2) as both:
        ours, hand = both.map(lambda which: program("endpoints", which, config, endpoints=number), ("library", "hand"))
    return ours, hand


def endpoints(config: Mapping[str, str]) -> None:
    """Print what endpoints cost: one, a few, many."""
    runs = {0: 3, 1: 3, FEW: 2, MANY: 1}
    made = {number: [_pair(config, number) for _ in range(times)] for number, times in runs.items()}
    rows = [
        Row(f"{number} endpoint{'s' * (number > 1)}, {what}", unit, *_columns(made[number], key))
        for number in (1, FEW, MANY)
        for what, unit, key in (("CPU time", "s", "seconds"), ("peak memory", "MB", "memory"))
    ]
    each = {
        (number, key): [_each(made, number, key, side) for side in (0, 1)]
        for number in (FEW, MANY)
        for key in ("program", "memory")
    }
    for number in (FEW, MANY):
        for what, unit, key, scale in (("CPU time", "ms", "program", 1000), ("memory", "kB", "memory", 1024)):
            ours, hand = ([value * scale] for value in each[number, key])
            rows.append(Row(f"each of {number}, {what}", unit, ours, hand))
    notes = [
        f"{what} of each at {MANY} / at {FEW}: ours {each[MANY, key][0] / each[FEW, key][0]:.2f}, "
        f"by hand {each[MANY, key][1] / each[FEW, key][1]:.2f} (1.00 is linear)"
        for what, key in (("CPU time", "program"), ("memory", "memory"))
    ]
    show("Endpoints under mocks / the same resources by hand", rows, notes)


def _columns(pairs: list[tuple[Sample, Sample]], key: str) -> tuple[list[float], list[float]]:
    return [ours[key] for ours, _ in pairs], [hand[key] for _, hand in pairs]


def _each(made: Mapping[int, list[tuple[Sample, Sample]]], number: int, key: str, side: int) -> float:
    """Return the cost of one of many: what is more than the same program without endpoints, shared out."""
    whole, without = (statistics.median(pair[side][key] for pair in made[count]) for count in (number, 0))
    return (whole - without) / number


def sections(aws: Mapping[str, str], azure: Mapping[str, str]) -> dict[str, Callable[[], None]]:
    """Name what can be measured here.

    :param aws: the settings of `stacks/aws`.
    :param azure: the settings of `stacks/azure`.
    """
    return {
        "import": imports,
        "stack": partial(previewed, "stack", "Preview of serving.py", aws, "by_hand.py"),
        "azure": partial(previewed, "azure", "Preview of five components on Azure", azure, "by_hand_azure"),
        "endpoints": partial(endpoints, aws),
    }
