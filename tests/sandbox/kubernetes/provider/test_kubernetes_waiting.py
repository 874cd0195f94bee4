"""Waiting: what is ready, what never becomes so, what holds a deletion, and how long that takes."""

import threading
from typing import Any

import grpc
import pytest
from kubernetes.dynamic import DynamicClient

from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
from pulumi_mlops_sandbox.provider.values import plain, receive
from support.engine_calls import init_failed
from support.sandbox.objects_in_cluster import DEPLOYMENT, FAIL, JOB, LABELS, MODEL, Made, Place, refusal, urn

DEFINITION: dict[str, Any] = {
    "group": "test.example",
    "scope": "Namespaced",
    "versions": [
        {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": {"type": "object", "x_kubernetes_preserve_unknown_fields": True}},
        }
    ],
}


def failing(spec: Any, why: str) -> dict[str, Any]:
    template = spec["template"]
    metadata = {**template.get("metadata", {}), "annotations": {FAIL: why}}
    return {**spec, "template": {**template, "metadata": metadata}}


def unready(place: Place, token: str, inputs: dict[str, Any], *, timeout: float = 2) -> tuple[str, Made]:
    """Make an object that does not become ready; return what is said, and the half-made object."""
    checked = place.checked(token, inputs)
    with pytest.raises(grpc.RpcError) as caught:
        place.engine.create(checked, urn(token), timeout=timeout)
    detail = init_failed(caught.value)
    assert list(detail.reasons) == [caught.value.details()]
    assert receive(detail.inputs) == checked
    return str(caught.value.details()), Made(urn(token), detail.id, checked, receive(detail.properties))


def test_what_is_made_is_ready(place: Place) -> None:
    deployment = place.make("apps/v1:Deployment", {"spec": DEPLOYMENT})
    assert plain(deployment.state)["status"]["availableReplicas"] == 2
    daemons = place.make("apps/v1:DaemonSet", {"spec": {**DEPLOYMENT, "replicas": None}})
    assert plain(daemons.state)["status"]["numberAvailable"] > 0
    job = place.make("batch/v1:Job", {"spec": JOB})
    assert plain(job.state)["status"]["succeeded"] == 1
    # Without labels: a DaemonSet takes a loose pod that it selects as its own, and removes one too many on a node.
    pod = place.make("core/v1:Pod", {"spec": DEPLOYMENT["template"]["spec"]})
    assert plain(pod.state)["status"]["phase"] == "Running"
    place.make("core/v1:Service", {"spec": {"selector": LABELS, "ports": [{"port": 80}]}})
    name = f"{place.name}-inner"
    space = place.make("core/v1:Namespace", {"metadata": {"name": name}})
    assert plain(space.state)["status"]["phase"] == "Active"
    place.delete(space)


def test_an_update_waits_for_the_new_pods(place: Place) -> None:
    made = place.make("apps/v1:Deployment", {"metadata": {"name": "web"}, "spec": DEPLOYMENT})
    template = {**DEPLOYMENT["template"], "metadata": {"labels": LABELS, "annotations": {"round": "2"}}}
    state = place.update(made, place.change(made, spec={**DEPLOYMENT, "template": template}))
    status = state["status"]
    assert status["observedGeneration"] == state["metadata"]["generation"]
    assert status["updatedReplicas"] == status["replicas"] == 2


def test_a_deployment_that_does_not_become_ready(place: Place) -> None:
    said, made = unready(place, "apps/v1:Deployment", {"spec": failing(DEPLOYMENT, "no model at s3://bucket")})
    assert "not ready after 2 s: 0 of 2 availableReplicas" in said
    assert "CrashLoopBackOff no model at s3://bucket" in said
    assert place.name in made.id
    # It is seen by a refresh, and tried again by the next update.
    with pytest.raises(grpc.RpcError) as caught:
        place.engine.read(made.id, made.inputs, made.state, made.urn)
    assert "availableReplicas" in init_failed(caught.value).reasons[0]
    state = place.update(made, place.change(made, spec=DEPLOYMENT))
    assert state["status"]["availableReplicas"] == 2


def test_a_job_that_fails(place: Place) -> None:
    """It is told at once, with the reason and what its pod says."""
    said, made = unready(place, "batch/v1:Job", {"spec": failing(JOB, "loss is NaN")}, timeout=60)
    assert "the Job failed: BackoffLimitExceeded" in said
    assert "loss is NaN" in said
    annotated = place.checked(
        "batch/v1:Job", {"metadata": {"annotations": {"pulumi.com/replaceUnready": "true"}}, "spec": JOB}
    )
    annotated["metadata"]["name"] = made.inputs["metadata"]["name"]
    difference = place.engine.diff(annotated, annotated, made.id, made.urn)
    assert difference.replaces == ['metadata.annotations["pulumi.com/replaceUnready"]']


def test_a_missing_service_account_is_named(place: Place) -> None:
    template = {**DEPLOYMENT["template"], "spec": {**DEPLOYMENT["template"]["spec"], "serviceAccountName": "absent"}}
    said, _ = unready(place, "apps/v1:Deployment", {"spec": {**DEPLOYMENT, "template": template}})
    assert 'serviceaccount "absent" not found' in said


def test_a_service_without_pods(place: Place) -> None:
    service = {"selector": {"app": "none"}, "ports": [{"port": 80}]}
    said, _ = unready(place, "core/v1:Service", {"spec": service})
    assert "no ready Pod matches its selector" in said
    headless, alone, elsewhere = (
        {"clusterIP": "None"},
        {"selector": None},
        {"type": "ExternalName", "externalName": "a.b"},
    )
    for number, more in enumerate((headless, alone, elsewhere)):
        place.make("core/v1:Service", {"metadata": {"name": f"s-{number}"}, "spec": {**service, **more}}, timeout=2)


def test_annotations_decide(place: Place) -> None:
    notes = {"pulumi.com/skipAwait": "true"}
    place.make("batch/v1:Job", {"metadata": {"annotations": notes}, "spec": failing(JOB, "x")}, timeout=1)
    notes = {"pulumi.com/timeoutSeconds": "1"}
    said, _ = unready(
        place, "apps/v1:Deployment", {"metadata": {"annotations": notes}, "spec": failing(DEPLOYMENT, "x")}, timeout=0
    )
    assert "not ready after 1 s" in said
    notes = {"pulumi.com/waitFor": "jsonpath={.status.observedGeneration}"}
    place.make("apps/v1:Deployment", {"metadata": {"annotations": notes}, "spec": failing(DEPLOYMENT, "x")}, timeout=10)


def test_custom_resources_are_waited_for_where_the_program_says_so(place: Place) -> None:
    token = "serving.kserve.io/v1beta1:InferenceService"
    made = place.make(token, {"metadata": {"annotations": {"pulumi.com/waitFor": "condition=Ready"}}, "spec": MODEL})
    conditions = {item["type"]: item["status"] for item in plain(made.state)["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    both = '["condition=Ready", "jsonpath={.status.never}"]'
    said, _ = unready(place, token, {"metadata": {"annotations": {"pulumi.com/waitFor": both}}, "spec": MODEL})
    assert "not ready after 2 s: .status.never is not there yet" in said
    _, failures = place.engine.check({"metadata": {"annotations": {"pulumi.com/waitFor": "Ready"}}}, urn=urn(token))
    assert list(failures) == ['metadata.annotations["pulumi.com/waitFor"]']


def test_a_definition_and_its_resource(place: Place) -> None:
    """The resource may come before its definition is established, and its preview before there is one at all."""
    plural = f"things{place.name.replace('-', '')}"
    names = {
        "plural": plural,
        "singular": plural,
        "kind": plural.capitalize(),
        "listKind": f"{plural.capitalize()}List",
    }
    token = f"test.example/v1:{names['kind']}"
    thing = place.checked(token, {"spec": {"a": 1}})
    _, foreseen = place.engine.create(thing, urn(token), preview=True)
    assert foreseen == thing

    done: list[str] = []
    maker = threading.Thread(target=lambda: done.append(place.engine.create(thing, urn(token))[0]))
    maker.start()
    definition = place.make(
        "apiextensions.k8s.io/v1:CustomResourceDefinition",
        {"metadata": {"name": f"{plural}.test.example"}, "spec": {**DEFINITION, "names": names}},
    )
    maker.join(30)
    assert done == [f"{place.name}/{thing['metadata']['name']}"]
    place.delete(definition)
    assert place.engine.read(done[0], thing, {}, urn(token)).id == ""
    place.engine.delete(done[0], thing, urn(token))


def test_a_kind_that_does_not_exist(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_mlops_sandbox.kubernetes.provider.service._NO_MATCH_PATIENCE", 0.5)
    inputs = place.checked("test.example/v1:Absent", {"spec": {}})
    said = refusal(place.engine.create, inputs, urn("test.example/v1:Absent"))
    assert "the cluster has no kind test.example/v1 Absent" in said


def held(place: Place, client: DynamicClient, token: str, kind: str, inputs: dict[str, Any]) -> tuple[str, Made]:
    """Delete what a foreign finalizer holds; let go of it afterwards."""
    made = place.make(token, inputs)
    name = made.inputs["metadata"]["name"]
    resource, space = client.resources.get(api_version="v1", kind=kind), made.inputs["metadata"].get("namespace")
    try:
        return refusal(place.engine.delete, made.id, made.inputs, made.urn, timeout=1), made
    finally:
        body = {"metadata": {"name": name, "finalizers": None}}
        resource.patch(body, namespace=space, content_type="application/merge-patch+json")


def test_a_deletion_that_is_held_up(place: Place, client: DynamicClient) -> None:
    inputs = {"metadata": {"finalizers": ["example.org/mine"]}, "data": {}}
    said, made = held(place, client, "core/v1:ConfigMap", "ConfigMap", inputs)
    assert "still there after 1 s: finalizers example.org/mine" in said
    place.delete(made)


def test_a_namespace_that_is_held_up(place: Place, client: DynamicClient) -> None:
    """Its conditions name what is left in it, and whose finalizer holds that."""
    space = place.make("core/v1:Namespace", {"metadata": {"name": f"{place.name}-held"}})
    maps = client.resources.get(api_version="v1", kind="ConfigMap")
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c", "finalizers": ["example.org/mine"]}}
    maps.create(body, namespace=space.id)
    said = refusal(place.engine.delete, space.id, space.inputs, space.urn, timeout=7)
    assert "NamespaceContentRemaining" in said
    assert "example.org/mine" in said
    maps.patch(
        {"metadata": {"name": "c", "finalizers": None}}, namespace=space.id, content_type="application/merge-patch+json"
    )
    place.delete(space)


def test_orphans_stay(place: Place) -> None:
    notes = {"pulumi.com/deletionPropagationPolicy": "orphan"}
    made = place.make("apps/v1:Deployment", {"metadata": {"annotations": notes}, "spec": DEPLOYMENT})
    place.delete(made)
    sets = place.client.resources.get(api_version="apps/v1", kind="ReplicaSet").get(namespace=place.name)
    assert len(sets.items) == 1


def test_a_cancelled_wait_ends(place: Place, provider: Cluster) -> None:
    stop = threading.Timer(1, provider.cancel)
    stop.start()
    said, _ = unready(place, "apps/v1:Deployment", {"spec": failing(DEPLOYMENT, "x")}, timeout=300)
    stop.join()
    assert "the wait was cancelled" in said
