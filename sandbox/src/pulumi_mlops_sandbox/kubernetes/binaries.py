"""Builds the parts of Kubernetes out of their Go modules, once for each version: one binary that plays every part."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import Step, step

SOURCE = Path(__file__).parent / "source"
"""Our own Go module, whose go.mod pins the control plane and a real node together, so that both share one build."""
REQUIRED: Final = dict(re.findall(r"^\t(\S+) v(\S+)", (SOURCE / "go.mod").read_text(), re.MULTILINE))
"""The version of each module that it requires."""
KUBERNETES: Final = REQUIRED["k8s.io/kubernetes"]
KWOK = "sigs.k8s.io/kwok"

LINKED = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
    f"{KWOK}/pkg/consts.Version": f"v{REQUIRED[KWOK]}",
}
"""What each part says of its own version; Go variables, and their values."""

BEHAVIOURS = ("node/fast", "node/heartbeat", "pod/fast", "volume/fast")
"""What is taken of kwok's own descriptions of how nodes, pods and volumes behave."""

WHAT = "the Kubernetes control plane"
OTHERWISE = "Without one the Kubernetes sandbox cannot be built; AWS's needs none."
BUILD = ("go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags")
PACKAGE = "./controlplane"
BINARY = "kubernetes"
STAGES = "kwok"
STORAGE_CLASS = "storage-class.yaml"
"""Among them: the class of volumes that kwok provides, marked as the default one."""


def build(work: Path, target: Path) -> None:
    """Leave the binary, and kwok's stages, in a folder."""
    require_go()
    source = work / "source"
    shutil.copytree(SOURCE, source)
    with step(f"Fetching the sources of Kubernetes v{KUBERNETES} (once)") as progress:
        kwok = building.module(KWOK, REQUIRED[KWOK], work, progress, what=WHAT, otherwise=OTHERWISE)
    linked = " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in LINKED.items())])
    with step(f"Building Kubernetes v{KUBERNETES} (once, five to ten minutes)") as progress:
        compile_package(source, PACKAGE, target / BINARY, progress, linked=linked, what=WHAT, otherwise=OTHERWISE)
    if not runs(target / BINARY):
        raise SandboxError(f"What was built of Kubernetes v{KUBERNETES} does not run on this machine.")
    (target / STAGES).mkdir()
    for behaviour in BEHAVIOURS:
        for path in (kwok / "kustomize" / "stage" / behaviour).glob("*.yaml"):
            if path.name != "kustomization.yaml":
                shutil.copyfile(path, target / STAGES / path.name)


def sources(packages: Iterable[str]) -> list[Path]:
    """List the files that decide what packages of our module become."""
    ours = [path for package in packages for path in sorted((SOURCE / package).glob("*.go"))]
    return [SOURCE / "go.mod", SOURCE / "go.sum", *ours]


def compile_package(
    source: Path, package: str, binary: Path, progress: Step, *, linked: str, what: str, otherwise: str
) -> None:
    """Build one program of a copy of our module, of exactly the versions that its go.mod names."""
    building.go(
        [*BUILD, linked, "-mod=readonly", "-o", str(binary), package],
        source,
        progress,
        f"packages of {binary.name} compiled",
        what=what,
        otherwise=otherwise,
        environment={"CGO_ENABLED": "0", "GOWORK": "off"},
    )


def require_go() -> None:
    """Refuse where there is no Go."""
    if shutil.which("go") is None:
        raise SandboxError(
            "There is no Go to build the Kubernetes control plane with. Install Go 1.21 or newer (https://go.dev/dl; "
            "it fetches the version that Kubernetes needs by itself), and run the command again."
        )


def runs(binary: Path) -> bool:
    """Say whether a binary runs, and is of this version."""
    try:
        said = subprocess.run(  # noqa: S603  (the binary that we built)
            [binary, "kube-apiserver", "--version"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return said.strip() == f"Kubernetes v{KUBERNETES}"
