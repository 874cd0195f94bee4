"""How the sandbox's ``pulumi`` reads a command, and how it keeps the user's settings apart from its own."""

import json
import os
import socket
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mlops_sandbox import wrapper

KEYS = st.text("abcdefgh:-_", min_size=1, max_size=8)
TEXTS = st.text("ab01.:-#'\"{}[]é\n \t", max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("typed", "cwd", "stack", "words"),
    [
        ("up -C stacks/aws --yes", "stacks/aws", None, ["up"]),
        ("--cwd=stacks/aws -s prod preview --diff", "stacks/aws", "prod", ["preview"]),
        ("--color never up --stack prod", None, "prod", ["up"]),
        ("stack init --secrets-provider passphrase dev", None, None, ["stack", "init", "dev"]),
        ("config set --secret token x", None, None, ["config", "set", "token", "x"]),
        ("--help", None, None, []),
    ],
)
def test_parse(typed: str, cwd: str | None, stack: str | None, words: list[str]) -> None:
    options, found = wrapper.parse(typed.split())
    assert (options.cwd, options.stack, found) == (cwd, stack, words)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_plain_settings_come_through_a_merge(config: dict[str, object]) -> None:
    text = yaml.safe_dump({"config": config})
    secret = any(wrapper.is_secret(node) for node in wrapper.entries(wrapper.mapping(text), "config").values())
    merged, without = wrapper.merge(text, "encryptionsalt: v1:abc\n")
    if not secret:
        assert without == []
        assert yaml.safe_load(merged) == {"encryptionsalt": "v1:abc"} | ({"config": config} if config else {})


def test_merge_keeps_both_sides_secrets_apart() -> None:
    users = """
        secretsprovider: awskms://alias/real
        encryptedkey: AAA
        environment: [base]
        config:
          churn:replicas: 010
          churn:token: {secure: of-the-real-account}
          churn:nested: {list: [{secure: also}]}
          churn:both: {secure: of-the-real-account}
    """
    own = """
        encryptionsalt: v1:sandbox
        config:
          churn:both: {secure: of-the-sandbox}
          churn:stale: plain values are the user's business
    """
    merged, without = wrapper.merge(textwrap.dedent(users), textwrap.dedent(own))
    assert without == ["churn:nested", "churn:token"]
    assert "churn:replicas: 010" in merged  # written as it was: what it means is the engine's to say
    assert yaml.safe_load(merged) == {
        "environment": ["base"],
        "encryptionsalt": "v1:sandbox",
        "config": {"churn:replicas": 8, "churn:both": {"secure": "of-the-sandbox"}},
    }


def test_nothing_comes_of_nothing() -> None:
    assert wrapper.merge("", "") == ("", [])


def test_the_project_is_found_above(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: churn\nstackConfigDir: settings\n")
    below = tmp_path / "deep" / "er"
    below.mkdir(parents=True)
    project = wrapper.find_project(below)
    assert project == tmp_path / "Pulumi.yaml"
    assert wrapper.users_settings(project, "org/churn/dev") == tmp_path / "settings" / "Pulumi.dev.yaml"


def test_outside_a_project_the_engine_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert wrapper.prepare("no-engine", ["up"], tmp_path) == ["up"]


@pytest.mark.parametrize("typed", [["version"], ["stack", "ls"], ["stack", "output"], ["cancel"]])
def test_other_commands_go_straight_to_the_engine(typed: list[str], tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: churn\n")
    assert wrapper.prepare("no-engine", [*typed, "-C", str(tmp_path)], tmp_path) == [*typed, "-C", str(tmp_path)]


def test_removing_a_stack_keeps_the_users_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: churn\n")
    assert wrapper.prepare("no-engine", ["stack", "rm", "-C", str(tmp_path)], tmp_path)[-1] == "--preserve-config"


def test_a_command_with_a_backend_of_its_own_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stack is not the sandbox's to create, and what encrypts it is another each time."""
    (tmp_path / "Pulumi.yaml").write_text("name: churn\nruntime: python\n")
    typed = ["up", "-C", str(tmp_path), "-s", "dev"]
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "mine").as_uri())
    assert wrapper.prepare("no-engine", typed, tmp_path / "home") == typed
    assert not (tmp_path / "home").exists()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"{wrapper.state(tmp_path / 'home')}?metadata=skip")
    with pytest.raises(FileNotFoundError, match="no-engine"):
        wrapper.prepare("no-engine", typed, tmp_path / "home")


@pytest.mark.parametrize(
    ("changes", "stays"),
    [
        ({}, True),
        ({"pid": 2**22 + 1}, False),  # more than any Linux gives
        ({"timestamp": "2001-01-01T00:00:00.123456789Z"}, False),  # our number belonged to another process then
        ({"hostname": "elsewhere", "pid": 2**22 + 1}, True),
        ({"timestamp": "yesterday"}, True),
    ],
)
def test_only_locks_of_the_dead_are_removed(changes: dict[str, object], stays: bool, tmp_path: Path) -> None:
    now = datetime.now(tz=UTC).isoformat()
    lock = {"pid": os.getpid(), "hostname": socket.gethostname(), "timestamp": now} | changes
    folder = tmp_path / "state" / ".pulumi" / "locks" / "organization" / "churn" / "dev"
    folder.mkdir(parents=True)
    for name in ("a.json", "a.json.attrs"):
        (folder / name).write_text(json.dumps(lock))
    wrapper.release(tmp_path, "churn", "dev")
    assert [path.name for path in sorted(folder.iterdir())] == (["a.json", "a.json.attrs"] if stays else [])
