"""Platform on Kubernetes, as an engineer of clusters would check it."""

import base64
import json
import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from support.mocks import Cloud

GATEWAY = {"name": "gateways/public", "domain": "ml.example.com"}
STORE = {"url": "https://s3.example.com", "bucket": "ml", "access_key": "AK", "secret_key": "very-secret"}


def make(cloud: Cloud, **args: Any) -> Any:
    def program() -> Any:
        return mlops.Platform("churn", **({"backend": "kubernetes"} | args)).ref.export()

    return cloud.run(program)


def decoded(data: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@pytest.mark.parametrize("preview", [True, False])
def test_the_namespace_admits_restricted_pods_only(*, preview: bool) -> None:
    cloud = Cloud(preview=preview)
    make(cloud, tags={"cost-center": "4711", "mail": "ml@example.com"})
    metadata = cloud.one("Namespace").inputs["metadata"]
    assert metadata["name"] == "churn-dev"
    for mode in ("enforce", "audit", "warn"):
        assert metadata["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert metadata["labels"][f"pod-security.kubernetes.io/{mode}-version"] == "v1.33"
    assert metadata["labels"]["cost-center"] == "4711"
    assert "mail" not in metadata["labels"], "a label cannot hold an @"
    assert metadata["annotations"]["mail"] == "ml@example.com"
    assert metadata["annotations"]["pulumi-mlops/stack"].endswith("/project/stack")


def test_nothing_talks_to_anything_but_the_name_service(cloud: Cloud) -> None:
    make(cloud)
    deny = cloud.one("NetworkPolicy", "churn-net-deny").inputs["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    names = cloud.one("NetworkPolicy", "churn-net-names").inputs["spec"]
    assert names["policyTypes"] == ["Egress"]
    usual, _ = names["egress"]
    assert {(port["protocol"], port["port"]) for port in usual["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert usual["to"][0]["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}


def test_everything_waits_for_the_namespace_and_its_guards(cloud: Cloud) -> None:
    make(cloud, secrets={"hub-token": "t"})
    guards = {"churn-namespace", "churn-net-deny", "churn-quota", "churn-limits"}
    for found in cloud.registered:
        if found.type.startswith("kubernetes:") and found.name not in guards | {"churn-net-names"}:
            assert guards <= found.depends_on, found.name
        if found.type.startswith("kubernetes:"):
            assert "::churn-cluster::" in found.provider, "the platform's own provider, not the ambient one"


def test_quota_and_limits_come_together(cloud: Cloud) -> None:
    make(cloud, quota={"cpus": 8, "memory_gb": 16.5, "accelerators": 2, "storage_gb": 100})
    assert cloud.one("ResourceQuota").inputs["spec"]["hard"] == {
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "requests.cpu": "8",
        "requests.memory": "16896Mi",
        "limits.memory": "16896Mi",
        "requests.nvidia.com/gpu": "2",
        "requests.amd.com/gpu": "2",
        "requests.storage": "100Gi",
    }
    (limit,) = cloud.one("LimitRange").inputs["spec"]["limits"]
    assert limit["type"] == "Container"
    assert set(limit["defaultRequest"]) == {"cpu", "memory"}, "under a quota a pod without requests is refused"


def test_an_object_store_of_its_own(cloud: Cloud) -> None:
    exported = make(cloud)
    server = cloud.one("StatefulSet")
    (container,) = server.inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"].split(":")[1] >= "4.25", "below it a user without policies had every right"
    assert "-filer.encryptVolumeData" in container["command"]
    users = decoded(cloud.one("Secret", "churn-store-users").inputs["data"])
    rights = {user["name"]: user["actions"] for user in json.loads(users["s3.json"])["identities"]}
    assert rights["reader"] == ["Read:artifacts", "List:artifacts"]
    assert not any(action == "Admin" for action in rights["writer"])
    keys = decoded(cloud.one("Secret", "churn-store-reader").inputs["data"])
    assert set(keys) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert exported["address"]["store"]["url"] == "http://churn-store.churn-dev.svc.cluster.local:8333"
    assert exported["artifacts"] == "s3://artifacts/"
    assert keys["AWS_SECRET_ACCESS_KEY"] not in json.dumps(exported)
    job = cloud.one("Job")
    assert "churn-store-server" in job.depends_on
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"], "a Job that vanishes would be made again"


def test_a_store_on_a_large_disk_that_others_fill_takes_files_to_the_end(cloud: Cloud) -> None:
    """What it leaves free is no share of the disk, which is its default: a hundredth of two terabytes is 20 GB."""
    make(cloud)
    (container,) = cloud.one("StatefulSet").inputs["spec"]["template"]["spec"]["containers"]
    (left,) = [word.partition("=")[2] for word in container["command"] if word.startswith("-volume.minFreeSpace=")]
    assert re.fullmatch(r"\d+MiB", left)


def test_callers_of_a_store_that_is_away_are_told_at_once(cloud: Cloud) -> None:
    """Without an address of the Service's own there is nothing that a network policy could swallow calls to."""
    make(cloud)
    assert cloud.one("Service", "churn-store").inputs["spec"]["clusterIP"] == "None"
    assert cloud.one("StatefulSet").inputs["spec"]["serviceName"] == "churn-store"


def test_the_store_of_the_user_is_not_run_by_us(cloud: Cloud) -> None:
    exported = make(cloud, existing={"object_store": STORE})
    assert cloud.all("StatefulSet") == cloud.all("Job") == []
    assert decoded(cloud.one("Secret", "churn-store-writer").inputs["data"])["AWS_SECRET_ACCESS_KEY"] == "very-secret"
    annotations = cloud.one("Secret", "churn-store-writer").inputs["metadata"]["annotations"]
    assert annotations["serving.kserve.io/s3-endpoint"] == "s3.example.com"
    assert annotations["serving.kserve.io/s3-usehttps"] == "1"
    assert annotations["serving.kserve.io/s3-usevirtualbucket"] == "false"
    door = exported["address"]["store"]["door"]
    assert door == {"name": "store", "port": 443, "pods": None, "namespace": None}
    assert exported["artifacts"] == "s3://ml/"


def test_the_store_has_a_key_that_only_reads(cloud: Cloud) -> None:
    exported = make(
        cloud, existing={"object_store": {**STORE, "reader_access_key": "RK", "reader_secret_key": "read-secret"}}
    )
    store = exported["address"]["store"]
    assert store["reader"] != store["writer"]
    assert decoded(cloud.one("Secret", "churn-store-reader").inputs["data"])["AWS_ACCESS_KEY_ID"] == "RK"


def test_secrets_stay_secret(cloud: Cloud) -> None:
    exported = make(
        cloud,
        secrets={"hub-token": "s3cret-token"},
        existing={
            "object_store": STORE,
            "database": {"host": "db", "username": "u", "password": "p@ss/word"},
            "images": {"address": "registry.example.com/ml", "username": "puller", "password": "pull-secret"},
        },
    )
    for found in cloud.all("Secret"):
        assert found.secret == {"data"}, found.name
    echoed = json.dumps(cloud.one("Platform").inputs)
    for value in ("s3cret-token", "very-secret", "p@ss/word", "pull-secret"):
        assert value not in echoed
        assert value not in json.dumps(exported)
    database = decoded(cloud.one("Secret", "churn-database").inputs["data"])
    assert database == {"username": "u", "password": "p%40ss%2Fword"}, "as it must be within an address"
    assert exported["secrets"] == {"hub-token": "churn-secret-hub-token"}
    login = json.loads(decoded(cloud.one("Secret", "churn-pull").inputs["data"])[".dockerconfigjson"])
    assert login["auths"]["registry.example.com"]["username"] == "puller"


def test_alerts_go_by_mail_and_to_a_webhook(cloud: Cloud) -> None:
    make(cloud, alerts=["ml@example.com"], existing={"alerts": "https://chat.example.com/hook"})
    spec = cloud.one("AlertmanagerConfig").inputs["spec"]
    (receiver,) = spec["receivers"]
    assert receiver["emailConfigs"] == [{"to": "ml@example.com", "sendResolved": True}]
    assert receiver["webhookConfigs"] == [{"urlSecret": {"name": "churn-alerts", "key": "url"}, "sendResolved": True}]
    assert spec["route"]["receiver"] == receiver["name"]


def test_consumers_get_the_reading_key_and_a_way_to_the_store(cloud: Cloud) -> None:
    make(cloud, consumers=[{"namespace": "team-b"}])
    (rule,) = cloud.one("Role").inputs["rules"]
    assert rule == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "verbs": ["get"],
        "resourceNames": ["churn-store-reader"],
    }
    (subject,) = cloud.one("RoleBinding").inputs["subjects"]
    assert subject["name"] == "system:serviceaccounts:team-b"
    (way,) = cloud.one("NetworkPolicy", "churn-net-consumer-team-b").inputs["spec"]["ingress"]
    assert way["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "team-b"}}}]


def test_prod_protects_what_holds_data() -> None:
    protected = {"churn-namespace", "churn-store-server", "churn-secret-token"}
    for stage, wanted in (("prod", protected), ("dev", set())):
        cloud = Cloud()
        make(cloud, stage=stage, secrets={"token": "t"})
        assert {found.name for found in cloud.registered if found.protect} == wanted


def test_operators_are_installed_only_when_asked(cloud: Cloud) -> None:
    make(cloud, addons=["kserve", "cert-manager"])
    releases = {found.name: found for found in cloud.all("Release")}
    assert set(releases) == {"churn-addon-kserve-crd", "churn-addon-kserve-resources", "churn-addon-cert-manager"}
    assert {"churn-addon-kserve-crd", "churn-addon-cert-manager"} <= releases["churn-addon-kserve-resources"].depends_on
    assert set(releases) <= cloud.one("Namespace").depends_on
    without = Cloud()
    make(without)
    assert without.all("Release") == []


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"addons": ["kserv"]}, "addons: 'kserv' is not one of"),
        ({"images": ["trainer"]}, "images: needs a registry"),
        ({"network": {"private": {"zones": 3}}}, "network.private: zones: the cluster's network has its own"),
        ({"existing": {"gateway": {"name": "public", "domain": "a.example.com"}}}, "existing.gateway.name: 'public'"),
    ],
)
def test_bad_input_is_refused_with_a_way_out(cloud: Cloud, args: dict[str, Any], says: str) -> None:
    with pytest.raises(mlops.InvalidArgs) as caught:
        make(cloud, **args)
    assert says in str(caught.value)
    assert cloud.registered == []


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        ({}, "namespace 'churn-dev' is there and is not one of ours"),
        ({"pulumi-mlops/stack": "acme/other/dev"}, "belongs to stack 'acme/other/dev'"),
    ],
)
def test_a_namespace_of_somebody_else_is_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, annotations: dict[str, str], says: str
) -> None:
    class There:
        server = "https://cluster"

        def get(self, path: str) -> dict[str, Any] | None:
            return {"metadata": {"annotations": annotations}} if path.endswith("/churn-dev") else None

    monkeypatch.setattr(live, "cluster", lambda _: There())
    with pytest.raises(mlops.InvalidArgs, match=says):
        make(cloud)
    assert cloud.registered == []


@pytest.mark.parametrize("given", [False, True])
def test_the_preview_says_which_cluster_is_meant(given: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider of the user's cannot be read by the program, which looks up what is there by the kubeconfig."""
    cloud = Cloud(preview=True)

    class There:
        server, uid = "https://cluster", "u-1"

        def get(self, _path: str) -> None:
            return None

    def program() -> None:
        provider = k8s.Provider("ours", context="elsewhere") if given else None
        mlops.Platform("churn", pulumi.ResourceOptions(provider=provider), backend="kubernetes", account="here")

    monkeypatch.setattr(live, "cluster", lambda _: There())
    cloud.run(program)
    where = "the cluster at https://cluster, context 'here'"
    looked_up = f"what is there is looked up in {where}; the provider in `opts` must lead to the same"
    assert (looked_up if given else f"goes to {where}") in cloud.infos


def test_what_others_name_is_there_before_them(cloud: Cloud) -> None:
    """A Secret is named by its plain name, so its order must come with the namespace."""

    def program() -> None:
        platform = mlops.Platform("churn", backend="kubernetes", secrets={"token": "t"})
        mlops.ModelRegistry("models", platform=platform)

    cloud.run(program)
    needed = {"churn-namespace", "churn-net-deny", "churn-store-writer", "churn-store-reader", "churn-secret-token"}
    assert needed <= cloud.one("Deployment").depends_on
