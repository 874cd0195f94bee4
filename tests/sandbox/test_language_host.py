"""The language host over gRPC, as the engine speaks to it, without the engine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from pulumi_mlops_sandbox import bare, start

EXECUTOR = """
import json, os, sys
if os.environ["CODE"] == "wait":
    import time
    print(os.getpid(), os.getppid(), flush=True)
    time.sleep(600)
print(json.dumps([sys.argv[1:], os.environ["PULUMI_CONFIG"]]), flush=True)
code = os.environ["CODE"]
os.kill(os.getpid(), int(code[1:])) if code.startswith("-") else sys.exit(int(code))
"""
PLUGIN = "import sys\nprint('out', sys.argv[1:])\nprint('err', file=sys.stderr)\nsys.exit(3)\n"


@pytest.fixture(params=["a sandbox", "no sandbox"])
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Lead the host into a sandbox, in which a loaded process is, or into none."""
    home = tmp_path / "home"
    home.mkdir()
    if request.param == "no sandbox":
        yield {**os.environ}
        return
    inside = os.environ | {"PULUMI_MLOPS_SANDBOX": str(home)}
    ask = [sys.executable, "-I", "-S", start.__file__, str(home), "module", "", "platform"]
    subprocess.run(ask, env=inside, check=True, capture_output=True)
    deadline = time.monotonic() + 60
    while not (home / start.SOCKET).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield inside
    loaded = psutil.Process(int((home / start.LOCK).read_text()))
    loaded.terminate()
    loaded.wait(20)


@pytest.fixture
def host(tmp_path: Path, request: pytest.FixtureRequest, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "executor").write_text(EXECUTOR)
    command = [sys.executable, "-P", bare.__file__, "pulumi_mlops_sandbox.language_host"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "executor"), "127.0.0.1:1"],
        env=variables | {"CODE": getattr(request, "param", "0")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.terminate()
        assert process.wait(20) in (0, -signal.SIGKILL)  # a test has killed it


@pytest.fixture
def runtime(host: subprocess.Popen[str]) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    assert host.stdout
    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)


def info(folder: Path) -> language_pb2.ProgramInfo:
    return language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")


def test_it_tells_about_itself(runtime: language_pb2_grpc.LanguageRuntimeStub) -> None:
    runtime.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:2"))
    assert runtime.GetPluginInfo(empty_pb2.Empty()).version
    assert runtime.About(language_pb2.AboutRequest()).executable == sys.executable
    assert not runtime.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest()).packages
    assert not runtime.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest()).plugins
    assert not list(runtime.InstallDependencies(language_pb2.InstallDependenciesRequest()))
    found = runtime.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest()).dependencies
    assert "pulumi" in {package.name for package in found}


@pytest.mark.parametrize("host", ["wait"], indirect=True)
@pytest.mark.parametrize("variables", ["a sandbox"], indirect=True)
@pytest.mark.parametrize("how", ["killed", "let go of"])
def test_a_program_ends_with_its_host_and_with_the_call(
    how: str, host: subprocess.Popen[str], variables: dict[str, str], tmp_path: Path
) -> None:
    assert host.stdout
    loaded = int(Path(variables["PULUMI_MLOPS_SANDBOX"], start.LOCK).read_text())
    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        stub = language_pb2_grpc.LanguageRuntimeStub(channel)
        call = stub.Run.future(language_pb2.RunRequest(parallel=1, info=info(tmp_path)))
        program, parent = map(int, host.stdout.readline().split())
        assert parent == loaded
        if how == "killed":
            host.kill()
        else:
            call.cancel()
        assert psutil.wait_procs([psutil.Process(program)], timeout=20)[1] == []


@pytest.mark.parametrize(
    ("host", "error", "bail"),
    [
        ("0", "", False),
        ("32", "", True),
        ("7", "the program ended with exit code 7", False),
        ("-9", "the program was ended by SIGKILL", False),
    ],
    indirect=["host"],
)
def test_how_a_program_ended(
    runtime: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path, error: str, bail: bool
) -> None:
    request = language_pb2.RunRequest(
        project="churn",
        stack="dev",
        monitor_address="127.0.0.1:3",
        config={"churn:size": "2"},
        configSecretKeys=["churn:token"],
        dryRun=True,
        parallel=4,
        info=info(tmp_path),
    )
    done = runtime.Run(request)
    assert (done.error, done.bail) == (error, bail)


def test_a_plugin_streams_what_it_says(runtime: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(PLUGIN)
    request = language_pb2.RunPluginRequest(kind="resource", pwd=str(tmp_path), args=["a", "b"], info=info(tmp_path))
    said = list(runtime.RunPlugin(request))
    assert b"".join(part.stdout for part in said) == b"out ['a', 'b']\n"
    assert b"".join(part.stderr for part in said) == b"err\n"
    assert said[-1].exitcode == 3


def test_a_policy_pack_is_run_by_pulumis_own_runner(
    runtime: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text("import sys\nprint('pack', sys.argv[1])\n")
    request = language_pb2.RunPluginRequest(
        kind="analyzer", pwd=str(tmp_path), args=["127.0.0.1:4", "-v=1"], env=["A=b"], info=info(tmp_path)
    )
    said = list(runtime.RunPlugin(request))
    assert b"".join(part.stdout for part in said) == b"pack 127.0.0.1:4\n"
    assert said[-1].exitcode == 0


def test_a_plugin_ends_with_the_call(
    host: subprocess.Popen[str], runtime: language_pb2_grpc.LanguageRuntimeStub, tmp_path: Path
) -> None:
    (tmp_path / "__main__.py").write_text("import signal\nprint('ready', flush=True)\nsignal.pause()\n")
    call = runtime.RunPlugin(language_pb2.RunPluginRequest(kind="resource", pwd=str(tmp_path), info=info(tmp_path)))
    assert next(call).stdout.startswith(b"ready")
    (plugin,) = psutil.Process(host.pid).children()
    call.cancel()
    assert psutil.wait_procs([plugin], timeout=20)[1] == []
