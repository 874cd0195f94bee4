"""Versions are entered in Weights & Biases and in ClearML by their own clients, and once."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from pulumi_mlops.jobs import dataset, entering
from support import clients
from support.sandbox.control_plane import ControlPlane

PROGRAM = Path(dataset.__file__)
S3S = ("boto3", "botocore", "s3transfer", "jmespath")
"""What a program that meets S3 has beside its tracker's client."""


@pytest.fixture
def place(tmp_path: Path) -> str:
    tmp_path.joinpath("rows", "dt=2026-11-29").mkdir(parents=True)
    tmp_path.joinpath("rows", "dt=2026-11-29", "a.csv").write_text("id\n1\n")
    return f"{tmp_path}/rows/"


class Entered(ModuleType):
    """What stands beside ``dataset.py`` and takes versions, or fails."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__("entering")
        self.calls: list[Any] = []
        self.fails = fails

    def enter(self, *given: Any) -> dict[str, str]:
        self.calls.append(given)
        if self.fails:
            raise ConnectionError("no such host")
        return {"name": f"acme/churn/{given[1]}:version-{given[2]['number']}"}


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Entered:
    module = Entered()
    monkeypatch.setitem(sys.modules, "entering", module)
    return module


def publish(*arguments: str) -> int:
    return dataset.main(["publish", *arguments])


@pytest.mark.parametrize("engine", dataset.ENGINES)
def test_a_version_is_entered_once_with_what_its_parents_are_called_there(
    place: str, beside: Entered, engine: str, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    raw.joinpath("b.csv").write_text("id\n1\n")
    assert publish(f"{raw}/", f"--{engine}", "raw") == 0
    for _ in range(2):
        assert publish(place, "--parent", f"{raw}/@latest", f"--{engine}", "rows") == 0
    (_, of_rows) = beside.calls
    told, name, facts, files, parents = of_rows
    assert (told, name, facts["number"], facts["location"]) == (engine, "rows", 1, place)
    assert facts["manifest"] == f"{place}_versions/1.json"
    assert facts["parents"][0]["version"] == 1
    assert [one["uri"] for one in files] == [f"{place}dt=2026-11-29/a.csv"]
    assert parents == [{"name": "acme/churn/raw:version-1"}]
    assert json.loads(Path(place, "_versions", f"1.{engine}").read_text()) == {"name": "acme/churn/rows:version-1"}
    assert dataset.numbers(dataset.store_of(place)) == [1], "what is written down beside a version is none"


def test_a_version_that_is_not_taken_is_published_and_entered_the_next_time(
    place: str, beside: Entered, capsys: pytest.CaptureFixture[str]
) -> None:
    beside.fails = True
    assert publish(place, "--wandb", "rows") == 1
    told = capsys.readouterr().err
    assert "version 1 is published, and wandb does not take it: ConnectionError: no such host; run this again" in told
    beside.fails = False
    assert publish(place, "--wandb", "rows") == 0
    assert dataset.numbers(dataset.store_of(place)) == [1]
    assert len(beside.calls) == 2


def test_nothing_is_entered_unless_told(place: str, beside: Entered) -> None:
    assert publish(place) == 0
    assert not beside.calls


class Wandb(ModuleType):
    """The calls of wandb's client that change something at the server, in order."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.said: list[Any] = []
        self.offline, self.entity, self.project = False, "acme", "churn"
        self.Artifact = lambda *_, **__: self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.said.append("finish")

    def init(self, **_: Any) -> "Wandb":
        return self

    def use_artifact(self, name: str) -> None:
        self.said.append(("use", name))

    def log_artifact(self, _: Any, aliases: list[str]) -> "Wandb":
        self.said.append(("log", aliases))
        return self

    def wait(self) -> None:
        self.said.append("wait")


def test_with_a_server_parents_are_used_and_the_answer_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", client)
    facts = {"number": 3, "time": "2026-11-30T03:10:22Z", "manifest": "s3://rows/_versions/3.json"}
    made = entering.enter("wandb", "rows", facts, [], [{"name": "acme/churn/raw:version-7"}])
    assert made == {"name": "acme/churn/rows:version-3"}
    assert client.said == [("use", "acme/churn/raw:version-7"), ("log", ["latest", "version-3"]), "wait", "finish"]


class ClearML(ModuleType):
    """ClearML's client without a server: what it is asked, in order."""

    id = "offline-1"

    def __init__(self, name: str, said: list[str]) -> None:
        super().__init__(name)
        self.said, self.link_entries_dict = said, dict[str, Any]()
        self.Task = self.Dataset = self
        self.LinkEntry = dict[str, Any]

    def create(self, **_: Any) -> "ClearML":
        return self

    def set_metadata(self, *_: Any, **__: Any) -> None:
        self.said.append("metadata")

    def upload(self, **_: Any) -> None:
        self.said.append("upload")

    def is_offline(self) -> bool:
        return True

    def current_task(self) -> "ClearML":
        return self

    def close(self) -> None:
        self.said.append("close")


def test_without_a_server_the_threads_of_clearml_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a process it gives them seconds, and a file that one of them had begun stays empty."""
    said: list[str] = []
    for name in ("clearml", "clearml.datasets", "clearml.datasets.dataset"):
        monkeypatch.setitem(sys.modules, name, ClearML(name, said))
    monkeypatch.setenv("CLEARML_PROJECT", "churn")
    facts = {"number": 3, "time": "2026-11-30T03:10:22Z", "manifest": "s3://rows/_versions/3.json"}
    assert entering.enter("clearml", "rows", facts, [], []) == {}
    assert said == ["metadata", "upload", "close"]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    server = ControlPlane(tmp_path_factory.mktemp("aws"))
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def environment(plane: ControlPlane, tmp_path: Path) -> dict[str, str]:
    """Make a bucket with two files, and say what leads the clients to it, and keeps them from any server."""
    s3 = plane.client("s3")
    plane.admin("POST", "reset")
    s3.create_bucket(Bucket="acme-rows")
    s3.put_bucket_versioning(Bucket="acme-rows", VersioningConfiguration={"Status": "Enabled"})
    for name in ("rows/dt=2026-11-29/a.csv", "rows/dt=2026-11-30/a.csv"):
        s3.put_object(Bucket="acme-rows", Key=name, Body=b"id\n1\n")
    beside = tmp_path / "beside"
    beside.mkdir()
    for name in S3S:
        beside.joinpath(name).symlink_to(_folder(name))
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(beside),
        "AWS_ENDPOINT_URL_S3": plane.url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(tmp_path),
        "WANDB_SILENT": "true",
        "WANDB_ENTITY": "acme",
        "WANDB_PROJECT": "churn",
        "CLEARML_OFFLINE_MODE": "1",
        "CLEARML_CACHE_DIR": str(tmp_path / "cache"),
        "CLEARML_PROJECT": "churn",
    }


def _folder(package: str) -> str:
    found = importlib.util.find_spec(package)
    assert found
    assert found.submodule_search_locations
    return str(found.submodule_search_locations[0])


def ran(environment: dict[str, str], engine: str) -> Any:
    command = [str(clients.python()), "-W", "ignore", str(PROGRAM), "publish", "s3://acme-rows/rows/"]
    done = subprocess.run(
        [*command, f"--{engine}", "rows"], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_client_of_wandb_takes_what_is_entered(
    plane: ControlPlane, environment: dict[str, str], tmp_path: Path
) -> None:
    told = ran(environment, "wandb")
    (kept,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = kept.read_bytes().decode(errors="replace")
    head = plane.client("s3").head_object(Bucket="acme-rows", Key="rows/dt=2026-11-29/a.csv")
    wanted = ("s3://acme-rows/rows/dt=2026-11-29/a.csv", head["VersionId"], head["ETag"].strip('"'), "version-1")
    assert [text for text in (*wanted, told["digest"], told["manifest"]) if text not in content] == []
    noted = plane.client("s3").get_object(Bucket="acme-rows", Key="rows/_versions/1.wandb")["Body"].read()
    assert json.loads(noted) == {"name": "acme/churn/rows:version-1"}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_client_of_clearml_takes_what_is_entered(
    plane: ControlPlane, environment: dict[str, str], tmp_path: Path
) -> None:
    told = ran(environment, "clearml")
    (kept,) = tmp_path.glob("cache/offline/*.zip")
    with zipfile.ZipFile(kept) as session:  # as it is brought to the server later
        files = {Path(name).name: session.read(name) for name in session.namelist()}
    task, state, facts = (json.loads(files[f"{name}.json"]) for name in ("task", "state", "metadata"))
    assert task["project_name"] == "churn/.datasets/rows"
    links = {one["relative_path"]: one["link"] for one in state["dataset_link_entries"]}
    server = plane.url.removeprefix("http://")
    assert links == {
        f"dt=2026-11-{day}/a.csv": f"s3://{server}/acme-rows/rows/dt=2026-11-{day}/a.csv" for day in (29, 30)
    }
    assert (facts["number"], facts["digest"]) == (1, told["digest"])
    listed = plane.client("s3").list_objects_v2(Bucket="acme-rows", Prefix="rows/_versions/")["Contents"]
    assert [one["Key"] for one in listed] == ["rows/_versions/1.json"], "an id of this machine is written down nowhere"
