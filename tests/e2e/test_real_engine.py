"""The real engine with a program that needs no provider: what a user sees of the language host and the settings."""

import json
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pulumi import automation

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack

pytestmark = pytest.mark.e2e

PROGRAM = """
    import pulumi

    config = pulumi.Config()
    if config.get("fail"):
        raise ValueError("broken on purpose")
    pulumi.ComponentResource("test:index:Thing", "thing").register_outputs({})
    pulumi.export("size", config.get_object("shape")["size"])
    pulumi.export("token", config.get_secret("token"))
    print("said by the program")
"""

SETTINGS = """
    # The user's own file, under version control.
    config:
      {name}:shape:
        size:   1.50   # kept as it is
"""

Pulumi = Callable[..., subprocess.CompletedProcess[str]]
Project = Callable[..., Path]


@pytest.fixture
def folder(project: Project, tmp_path: Path) -> Path:
    return project(PROGRAM, dev=SETTINGS.format(name=tmp_path.name.replace("_", "-")))


def test_up_then_unchanged_then_gone(pulumi: Pulumi, folder: Path) -> None:
    settings = (folder / "Pulumi.dev.yaml").read_bytes()

    first = pulumi("up", "--yes", cwd=folder)
    assert "2 created" in first.stdout
    assert "said by the program" in first.stdout
    assert "warning" not in (first.stdout + first.stderr).lower()
    assert pulumi("stack", "output", "size", cwd=folder).stdout.strip() == "1.5"
    assert "2 unchanged" in pulumi("up", "--yes", "--skip-preview", cwd=folder).stdout
    pulumi("preview", "--expect-no-changes", cwd=folder)
    assert "update" in pulumi("stack", "history", "--show-secrets", cwd=folder).stdout
    pulumi("refresh", "--yes", "--expect-no-changes", cwd=folder)
    assert "2 deleted" in pulumi("destroy", "--yes", "--skip-preview", cwd=folder).stdout

    assert (folder / "Pulumi.dev.yaml").read_bytes() == settings
    assert sorted(path.name for path in folder.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml", "__main__.py"]


def test_a_program_that_raises_shows_where(pulumi: Pulumi, folder: Path, tmp_path: Path) -> None:
    name = tmp_path.name.replace("_", "-")
    failed = pulumi("preview", "-c", f"{name}:fail=yes", cwd=folder, code=1)
    assert "ValueError: broken on purpose" in failed.stdout
    assert "__main__.py" in failed.stdout
    assert "language_host" not in failed.stdout


def test_a_program_that_exits_says_with_what(pulumi: Pulumi, project: Project) -> None:
    failed = pulumi("preview", cwd=project("import os\nos._exit(7)\n"), code=1)
    assert "the program ended with exit code 7" in failed.stdout


def test_other_stacks_are_made_when_they_are_named(pulumi: Pulumi, project: Project, tmp_path: Path) -> None:
    folder = project(PROGRAM, staging=SETTINGS.format(name=tmp_path.name.replace("_", "-")))
    pulumi("up", "--yes", "--skip-preview", "-s", "staging", cwd=folder)
    assert "staging" in pulumi("stack", "ls", cwd=folder).stdout


def test_secrets_live_in_the_sandbox(pulumi: Pulumi, folder: Path, sandbox: Sandbox) -> None:
    settings = (folder / "Pulumi.dev.yaml").read_bytes()
    pulumi("config", "set", "--secret", "token", "hunter-two", cwd=folder)
    pulumi("up", "--yes", "--skip-preview", cwd=folder)
    assert (folder / "Pulumi.dev.yaml").read_bytes() == settings
    masked = pulumi("stack", "output", "--json", cwd=folder).stdout
    assert "hunter-two" not in masked
    assert Stack(sandbox, folder).outputs() == json.loads(masked)
    assert pulumi("stack", "output", "token", "--show-secrets", cwd=folder).stdout.strip() == "hunter-two"
    kept = [path for path in sandbox.home.rglob("*") if path.is_file() and path.suffix in {".json", ".yaml", ".log"}]
    assert kept
    assert not [path for path in kept if b"hunter-two" in path.read_bytes()]


def test_a_secret_of_the_real_account_asks_for_another(pulumi: Pulumi, project: Project, tmp_path: Path) -> None:
    name = tmp_path.name.replace("_", "-")
    settings = {f"{name}:shape": {"size": 2}, f"{name}:token": {"secure": "AAABAAA"}}
    text = json.dumps({"secretsprovider": "awskms://alias/x", "config": settings})
    folder = project(PROGRAM)
    (folder / "Pulumi.dev.yaml").write_text(text)
    said = pulumi("preview", cwd=folder).stderr
    assert f"pulumi config set --secret {name}:token" in said
    assert (folder / "Pulumi.dev.yaml").read_text() == text


def test_stack_init_select_and_remove_leave_the_files_alone(pulumi: Pulumi, folder: Path) -> None:
    settings = (folder / "Pulumi.dev.yaml").read_bytes()
    pulumi("stack", "init", "dev", cwd=folder)
    assert pulumi("stack", "--show-name", cwd=folder).stdout.strip() == "dev"
    pulumi("stack", "rm", "--yes", "dev", cwd=folder)
    assert (folder / "Pulumi.dev.yaml").read_bytes() == settings


def test_plain_settings_go_into_the_users_file(pulumi: Pulumi, folder: Path) -> None:
    pulumi("config", "set", "colour", "blue", cwd=folder)  # on a fresh home: the stack is made
    text = (folder / "Pulumi.dev.yaml").read_text()
    assert "colour: blue" in text
    assert "encryptionsalt" not in text


def test_the_automation_api_works_in_the_sandbox(in_sandbox: Sandbox, folder: Path) -> None:
    assert in_sandbox
    settings = (folder / "Pulumi.dev.yaml").read_bytes()
    stack = automation.create_or_select_stack("dev", work_dir=str(folder))
    stack.set_config("token", automation.ConfigValue("hunter-two", secret=True))
    done = stack.up()
    assert done.outputs["token"].value == "hunter-two"
    assert done.outputs["token"].secret
    assert stack.up().summary.resource_changes == {"same": 2}
    stack.destroy()
    assert (folder / "Pulumi.dev.yaml").read_bytes() == settings


def test_after_a_killed_engine_the_next_up_recovers(pulumi: Pulumi, project: Project, sandbox: Sandbox) -> None:
    folder = project("""
        import os, pathlib, signal
        started = pathlib.Path("started")
        if not started.exists():
            started.touch()
            signal.pause()
    """)
    command = ["pulumi", "up", "--yes"]
    engine = subprocess.Popen(command, cwd=folder, env=sandbox.environ(), stdout=subprocess.DEVNULL)
    started = wait_for((folder / "started").exists)
    programs = [process for process in psutil.Process(engine.pid).children(recursive=True) if process.is_running()]
    refused = pulumi("up", "--yes", cwd=folder, code=1)  # it may run, but not at the same time
    engine.kill()
    engine.wait()
    assert started
    assert "currently locked" in refused.stdout + refused.stderr
    assert psutil.wait_procs(programs, timeout=20)[1] == []  # they notice
    done = pulumi("up", "--yes", "--skip-preview", cwd=folder)
    assert "its lock on dev is removed" in done.stderr


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    return condition()


@pytest.mark.usefixtures("sandbox")  # so that the engine is there
def test_the_command_line_on_a_fresh_home(folder: Path, tmp_path: Path) -> None:
    cli = f"{shlex.quote(sys.executable)} -m pulumi_mlops sandbox"
    script = f"""
        set -e
        export PULUMI_MLOPS_SANDBOX_HOME={shlex.quote(str(tmp_path / "fresh home"))}
        trap '{cli} down' EXIT
        {cli} run -- pulumi up --yes --skip-preview -C {shlex.quote(str(folder))}
        eval "$({cli} env)"
        cd {shlex.quote(str(folder))}
        pulumi preview --expect-no-changes
        pulumi stack output size
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "1.5"
    assert "\x1b" not in done.stdout + done.stderr
