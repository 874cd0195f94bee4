"""Ratios against plain Pulumi: `make bench`, or `run.py stack engine policies` for some of it.

Prints, never judges: a time that is asserted fails on somebody's laptop. See docs/benchmarks.md.
"""

import argparse
import compileall
import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path

import cluster
import mocked
import real
import yaml

import policies

ROOT = Path(__file__).parent.parent


def stack_settings(stack: str) -> dict[str, str]:
    """Read the settings of a stack as the engine hands them to a program: text, JSON where there is a structure."""
    settings = yaml.safe_load((ROOT / "stacks" / stack / "Pulumi.dev.yaml").read_text())["config"]
    project = f"churn-{stack}:"
    return {
        key.removeprefix(project): value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
        if key.startswith(project)
    }


def compile_bytecode() -> None:
    """Measure what users run: a package that pip compiled, and not one that is parsed anew by each process."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PULUMI_MLOPS_SANDBOX_FORK"] = "no"  # outside a sandbox each program loads its own modules
    for folder in ("src", "benchmarks"):
        compileall.compile_dir(ROOT / folder, quiet=1)


def main() -> None:
    """Measure what was asked for."""
    aws = {
        **stack_settings("aws"),
        "version": "arn:aws:sagemaker:us-east-1:111122223333:model-package/churn-dev-models-churn/1",
    }
    sections = {
        **mocked.sections(aws, stack_settings("azure")),
        **real.sections(),
        **cluster.sections(),
        **policies.sections(),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"among {', '.join(sections)}; all without")
    chosen = parser.parse_args().sections or list(sections)
    if unknown := set(chosen) - set(sections):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; known: {', '.join(sections)}")
    compile_bytecode()
    measured = ("pulumi-mlops", "pulumi", "pulumi-aws", "pulumi-azure-native", "pulumi-kubernetes")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in measured)
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} CPUs\n", flush=True)
    began = time.monotonic()
    for name in chosen:
        sections[name]()
    print(f"measured in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
