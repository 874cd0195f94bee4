"""Which control planes a project mentions: in its settings, its program, and its imports."""

from pathlib import Path

import pytest

from pulumi_mlops_sandbox.project import needs

KNOWN = {"aws": "aws", "azure": "azure", "azure-native": "azure", "kubernetes": "kubernetes"}
PROJECT = "name: churn\nruntime: python\n"


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def of(folder: Path, *command: str) -> set[str]:
    return needs(command or ("pulumi", "up"), folder, KNOWN)


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("mlops.Platform('p', backend='kubernetes')", {"kubernetes"}),
        ("mlops.Platform('p', backend='aws'); mlops.Platform('q', backend='kubernetes')", {"aws", "kubernetes"}),
        ("import pulumi_kubernetes as k8s", {"kubernetes"}),
        ("from pulumi_aws.s3 import Bucket", {"aws"}),
        ("import pulumi_azure_native as azure", {"azure"}),
        ("mlops.Platform('p', backend='azure')", {"azure"}),
        ("mlops.Platform('p', backend='another')", set()),
        ("mlops.Platform('p', backend=config.get('backend'))", set()),
        ("print('kubernetes')", set()),
        ("this is no Python", set()),
    ],
)
def test_the_program_says_it(tmp_path: Path, program: str, found: set[str]) -> None:
    assert of(write(tmp_path, Pulumi__yaml=PROJECT, main__py=program)) == found


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ("config: {churn:backend: kubernetes}", {"kubernetes"}),
        ("config: {backend: {default: kubernetes}}", {"kubernetes"}),
        ("config: {backend: {value: aws}}", {"aws"}),
        ("config: {kubernetes:context: mine}", {"kubernetes"}),
        ("config: {azure-native:location: westeurope}", {"azure"}),
        ("config: {churn:note: kubernetes}", set()),
        ("config: [kubernetes]", set()),
        ("config: {a: b: c", set()),
        ("", set()),
    ],
)
def test_the_settings_say_it(tmp_path: Path, settings: str, found: set[str]) -> None:
    assert of(write(tmp_path / "project", Pulumi__yaml=PROJECT + settings)) == found
    assert of(write(tmp_path / "stack", Pulumi__yaml=PROJECT, Pulumi__dev__yaml=settings)) == found


def test_the_settings_of_another_stack_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(
        tmp_path,
        Pulumi__yaml=PROJECT,
        Pulumi__cloud__yaml="config: {churn:backend: aws}",
        Pulumi__own__yaml="config: {churn:backend: kubernetes}",
    )
    assert of(folder) == {"aws", "kubernetes"}
    assert of(folder, "pulumi", "up", "-s", "own") == {"kubernetes"}
    assert of(folder, "pulumi", "up", "--stack=acme/churn/cloud") == {"aws"}
    monkeypatch.setenv("PULUMI_STACK", "own")
    assert of(folder) == {"kubernetes"}


def test_the_project_is_found_as_pulumi_finds_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "deep" / "project", Pulumi__yaml=PROJECT, main__py="import pulumi_kubernetes")
    assert of(tmp_path, "pulumi", "-C", "deep/project", "preview") == {"kubernetes"}
    assert of(write(folder / "inside")) == {"kubernetes"}
    assert of(folder, "kubectl", "get", "pods") == {"kubernetes"}
    assert of(tmp_path) == set()


def test_the_stacks_of_this_repository() -> None:
    repository = Path(__file__).parents[2]
    assert of(repository, "pulumi", "up", "-C", "stacks/aws") == {"aws"}
    assert of(repository, "pulumi", "up", "-C", "stacks/kubernetes") == {"kubernetes"}
