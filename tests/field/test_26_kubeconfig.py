"""One kubeconfig for two readers: look-ups go to the cluster, by the way and as whom Pulumi's provider does."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_mlops.backends.kubernetes import kubeconfig, live
from pulumi_mlops.backends.kubernetes.kubeconfig import KubeconfigError, client, proxy_of, read
from pulumi_mlops_sandbox.kubernetes.provider import kubeconfig as provider
from support.mocks import Cloud


def config(*names: str, current: str = "", user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """Write a kubeconfig with a cluster, a user and a context of each name."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current or names[0],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example.com"} | cluster} for name in names],
        "users": [{"name": name, "user": {"token": f"token-{name}"} | (user or {})} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("KUBECONFIG", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    client.cache_clear()


def written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def server(given: str | None = None, context: str | None = None, cluster: str | None = None) -> str:
    return str(client(given, context, cluster).configuration.host)


@pytest.mark.parametrize("given", ["~/clusters/mine", "{home}/clusters/mine", "text", "json"])
def test_a_path_a_home_or_the_text_itself(tmp_path: Path, given: str) -> None:
    path = written(tmp_path / "clusters" / "mine", config("a"))
    known = {"text": path.read_text(), "json": json.dumps(config("a"))}
    assert server(known.get(given, given.format(home=tmp_path))) == "https://a.example.com"


def test_a_path_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match="there is no file '~/nothing'"):
        server("~/nothing")
    with pytest.raises(KubeconfigError, match=re.escape("there is no file ~/.kube/config")):
        server()
    assert tmp_path.is_dir()


def test_several_files_as_kubectl_merges_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that says a thing wins, the current context too; one that is not there is passed over."""
    first = written(tmp_path / "first", config("a"))
    second = written(tmp_path / "second", config("a", "b", current="b", server="https://other.example.com"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'none'}:{second}")
    assert server() == "https://a.example.com"
    assert server(context="b") == "https://other.example.com"


def test_paths_in_a_file_are_from_its_folder(tmp_path: Path) -> None:
    path = written(
        tmp_path / "deep" / "config", config("a", user={"client-key": "keys/a.pem", "exec": {"command": "./get"}})
    )
    found = read(str(path))
    assert found is not None
    user = found["users"][0]["user"]
    assert user["client-key"] == str(tmp_path / "deep" / "keys" / "a.pem")
    assert user["exec"]["command"] == str(tmp_path / "deep" / "get")


def test_the_cluster_that_the_stack_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kubernetes:cluster` stands for the context's: the provider goes there, and so do look-ups."""
    path = written(tmp_path / "config", config("a", "b"))
    assert server(str(path), "a", "b") == "https://b.example.com"
    access = provider.load(
        {"kubeconfig": yaml.safe_dump(config("a", "b", server="https://127.0.0.1:1")), "cluster": "b"}
    )
    assert access.server == "https://127.0.0.1:1"

    def program() -> str:
        return live.Cluster("a").server

    settings = {"kubernetes__kubeconfig": str(path), "kubernetes__cluster": "b"}
    assert Cloud().run(program, **settings) == "https://b.example.com"
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert Cloud().run(program) == "https://a.example.com"


def test_contexts_that_are_not_there_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path / "config", config("a", "b"))
    with pytest.raises(KubeconfigError, match="no context 'c'; it has: a, b"):
        server(str(path), "c")
    with pytest.raises(KubeconfigError, match="no cluster 'z'"):
        server(str(path), "a", "z")


@pytest.mark.parametrize(
    ("where", "environment", "proxy"),
    [
        ("https://api.example.com", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.example.com", {"https_proxy": "p:1"}, "http://p:1"),
        ("https://api.example.com", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, None),
        ("https://example.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example.com"}, "http://p:1"),
        ("https://api.example.com", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        (
            "https://api.example.com:6443",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example.com:443"},
            "http://p:1",
        ),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "192.168.0.0/16"}, "http://p:1"),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://localhost:6443", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": "http://p:1"}, None),
    ],
)
def test_proxies_of_the_environment(where: str, environment: dict[str, str], proxy: str | None) -> None:
    """As Go reads them: never for this machine itself, addresses by their range."""
    assert proxy_of(where, environment) == proxy


def test_a_proxy_of_the_kubeconfig_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    monkeypatch.setenv("NO_PROXY", "*")
    made = client(yaml.safe_dump(config("a", **{"proxy-url": "http://proxy:3128"})), None, None)
    assert made.configuration.proxy == "http://proxy:3128"
    assert str(made.rest_client.pool_manager.proxy) == "http://proxy:3128"


def test_no_proxy_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    made = client(yaml.safe_dump(config("a", server="https://127.0.0.1:6443")), None, None)
    assert getattr(made.rest_client.pool_manager, "proxy", None) is None


def test_whom_it_impersonates() -> None:
    made = client(yaml.safe_dump(config("a", user={"as": "ci", "as-groups": ["deployers"]})), None, None)
    assert made.default_headers["Impersonate-User"] == "ci"
    assert made.default_headers["Impersonate-Group"] == "deployers"
    with pytest.raises(KubeconfigError, match="several groups"):
        client(yaml.safe_dump(config("b", user={"as": "ci", "as-groups": ["a", "b"]})), None, None)


def test_a_pod_without_a_kubeconfig_is_its_own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert read(None) is None


def test_the_client_is_new_enough() -> None:
    """The oldest that is allowed is of the line that the suite runs with: older ones take other arguments."""
    (pinned,) = re.findall(r'"kubernetes>=(\d+)"', Path("pyproject.toml").read_text())
    (tested,) = re.findall(r"^kubernetes==(\d+)", Path("constraints.txt").read_text(), re.MULTILINE)
    assert pinned == tested
    assert kubeconfig.client
