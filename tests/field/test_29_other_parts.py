"""Other people's parts: names that need quoting, authorities of their own, addresses with tokens, path style."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import pulumi_mlops as mlops
from support.mocks import Cloud

STORE = {"url": "https://s3.example.com", "bucket": "ml", "access_key": "i", "secret_key": "k"}
DATABASE = {"host": "db.example.com", "username": "ml", "password": "pw"}
TOKEN = "https://chat.example.com/hooks/T0KEN-of-somebody"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def run(events: dict[str, Any] | None = None, **existing: Any) -> Cloud:
    cloud = Cloud()

    def program() -> None:
        hub = mlops.Platform("churn", backend="kubernetes", existing=existing)
        store = mlops.FeatureStore("features", platform=hub, materialize={"cron": "0 * * * *"})
        features = {"id": "string", "at": "timestamp"}
        mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features)
        mlops.ModelRegistry("models", platform=hub, events=events or {})

    cloud.run(program)
    return cloud


def pods(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """Return the pods of everything that works on the parts, by the name of what makes them."""
    found = {made.name: made.inputs["spec"]["template"]["spec"] for made in cloud.all("Deployment")}
    found |= {
        made.name: made.inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"] for made in cloud.all("CronJob")
    }
    apply = cloud.one("Job", "profile-apply").inputs["spec"]["template"]["spec"]
    return {**found, "profile-apply": apply}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def address(cloud: Cloud) -> str:
    """Return the address of the registry's database, as the kubelet puts it together."""
    data = cloud.one("Secret", "churn-database").inputs["data"]
    (container,) = pods(cloud)["models-mlflow-server"]["containers"]
    plain = {one["name"]: one.get("value", "") for one in container["env"]}
    found = str(plain["DB_URI"])
    for variable, key in (("DB_USERNAME", "username"), ("DB_PASSWORD", "password")):
        found = found.replace(f"$({variable})", base64.b64decode(data[key]).decode())
    return found


@pytest.mark.parametrize("user", ["ml", "ml@tenant", "acme/ml", "ml:ops", "mläops", "50%"])
def test_users_and_passwords_are_quoted(user: str) -> None:
    parts = urlsplit(address(run(database={**DATABASE, "username": user, "password": f"{user}#?"})))
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, f"{user}#?")
    assert (parts.hostname, parts.port) == ("db.example.com", 5432)


@pytest.mark.parametrize(
    ("told", "query"),
    [
        ({"tls": "verify-full"}, "sslmode=verify-full&sslrootcert=system"),
        ({"tls": "verify-full", "ca": PEM}, "sslmode=verify-full&sslrootcert=/etc/trust/database.crt"),
        ({"tls": "require", "ca": PEM}, "sslmode=require&sslrootcert=/etc/trust/database.crt"),
        ({"tls": "require"}, "sslmode=require"),
        ({"tls": "disable"}, "sslmode=disable"),
        ({"host": "2001:db8::7"}, "sslmode=require"),
    ],
)
def test_a_connection_is_verified_by_somebody(told: dict[str, Any], query: str) -> None:
    parts = urlsplit(address(run(database={**DATABASE, **told})))
    assert parts.query == query
    assert parts.hostname == told.get("host", "db.example.com")


def test_authorities_are_where_they_are_looked_for() -> None:
    cloud = run(object_store={**STORE, "ca": PEM}, database={**DATABASE, "tls": "verify-full", "ca": PEM})
    for part in ("store", "database"):
        assert cloud.one("ConfigMap", f"churn-{part}-ca").inputs["data"] == {"cabundle.crt": PEM}
    for name, pod in pods(cloud).items():
        (volume,) = (one for one in pod["volumes"] if one["name"] == "trust")
        files = {item["path"] for source in volume["projected"]["sources"] for item in source["configMap"]["items"]}
        assert files == {"store.crt", "database.crt"}, name
        for container in containers(pod):
            assert "/etc/trust" in {mount["mountPath"] for mount in container["volumeMounts"]}, (
                name,
                container["name"],
            )
            told = {one["name"]: one.get("value") for one in container["env"]}
            assert "/etc/trust/store.crt" in (told.get("AWS_CA_BUNDLE"), told.get("SSL_CERT_FILE")), name
    annotations = cloud.one("Secret", "churn-store-writer").inputs["metadata"]["annotations"]
    assert annotations["serving.kserve.io/s3-cabundle-configmap"] == "churn-store-ca"


@pytest.mark.parametrize(("path_style", "mlflow", "kserve"), [(True, "path", "false"), (False, "virtual", "true")])
def test_buckets_in_paths_and_in_hosts(path_style: bool, mlflow: str, kserve: str) -> None:
    cloud = run(object_store={**STORE, "path_style": path_style, "region": "eu-de"})
    (container,) = pods(cloud)["models-mlflow-server"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert (told["MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE"], told["AWS_DEFAULT_REGION"]) == (mlflow, "eu-de")
    for key in ("churn-store-writer",):
        annotations = cloud.one("Secret", key).inputs["metadata"]["annotations"]
        assert annotations["serving.kserve.io/s3-usevirtualbucket"] == kserve
        assert annotations["serving.kserve.io/s3-region"] == "eu-de"


@pytest.mark.parametrize("existing", [{}, {"database": DATABASE}], ids=["own database", "given database"])
def test_no_password_is_an_argument(existing: dict[str, Any]) -> None:
    """Whoever lists the processes of a node reads arguments; Kubernetes expands variables in them."""
    for name, pod in pods(run(**existing)).items():
        for container in containers(pod):
            secret = {one["name"] for one in container["env"] if "valueFrom" in one} | {"DB_URI"}
            words = " ".join([*container.get("command", []), *container.get("args", [])])
            assert not [one for one in secret if f"$({one})" in words], (name, container["name"])


def test_mlflow_finds_its_database_in_the_environment() -> None:
    (container,) = pods(run())["models-mlflow-server"]["containers"]
    names = [one["name"] for one in container["env"]]
    assert {one["name"]: one.get("value") for one in container["env"]}["MLFLOW_BACKEND_STORE_URI"] == "$(DB_URI)"
    assert names.index("DB_URI") < names.index("MLFLOW_BACKEND_STORE_URI"), "expanded in this order"


@pytest.mark.parametrize("where", ["alerts", "events"])
def test_addresses_with_tokens_are_in_secrets_only(where: str) -> None:
    cloud = run(alerts=TOKEN) if where == "alerts" else run(events={"deploy": {"to": TOKEN}})
    for made in cloud.registered:
        kind = made.type.rpartition(":")[2]
        assert kind == "Secret" or TOKEN not in str(made.inputs), made.name
    held = [made for made in cloud.all("Secret") if _holds(made.inputs.get("data", {}), TOKEN)]
    assert [made.name for made in held] == ["churn-alerts" if where == "alerts" else "models-webhooks"]
    assert all("data" in made.secret for made in held)


def test_another_address_runs_the_job_again() -> None:
    names = {
        run(events={"deploy": {"to": to}}).one("Job", "models-registry").inputs["metadata"]["name"]
        for to in (TOKEN, f"{TOKEN}-2")
    }
    assert len(names) == 2


def _holds(data: dict[str, str], text: str) -> bool:
    return any(base64.b64decode(value).decode() == text for value in data.values())


@pytest.mark.parametrize("username", [None, 7])
def test_a_user_is_text(username: Any, refused_at_preview: Callable[..., str]) -> None:
    existing = {"database": {**DATABASE, "username": username}}
    said = refused_at_preview(lambda: mlops.Platform("churn", backend="kubernetes", existing=existing))
    assert "existing.database.username" in said


@pytest.mark.parametrize("part", ["object_store", "database"])
def test_the_path_of_a_certificate_is_no_certificate(part: str, refused_at_preview: Callable[..., str]) -> None:
    parts: dict[str, Any] = {
        "object_store": {"url": "https://s3.example.com", "bucket": "b", "access_key": "id", "secret_key": "s"},
        "database": {"host": "db.example.com", "username": "ml", "password": "s"},
    }
    parts[part] |= {"ca": "/etc/ssl/ca.pem"}
    said = refused_at_preview(lambda: mlops.Platform("churn", backend="kubernetes", existing=parts))
    assert f"existing.{part}.ca: is no certificate in PEM" in said
