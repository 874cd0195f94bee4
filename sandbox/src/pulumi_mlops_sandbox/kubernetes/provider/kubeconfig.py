"""Kubeconfig: which cluster, and as whom. Only what the sandbox needs: tokens, certificates, passwords."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_START = "start it with `pulumi-mlops sandbox up --plane kubernetes`"


@dataclass(frozen=True)
class Access:
    """A cluster and credentials for it."""

    context: str
    server: str
    namespace: str = "default"
    authority: bytes = b""
    insecure: bool = False
    server_name: str = ""
    token: str = field(default="", repr=False)
    certificate: bytes = b""
    key: bytes = field(default=b"", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)


def load(config: Values) -> Access:
    """Find the cluster that a provider's configuration means."""
    document, origin = read(config.get("kubeconfig"))
    name = str(config.get("context") or document.get("current-context") or "")
    context = _named(document, "contexts", "context", name, origin)
    cluster_name = str(config.get("cluster") or context.get("cluster") or "")
    cluster = _named(document, "clusters", "cluster", cluster_name, origin)
    user = _named(document, "users", "user", str(context.get("user") or ""), origin)
    server = str(cluster.get("server") or "")
    host = urlsplit(server).hostname
    if host not in _LOCAL and server != _of_the_sandbox():
        raise ProviderError(
            f"{origin}: context {name!r} points at {server or 'no server'}; the sandbox's provider speaks to clusters "
            "on this machine only. Use Pulumi's own provider for others: run pulumi outside the sandbox"
        )
    if "exec" in user or "auth-provider" in user:
        raise ProviderError(f"{origin}: context {name!r} runs a credential plugin, which the sandbox does not do")
    folder = Path(origin).parent
    return Access(
        context=name,
        server=server.rstrip("/"),
        namespace=str(config.get("namespace") or context.get("namespace") or "default"),
        authority=_bytes(cluster, "certificate-authority", folder),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        server_name=str(cluster.get("tls-server-name") or ""),
        token=str(user.get("token") or "") or _text(user, "tokenFile", folder),
        certificate=_bytes(user, "client-certificate", folder),
        key=_bytes(user, "client-key", folder),
        user=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
    )


def _of_the_sandbox() -> str:
    """Name the server of the sandbox's own cluster: with a real node it has an address of its own on this machine."""
    try:
        told = json.loads(Path(os.environ["PULUMI_MLOPS_SANDBOX"], "kubernetes.json").read_text())
    except (KeyError, OSError, ValueError):
        return ""
    return str(told.get("server", ""))


def active_cluster(config: Values) -> Mapping[str, Any] | None:
    """Return the cluster entry that a configuration means, or None if it cannot be told."""
    try:
        document, origin = read(config.get("kubeconfig"))
        name = str(config.get("context") or document.get("current-context") or "")
        context = _named(document, "contexts", "context", name, origin)
        cluster = str(config.get("cluster") or context.get("cluster") or "")
        return _named(document, "clusters", "cluster", cluster, origin)
    except ProviderError:
        return None


def read(value: Any) -> tuple[Values, str]:
    """Read a kubeconfig from its content, from a path, or from KUBECONFIG; return it and where it came from."""
    if isinstance(value, dict):
        return value, "kubeconfig"
    if isinstance(value, str) and value.strip():
        if "\n" in value.strip():
            return _parsed(value, "kubeconfig"), "kubeconfig"
        return _file(Path(value).expanduser())
    paths = [Path(item) for item in os.environ.get("KUBECONFIG", "").split(os.pathsep) if item]
    if not paths:  # ~/.kube/config is the user's own cluster, which is nobody's sandbox
        raise ProviderError("no kubeconfig: neither the provider's `kubeconfig` nor KUBECONFIG is set; " + _START)
    merged: Values = {}
    for path in paths:
        document, _ = _file(path)
        for key, item in document.items():
            merged[key] = [*merged[key], *item] if isinstance(merged.get(key), list) else merged.get(key) or item
    return merged, str(paths[0])


def _file(path: Path) -> tuple[Values, str]:
    try:
        return _parsed(path.read_text(), str(path)), str(path)
    except OSError as error:
        raise ProviderError(f"kubeconfig {path}: {error.strerror}; {_START}, or name another file") from error


def _parsed(text: str, origin: str) -> Values:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ProviderError(f"{origin} is not YAML: {type(error).__name__}") from error
    if not isinstance(document, dict) or not isinstance(document.get("clusters"), list):
        raise ProviderError(f"{origin} is no kubeconfig: it has no clusters")
    return document


def _named(document: Values, many: str, one: str, name: str, origin: str) -> Values:
    entries = {item.get("name"): item.get(one) or {} for item in document.get(many) or []}
    if name not in entries:
        known = ", ".join(sorted(map(str, entries))) or "none"
        raise ProviderError(f"{origin} has no {one} {name!r}; it has: {known}")
    found: Values = entries[name]
    return found


def _bytes(entry: Values, name: str, folder: Path) -> bytes:
    if entry.get(f"{name}-data"):
        return base64.b64decode(entry[f"{name}-data"])
    return (folder / entry[name]).read_bytes() if entry.get(name) else b""


def _text(entry: Values, name: str, folder: Path) -> str:
    return (folder / entry[name]).read_text().strip() if entry.get(name) else ""
