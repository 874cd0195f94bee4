"""Processes that are forked from one that has everything loaded: the same to who starts them as an ordinary one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pulumi_mlops_sandbox import loaded, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a fork is never taken")
SCRIPT = """
import json, os, resource, sys
here = json.dumps({
    "parent": os.getppid(), "arguments": sys.argv, "folder": os.getcwd(), "path": sys.path[:1], "name": __name__,
    "file": __file__, "mark": os.environ.get("MARK"), "umask": os.umask(0), "stdin": sys.stdin.read(),
    "set": sorted(set(os.environ) - {"LC_CTYPE"}), "limit": resource.getrlimit(resource.RLIMIT_NOFILE),
    "main": sys.modules["__main__"].__dict__ is globals(),
})
print(here)
print("aside", file=sys.stderr)
import atexit
atexit.register(print, "at exit")
sys.exit(7)
"""
WAITS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print(os.getpid(), os.getppid(), flush=True)
while True: time.sleep(0.05)
"""


class Home:
    """A sandbox's folder, as far as it matters here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def start(self, script: Path, *arguments: str, program: Path | None = None, **more: Any) -> subprocess.Popen[str]:
        """Start a script as the language host does."""
        command = [sys.executable, "-I", "-S", start.__file__, str(self.folder), "script", str(program or "")]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*command, str(script), *arguments], text=True, **pipes | more)

    def run(self, script: Path, *arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run a script to its end."""
        text = more.pop("said", None)
        if text:
            more["stdin"] = subprocess.PIPE
        with self.start(script, *arguments, **more) as process:
            out, err = process.communicate(text, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @property
    def pid(self) -> int:
        """The loaded process; 0 without one that answers."""
        try:
            pid = int((self.folder / start.LOCK).read_text())
        except (OSError, ValueError):
            return 0
        return pid if psutil.pid_exists(pid) and (self.folder / start.SOCKET).exists() else 0

    def ready(self, *, other_than: int = 0) -> int:
        """Wait until it is there."""
        return until(lambda: self.pid if self.pid != other_than else 0)

    def end(self) -> None:
        """End it."""
        try:
            process = psutil.Process(int((self.folder / start.LOCK).read_text()))
            words = process.cmdline()
            assert str(self.folder) in words or not words, "one that has ended by itself has none"
            process.terminate()
            process.wait(30)
        except (OSError, ValueError, psutil.NoSuchProcess):
            return


def until(happens: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for something that is true."""
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def gone(*pids: int) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


@pytest.fixture(scope="module", autouse=True)
def _signals_as_usual() -> Iterator[None]:
    """Let children inherit no ignored signal, which a run that was started in the background has."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "scripts" / "script"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


Script = Callable[[str], Path]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Run one loaded process for all tests that do not change what it depends on."""
    home = Home(tmp_path_factory.mktemp("loaded") / "home")
    script = home.folder.parent / "first"
    script.write_text("import sys; sys.exit(3)")
    assert home.run(script).returncode == 3
    home.ready()
    yield home
    home.end()


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home with a space")
    yield home
    home.end()


def warm(home: Home, script: Path, **more: Any) -> int:
    """Run a script until it is forked with all that it loads."""
    parent = until(lambda: home.run(script, **more) and home.pid)
    home.run(script, **more)  # what this one loads is loaded for the next
    return int(parent)


def test_a_fork_is_the_same_as_an_ordinary_interpreter(home: Home, script: Script, tmp_path: Path) -> None:
    program, odd = script(SCRIPT), {"MARK": "ä\udcff", "PULUMI_CONFIG": "{}"}
    variables = {name: value for name, value in os.environ.items() if name != "HOSTNAME"} | odd
    said = [
        home.run(program, "a b", "--c", cwd=tmp_path, env=variables | more, said="typed", umask=0o027)
        for more in ({}, {start.OFF: "no"})
    ]
    forked, ordinary = (json.loads(done.stdout.splitlines()[0]) for done in said)
    assert forked.pop("parent") == home.pid
    assert ordinary.pop("parent") == os.getpid()
    assert ordinary.pop("set") == sorted([*forked.pop("set"), start.OFF])
    assert forked == ordinary
    assert (forked["stdin"], forked["umask"], forked["mark"]) == ("typed", 0o027, "ä\udcff")
    assert {(done.returncode, done.stdout.splitlines()[1:][0], done.stderr) for done in said} == {
        (7, "at exit", "aside\n")
    }


def test_what_a_program_leaves_open_is_written(home: Home, script: Script, tmp_path: Path) -> None:
    text = """
import threading, time
kept = open("kept", "w")
kept.write("to the end")
threading.Thread(target=lambda: (time.sleep(0.2), kept.write(" and after"))).start()
"""
    assert home.run(script(text), cwd=tmp_path).returncode == 0
    assert (tmp_path / "kept").read_text() == "to the end and after"


def test_each_has_its_own_chance(home: Home, script: Script) -> None:
    program = script("import random, uuid, tempfile; print(random.random(), uuid.uuid4(), tempfile.mktemp())")
    assert len({word for _ in range(2) for word in home.run(program).stdout.split()}) == 6


def test_many_at_once_do_not_meet(home: Home, script: Script) -> None:
    program = script(
        "import os, sys, time; time.sleep(0.2); print(os.getppid(), *sys.argv[1:]); sys.exit(int(sys.argv[1]))"
    )
    started = [home.start(program, str(number)) for number in range(12)]
    ended = [(process.communicate(timeout=60)[0], process.returncode) for process in started]
    assert ended == [(f"{home.pid} {number}\n", number) for number in range(12)]


def test_an_error_is_told_as_by_python(home: Home, script: Script) -> None:
    done = home.run(script("def broken():\n    raise ValueError('no')\nbroken()"))
    assert done.returncode == 1
    assert done.stderr.endswith("in broken\n    raise ValueError('no')\nValueError: no\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_it_ends_by_the_same_signal(number: signal.Signals, home: Home, script: Script) -> None:
    assert home.run(script(f"import os; os.kill(os.getpid(), {int(number)})")).returncode == -number


def test_signals_are_passed_on(home: Home, script: Script) -> None:
    with home.start(script(WAITS)) as process:
        assert process.stdout
        _, parent = map(int, process.stdout.readline().split())
        assert parent == home.pid
        process.terminate()
        assert process.wait(20) == 5
    with home.start(
        script("import time\ntry: print(1, flush=True); time.sleep(60)\nexcept KeyboardInterrupt: exit(9)")
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 9


def test_an_ignored_signal_stays_ignored(home: Home, script: Script) -> None:
    text = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    assert home.run(script(text), **ignoring).stdout == "True\n"
    assert home.run(script(text)).stdout == "False\n"


def test_who_asked_is_killed_and_nothing_is_left(home: Home, script: Script) -> None:
    with home.start(script(WAITS)) as process:
        assert process.stdout
        pid, _ = map(int, process.stdout.readline().split())
        process.kill()
        until(lambda: gone(pid), 20)


def test_one_that_does_not_want_to_end_is_made_to(home: Home, script: Script) -> None:
    text = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAITS.replace("sys.exit(5)", "None")
    with home.start(script(text)) as process:
        assert process.stdout
        pid, _ = map(int, process.stdout.readline().split())
        process.kill()
        until(lambda: gone(pid), loaded.LAST_WORDS["script"] + 20)


def test_the_parent_of_who_asked_is_killed_and_nothing_is_left(home: Home, script: Script) -> None:
    command = [sys.executable, "-I", "-S", start.__file__, str(home.folder), "script", "", str(script(WAITS))]
    text = f"import subprocess, sys; sys.exit(subprocess.call({command!r}))"
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        pid, _ = map(int, process.stdout.readline().split())
        (stands,) = psutil.Process(process.pid).children()
        process.kill()
        until(lambda: gone(pid, stands.pid), 20)


def test_a_module_of_the_programs_own_folder_wins(home: Home, script: Script, tmp_path: Path) -> None:
    program = script("import os; print(os.getppid())")
    (tmp_path / "program").mkdir()
    assert home.run(program, program=tmp_path / "program").stdout == f"{home.pid}\n"
    (tmp_path / "program" / "json.py").write_text("")
    assert home.run(program, program=tmp_path / "program").stdout == f"{os.getpid()}\n"


def test_a_resource_limit_that_differs_has_its_effect(own_home: Home, script: Script) -> None:
    import resource  # noqa: PLC0415  (not on every platform)

    program = script("import os, resource; print(os.getppid(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])")
    parent = warm(own_home, program)
    assert own_home.run(program).stdout.startswith(f"{parent} ")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    done = own_home.run(program, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (77, hard)))
    assert done.stdout == f"{os.getpid()} 77\n"


def test_what_changes_on_disk_is_loaded_anew(own_home: Home, script: Script, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "jmespath.py").write_text("VALUE = 1")
    (place / "users.py").write_text("")
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    program = script(
        "import os, sys; had = 'jmespath' in sys.modules; import jmespath, users\n"
        "print(os.getppid(), had, jmespath.VALUE)"
    )
    first = warm(own_home, program, env=environment)
    assert own_home.run(program, env=environment).stdout == f"{first} True 1\n"

    (place / "jmespath.py").write_text("VALUE = 2")
    assert own_home.run(program, env=environment).stdout == f"{os.getpid()} False 2\n"
    until(lambda: gone(first))
    second = own_home.ready(other_than=first)
    assert own_home.run(program, env=environment).stdout == f"{second} False 2\n"
    assert own_home.run(program, env=environment).stdout == f"{second} True 2\n"

    (place / "users.py").write_text("raise SystemExit(4)")  # the user's own is never loaded beforehand
    assert own_home.run(program, env=environment).returncode == 4


def test_a_variable_that_a_module_looked_at_has_its_effect(own_home: Home, script: Script, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "jmespath.py").write_text("import os; VALUE = os.environ.get('MARK'); os.environ['WRITTEN'] = 'yes'")
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1", "MARK": "a"}
    program = script("import os, jmespath; print(os.getppid(), jmespath.VALUE, os.environ.get('WRITTEN'))")
    parent = warm(own_home, program, env=environment)
    assert own_home.run(program, env=environment | {"OTHER": "x"}).stdout == f"{parent} a yes\n"
    assert own_home.run(program, env=environment | {"MARK": "b"}).stdout == f"{os.getpid()} b yes\n"
    native = own_home.run(
        script("import sys; print(sys.flags.hash_randomization)"), env=environment | {"PYTHONHASHSEED": "0"}
    )
    assert native.stdout == "0\n"


MODULES = """
import os, sys, types
had = len([name for name in sys.modules if name.startswith("pulumi")])
import pulumi_mlops.backends.{backend}.engine
print(os.getppid(), had > 100)
for name, module in sorted(sys.modules.items()):
    if name.startswith("pulumi_"):
        members = types.ModuleType.__getattribute__(module, "__dict__")
        kinds = sorted(f"{{key}}:{{type(value).__name__}}" for key, value in members.items())
        print(name, type(module).__name__, *kinds)
"""


@pytest.mark.parametrize("backend", ["aws", "azure", "kubernetes"])
def test_an_sdk_is_the_same_where_it_was_loaded_before(backend: str, own_home: Home, script: Script) -> None:
    program = script(MODULES.format(backend=backend))
    parent = warm(own_home, program)
    forked = own_home.run(program).stdout.splitlines()
    ordinary = own_home.run(program, env=os.environ | {start.OFF: "no"}).stdout.splitlines()
    assert (forked[0], ordinary[0]) == (f"{parent} True", f"{os.getpid()} False")
    of_the_sandbox = [line for line in forked[1:] if line.startswith("pulumi_mlops_sandbox")]
    assert [line for line in forked[1:] if line not in of_the_sandbox] == ordinary[1:]


def test_a_module_is_run_as_a_program(own_home: Home) -> None:
    command = [sys.executable, "-I", "-S", start.__file__, str(own_home.folder), "module", ""]
    host = [*command, "pulumi_mlops_sandbox.language_host", "executor", "127.0.0.1:1"]
    parent = warm(own_home, own_home.folder / "there is none")
    with subprocess.Popen(host, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert int(process.stdout.readline())
        (forked,) = psutil.Process(parent).children()
        process.terminate()
        assert process.stderr.read() == ""
        assert process.wait(20) == 0
        assert gone(forked.pid)


def test_a_module_that_starts_a_thread_ends_the_forking(own_home: Home, script: Script, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "jmespath.py").write_text(
        "import threading, time; threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()"
    )
    environment = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    program = script("import os, jmespath; print(os.getppid())")
    parent = warm(own_home, program, env=environment)
    until(lambda: own_home.run(program, env=environment).stdout == f"{os.getpid()}\n")
    assert own_home.pid == parent  # and no other one takes its place


def test_a_loaded_process_that_is_killed_fails_what_runs(own_home: Home, script: Script) -> None:
    parent = warm(own_home, script("pass"))
    with own_home.start(script(WAITS)) as process:
        assert process.stdout
        assert process.stderr
        pid, _ = map(int, process.stdout.readline().split())
        os.kill(parent, signal.SIGKILL)
        assert process.wait(20) == 1
        assert "run the command again" in process.stderr.read()
        until(lambda: gone(pid), 20)
    assert own_home.run(script("exit(6)")).returncode == 6
    own_home.ready(other_than=parent)


def test_it_keeps_no_secret_and_leaves_with_its_folder(own_home: Home, script: Script) -> None:
    parent = warm(own_home, script("pass"), env=os.environ | {"PULUMI_CONFIG": "tiger"})
    assert "tiger" not in psutil.Process(parent).environ().values()
    assert (own_home.folder / start.SOCKET).stat().st_mode & 0o077 == 0
    shutil.rmtree(own_home.folder)
    until(lambda: gone(parent), 30)
    own_home.folder.mkdir()


def test_one_that_is_ended_serves_what_it_has_in_hand(own_home: Home, script: Script) -> None:
    parent = warm(own_home, script("pass"))
    with own_home.start(script(WAITS)) as process:
        assert process.stdout
        process.stdout.readline()
        psutil.Process(parent).terminate()
        until(lambda: not (own_home.folder / start.SOCKET).exists())
        process.terminate()
        assert process.wait(20) == 5
    until(lambda: gone(parent))
