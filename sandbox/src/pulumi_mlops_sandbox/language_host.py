"""``pulumi-language-python``: the part of Pulumi that runs Python programs for the engine.

Pulumi's own host comes with its release archives and does not build from Go modules. This one speaks the same
protocol and runs programs, and policy packs, with the interpreter that it runs in: a ``virtualenv`` in Pulumi.yaml is
not looked at. The engine starts it with its own address as the last argument and reads the port that it prints.
"""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from pulumi_mlops_sandbox import start
from pulumi_mlops_sandbox.ending import Ending

SHOWN = 32
"""The exit code by which ``pulumi-language-python-exec`` says that the user has been told already."""

Context: TypeAlias = grpc.ServicerContext


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine's questions about Python programs, and runs them."""

    def __init__(self, engine: str, executor: Path) -> None:
        self._engine = engine
        self._executor = executor
        self._running: set[subprocess.Popen[bytes]] = set()

    def stop(self) -> None:
        """End the programs that run."""
        for process in tuple(self._running):
            process.terminate()

    # The names below are the protocol's.

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: Context
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(  # none: the engine asks for a provider when a resource needs it
        self, request: language_pb2.GetRequiredPackagesRequest, context: Context
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: Context
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def InstallDependencies(  # they are those of the running interpreter
        self, request: language_pb2.InstallDependenciesRequest, context: Context
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        return iter(())

    def About(self, request: language_pb2.AboutRequest, context: Context) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: Context
    ) -> language_pb2.GetProgramDependenciesResponse:
        dependencies = [language_pb2.DependencyInfo(name=name, version=version) for name, version in _installed()]
        return language_pb2.GetProgramDependenciesResponse(dependencies=dependencies)

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        self.stop()
        return empty_pb2.Empty()

    def Run(self, request: language_pb2.RunRequest, context: Context) -> language_pb2.RunResponse:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "pwd": request.pwd,
            "root_directory": request.info.root_directory,
            "parallel": str(request.parallel),
            "dry_run": str(request.dryRun).lower(),
        }
        flags = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        program = Path(request.info.program_directory, request.info.entry_point)
        command = [*_script(program), str(self._executor), *flags, request.info.entry_point, *request.args]
        environment = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        # Its output is this process's, which the engine shows.
        with self._start(command, request.info.program_directory, environment, context, output=None) as process:
            code = process.wait()
        self._running.discard(process)
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        if code < 0:
            return language_pb2.RunResponse(error=f"the program was ended by {signal.Signals(-code).name}")
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}" if code else "")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: Context
    ) -> Iterator[language_pb2.RunPluginResponse]:
        program = request.info.program_directory
        if request.kind == "analyzer":
            command = ["-u", "-m", "pulumi.policy", request.args[0], program, *request.args[1:]]
        else:
            command = ["-u", program, *request.args]
        environment = dict(entry.split("=", 1) for entry in request.env)
        said: SimpleQueue[language_pb2.RunPluginResponse | None] = SimpleQueue()

        def pass_on(stream: IO[bytes], make: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
            while chunk := os.read(stream.fileno(), 65536):
                said.put(make(chunk))
            said.put(None)

        with self._start(command, request.pwd, environment, context, output=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101  (for the type checker)
            assert process.stderr is not None  # noqa: S101  (for the type checker)
            streams = (
                (process.stdout, lambda chunk: language_pb2.RunPluginResponse(stdout=chunk)),
                (process.stderr, lambda chunk: language_pb2.RunPluginResponse(stderr=chunk)),
            )
            for stream in streams:
                threading.Thread(target=pass_on, args=stream, daemon=True).start()
            for _ in streams:  # until both are at their end
                yield from iter(said.get, None)
            code = process.wait()
        self._running.discard(process)
        yield language_pb2.RunPluginResponse(exitcode=code)

    def _start(
        self, command: list[str], folder: str, environment: dict[str, str], context: Context, output: int | None
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603  (the user's own program)
            [sys.executable, *command],
            cwd=folder or None,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        self._running.add(process)
        if not context.add_callback(process.terminate):  # called when the engine lets go of the call
            process.terminate()
        return process


def _script(program: Path) -> list[str]:
    """Start a script for a program: in a sandbox out of what is loaded."""
    home = os.environ.get("PULUMI_MLOPS_SANDBOX")
    return ["-I", "-S", start.__file__, home, "script", str(program)] if home else ["-u"]


def _installed() -> list[tuple[str, str]]:
    """Name the distributions and their versions by their folders, without opening the metadata of each."""
    folders = [info for place in reversed(sys.path) for info in Path(place).glob("*.dist-info")]
    found = dict(info.stem.split("-", 1) for info in folders)  # the first place of the path wins
    return sorted((name.replace("_", "-"), version) for name, version in found.items())


def main() -> None:
    """Serve the engine that started this process, until it says so or is gone."""
    executor, engine = Path(sys.argv[1]), sys.argv[-1]
    ending = Ending()
    host = LanguageHost(engine, executor)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=32),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ending.wait(looks_every=1)
    host.stop()
    server.stop(grace=None)


if __name__ == "__main__":
    main()
