"""Builds the programs of the operators and servers, once for each version of their module."""

import shutil
from pathlib import Path

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.kubernetes import binaries
from pulumi_mlops_sandbox.kubernetes.operators.table import Module
from pulumi_mlops_sandbox.progress import Step, step


def built(module: Module) -> Path:
    """Find the folder with the programs of a module, or build them: one to twenty minutes, the first time."""
    name = f"programs-{module.name}-{module.version}"

    def find() -> Path | None:
        folder = building.cache() / name
        return folder if all((folder / program.name).is_file() for program in module.programs) else None

    def make(work: Path) -> None:
        binaries.require_go()
        product = work / "product"
        product.mkdir()
        with step(f"Building {module.path} v{module.version} (once, one to twenty minutes)") as progress:
            _build(module, work, product, progress)

    return building.once(name, f"{module.name} {module.version}", find, make)


def _build(module: Module, work: Path, product: Path, progress: Step) -> None:
    what = f"{module.name} {module.version}"
    folder = building.module(module.path, module.version, work, progress, what=what)
    folder = _completed(module, folder, work) if module.generated else folder
    # Go's cache of modules is read-only, and what is built there is built with the versions that the project chose.
    choices = work / "own.mod"
    for source, target in ((folder / "go.mod", choices), (folder / "go.sum", choices.with_suffix(".sum"))):
        shutil.copyfile(source, target)
    if module.replaces:
        edits = [f"-replace={old}={new}" for old, new in module.replaces]
        building.go(["go", "mod", "edit", *edits, str(choices)], work, progress, "lines", what=what)
    flags = ["-v", "-trimpath", "-buildvcs=false", f"-modfile={choices}", "-mod=mod"]
    flags += [f"-tags={module.tags}"] if module.tags else []
    linked = " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in module.linked)])
    for program in module.programs:
        command = ["go", "build", *flags, "-ldflags", linked, "-o", str(product / program.name), program.package]
        building.go(
            command,
            folder,
            progress,
            f"packages of {program.name} compiled",
            what=what,
            environment={"CGO_ENABLED": "0", "GOWORK": "off"},
        )


def _completed(module: Module, folder: Path, work: Path) -> Path:
    """Copy a module, and write what its release would make: Go has nothing added to its own folder of modules."""
    copy = work / "module"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for name, text in module.generated:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    return copy
