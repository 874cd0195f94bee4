"""MLflow behind a host name: its own page got 403, and an address out of the shell spoke for every registry."""

import fnmatch
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import tracking
from pulumi_mlops.core import private
from support.facts.kubernetes import HUB, hub
from support.mocks import Cloud

INSIDE = "models-mlflow.churn-dev.svc.cluster.local"


def patterns(option: str, on: mlops.PlatformRef = HUB, **args: Any) -> list[str]:
    cloud = Cloud()
    cloud.run(lambda: mlops.ModelRegistry("models", platform=on, **args) and None)
    (container,) = cloud.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    (told,) = [argument for argument in container["args"] if argument.startswith(f"--{option}=")]
    return str(told).partition("=")[2].split(",")


def taken(name: str, allowed: list[str]) -> bool:
    """Judge a name as MLflow does."""
    return any(fnmatch.fnmatch(name, one) if "*" in one else name == one for one in allowed)


@pytest.mark.parametrize(
    ("host", "is_taken"),
    [
        ("models.ml.example.com", True),
        ("models.ml.example.com:8443", True),
        ("localhost:5000", True),
        ("localhost:8081", True),
        ("127.0.0.1:15000", True),
        ("[::1]:5001", True),
        (f"{INSIDE}:5000", True),
        (f"{INSIDE}:80", True),
        ("evil.example.com", False),
        ("models.ml.example.com.evil.com", False),
        ("models-mlflow.other.svc:5000", False),
    ],
)
def test_hosts(host: str, *, is_taken: bool) -> None:
    assert taken(host, patterns("allowed-hosts", published=True)) is is_taken


@pytest.mark.parametrize(
    ("origin", "is_taken"),
    [
        ("https://models.ml.example.com", True),
        ("https://models.ml.example.com:8443", True),
        ("http://models-mlflow:5000", True),
        (f"http://{INSIDE}:5000", True),
        ("http://models.ml.example.com", False),
        ("https://models.ml.example.com.evil.com", False),
        ("https://evil.example.com", False),
    ],
)
def test_its_own_pages_may_change_something(origin: str, *, is_taken: bool) -> None:
    assert taken(origin, patterns("cors-allowed-origins", published=True)) is is_taken


def test_a_gateway_without_tls_and_a_registry_that_is_not_published() -> None:
    plain = hub(gateway={"name": "gateways/public", "domain": "ml.example.com", "tls": False})
    assert taken("http://models.ml.example.com", patterns("cors-allowed-origins", plain, published=True))
    assert not taken("https://models.ml.example.com", patterns("cors-allowed-origins"))
    assert not taken("models.ml.example.com", patterns("allowed-hosts"))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let look-ups believe that they ask, and nothing be deployed."""
    monkeypatch.setattr(private, "mocked", lambda: False)
    monkeypatch.setattr("pulumi_mlops.backends.kubernetes.live.namespaced", lambda *_, **__: None)
    return monkeypatch


def asked(registry: str = "models") -> tuple[str, bool] | None:
    """Return the server that is asked for a registry's versions, and whether with a login."""
    found: list[tracking.Tracking | None] = []

    def program() -> None:
        address = {"model": "churn", "registry": registry}
        model = mlops.ModelRef(name="churn", backend="kubernetes", platform=HUB, address=address)
        found.append(tracking.server(model))

    Cloud(preview=True).run(program)
    return (found[0].name, "Authorization" in found[0].headers) if found[0] else None


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("https://other.example.com", None),
        ("http://localhost:5000", None),
        ("sqlite:///mlflow.db", None),
        ("https://vision.ml.example.com", None),
        ("https://models.ml.example.com", ("models.ml.example.com", True)),
    ],
    ids=["another server", "whose port-forward", "no server", "another registry", "this one"],
)
def test_the_address_out_of_the_shell(uri: str, server: tuple[str, bool] | None, shell: pytest.MonkeyPatch) -> None:
    shell.setenv("MLFLOW_TRACKING_URI", uri)
    shell.setenv("MLFLOW_TRACKING_USERNAME", "me")
    shell.setenv("MLFLOW_TRACKING_PASSWORD", "mine")
    assert asked() == server


def test_a_registry_has_variables_of_its_own(shell: pytest.MonkeyPatch) -> None:
    shell.setenv("MLFLOW_TRACKING_URI", "https://other.example.com")
    shell.setenv("MLFLOW_TRACKING_USERNAME", "theirs")
    shell.setenv("MLFLOW_TRACKING_PASSWORD", "theirs")
    shell.setenv("MLFLOW_TRACKING_URI_VISION_MODELS", "http://127.0.0.1:5055")
    assert asked("vision-models") == ("127.0.0.1", False), "the login of another server is not sent"
    assert asked() is None
