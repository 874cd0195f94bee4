"""Builds the parts of Kubernetes out of their Go modules, once for each version: one binary that plays every part."""

import re
import shutil
import subprocess
from pathlib import Path

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.progress import step

KUBERNETES = "1.36.3"
STAGING = "0.36.3"
"""The version of the modules that Kubernetes publishes with itself: k8s.io/api and its sisters."""

MODULES = {
    "k8s.io/kubernetes": KUBERNETES,
    "go.etcd.io/etcd/server/v3": "3.6.10",
    "sigs.k8s.io/kwok": "0.8.0",
}
LINKED = {
    "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES}",
    "sigs.k8s.io/kwok/pkg/consts.Version": f"v{MODULES['sigs.k8s.io/kwok']}",
}
"""What each part says of its own version; Go variables, and their values."""

BEHAVIOURS = ("node/fast", "node/heartbeat", "pod/fast", "volume/fast")
"""What is taken of kwok's own descriptions of how nodes, pods and volumes behave."""

WHAT = "the Kubernetes control plane"
OTHERWISE = "Without one the Kubernetes sandbox cannot be built; AWS's needs none."
SOURCE = Path(__file__).parent / "controlplane"
BINARY = "kubernetes"
STAGES = "kwok"
STORAGE_CLASS = "storage-class.yaml"
"""Among them: the class of volumes that kwok provides, marked as the default one."""


def build(work: Path, target: Path) -> None:
    """Leave the binary, and kwok's stages, in a folder."""
    require_go()
    source = work / "source"
    source.mkdir()
    for path in SOURCE.glob("*.go"):
        shutil.copyfile(path, source / path.name)
    with step(f"Fetching the sources of Kubernetes v{KUBERNETES} (once)") as progress:
        folders = {
            path: building.module(path, version, work, progress, what=WHAT, otherwise=OTHERWISE)
            for path, version in MODULES.items()
        }
        (source / "go.mod").write_text(_go_mod((folders["k8s.io/kubernetes"] / "go.mod").read_text()))
        building.go(["go", "mod", "tidy"], source, progress, "modules", what=WHAT, otherwise=OTHERWISE)
    linked = " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in LINKED.items())])
    command = ["go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", linked, "-o", str(target / BINARY), "."]
    with step(f"Building Kubernetes v{KUBERNETES} (once, five to ten minutes)") as progress:
        building.go(
            command,
            source,
            progress,
            "packages compiled",
            what=WHAT,
            otherwise=OTHERWISE,
            environment={"CGO_ENABLED": "0"},
        )
    if not runs(target / BINARY):
        raise SandboxError(f"What was built of Kubernetes v{KUBERNETES} does not run on this machine.")
    (target / STAGES).mkdir()
    for behaviour in BEHAVIOURS:
        for path in (folders["sigs.k8s.io/kwok"] / "kustomize" / "stage" / behaviour).glob("*.yaml"):
            if path.name != "kustomization.yaml":
                shutil.copyfile(path, target / STAGES / path.name)


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


def _go_mod(of_kubernetes: str) -> str:
    """Write the go.mod of our own module.

    Kubernetes requires its sister modules in version 0.0.0 and replaces them by folders of its repository, which its
    module does not hold: we replace them by what is published. Others, of versions of their own, stay as they are.
    """
    sisters = re.findall(r"^\s+(k8s\.io/\S+) v0\.0\.0$", of_kubernetes, re.MULTILINE)
    go = re.search(r"^go (\S+)$", of_kubernetes, re.MULTILINE)
    if not sisters or go is None:
        raise SandboxError(f"The go.mod of k8s.io/kubernetes v{KUBERNETES} does not look as expected.")
    required = "".join(f"\t{path} v{version}\n" for path, version in MODULES.items())
    replaced = "".join(f"\t{path} => {path} v{STAGING}\n" for path in sisters)
    return f"module sandbox.invalid/kubernetes\n\ngo {go[1]}\n\nrequire (\n{required})\n\nreplace (\n{replaced})\n"
