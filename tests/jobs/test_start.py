"""The program that fetches secrets and becomes the workload's own: as a process, with the addresses of each backend."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from pulumi_mlops.jobs import start

PROGRAM = Path(start.__file__)
VALUE = "not-for-anyones-eyes"
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:churn-dev/runs/wandb-api-key-AbCdEf"
VAULT = "https://churn-dev.vault.azure.net/secrets/runs-wandb-api-key"
TELL = [sys.executable, "-c", "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))", "a", "b c"]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program without what is installed beside the library, as an image has it that knows nothing of us."""
    plain = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        [sys.executable, "-S", "-I", str(PROGRAM), *command],
        env=plain,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> tuple[list[str], dict[str, str]]:
    assert done.returncode == 0, done.stderr
    arguments, environment = json.loads(done.stdout)
    return arguments, environment


@pytest.fixture
def kept(tmp_path: Path) -> str:
    (tmp_path / "WANDB API").write_text(VALUE)
    return f"file://{tmp_path}/WANDB%20API"


def test_the_program_has_values_and_no_addresses(kept: str) -> None:
    arguments, environment = told(run(*TELL, MLOPS_ENV_WANDB_API_KEY=kept, MLOPS_SECRET_HUB="file:///x", MODE="1"))
    assert arguments == ["a", "b c"]
    assert environment["WANDB_API_KEY"] == VALUE
    assert (environment["MODE"], environment["MLOPS_SECRET_HUB"]) == ("1", "file:///x")
    assert not [name for name in environment if name.startswith(start.PREFIX)]


def test_without_a_tracker_it_is_the_command() -> None:
    _, environment = told(run(*TELL, MODE="1"))
    assert environment["MODE"] == "1"


def test_it_becomes_the_program_and_ends_as_it_does() -> None:
    done = run(sys.executable, "-c", "import os, sys; print(os.getppid()); sys.exit(7)")
    assert (done.returncode, int(done.stdout)) == (7, os.getpid()), "the program is the process itself"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MLOPS_ENV_KEY": "file:///nowhere/key"}, "KEY: cannot read file:///nowhere/key: FileNotFoundError"),
        ({"MLOPS_ENV_KEY": "s3://bucket/key"}, "KEY: cannot read s3://bucket/key: ValueError: no such address"),
        (
            {"MLOPS_ENV_KEY": "https://evil.example.com/secrets/a"},
            "KEY: cannot read https://evil.example.com/secrets/a",
        ),
        ({"MLOPS_ENV_KEY": f"{VAULT}@evil.example.com/x"}, "ValueError: no such address is known"),
        ({"MLOPS_ENV_KEY": ARN}, f"KEY: {ARN} is read with boto3, which this image does not have"),
        ({"MLOPS_ENV_KEY": VAULT}, f"KEY: {VAULT} is read with azure, which this image does not have"),
        ({"MLOPS_ENV_A-B": "file:///x"}, "MLOPS_ENV_A-B: 'A-B' is no name of a variable"),
        ({"MLOPS_ENV_": "file:///x"}, "MLOPS_ENV_: '' is no name of a variable"),
    ],
)
def test_a_failure_names_variable_and_address(variables: Mapping[str, str], said: str) -> None:
    done = run(*TELL, **variables)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(("value", "said"), [("", "is empty"), (f"{VALUE}\0x", "holds a null character")])
def test_a_value_that_no_variable_can_have(tmp_path: Path, value: str, said: str) -> None:
    (tmp_path / "key").write_text(value)
    done = run(*TELL, MLOPS_ENV_KEY=f"file://{tmp_path}/key")
    assert (done.returncode, said in done.stderr, VALUE in done.stderr) == (1, True, False)


@pytest.mark.parametrize(("command", "code"), [((), 1), (("no-such-program",), 127), (("/",), 126)])
def test_a_command_that_is_none(command: tuple[str, ...], code: int) -> None:
    done = run(*command)
    assert done.returncode == code
    assert "start.py" in done.stderr
    assert "Traceback" not in done.stderr


class _Answers(BaseHTTPRequestHandler):
    """Secrets Manager, as far as a value is asked of it."""

    asked: list[tuple[str, str]]
    status, answer = 200, json.dumps({"SecretString": VALUE})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.headers["X-Amz-Target"], body["SecretId"]))
        self.send_response(self.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.end_headers()
        self.wfile.write(self.answer.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Answers]]:
    class Here(_Answers):
        asked: list[tuple[str, str]] = []  # noqa: RUF012 (of this test alone)

    running = ThreadingHTTPServer(("127.0.0.1", 0), Here)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_address[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield Here
    running.shutdown()
    running.server_close()
    thread.join()


def test_secrets_manager_is_asked_in_the_secrets_own_region_and_once(secrets_manager: type[_Answers]) -> None:
    found = start.fetched({"MLOPS_ENV_A": ARN, "MLOPS_ENV_B": ARN, "C": "c"})
    assert found == {"A": VALUE, "B": VALUE, "C": "c"}
    assert secrets_manager.asked == [("secretsmanager.GetSecretValue", ARN)]


def test_a_refusal_of_secrets_manager_is_told(secrets_manager: type[_Answers]) -> None:
    secrets_manager.status = 400
    secrets_manager.answer = json.dumps({"__type": "AccessDeniedException", "message": "not authorized"})
    with pytest.raises(start.FetchError, match=r"A: cannot read arn:.*AccessDeniedException.*not authorized"):
        start.fetched({"MLOPS_ENV_A": ARN})


class _Credential:
    def __init__(self, **named: Any) -> None:
        assert named == {"managed_identity_client_id": "of-the-job"}

    def get_token(self, scope: str) -> Any:
        assert scope == "https://vault.azure.net/.default"
        return type("Token", (), {"token": "a-token"})()


def test_a_key_vault_is_asked_as_the_workloads_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    class Answer:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return

        def read(self) -> bytes:
            return json.dumps({"value": VALUE}).encode()

    def urlopen(request: Any, timeout: float) -> Answer:
        assert timeout > 0
        asked.append((request.full_url, request.get_header("Authorization")))
        return Answer()

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", _Credential)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setenv("AZURE_CLIENT_ID", "of-the-job")
    assert start.fetched({"MLOPS_ENV_A": VAULT}) == {"A": VALUE}
    assert asked == [(f"{VAULT}?api-version=7.4", "Bearer a-token")]
