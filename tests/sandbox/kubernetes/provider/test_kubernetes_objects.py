"""The life of objects in a real apiserver: made, seen, changed, replaced, refreshed, imported, deleted."""

import base64
import copy
from typing import Any

import pytest
from kubernetes.dynamic import DynamicClient
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.provider.service import manager_of
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, plain, receive
from support.sandbox.objects_in_cluster import DEPLOYMENT, JOB, LABELS, MODEL, Place, refusal, urn

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME

# Each: token, api version, kind, inputs, the inputs after an edit that must be an update in place.
LIVES: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("core/v1:ConfigMap", "v1", "ConfigMap", {"data": {"a": "1", "b": "2"}}, {"data": {"a": "3"}}),
    ("core/v1:Secret", "v1", "Secret", {"data": {"a": "MQ==", "b": "Mg=="}}, {"data": {"a": "Mw=="}}),
    (
        "core/v1:Service",
        "v1",
        "Service",
        {"spec": {"clusterIP": "None", "selector": LABELS, "ports": [{"name": "http", "port": 80}]}},
        {"spec": {"clusterIP": "None", "selector": LABELS, "ports": [{"name": "http", "port": 81}]}},
    ),
    (
        "core/v1:ServiceAccount",
        "v1",
        "ServiceAccount",
        {"automountServiceAccountToken": False},
        {"automountServiceAccountToken": True},
    ),
    (
        "core/v1:ResourceQuota",
        "v1",
        "ResourceQuota",
        {"spec": {"hard": {"requests.cpu": "4000m", "requests.memory": "1024Mi"}}},
        {"spec": {"hard": {"requests.cpu": "5"}}},
    ),
    (
        "core/v1:LimitRange",
        "v1",
        "LimitRange",
        {"spec": {"limits": [{"type": "Container", "default": {"cpu": "1000m"}}]}},
        {"spec": {"limits": [{"type": "Container", "default": {"cpu": "2"}}]}},
    ),
    (
        "core/v1:PersistentVolumeClaim",
        "v1",
        "PersistentVolumeClaim",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}},
    ),
    (
        "networking.k8s.io/v1:NetworkPolicy",
        "networking.k8s.io/v1",
        "NetworkPolicy",
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}},
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
    ),
    (
        "rbac.authorization.k8s.io/v1:Role",
        "rbac.authorization.k8s.io/v1",
        "Role",
        {"rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]}]},
        {"rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"], "verbs": ["get"]}]},
    ),
    ("apps/v1:Deployment", "apps/v1", "Deployment", {"spec": DEPLOYMENT}, {"spec": {**DEPLOYMENT, "replicas": 1}}),
    (
        "apps/v1:StatefulSet",
        "apps/v1",
        "StatefulSet",
        {"spec": {**DEPLOYMENT, "serviceName": "web"}},
        {"spec": {**DEPLOYMENT, "serviceName": "web", "replicas": 1}},
    ),
    ("batch/v1:Job", "batch/v1", "Job", {"spec": JOB}, {"spec": {**JOB, "activeDeadlineSeconds": 60}}),
    (
        "batch/v1:CronJob",
        "batch/v1",
        "CronJob",
        {"spec": {"schedule": "0 3 * * *", "timeZone": "Europe/Berlin", "jobTemplate": {"spec": JOB}}},
        {"spec": {"schedule": "0 4 * * *", "jobTemplate": {"spec": JOB}}},
    ),
    (
        "serving.kserve.io/v1beta1:InferenceService",
        "serving.kserve.io/v1beta1",
        "InferenceService",
        {"spec": MODEL},
        {"spec": {"predictor": {**MODEL["predictor"], "minReplicas": 2}}},
    ),
    (
        "gateway.networking.k8s.io/v1:HTTPRoute",
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {
            "spec": {
                "parentRefs": [{"name": "gateway"}],
                "rules": [{"backendRefs": [{"name": "a", "port": 80, "weight": 90}, {"name": "b", "port": 80}]}],
            }
        },
        {"spec": {"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": [{"name": "a", "port": 80}]}]}},
    ),
    (
        "postgresql.cnpg.io/v1:Cluster",
        "postgresql.cnpg.io/v1",
        "Cluster",
        {"spec": {"instances": 2, "storage": {"size": "1Gi"}}},
        {"spec": {"instances": 3, "storage": {"size": "1Gi"}}},
    ),
]


def contained(part: Any, whole: Any) -> bool:
    """Say whether all of a part is in the whole; quantities aside."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            contained(item, whole.get(key)) for key, item in part.items() if key not in {"requests", "limits", "hard"}
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(contained(*pair) for pair in zip(part, whole, strict=True))
    return bool(part == whole) or (not part and not whole)


@pytest.mark.parametrize("life", LIVES, ids=[item[0] for item in LIVES])
def test_life(place: Place, life: tuple[str, str, str, dict[str, Any], dict[str, Any]]) -> None:
    token, version, kind, inputs, edited = life
    made = place.make(token, inputs)
    namespace, _, name = made.id.partition("/")
    assert namespace == place.name
    assert name.startswith("it-")

    found = place.live(version, kind, name)
    assert found is not None
    assert contained(inputs, found)
    assert plain(made.state)["metadata"]["uid"] == found["metadata"]["uid"]
    assert "managedFields" not in plain(made.state)["metadata"]

    assert plain(place.refreshed(made)) == plain(made.inputs)
    assert place.engine.diff(made.inputs, made.inputs, made.id, made.urn).changes == NONE

    news = place.change(made, **copy.deepcopy(edited))
    difference = place.engine.diff(made.inputs, news, made.id, made.urn)
    assert difference.changes == SOME
    assert not difference.replaces
    place.update(made, news)
    found = place.live(version, kind, name)
    assert found is not None
    assert contained(edited, found)
    dropped = set(inputs.get("data", ())) - set(edited.get("data", ()))
    assert not dropped & set(found.get("data", ()))
    assert plain(place.refreshed(made)) == plain(made.inputs)

    place.delete(made)
    assert place.live(version, kind, name) is None
    assert place.refreshed(made) is None
    place.delete(made)  # gone already


def test_names(place: Place) -> None:
    checked = place.checked("core/v1:ConfigMap", {"data": {}})
    metadata = checked["metadata"]
    assert metadata["annotations"] == {"pulumi.com/autonamed": "true"}
    assert metadata["namespace"] == place.name
    prefix, _, digits = metadata["name"].rpartition("-")
    assert (prefix, len(digits)) == ("it", 8)
    assert place.checked("core/v1:ConfigMap", {"data": {"a": "b"}}, olds=checked)["metadata"] == metadata

    named = place.checked("core/v1:ConfigMap", {"metadata": {"name": "mine"}}, olds=checked)
    assert named["metadata"] == {"name": "mine", "namespace": place.name}
    _, failures = place.engine.check(
        {"metadata": {}}, urn=urn("core/v1:ConfigMap"), autonaming=provider_pb2.CheckRequest.AutonamingOptions(mode=2)
    )
    assert set(failures) == {"metadata.name"}


def test_namespaces_are_for_kinds_that_have_them(place: Place) -> None:
    found, _ = place.engine.check({"data": {}}, urn=urn("core/v1:ConfigMap"))
    assert found["metadata"]["namespace"] == "default"
    found, _ = place.engine.check({"value": 1}, urn=urn("scheduling.k8s.io/v1:PriorityClass"))
    assert "namespace" not in found["metadata"]


def test_a_cluster_wide_object(place: Place, client: DynamicClient) -> None:
    name = place.name
    address = urn("scheduling.k8s.io/v1:PriorityClass")
    inputs, failures = place.engine.check({"metadata": {"name": name}, "value": 7}, urn=address)
    assert failures == {}
    object_id, _ = place.engine.create(inputs, address)
    try:
        assert object_id == name
        classes = client.resources.get(api_version="scheduling.k8s.io/v1", kind="PriorityClass")
        assert classes.get(name=name).value == 7
        # The real provider has no rule for it either: the update is sent and refused.
        news = {**inputs, "value": 8}
        difference = place.engine.diff(inputs, news, object_id, address)
        assert not difference.replaces
        said = refusal(place.engine.update, object_id, inputs, news, address)
        assert "value: Forbidden: may not be changed in an update; a field that never changes" in said
        assert "replace_on_changes" in said
    finally:
        place.engine.delete(object_id, inputs, address)


def test_numbers_stay_whole(place: Place) -> None:
    made = place.make("apps/v1:Deployment", {"spec": {**DEPLOYMENT, "replicas": 1.0}})
    found = place.live("apps/v1", "Deployment", made.id.partition("/")[2])
    assert found is not None
    assert isinstance(found["spec"]["replicas"], int)


def test_replacement(place: Place) -> None:
    """A name that was made up is made anew; the user's own stands for one object at a time."""
    job = place.make("batch/v1:Job", {"spec": JOB})
    other = {**JOB, "template": {"spec": {**JOB["template"]["spec"], "containers": [{"name": "b", "image": "i:2"}]}}}
    difference = place.engine.diff(job.inputs, place.change(job, spec=other), job.id, job.urn)
    assert difference.replaces
    assert not difference.deleteBeforeReplace
    assert all(item.startswith("spec.template") for item in difference.replaces)

    named = place.make("batch/v1:Job", {"metadata": {"name": "mine"}, "spec": JOB}, "named")
    news = place.change(named, spec=other)
    assert place.engine.diff(named.inputs, news, named.id, named.urn).deleteBeforeReplace
    # The predecessor is still there when the new one is foreseen.
    _, foreseen = place.engine.create(news, named.urn, preview=True)
    assert plain(foreseen)["metadata"]["name"] == "mine"

    unknown = place.engine.diff(job.inputs, place.change(job, spec={**JOB, "template": UNKNOWN}), job.id, job.urn)
    assert unknown.replaces == ["spec.template"]


def test_an_immutable_object_is_replaced(place: Place) -> None:
    made = place.make("core/v1:ConfigMap", {"data": {"a": "1"}, "immutable": True})
    news = place.change(made, data={"a": "2"})
    assert place.engine.diff(made.inputs, news, made.id, made.urn).replaces == ["data.a"]
    said = refusal(place.engine.update, made.id, made.inputs, news, made.urn)
    assert "field is immutable when `immutable` is set" in said


def test_data_is_replaced_unless_the_provider_says_mutable(place: Place) -> None:
    made = place.make("core/v1:ConfigMap", {"data": {"a": "1"}})
    news = place.change(made, data={"a": "2"})
    assert not place.engine.diff(made.inputs, news, made.id, made.urn).replaces
    place.engine.configure()
    assert place.engine.diff(made.inputs, news, made.id, made.urn).replaces == ["data.a"]


def test_drift_is_found(place: Place) -> None:
    made = place.make("apps/v1:Deployment", {"metadata": {"name": "web"}, "spec": DEPLOYMENT})
    place.meddle("apps/v1", "Deployment", {"metadata": {"name": "web"}, "spec": {"replicas": 1}})
    place.meddle("apps/v1", "Deployment", {"metadata": {"name": "web", "labels": {"theirs": "yes"}}}, "other")
    seen = place.refreshed(made)
    assert seen is not None
    assert seen["spec"]["replicas"] == 1
    assert "labels" not in seen["metadata"]
    difference = place.engine.diff(seen, made.inputs, made.id, made.urn)
    assert dict(difference.detailedDiff).keys() == {"spec.replicas"}


def test_a_sidecar_of_somebody_is_no_drift_and_stays(place: Place) -> None:
    made = place.make("apps/v1:Deployment", {"metadata": {"name": "web"}, "spec": DEPLOYMENT})
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "s:1"}]}}}}
    place.meddle("apps/v1", "Deployment", {"metadata": {"name": "web"}, **sidecar})
    assert plain(place.refreshed(made)) == plain(made.inputs)
    place.update(made, place.change(made, spec={**DEPLOYMENT, "replicas": 1}))
    found = place.live("apps/v1", "Deployment", "web")
    assert found is not None
    assert [item["name"] for item in found["spec"]["template"]["spec"]["containers"]] == ["main", "side"]


def test_conflict(place: Place) -> None:
    """Another manager's field is reported, not overwritten, unless the program says so."""
    made = place.make("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "1", "b": "1"}})
    place.meddle("v1", "ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "theirs"}})
    news = place.change(made, data={"a": "2", "b": "2"})
    for preview in (True, False):
        said = refusal(place.engine.update, made.id, made.inputs, news, made.urn, preview=preview)
        assert '.data.a belongs to field manager "somebody"' in said
        assert "pulumi.com/patchForce" in said
    found = place.live("v1", "ConfigMap", "c")
    assert found is not None
    assert found["data"] == {"a": "theirs", "b": "1"}

    ignoring = place.update(made, news, ignore=("data.a",))
    assert ignoring["data"] == {"a": "theirs", "b": "2"}
    forced = place.change(made, metadata={**made.inputs["metadata"], "annotations": {"pulumi.com/patchForce": "true"}})
    assert place.update(made, forced)["data"] == {"a": "2", "b": "2"}
    place.meddle("v1", "ConfigMap", {"metadata": {"name": "c"}, "data": {"b": "theirs"}})
    place.engine.configure(enablePatchForce=True)
    assert place.update(made, place.change(made, metadata={"name": "c", "namespace": place.name}))["data"]["b"] == "2"


def test_an_existing_object_is_refused(place: Place) -> None:
    place.meddle("v1", "ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "theirs"}}, "kubectl-client")
    inputs = place.checked("core/v1:ConfigMap", {"metadata": {"name": "c"}, "data": {"a": "ours"}})
    for preview in (True, False):
        said = refusal(place.engine.create, inputs, urn("core/v1:ConfigMap"), preview=preview)
        assert "exists already, written by kubectl-client" in said
        assert f"import_='{place.name}/c'" in said
    found = place.live("v1", "ConfigMap", "c")
    assert found is not None
    assert found["data"] == {"a": "theirs"}
    place.engine.configure(upsertExistingObjects=True, enablePatchForce=True)
    _, state = place.engine.create(inputs, urn("core/v1:ConfigMap"))
    assert state["data"] == {"a": "ours"}


@pytest.mark.parametrize("with_namespace", [True, False])
def test_import(place: Place, with_namespace: bool) -> None:
    """An imported object has what somebody asked for as its inputs, and is ours from the first update on."""
    place.engine.configure(namespace=place.name, enableConfigMapMutable=True)
    spec = copy.deepcopy(dict(DEPLOYMENT))
    del spec["template"]["spec"]["containers"][0]["volumeMounts"][0]["readOnly"]  # the apiserver keeps no zero value
    body = {"metadata": {"name": "web"}, "spec": spec}
    place.meddle("apps/v1", "Deployment", body, "kubectl")
    address = urn("apps/v1:Deployment")
    answer = place.engine.read(f"{place.name}/web" if with_namespace else "web", urn=address)
    assert answer.id == f"{place.name}/web"
    inputs, state = receive(answer.inputs), receive(answer.properties)
    checked = place.checked("apps/v1:Deployment", body, olds=inputs)
    assert place.engine.diff(inputs, checked, answer.id, address).changes == NONE

    spec = {**copy.deepcopy(spec), "replicas": 1}
    spec["template"]["spec"]["containers"][0].pop("args")
    news = place.checked("apps/v1:Deployment", {**body, "spec": spec})
    place.engine.update(answer.id, {**inputs, **state}, news, address)
    found = place.live("apps/v1", "Deployment", "web")
    assert found is not None
    assert found["spec"]["replicas"] == 1
    assert "args" not in found["spec"]["template"]["spec"]["containers"][0]
    assert {item["manager"] for item in found["metadata"]["managedFields"] if not item.get("subresource")} == {
        manager_of(address)
    }


def test_taking_over_while_a_controller_writes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An imported object may change between the look at its owners and their change: it is looked at again."""
    place.engine.configure(namespace=place.name, enableConfigMapMutable=True)
    body = {"metadata": {"name": "c"}, "data": {"a": "1"}}
    place.meddle("v1", "ConfigMap", body, "kubectl")
    address = urn("core/v1:ConfigMap")
    answer = place.engine.read(f"{place.name}/c", urn=address)
    patch, written = Cluster.patch, []

    def late(self: Cluster, *arguments: Any) -> Any:
        if len(written) < 2:
            written.append(place.meddle("v1", "ConfigMap", {**body, "data": {"b": str(len(written))}}, "controller"))
        return patch(self, *arguments)

    monkeypatch.setattr(Cluster, "patch", late)
    news = place.checked("core/v1:ConfigMap", {**body, "data": {"a": "2"}})
    place.engine.update(answer.id, {**receive(answer.inputs), **receive(answer.properties)}, news, address)
    found = place.live("v1", "ConfigMap", "c")
    assert found is not None
    assert found["data"] == {"a": "2", "b": "1"}
    assert {item["manager"] for item in found["metadata"]["managedFields"]} == {manager_of(address), "controller"}


def test_import_of_nothing(place: Place) -> None:
    assert place.engine.read(f"{place.name}/none", urn=urn("core/v1:ConfigMap")).id == ""
    assert place.engine.read("none", urn=urn("example.org/v1:Nothing")).id == ""


def test_an_object_deleted_behind_our_back(place: Place) -> None:
    made = place.make("core/v1:ConfigMap", {"data": {"a": "1"}})
    maps = place.client.resources.get(api_version="v1", kind="ConfigMap")
    maps.delete(name=made.id.partition("/")[2], namespace=place.name)
    said = refusal(place.engine.update, made.id, made.inputs, place.change(made, data={"a": "2"}), made.urn)
    assert "deleted by somebody else: run `pulumi refresh`" in said
    assert place.refreshed(made) is None


def test_secrets(place: Place) -> None:
    """A Secret's content is secret in inputs and state, however it was given, and in no error."""
    secret, token = "correct horse battery", "core/v1:Secret"
    checked, _ = place.engine.check(
        {"metadata": {"name": "s", "namespace": place.name}, "stringData": {"password": secret}}, urn=urn(token)
    )
    assert checked["stringData"] == Secret({"password": secret})
    object_id, state = place.engine.create(checked, urn(token))
    assert isinstance(state["data"], Secret)
    assert base64.b64decode(plain(state["data"])["password"]).decode() == secret

    answer = place.engine.read(object_id, checked, state, urn(token))
    assert receive(answer.inputs) == checked
    secrets = place.client.resources.get(api_version="v1", kind="Secret")
    changed = {"metadata": {"name": "s"}, "stringData": {"password": "another"}}
    secrets.patch(changed, namespace=place.name, content_type="application/merge-patch+json")
    seen = receive(place.engine.read(object_id, checked, state, urn(token)).inputs)
    assert seen["stringData"] == Secret({"password": "another"})

    for wrong in (
        {"stringData": {"password": {"nested": secret}}},
        {"data": {"password": secret}},
        {"stringData": [secret]},
    ):
        inputs, failures = place.engine.check(
            {"metadata": {"name": "w", "namespace": place.name}, **wrong}, urn=urn(token)
        )
        said = str(failures) if failures else refusal(place.engine.create, inputs, urn(token))
        assert secret not in said
        assert base64.b64encode(secret.encode()).decode() not in said


def test_a_secret_input_of_another_kind_stays_secret(place: Place) -> None:
    inputs = place.checked("core/v1:ConfigMap", {"data": {"a": Secret("hidden value"), "b": "shown"}})
    assert inputs["data"] == {"a": Secret("hidden value"), "b": "shown"}
    _, state = place.engine.create(inputs, urn("core/v1:ConfigMap"))
    assert state["data"] == {"a": Secret("hidden value"), "b": "shown"}
