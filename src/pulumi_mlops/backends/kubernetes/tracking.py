"""What an MLflow server says of versions, asked while the program runs.

It is reached through the API server, by the port-forward of `kubectl`, with the admin's password out of the cluster: no
more than the kubeconfig is needed. Where that is not given, ``MLFLOW_TRACKING_URI_<REGISTRY>``, with
``MLFLOW_TRACKING_USERNAME_<REGISTRY>`` and ``MLFLOW_TRACKING_PASSWORD_<REGISTRY>``, says another way.

MLflow's own ``MLFLOW_TRACKING_URI`` counts for the registry whose address at the gateway it is, and for no other: it
may be of another server, whose versions are not the ones that the program names.
"""

import base64
import contextlib
import json
import os
import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote, urlencode, urlsplit

import pulumi

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.addresses import Door, ModelAddress
from pulumi_mlops.backends.kubernetes.gateway import Gateway
from pulumi_mlops.backends.kubernetes.objects import namespace_name
from pulumi_mlops.clients.patience import PassingError, Patience
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError, Unavailable
from pulumi_mlops.core.workload import RECORD_OF_VERSION

PORT = 5000
APPROVAL = "approval"
"""The tag of a version that says whether it is approved."""
IMAGE = "serving_image"
"""The tag of a version that names the image which serves it."""
_SECONDS = 30
_PAGE = 100
_PATIENCE = Patience(tries=3)


@dataclass(frozen=True)
class Version:
    """A version of a model."""

    number: int
    metrics: Mapping[str, object]
    source: str
    """Where its files are."""
    image: str | None
    record: str | None = None
    """Where the record of the step is that made its files."""


class Forwarded(HTTPConnection):
    """HTTP over whatever socket is opened for it."""

    def __init__(self, opened: Callable[[], socket.socket]) -> None:
        super().__init__("localhost", PORT, timeout=_SECONDS)
        self.opened = opened

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self.opened()


class Tracking:
    """An MLflow server that can be asked."""

    def __init__(self, name: str, connection: HTTPConnection, login: tuple[str, str] | None, prefix: str = "") -> None:
        self.name, self.connection, self.prefix = name, connection, prefix
        self.headers = {"Accept": "application/json"}
        if login:
            self.headers["Authorization"] = f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any] | None:
        """Ask the REST API; None where there is no such thing."""
        return self._asked("GET", f"mlflow/{path}?{urlencode(query)}")

    def post(self, path: str, *, repeatable: bool, **body: Any) -> dict[str, Any] | None:
        """Have the REST API change something; None where there is no such thing.

        :param repeatable: whether doing it twice is doing it once.
        """
        return self._asked("POST", f"mlflow/{path}", json.dumps(body).encode(), repeatable=repeatable)

    def put(self, path: str, content: Path) -> None:
        """Give the server a file, which it keeps below a path of its own."""
        if self._asked("PUT", f"mlflow-artifacts/artifacts/{quote(path)}", content) is None:
            raise MlopsError(f"The model registry {self.name} keeps no files itself: it has no mlflow-artifacts.")

    def _asked(
        self, method: str, path: str, body: bytes | Path | None = None, *, repeatable: bool = True
    ) -> dict[str, Any] | None:
        what = f"The model registry {self.name}"
        try:
            return _PATIENCE.ask(what, lambda: self._opened(method, path, body), repeatable=repeatable)
        except Unavailable as error:
            told = f"{error} Look at its pods, or name its address in MLFLOW_TRACKING_URI_<REGISTRY>"
            raise type(error)(told) from error.__cause__

    def _opened(self, method: str, path: str, body: bytes | Path | None) -> dict[str, Any] | None:
        if not isinstance(body, Path):
            return self._sent(method, path, body, {} if body is None else {"Content-Type": "application/json"})
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(body.stat().st_size)}
        with body.open("rb") as file:
            return self._sent(method, path, file, headers)

    def _sent(
        self, method: str, path: str, body: bytes | IO[bytes] | None, headers: Mapping[str, str]
    ) -> dict[str, Any] | None:
        try:
            if self.connection.sock is None:
                self.connection.connect()
        except (OSError, HTTPException) as error:
            raise PassingError("unreached", f"does not answer: {error or type(error).__name__}") from error
        try:
            where = f"{self.prefix}/api/2.0/{path}"
            self.connection.request(method, where, body=body, headers={**self.headers, **headers})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, HTTPException) as error:
            self.connection.close()  # the next request opens another one
            late = isinstance(error, TimeoutError)
            told = f"does not answer: {error or type(error).__name__}"
            raise PassingError("late" if late else "broken", told) from error
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            raise PassingError("busy", f"is busy: {answer.status} {answer.reason}")
        if answer.status != HTTPStatus.OK:
            asked = path.partition("?")[0].removeprefix("mlflow/")
            raise MlopsError(
                f"The model registry {self.name} refused {asked}: {answer.status} {answer.reason}. Look at "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or at the registry's Secret"
            )
        return cast("dict[str, Any]", json.loads(text) if text.strip() else {})


def server(model: ModelRef) -> Tracking | None:
    """Return the server of a model's registry; None under mocks, and while it is not there or not ready."""
    if private.mocked():
        return None
    address = ModelAddress.of(model)
    way = _way(model.platform, address.registry)
    if way.address:
        return _given(way)
    if address.door is not None:
        theirs = address.door
        return Tracking(address.registry, Forwarded(lambda: forward(model.platform, theirs)), way.login)
    name = f"{ModelAddress.of(model).registry}-mlflow"
    deployment = live.namespaced(model.platform, "apps/v1", "deployments", name)
    if not (deployment or {}).get("status", {}).get("availableReplicas"):
        return None
    keys = live.namespaced(model.platform, "v1", "secrets", name) or {"data": {}}
    password = base64.b64decode(keys["data"].get("password", "")).decode()
    pods = {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/instance": address.registry}
    door = Door(address.registry, PORT, pods)
    return Tracking(name, Forwarded(lambda: forward(model.platform, door)), ("admin", password))


@dataclass(frozen=True)
class _Way:
    """What the environment says of the way to a registry."""

    variable: str
    address: str | None
    login: tuple[str, str] | None


def _way(platform: PlatformRef, registry: str) -> _Way:
    """Read the variables of this registry, else MLflow's own where they are about it."""
    suffix = f"_{registry.upper().replace('-', '_')}"
    variable = f"MLFLOW_TRACKING_URI{suffix}"
    if (given := os.environ.get(variable)) or _login(suffix):
        return _Way(variable, given, _login(suffix))
    usual = os.environ.get("MLFLOW_TRACKING_URI")
    gateway = Gateway.of(platform)
    if usual and (gateway is None or urlsplit(usual).hostname != gateway.host(registry)):
        said = f"MLFLOW_TRACKING_URI is not about registry {registry!r}, and is not looked at; {variable} would be"
        if pulumi.runtime.is_dry_run():
            private.once(said, lambda: pulumi.log.info(said))
        return _Way(variable, None, None)
    return _Way("MLFLOW_TRACKING_URI", usual, _login(""))


def _login(suffix: str) -> tuple[str, str] | None:
    """Return the login that the environment names, if it names one."""
    user, password = (os.environ.get(f"MLFLOW_TRACKING_{word}{suffix}") for word in ("USERNAME", "PASSWORD"))
    return (user, password) if user and password else None


def _given(way: _Way) -> Tracking:
    address = way.address or ""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MlopsError(f"{way.variable} is {address!r}; write an http or https address")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    return Tracking(
        parts.hostname, kind(parts.hostname, parts.port, timeout=_SECONDS), way.login, prefix=parts.path.rstrip("/")
    )


def forward(platform: PlatformRef, door: Door) -> socket.socket:
    """Open a way to a ready pod, as `kubectl port-forward` does."""
    from kubernetes.client import CoreV1Api  # noqa: PLC0415 (only programs that ask pay for it)
    from kubernetes.stream import portforward  # noqa: PLC0415 (as above)

    cluster = live.of(platform)
    assert cluster is not None  # noqa: S101 (asked for above)
    space = door.namespace or namespace_name(platform.name, platform.stage)
    selector = ",".join(f"{key}={value}" for key, value in (door.pods or {}).items())
    found = cluster.get(f"/api/v1/namespaces/{space}/pods", labelSelector=selector) or {"items": []}
    for pod in found["items"]:
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
        if conditions.get("Ready") == "True" and not pod["metadata"].get("deletionTimestamp"):
            made = portforward(
                CoreV1Api(cluster.client).connect_get_namespaced_pod_portforward,
                pod["metadata"]["name"],
                space,
                ports=str(door.port),
            )
            return cast("socket.socket", made.socket(door.port))
    raise OSError("no pod of it is ready")


def has_model(model: ModelRef) -> bool | None:
    """Tell whether there is a model of this name; None where its server cannot be asked."""
    found = server(model)
    if found is None:
        return None
    with contextlib.closing(found):
        return found.get("registered-models/get", name=ModelAddress.of(model).model) is not None


def approved(model: ModelRef) -> Generator[Version, None, None]:
    """Yield the approved versions, newest first."""
    found = server(model)
    if found is None:
        return
    query: dict[str, str | int] = {
        "filter": f"name = '{ModelAddress.of(model).model}' AND tags.{APPROVAL} = 'Approved'",
        "order_by": "version_number DESC",
        "max_results": _PAGE,
    }
    with contextlib.closing(found):
        page = found.get("model-versions/search", **query) or {}
        while True:
            for version in page.get("model_versions", []):
                yield _version(found, version)
            if not (token := page.get("next_page_token")):
                return
            page = found.get("model-versions/search", **query, page_token=token) or {}


def version(model: ModelRef, number: int) -> Version | None:
    """Return one version, approved or not."""
    found = server(model)
    if found is None:
        return None
    with contextlib.closing(found):
        answer = found.get("model-versions/get", name=ModelAddress.of(model).model, version=number)
        return _version(found, answer["model_version"]) if answer else None


def _version(server: Tracking, version: dict[str, Any]) -> Version:
    tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
    metrics: dict[str, object] = {}
    if run := version.get("run_id"):
        data = (server.get("runs/get", run_id=run) or {}).get("run", {}).get("data", {})
        metrics = {metric["key"]: metric["value"] for metric in data.get("metrics", [])}
    name, number = version["name"], int(version["version"])
    where = server.get("model-versions/get-download-uri", name=name, version=number) or {}
    source = str(where.get("artifact_uri", ""))
    return Version(number, {**metrics, **tags}, source, tags.get(IMAGE), tags.get(RECORD_OF_VERSION))
