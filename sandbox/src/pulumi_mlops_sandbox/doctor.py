"""What ``pulumi-mlops doctor`` looks at for the sandbox: its packages, the engine, and what runs."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from pulumi_mlops.doctor import Check

DISTRIBUTION = "pulumi-mlops-sandbox"
START = "pulumi-mlops sandbox up"
REAL_NODE = "--plane kubernetes --nodes real"


def checks() -> list[Check]:
    """Look at everything; without its packages the sandbox can look no further than at those."""
    packages = _packages()
    return [packages, *_rest()] if packages.state == "ok" else [packages]


def _packages() -> Check:
    missing = [name for name in required() if not _installed(name)]
    if missing:
        return Check("sandbox packages", "missing", f"without {', '.join(missing)}", f"pip install {DISTRIBUTION}")
    return Check("sandbox packages", "ok", "installed")


def required() -> list[str]:
    """Name the distributions that this one requires."""
    return re.findall(r"^[\w.-]+", "\n".join(metadata.requires(DISTRIBUTION) or ()), flags=re.MULTILINE)


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _rest() -> Iterator[Check]:
    # Imported here, since all of them need the packages.
    from pulumi_mlops_sandbox import building, engine  # noqa: PLC0415
    from pulumi_mlops_sandbox.environment import Sandbox  # noqa: PLC0415

    found = engine.find()
    yield _go(needed=found is None)
    if found:
        yield Check("Pulumi engine", "ok", f"{found.version} at {found.pulumi}")
    else:
        detail = f"neither on PATH nor in {building.cache()}"
        yield Check("Pulumi engine", "optional", detail, f"{START} (makes it)")
    sandbox = Sandbox()
    host = sandbox.home / "engine" / "pulumi-language-python"
    if host.is_file():
        yield Check("language host", "ok", str(host))
    else:
        yield Check("language host", "optional", "no sandbox yet", START)
    for plane in sandbox.status():
        what = f"{plane.name} control plane"
        if plane.running:
            yield Check(what, "ok", plane.url or "")
        else:
            yield Check(what, "optional", "stopped", f"{START} --plane {plane.name}")
    yield _node(sandbox.home)


def _node(home: Path) -> Check:
    from pulumi_mlops_sandbox.kubernetes.nodes import product, requirements  # noqa: PLC0415  (it needs the packages)

    if found := list(requirements.problems(home)):
        return Check("real Kubernetes node", "optional", f"not here: {'; '.join(found)}", "use kind, by its kubeconfig")
    if product.find() is None:
        return Check("real Kubernetes node", "optional", "can run here, and is not built", f"{START} {REAL_NODE}")
    return Check("real Kubernetes node", "ok", "can run here, and is built")


def _go(*, needed: bool) -> Check:
    go = shutil.which("go")
    if go is None:
        detail = "only needed to build the engine and the Kubernetes sandbox"
        return Check("Go", "missing" if needed else "optional", detail, "install Go: https://go.dev/dl")
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout  # noqa: S603  (the user's Go)
    return Check("Go", "ok", said.strip().removeprefix("go version "))
