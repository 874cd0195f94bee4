"""Endpoint on Kubernetes."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.backends.kubernetes.endpoint import metrics_namespace
from support.facts.kubernetes import GROUP, HUB, IMAGE, NAMESPACE, OBJECT_STORE, hub, version
from support.mocks import Cloud, Registration

FILES = {"image": IMAGE, "artifact": "s3://artifacts/m/"}
SECRET = mlops.SecretRef.existing("churn-secret-hub-token", backend="kubernetes")
SCALED = {"min": 2, "max": 4, "requests_per_replica": 400}
GROWTH = {"app.kubernetes.io/name": "model-server", "app.kubernetes.io/instance": "score"}


def make(cloud: Cloud, **args: Any) -> Any:
    def program() -> Any:
        wanted = {"platform": HUB} | args
        if "variants" not in args:
            wanted |= {"model": args.get("model", version())}
        return mlops.Endpoint("score", **wanted).ref.export()

    return cloud.run(program)


def spec_of(cloud: Cloud, kind: str, name: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = cloud.one(kind, name).inputs["spec"]
    return found


def predictor(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = spec_of(cloud, "InferenceService")["predictor"]
    return found


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["env"]}


def name_of(made: Registration) -> str:
    return str(made.inputs["metadata"]["name"])


def test_a_version_of_the_registry(cloud: Cloud) -> None:
    ref = make(cloud)
    made = cloud.one("InferenceService")
    name = name_of(made)
    assert name.removeprefix("score-").isalnum()
    assert made.name == name, "a revision is a resource of its own"
    assert made.inputs["metadata"]["namespace"] == NAMESPACE
    assert made.inputs["metadata"]["annotations"] == {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "none",
    }
    assert made.inputs["metadata"]["labels"]["networking.kserve.io/visibility"] == "cluster-local"
    model = predictor(cloud)["model"]
    assert model["modelFormat"] == {"name": "mlflow"}
    assert model["storageUri"] == "s3://artifacts/models/3/artifacts/model"
    assert model["runtime"] == name
    size = {"cpu": "2", "memory": "8Gi"}
    assert model["resources"] == {"requests": size, "limits": size}
    assert environment(model)["MLSERVER_MODEL_NAME"] == "score", "paths stay from version to version"
    (container,) = spec_of(cloud, "ServingRuntime")["containers"]
    assert container["name"] == "kserve-container"
    assert container["image"].startswith("docker.io/seldonio/mlserver:")
    assert (ref["status"], ref["variants"], ref["captured"]) == ("live", ["main"], None)
    assert ref["url"] == "https://score.ml.example.com"


def test_a_version_may_bring_its_own_image(cloud: Cloud) -> None:
    own = mlops.ModelVersionRef(
        name="churn", backend="kubernetes", platform=HUB, version=1, address={"uri": "s3://a/b", "image": IMAGE}
    )
    make(cloud, model=own)
    assert spec_of(cloud, "ServingRuntime")["containers"][0]["image"] == IMAGE


def test_an_image_with_files(cloud: Cloud) -> None:
    make(cloud, model=FILES)
    assert not cloud.all("ServingRuntime")
    (container,) = predictor(cloud)["containers"]
    assert (container["name"], container["image"]) == ("kserve-container", IMAGE)
    assert container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert predictor(cloud)["storageUris"] == [{"uri": "s3://artifacts/m/", "mountPath": "/mnt/models"}]


def test_an_image_without_files(cloud: Cloud) -> None:
    make(cloud, model={"image": IMAGE})
    assert "storageUris" not in predictor(cloud)


@pytest.mark.parametrize("model", [None, FILES])
def test_pods_are_locked_down(cloud: Cloud, model: Any) -> None:
    make(cloud, **({"model": model} if model else {}))
    pod = predictor(cloud)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"] if model else spec_of(cloud, "ServingRuntime")["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for account in cloud.all("ServiceAccount"):
        assert account.inputs["automountServiceAccountToken"] is False


def test_requests_do_not_fail_while_pods_come_and_go(cloud: Cloud) -> None:
    make(cloud, model=FILES)
    pod = predictor(cloud)
    assert pod["deploymentStrategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (container,) = pod["containers"]
    assert {"readinessProbe", "livenessProbe", "startupProbe"} <= container.keys()
    assert container["readinessProbe"]["tcpSocket"] == {"port": 8080}, "KServe's agent knows ports by number only"
    ending = container["lifecycle"]["preStop"]["sleep"]["seconds"] + pod["timeout"]
    assert pod["terminationGracePeriodSeconds"] >= ending, "the longest answer is still given"
    (spread,) = pod["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"


def revision(**args: Any) -> str:
    cloud = Cloud()
    make(cloud, **args)
    return name_of(cloud.one("InferenceService"))


RELEASED: dict[str, dict[str, Any]] = {
    "version": {"model": version(4)},
    "size": {"compute": {"cpus": 4, "memory_gb": 8}},
    "accelerator": {"compute": {"cpus": 2, "memory_gb": 8, "accelerator": "L4:1"}},
    "environment": {"environment": {"A": "2"}},
    "secrets": {"secrets": {"HUB": SECRET}},
    "reads": {"reads": [GROUP.online]},
    "capture": {"capture_percent": 100},
    "files": {"model": FILES},
}
IN_PLACE: dict[str, dict[str, Any]] = {
    "canary": {"release": {"canary": {"percent": 20}}},
    "bake": {"release": {"linear": {"step_percent": 20, "interval_minutes": 1}}},
    "replicas": {"scaling": {"min": 3, "max": 3}},
    "autoscaling": {"scaling": SCALED},
    "bounds": {"scaling": SCALED | {"max": 9}},
    "tags": {"tags": {"team": "other"}},
    "health": {"health": {"errors_percent": 1, "latency_ms": 90}},
    "invokers": {"invokers": [{"namespace": "shop"}]},
    "isolation": {"isolated": False},
}


@pytest.mark.parametrize("case", RELEASED)
def test_what_needs_a_release_is_another_revision(case: str) -> None:
    assert revision(**RELEASED[case]) != revision()


@pytest.mark.parametrize("case", IN_PLACE)
def test_what_needs_no_release_is_the_same_revision(case: str) -> None:
    assert revision(**IN_PLACE[case]) == revision()


def changes(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Name what an update would touch."""

    def objects(args: dict[str, Any]) -> dict[str, Any]:
        cloud = Cloud()
        make(cloud, **args)
        return {f"{made.type.split(':')[-1]} {made.name}": made.inputs for made in cloud.registered if made.custom}

    one, other = objects(before), objects(after)
    return {name for name in one | other if one.get(name) != other.get(name)}


def test_another_canary_percentage_is_one_change() -> None:
    ten, twenty = ({"release": {"canary": {"percent": percent}}, "scaling": SCALED} for percent in (10, 20))
    assert changes(ten, twenty) == {"ConfigMap score-release"}


def test_other_bounds_are_one_change() -> None:
    (made,) = changes({"scaling": SCALED}, {"scaling": SCALED | {"max": 8}})
    assert made.startswith("ScaledObject score-")


def test_another_number_of_replicas_is_one_change() -> None:
    (made,) = changes({"scaling": {"min": 2, "max": 2}}, {"scaling": {"min": 3, "max": 3}})
    assert made.startswith("InferenceService score-")


def test_a_new_version_leaves_what_stays_alone() -> None:
    kinds = {name.split()[0] for name in changes({"model": version(3)}, {"model": version(4)})}
    assert kinds == {"InferenceService", "ServingRuntime", "Role", "ConfigMap", "Job", "Service", "HTTPRoute"}


def test_the_route_moves_after_the_release_which_follows_the_revision(cloud: Cloud) -> None:
    make(cloud, scaling=SCALED, release={"canary": {"percent": 10}})
    made, release = cloud.one("InferenceService"), cloud.one("Job")
    assert {made.name, f"{made.name}-scaling", "score-release", "score-binding-release"} <= release.depends_on
    assert release.name in cloud.one("HTTPRoute").depends_on
    assert release.name in cloud.one("Service").depends_on


def test_nothing_starts_before_its_ways_are_open(cloud: Cloud) -> None:
    make(cloud)
    before = {"score-account", "score-net-calls-out", "score-net-calls-to-store", "score-net-callers"}
    assert before <= cloud.one("InferenceService").depends_on
    assert "score-net-release" in cloud.one("Job").depends_on


def test_the_route(cloud: Cloud) -> None:
    make(cloud)
    route = cloud.one("HTTPRoute")
    assert route.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] == "true"
    spec = route.inputs["spec"]
    assert spec["parentRefs"] == [{"namespace": "gateways", "name": "public", "sectionName": "https"}]
    assert spec["hostnames"] == ["score.ml.example.com"]
    service = f"{name_of(cloud.one('InferenceService'))}-predictor"
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": service, "port": 80, "weight": 1}]
    assert rule["timeouts"] == {"request": "60s"}


def test_variants_share_the_traffic(cloud: Cloud) -> None:
    ref = make(
        cloud,
        variants=[
            {"name": "a", "model": version(1), "weight": 1},
            {"name": "b", "model": version(2), "weight": 2.5, "compute": {"cpus": 8, "memory_gb": 16}},
        ],
    )
    assert ref["variants"] == ["a", "b"]
    names = {name_of(made).split("-")[1]: name_of(made) for made in cloud.all("InferenceService")}
    (rule,) = spec_of(cloud, "HTTPRoute")["rules"]
    assert rule["backendRefs"] == [
        {"name": f"{names['a']}-predictor", "port": 80, "weight": 1000},
        {"name": f"{names['b']}-predictor", "port": 80, "weight": 2500},
    ]
    sizes = {
        name_of(made): made.inputs["spec"]["predictor"]["model"]["resources"]["requests"]["cpu"]
        for made in cloud.all("InferenceService")
    }
    assert sizes == {names["a"]: "2", names["b"]: "8"}
    assert spec_of(cloud, "Service")["selector"] == {"serving.kserve.io/inferenceservice": names["b"]}


def test_other_weights_make_no_other_revision() -> None:
    def weighted(weight: int) -> dict[str, Any]:
        return {"variants": [{"name": "a", "model": version(1), "weight": weight}, {"name": "b", "model": version(2)}]}

    assert changes(weighted(2), weighted(3)) == {"HTTPRoute score-route", "ConfigMap score-release"}


@pytest.mark.parametrize(
    ("percent", "share"),
    [(100, {"percent": 100}), (12.5, {"fraction": {"numerator": 1250, "denominator": 10000}})],
)
def test_a_shadow_gets_a_copy(cloud: Cloud, percent: float, share: dict[str, Any]) -> None:
    make(cloud, shadow={"model": version(4), "percent": percent})
    names = {name_of(made) for made in cloud.all("InferenceService")}
    (shadow,) = (name for name in names if name.startswith("score-shadow-"))
    (rule,) = spec_of(cloud, "HTTPRoute")["rules"]
    assert [one["name"] for one in rule["backendRefs"]] == [f"{name}-predictor" for name in names - {shadow}]
    (copy,) = rule["filters"]
    assert copy["type"] == "RequestMirror"
    assert copy["requestMirror"] == {"backendRef": {"name": f"{shadow}-predictor", "port": 80}, **share}


def test_another_shadow_is_no_release() -> None:
    kinds = {name.split()[0] for name in changes({"shadow": {"model": version(4)}}, {"shadow": {"model": version(5)}})}
    assert "Job" not in kinds


def test_the_address_inside_the_cluster(cloud: Cloud) -> None:
    ref = make(cloud, platform=hub(gateway=None))
    assert ref["url"] == "http://score.churn-dev.svc.cluster.local"
    assert not cloud.all("HTTPRoute")
    service = cloud.one("Service")
    assert service.inputs["metadata"]["name"] == "score"
    assert service.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert service.inputs["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    assert cloud.one("InferenceService").name in service.depends_on


def test_plain_http_is_said(cloud: Cloud) -> None:
    gateway = {"name": "gateways/public", "domain": "ml.example.com", "tls": False}
    assert make(cloud, platform=hub(gateway=gateway))["url"] == "http://score.ml.example.com"


def test_the_account_reads_the_store_and_nothing_else(cloud: Cloud) -> None:
    make(cloud, platform=hub(pull_secret="churn-pull"))
    account = cloud.one("ServiceAccount", "score-account").inputs
    assert account["secrets"] == [{"name": OBJECT_STORE["reader"]}]
    assert account["imagePullSecrets"] == [{"name": "churn-pull"}]
    assert predictor(cloud)["serviceAccountName"] == "score"
    bound = {one["name"] for binding in cloud.all("RoleBinding") for one in binding.inputs["subjects"]}
    assert bound == {"score-release"}


def test_captured_traffic_goes_to_the_store(cloud: Cloud) -> None:
    ref = make(cloud, capture_percent=100)
    assert ref["captured"] == "s3://artifacts/captured/score/"
    logger = predictor(cloud)["logger"]
    assert (logger["mode"], logger["url"]) == ("all", "s3://artifacts/captured/score")
    assert logger["storage"]["serviceAccountName"] == predictor(cloud)["serviceAccountName"] == "score"
    assert logger["storage"]["path"], "KServe's agent writes nothing where there is no path"
    assert logger["storage"]["key"], "KServe's webhook refuses a storage without one"
    account = cloud.one("ServiceAccount", "score-account").inputs
    assert account["secrets"] == [{"name": OBJECT_STORE["writer"]}]
    assert spec_of(cloud, "Service")["ports"][0]["targetPort"] == 9081, "requests pass the agent"


def test_captured_traffic_is_written_in_batches_before_the_agent_ends(cloud: Cloud) -> None:
    """KServe's agent writes one file after the other, and holds requests back when it has room for no more."""
    make(cloud, capture_percent=100)
    logger = predictor(cloud)["logger"]
    assert 1 < logger["batchSize"] < 100, "its room is for 100 events"
    assert logger["batchInterval"] == "5s", "it goes on for 30 seconds after it was told to end"


def test_secrets_are_files(cloud: Cloud) -> None:
    make(cloud, secrets={"HUB": SECRET})
    pod = predictor(cloud)
    assert environment(pod["model"])["MLOPS_SECRET_HUB"] == "file:///var/run/secrets/mlops/HUB"
    (volume,) = (one for one in pod["volumes"] if one["name"] == "secrets")
    assert volume["projected"]["sources"] == [
        {"secret": {"name": "churn-secret-hub-token", "items": [{"key": "value", "path": "HUB"}]}}
    ]
    (mount,) = (one for one in pod["model"]["volumeMounts"] if one["name"] == "secrets")
    assert (mount["mountPath"], mount["readOnly"]) == ("/var/run/secrets/mlops", True)


def test_what_it_reads_is_told_and_opened(cloud: Cloud) -> None:
    make(cloud, reads=[GROUP.online])
    known = environment(predictor(cloud)["model"])
    assert known["MLOPS_FEATURES_PROFILE"] == "profile"
    assert known["MLOPS_FEATURE_SERVER_PROFILE"] == "http://features.churn-dev.svc.cluster.local"
    way_in = spec_of(cloud, "NetworkPolicy", "score-net-reads-to-features")
    assert way_in["podSelector"]["matchLabels"] == GROUP.address["door"]["pods"]
    (rule,) = way_in["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": GROWTH}}]
    assert [port["port"] for port in rule["ports"]] == [6566]


def other_store(name: str) -> mlops.FeatureGroupRef:
    door = {**GROUP.address["door"], "name": name}
    return replace(GROUP, name="basket", address={**GROUP.address, "door": door, "url": f"http://{name}"})


def test_two_feature_stores(cloud: Cloud) -> None:
    """One of them is called as the object store's door is."""
    make(cloud, reads=[GROUP.online, other_store("store").online])
    known = environment(predictor(cloud)["model"])
    assert known["MLOPS_FEATURE_SERVER_BASKET"] == "http://store"
    assert known["MLOPS_FEATURE_SERVER_PROFILE"] == "http://features.churn-dev.svc.cluster.local"
    opened = {made.name for made in cloud.all("NetworkPolicy")}
    assert {"score-net-calls-to-store", "score-net-reads-to-store", "score-net-reads-to-features"} <= opened


def test_what_the_model_server_is_told_cannot_be_set(cloud: Cloud) -> None:
    with pytest.raises(
        InvalidArgs, match="environment: 'MLSERVER_MODEL_NAME': the library sets this for the model server"
    ):
        make(cloud, environment={"MLSERVER_MODEL_NAME": "other"})
    assert not cloud.all("InferenceService")


def test_the_model_servers_other_options_can_be_set(cloud: Cloud) -> None:
    make(cloud, environment={"MLSERVER_PARALLEL_WORKERS": "2", "A": "1"})
    env = predictor(cloud)["model"]["env"]
    assert environment({"env": env}) | {"MLSERVER_PARALLEL_WORKERS": "2", "A": "1"} == environment({"env": env})
    assert len({one["name"] for one in env}) == len(env), "the API server refuses a name that stands twice"


def test_a_language_model_is_served_by_an_image_of_ones_own(cloud: Cloud) -> None:
    serve = {
        "command": ["vllm", "serve", "/mnt/models"],
        "port": 8000,
        "health": "/health",
        "startup_minutes": 40,
        "timeout_seconds": 300,
        "shared_memory_gb": 4,
    }
    make(cloud, serve={"image": "registry.example.com/vllm:1", **serve})
    pod = predictor(cloud)
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.com/vllm:1"
    assert container["command"] == serve["command"]
    assert container["ports"][0]["containerPort"] == 8000
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": 8000}
    probe = container["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] == 40 * 60
    assert (pod["timeout"], pod["terminationGracePeriodSeconds"] > 300) == (300, True)
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "4Gi"}} in pod["volumes"]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in container["volumeMounts"]  # noqa: S108
    assert pod["storageUris"][0]["mountPath"] == "/mnt/models"
    assert not [item for item in env_names(container) if item.startswith("MLSERVER_")]


def env_names(container: dict[str, Any]) -> list[str]:
    return [one["name"] for one in container["env"]]


def test_who_may_call(cloud: Cloud) -> None:
    make(cloud, model=FILES, invokers=[{"namespace": "shop"}])
    policy = spec_of(cloud, "NetworkPolicy", "score-net-callers")
    assert policy["podSelector"]["matchLabels"] == GROWTH
    measured, called = policy["ingress"]

    def spaces(rule: dict[str, Any]) -> list[str]:
        return [one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"]]

    assert spaces(measured) == ["monitoring"]
    assert spaces(called) == ["envoy-gateway-system", "gateways", "shop"]
    assert [port["port"] for port in called["ports"]] == [8080]


@pytest.mark.parametrize(
    ("args", "opened"),
    [
        ({}, False),
        ({"isolated": False}, True),
        ({"reads": [GROUP.online]}, True),
        ({"isolated": False, "platform": hub(private=True)}, False),
    ],
)
def test_the_way_to_the_internet(cloud: Cloud, args: dict[str, Any], opened: bool) -> None:
    make(cloud, **args)
    assert any(made.name == "score-net-internet" for made in cloud.all("NetworkPolicy")) is opened


@pytest.mark.parametrize(
    ("compute", "placed"),
    [
        ({"accelerator": "A10G:2"}, "affinity"),
        ({"accelerator": "Gaudi3:2", "pin": {"kubernetes": "pool=habana"}}, "nodeSelector"),
    ],
)
def test_accelerators(cloud: Cloud, compute: dict[str, Any], placed: str) -> None:
    make(cloud, compute=compute)
    pod = predictor(cloud)
    resources = pod["model"]["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == "2"
    assert pod["tolerations"][0] == {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert placed in pod


def test_replicas_are_fixed_or_counted_by_the_load(cloud: Cloud) -> None:
    make(cloud, scaling={"min": 3, "max": 3})
    assert predictor(cloud)["minReplicas"] == 3
    assert not cloud.all("ScaledObject")


def test_replicas_follow_the_load(cloud: Cloud) -> None:
    make(cloud, scaling=SCALED | {"cooldown_in_seconds": 1800, "cooldown_out_seconds": 0})
    made = cloud.one("InferenceService")
    assert made.inputs["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    assert "minReplicas" not in predictor(cloud), "who else counts would be overruled at each update"
    scaled = cloud.one("ScaledObject")
    assert made.name in scaled.depends_on
    spec = scaled.inputs["spec"]
    assert spec["scaleTargetRef"]["name"] == f"{name_of(made)}-predictor"
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 4)
    (trigger,) = spec["triggers"]
    assert trigger["metadata"]["serverAddress"] == HUB.address["metrics"]
    assert trigger["metadata"]["threshold"] == "400"
    query = trigger["metadata"]["query"]
    assert 'mlops_endpoint="score",mlops_variant="main"' in query
    assert "revision" not in query, "a new revision grows to the whole load before it gets any"
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 1800
    for direction in behavior.values():
        assert all(1 <= policy["periodSeconds"] <= 1800 for policy in direction["policies"])


@pytest.mark.parametrize(("least", "names"), [(1, []), (2, ["score"])])
def test_nodes_are_drained_one_replica_at_a_time(cloud: Cloud, least: int, names: list[str]) -> None:
    make(cloud, scaling={"min": least, "max": least})
    budgets = cloud.all("PodDisruptionBudget")
    assert [name_of(made) for made in budgets] == names
    for made in budgets:
        assert made.inputs["spec"]["selector"]["matchLabels"] == {**GROWTH, "pulumi-mlops/variant": "main"}


def test_what_is_measured_and_who_is_told(cloud: Cloud) -> None:
    make(cloud, health={"errors_percent": 2, "latency_ms": 250})
    (scraped,) = spec_of(cloud, "PodMonitor")["podMetricsEndpoints"]
    assert (scraped["portNumber"], scraped["path"]) == (8082, "/metrics")
    labels = {one["targetLabel"] for one in scraped["relabelings"]}
    assert labels == {"mlops_endpoint", "mlops_variant", "mlops_revision"}
    (group,) = spec_of(cloud, "PrometheusRule")["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    assert rules["EndpointErrors"]["expr"].endswith("> 2")
    assert rules["EndpointLatency"]["expr"].endswith("> 250")
    for rule in rules.values():
        assert rule["labels"]["namespace"] == NAMESPACE, "the namespace's alerts are told to the platform's people"
        assert "mlops_revision" not in rule["expr"]


class Built(pulumi.CustomResource):
    """Stands for an image that the program builds."""

    image: pulumi.Output[str]

    def __init__(self, image: str | None) -> None:
        super().__init__("test:index/built:Built", "built", {"image": image})


def built(cloud: Cloud, image: str | None) -> Registration:
    def program() -> Any:
        files = {**FILES, "image": Built(image).image}
        return mlops.Endpoint("score", platform=HUB, model=files).ref.export()

    cloud.run(program)
    return cloud.one("InferenceService")


def test_an_image_that_the_program_builds(cloud: Cloud) -> None:
    made = built(cloud, IMAGE)
    assert made.name == revision(model=FILES), "a revision is named after what the image became"
    assert "built" in made.depends_on


def test_an_image_that_nobody_knows_yet_is_a_new_revision() -> None:
    made = built(Cloud(preview=True, first=True), None)
    assert made.name != revision(model=FILES)
    assert made.name.startswith("score-")


def test_it_waits_for_a_first_version(cloud: Cloud) -> None:
    waiting = mlops.ModelVersionRef(name="churn", backend="kubernetes", platform=HUB, version=None)
    ref = make(cloud, model=waiting)
    assert (ref["status"], ref["url"]) == ("waiting", None)
    assert cloud.kinds == {"Endpoint", "pulumi:providers:kubernetes"}
    assert any("waits for the first approved version of churn" in line for line in cloud.infos) is cloud.preview


def test_names_meet_no_limit() -> None:
    cloud = Cloud()
    longest = "n" * 40

    def program() -> Any:
        reads = [GROUP.online, other_store("s" * 40).online]
        return mlops.Endpoint(
            longest, platform=HUB, model=version(), scaling=SCALED, capture_percent=100, reads=reads
        ).ref.export()

    cloud.run(program)
    for made in cloud.registered:
        if made.custom and "metadata" in made.inputs:
            assert len(name_of(made)) <= 63, made.name
    assert len(f"{name_of(cloud.one('InferenceService'))}-predictor") <= 63


@pytest.mark.parametrize(
    ("url", "namespace"),
    [
        ("http://prometheus.watching.svc:9090", "watching"),
        ("http://prometheus.watching:9090", "watching"),
        ("http://prometheus.watching.svc.cluster.local", "watching"),
        ("https://prometheus.example.com", "monitoring"),
        (None, "monitoring"),
    ],
)
def test_where_prometheus_is(url: str | None, namespace: str) -> None:
    assert metrics_namespace(hub(metrics=url)) == namespace
