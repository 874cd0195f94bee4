"""The files of `examples/ci` as tests read them: jobs, what they run, and whose tokens they have."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CI = ROOT / "examples" / "ci"
GITHUB, GITLAB = CI / "github", CI / "gitlab" / ".gitlab-ci.yml"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTION = GITHUB / "actions" / "ready" / "action.yml"
SCRIPTS = ("before_script", "script")


@dataclass(frozen=True)
class Job:
    """A job of either host, whole: what it takes from elsewhere is in it."""

    host: str
    name: str
    said: Mapping[str, Any]
    on: Mapping[str, Any]
    """GitHub: the events that start it."""
    commands: tuple[str, ...]
    """What a shell is given, piece by piece, without what makes it ready."""


def read(path: Path) -> dict[str, Any]:
    """Read YAML; GitHub's key `on` is a truth in YAML."""
    said = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in said.items()}


def jobs() -> Iterator[Job]:
    """Read the jobs of both hosts."""
    for path in WORKFLOWS:
        workflow = read(path)
        for name, said in workflow["jobs"].items():
            commands = tuple(step["run"] for step in said["steps"] if "run" in step)
            yield Job("github", name, said, workflow["on"], commands)
    pipeline = read(GITLAB)
    for name, said in pipeline.items():
        if isinstance(said, dict) and "script" in said:
            whole = {**pipeline[said["extends"]], **said}
            yield Job("gitlab", name, whole, {}, tuple(whole["script"]))


def scripts() -> Iterator[tuple[str, str]]:
    """Read everything that a shell is given, with where it stands."""
    for job in jobs():
        yield from ((f"{job.host} {job.name}", command) for command in job.commands)
    yield from (("github ready", step["run"]) for step in read(ACTION)["runs"]["steps"] if "run" in step)
    yield from (("gitlab ready", command) for command in read(GITLAB)[".ready"]["before_script"])


def uses() -> Iterator[tuple[str, str]]:
    """Read the lines by which GitHub's files take actions, with the file."""
    for path in (*WORKFLOWS, ACTION):
        for line in path.read_text().splitlines():
            if "uses:" in line:
                yield path.name, line.partition("uses:")[2].strip()


def laid_out(folder: Path) -> Path:
    """Copy GitHub's files to where a repository has them."""
    shutil.copytree(GITHUB, folder / ".github")
    (folder / ".git").mkdir()
    return folder


def subject(job: Job, repository: str) -> str:
    """Say the subject of the job's token, as its host makes it."""
    if job.host == "gitlab":
        asked = " ".join(rule["if"] for rule in job.said["rules"])
        merged = "merge_request_event" not in asked
        return f"project_path:{repository}:ref_protected:{'true' if merged else 'false'}"
    if environment := job.said.get("environment"):
        return f"repo:{repository}:environment:{environment}"
    assert set(job.on) <= {"schedule", "push", "workflow_dispatch"}, "a pull request's token names no branch"
    assert "github.ref == 'refs/heads/main'" in job.said["if"]
    return f"repo:{repository}:ref:refs/heads/main"
