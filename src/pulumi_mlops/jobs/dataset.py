"""Versions of a dataset: list what lies in a folder as its next version, find a version, list its files, fetch them.

It runs as a plain process in whatever writes or reads the files, on every cloud, and needs the standard library; boto3
where an address begins with s3://, azure-storage-blob and azure-identity where it is one of Azure's.

    python dataset.py publish s3://bucket/rows/ --parent s3://bucket/raw/@latest
    python dataset.py resolve s3://bucket/rows/ latest
    python dataset.py files s3://bucket/rows/ 2026-11-01
    python dataset.py fetch s3://bucket/rows/ 3 /tmp/rows
    python dataset.py expire s3://bucket/rows/ --days 400

With ``--wandb rows`` or ``--clearml rows`` a version that is published is entered there as well, as a version of what
is called so; that needs the client, its variables, and ``entering.py`` beside this file.

A version is a small file below ``_versions/``, ``<number>.json``, which is written once. Of two that publish at once
the store lets one write a number; the other looks at the folder again and takes the next one. Files and folders whose
names begin with an underscore or a dot are no data, as for whatever else reads such folders.
"""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
# boto3 and Azure's packages are in the images that reach such stores, not everywhere in the library's own environment.

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VERSIONS = "_versions/"
ENGINES = ("wandb", "clearml")
"""Where a version can be entered as well."""
FORM = 1
"""The form of a manifest."""
_UTC = dt.timezone.utc  # noqa: UP017 (Python 3.9)
_NUMBER = re.compile(r"(?P<number>[1-9]\d*)\.json")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTITION = re.compile(r"dt=(?P<time>\d{4}-\d{2}(-\d{2}(-\d{2})?)?)/")
_FORMS = {7: "%Y-%m", 10: "%Y-%m-%d", 13: "%Y-%m-%d-%H"}
_AZURE = re.compile(r"https://(?P<account>[a-z0-9]+)\.blob\.(?P<cloud>[a-z0-9.]+)/(?P<container>[^/]+)/(?P<path>.*)")
_ABSENT = ("NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404")
_TRIES = 100
_LATE_HOURS = 1
"""How much longer than its partition's end a partition is kept, for clocks that differ."""
_MANAGEMENT = "https://management.azure.com"
_ASSETS = "2025-12-01"
"""The version of Azure Resource Manager's API of data assets."""


class DatasetError(Exception):
    """Something that whoever runs this has to know."""


class TakenError(Exception):
    """Somebody else was first to write a file."""


class Found(NamedTuple):
    """A file of a folder."""

    path: str
    """Its name below the folder."""
    size: int
    id: str | None
    """The store's own version of it, where the store keeps versions."""
    digest: str | None
    """What the store says of its content: another content has another one."""
    written: dt.datetime


class Store:
    """A folder of a store."""

    def list(self, below: str = "", *, versions: bool = False) -> Iterator[Found]:
        """List the current files below a path of the folder.

        :param versions: say which version of each is the current one, where the store keeps them and whoever runs this
            may list them: who only reads may not.
        """
        raise NotImplementedError

    def level(self, below: str) -> tuple[Sequence[str], Sequence[Found]]:
        """List what is just below a path: folders, whose names end in a slash, and files."""
        raise NotImplementedError

    def read(self, path: str) -> bytes | None:
        """Read a small file; None where it is not there."""
        raise NotImplementedError

    def save(self, path: str, version: str | None, target: Path) -> bool:
        """Write a file, or one version of it, to this machine, however large it is; False where it is not there."""
        raise NotImplementedError

    def create(self, path: str, content: bytes) -> None:
        """Write a file that is not there.

        :raises TakenError: it is there.
        """
        raise NotImplementedError

    def delete(self, path: str) -> None:
        """Delete a file, which may be gone already."""
        raise NotImplementedError

    def address(self, path: str, version: str | None) -> str:
        """Return the whole address of a file."""
        raise NotImplementedError


class Folder(Store):
    """A folder of this machine."""

    def __init__(self, location: str) -> None:
        self.root = Path(location.removeprefix("file://"))

    def list(self, below: str = "", *, versions: bool = False) -> Iterator[Found]:
        """List the files."""
        del versions
        for path in sorted(self.root.joinpath(below).rglob("*")):
            if path.is_file() and not path.name.startswith(".writing-"):
                name, told = path.relative_to(self.root).as_posix(), path.stat()
                written = dt.datetime.fromtimestamp(told.st_mtime, _UTC)
                digest = None if name.startswith(VERSIONS) else f"sha256:{_digest_of(path)}"
                yield Found(name, told.st_size, None, digest, written)

    def level(self, below: str) -> tuple[Sequence[str], Sequence[Found]]:
        """List one folder."""
        folders: Any = []
        files: Any = []
        for path in sorted(self.root.joinpath(below).glob("*")):
            if path.is_dir():
                folders.append(f"{below}{path.name}/")
            else:
                written = dt.datetime.fromtimestamp(path.stat().st_mtime, _UTC)
                files.append(Found(f"{below}{path.name}", path.stat().st_size, None, None, written))
        return folders, files

    def read(self, path: str) -> bytes | None:
        """Read a file."""
        try:
            return self.root.joinpath(path).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, path: str, version: str | None, target: Path) -> bool:
        """Copy a file."""
        del version
        try:
            shutil.copyfile(self.root / path, target)
        except FileNotFoundError:
            return False
        return True

    def create(self, path: str, content: bytes) -> None:
        """Write beside, and link: the link is there with all of its content, or not at all."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".writing-{os.getpid()}-{target.name}")
        beside.write_bytes(content)
        try:
            os.link(beside, target)
        except FileExistsError:
            raise TakenError(path) from None
        finally:
            beside.unlink()

    def delete(self, path: str) -> None:
        """Delete a file."""
        self.root.joinpath(path).unlink(missing_ok=True)

    def address(self, path: str, version: str | None) -> str:
        """Return its path."""
        del version
        return str(self.root / path)


def _digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


class S3(Store):
    """A folder of S3, or of a server that speaks as S3 does."""

    def __init__(self, location: str) -> None:
        # Servers other than S3 do not all take the checksums that boto3 adds unasked.
        os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
        import boto3  # noqa: PLC0415 (not everywhere)
        import botocore.config  # noqa: PLC0415 (as above)

        self.bucket, _, self.root = location[len("s3://") :].partition("/")
        settings: Any = {
            "s3": {"addressing_style": os.environ.get("MLOPS_S3_ADDRESSING", "auto")},
            "retries": {"max_attempts": 5, "mode": "standard"},
        }
        self.client: Any = boto3.client("s3", config=botocore.config.Config(**settings))

    def list(self, below: str = "", *, versions: bool = False) -> Iterator[Found]:
        """List the current files."""
        call, member = ("list_object_versions", "Versions") if versions else ("list_objects_v2", "Contents")
        for page in self.client.get_paginator(call).paginate(Bucket=self.bucket, Prefix=self.root + below):
            yield from (self._found(one) for one in page.get(member, []) if one.get("IsLatest", True))

    def level(self, below: str) -> tuple[Sequence[str], Sequence[Found]]:
        """List one folder, page by page."""
        pages = self.client.get_paginator("list_objects_v2")
        folders: Any = []
        files: Any = []
        for page in pages.paginate(Bucket=self.bucket, Prefix=self.root + below, Delimiter="/"):
            folders += [one["Prefix"][len(self.root) :] for one in page.get("CommonPrefixes", [])]
            files += [self._found(one) for one in page.get("Contents", [])]
        return folders, files

    def _found(self, one: dict[str, Any]) -> Found:
        version = one.get("VersionId")
        return Found(
            one["Key"][len(self.root) :],
            int(one["Size"]),
            None if version in (None, "", "null") else version,
            f"etag:{one['ETag'].strip(chr(34))}",
            one["LastModified"],
        )

    def read(self, path: str) -> bytes | None:
        """Read a file."""
        try:
            found = self.client.get_object(Bucket=self.bucket, Key=self.root + path)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return bytes(found["Body"].read())

    def save(self, path: str, version: str | None, target: Path) -> bool:
        """Download a file, in parts where it is large."""
        wanted = {} if version is None else {"VersionId": version}
        try:
            self.client.download_file(self.bucket, self.root + path, str(target), ExtraArgs=wanted)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return False
            raise
        return True

    def create(self, path: str, content: bytes) -> None:
        """Write unless it is there."""
        if not self._put(path, content):
            raise TakenError(path)
        # A server other than S3 may not know the condition, and would let one publisher overwrite another.
        if ".amazonaws." not in self.client.meta.endpoint_url and self._put(path, content):
            told = "the object store ignores If-None-Match, and two that publish at once would overwrite each other"
            raise DatasetError(f"{told}; publish from one place at a time, to a store that knows it")

    def _put(self, path: str, content: bytes) -> bool:
        """Write unless it is there; say whether it was written."""
        try:
            self.client.put_object(
                Bucket=self.bucket,
                Key=self.root + path,
                Body=content,
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                return False
            raise
        return True

    def delete(self, path: str) -> None:
        """Delete a file."""
        self.client.delete_object(Bucket=self.bucket, Key=self.root + path)

    def address(self, path: str, version: str | None) -> str:
        """Return its address."""
        return f"s3://{self.bucket}/{self.root}{path}" + ("" if version is None else f"?versionId={quote(version)}")


class Azure(Store):
    """A folder of a container of Azure Storage."""

    def __init__(self, location: str) -> None:
        from azure.storage.blob import ContainerClient  # noqa: PLC0415 (not everywhere)

        found = _AZURE.fullmatch(location)
        if found is None:
            raise DatasetError(f"{location} is not the address of a folder of Azure Storage")
        self.root = found["path"]
        self.where = location[: len(location) - len(self.root)]
        self.container = ContainerClient.from_container_url(self.where.rstrip("/"), credential=_azure())

    def list(self, below: str = "", *, versions: bool = False) -> Iterator[Found]:
        """List the current files."""
        del versions  # who may list may list these as well
        for one in self.container.list_blobs(name_starts_with=self.root + below, include=["versions"]):
            if one.version_id is None or one.is_current_version:
                yield self._found(one)

    def level(self, below: str) -> tuple[Sequence[str], Sequence[Found]]:
        """List one folder."""
        from azure.storage.blob import BlobPrefix  # noqa: PLC0415 (as above)

        folders: Any = []
        files: Any = []
        for one in self.container.walk_blobs(name_starts_with=self.root + below, delimiter="/"):
            if isinstance(one, BlobPrefix):
                folders.append(one.name[len(self.root) :])
            else:
                files.append(self._found(one))
        return folders, files

    def _found(self, one: Any) -> Found:
        etag = str(one.etag).strip('"')
        return Found(one.name[len(self.root) :], int(one.size), one.version_id, f"etag:{etag}", one.last_modified)

    def read(self, path: str) -> bytes | None:
        """Read a file."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 (as above)

        try:
            return bytes(self.container.get_blob_client(self.root + path).download_blob().readall())
        except ResourceNotFoundError:
            return None

    def save(self, path: str, version: str | None, target: Path) -> bool:
        """Download a file, in parts where it is large."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 (as above)

        try:
            found = self.container.get_blob_client(self.root + path).download_blob(version_id=version)
        except ResourceNotFoundError:
            return False
        with target.open("wb") as file:
            found.readinto(file)
        return True

    def create(self, path: str, content: bytes) -> None:
        """Write unless it is there."""
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError  # noqa: PLC0415 (as above)

        try:
            self.container.get_blob_client(self.root + path).upload_blob(content, overwrite=False)
        except (ResourceExistsError, ResourceModifiedError):
            raise TakenError(path) from None

    def delete(self, path: str) -> None:
        """Delete a file."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 (as above)

        try:
            self.container.delete_blob(self.root + path)
        except ResourceNotFoundError:
            return

    def address(self, path: str, version: str | None) -> str:
        """Return its address."""
        whole = f"{self.where}{quote(self.root + path)}"
        return whole if version is None else f"{whole}?versionid={quote(version)}"


def _azure() -> Any:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (not everywhere)

    return DefaultAzureCredential()


def store_of(location: str) -> Store:
    """Open a folder by its address."""
    if not location.endswith("/"):
        raise DatasetError(f"{location} is not the address of a folder; end it in a slash")
    if location.startswith("s3://"):
        return S3(location)
    return Azure(location) if location.startswith("https://") else Folder(location)


@dataclass(frozen=True)
class Version:
    """A version that was published."""

    number: int
    content: dict[str, Any]

    @property
    def time(self) -> dt.datetime:
        """When it was published."""
        return dt.datetime.strptime(self.content["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=_UTC)


def numbers(store: Store) -> list[int]:
    """Return the numbers of the versions, in order."""
    names = (found.path[len(VERSIONS) :] for found in store.list(VERSIONS))
    return sorted(int(found["number"]) for name in names if (found := _NUMBER.fullmatch(name)))


def read(store: Store, number: int) -> Version:
    """Read a version."""
    content = store.read(f"{VERSIONS}{number}.json")
    if content is None:
        raise DatasetError(f"there is no version {number}")
    found = json.loads(content)
    if found.get("form") != FORM:
        raise DatasetError(f"version {number} is written in form {found.get('form')!r}, and this program reads {FORM}")
    return Version(number, found)


def resolve(store: Store, which: str) -> Version:
    """Find a version: ``latest``, a number, or a day, at whose end in UTC it was the newest."""
    if which != "latest" and not _DAY.fullmatch(which):
        if not which.isdigit() or int(which) < 1:
            raise DatasetError(f"{which!r} is no version; write latest, a number or a day such as 2026-11-01")
        return read(store, int(which))
    known = numbers(store)
    if not known:
        raise DatasetError("there is no version yet; publish one")
    if which == "latest":
        return read(store, known[-1])
    end = dt.datetime.strptime(which, "%Y-%m-%d").replace(tzinfo=_UTC) + dt.timedelta(days=1)
    low, high = 0, len(known)  # times grow with numbers
    while low < high:
        middle = (low + high) // 2
        if read(store, known[middle]).time < end:
            low = middle + 1
        else:
            high = middle
    if not low:
        raise DatasetError(f"there was no version on {which}; the first is of {read(store, known[0]).content['time']}")
    return read(store, known[low - 1])


def data(store: Store, *, versions: bool = False) -> list[Found]:
    """List the files that are data."""
    found = store.list(versions=versions)
    return [one for one in found if one.path and not one.path.endswith("/") and not _hidden(one.path)]


def _hidden(path: str) -> bool:
    return any(part.startswith(("_", ".")) for part in path.split("/"))


def digest(content: dict[str, Any]) -> str:
    """Digest what a version is made of: its files and its parents' versions."""
    made_of = {key: content[key] for key in ("files", "parents")}
    return f"sha256:{hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()}"


def parent(told: str) -> dict[str, Any]:
    """Find the version of a parent that is told as ``address@version``, or as its address for the newest."""
    location, at, which = told.rpartition("@")
    if not at or "/" in which:
        location, which = told, "latest"
    found = resolve(store_of(location), which)
    return {"location": location, "version": found.number, "digest": found.content["digest"]}


def publish(store: Store, parents: Sequence[dict[str, Any]] = (), now: dt.datetime | None = None) -> Version:
    """List what is there as the next version; where it is what the newest version has, that one is returned."""
    for _ in range(_TRIES):
        known = numbers(store)
        before = read(store, known[-1]) if known else None
        files = sorted(data(store, versions=True), key=lambda one: one.path)
        time = max(now or dt.datetime.now(_UTC), before.time if before else dt.datetime.min.replace(tzinfo=_UTC))
        content: dict[str, Any] = {
            "form": FORM,
            "number": (known[-1] if known else 0) + 1,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "parents": list(parents),
            "files": [{"path": one.path, "size": one.size, "id": one.id, "digest": one.digest} for one in files],
        }
        content["digest"] = digest(content)
        if before is not None and before.content["digest"] == content["digest"]:
            return before
        try:
            store.create(f"{VERSIONS}{content['number']}.json", json.dumps(content, indent=1).encode())
        except TakenError:
            continue
        return Version(content["number"], content)
    raise DatasetError(f"{_TRIES} others were first to publish; run this again")


def fetch(store: Store, version: Version, target: Path) -> None:
    """Write the files of a version into a folder, as they were when it was published."""
    now: dict[str, Found] | None = None
    for one in version.content["files"]:
        if one["id"] is None:  # no old versions are kept there: what is there now may be another content
            now = {found.path: found for found in store.list()} if now is None else now
            found = now.get(one["path"])
            if found is not None and found.digest != one["digest"]:
                raise DatasetError(f"{one['path']} has been written anew since version {version.number}")
        path = target / one["path"]
        if target.resolve() not in path.resolve().parents:
            raise DatasetError(f"{one['path']} is not below the folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not store.save(one["path"], one["id"], path):
            told = f"{one['path']} of version {version.number} is not there any more; its retention is over"
            raise DatasetError(told)


def expire(store: Store, days: int, *, partitions: bool, now: dt.datetime | None = None) -> list[str]:
    """Delete partitions that ended so many days ago.

    Without partitions, delete files that others took the place of: those that the newest version has not, nor any
    version of so many days, and that were written before. Before the first version nothing is known to be old.
    """
    end = (now or dt.datetime.now(_UTC)) - dt.timedelta(days=days)
    found = data(store)
    if partitions:
        old = [one.path for one in found if (over := _ended(one.path)) is not None and over < end]
    else:
        versions = [read(store, number) for number in numbers(store)]
        if not versions:
            return []
        # A version is the newest until the next one is published.
        until = [one.time for one in versions[1:]]
        kept = [*(versions[index] for index, over in enumerate(until) if over >= end), versions[-1]]
        named = {one["path"] for version in kept for one in version.content["files"]}
        last = min(end, versions[-1].time)
        old = [one.path for one in found if one.path not in named and one.written < last]
    for path in old:
        store.delete(path)
    return old


def _ended(path: str) -> dt.datetime | None:
    """Return when the partition of a file was over; None outside of partitions."""
    found = _PARTITION.match(path)
    if found is None:
        return None
    text = found["time"]
    try:
        begun = dt.datetime.strptime(text, _FORMS[len(text)]).replace(tzinfo=_UTC)
    except ValueError:
        return None
    if len(text) == 7:  # noqa: PLR2004 (a month)
        over = (begun + dt.timedelta(days=31)).replace(day=1)
    else:
        over = begun + (dt.timedelta(days=1) if len(text) == 10 else dt.timedelta(hours=1))  # noqa: PLR2004 (a day)
    return over + dt.timedelta(hours=_LATE_HOURS)


def register(asset: str, location: str, version: Version) -> None:
    """Enter a version of the dataset in a workspace of Azure Machine Learning, under the same number.

    What is entered leads to the folder: an asset knows no versions of files, so its properties name the manifest.
    """
    token = _azure().get_token(f"{_MANAGEMENT}/.default").token
    body = {
        "properties": {
            "dataType": "uri_folder",
            "dataUri": location,
            "description": f"Version {version.number}, of {version.content['time']}",
            "properties": {
                "mlops-manifest": f"{location}{VERSIONS}{version.number}.json",
                "mlops-digest": version.content["digest"],
            },
        }
    }
    server = os.environ.get("MLOPS_AZURE_MANAGEMENT", _MANAGEMENT)
    request = urllib.request.Request(  # noqa: S310 (Azure's own)
        f"{server}{asset}/versions/{version.number}?api-version={_ASSETS}",
        data=json.dumps(body).encode(),
        method="PUT",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310 (as above)
            return
    except urllib.error.HTTPError as error:
        raise DatasetError(
            f"version {version.number} is published, and {asset} does not take it: HTTP {error.code} "
            f"{error.read().decode(errors='replace')[:500]}"
        ) from error


def enter(engine: str, name: str, location: str, version: Version) -> None:
    """Enter a version in Weights & Biases or in ClearML, once, and write down beside it by what it is found there."""
    store = store_of(location)
    if store.read(_entered(version.number, engine)) is not None:
        return
    import entering  # noqa: PLC0415 (it is beside this file where a version is entered)

    content = version.content
    files = [{**one, "uri": store.address(one["path"], None)} for one in content["files"]]
    known = ((one["location"], _entered(one["version"], engine)) for one in content["parents"])
    parents = [json.loads(found) for where, path in known if (found := store_of(where).read(path)) is not None]
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what this program says is read by others
            made = entering.enter(engine, name, {**_facts(location, version), "location": location}, files, parents)
    except Exception as error:  # of whatever client
        why = f"{type(error).__name__}: {error}"
        raise DatasetError(
            f"version {version.number} is published, and {engine} does not take it: {why}; run this again"
        ) from error
    if made:
        with contextlib.suppress(TakenError):
            store.create(_entered(version.number, engine), json.dumps(made).encode())


def _entered(number: int, engine: str) -> str:
    """Name the note beside a version; its name does not end as one of a version does, which starts pipelines."""
    return f"{VERSIONS}{number}.{engine}"


def run(given: argparse.Namespace) -> Iterator[str]:
    """Do what the command line says, and say what came of it."""
    store = store_of(given.location)
    if given.what == "publish":
        made = publish(store, [parent(told) for told in given.parent])
        if given.asset:
            register(given.asset, given.location, made)
        for engine in ENGINES:
            if name := getattr(given, engine):
                enter(engine, name, given.location, made)
        yield _told(given.location, made)
    elif given.what == "resolve":
        yield _told(given.location, resolve(store, given.version))
    elif given.what == "files":
        for one in resolve(store, given.version).content["files"]:
            yield json.dumps({**one, "uri": store.address(one["path"], one["id"])})
    elif given.what == "fetch":
        found = resolve(store, given.version)
        fetch(store, found, Path(given.folder))
        yield _told(given.location, found)
    else:
        yield from expire(store, given.days, partitions=given.partitions)


def _told(location: str, version: Version) -> str:
    return json.dumps({**_facts(location, version), "files": len(version.content["files"])})


def _facts(location: str, version: Version) -> dict[str, Any]:
    content = version.content
    facts = {key: content[key] for key in ("time", "digest", "parents")}
    return {"number": version.number, **facts, "manifest": f"{location}{VERSIONS}{version.number}.json"}


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    whole = argparse.ArgumentParser(prog="dataset.py", description="Publish and read versions of a dataset.")
    verbs = whole.add_subparsers(dest="what", required=True)
    for verb, does in (
        ("publish", "list what is there as the next version"),
        ("resolve", "say which version is meant"),
        ("files", "list the files of a version, a line each"),
        ("fetch", "write the files of a version into a folder"),
        ("expire", "delete what is older than the retention"),
    ):
        one = verbs.add_parser(verb, help=does)
        one.add_argument("location", help="address of the folder, which ends in a slash")
        if verb in ("resolve", "files", "fetch"):
            one.add_argument("version", nargs="?" if verb != "fetch" else None, default="latest")
        if verb == "fetch":
            one.add_argument("folder")
        if verb == "publish":
            one.add_argument("--parent", action="append", default=[], help="address@version of what it is made of")
            one.add_argument("--asset", default="", help="id of the data asset of Azure Machine Learning")
            for engine in ENGINES:
                one.add_argument(f"--{engine}", default="", metavar="NAME", help="enter it there as well, as NAME")
        if verb == "expire":
            one.add_argument("--days", type=int, required=True)
            one.add_argument("--partitions", action="store_true", help="by partitions, not by versions")
    return whole


def main(arguments: Sequence[str]) -> int:
    """Run, and tell an error in one line."""
    given = parser().parse_args(arguments)
    try:
        for line in run(given):
            sys.stdout.write(line + "\n")
    except DatasetError as error:
        sys.stderr.write(f"{given.location}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
