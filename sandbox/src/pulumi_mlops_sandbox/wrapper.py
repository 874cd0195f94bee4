"""The ``pulumi`` of a sandbox: the real engine, with what it writes about a stack kept in the sandbox.

Pulumi writes how secrets are encrypted into ``Pulumi.<stack>.yaml``, and wants a stack to exist before it is used.
Both would make a sandbox differ from a real account, and dirty files that the user keeps in version control. So this
launcher creates a missing stack, and gives the engine a copy of the user's settings in ``<home>/projects/<project>``,
made anew for each command. Secrets in the user's file can be decrypted only with the user's own key: in a sandbox they
have values of their own, which ``pulumi config set --secret`` puts into that copy.

Started as a file, not as a module, and with few imports: this runs before each ``pulumi`` command.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

USES_SETTINGS = frozenset(
    ["up", "update", "preview", "pre", "refresh", "destroy", "down", "dn", "import", "watch", "logs", "config"]
)
"""Commands that read the stack's settings, with their aliases."""

CONFIG_WRITES = frozenset(["set", "set-all", "rm", "rm-all", "cp", "refresh", "env"])
"""``pulumi config …`` that write: into the user's own file, except for secrets."""

DEFAULT_STACK = "dev"
BACKEND = "PULUMI_BACKEND_URL"

OPTIONS_WITH_A_VALUE = (
    *("--color", "--tracing", "--profiling", "--memprofilerate", "--otel-traces"),  # may stand before the command
    *("--secrets-provider", "--copy-config-from", "--teams"),  # of `stack init`, may stand before the name
)
ENCRYPTION = frozenset(["encryptionsalt", "encryptedkey", "secretsprovider"])


def main() -> None:
    """Become the engine, after preparing what the command needs."""
    engine, arguments = sys.argv[1], sys.argv[2:]
    home = Path(os.environ["PULUMI_MLOPS_SANDBOX"])
    with suppress(yaml.YAMLError):  # the engine will say so, and better
        arguments = prepare(engine, arguments, home)
    os.execv(engine, [engine, *arguments])  # noqa: S606  (a launcher)


@dataclass(frozen=True)
class Command:
    """A ``pulumi`` command that somebody typed in a project."""

    engine: str
    arguments: list[str]
    options: argparse.Namespace
    words: list[str]
    project: Path
    home: Path


def prepare(engine: str, arguments: list[str], home: Path) -> list[str]:
    """Prepare a command; return its arguments as the engine shall have them.

    A command with a backend of its own, as `pulumi-mlops verify` gives it, has settings and keys beside its project.
    """
    if not os.environ.get(BACKEND, state(home)).startswith(state(home)):
        return arguments
    options, words = parse(arguments)
    project = find_project(Path(options.cwd or "."))
    if project is None or not words:
        return arguments
    typed = Command(engine, arguments, options, words, project, home)
    command, detail = words[0], next(iter(words[1:]), "")
    if command == "stack" and detail in {"init", "new"}:
        return init(typed)
    if command == "stack" and detail in {"rm", "remove", "delete"}:
        return [*arguments, "--preserve-config"]
    if command == "stack" and detail in {"history", "hist"}:
        return history(typed)
    return with_settings(typed) if command in USES_SETTINGS else arguments


def state(home: Path) -> str:
    """Name the sandbox's own backend."""
    return f"file://{home}/state"


def with_settings(typed: Command) -> list[str]:
    """Give a command the stack it needs and the sandbox's copy of its settings."""
    options, arguments = typed.options, typed.arguments
    kept = keep_project(typed.project, typed.home)
    named = options.stack or os.environ.get("PULUMI_STACK") or selected(typed.engine, typed.project)
    stack = named or DEFAULT_STACK
    folder = Path(options.cwd or ".")
    users = folder / options.config_file if options.config_file else users_settings(typed.project, stack)
    settings = keep_settings(users, kept, stack)
    release(typed.home, kept.name, stack)
    if not exists(typed.home, kept.name, stack):
        create(typed.engine, kept, stack)
    if not named:
        call(typed.engine, "stack", "select", stack, "-C", str(typed.project.parent))
    if typed.words[0] == "config" and CONFIG_WRITES & set(typed.words[1:2]) and "--secret" not in arguments:
        return arguments
    if typed.words[:2] == ["config", "set-all"]:
        arguments = set_all(typed.engine, arguments, settings)
        if "--plaintext" in arguments:
            return arguments
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], "--config-file", str(settings), *arguments[end:]]


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the options that matter here, and the words that are no options: the command."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-C", "--cwd")
    parser.add_argument("-s", "--stack")
    parser.add_argument("--config-file")
    for option in OPTIONS_WITH_A_VALUE:
        parser.add_argument(option)
    parser.add_argument("-v", "--verbose")
    options, rest = parser.parse_known_args(arguments)
    return options, [word for word in rest if not word.startswith("-")]


def find_project(folder: Path) -> Path | None:
    """Find the project file of a folder as the engine does: there or above."""
    folder = folder.resolve()
    for place in (folder, *folder.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (place / name).is_file():
                return place / name
    return None


def keep_project(project: Path, home: Path) -> Path:
    """Keep a project of the same name in the sandbox, for the engine to put a stack's settings beside."""
    name = project_name(project)
    kept = home / "projects" / name
    kept.mkdir(parents=True, exist_ok=True)
    write(kept / "Pulumi.yaml", yaml.safe_dump({"name": name, "runtime": "python"}))
    return kept


def project_name(project: Path) -> str:
    """Read a project's name."""
    return str((yaml.safe_load(project.read_text()) or {}).get("name", project.parent.name))


def users_settings(project: Path, stack: str) -> Path:
    """Name the file in which the user keeps a stack's settings."""
    folder = str((yaml.safe_load(project.read_text()) or {}).get("stackConfigDir", ""))
    return project.parent / folder / f"{settings_name(stack)}{project.suffix}"


def settings_name(stack: str) -> str:
    """Name a stack's settings file, without its ending."""
    return f"Pulumi.{stack.rsplit('/', 1)[-1]}"


def keep_settings(users: Path, kept: Path, stack: str) -> Path:
    """Copy the user's settings of a stack into the sandbox, with the sandbox's own secrets and encryption."""
    own = kept / f"{settings_name(stack)}.yaml"
    text, without = merge(users.read_text() if users.is_file() else "", own.read_text() if own.is_file() else "")
    if text or own.is_file():
        write(own, text)
    for key in without:
        line = f"sandbox: {users.name} keeps {key} as a secret that only its own key opens; give the sandbox a value:"
        sys.stderr.write(f"{line} pulumi config set --secret {key}\n")
    return own


def merge(users: str, own: str) -> tuple[str, list[str]]:
    """Merge two settings files; also return the keys of the user's secrets for which the sandbox has no value.

    Works on YAML's nodes, so that numbers and words stay written as they are.
    """
    result, kept = mapping(users), mapping(own)
    config, secrets = entries(result, "config"), entries(kept, "config")
    secrets = {key: value for key, value in secrets.items() if is_secret(value)}
    without = sorted(key for key, value in config.items() if is_secret(value) and key not in secrets)
    plain = {key: value for key, value in config.items() if not is_secret(value)}
    merged = {key: value for key, value in result.items() if key not in ENCRYPTION | {"config"}}
    merged |= {key: value for key, value in kept.items() if key in ENCRYPTION}
    if plain or secrets:
        merged["config"] = node(plain | secrets)
    return yaml.serialize(node(merged), Dumper=yaml.SafeDumper) if merged else "", without


def mapping(text: str) -> dict[str, yaml.Node]:
    """Read the entries of a YAML document."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    return {key.value: value for key, value in document.value} if isinstance(document, yaml.MappingNode) else {}


def entries(document: dict[str, yaml.Node], name: str) -> dict[str, yaml.Node]:
    """Read the entries of one of its mappings."""
    found = document.get(name)
    return {key.value: value for key, value in found.value} if isinstance(found, yaml.MappingNode) else {}


def node(values: dict[str, yaml.Node]) -> yaml.MappingNode:
    """Make a mapping."""
    pairs = [(yaml.ScalarNode("tag:yaml.org,2002:str", key), value) for key, value in values.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def is_secret(value: yaml.Node) -> bool:
    """Whether a value is, or holds, an encrypted one."""
    if isinstance(value, yaml.MappingNode):
        return any(key.value == "secure" or is_secret(item) for key, item in value.value)
    return isinstance(value, yaml.SequenceNode) and any(is_secret(item) for item in value.value)


def exists(home: Path, project: str, stack: str) -> bool:
    """Whether the sandbox's backend has a stack."""
    folder = home / "state" / ".pulumi" / "stacks" / project
    return any(folder.glob(f"{stack.rsplit('/', 1)[-1]}.json*"))


def release(home: Path, project: str, stack: str) -> None:
    """Remove the locks of engines of this machine that were killed, so that the next ``up`` recovers."""
    folder = home / "state" / ".pulumi" / "locks" / "organization" / project / stack.rsplit("/", 1)[-1]
    for path in folder.glob("*.json"):
        with suppress(OSError, ValueError, KeyError):  # another process may remove it at this moment
            lock = json.loads(path.read_text())
            taken = datetime.fromisoformat(lock["timestamp"]).timestamp()
            if lock["hostname"] == socket.gethostname() and not alive(lock["pid"], since=taken):
                path.unlink()
                path.with_name(f"{path.name}.attrs").unlink(missing_ok=True)
                sys.stderr.write(f"sandbox: process {lock['pid']} is gone; its lock on {stack} is removed\n")


def alive(pid: int, since: float) -> bool:
    """Whether a process lives that was there at a time, and not another one that got its number."""
    import psutil  # noqa: PLC0415  (rarely needed)

    try:
        return psutil.Process(pid).create_time() <= since
    except psutil.NoSuchProcess:
        return False


def create(engine: str, kept: Path, stack: str) -> None:
    """Create a stack in the sandbox's backend; its encryption is written beside the project kept there."""
    done = call(engine, "stack", "init", stack, "--no-select", "-C", str(kept))
    if done.returncode != 0 and "already exists" not in done.stderr:
        sys.exit(f"sandbox: stack {stack} could not be created: {done.stderr.strip()}")


def selected(engine: str, project: Path) -> str:
    """Ask for the stack that the user has chosen by ``pulumi stack select``, if any."""
    done = call(engine, "stack", "--show-name", "-C", str(project.parent))
    return done.stdout.strip() if done.returncode == 0 else ""


def call(engine: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask the engine something on the side."""
    command = [engine, *arguments, "--non-interactive"]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (the engine)


def set_all(engine: str, arguments: list[str], settings: Path) -> list[str]:
    """Put the secrets of a ``pulumi config set-all`` into the sandbox; leave the rest for the user's file."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("--secret", "--plaintext"):
        parser.add_argument(option, action="append", default=[])
    options, rest = parser.parse_known_args(arguments)
    secrets = [part for value in options.secret for part in ("--secret", value)]
    plain = [part for value in options.plaintext for part in ("--plaintext", value)]
    if not plain:
        return [*rest, *secrets]
    if secrets:
        first = [engine, *rest, *secrets, "--config-file", str(settings)]
        if (code := subprocess.run(first, check=False).returncode) != 0:  # noqa: S603  (the engine)
            sys.exit(code)
    return [*rest, *plain]


def init(typed: Command) -> list[str]:
    """Carry out ``pulumi stack init`` beside the project kept in the sandbox; then select it in the user's."""
    stack = typed.options.stack or next(iter(typed.words[2:]), None) or os.environ.get("PULUMI_STACK")
    if stack is None:
        return typed.arguments
    kept = keep_project(typed.project, typed.home)
    keep_settings(users_settings(typed.project, stack), kept, stack)
    create = [typed.engine, *without_cwd(typed.arguments), "-C", str(kept)]
    code = subprocess.run(create, check=False).returncode  # noqa: S603  (the engine)
    if code != 0 or "--no-select" in typed.arguments:
        sys.exit(code)
    return ["stack", "select", stack, "-C", str(typed.project.parent)]


def history(typed: Command) -> list[str]:
    """Ask for the history beside the project kept in the sandbox: it, too, writes into the settings."""
    stack = typed.options.stack or os.environ.get("PULUMI_STACK") or selected(typed.engine, typed.project)
    if not stack:
        return typed.arguments
    kept = keep_project(typed.project, typed.home)
    return [*without_cwd(typed.arguments), "-s", stack, "-C", str(kept)]


def without_cwd(arguments: list[str]) -> list[str]:
    """Leave out -C and its value."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-C", "--cwd")
    return parser.parse_known_args(arguments)[1]


def write(path: Path, text: str) -> None:
    """Write a file in one step, and only if it changes."""
    if path.is_file() and path.read_text() == text:
        return
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)


if __name__ == "__main__":
    main()
