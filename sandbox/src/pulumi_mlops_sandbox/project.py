"""Which control planes a project needs, by its settings and its program, so that `sandbox run` starts just those."""

import ast
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pulumi_mlops_sandbox import wrapper

BACKEND = "backend"
"""The setting, and the argument, that names a backend."""
SDK = "pulumi_"
"""What the modules of providers' SDKs begin with."""


def needs(command: Sequence[str], cwd: Path, known: Mapping[str, str]) -> set[str]:
    """Name the control planes that the project of a command mentions.

    They are mentioned by a setting of theirs (``kubernetes:context``), by ``<project>:backend: kubernetes``, by
    ``backend="kubernetes"`` in the program, or by an import of ``pulumi_kubernetes``. Without a stack in the command or
    in PULUMI_STACK the settings of all stacks count. ``known`` holds the control plane of each backend and provider.
    """
    stack = os.environ.get("PULUMI_STACK", "")
    if Path(command[0]).name == "pulumi":
        options, _ = wrapper.parse(list(command[1:]))
        cwd = cwd / (options.cwd or ".")
        stack = options.stack or stack
    project = wrapper.find_project(cwd)
    if project is None:
        return set()
    mentioned = {name for path in _settings(project, stack) for name in _of_settings(path)}
    mentioned |= {name for path in project.parent.glob("*.py") for name in _of_program(path)}
    return {known[name] for name in mentioned & set(known)}


def _settings(project: Path, stack: str) -> Iterator[Path]:
    yield project
    try:
        of_stack = wrapper.users_settings(project, stack or "*")
    except yaml.YAMLError:
        return
    yield from [of_stack] if stack else sorted(of_stack.parent.glob(of_stack.name))


def _of_settings(path: Path) -> Iterator[str]:
    """Read what a file names; the engine will complain about one that cannot be read, and better."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError):
        return
    config = document.get("config") if isinstance(document, dict) else None
    for key, value in (config if isinstance(config, dict) else {}).items():
        namespace, _, name = str(key).rpartition(":")
        yield namespace
        described: Any = value.get("value", value.get("default")) if isinstance(value, dict) else value
        if name == BACKEND and isinstance(described, str):
            yield described


def _of_program(path: Path) -> Iterator[str]:
    """Read what a program names; Python will complain about one that cannot be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == BACKEND and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        packages = (name.partition(".")[0].removeprefix(SDK) for name in names if name.startswith(SDK))
        yield from (package.replace("_", "-") for package in packages)
