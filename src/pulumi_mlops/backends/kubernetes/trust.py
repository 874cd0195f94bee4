"""Authorities of the user's own, by which containers know the servers that the platform was given."""

from pulumi import Input

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import Fields
from pulumi_mlops.components.platform import PlatformRef

KEY = "cabundle.crt"
"""The key of the certificates in a ConfigMap, as KServe's storage initializer wants it."""
FOLDER = "/etc/trust"
_STORE, _DATABASE = "store.crt", "database.crt"


def mode(tls: str, *, own: bool) -> str:
    """Write how a connection to Postgres is protected, as a part of its address.

    Without an authority of the user's own the system's are meant: ``verify-full`` alone looks for a file in the home
    directory, which no container has.
    """
    if own and tls != "disable":
        return f"sslmode={tls}&sslrootcert={FOLDER}/{_DATABASE}"
    return f"sslmode={tls}" + ("&sslrootcert=system" if tls == "verify-full" else "")


def _given(platform: PlatformRef) -> dict[str, Input[str]]:
    address = PlatformAddress.of(platform)
    found = {_STORE: address.store.ca, _DATABASE: address.database.ca if address.database else None}
    return {file: name for file, name in found.items() if name is not None}


def volumes(platform: PlatformRef) -> list[Fields]:
    """Return the volume of the certificates, where there are some."""
    sources = [
        {"config_map": {"name": name, "items": [{"key": KEY, "path": file}]}} for file, name in _given(platform).items()
    ]
    return [{"name": "trust", "projected": {"sources": sources}}] if sources else []


def mounts(platform: PlatformRef) -> list[Fields]:
    """Return where containers find it."""
    return [{"name": "trust", "mount_path": FOLDER, "read_only": True}] if _given(platform) else []


def variables(platform: PlatformRef) -> list[Fields]:
    """Tell boto3 of the object store's authority."""
    return [{"name": "AWS_CA_BUNDLE", "value": f"{FOLDER}/{_STORE}"}] if _STORE in _given(platform) else []


def replaced(platform: PlatformRef) -> list[Fields]:
    """Tell whatever reads OpenSSL's variable (Arrow), in containers that call nobody else by https."""
    return [{"name": "SSL_CERT_FILE", "value": f"{FOLDER}/{_STORE}"}] if _STORE in _given(platform) else []
