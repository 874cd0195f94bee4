"""Which kinds the apiserver has, and where they are."""

import threading
from dataclasses import dataclass

from pulumi_mlops_sandbox.kubernetes.provider.client import Client, StatusError
from pulumi_mlops_sandbox.provider.contract import ProviderError

_NOT_FOUND = 404
BUILT_IN = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""The groups that the apiserver itself serves: it rewrites quantities and leaves out zero values."""


class NoMatch(ProviderError):  # noqa: N818 - a finding, often not an error
    """The apiserver has no such kind (yet)."""


@dataclass(frozen=True)
class Gvk:
    """Group, version and kind."""

    api_version: str
    kind: str

    @property
    def group(self) -> str:
        """The API group, empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def built_in(self) -> bool:
        """Say whether the apiserver itself serves the kind."""
        return self.group in BUILT_IN

    @property
    def secret(self) -> bool:
        """Say whether objects of this kind hold secrets."""
        return (self.api_version, self.kind) == ("v1", "Secret")

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"


@dataclass(frozen=True)
class Api:
    """A kind that the apiserver has."""

    gvk: Gvk
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of an object, or of all of them."""
        root = f"/apis/{self.gvk.api_version}" if self.gvk.group else f"/api/{self.gvk.api_version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{place}/{self.plural}" + (f"/{name}" if name else "")


class Discovery:
    """The kinds, asked once for each group and version, and again when one is missed."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Api]] = {}

    def find(self, gvk: Gvk) -> Api:
        """Return a kind, or raise :class:`NoMatch`."""
        with self._lock:
            found = self._known.get(gvk.api_version, {}).get(gvk.kind)
            if found is None:
                self._known[gvk.api_version] = self._asked(gvk.api_version)
                found = self._known[gvk.api_version].get(gvk.kind)
        if found is None:
            raise NoMatch(
                f"the cluster has no kind {gvk}: is its CustomResourceDefinition installed, and in this version? "
                "Objects must depend on the definition where one program makes both"
            )
        return found

    def _asked(self, api_version: str) -> dict[str, Api]:
        root = "/apis" if "/" in api_version else "/api"
        try:
            answer = self._client.get(f"{root}/{api_version}")
        except StatusError as error:
            if error.code == _NOT_FOUND:
                return {}
            raise
        return {
            item["kind"]: Api(Gvk(api_version, item["kind"]), item["name"], bool(item["namespaced"]))
            for item in answer.get("resources") or []
            if "/" not in item["name"]
        }
