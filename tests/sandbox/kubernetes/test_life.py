"""The life of a sandbox's cluster: what survives, what ends with what, and what is said when something breaks."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.stack import inventory

Until = Callable[..., Any]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sandbox]:
    """Make a sandbox of the test's own, whose cluster it may break."""
    sandbox = Sandbox(tmp_path / "home")
    yield sandbox
    sandbox.down()


def supervisor(sandbox: Sandbox) -> psutil.Process:
    return psutil.Process(json.loads((sandbox.home / "kubernetes.json").read_text())["pid"])


def url(sandbox: Sandbox) -> str:
    return next(plane.url for plane in sandbox.status() if plane.url)


def remember(sandbox: Sandbox, name: str) -> None:
    with config.new_client_from_config(sandbox.env()["KUBECONFIG"]) as api:
        client.CoreV1Api(api).create_namespaced_config_map("default", {"metadata": {"name": name}})


def remembered(sandbox: Sandbox) -> list[str]:
    return inventory(url(sandbox)).get("core/ConfigMap", [])


def test_it_survives_and_can_be_emptied(own: Sandbox) -> None:
    """One cluster's life, since each start takes its time: stopped, killed, emptied, and ended by a part that ends."""
    own.up(["kubernetes"])
    assert inventory(url(own)) == {}
    remember(own, "kept")
    before = (own.home / "kubeconfig").read_text()
    parts = supervisor(own).children()
    assert len(parts) == 5
    own.down()
    assert not any(part.is_running() for part in parts)
    assert not (own.home / "kubernetes.json").exists()

    own.up(["kubernetes"])
    assert remembered(own) == ["default/kept"]
    assert (own.home / "kubeconfig").read_text() == before
    a_killed_supervisor_leaves_no_orphans(own)

    own.up(["kubernetes"])
    assert remembered(own) == ["default/kept"]
    reset = urllib.request.Request(f"{url(own)}/_sandbox/reset", method="POST")
    with urllib.request.urlopen(reset, timeout=180) as response:
        assert json.load(response) == {"reset": True}
    assert inventory(url(own)) == {}
    remember(own, "after")
    assert remembered(own) == ["default/after"]
    a_part_that_ends_is_named_and_all_end(own)


def a_killed_supervisor_leaves_no_orphans(own: Sandbox) -> None:
    killed = supervisor(own)
    parts = killed.children()
    killed.kill()
    killed.wait(30)
    _, alive = psutil.wait_procs(parts, timeout=30)
    assert not alive


def a_part_that_ends_is_named_and_all_end(own: Sandbox) -> None:
    watching = supervisor(own)
    parts = watching.children()
    next(part for part in parts if "kube-scheduler" in part.cmdline()).kill()
    watching.wait(30)
    _, alive = psutil.wait_procs(parts, timeout=30)
    assert not alive
    assert "kube-scheduler ended with signal SIGKILL" in (own.home / "kubernetes.log").read_text()
    assert not any(plane.running for plane in own.status())


def start(home: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pulumi_mlops_sandbox.kubernetes.server", "--home", str(home), "--port", "0"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_can_be_stopped_while_it_starts(tmp_path: Path, until: Until, number: signal.Signals) -> None:
    with start(tmp_path) as process:
        children = until(lambda: psutil.Process(process.pid).children())
        process.send_signal(number)
        assert process.wait(60) == 0
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    assert not (tmp_path / "kubernetes.json").exists()


def test_broken_data_is_one_error_that_names_the_part(own: Sandbox) -> None:
    data = own.home / "kubernetes" / "etcd" / "member"
    data.parent.mkdir(parents=True)
    data.write_text("not a folder")
    (own.home / "kubernetes" / "made-of").write_text("")
    with pytest.raises(SandboxError, match=r"(?s)ended with exit code 1.*etcd ended with"):
        own.up(["kubernetes"])
    assert not list(own.home.glob("kubernetes.json"))
