"""The provider as a process: its start, and what it does when its engine is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable

import boto3
import grpc
import psutil
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.values import send
from support.engine_calls import Engine

URN = "urn:pulumi:dev::p::aws:kms/key:Key::orphan"
# Stands for the engine: starts the provider, passes on its port and its number, and waits to be killed.
ENGINE = """
import subprocess, sys
command = [sys.executable, "-m", "pulumi_mlops_sandbox.aws.provider", "127.0.0.1:1"]
child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), child.pid, flush=True)
child.wait()
"""


def test_a_killed_engine_leaks_nothing(in_sandbox: Sandbox) -> None:
    """The call in hand ends, its object is noted, the provider leaves, and the next create adopts the object."""
    slow = json.dumps({"service": "kms", "operation": "CreateKey", "latency": 2}).encode()
    header = {"Content-Type": "application/json"}
    address = f"{in_sandbox.env()['AWS_ENDPOINT_URL']}/_sandbox/faults"
    urllib.request.urlopen(urllib.request.Request(address, slow, header), timeout=10).close()
    inputs = {"description": "orphan", "keyUsage": "ENCRYPT_DECRYPT"}
    keys = {item["KeyId"] for item in boto3.client("kms").list_keys()["Keys"]}

    with started() as (engine, port, pid), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        provider = psutil.Process(pid)
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(provider_pb2.ConfigureRequest(args=send({"region": "us-east-1"})))
        # Held by a name: a call that nobody holds is cancelled.
        create = stub.Create.future(provider_pb2.CreateRequest(urn=URN, properties=send(inputs)))
        journal = Journal(in_sandbox.home / "creates")
        assert reached(lambda: any(journal.folder.glob("*.json")), 20)
        assert not create.done()
        os.kill(engine.pid, signal.SIGKILL)
        assert provider.is_running()
        provider.wait(60)

    entry = journal.find(URN)
    assert entry is not None
    made = {item["KeyId"] for item in boto3.client("kms").list_keys()["Keys"]} - keys
    assert made == {entry.id}

    with started() as (engine, port, pid), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        later = Engine(provider_pb2_grpc.ResourceProviderStub(channel), journal)
        object_id, state = later.create({**inputs, "description": "adopted"}, URN)
        assert object_id == entry.id
        assert state["description"] == "adopted"
        later.delete(object_id, {**inputs, "deletionWindowInDays": 7}, URN)
        assert journal.find(URN) is None
        os.kill(engine.pid, signal.SIGKILL)
        psutil.Process(pid).wait(30)


class started:  # noqa: N801 - reads as a word in a with statement
    """A provider with an engine that can be killed."""

    def __enter__(self) -> tuple["subprocess.Popen[str]", int, int]:
        self.engine = subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, text=True)
        assert self.engine.stdout is not None
        port, pid = self.engine.stdout.readline().split()
        return self.engine, int(port), int(pid)

    def __exit__(self, *_: object) -> None:
        self.engine.kill()
        self.engine.wait()
        assert self.engine.stdout is not None
        self.engine.stdout.close()


def reached(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, for a bounded time."""
    limit, tick = time.monotonic() + seconds, threading.Event()
    while not condition():
        if time.monotonic() > limit:
            return False
        tick.wait(0.02)
    return True


def test_it_loads_little_when_it_starts() -> None:
    """Neither the SDK's classes nor boto3's clients are loaded before somebody asks for them."""
    script = (
        "import sys, pulumi_mlops_sandbox.aws.provider.cloud as cloud\n"
        "cloud.Aws()\n"
        "print([name for name in ('pulumi_aws', 'moto', 'cfnlint') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
