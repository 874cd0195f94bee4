"""The program that publishes and reads versions, as processes and against a server that judges as S3 does."""

import contextlib
import datetime as dt
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.core import workload
from pulumi_mlops.jobs import dataset
from support.sandbox.control_plane import ControlPlane

PROGRAM = Path(dataset.__file__)
Make = Callable[[], str]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    server = ControlPlane(tmp_path_factory.mktemp("aws"))
    server.start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def bucket(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> str:
    """Offer a bucket that keeps versions, and what leads boto3 to it."""
    plane.admin("POST", "reset")
    plane.client("s3").create_bucket(Bucket="acme-rows")
    plane.client("s3").put_bucket_versioning(Bucket="acme-rows", VersioningConfiguration={"Status": "Enabled"})
    for name, value in environment(plane).items():
        monkeypatch.setenv(name, value)
    return "acme-rows"


def environment(plane: ControlPlane) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": plane.url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def put(plane: ControlPlane, bucket: str, **files: str) -> None:
    for name, content in files.items():
        plane.client("s3").put_object(Bucket=bucket, Key=f"rows/{name}", Body=content.encode())


def run(*arguments: str) -> Any:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        assert dataset.main(arguments) == 0
    return json.loads(told.getvalue())


def folder(tmp_path: Path, **files: str) -> str:
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return f"file://{tmp_path}/"


def day(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_the_program_and_the_library_call_the_folder_alike() -> None:
    assert dataset.VERSIONS == workload.VERSIONS


def test_the_program_needs_the_standard_library_alone(tmp_path: Path) -> None:
    where = folder(tmp_path, **{"dt=2026-11-30__a": "1"})
    command = [sys.executable, "-I", "-S", PROGRAM, "publish", where]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["number"] == 1


def test_a_version_says_what_there_was(bucket: str, plane: ControlPlane) -> None:
    put(plane, bucket, **{"dt=2026-11-30/a.parquet": "1", "_SUCCESS": "", ".hidden": "", "_temporary/b": "2"})
    made = run("publish", f"s3://{bucket}/rows/")
    assert (made["number"], made["files"], made["parents"]) == (1, 1, [])
    (found,) = [run("files", f"s3://{bucket}/rows/")]
    assert (found["path"], found["size"]) == ("dt=2026-11-30/a.parquet", 1)
    assert found["uri"] == f"s3://{bucket}/rows/dt=2026-11-30/a.parquet?versionId={found['id']}"


def test_what_was_published_is_published_once(bucket: str, plane: ControlPlane) -> None:
    put(plane, bucket, a="1")
    first, again = (run("publish", f"s3://{bucket}/rows/") for _ in range(2))
    assert first == again
    put(plane, bucket, b="2")
    assert run("publish", f"s3://{bucket}/rows/")["number"] == 2


def test_a_version_is_fetched_as_it_was(bucket: str, plane: ControlPlane, tmp_path: Path) -> None:
    put(plane, bucket, a="old")
    run("publish", f"s3://{bucket}/rows/")
    put(plane, bucket, a="new")
    run("publish", f"s3://{bucket}/rows/")
    run("fetch", f"s3://{bucket}/rows/", "1", str(tmp_path / "one"))
    run("fetch", f"s3://{bucket}/rows/", "latest", str(tmp_path / "two"))
    assert ((tmp_path / "one" / "a").read_text(), (tmp_path / "two" / "a").read_text()) == ("old", "new")


def test_a_store_without_versions_tells_of_a_file_that_was_written_anew(tmp_path: Path) -> None:
    store = dataset.store_of(folder(tmp_path / "rows", a="old"))
    made = dataset.publish(store)
    dataset.fetch(store, made, tmp_path / "there")
    (tmp_path / "rows" / "a").write_text("new")
    with pytest.raises(dataset.DatasetError, match="written anew since version 1"):
        dataset.fetch(store, made, tmp_path / "there")
    (tmp_path / "rows" / "a").unlink()
    with pytest.raises(dataset.DatasetError, match="not there any more"):
        dataset.fetch(store, made, tmp_path / "there")


@pytest.mark.parametrize("kind", ["bucket", "folder"])
def test_of_many_that_publish_at_once_none_overwrites_another(
    kind: str, bucket: str, plane: ControlPlane, tmp_path: Path
) -> None:
    where = f"s3://{bucket}/rows/" if kind == "bucket" else folder(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(PROGRAM.parent)!r}); import dataset; s = dataset.store_of({where!r})\n"
        "for n in range(3):\n    s.create(f'part-{sys.argv[1]}-{n}', b'x'); print(dataset.publish(s).number)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(index)], stdout=subprocess.PIPE, text=True)
        for index in range(4)
    ]
    numbers = [int(line) for one in running for line in one.communicate()[0].split()]
    assert [one.returncode for one in running] == [0] * 4
    store = dataset.store_of(where)
    versions = [dataset.read(store, number) for number in dataset.numbers(store)]
    assert [one.number for one in versions] == list(range(1, len(versions) + 1))
    assert set(numbers) == {one.number for one in versions}
    # Each one was written once, and none saw less than those before it.
    counts = [len(one.content["files"]) for one in versions]
    assert counts == sorted(counts)
    assert counts[-1] == 12
    if kind == "bucket":
        kept = plane.client("s3").list_object_versions(Bucket=bucket, Prefix="rows/_versions/")["Versions"]
        assert len(kept) == len(versions)


def test_whoever_comes_second_takes_the_next_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = dataset.store_of(folder(tmp_path, a="1"))
    create, met = store.create, []

    def beaten(path: str, content: bytes) -> None:
        if not met:  # somebody else publishes just before
            met.append(path)
            (tmp_path / "b").write_text("2")
            dataset.publish(dataset.store_of(f"file://{tmp_path}/"))
            (tmp_path / "c").write_text("3")
        create(path, content)

    monkeypatch.setattr(store, "create", beaten)
    made = dataset.publish(store)
    assert met == ["_versions/1.json"]
    assert (made.number, [one["path"] for one in made.content["files"]]) == (2, ["a", "b", "c"])


def test_a_store_that_ignores_the_condition_is_found_out(
    bucket: str, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = dataset.store_of(f"s3://{bucket}/rows/")
    assert isinstance(store, dataset.S3)
    put = store.client.put_object
    monkeypatch.setattr(store.client, "put_object", lambda **named: put(**{**named, "IfNoneMatch": ""}))
    with pytest.raises(dataset.DatasetError, match="ignores If-None-Match"):
        dataset.publish(store)
    assert plane.client("s3").list_object_versions(Bucket=bucket)["Versions"]


def test_a_day_means_the_newest_at_its_end(tmp_path: Path) -> None:
    store = dataset.store_of(folder(tmp_path))
    for name, time in (("a", "2026-11-01T10:00"), ("b", "2026-11-01T23:59:59"), ("c", "2026-11-03T00:00")):
        folder(tmp_path, **{name: name})
        dataset.publish(store, now=day(time))
    found = [
        dataset.resolve(store, which).number for which in ("2026-11-01", "2026-11-02", "2026-11-03", "latest", "1")
    ]
    assert found == [2, 2, 3, 3, 1]
    for which, told in (("2026-10-31", "there was no version"), ("7", "no version 7"), ("newest", "is no version")):
        with pytest.raises(dataset.DatasetError, match=told):
            dataset.resolve(store, which)


def test_time_never_goes_back(tmp_path: Path) -> None:
    store = dataset.store_of(folder(tmp_path, a="1"))
    dataset.publish(store, now=day("2026-11-02"))
    folder(tmp_path, b="2")
    assert dataset.publish(store, now=day("2026-11-01")).content["time"] == "2026-11-02T00:00:00Z"


def test_the_versions_of_parents_are_written_down(tmp_path: Path) -> None:
    raw, rows = folder(tmp_path / "raw", a="1"), folder(tmp_path / "rows", b="2")
    run("publish", raw)
    folder(tmp_path / "raw", c="3")
    second = run("publish", raw)
    made = run("publish", rows, "--parent", f"{raw}@latest")
    assert made["parents"] == [{"location": raw, "version": 2, "digest": second["digest"]}]
    other = run("publish", rows, "--parent", f"{raw}@1")
    assert other["number"] == 2, "made of another version, it is another one"


def test_a_mistake_is_told_in_a_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "resolve", f"file://{tmp_path}/"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"file://{tmp_path}/: there is no version yet; publish one\n"
    with pytest.raises(dataset.DatasetError, match="end it in a slash"):
        dataset.store_of("s3://acme-rows/rows")


@pytest.mark.parametrize(
    ("partition", "over"),
    [("2026-11", "2026-12-01T01:00"), ("2026-11-30", "2026-12-01T01:00"), ("2026-11-30-07", "2026-11-30T09:00")],
)
def test_a_partition_expires_when_it_has_been_over_for_so_long(tmp_path: Path, partition: str, over: str) -> None:
    store = dataset.store_of(folder(tmp_path, **{f"dt={partition}__a": "1", "beside": "2", "dt=soon__b": "3"}))
    dataset.publish(store)
    end = day(over) + dt.timedelta(days=30)
    assert dataset.expire(store, 30, partitions=True, now=end) == []
    assert dataset.expire(store, 30, partitions=True, now=end + dt.timedelta(seconds=1)) == [f"dt={partition}/a"]
    assert sorted(one.path for one in dataset.data(store)) == ["beside", "dt=soon/b"]
    assert dataset.numbers(store) == [1], "versions stay"


def test_a_file_expires_when_no_version_of_the_time_has_it(tmp_path: Path) -> None:
    store = dataset.store_of(folder(tmp_path, old="1", kept="1"))
    first = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)

    def expired(days: int) -> list[str]:
        return dataset.expire(store, 30, partitions=False, now=first + dt.timedelta(days=days))

    assert expired(999) == [], "before the first version nothing is known to be old"
    dataset.publish(store, now=first)
    (tmp_path / "old").rename(tmp_path / "_old")
    folder(tmp_path, new="2")
    dataset.publish(store, now=first + dt.timedelta(days=1))
    (tmp_path / "_old").rename(tmp_path / "old")
    folder(tmp_path, unpublished="3")
    later = (first + dt.timedelta(days=2)).timestamp()
    os.utime(tmp_path / "unpublished", (later, later))
    assert expired(31) == [], "for a day after it was replaced the first version is the one of thirty days ago"
    assert expired(32) == ["old"]
    assert sorted(one.path for one in dataset.data(store)) == ["kept", "new", "unpublished"]


def test_one_level_of_a_folder_is_listed_without_those_below(plane: ControlPlane, bucket: str, tmp_path: Path) -> None:
    names = ("a.json", "2026/11/a.json", "2026/12/b.json")
    put(plane, bucket, **dict.fromkeys(names, "{}"))
    folder(tmp_path, **dict.fromkeys(names, "{}"))
    for store in (dataset.store_of(f"s3://{bucket}/rows/"), dataset.store_of(f"{tmp_path}/")):
        folders, files = store.level("")
        assert (list(folders), [one.path for one in files]) == (["2026/"], ["a.json"])
        assert list(store.level("2026/")[0]) == ["2026/11/", "2026/12/"]
