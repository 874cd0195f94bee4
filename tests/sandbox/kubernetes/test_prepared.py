"""Building the control plane, with a stand-in for `go`: no network, no compiler."""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_mlops_sandbox import building
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes import binaries, crds, prepared
from pulumi_mlops_sandbox.kubernetes.access import ADMIN, USERS, Access
from pulumi_mlops_sandbox.kubernetes.ports import choose

Until = Callable[..., Any]

GO = """
    #!{python}
    # Answers like `go`: makes the folder of a module, or the binary that `-o` names.
    import json, pathlib, sys, time
    here = pathlib.Path({here!r})
    with open(here / "calls", "a") as calls:
        calls.write(" ".join(sys.argv[1:3]) + "\\n")
    if "-json" in sys.argv:
        folder = here / "modules" / sys.argv[-1].partition("@")[0]
        (folder / "kustomize/stage/pod/fast").mkdir(parents=True, exist_ok=True)
        (folder / "kustomize/stage/pod/fast/pod-ready.yaml").write_text("kind: Stage")
        (folder / "kustomize/stage/pod/fast/kustomization.yaml").write_text("")
        print(json.dumps({{"Dir": str(folder)}}))
    if "-o" in sys.argv:
        while (here / "slow").exists():
            time.sleep(0.05)
        binary = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
        binary.write_text("#!/bin/sh\\necho {version}\\n")
        binary.chmod(0o755)
        (here / "go.mod").write_text(pathlib.Path("go.mod").read_text())
        (here / "sources").write_text(" ".join(sorted(path.name for path in pathlib.Path().iterdir())))
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a PATH with nothing but a stand-in for Go, and an empty cache."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))

    def install(version: str = f"Kubernetes v{binaries.KUBERNETES}") -> Path:
        text = GO.format(python=sys.executable, here=str(folder), version=version)
        (folder / "go").write_text(textwrap.dedent(text).lstrip())
        (folder / "go").chmod(0o755)
        return folder

    return install


def kept() -> list[str]:
    return sorted(path.name for path in building.cache().iterdir())


def test_it_is_built_once(go: Callable[..., Path]) -> None:
    tools = go()
    first = prepared.product()
    assert first.binary.is_file()
    assert [path.name for path in first.stages] == ["pod-ready.yaml"]
    assert prepared.product() == first
    assert (tools / "calls").read_text().splitlines() == ["mod download", "build -v"]
    assert (tools / "sources").read_text() == "controlplane dns go.mod go.sum node pause tools.go"


def test_what_the_programs_say_of_themselves_is_what_is_pinned() -> None:
    """The sister modules of Kubernetes have its version with another major, and one etcd is linked."""
    sister = f"0{binaries.KUBERNETES.removeprefix('1')}"
    replaced = re.findall(r"^\t(k8s\.io/\S+) => (\S+) v(\S+)$", (binaries.SOURCE / "go.mod").read_text(), re.MULTILINE)
    assert len(replaced) > 25
    assert all(path == by and version == sister for path, by, version in replaced)
    etcd = {version for path, version in binaries.REQUIRED.items() if path.startswith("go.etcd.io/etcd/")}
    assert len(etcd) == 1


def test_another_content_is_built_anew(go: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    tools = go()
    prepared.product()
    monkeypatch.setattr(binaries, "LINKED", {})
    prepared.product()
    assert (tools / "calls").read_text().splitlines().count("build -v") == 2


def test_without_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SandboxError, match=r"no Go to build the Kubernetes control plane.*go.dev/dl"):
        prepared.product()
    assert kept() == [f"kubernetes-{binaries.KUBERNETES}.lock"]


def test_what_does_not_run_is_not_kept(go: Callable[..., Path]) -> None:
    go(version="Kubernetes v1.0.0")
    with pytest.raises(SandboxError, match="does not run"):
        prepared.product()
    assert kept() == [f"kubernetes-{binaries.KUBERNETES}.lock"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_is_begun_again(go: Callable[..., Path], until: Until, number: signal.Signals) -> None:
    tools = go()
    (tools / "slow").touch()
    # Where the tests run in a shell's background, Ctrl-C is ignored, and so it would be by what they start.
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heeding}; from pulumi_mlops_sandbox.kubernetes import prepared; prepared.product()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: "build -v" in (tools / "calls").read_text() if (tools / "calls").exists() else False)
        process.send_signal(number)
        (tools / "slow").unlink()
        process.communicate(timeout=30)
    name = f"kubernetes-{binaries.KUBERNETES}"
    assert name not in kept()
    prepared.product()
    assert kept() == [name, f"{name}.lock"]


# ---------------------------------------------------------------------- definitions


def test_one_version_is_kept_where_nobody_converts() -> None:
    versions = [{"name": "v1beta1", "storage": True, "served": True}, {"name": "v1beta2", "storage": False}]
    definition = {"metadata": {}, "spec": {"conversion": {"strategy": "Webhook"}, "versions": versions}}
    (kept,) = crds.slim(definition, "v1beta2")["spec"]["versions"]
    assert kept == {"name": "v1beta2", "storage": True}


def test_definitions_are_made_slim() -> None:
    schema = {
        "description": "what it is",
        "properties": {"description": {"type": "string", "description": "a property of that name", "maxLength": 9}},
        "x-kubernetes-validations": [{"rule": "has(self.description)", "message": "say something"}],
    }
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "conversion": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"]}},
            "versions": [
                {"name": "v1", "storage": True, "served": True, "schema": {"openAPIV3Schema": schema}},
                {"name": "v2", "storage": False, "served": True, "schema": {"openAPIV3Schema": {}}},
            ],
        },
        "status": {},
    }
    slim = crds.slim(definition)
    assert "status" not in slim
    assert "conversion" not in slim["spec"]
    (version,) = slim["spec"]["versions"]
    assert version["schema"]["openAPIV3Schema"] == {
        "properties": {"description": {"type": "string", "maxLength": 9}},
        "x-kubernetes-validations": [{"rule": "has(self.description)", "message": "say something"}],
    }


def test_a_plain_equals_sign_is_read() -> None:
    assert yaml.load("enum: [=, =~]", crds._Loader) == {"enum": ["=", "=~"]}  # noqa: S506  (a safe loader)


# ---------------------------------------------------------------------- access


def test_access_is_random_and_private(tmp_path: Path) -> None:
    one, other = Access(tmp_path / "one"), Access(tmp_path / "other")
    for access in (one, other):
        access.make()
        for path in (access.tokens, access.key, access.accounts):
            assert path.stat().st_mode & 0o077 == 0
    tokens = {access.token(user) for access in (one, other) for user in USERS}
    assert len(tokens) == 2 * len(USERS)
    assert one.key.read_text() != other.key.read_text()
    assert one.accounts.read_text() != other.accounts.read_text()

    before = one.kubeconfig("https://127.0.0.1:1", ADMIN)
    one.make()
    assert one.kubeconfig("https://127.0.0.1:1", ADMIN) == before


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    first = choose(tmp_path / "ports.json")
    assert choose(tmp_path / "ports.json") == first
    with socket.create_server(("127.0.0.1", first.apiserver)):
        second = choose(tmp_path / "ports.json")
    assert second.apiserver != first.apiserver
    assert (second.nodes, second.mlflow) == (first.nodes, first.mlflow)
