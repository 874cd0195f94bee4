"""Finding and making the engine, with stand-ins for ``pulumi``, the installer and ``go``: no network, no build."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pulumi_mlops_sandbox import building, engine
from pulumi_mlops_sandbox.errors import SandboxError

GO = """
    #!{python}
    # Answers like `go`: writes what `-o` names, or tells where a module is.
    import json, os, pathlib, sys, time
    here = pathlib.Path({here!r})
    with open(here / "calls", "a") as calls:
        calls.write(" ".join(sys.argv[1:3]) + "\\n")
    if (here / "broken").exists():
        sys.exit("go: module lookup disabled")
    if "-o" in sys.argv:
        assert "cmd/pulumi" in pathlib.Path("tools.go").read_text()
        binary = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
        binary.write_text("#!/bin/sh\\necho v{version}\\n")
        binary.chmod(0o755)
    if "-json" in sys.argv:
        for path in {scripts!r}:
            (here / "sdk" / path).parent.mkdir(parents=True, exist_ok=True)
            (here / "sdk" / path).write_text("script")
        print(json.dumps({{"Dir": str(here / "sdk")}}))
"""


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a PATH with nothing but what a test puts there, and an empty cache."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PULUMI_MLOPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "_INSTALLER", "raise SystemExit(1)")  # as without the internet
    return folder


@pytest.fixture
def go(tools: Path) -> Path:
    scripts = list(engine.SCRIPTS.values())
    script(tools / "go", GO.format(python=sys.executable, here=str(tools), version=engine.VERSION, scripts=scripts))
    return tools


def pulumi(folder: Path, version: str, *, scripts: bool = True) -> None:
    script(folder / "pulumi", f"#!/bin/sh\necho v{version}\n")
    for name in engine.SCRIPTS if scripts else ():
        (folder / name).write_text("")


def test_the_one_on_path_is_used(tools: Path) -> None:
    pulumi(tools, "3.300.1")
    assert engine.ensure() == engine.Engine(tools / "pulumi", "3.300.1", tools)


def test_that_of_a_sandbox_is_not_taken_whose_folders_are_on_path(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`up` inside `env` would lay a sandbox's engine over itself."""
    laid_out = tmp_path / "sandbox" / "engine"
    pulumi(laid_out, engine.VERSION)
    script(laid_out / "pulumi-language-python", f"#!/bin/sh\n# {engine.LAUNCHER_MARK}\n")
    monkeypatch.setenv("PATH", f"{laid_out}{os.pathsep}{tools}")
    assert engine.find() is None
    pulumi(tools, engine.VERSION)
    found = engine.find()
    assert found is not None
    assert found.pulumi == tools / "pulumi"


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\necho v3.100.0\n", "#!/bin/sh\nexit 1\n", f"#!/bin/sh\n# {engine.LAUNCHER_MARK}\n"]
)
def test_one_that_is_old_broken_or_our_own_launcher_is_not(tools: Path, text: str) -> None:
    script(tools / "pulumi", text)
    assert engine.find() is None


@pytest.mark.usefixtures("tools")
def test_without_go_it_says_what_to_install() -> None:
    with pytest.raises(SandboxError, match=r"(?s)no Go to build one.*pulumi.com/docs/install.*go.dev/dl"):
        engine.ensure()
    assert not list(building.cache().glob("*.tmp-*"))


def test_it_is_built_once_from_modules(go: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = engine.ensure()
    assert first.version == engine.VERSION
    assert (first.scripts / "pulumi-language-python-exec").read_text() == "script"
    assert engine.ensure() == first
    assert (go / "calls").read_text().splitlines() == ["mod tidy", "build -v", "mod download"]
    said = capsys.readouterr().err
    assert "Building the Pulumi engine" in said
    assert "\x1b" not in said


def test_an_engine_on_path_without_its_scripts_gets_them(go: Path) -> None:
    pulumi(go, "3.300.1", scripts=False)
    found = engine.ensure()
    assert found.pulumi == go / "pulumi"
    assert found.scripts.is_relative_to(building.cache())
    assert (go / "calls").read_text().splitlines() == ["mod download"]


def test_a_failing_go_is_quoted_and_leaves_nothing(go: Path) -> None:
    (go / "broken").touch()
    with pytest.raises(SandboxError, match=r"(?s)go mod tidy.*module lookup disabled.*go env GOPROXY"):
        engine.ensure()
    assert [path.name for path in building.cache().iterdir()] == [f"engine-{engine.VERSION}.lock"]


def test_what_an_interrupted_build_left_is_cleared(go: Path) -> None:
    assert go
    left = building.cache() / f"engine-{engine.VERSION}.tmp-dead"
    left.mkdir(parents=True)
    engine.ensure()
    assert not left.exists()


def test_the_installer_comes_first(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi(tools.parent / "release", engine.VERSION)
    release = str(tools.parent / "release")
    install = f"import shutil, sys; shutil.copytree({release!r}, sys.argv[1] + '/bin')"
    monkeypatch.setattr(engine, "_INSTALLER", install)
    assert engine.ensure().pulumi.is_relative_to(building.cache())


def test_an_installer_that_hangs_is_given_up(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go
    monkeypatch.setattr(engine, "_INSTALLER", "import signal; signal.pause()")
    monkeypatch.setattr(engine, "INSTALLER_CONNECTS_WITHIN", 0.2)
    assert engine.ensure().version == engine.VERSION


def test_two_at_once_build_once(go: Path) -> None:
    command = [sys.executable, "-c", "from pulumi_mlops_sandbox import engine; engine._INSTALLER = ''; engine.main()"]
    both = [subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert said[0] == said[1] != ""
    assert (go / "calls").read_text().splitlines().count("build -v") == 1
