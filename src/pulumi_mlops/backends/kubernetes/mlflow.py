"""The MLflow server as a workload: its image, arguments, environment and hosts (https://mlflow.org/docs/latest/)."""

from collections.abc import Sequence
from typing import Any

from pulumi_mlops.backends.kubernetes import trust
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, program, resources, secret_variable
from pulumi_mlops.backends.kubernetes.tracking import PORT
from pulumi_mlops.components.platform import PlatformRef

IMAGE = "ghcr.io/mlflow/mlflow:v3.17.2-full"  # the plain image has neither Postgres' driver nor S3's
AUTH = "/tmp/auth.ini"  # noqa: S108 (an emptyDir of the pod)
_PLUGINS = "/tmp/plugins"  # noqa: S108 (as above)
_WORKERS = 2
# Uvicorn kills a worker that does not answer it within 5 seconds, which on a busy node is less than a start takes: none
# ever comes up. A worker that hangs is the probes' to find.
_WORKER = "--timeout-worker-healthcheck=60"
# The file takes a % for the beginning of a name, and a password within an address may have one.
_MIGRATE = "import os; from mlflow.db import commands; commands(['upgrade', os.environ['DB_URI']])"
_CONFIGURE = f"""\
escaped() {{ printf '%s' "$1" | sed 's/%/%%/g'; }}
umask 077
cat > {AUTH} <<END
[mlflow]
default_permission = READ
database_uri = $(escaped "$DB_URI")
admin_username = admin
admin_password = $(escaped "$ADMIN_PASSWORD")
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
END
mkdir -p {_PLUGINS}/proxied-1.dist-info
cat > {_PLUGINS}/proxied.py <<'END'
{program("proxied.py")}
END
cat > {_PLUGINS}/proxied-1.dist-info/METADATA <<'END'
Metadata-Version: 2.1
Name: proxied
Version: 1
END
cat > {_PLUGINS}/proxied-1.dist-info/entry_points.txt <<'END'
[mlflow.artifact_repository]
s3 = proxied:Proxied
END
"""


def artifacts(platform: PlatformRef, registry: str) -> str:
    """Return the folder of a registry in the object store."""
    return f"s3://{PlatformAddress.of(platform).store.bucket}/mlflow/{registry}"


def hosts(app: App, service: str, public: str | None) -> list[str]:
    """List the names under which requests may come: any other is refused, so that no browser is misled.

    The port is the caller's: a port-forward listens where it likes, and so does a gateway.
    """
    names = [*_inside(app, service), "localhost", "127.0.0.1", *([public] if public else [])]
    # These are patterns: a bracket has a meaning in one that has a star.
    return [name for host in names for name in (host, f"{host}:*")] + ["[::1]", "[[]::1]:*"]


def origins(app: App, service: str, public: str | None) -> list[str]:
    """List the addresses of the server's own pages, as browsers name them: they send what changes something."""
    # Pages of a port-forward are taken in any case.
    pages = [f"http://{host}" for host in _inside(app, service)] + ([public] if public else [])
    return [name for page in pages for name in (page, f"{page}:*")]


def _inside(app: App, service: str) -> list[str]:
    space = app.namespace
    return [service, f"{service}.{space}", f"{service}.{space}.svc", app.host(service)]


def rules(service: str) -> list[Fields]:
    """Lead requests from outside to the server, but for those by which users are made, changed and deleted.

    Files of models go through it in one request each, so none is cut off for its length. A rule that leads nowhere
    answers by itself; the longer path wins over the rule for everything.
    """
    users = [f"{root}/{path}" for root in ("/api", "/ajax-api") for path in ("2.0/mlflow/users", "3.0/mlflow/users")]
    return [
        {"backendRefs": [{"name": service, "port": PORT}], "timeouts": {"request": "0s"}},
        {"matches": [{"path": {"type": "PathPrefix", "value": path}} for path in ["/signup", *users]]},
    ]


def variables(platform: PlatformRef, keys: Any, database: Sequence[Fields]) -> list[Fields]:
    """Say where database and object store are, and what is secret."""
    store = PlatformAddress.of(platform).store
    plain = {
        "MLFLOW_AUTH_CONFIG_PATH": AUTH,
        "PYTHONPATH": _PLUGINS,  # else clients are sent to the object store, which they do not reach
        "MLFLOW_S3_ENDPOINT_URL": store.url,
        "AWS_DEFAULT_REGION": store.region,
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path" if store.path_style else "virtual",
        # Receivers are in the cluster as well as outside; only the admin can name one.
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "HOME": "/tmp",  # noqa: S108 (as above)
    }
    return [
        *database,
        {"name": "MLFLOW_BACKEND_STORE_URI", "value": "$(DB_URI)"},
        *trust.variables(platform),
        secret_variable("MLFLOW_FLASK_SERVER_SECRET_KEY", keys, "session"),
        secret_variable("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", keys, "webhooks"),
        *(secret_variable(name, store.writer, name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
        *({"name": name, "value": value} for name, value in plain.items()),
    ]


def first(keys: Any, env: Sequence[Fields], mounts: Sequence[Fields] = ()) -> list[Fields]:
    """Return what runs before the server: its users' file, its tables brought to this version, and to these keys."""
    password = secret_variable("ADMIN_PASSWORD", keys, "password")
    signature = secret_variable("WEBHOOK_SECRET", keys, "signature")
    return [
        {
            "name": "configure",
            "image": IMAGE,
            "command": ["/bin/sh", "-ec", _CONFIGURE],
            "env": [*env, password],
            "resources": resources("100m", "256Mi"),
            "volume_mounts": list(mounts),
        },
        {
            "name": "migrate",
            "image": IMAGE,
            # Not as an argument: whoever lists the processes of a node would read the password.
            "command": ["python", "-c", _MIGRATE],
            "env": list(env),
            "resources": resources("250m", "1Gi"),
            "volume_mounts": list(mounts),
        },
        {
            "name": "remember",
            "image": IMAGE,
            "command": ["python", "-c", program("remember.py")],
            "env": [*env, password, signature],
            "resources": resources("250m", "1Gi"),
            "volume_mounts": list(mounts),
        },
    ]


def server(
    destination: str, names: Sequence[str], pages: Sequence[str], env: Sequence[Fields], mounts: Sequence[Fields] = ()
) -> Fields:
    """Return the server's container."""
    healthy = {"http_get": {"path": "/health", "port": "http"}, "timeout_seconds": 5}
    return {
        "name": "mlflow",
        "image": IMAGE,
        "command": ["mlflow", "server"],
        "args": [
            "--host=0.0.0.0",
            f"--port={PORT}",
            "--app-name=basic-auth",
            f"--artifacts-destination={destination}",
            "--serve-artifacts",
            f"--allowed-hosts={','.join(names)}",
            f"--cors-allowed-origins={','.join(pages)}",
            f"--workers={_WORKERS}",
            f"--uvicorn-opts={_WORKER}",
        ],
        "env": list(env),
        "ports": [{"name": "http", "container_port": PORT}],
        "startup_probe": {**healthy, "period_seconds": 5, "failure_threshold": 60},
        "readiness_probe": {**healthy, "period_seconds": 10},
        "liveness_probe": {**healthy, "period_seconds": 20, "failure_threshold": 6},
        "resources": resources("500m", "2Gi"),
        "volume_mounts": list(mounts),
    }
