"""What is in the cluster now, asked while the program runs, with the credentials that the provider uses.

Some answers decide what a program declares or refuses: which operators there are, whose the namespace is, which
version serves. Under Pulumi's mocks nothing is asked.
"""

import functools
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlencode

import pulumi

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.kubeconfig import client
from pulumi_mlops.backends.kubernetes.objects import namespace_name
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import InvalidArgs, MlopsError, Problem

_SECONDS = 15


def kubeconfig() -> str | None:
    """Return what ``kubernetes:kubeconfig`` says, a path or the text itself; the environment decides unless told."""
    return pulumi.Config("kubernetes").get("kubeconfig")


def default_context() -> str | None:
    """Return what ``kubernetes:context`` says; the kubeconfig's own current context decides unless told."""
    return pulumi.Config("kubernetes").get("context")


class Cluster:
    """A cluster that can be asked."""

    def __init__(self, context: str | None) -> None:
        self.context = context
        try:
            self.client = client(kubeconfig(), context, pulumi.Config("kubernetes").get("cluster"))
        except Exception as error:  # a kubeconfig can be wrong in many ways, all of them the user's to mend
            raise MlopsError(
                f"The kubeconfig gives no way to a cluster{self._which}: {error}. Look at it with: kubectl config "
                "get-contexts; name a context with: pulumi config set kubernetes:context NAME"
            ) from error

    @property
    def _which(self) -> str:
        return f" (context {self.context!r})" if self.context else ""

    @property
    def server(self) -> str:
        """The address of its API server."""
        return str(self.client.configuration.host)

    @functools.cached_property
    def uid(self) -> str | None:
        """What tells it from every other cluster; nothing where this program may not read it."""
        try:
            found = self.get("/api/v1/namespaces/kube-system")
        except MlopsError:  # a team's account may see its own namespace only
            return None
        return str(found["metadata"]["uid"]) if found and found["metadata"].get("uid") else None

    def _refused(self, method: str, path: str, status: int, told: str) -> str:
        where = f"The cluster at {self.server}{self._which}"
        if status == HTTPStatus.UNAUTHORIZED:
            return (
                f"{where} does not take the credentials of this program's kubeconfig: {told}. Log in again, and look "
                "with: kubectl auth whoami"
            )
        if status == HTTPStatus.FORBIDDEN:
            verb = "read" if method == "GET" else "make an object in"
            return f"{where} does not let this program {verb} {path}: {told}. Look with: kubectl auth can-i --list"
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return f"{where} could not answer about {path}: {told}. Run pulumi up again later"
        return f"{where} refused to be asked about {path}: {told}"

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """Read an object or a list by its path; None where there is no such thing."""
        text = self.text(path, **query)
        found: dict[str, Any] | None = None if text is None else json.loads(text)
        return found

    def text(self, path: str, **query: str) -> str | None:
        """Read what is no object, such as a log; None where there is no such thing."""
        return self._sent("GET", f"{path}?{urlencode(query)}" if query else path)

    def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Make an object in a list by its path; None where there is no such list."""
        text = self._sent("POST", path, body)
        found: dict[str, Any] | None = None if text is None else json.loads(text)
        return found

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> str | None:
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 (as above)

        bare = path.partition("?")[0]
        headers = {"Accept": "application/json, */*", "Content-Type": "application/json", **self.client.default_headers}
        self.client.update_params_for_auth(headers, [], ["BearerToken"], bare, method, body)
        try:
            answer = self.client.call_api(
                method, f"{self.server}{path}", header_params=headers, body=body, _request_timeout=_SECONDS
            )
            text: bytes = cast("Any", answer).read()
        except HTTPError as error:
            reason = str(getattr(error, "reason", error)).rsplit(": ", 1)[-1]
            raise MlopsError(
                f"The cluster at {self.server}{self._which} does not answer: {reason}. Start it, or name another "
                "context with: pulumi config set kubernetes:context NAME"
            ) from error
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise MlopsError(self._refused(method, bare, answer.status, f"{answer.status} {answer.reason}{_why(text)}"))
        return text.decode(errors="replace")


def _why(text: bytes) -> str:
    """Return what the API server says beside a status."""
    try:
        said = json.loads(text).get("message", "")
    except (ValueError, AttributeError):
        return ""
    return f" ({said})" if said else ""


def _settings() -> tuple[str | None, str | None]:
    """Return what the stack says of the kubeconfig, and of the cluster in it."""
    return kubeconfig(), pulumi.Config("kubernetes").get("cluster")


def _cluster(context: str | None) -> Cluster:
    return _known(context, *_settings())


@functools.cache
def _known(context: str | None, _kubeconfig: str | None, _name: str | None) -> Cluster:
    """Make each cluster once; a client of two stacks may meet several behind one name of a context."""
    return Cluster(context)


def cluster(context: str | None) -> Cluster | None:
    """Return the cluster of a context, or nothing under mocks."""
    return None if private.mocked() else _cluster(context or default_context())


def of(platform: PlatformRef) -> Cluster | None:
    """Return the platform's cluster, or nothing under mocks."""
    return cluster(context_of(platform))


def context_of(platform: PlatformRef) -> str | None:
    """Return the context of this program's kubeconfig that leads to the platform's cluster.

    The owner may call its context otherwise: the program's own context is looked at first, then the
    one of the owner's name.

    :raises InvalidArgs: neither leads there.
    """
    address = PlatformAddress.of(platform)
    if platform.native or private.mocked() or address.server is None:
        return address.context
    return _leads(platform.name, address.context, address.cluster, address.server, default_context(), *_settings())


@functools.cache
def _leads(
    name: str,
    context: str | None,
    uid: str | None,
    server: str,
    own: str | None,
    _kubeconfig: str | None = None,
    _cluster_name: str | None = None,
) -> str | None:
    seen: list[str] = []
    for candidate in dict.fromkeys((own, context)):
        try:
            found = _cluster(candidate)
        except MlopsError:  # the kubeconfig has no such context
            continue
        # Addresses can be those of tunnels, which several clusters share: the uid decides where both are known.
        if found.uid == uid if uid and found.uid else found.server == server:
            return candidate
        seen.append(f"{found.server}" + (f" (context {candidate!r})" if candidate else ""))
    raise InvalidArgs(
        "Platform",
        name,
        [
            Problem(
                "platform",
                f"is in the cluster at {server}, and this program's kubeconfig leads to "
                f"{' and '.join(seen) or 'no cluster'}; run: pulumi config set kubernetes:context NAME, with a context "
                "that leads there",
            )
        ],
    )


def namespaced(platform: PlatformRef, group_version: str, plural: str, name: str = "", **query: str) -> Any:
    """Read an object of the platform's namespace, or the objects that a query finds; None where there is none.

    :param group_version: such as ``v1`` or ``apps/v1``.
    """
    found = of(platform)
    if found is None:
        return None
    where = namespace_name(platform.name, platform.stage)
    root = f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"
    return found.get(f"{root}/namespaces/{where}/{plural}{f'/{name}' if name else ''}", **query)


def served(context: str | None, group_version: str) -> Mapping[str, Any] | None:
    """Describe what a group and version of the API serve; None where it is not there. Needs no right."""
    found = cluster(context)
    return None if found is None else found.get(f"/apis/{group_version}") or {}


@functools.cache
def _schemas(context: str | None, group_version: str) -> Mapping[str, Any]:
    found = cluster(context)
    document = (found.get(f"/openapi/v3/apis/{group_version}") if found else None) or {}
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    return schemas


def has_field(context: str | None, group_version: str, kind: str, field: str) -> bool:
    """Whether a kind has a field, given with dots, and with ``[]`` after a list. Needs no right."""
    group, _, version = group_version.partition("/")
    for schema in _schemas(context, group_version).values():
        names = schema.get("x-kubernetes-group-version-kind", [])
        if not any((name["group"], name["version"], name["kind"]) == (group, version, kind) for name in names):
            continue
        here = schema
        for step in field.split("."):
            here = here.get("properties", {}).get(step.removesuffix("[]"))
            if here is not None and step.endswith("[]"):
                here = here.get("items")
            if here is None:
                return False
        return True
    return False
