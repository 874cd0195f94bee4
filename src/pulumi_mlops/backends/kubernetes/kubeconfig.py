"""The kubeconfig, read for look-ups as Pulumi's provider reads it for what it makes: one setting, one cluster.

The provider is written in Go and uses the client of `kubectl`. Where the client of Python reads otherwise, this module
follows `kubectl`: paths, several files, the cluster that the stack names, proxies, impersonation, a pod's own account.
"""

import functools
import ipaddress
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Entry = dict[str, Any]
_LISTS = {"clusters": "cluster", "contexts": "context", "users": "user"}
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_IN_A_POD = "KUBERNETES_SERVICE_HOST"


class KubeconfigError(Exception):
    """The kubeconfig leads to no cluster; the message says why."""


@functools.cache
def client(given: str | None, context: str | None, cluster: str | None) -> "ApiClient":
    """Return a client of the cluster that the provider's settings lead to.

    :param given: the provider's ``kubeconfig``: a path, or the text itself; the environment decides without it.
    :param cluster: the provider's ``cluster``, which stands for that of the context.
    """
    from kubernetes import config as untyped  # noqa: PLC0415 (only programs that ask pay for it)

    config: Any = untyped
    found = read(given)
    if found is None:
        config.load_incluster_config()
        from kubernetes.client import ApiClient  # noqa: PLC0415 (as above)

        made: Any = ApiClient()
        _settle(made, {}, {})
        return cast("ApiClient", made)
    name = context or str(found.get("current-context") or "")
    chosen = dict(_named(found, "contexts", name))
    chosen["cluster"] = cluster or chosen.get("cluster") or ""
    target = _named(found, "clusters", chosen["cluster"])
    user = _named(found, "users", str(chosen["user"])) if chosen.get("user") else {}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {**chosen, "user": chosen.get("user") or "nobody"}}],
        "clusters": [{"name": chosen["cluster"], "cluster": target}],
        "users": [{"name": chosen.get("user") or "nobody", "user": user}],
    }
    made = config.new_client_from_config_dict(whole, context=name)
    _settle(made, target, user)
    return cast("ApiClient", made)


def read(given: str | None) -> Entry | None:
    """Read a kubeconfig; None where there is none and the program runs in a pod, whose account is used then."""
    if given and given.strip():
        path = Path(given.strip()).expanduser() if "\n" not in given.strip() else None
        if path is not None and _is_file(path):
            return _of_file(path)
        found = _parsed(given, "kubernetes:kubeconfig")
        if not isinstance(found, dict):
            raise KubeconfigError(f"there is no file {given.strip()!r}")
        return found
    named = [Path(one) for one in os.environ.get("KUBECONFIG", "").split(os.pathsep) if one]
    files = [path for path in (named or [Path("~/.kube/config").expanduser()]) if _is_file(path)]
    if not files:
        if os.environ.get(_IN_A_POD):
            return None
        where = os.pathsep.join(map(str, named)) or "~/.kube/config"
        raise KubeconfigError(f"there is no file {where}")
    merged: Entry = {}
    for path in files:  # the first that says a thing wins
        for key, value in _of_file(path).items():
            if key in _LISTS:
                known = {one["name"] for one in merged.get(key, [])}
                merged[key] = [*merged.get(key, []), *(one for one in value or [] if one["name"] not in known)]
            elif value and not merged.get(key):
                merged[key] = value
    return merged


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a text that is too long for a path
        return False


def _parsed(text: str, what: str) -> object:
    import yaml  # noqa: PLC0415 (only programs that ask pay for it)

    try:
        found: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"{what} is not YAML ({type(error).__name__})") from error
    return found


def _of_file(path: Path) -> Entry:
    """Read a file, with the paths in it as from its own folder."""
    found = _parsed(path.read_text(), str(path))
    if not isinstance(found, dict):
        raise KubeconfigError(f"{path} is no kubeconfig")
    for many, one in _LISTS.items():
        for item in found.get(many) or []:
            entry = item.get(one) or {}
            for key in _FILES:
                if entry.get(key):
                    entry[key] = str(path.parent.absolute() / Path(entry[key]))
            command = (entry.get("exec") or {}).get("command")
            if command and "/" in command:
                entry["exec"]["command"] = str(path.parent.absolute() / command)
    return found


def _named(found: Entry, many: str, name: str) -> Entry:
    for item in found.get(many) or []:
        if item.get("name") == name:
            entry: Entry = item.get(_LISTS[many]) or {}
            return entry
    known = ", ".join(sorted(str(item.get("name")) for item in found.get(many) or [])) or "none"
    raise KubeconfigError(f"it has no {_LISTS[many]} {name!r}; it has: {known}")


def _settle(made: Any, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    """Make a client behave as `kubectl` does in what Python's reads otherwise."""
    from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 (as above)

    made.configuration.proxy = cluster.get("proxy-url") or proxy_of(made.configuration.host, os.environ)
    made.configuration.no_proxy = None
    made.rest_client = RESTClientObject(made.configuration)
    made.rest_client.pool_manager.connection_pool_kw["ssl_context"] = tls(made.configuration)
    if user.get("as"):
        made.set_default_header("Impersonate-User", user["as"])
        groups = user.get("as-groups") or []
        if len(groups) > 1:
            raise KubeconfigError("it impersonates several groups (as-groups), which look-ups cannot do; name one")
        for group in groups:
            made.set_default_header("Impersonate-Group", group)


def tls(configuration: Any) -> ssl.SSLContext:
    """Check certificates as kubectl does: since 3.13 Python insists on extensions that some clusters' lack."""
    from urllib3.util import create_urllib3_context  # noqa: PLC0415 (as above)

    found = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if configuration.verify_ssl else ssl.CERT_NONE)
    found.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not configuration.ssl_ca_cert and not configuration.ca_cert_data:
        found.load_default_certs()
    return found


def proxy_of(server: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy by which Go reaches a server, which goes to this machine itself by none.

    >>> proxy_of("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "10.0.0.0/8"})
    >>> proxy_of("https://api.example.com", {"https_proxy": "proxy:3128", "NO_PROXY": ".example.org"})
    'http://proxy:3128'
    """
    parts = urlsplit(server)
    host = (parts.hostname or "").lower()

    def told(name: str) -> str:
        return environment.get(name) or environment.get(name.lower()) or ""

    proxy = told("HTTPS_PROXY" if parts.scheme == "https" else "HTTP_PROXY")
    if not proxy or host == "localhost" or _address(host, "is_loopback"):
        return None
    if any(_spared(host, parts.port, entry.strip().lower()) for entry in told("NO_PROXY").split(",")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _spared(host: str, port: int | None, entry: str) -> bool:
    """Say whether an entry of NO_PROXY names a host."""
    if entry == "*":
        return True
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and "." in name:
        if int(number) != port:
            return False
        entry = name
    if not entry:
        return False
    if _address(host):
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    bare = entry.removeprefix("*").removeprefix(".")
    return host.endswith(f".{bare}") or (host == bare and entry == bare)


def _address(host: str, kind: str = "version") -> bool:
    try:
        return bool(getattr(ipaddress.ip_address(host), kind))
    except ValueError:
        return False
