"""The sandbox as an object, with a stand-in control plane and a stand-in engine: no Go, no Pulumi."""

import dataclasses
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pulumi_mlops_sandbox import engine
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.planes import CONTROL_PLANES

PLANE = dataclasses.replace(CONTROL_PLANES[0], server="support.sandbox.stand_in_plane")
CLUSTER = dataclasses.replace(
    CONTROL_PLANES[1], server="support.sandbox.stand_in_cluster", prepare=lambda _home, _nodes: None
)


@pytest.fixture(autouse=True)
def _stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("pulumi", *engine.SCRIPTS):
        (scripts / name).write_text("#!/bin/sh\nenv\n")
        (scripts / name).chmod(0o755)
    monkeypatch.setattr(engine, "ensure", lambda: engine.Engine(scripts / "pulumi", "3.259.0", scripts))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "home with a space", [PLANE])
    yield sandbox
    sandbox.down()


def test_up_down_and_up_again(sandbox: Sandbox) -> None:
    assert [plane.running for plane in sandbox.status()] == [False]
    sandbox.up()
    (first,) = sandbox.status()
    sandbox.up()
    assert sandbox.status() == [first]

    sandbox.down()
    assert not psutil.pid_exists(first.pid or 0)
    assert (sandbox.home / "aws-state.json").read_text() == "kept"
    assert [plane.running for plane in sandbox.status()] == [False]
    sandbox.down()  # twice is once
    sandbox.up()
    assert sandbox.status() != [first]


def test_two_sandboxes_side_by_side(sandbox: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "other", [PLANE])
    sandbox.up()
    try:
        other.up()
        assert sandbox.status()[0].url != other.status()[0].url
    finally:
        other.down()
    assert sandbox.status()[0].running


def test_a_number_that_another_process_got_is_not_ours(sandbox: Sandbox) -> None:
    sandbox.home.mkdir()
    (sandbox.home / "aws.json").write_text(json.dumps({"pid": os.getpid(), "port": 1}))
    sandbox.down()  # ends nothing
    (sandbox.home / "aws.json").write_text(json.dumps({"pid": os.getpid(), "port": 1}))
    sandbox.up()
    assert sandbox.status()[0].pid != os.getpid()


def test_a_killed_control_plane_is_started_again(sandbox: Sandbox) -> None:
    sandbox.up()
    (first,) = sandbox.status()
    assert first.pid
    process = psutil.Process(first.pid)
    process.kill()
    process.wait(10)
    assert not sandbox.status()[0].running
    sandbox.up()
    assert sandbox.status()[0].running


def test_one_that_does_not_start_shows_the_end_of_its_log(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_FAILS", "1")
    with pytest.raises(SandboxError, match=r"(?s)ended with exit code 1.*aws\.log.*there is no such region"):
        sandbox.up()


def test_the_environment_hides_the_real_account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-user")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-user-too")
    monkeypatch.setenv("NO_PROXY", "internal")
    sandbox.up()
    environ = sandbox.environ()
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "PULUMI_CONFIG_PASSPHRASE"} & set(environ)
    assert environ["AWS_SECRET_ACCESS_KEY"] == "sandbox"
    assert environ["AWS_ENDPOINT_URL"] == sandbox.status()[0].url
    assert environ["NO_PROXY"] == "127.0.0.1,localhost,internal"

    shell = sandbox.shell()
    assert "of-the-user" not in shell
    assert (sandbox.home / "passphrase").read_text() not in shell
    script = f"eval {shlex.quote(shell)}; eval {shlex.quote(shell)}; env -0"
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    there = dict(line.split("=", 1) for line in said.split("\0") if line)
    assert {name: there.get(name) for name in sandbox.env()} == sandbox.env()
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "PULUMI_CONFIG_PASSPHRASE"} & set(there)


def test_without_a_control_plane_there_is_no_environment(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="pulumi-mlops sandbox up"):
        sandbox.env()


def test_the_folder_is_private_and_furnished(sandbox: Sandbox) -> None:
    sandbox.up()
    passphrase = sandbox.home / "passphrase"
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    before = passphrase.read_text()
    sandbox.up()
    assert passphrase.read_text() == before
    (provider,) = (sandbox.home / "pulumi" / "plugins").glob("resource-aws-v*/pulumi-resource-aws")
    assert shlex.quote(sys.executable) in provider.read_text()
    assert os.access(provider, os.X_OK)


def test_an_outdated_provider_is_removed(sandbox: Sandbox) -> None:
    old = sandbox.home / "pulumi" / "plugins" / "resource-aws-v0.0.1"
    old.mkdir(parents=True)
    sandbox.up()
    assert not old.exists()


def test_run_names_an_unknown_command(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no command 'no-such-thing'"):
        sandbox.run(["no-such-thing"])


def test_run_uses_the_sandbox(sandbox: Sandbox) -> None:
    done = sandbox.run(["sh", "-c", "echo $PULUMI_MLOPS_SANDBOX; exit 3"])
    assert (done.returncode, done.stdout.strip()) == (3, str(sandbox.home))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path / "both", [PLANE, CLUSTER])
    yield sandbox
    sandbox.down()


def running(sandbox: Sandbox) -> list[str]:
    return [plane.name for plane in sandbox.status() if plane.running]


def test_only_what_is_asked_for_is_started_and_stays(both: Sandbox) -> None:
    both.up(["kubernetes"])
    assert running(both) == ["kubernetes"]
    both.up()
    assert running(both) == ["kubernetes"]
    both.up(["aws"])
    assert running(both) == ["aws", "kubernetes"]


def test_where_nothing_is_asked_for_the_first_one_is_started(both: Sandbox) -> None:
    both.up()
    assert running(both) == ["aws"]


def test_an_unknown_control_plane_is_named(both: Sandbox) -> None:
    with pytest.raises(SandboxError, match=r"no control plane 'azure'; there are: aws, kubernetes"):
        both.up(["azure"])
    assert not both.home.exists()


def test_a_control_plane_is_prepared_before_its_first_start(both: Sandbox) -> None:
    prepared: list[bool] = []
    plane = dataclasses.replace(
        CLUSTER, prepare=lambda _home, _nodes: prepared.append((both.home / "kubernetes.log").exists())
    )
    sandbox = Sandbox(both.home, [PLANE, plane])
    sandbox.up(["kubernetes"])
    sandbox.up(["kubernetes"])
    assert prepared == [False]


def test_one_that_does_not_run_leads_nowhere(both: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/user")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "of-the-user")
    monkeypatch.setenv("HELM_NAMESPACE", "of-the-user")
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    both.up(["aws"])
    environ = both.environ()
    assert environ["KUBECONFIG"] == str(both.home / "kubeconfig")
    assert "of-the-user" not in environ.values()
    both.down()
    both.up(["kubernetes"])
    environ = both.environ()
    assert environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert environ["AWS_SECRET_ACCESS_KEY"] == "sandbox"
    assert "of-the-user" not in environ.values()


def test_a_command_brings_up_what_its_project_needs(both: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\nconfig: {x:backend: kubernetes}\n")
    both.run(["true"], cwd=tmp_path)
    assert running(both) == ["kubernetes"]


def test_every_provider_is_there(both: Sandbox) -> None:
    both.up(["aws"])
    plugins = both.home / "pulumi" / "plugins"
    found = {path.name.removeprefix("pulumi-resource-") for path in plugins.glob("*/pulumi-resource-*")}
    assert found == {"aws", "kubernetes", "random"}


def test_the_nodes_of_a_cluster_are_remembered_and_cannot_change_while_it_runs(both: Sandbox) -> None:
    def has() -> str:
        (plane,) = (psutil.Process(status.pid) for status in both.status() if status.name == "kubernetes")
        command: list[str] = plane.cmdline()
        return command[command.index("--nodes") + 1]

    both.up(["kubernetes"])
    assert has() == "played"
    both.up(["kubernetes"], "played")
    with pytest.raises(SandboxError, match=r"runs with played nodes\. Stop it first .*, or use another --home"):
        both.up(["kubernetes"], "real")
    both.down()
    both.up(["kubernetes"], "real")
    assert has() == "real"
    both.down()
    both.up(["kubernetes"])
    assert has() == "real"
