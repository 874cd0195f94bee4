"""The cluster as the protocol half sees it: configuration, and the few calls of which everything is made."""

import importlib.metadata
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from pulumi_mlops_sandbox.kubernetes.provider import failures, kubeconfig
from pulumi_mlops_sandbox.kubernetes.provider.client import APPLY, JSON_PATCH, Client, Object, StatusError
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Api, Discovery, Gvk, NoMatch
from pulumi_mlops_sandbox.provider.contract import Missing, ProviderError, Values
from pulumi_mlops_sandbox.provider.values import UNKNOWN, plain

SWITCHES: Final[Mapping[str, str]] = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
"""Configuration that is on or off, and the variable of the environment that says so where the program does not."""
CONFIG: Final = frozenset({"cluster", "clusterIdentifier", "context", "kubeconfig", "namespace", *SWITCHES})
MOOT: Final[Mapping[str, str]] = {
    "alwaysRender": "nothing is rendered",
    "enableServerSideApply": "it is always on; without it is refused",
    "helmReleaseSettings": "there is no Helm",
    "kubeClientSettings": "a local apiserver needs no rate limit",
    "skipUpdateUnreachable": "a sandbox that does not run is started",
    "strictMode": "the configuration is always explicit",
    "suppressDeprecationWarnings": "warnings are the apiserver's own",
    "suppressHelmHookWarnings": "there is no Helm",
}
"""What the configuration may hold too, with the reason why it changes nothing."""
_WHO: Final = ("kubeconfig", "context", "cluster")
_NOT_FOUND: Final = 404


class Cluster:
    """One cluster, as the provider's configuration names it."""

    package = "kubernetes"

    def __init__(self) -> None:
        self.version = importlib.metadata.version("pulumi_kubernetes")
        self.cancelled = threading.Event()
        self._config: Values = {}
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._discovery: Discovery | None = None

    # Configuration

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        """Refuse what the stand-in does not carry, and a kubeconfig that cannot be used."""
        wrong = [
            (name, f"the provider has no property {name!r} here")
            for name, value in config.items()
            if name not in CONFIG and name not in MOOT and value not in (None, "", {}, [])
        ]
        known = plain(config)
        if known.get("enableServerSideApply") in (False, "false"):
            wrong.append(("enableServerSideApply", "the sandbox applies on the server only"))
        if not wrong and UNKNOWN not in [known.get(name) for name in _WHO]:
            try:
                kubeconfig.load(known)
            except ProviderError as error:
                wrong.append(("kubeconfig", str(error)))
        return wrong

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        """Say which changes mean another cluster: as far as kubeconfigs can tell, or as the program itself says."""
        before, after = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
        if after and before == after:
            return []
        replacing = ["clusterIdentifier"] if before and after else []
        if any(news.get(name) is UNKNOWN for name in _WHO):
            return [*replacing, *_WHO]
        old, new = kubeconfig.active_cluster(olds), kubeconfig.active_cluster(news)
        return [*replacing, *(_WHO if old is not None and new is not None and old != new else ())]

    def configure(self, config: Values) -> None:
        """Take the configuration. The cluster is asked when it is needed."""
        self._config = config
        self._client = self._discovery = None

    def switch(self, name: str) -> bool:
        """Say whether something is switched on."""
        value = self._config.get(name)
        if value is None:
            value = os.environ.get(SWITCHES[name])
        return value in (True, "true")

    @property
    def mutable(self) -> frozenset[str]:
        """The kinds whose data may change in place."""
        kinds = {"ConfigMap": "enableConfigMapMutable", "Secret": "enableSecretMutable"}
        return frozenset(kind for kind, name in kinds.items() if self.switch(name))

    def tokens(self) -> list[str]:
        """List nothing: the apiserver knows the kinds."""
        return []

    def functions(self) -> list[str]:
        """List nothing: the real provider's functions render Helm, YAML and Kustomize."""
        return []

    def invoke(self, token: str, arguments: Values) -> Values:
        """Refuse: there is no function."""
        raise ProviderError(f"{token}: the sandbox renders no Helm charts, YAML or kustomizations; declare the objects")

    def explain(self, error: Exception) -> str:
        """Say what happened."""
        if isinstance(error, StatusError):
            return failures.refused(error, self.client.access)
        if isinstance(error, failures.UNREACHABLE):
            return failures.unreachable(error, self.client.access)
        return f"defect in the stand-in provider: {type(error).__name__}: {error}"

    def cancel(self) -> None:
        """Stop waiting."""
        self.cancelled.set()

    # Objects

    @property
    def client(self) -> Client:
        """The connection, made when it is needed."""
        with self._lock:
            if self._client is None:
                self._client = Client(kubeconfig.load(self._config), self.cancelled)
            return self._client

    @property
    def namespace(self) -> str:
        """The namespace of objects that name none."""
        return self.client.access.namespace

    def api(self, gvk: Gvk) -> Api:
        """Return a kind, or raise :class:`NoMatch`."""
        client = self.client
        with self._lock:
            if self._discovery is None:
                self._discovery = Discovery(client)
            discovery = self._discovery
        return discovery.find(gvk)

    def get(self, api: Api, namespace: str, name: str) -> Object:
        """Return an object, or raise :class:`Missing`."""
        try:
            return self.client.get(api.path(namespace, name))
        except StatusError as error:
            if error.code != _NOT_FOUND:
                raise
            raise Missing(f"{api.gvk} {f'{namespace}/' if namespace else ''}{name} does not exist") from error

    def apply(
        self,
        api: Api,
        body: Object,
        manager: str,
        warn: Callable[[str], None],
        *,
        force: bool = False,
        dry: bool = False,
    ) -> Object:
        """Apply an object on the server; a dry run changes nothing."""
        metadata = body["metadata"]
        parameters: dict[str, Any] = {
            "fieldManager": manager,
            "fieldValidation": "Strict",
            "force": str(force).lower(),
            **({"dryRun": "All"} if dry else {}),
        }
        path = api.path(metadata.get("namespace", ""), metadata["name"])
        return self.client.request("PATCH", path, parameters, body, APPLY, warn=warn)

    def patch(self, api: Api, namespace: str, name: str, operations: list[Object], manager: str) -> Object:
        """Change parts of an object."""
        return self.client.request(
            "PATCH", api.path(namespace, name), {"fieldManager": manager}, operations, JSON_PATCH
        )

    def delete(self, api: Api, namespace: str, name: str, propagation: str) -> None:
        """Begin to delete an object; raise :class:`Missing` if it is gone already."""
        try:
            self.client.request("DELETE", api.path(namespace, name), {}, {"propagationPolicy": propagation})
        except StatusError as error:
            if error.code != _NOT_FOUND:
                raise
            raise Missing(f"{api.gvk} {name} does not exist") from error

    def find(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        try:
            return self.get(self.api(Gvk(api_version, kind)), namespace, name)
        except (Missing, NoMatch):
            return None

    def select(self, api_version: str, kind: str, namespace: str, labels: Mapping[str, str]) -> list[Object]:
        """Return the objects with these labels."""
        chosen = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())} if labels else {}
        path = self.api(Gvk(api_version, kind)).path(namespace)
        found: list[Object] = self.client.get(path, **chosen).get("items") or []
        return found
