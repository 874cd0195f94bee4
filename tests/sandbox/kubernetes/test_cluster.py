"""What the cluster does by itself: workloads run, operators answer, rules are enforced, deletions finish."""

import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psutil
import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import crds
from pulumi_mlops_sandbox.kubernetes.registry import ANSWERS_WITHIN
from pulumi_mlops_sandbox.stack import inventory

Apply = Callable[[str], Callable[[], Any]]
Until = Callable[[Callable[[], Any]], Any]

POD = "containers: [{name: c, image: example.com/c:1}]"
FAIL = 'annotations: {sandbox.pulumi-mlops/fail: "no such bucket"}'


def condition(thing: dict[str, Any], kind: str) -> dict[str, Any]:
    conditions = (thing.get("status") or {}).get("conditions") or []
    return next((entry for entry in conditions if entry["type"] == kind), {})


def state(thing: dict[str, Any], kind: str) -> str | None:
    return condition(thing, kind).get("status")


# ---------------------------------------------------------------------- workloads


def test_a_deployment_becomes_available(apply: Apply, until: Until) -> None:
    read = apply(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web}}
        spec:
          replicas: 3
          selector: {{matchLabels: {{app: web}}}}
          template: {{metadata: {{labels: {{app: web}}}}, spec: {{{POD}}}}}
    """)
    until(lambda: state(read(), "Available") == "True" and read()["status"]["readyReplicas"] == 3)


def test_a_stateful_set_becomes_ready_with_its_volume(apply: Apply, until: Until, core: Any, namespace: str) -> None:
    read = apply(f"""
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {{name: db}}
        spec:
          serviceName: db
          selector: {{matchLabels: {{app: db}}}}
          template: {{metadata: {{labels: {{app: db}}}}, spec: {{{POD}}}}}
          volumeClaimTemplates:
          - metadata: {{name: data}}
            spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
    """)
    until(lambda: read()["status"].get("readyReplicas") == 1)
    (claim,) = core.list_namespaced_persistent_volume_claim(namespace).items
    assert claim.status.phase == "Bound"
    larger = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    core.patch_namespaced_persistent_volume_claim(claim.metadata.name, namespace, larger)


def test_a_job_completes(apply: Apply, until: Until) -> None:
    read = apply(f"""
        apiVersion: batch/v1
        kind: Job
        metadata: {{name: once}}
        spec: {{completions: 2, template: {{spec: {{restartPolicy: Never, {POD}}}}}}}
    """)
    until(lambda: state(read(), "Complete") == "True")
    assert read()["status"]["succeeded"] == 2


def gpus(name: str, count: int) -> str:
    return f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: {name}}}
        spec:
          nodeSelector: {{nvidia.com/gpu.product: NVIDIA-A10G}}
          containers: [{{name: c, image: example.com/c:1, resources: {{limits: {{nvidia.com/gpu: {count}}}}}}}]
    """


def test_gpus_are_counted(apply: Apply, until: Until) -> None:
    fits, too_large = apply(gpus("fits", 4)), apply(gpus("too-large", 5))
    until(lambda: state(fits(), "Ready") == "True")
    assert fits()["spec"]["nodeName"] == "gpu-1"
    refused = until(lambda: condition(too_large(), "PodScheduled").get("reason") and too_large())
    assert condition(refused, "PodScheduled")["reason"] == "Unschedulable"


# ---------------------------------------------------------------------- failures on demand


def test_an_annotated_job_fails(apply: Apply, until: Until) -> None:
    read = apply(f"""
        apiVersion: batch/v1
        kind: Job
        metadata: {{name: release, {FAIL}}}
        spec: {{template: {{spec: {{restartPolicy: Never, {POD}}}}}}}
    """)
    until(lambda: state(read(), "Failed") == "True")
    assert "no such bucket" in condition(read(), "Failed")["message"]


def test_a_job_fails_by_its_annotated_pods(apply: Apply, until: Until, core: Any, namespace: str) -> None:
    read = apply(f"""
        apiVersion: batch/v1
        kind: Job
        metadata: {{name: release}}
        spec: {{backoffLimit: 0, template: {{metadata: {{{FAIL}}}, spec: {{restartPolicy: Never, {POD}}}}}}}
    """)
    until(lambda: state(read(), "Failed") == "True")
    (pod,) = core.list_namespaced_pod(namespace).items
    assert pod.status.container_statuses[0].state.terminated.message == "no such bucket"


def test_annotated_pods_of_a_deployment_crash(apply: Apply, until: Until, core: Any, namespace: str) -> None:
    apply(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web}}
        spec:
          selector: {{matchLabels: {{app: web}}}}
          template: {{metadata: {{labels: {{app: web}}, {FAIL}}}, spec: {{{POD}}}}}
    """)

    def waiting() -> str:
        statuses = [pod.status.container_statuses for pod in core.list_namespaced_pod(namespace).items]
        return statuses[0][0].state.waiting.reason if statuses and statuses[0] else ""

    until(lambda: waiting() == "CrashLoopBackOff")


def service(*, fail: bool, storage: str = "s3://models/1") -> str:
    return f"""
        apiVersion: serving.kserve.io/v1beta1
        kind: InferenceService
        metadata: {{name: score, {FAIL if fail else "annotations: {}"}}}
        spec: {{predictor: {{model: {{modelFormat: {{name: sklearn}}, storageUri: "{storage}"}}}}}}
    """


def test_an_annotated_inference_service_fails_and_recovers(apply: Apply, until: Until) -> None:
    read = apply(service(fail=True))
    until(lambda: state(read(), "Ready") == "False")
    assert condition(read(), "Ready")["message"] == "no such bucket"
    assert read()["status"]["modelStatus"]["lastFailureInfo"]["reason"] == "ModelLoadFailed"
    apply(service(fail=False))
    until(lambda: state(read(), "Ready") == "True")
    assert "lastFailureInfo" not in read()["status"]["modelStatus"]
    apply(service(fail=True))
    until(lambda: state(read(), "Ready") == "False")


# ---------------------------------------------------------------------- operators


def test_a_changed_inference_service_is_ready_again(apply: Apply, until: Until) -> None:
    read = apply(service(fail=False))
    until(lambda: state(read(), "Ready") == "True")
    assert "score" in read()["status"]["url"]
    apply(service(fail=False, storage="s3://models/2"))
    until(lambda: read()["status"]["observedGeneration"] == read()["metadata"]["generation"] == 2)


@pytest.mark.parametrize(
    ("manifest", "wanted"),
    [
        pytest.param(
            """
            apiVersion: postgresql.cnpg.io/v1
            kind: Cluster
            metadata: {name: pg}
            spec: {instances: 2, storage: {size: 1Gi}}
            """,
            lambda thing: state(thing, "Ready") == "True" and thing["status"]["readyInstances"] == 2,
            id="cnpg-cluster",
        ),
        pytest.param(
            """
            apiVersion: postgresql.cnpg.io/v1
            kind: Database
            metadata: {name: mlflow}
            spec: {cluster: {name: pg}, name: mlflow, owner: mlflow}
            """,
            lambda thing: (thing.get("status") or {}).get("applied") is True,
            id="cnpg-database",
        ),
        pytest.param(
            """
            apiVersion: keda.sh/v1alpha1
            kind: ScaledObject
            metadata: {name: score}
            spec:
              scaleTargetRef: {name: score}
              triggers: [{type: cpu, metricType: Utilization, metadata: {value: "60"}}]
            """,
            lambda thing: state(thing, "Ready") == "True",
            id="keda",
        ),
        pytest.param(
            """
            apiVersion: kueue.x-k8s.io/v1beta2
            kind: LocalQueue
            metadata: {name: gpus}
            spec: {clusterQueue: gpus}
            """,
            lambda thing: state(thing, "Active") == "True",
            id="kueue",
        ),
        pytest.param(
            """
            apiVersion: trainer.kubeflow.org/v1alpha1
            kind: TrainJob
            metadata: {name: fit}
            spec: {runtimeRef: {kind: TrainingRuntime, name: gpus}, trainer: {image: train, numNodes: 2}}
            """,
            lambda thing: state(thing, "Complete") == "True",
            id="trainer",
        ),
        pytest.param(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: {name: public}
            spec: {gatewayClassName: any, listeners: [{name: http, port: 80, protocol: HTTP}]}
            """,
            lambda thing: state(thing, "Programmed") == "True" and thing["status"]["listeners"][0]["name"] == "http",
            id="gateway",
        ),
        pytest.param(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: score}
            spec:
              parentRefs: [{name: public}]
              rules: [{backendRefs: [{name: a, port: 80, weight: 90}, {name: b, port: 80, weight: 10}]}]
            """,
            lambda thing: (
                state({"status": (thing.get("status") or {}).get("parents", [{}])[0]}, "Accepted") == "True"
                if thing.get("status")
                else False
            ),
            id="route",
        ),
    ],
)
def test_operators_answer(apply: Apply, until: Until, manifest: str, wanted: Callable[[Any], bool]) -> None:
    read = apply(manifest)
    until(lambda: wanted(read()))


def test_a_gateway_class_is_accepted(apply: Apply, until: Until, namespace: str, kinds: Any) -> None:
    read = apply(f"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: GatewayClass
        metadata: {{name: {namespace}}}
        spec: {{controllerName: example.com/gateway}}
    """)
    try:
        until(lambda: state(read(), "Accepted") == "True")
    finally:
        kinds.resources.get(api_version="gateway.networking.k8s.io/v1", kind="GatewayClass").delete(name=namespace)


def test_there_are_just_the_definitions_that_are_named(api: client.ApiClient) -> None:
    definitions = client.ApiextensionsV1Api(api).list_custom_resource_definition().items
    assert {found.metadata.name for found in definitions} == {name for source in crds.SOURCES for name in source.names}
    assert all(found.spec.conversion.strategy == "None" for found in definitions)


# ---------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        pytest.param(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: bad}
            spec: {rules: [{backendRefs: [{name: a, port: 80, weight: -1}]}]}
            """,
            "weight",
            id="minimum",
        ),
        pytest.param(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: bad}
            spec: {rules: [{backendRefs: [{name: a}]}]}
            """,
            "Must have port for Service reference",
            id="cel",
        ),
        pytest.param(
            """
            apiVersion: postgresql.cnpg.io/v1
            kind: Cluster
            metadata: {name: bad}
            spec: {instances: 1, primaryUpdateStrategy: sometimes, storage: {size: 1Gi}}
            """,
            "primaryUpdateStrategy",
            id="enum",
        ),
        pytest.param(
            """
            apiVersion: keda.sh/v1alpha1
            kind: ScaledObject
            metadata: {name: bad}
            spec: {scaleTargetRef: {name: x}}
            """,
            "triggers",
            id="required",
        ),
    ],
)
def test_the_schemas_are_enforced(apply: Apply, manifest: str, said: str) -> None:
    with pytest.raises(ApiException) as raised:
        apply(manifest)
    assert raised.value.status == 422
    assert said in str(raised.value.body)


def test_a_restricted_namespace_refuses_what_is_not(apply: Apply, until: Until, core: Any, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    core.patch_namespace(namespace, {"metadata": {"labels": labels}})
    with pytest.raises(ApiException) as raised:
        apply(f"{{apiVersion: v1, kind: Pod, metadata: {{name: open}}, spec: {{{POD}}}}}")
    assert raised.value.status == 403
    read = apply("""
        apiVersion: v1
        kind: Pod
        metadata: {name: locked}
        spec:
          securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
          containers:
          - name: c
            image: example.com/c:1
            securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    """)
    until(lambda: state(read(), "Ready") == "True")


def test_a_service_account_may_do_what_its_role_says(apply: Apply, core: Any, namespace: str, cluster: Sandbox) -> None:
    apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader}}")
    apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: facts}}")
    apply("""
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader}
        rules: [{apiGroups: [""], resources: [configmaps], verbs: [list]}]
    """)
    apply(f"""
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {{name: reader}}
        roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
        subjects: [{{kind: ServiceAccount, name: reader, namespace: {namespace}}}]
    """)
    token = core.create_namespaced_service_account_token("reader", namespace, {"spec": {}}).status.token
    own = client.Configuration()
    config.load_kube_config(cluster.env()["KUBECONFIG"], client_configuration=own)
    own.refresh_api_key_hook = None  # it would fetch the admin's token again
    own.api_key = {"authorization": f"Bearer {token}"}
    with client.ApiClient(own) as session:
        reader = client.CoreV1Api(session)
        assert "facts" in {found.metadata.name for found in reader.list_namespaced_config_map(namespace).items}
        for forbidden in (reader.list_namespaced_secret, reader.list_namespaced_pod):
            with pytest.raises(ApiException) as raised:
                forbidden(namespace)
            assert raised.value.status == 403


def test_a_namespace_goes_with_all_that_is_in_it(apply: Apply, until: Until, core: Any, cluster: Sandbox) -> None:
    namespace = apply(service(fail=False))()["metadata"]["namespace"]
    apply(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web}}
        spec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {{{POD}}}}}}}
    """)
    url = next(plane.url for plane in cluster.status() if plane.url)

    def left() -> dict[str, list[str]]:
        every = inventory(url).items()
        own = {kind: [name for name in names if name.split("/")[0] == namespace] for kind, names in every}
        return {kind: names for kind, names in own.items() if names}

    found = left()
    assert found["core/Namespace"] == [namespace]
    assert found["apps/Deployment"] == [f"{namespace}/web"]
    assert found["serving.kserve.io/InferenceService"] == [f"{namespace}/score"]
    assert "core/ServiceAccount" not in found  # the namespace's own
    core.delete_namespace(namespace)
    until(lambda: not left())


# ---------------------------------------------------------------------- the kubelets' side


def test_a_forwarded_port_reaches_the_registry(apply: Apply, until: Until, namespace: str, cluster: Sandbox) -> None:
    read = apply(f"{{apiVersion: v1, kind: Pod, metadata: {{name: mlflow}}, spec: {{{POD}}}}}")
    until(lambda: state(read(), "Ready") == "True")
    # A client of its own: forwarding changes how the client speaks.
    with config.new_client_from_config(cluster.env()["KUBECONFIG"]) as own:
        connect = client.CoreV1Api(own).connect_get_namespaced_pod_portforward
        with closing(portforward(connect, "mlflow", namespace, ports="5000")) as forward:
            tunnel = forward.socket(5000)
            tunnel.settimeout(ANSWERS_WITHIN)
            tunnel.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with HTTPResponse(tunnel) as answer:
                answer.begin()
                assert answer.read() == b"3.17.2"
        assert forward.error(5000) is None


def test_a_pod_has_a_log(apply: Apply, until: Until, core: Any, namespace: str) -> None:
    read = apply(f"{{apiVersion: v1, kind: Pod, metadata: {{name: quiet}}, spec: {{{POD}}}}}")
    until(lambda: state(read(), "Ready") == "True")
    assert "the sandbox plays it" in core.read_namespaced_pod_log("quiet", namespace)


# ---------------------------------------------------------------------- what others on this machine see


def test_nothing_listens_beyond_this_machine(cluster: Sandbox) -> None:
    pid = json.loads((cluster.home / "kubernetes.json").read_text())["pid"]
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    listening = {
        connection.laddr
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert len(listening) == 4  # the apiserver, the kubelets, the administration, the registry
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_secrets_are_readable_by_their_owner_only(cluster: Sandbox) -> None:
    files = [cluster.home / "kubeconfig", *(cluster.home / "kubernetes").rglob("*")]
    token = json.loads((cluster.home / "kubeconfig").read_text())["users"][0]["user"]["token"]
    private = [path for path in files if path.is_file() and secret(path, token)]
    assert len(private) >= 3
    for path in (*private, cluster.home / "kubernetes"):
        assert path.stat().st_mode & 0o077 == 0, path


def secret(path: Path, token: str) -> bool:
    content = path.read_bytes()
    return token.encode() in content or b"PRIVATE KEY" in content
