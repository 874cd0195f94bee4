"""FeatureStore and FeatureGroup on Kubernetes: what is made, what a change does, what is refused."""

import base64
import json
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.backends.kubernetes import live
from support.facts.kubernetes import HUB, NAMESPACE, OBJECT_STORE, hub
from support.mocks import Cloud, Registration

FEATURES = {"id": "string", "at": "timestamp", "age": "integer", "spend": "float", "vip": "boolean"}
DAILY = {"cron": "0 3 * * *", "timezone": "Europe/Berlin"}
SERVER = {"app.kubernetes.io/name": "feast", "app.kubernetes.io/instance": "features"}
MEMBER = {"pulumi-mlops/feature-store": "features"}
DATABASE = {"host": "db.example.com", "port": 5433, "secret": "churn-database", "tls": "verify-full"}


def make(cloud: Cloud, *, store: dict[str, Any] | None = None, **group: Any) -> Any:
    """Make a store with a group on it."""
    given = {"features": FEATURES, "keys": ["id"], "event_time": "at", "online": {"ttl_hours": 72}} | group

    def program() -> Any:
        made = mlops.FeatureStore("features", **({"platform": HUB} | (store or {})))
        return mlops.FeatureGroup("user-profile", store=made, **given).ref.export()

    return cloud.run(program)


def spec_of(cloud: Cloud, kind: str, name: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = cloud.one(kind, name).inputs["spec"]
    return found


def pod_of(found: Registration) -> dict[str, Any]:
    spec = found.inputs["spec"]
    template: dict[str, Any] = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    return template


def definition(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.one("ConfigMap", "user-profile-definition").inputs["data"]["group.json"])
    return found


def variables(found: Registration) -> dict[str, Any]:
    (container,) = pod_of(found)["spec"]["containers"]
    return {
        one["name"]: one.get("value") or tuple(one["valueFrom"]["secretKeyRef"].values()) for one in container["env"]
    }


def name_of(found: Registration) -> str:
    return str(found.inputs["metadata"]["name"])


def test_the_repository_names_secrets_and_holds_none(cloud: Cloud) -> None:
    make(cloud)
    files = cloud.one("ConfigMap", "features-repository").inputs["data"]
    assert set(files) == {"feature_store.yaml", "features.py", "feast_offline.py", "feast_online.py"}
    settings = json.loads(files["feature_store.yaml"])
    assert settings["project"] == "churn_dev_features"
    assert settings["registry"]["path"] == "${DB_URI}"
    host = "features-online.churn-dev.svc.cluster.local:6379"
    assert settings["online_store"]["connection_string"] == host + ",password=${ONLINE_STORE_PASSWORD}"
    assert settings["online_store"]["type"] == "feast_online.ValkeyOnlineStore"
    assert settings["offline_store"]["type"] == "feast_offline.ParquetOfflineStore"
    found = variables(cloud.one("Deployment"))
    assert set(found["DB_URI"]) == {"features-feast-db-app", "uri"}
    assert set(found["ONLINE_STORE_PASSWORD"]) == {"features-online", "password"}
    assert set(found["AWS_SECRET_ACCESS_KEY"]) == {OBJECT_STORE["writer"], "AWS_SECRET_ACCESS_KEY"}
    assert found["AWS_REGION"] == "us-east-1"


def test_the_password_is_generated_and_stays_in_its_secret() -> None:
    cloud = Cloud()
    make(cloud)
    keys = cloud.one("Secret", "features-online")
    assert "data" in keys.secret
    data = {key: base64.b64decode(value).decode() for key, value in keys.inputs["data"].items()}
    assert data["password"]
    assert f"requirepass {data['password']}\n" in data["valkey.conf"]
    assert "maxmemory 768mb\n" in data["valkey.conf"]
    assert cloud.one("RandomPassword").inputs["minLower"] == 2
    for other in cloud.registered:
        if other.name != keys.name and "RandomPassword" not in other.type:
            assert data["password"] not in json.dumps(dict(other.inputs)), other.name


def test_the_online_store_keeps_its_disk(cloud: Cloud) -> None:
    make(cloud)
    spec = spec_of(cloud, "StatefulSet")
    assert spec["serviceName"] == "features-online"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"] == {"storage": "5Gi"}
    assert spec_of(cloud, "Service", "features-online")["clusterIP"] == "None"
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"].startswith("docker.io/valkey/valkey:")
    assert container["command"] == ["valkey-server", "/etc/valkey/valkey.conf"]


@pytest.mark.parametrize(("stage", "replicas", "protected"), [("dev", 1, False), ("prod", 2, True)])
def test_what_a_stage_means(stage: str, replicas: int, *, protected: bool) -> None:
    cloud = Cloud()
    make(cloud, store={"platform": hub(stage=stage)})
    assert spec_of(cloud, "Deployment")["replicas"] == replicas
    assert len(cloud.all("PodDisruptionBudget")) == (replicas > 1)
    for kind, name in (("StatefulSet", None), ("Cluster", None), ("ConfigMap", "user-profile-definition")):
        assert cloud.one(kind, name).protect is protected, kind
    assert not cloud.one("Job").protect, "it vanishes with the next definition"


def test_the_server_is_reached_by_its_health(cloud: Cloud) -> None:
    ref = make(cloud)
    assert ref["address"]["url"] == "http://features-feast.churn-dev.svc.cluster.local:6566"
    assert ref["address"]["door"] == {"name": "features", "port": 6566, "pods": SERVER, "namespace": None}
    assert ref["address"]["location"] == "s3://artifacts/features/features/user-profile/"
    service = spec_of(cloud, "Service", "features-feast")
    assert (service["selector"], service["ports"][0]["port"]) == (SERVER, 6566)
    server = cloud.one("Deployment")
    (container,) = pod_of(server)["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}
    assert server.inputs["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert pod_of(server)["spec"]["topologySpreadConstraints"]


def test_whoever_works_on_the_store_reaches_its_parts_and_nothing_else(cloud: Cloud) -> None:
    make(cloud, store={"materialize": DAILY})
    for worker in (cloud.one("Deployment"), cloud.one("CronJob"), cloud.one("Job")):
        pod = pod_of(worker)
        assert pod["metadata"]["labels"].items() >= MEMBER.items(), worker.name
        assert pod["spec"]["automountServiceAccountToken"] is False
    policies = {name_of(found): found.inputs["spec"] for found in cloud.all("NetworkPolicy")}
    out = policies["features-feast-out"]
    assert out["podSelector"]["matchLabels"] == MEMBER
    assert [rule["ports"][0]["port"] for rule in out["egress"]] == [5432, 6379, 8333]
    assert all("podSelector" in peer for rule in out["egress"] for peer in rule["to"])
    (way_in,) = policies["features-feast-to-valkey"]["ingress"]
    assert way_in["from"] == [{"podSelector": {"matchLabels": MEMBER}}]
    assert not cloud.all("Role"), "nothing here talks to the API server"


def test_a_database_of_the_users(cloud: Cloud) -> None:
    make(cloud, store={"platform": hub(database=DATABASE)})
    assert not cloud.all("Cluster")
    address = variables(cloud.one("Job"))["DB_URI"]
    assert address.endswith("@db.example.com:5433/churn_dev_features_feast?sslmode=verify-full&sslrootcert=system")


def test_offline_rows_come_online_on_a_schedule(cloud: Cloud) -> None:
    make(cloud, store={"materialize": DAILY})
    spec = spec_of(cloud, "CronJob")
    assert (spec["schedule"], spec["timeZone"]) == ("0 3 * * *", "Europe/Berlin")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] == 600
    job = spec["jobTemplate"]["spec"]
    assert (job["activeDeadlineSeconds"], job["backoffLimit"]) == (21600, 3)
    (container,) = job["template"]["spec"]["containers"]
    assert "materialize-incremental" in container["command"][-1]


def test_without_a_schedule_nothing_comes_online(cloud: Cloud) -> None:
    make(cloud)
    assert not cloud.all("CronJob")


def test_a_group_is_data_that_a_job_applies(cloud: Cloud) -> None:
    ref = make(cloud, description="who they are", tags={"mail": "ml@example.com"})
    assert ref["address"]["view"] == "user_profile"
    tags = definition(cloud).pop("tags")
    assert (tags["mail"], tags["team"]) == ("ml@example.com", "growth")
    assert definition(cloud) == {
        "store": "features",
        "view": "user_profile",
        "keys": ["id"],
        "event_time": "at",
        "features": FEATURES,
        "online": True,
        "offline": True,
        "ttl_hours": 72,
        "description": "who they are",
        "tags": tags,
        "location": "s3://artifacts/features/features/user-profile/",
        "endpoint": OBJECT_STORE["url"],
    }
    job = cloud.one("Job")
    assert job.depends_on >= {"features-feast-server", "user-profile-definition"}
    assert job.inputs["metadata"]["namespace"] == NAMESPACE
    assert "ttlSecondsAfterFinished" not in job.inputs["spec"], "a Job that vanished would be made, and run, again"
    (container,) = pod_of(job)["spec"]["containers"]
    assert container["command"] == ["python", "/etc/feast/features.py", "/etc/feature-group/group.json", "/etc/feast"]


def test_one_store_only() -> None:
    cloud = Cloud()
    make(cloud, online=None)
    assert (definition(cloud)["online"], definition(cloud)["offline"], definition(cloud)["ttl_hours"]) == (
        False,
        True,
        None,
    )
    other = Cloud()
    make(other, offline=None)
    assert definition(other)["offline"] is False


@pytest.mark.parametrize(
    "change",
    [
        {"features": FEATURES | {"visits": "integer"}},
        {"online": {"ttl_hours": 24}},
        {"description": "other words"},
        {"tags": {"team": "risk"}},
    ],
    ids=["feature", "ttl", "description", "tags"],
)
def test_a_change_makes_another_job_and_replaces_nothing(change: dict[str, Any]) -> None:
    before, after = Cloud(), Cloud()
    make(before)
    make(after, **change)
    assert name_of(before.one("Job")) != name_of(after.one("Job"))
    same = {(found.type, name_of(found)) for found in before.registered if found.type.startswith("kubernetes:")}
    now = {(found.type, name_of(found)) for found in after.registered if found.type.startswith("kubernetes:")}
    assert {kind.rsplit(":", 1)[-1] for kind, _ in same ^ now} == {"Job"}
    assert before.one("StatefulSet").inputs == after.one("StatefulSet").inputs
    assert before.one("Deployment").inputs == after.one("Deployment").inputs


def test_a_schedule_touches_neither_store_nor_server() -> None:
    before, after = Cloud(), Cloud()
    make(before)
    make(after, store={"materialize": DAILY})
    for kind in ("StatefulSet", "Deployment", "Job", "Cluster"):
        assert before.one(kind).inputs == after.one(kind).inputs, kind


def test_tags_restart_nothing() -> None:
    before, after = Cloud(), Cloud()
    make(before)
    make(after, store={"tags": {"cost-center": "4711"}})
    assert after.one("StatefulSet").inputs["metadata"]["labels"]["cost-center"] == "4711"
    for kind in ("StatefulSet", "Deployment"):
        assert spec_of(before, kind) == spec_of(after, kind), kind


def test_a_group_on_a_store_of_another_stack() -> None:
    def owner() -> Any:
        return mlops.FeatureStore("features", platform=HUB).ref.export()

    exported = Cloud().run(owner)
    second = Cloud()
    second.run(
        lambda: (
            mlops.FeatureGroup(
                "user-profile",
                store=mlops.FeatureStoreRef.load(exported),
                features=FEATURES,  # type: ignore[arg-type]
                keys=["id"],
                event_time="at",
            )
            and None
        )
    )
    whole = Cloud()
    make(whole, online=None)
    assert second.one("Job").inputs == whole.one("Job").inputs


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"event_time": "spend"}, "event_time: 'spend' is 'float'; Feast takes a 'timestamp'"),
        ({"keys": ["vip"]}, "features.vip: is a key and 'boolean'; Feast's keys are 'string' or 'integer'"),
        ({"keys": ["id", "spend"]}, "features.spend: is a key and 'float'"),
    ],
)
def test_what_feast_does_not_take(args: dict[str, Any], said: str) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, **args)
    assert said in str(caught.value)
    assert not cloud.all("FeatureGroup")


def test_iceberg_is_absent() -> None:
    with pytest.raises(Unsupported, match="Iceberg"):
        make(Cloud(), offline={"format": "iceberg"})


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            {"features": {key: kind for key, kind in FEATURES.items() if key != "age"}},
            "features: 'age' cannot be removed from a group that exists: rows that are there have it",
        ),
        (
            {"features": FEATURES | {"age": "float"}},
            "features.age: cannot become 'float' in a group that exists (Feast holds it as 'integer')",
        ),
        ({"keys": ["id", "age"]}, "keys: cannot change from ['id'] to ['id', 'age']"),
        (
            {"features": FEATURES | {"seen": "timestamp"}, "event_time": "seen"},
            "event_time: cannot change from 'at' to 'seen'",
        ),
        ({"online": None}, "online: cannot change from 'on' to 'off'"),
        ({"offline": None}, "offline: cannot change from 'on' to 'off'"),
    ],
)
def test_what_rows_that_are_there_forbid(args: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Cloud()
    make(there)
    asked: list[tuple[str, ...]] = []

    def namespaced(_platform: object, *path: str) -> Any:
        asked.append(path)
        return {"data": there.one("ConfigMap", "user-profile-definition").inputs["data"]}

    monkeypatch.setattr(live, "namespaced", namespaced)
    make(Cloud(), features=FEATURES | {"visits": "integer"}, description="other", online={})
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        make(cloud, **args)
    assert said in str(caught.value)
    assert ("v1", "configmaps", "user-profile-features") in asked
    assert not cloud.all("FeatureGroup")
