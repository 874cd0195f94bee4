"""Servers that a cluster would run, played by a thread: MLflow's registry, Feast, a model, the cluster's own API."""

import json
import re
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


class Played:
    """A server that answers by its ``answer``; what it is asked is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[Callable[[BaseHTTPRequestHandler], None]] = []
        """What becomes of the next requests, instead of an answer."""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), name=type(self).__name__, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, _method: str, _path: str, _query: dict[str, str], _body: Any) -> Answer:
        raise NotImplementedError

    def fail(self, *statuses: int, after: str = "") -> None:
        """Answer the next requests by these, one after the other."""

        def failing(status: int) -> Callable[[BaseHTTPRequestHandler], None]:
            def answer(handler: BaseHTTPRequestHandler) -> None:
                handler.send_response(status)
                if after:
                    handler.send_header("Retry-After", after)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            return answer

        self.faults += [failing(status) for status in statuses]

    def hang_up(self) -> None:
        """Close the connection of the next request without an answer."""
        self.faults.append(lambda handler: setattr(handler, "close_connection", True))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                parts = urllib.parse.urlsplit(self.path)
                is_json = "json" in (self.headers.get("Content-Type") or "")
                body = json.loads(raw) if raw and is_json else raw
                played.asked.append((self.command, parts.path, body))
                played.headers.append({key.lower(): value for key, value in self.headers.items()})
                if played.faults:
                    played.faults.pop(0)(self)
                    return
                query = dict(urllib.parse.parse_qsl(parts.query))
                status, said = played.answer(self.command, parts.path, query, body)
                if callable(said):
                    said(self)
                    return
                text = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = handle_one  # noqa: N815 (the names are the server's)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 (the names are the server's)
                return

        return Handler


class Mlflow(Played):
    """MLflow's registry, as far as the client asks it."""

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, list[dict[str, Any]]] = {"people": []}
        self.files: dict[str, bytes] = {}
        self.runs: dict[str, dict[str, Any]] = {}

    def answer(self, _method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        asked = path.removeprefix("/api/2.0/")
        if asked.startswith("mlflow-artifacts/artifacts/"):
            self.files[asked.removeprefix("mlflow-artifacts/artifacts/")] = body
            return 200, {}
        found: Answer = getattr(self, f"_{asked.removeprefix('mlflow/').replace('/', '_').replace('-', '_')}")(
            {**query, **(body or {})} if isinstance(body, dict) or not body else query
        )
        return found

    def _model_versions_create(self, asked: dict[str, Any]) -> Answer:
        versions = self.models.get(asked["name"])
        if versions is None:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        if asked["source"].startswith("mlflow-artifacts:"):  # for what a run has left only
            return 400, {"error_code": "INVALID_PARAMETER_VALUE"}
        versions.append(
            {
                "name": asked["name"],
                "version": str(len(versions) + 1),
                "source": asked["source"],
                "creation_timestamp": 1764500000000,
                "tags": asked["tags"],
            }
        )
        return 200, {"model_version": versions[-1]}

    def _model_versions_search(self, asked: dict[str, Any]) -> Answer:
        (name,) = re.findall(r"name = '([^']+)'", asked["filter"])
        wanted = re.findall(r"tags\.`([^`]+)` = '([^']+)'", asked["filter"])
        found = [
            one
            for one in reversed(self.models.get(name, []))
            if all({"key": key, "value": value} in one["tags"] for key, value in wanted)
        ]
        return 200, {"model_versions": found}

    def _model_versions_get(self, asked: dict[str, Any]) -> Answer:
        found = [one for one in self.models.get(asked["name"], []) if one["version"] == str(asked["version"])]
        return (200, {"model_version": found[0]}) if found else (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})

    def _model_versions_set_tag(self, asked: dict[str, Any]) -> Answer:
        status, found = self._model_versions_get(asked)
        if status == 200:
            version = found["model_version"]
            version["tags"] = [one for one in version["tags"] if one["key"] != asked["key"]]
            version["tags"].append({"key": asked["key"], "value": asked["value"]})
        return status, {}

    def _runs_get(self, asked: dict[str, Any]) -> Answer:
        return 200, {"run": self.runs[asked["run_id"]]}


class Cluster(Played):
    """A cluster's API server with these objects, by path."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, Any] = {}

    def answer(self, _method: str, path: str, _query: dict[str, str], _body: Any) -> Answer:
        if path.endswith("/selfsubjectreviews"):
            return 201, {"status": {"userInfo": {"username": "alice@example.com"}}}
        found = self.objects.get(path)
        return (404, {"message": "not found"}) if found is None else (200, found)


class Store(Played):
    """An object store with these objects, by bucket and key."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}

    def answer(self, _method: str, path: str, _query: dict[str, str], _body: Any) -> Answer:
        found = self.objects.get(path.removeprefix("/"))
        return (404, {}) if found is None else (200, found)


class Model(Played):
    """A model server: it says what it was asked, and in pieces where the question says so."""

    def answer(self, _method: str, path: str, _query: dict[str, str], body: Any) -> Answer:
        if path != "/invocations":
            return 404, {"error": f"there is nothing at {path}"}
        if isinstance(body, dict) and "refuse" in body:
            return 400, {"error": body["refuse"]}
        if isinstance(body, dict) and "stream" in body:
            return 200, lambda handler: self._pieces(handler, body["stream"])
        if isinstance(body, dict) and "instances" in body:
            return 200, {"predictions": [row.get("age") for row in body["instances"]][: body.get("most")]}
        return 200, {"asked": body.decode() if isinstance(body, bytes) else body}

    @staticmethod
    def _pieces(handler: BaseHTTPRequestHandler, pieces: list[str | None]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            if piece is None:  # it breaks off
                handler.close_connection = True
                return
            handler.wfile.write(f"{len(piece):x}\r\n{piece}\r\n".encode())
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")


def _kept(name: str, value: Any) -> Any:
    """Feast keeps a time that is missing as a number."""
    return -(2**63) if name == "since" and value is None else value


class Feast(Played):
    """Feast's server with one view, which keeps the newest row of a key."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Any, dict[str, Any]] = {}

    def answer(self, _method: str, path: str, _query: dict[str, str], body: Any) -> Answer:
        if path == "/push":
            columns = body["df"]
            for name in ("age", "since"):  # pandas makes another type of a column with a gap, and Feast loses its times
                assert len({value is None for value in columns[name]}) == 1, f"{name} has gaps"
            for row in (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)):
                known = self.rows.get(row["id"])
                if known is None or known["at"] <= row["at"]:
                    self.rows[row["id"]] = row
            return 200, None
        keys, names = body["entities"]["id"], [name.removeprefix("profile:") for name in body["features"]]
        found = [self.rows.get(key) for key in keys]
        results = [
            {
                "values": [row and _kept(name, row.get(name)) for row in found],
                "statuses": ["PRESENT" for _ in found],
                "event_timestamps": [row["at"] if row else "1970-01-01T00:00:00Z" for row in found],
            }
            for name in names
        ]
        head = {"values": keys, "statuses": ["PRESENT"] * len(keys), "event_timestamps": [""] * len(keys)}
        return 200, {"metadata": {"feature_names": ["id", *names]}, "results": [head, *results]}
