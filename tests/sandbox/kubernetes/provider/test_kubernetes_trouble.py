"""What the apiserver refuses, what it warns of, what cannot be reached, and what a killed run leaves."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
import yaml
from kubernetes import client as api
from kubernetes.dynamic import DynamicClient
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.provider.service import Objects, manager_of
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.values import UNKNOWN, plain, send
from support.engine_calls import Engine, served
from support.sandbox.objects_in_cluster import DEPLOYMENT, JOB, MODEL, Place, Recorder, refusal, urn

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("apps/v1:Deployment", {"spec": {**DEPLOYMENT, "replica": 1}}, ".spec.replica: field not declared in schema"),
    ("apps/v1:Deployment", {"spec": {**DEPLOYMENT, "replicas": "two"}}, ".spec.replicas: expected numeric"),
    ("apps/v1:Deployment", {"spec": {**DEPLOYMENT, "selector": {}}}, "spec.selector: Invalid value"),
    ("core/v1:ConfigMap", {"metadata": {"name": "No_Name"}}, "metadata.name: Invalid value"),
    ("core/v1:ResourceQuota", {"spec": {"hard": {"cpus": "1"}}}, "must be a standard resource"),
    ("batch/v1:CronJob", {"spec": {"schedule": "often", "jobTemplate": {"spec": JOB}}}, "spec.schedule: Invalid value"),
    (
        "serving.kserve.io/v1beta1:InferenceService",
        {"spec": {"predictor": {**MODEL["predictor"], "min_replicas": 2}}},
        ".spec.predictor.min_replicas: field not declared in schema",
    ),
    (
        "serving.kserve.io/v1beta1:InferenceService",
        {"spec": {"predictor": {**MODEL["predictor"], "scaleMetric": "luck"}}},
        "spec.predictor.scaleMetric: Unsupported value",
    ),
    (
        "gateway.networking.k8s.io/v1:HTTPRoute",
        {"spec": {"rules": [{"backendRefs": [{"name": "a", "port": 80, "weight": -1}]}]}},
        "weight: Invalid value",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "reason"), REFUSED, ids=[item[2] for item in REFUSED])
def test_what_the_apiserver_refuses_is_told_at_preview(
    place: Place, token: str, inputs: dict[str, Any], reason: str
) -> None:
    checked = place.checked(token, inputs)
    for preview in (True, False):
        said = refusal(place.engine.create, checked, urn(token), preview=preview)
        assert reason in said
        assert said.startswith("sandbox kubernetes: ")
        assert "rules were not checked" not in said
        assert "\n" not in said


def test_a_rule_of_a_definition_that_forbids_a_change(place: Place) -> None:
    """There is no rule of replacement for custom resources: the update is sent, and the refusal names the field."""
    spec = {"cluster": {"name": "pg"}, "name": "features", "owner": "app"}
    made = place.make("postgresql.cnpg.io/v1:Database", {"spec": spec})
    news = place.change(made, spec={**spec, "name": "other"})
    assert not place.engine.diff(made.inputs, news, made.id, made.urn).replaces
    for preview in (True, False):
        said = refusal(place.engine.update, made.id, made.inputs, news, made.urn, preview=preview)
        assert 'spec.name: Invalid value: "other": name is immutable' in said
        assert "replace_on_changes" in said


def test_a_preview_makes_nothing(place: Place) -> None:
    checked = place.checked("apps/v1:Deployment", {"metadata": {"name": "web"}, "spec": DEPLOYMENT})
    object_id, foreseen = place.engine.create(checked, urn("apps/v1:Deployment"), preview=True)
    assert object_id == ""
    assert plain(foreseen)["spec"]["progressDeadlineSeconds"] == 600  # the apiserver's default
    assert "status" not in foreseen
    assert place.live("apps/v1", "Deployment", "web") is None

    made = place.make("apps/v1:Deployment", {"metadata": {"name": "web"}, "spec": DEPLOYMENT})
    news = place.change(made, spec={**DEPLOYMENT, "replicas": 1})
    assert plain(place.engine.update(made.id, made.inputs, news, made.urn, preview=True))["spec"]["replicas"] == 1
    found = place.live("apps/v1", "Deployment", "web")
    assert found is not None
    assert found["spec"]["replicas"] == 2
    wrong = place.change(made, spec={**DEPLOYMENT, "replicas": -1})
    assert "spec.replicas" in refusal(place.engine.update, made.id, made.inputs, wrong, made.urn, preview=True)


def test_a_preview_of_what_cannot_be_known(place: Place) -> None:
    unknown = place.checked("core/v1:ConfigMap", {"data": {"a": UNKNOWN}})
    assert place.engine.create(unknown, urn("core/v1:ConfigMap"), preview=True)[1] == unknown
    elsewhere = place.checked("core/v1:ConfigMap", {"metadata": {"namespace": "made-later"}, "data": {}})
    assert place.engine.create(elsewhere, urn("core/v1:ConfigMap"), preview=True)[1] == elsewhere
    made = place.make("core/v1:ConfigMap", {"data": {"a": "1"}})
    news = place.change(made, data={"a": UNKNOWN})
    assert place.engine.update(made.id, made.inputs, news, made.urn, preview=True) == news


CHECKED: list[tuple[str, dict[str, Any], str]] = [
    ("core/v1:Secret", {"data": {"a": "not base64!"}}, 'data["a"]'),
    ("core/v1:ConfigMap", {"metadata": {"generateName": "a-"}}, "metadata.generateName"),
    ("core/v1:ConfigMap", {"kind": "Secret"}, "kind"),
    ("core/v1:ConfigMap", {"apiVersion": "v2"}, "apiVersion"),
    ("core/v1:ConfigMapPatch", {"kind": "ConfigMap"}, "kind"),
    ("core/v1:ConfigMapList", {"items": []}, "items"),
]


@pytest.mark.parametrize(("token", "inputs", "path"), CHECKED, ids=[item[2] for item in CHECKED])
def test_what_needs_no_apiserver_to_be_refused(engine: Engine, token: str, inputs: dict[str, Any], path: str) -> None:
    _, failures = engine.check(inputs, urn=urn(token))
    assert list(failures) == [path]
    assert "not base64!" not in str(failures)


@pytest.mark.parametrize("token", ["helm.sh/v3:Release", "yaml/v2:ConfigGroup"])
def test_what_the_sandbox_does_not_render(engine: Engine, token: str) -> None:
    for call in (
        lambda: engine.check({}, urn=urn(token)),
        lambda: engine.stub.Construct(provider_pb2.ConstructRequest(type=f"kubernetes:{token}", name="a")),
        lambda: engine.stub.Invoke(provider_pb2.InvokeRequest(tok="kubernetes:helm:template", args=send({}))),
    ):
        assert "the sandbox renders no" in refusal(call)


def test_warnings_of_the_apiserver_are_shown(place: Place, warnings: Recorder, client: DynamicClient) -> None:
    spaces = client.resources.get(api_version="v1", kind="Namespace")
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    body = {"metadata": {"name": place.name, "labels": labels}}
    spaces.patch(body, content_type="application/merge-patch+json")
    checked = place.checked("apps/v1:Deployment", {"spec": DEPLOYMENT})
    place.engine.create(checked, urn("apps/v1:Deployment"), preview=True)
    assert len(warnings.said) == 1
    assert 'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in warnings.said[0]
    pod = place.checked("core/v1:Pod", {"spec": DEPLOYMENT["template"]["spec"]})
    assert 'violates PodSecurity "restricted:latest"' in refusal(
        place.engine.create, pod, urn("core/v1:Pod"), preview=True
    )


# Another account, no cluster, another cluster


def kubeconfig(cluster: Sandbox, folder: Path, *, server: str = "", token: str = "") -> str:
    """Write a kubeconfig like the cluster's own, but for its server or user."""
    document = yaml.safe_load((cluster.home / "kubeconfig").read_text())
    if server:
        document["clusters"][0]["cluster"]["server"] = server
    if token:
        document["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_an_account_that_may_not(place: Place, cluster: Sandbox, client: DynamicClient, tmp_path: Path) -> None:
    """The error names verb, resource and account."""
    accounts = api.CoreV1Api(client.client)
    accounts.create_namespaced_service_account(place.name, api.V1ServiceAccount(metadata={"name": "robot"}))
    request = api.AuthenticationV1TokenRequest(spec=api.V1TokenRequestSpec(audiences=[]))
    token = accounts.create_namespaced_service_account_token("robot", place.name, request).status.token
    place.engine.configure(kubeconfig=kubeconfig(cluster, tmp_path, token=token))
    checked = place.checked("core/v1:ConfigMap", {"data": {}})
    said = refusal(place.engine.create, checked, urn("core/v1:ConfigMap"))
    assert f'User "system:serviceaccount:{place.name}:robot" cannot get resource "configmaps"' in said
    assert "context 'sandbox'" in said
    assert token not in said
    place.engine.configure(kubeconfig=kubeconfig(cluster, tmp_path, token="wrong"))
    said = refusal(place.engine.create, checked, urn("core/v1:ConfigMap"))
    assert "does not accept the credentials of the kubeconfig" in said


def test_a_cluster_that_is_down(engine: Engine, cluster: Sandbox, tmp_path: Path) -> None:
    """One line names the server, the context and the way out, at the very first call."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{free.getsockname()[1]}"
    path = kubeconfig(cluster, tmp_path, server=server)
    engine.configure(kubeconfig=path)
    inputs = {"metadata": {"name": "a", "namespace": "default"}, "apiVersion": "v1", "kind": "ConfigMap"}
    address = urn("core/v1:ConfigMap")
    for call in (
        lambda: engine.check({"data": {}}, urn=address),
        lambda: engine.create(inputs, address, preview=True),
        lambda: engine.create(inputs, address),
        lambda: engine.read("default/a", inputs, urn=address),
        lambda: engine.delete("default/a", inputs, address),
    ):
        said = refusal(call)
        assert f"no answer from {server} (context 'sandbox'): connection refused" in said
        assert "pulumi-mlops sandbox up --plane kubernetes" in said
    engine.configure(kubeconfig=path, deleteUnreachable=True)
    assert engine.read("default/a", inputs, urn=address).id == ""
    engine.delete("default/a", inputs, address)


def test_configuration(engine: Engine, cluster: Sandbox, tmp_path: Path) -> None:
    def said(**config: Any) -> dict[str, str]:
        answer = engine.stub.CheckConfig(provider_pb2.CheckRequest(urn=urn("x:y"), news=send(config)))
        return {item.property: item.reason for item in answer.failures}

    assert said(context="sandbox", enableConfigMapMutable="true", kubeClientSettings='{"qps": 5}') == {}
    assert "has no context 'other'; it has: sandbox" in said(context="other")["kubeconfig"]
    assert "has no property 'contxt'" in said(contxt="sandbox")["contxt"]
    assert "server only" in said(enableServerSideApply="false")["enableServerSideApply"]

    def replaced(olds: dict[str, Any], news: dict[str, Any]) -> list[str]:
        request = provider_pb2.DiffRequest(urn=urn("x:y"), olds=send(olds), news=send(news))
        return list(engine.stub.DiffConfig(request).replaces)

    mine = (cluster.home / "kubeconfig").read_text()
    other = Path(kubeconfig(cluster, tmp_path, server="https://127.0.0.1:1")).read_text()
    assert replaced({"kubeconfig": mine}, {"kubeconfig": other}) == ["kubeconfig"]
    assert replaced({"kubeconfig": mine}, {"kubeconfig": mine, "namespace": "a"}) == []
    assert replaced({"kubeconfig": mine}, {"kubeconfig": UNKNOWN}) == ["kubeconfig"]
    known = {"clusterIdentifier": "a"}
    assert replaced({"kubeconfig": mine, **known}, {"kubeconfig": other, **known}) == []
    assert replaced(known, {"clusterIdentifier": "b"}) == ["clusterIdentifier"]


# What a killed run leaves

# Stands for the engine: starts the provider, passes on its port and its number, and waits to be killed.
ENGINE = """
import subprocess, sys
command = [sys.executable, "-m", "pulumi_mlops_sandbox.kubernetes.provider", "127.0.0.1:1"]
child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), child.pid, flush=True)
child.wait()
"""


def reached(found: Callable[[], bool], seconds: float) -> bool:
    """Wait for something, for a bounded time."""
    limit, tick = time.monotonic() + seconds, threading.Event()
    while not found():
        if time.monotonic() > limit:
            return False
        tick.wait(0.02)
    return True


def test_a_killed_engine_leaks_nothing(place: Place, cluster: Sandbox, tmp_path: Path) -> None:
    """The call in hand is noted before it is made; the next create adopts its object."""
    address = urn("apps/v1:Deployment", "orphan")
    inputs = place.checked("apps/v1:Deployment", {"spec": DEPLOYMENT}, "orphan")
    annotations = {**inputs["metadata"]["annotations"], "pulumi.com/waitFor": "jsonpath={.status.never}"}
    waiting = {**inputs, "metadata": {**inputs["metadata"], "annotations": annotations}}
    environment = {**os.environ, "PULUMI_MLOPS_SANDBOX": str(tmp_path), "KUBECONFIG": str(cluster.home / "kubeconfig")}
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, text=True, env=environment)
    assert engine.stdout is not None
    port, pid = (int(word) for word in engine.stdout.readline().split())
    journal = Journal(tmp_path / "creates")
    with engine, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        # Held by a name: a call that nobody holds is cancelled.
        create = stub.Create.future(provider_pb2.CreateRequest(urn=address, properties=send(waiting), timeout=300))
        name = inputs["metadata"]["name"]
        assert reached(lambda: place.live("apps/v1", "Deployment", name) is not None, 30)
        assert not create.done()
        psutil.Process(pid).send_signal(signal.SIGKILL)  # not even the provider gets to its end
        engine.kill()

    for engine_again in served(Objects(Cluster(), journal)):
        entry = journal.find(address)
        assert entry is not None
        object_id, state = engine_again.create(inputs, address, timeout=60)
        assert object_id == f"{place.name}/{name}"
        assert "pulumi.com/waitFor" not in plain(state)["metadata"]["annotations"]
        engine_again.delete(object_id, inputs, address)
        assert journal.find(address) is None


def test_a_leftover_of_another_name_goes(place: Place) -> None:
    """The engine draws a new name for the next run: the object of the killed one is not kept beside it."""
    made = place.make("core/v1:ConfigMap", {"data": {"a": "1"}})
    place.engine.journal.made(made.urn, made.id)
    news = place.change(made, metadata={**made.inputs["metadata"], "name": "it-11111111"})
    object_id, _ = place.engine.create(news, made.urn)
    assert object_id == f"{place.name}/it-11111111"
    assert place.live("v1", "ConfigMap", made.id.partition("/")[2]) is None


def test_what_somebody_else_made_since_is_not_adopted(place: Place) -> None:
    address = urn("core/v1:ConfigMap")
    place.engine.journal.begin(address, f"{place.name}/c")
    place.engine.journal.made(address, f"{place.name}/c")
    place.meddle("v1", "ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "theirs"}})
    inputs = place.checked("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "ours"}})
    assert "exists already, written by somebody" in refusal(place.engine.create, inputs, address)


def test_one_manager_from_the_first_call_on(place: Place) -> None:
    made = place.make("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    place.update(made, place.change(made, data={"b": "1"}))
    found = place.live("v1", "ConfigMap", "c")
    assert found is not None
    assert found["data"] == {"b": "1"}
    owners = [(item["manager"], item["operation"]) for item in found["metadata"]["managedFields"]]
    assert owners == [(manager_of(made.urn), "Apply")]
    assert made.state["__fieldManager"] == manager_of(made.urn)


def test_a_leftover_that_cannot_become_what_is_wanted_goes(place: Place) -> None:
    made = place.make("batch/v1:Job", {"metadata": {"name": "j"}, "spec": JOB})
    place.engine.journal.made(made.urn, made.id)
    news = place.change(made, spec={**JOB, "completions": 2})
    object_id, state = place.engine.create(news, made.urn, timeout=60)
    assert object_id == made.id
    assert plain(state)["metadata"]["uid"] != plain(made.state)["metadata"]["uid"]


def test_what_the_engine_has_recorded_is_no_leftover(place: Place) -> None:
    """A replacement that the provider was not asked about must not take its predecessor for one."""
    made = place.make("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "1"}})
    assert place.engine.journal.find(made.urn) is not None
    place.checked("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "1"}}, olds=made.inputs)
    assert place.engine.journal.find(made.urn) is None
    assert "exists already" in refusal(place.engine.create, made.inputs, made.urn)
