"""The program that publishes versions, by Microsoft's own client, before a server that speaks as Azure Storage does."""

import json
import threading
import xml.sax.saxutils
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from azure.storage.blob import ContainerClient

from pulumi_mlops.jobs import dataset

LOCATION = "https://rows.blob.core.windows.net/files/sales/"
CONTAINER = "/rows/files/"
NOW = formatdate(1764496800, usegmt=True)


@dataclass
class Blobs:
    """What a container with versions holds."""

    kept: dict[str, list[bytes]] = field(default_factory=dict)
    registered: list[tuple[str, Any, str]] = field(default_factory=list)
    server: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def put(self, name: str, content: bytes) -> None:
        self.kept.setdefault(name, []).append(content)

    def page(self, prefix: str, delimiter: str = "") -> bytes:
        entries = "".join(
            f"<Blob><Name>{xml.sax.saxutils.escape(name)}</Name><VersionId>{number}</VersionId>"
            + ("<IsCurrentVersion>true</IsCurrentVersion>" if number == len(versions) else "")
            + f"<Properties><Last-Modified>{NOW}</Last-Modified><Etag>{hash(content)}</Etag>"
            f"<Content-Length>{len(content)}</Content-Length><BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, versions in sorted(self.kept.items())
            if name.startswith(prefix) and not (delimiter and delimiter in name[len(prefix) :])
            for number, content in enumerate(versions, 1)
        )
        below = (name[len(prefix) :] for name in self.kept if delimiter and name.startswith(prefix))
        folders = sorted({prefix + one.partition(delimiter)[0] + delimiter for one in below if delimiter in one})
        entries += "".join(f"<BlobPrefix><Name>{one}</Name></BlobPrefix>" for one in folders)
        listed = f"<EnumerationResults><Blobs>{entries}</Blobs><NextMarker/></EnumerationResults>"
        return f'<?xml version="1.0"?>{listed}'.encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blobs: Blobs

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def tell(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(content)),
            "Last-Modified": NOW,
            "ETag": '"e"',
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        if asked.get("comp") == ["list"]:
            self.tell(
                200,
                self.blobs.page(asked["prefix"][0], asked.get("delimiter", [""])[0]),
                Content_Type="application/xml",
            )
            return
        versions = self.blobs.kept.get(unquote(parts.path).removeprefix(CONTAINER))
        number = int(asked.get("versionid", [str(len(versions or []))])[0])
        if not versions or number > len(versions):
            self.tell(404, x_ms_error_code="BlobNotFound")
            return
        content = versions[number - 1]
        whole = f"bytes 0-{len(content) - 1}/{len(content)}"
        self.tell(
            206, content, Content_Range=whole, x_ms_blob_type="BlockBlob", Content_Type="application/octet-stream"
        )

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/subscriptions/"):
            self.blobs.registered.append((self.path, json.loads(body), self.headers["Authorization"]))
            self.tell(201, b"{}")
            return
        name = unquote(urlsplit(self.path).path).removeprefix(CONTAINER)
        if self.headers.get("If-None-Match") == "*" and name in self.blobs.kept:
            self.tell(409, x_ms_error_code="BlobAlreadyExists")
            return
        self.blobs.put(name, body)
        self.tell(201)

    def do_DELETE(self) -> None:
        gone = self.blobs.kept.pop(unquote(urlsplit(self.path).path).removeprefix(CONTAINER), None)
        self.tell(202 if gone else 404, **({} if gone else {"x_ms_error_code": "BlobNotFound"}))


class Token:
    """A login whose token says for whom it is."""

    def get_token(self, scope: str) -> Any:
        return type("Answer", (), {"token": f"for {scope}"})()


@pytest.fixture
def blobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Blobs]:
    found = Blobs()
    found.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Serving", (Handler,), {"blobs": found}))
    serving = threading.Thread(target=found.server.serve_forever)
    serving.start()
    here = f"{found.url}{CONTAINER.rstrip('/')}"

    def opened(url: str, credential: Any) -> ContainerClient:
        assert url == "https://rows.blob.core.windows.net/files"
        assert isinstance(credential, Token)
        return from_url(here, credential=None)

    from_url = ContainerClient.from_container_url
    monkeypatch.setattr(ContainerClient, "from_container_url", opened)
    monkeypatch.setattr(dataset, "_azure", Token)
    monkeypatch.setenv("MLOPS_AZURE_MANAGEMENT", found.url)
    yield found
    found.server.shutdown()
    serving.join()
    found.server.server_close()


def test_versions_are_of_files_as_they_were(blobs: Blobs, tmp_path: Path) -> None:
    blobs.put("sales/dt=2026-11-29/a b.parquet", b"old")
    blobs.put("others/a", b"not ours")
    store = dataset.store_of(LOCATION)
    first = dataset.publish(store)
    blobs.put("sales/dt=2026-11-29/a b.parquet", b"new")
    second = dataset.publish(store)
    assert (first.number, second.number, dataset.publish(store).number) == (1, 2, 2)
    assert [one["id"] for made in (first, second) for one in made.content["files"]] == ["1", "2"]
    for made, content in ((first, b"old"), (second, b"new")):
        dataset.fetch(store, dataset.resolve(store, str(made.number)), tmp_path)
        assert (tmp_path / "dt=2026-11-29" / "a b.parquet").read_bytes() == content
    (file,) = second.content["files"]
    assert store.address(file["path"], file["id"]) == f"{LOCATION}dt%3D2026-11-29/a%20b.parquet?versionid=2"


def test_a_number_is_written_once(blobs: Blobs) -> None:
    store = dataset.store_of(LOCATION)
    blobs.put("sales/_versions/1.json", b"{}")
    with pytest.raises(dataset.TakenError):
        store.create("_versions/1.json", b"mine")
    assert blobs.kept["sales/_versions/1.json"] == [b"{}"]


def test_what_is_not_there_is_told(blobs: Blobs, tmp_path: Path) -> None:
    store = dataset.store_of(LOCATION)
    assert store.read("nothing") is None
    assert not store.save("nothing", "7", tmp_path / "it")
    store.delete("nothing")
    blobs.put("sales/a", b"1")
    made = dataset.publish(store)
    store.delete("a")
    with pytest.raises(dataset.DatasetError, match="not there any more"):
        dataset.fetch(store, made, tmp_path)


def test_a_version_is_registered_with_the_data_asset(blobs: Blobs) -> None:
    blobs.put("sales/a", b"1")
    asset = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/data/rows"
    assert dataset.main(["publish", LOCATION, "--asset", asset]) == 0
    ((path, body, login),) = blobs.registered
    assert path.partition("?")[0] == f"{asset}/versions/1"
    assert login == "Bearer for https://management.azure.com/.default"
    said = body["properties"]
    assert (said["dataType"], said["dataUri"]) == ("uri_folder", LOCATION)
    assert said["properties"]["mlops-manifest"] == f"{LOCATION}_versions/1.json"


def test_an_address_that_is_no_storage_is_refused() -> None:
    with pytest.raises(dataset.DatasetError, match="is not the address of a folder of Azure Storage"):
        dataset.store_of("https://example.com/rows/")


def test_one_level_of_a_folder_is_listed_without_those_below(blobs: Blobs) -> None:
    for name in ("sales/a.json", "sales/2026/11/a.json", "sales/2026/12/b.json", "other/a"):
        blobs.put(name, b"{}")
    folders, files = dataset.store_of(LOCATION).level("")
    assert (list(folders), [one.path for one in files]) == (["2026/"], ["a.json"])
    assert list(dataset.store_of(LOCATION).level("2026/")[0]) == ["2026/11/", "2026/12/"]
