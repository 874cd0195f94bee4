"""Comparing objects, without a cluster: differences, replacement, ownership, quantities, expressions."""

import json
from typing import Any

import pytest

from pulumi_mlops_sandbox.kubernetes.provider import diff, expressions, kubeconfig, managed, objects, quantities
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Gvk
from pulumi_mlops_sandbox.provider.contract import ProviderError
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret

MANAGER = "pulumi-kubernetes-1"


def gvk(api_version: str, kind: str) -> Gvk:
    return Gvk(api_version, kind)


def changes(old: Any, new: Any, *, built_in: bool = True) -> dict[str, str]:
    return {item.text: item.kind for item in diff.compare(old, new, built_in=built_in)}


def test_paths_are_written_as_pulumi_does() -> None:
    old = {"metadata": {"annotations": {"a.b/c": "1"}}, "spec": {"list": [{"x": 1}, {"x": 2}]}}
    new = {"metadata": {"annotations": {"a.b/c": "2", "d": "3"}}, "spec": {"list": [{"x": 1}]}}
    assert changes(old, new) == {
        'metadata.annotations["a.b/c"]': "UPDATE",
        "metadata.annotations.d": "ADD",
        "spec.list[1]": "DELETE",
    }


@pytest.mark.parametrize(
    ("path", "same"),
    [
        (("spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"), True),
        (("spec", "hard", "requests.cpu"), True),
        (("spec", "limits", 0, "defaultRequest", "cpu"), True),
        (("spec", "template", "spec", "volumes", 0, "emptyDir", "sizeLimit"), True),
        (("spec", "template", "spec", "containers", 0, "env", 0, "value"), False),
        (("data", "cpu"), False),
        (("metadata", "labels", "requests"), False),
    ],
)
def test_only_quantities_are_compared_by_value(path: quantities.Path, same: bool) -> None:
    assert (list(diff.compare("1000m", "1", built_in=True, path=path)) == []) is same
    assert list(diff.compare("1000m", "1", built_in=False, path=path))


@pytest.mark.parametrize(
    ("one", "other"), [("1000m", 1), ("1024Mi", "1Gi"), ("1e3", "1k"), ("0.5", "500m"), ("100u", "0.1m")]
)
def test_quantities_of_one_value(one: Any, other: Any) -> None:
    assert quantities.same(one, other)


@pytest.mark.parametrize(("one", "other"), [("1", "2"), ("1G", "1Gi"), ("many", "many"), (True, 1), ("", "")])
def test_what_is_no_quantity_or_of_another_value(one: Any, other: Any) -> None:
    assert not quantities.same(one, other)


CONTAINER = {"name": "a", "image": "i"}
REPLACED: list[tuple[Gvk, dict[str, Any], dict[str, Any]]] = [
    (gvk("v1", "ConfigMap"), {"data": {"a": "1"}}, {"data": {"a": "2"}}),
    (gvk("v1", "Secret"), {"data": {"a": "MQ=="}}, {"data": {"a": "Mg=="}}),
    (gvk("v1", "Secret"), {"type": "Opaque"}, {"type": "kubernetes.io/tls"}),
    (gvk("v1", "Service"), {"spec": {"clusterIP": "None"}}, {"spec": {}}),
    (gvk("v1", "PersistentVolumeClaim"), {"spec": {"storageClassName": "a"}}, {"spec": {"storageClassName": "b"}}),
    (gvk("v1", "Pod"), {"spec": {"containers": [CONTAINER]}}, {"spec": {"containers": [CONTAINER | {"image": "j"}]}}),
    (gvk("apps/v1", "Deployment"), {"spec": {"selector": {"matchLabels": {"a": "1"}}}}, {"spec": {"selector": {}}}),
    (gvk("apps/v1", "StatefulSet"), {"spec": {"serviceName": "a"}}, {"spec": {"serviceName": "b"}}),
    (gvk("batch/v1", "Job"), {"spec": {"template": {"spec": {"a": 1}}}}, {"spec": {"template": {"spec": {"a": 2}}}}),
    (gvk("batch/v1", "Job"), {}, {"spec": {"template": {}}}),
    (gvk("rbac.authorization.k8s.io/v1", "RoleBinding"), {"roleRef": {"name": "a"}}, {"roleRef": {"name": "b"}}),
    (gvk("example.org/v1", "Thing"), {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}),
    (gvk("batch/v1", "Job"), {"spec": {"template": {"a": 1}}}, {"spec": {"template": UNKNOWN}}),
]
UPDATED: list[tuple[Gvk, dict[str, Any], dict[str, Any]]] = [
    (gvk("v1", "PersistentVolumeClaim"), {"spec": {"resources": {}}}, {"spec": {"resources": {"a": 1}}}),
    (gvk("apps/v1", "Deployment"), {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}),
    (gvk("apps/v1", "StatefulSet"), {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}),
    (gvk("scheduling.k8s.io/v1", "PriorityClass"), {"value": 1}, {"value": 2}),
    (gvk("postgresql.cnpg.io/v1", "Database"), {"spec": {"name": "a"}}, {"spec": {"name": "b"}}),
    (gvk("batch/v1", "Job"), {"spec": UNKNOWN}, {"spec": {}}),
    (gvk("v1", "ConfigMap"), {"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {}}}),
]


def replaced(kind: Gvk, old: dict[str, Any], new: dict[str, Any], *mutable: str) -> bool:
    forcing = diff.rules(kind, (old, new), frozenset(mutable))
    return any(diff.replaces(item, forcing) for item in diff.compare(old, new, built_in=kind.built_in))


@pytest.mark.parametrize(("kind", "old", "new"), REPLACED)
def test_replaced(kind: Gvk, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert replaced(kind, old, new)


@pytest.mark.parametrize(("kind", "old", "new"), UPDATED)
def test_updated(kind: Gvk, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not replaced(kind, old, new)


def test_data_changes_in_place_where_the_program_says_so() -> None:
    old, new = {"data": {"a": "1"}}, {"data": {"a": "2"}}
    config_map = gvk("v1", "ConfigMap")
    assert not replaced(config_map, old, new, "ConfigMap")
    assert replaced(config_map, old, new, "Secret")
    assert replaced(config_map, old | {"immutable": True}, new | {"immutable": True}, "ConfigMap")
    assert replaced(config_map, old | {"immutable": True}, old, "ConfigMap")
    assert not replaced(config_map, old, old | {"immutable": True}, "ConfigMap")


def test_ignored_changes() -> None:
    found = diff.compare(
        {"spec": {"replicas": 1, "c": [{"i": 1}]}}, {"spec": {"replicas": 2, "c": [{"i": 2}]}}, built_in=True
    )
    by_path = {item.text: item for item in found}
    assert diff.ignored(by_path["spec.replicas"], ("spec.replicas",))
    assert diff.ignored(by_path["spec.c[0].i"], ("spec.c[*].i",))
    assert diff.ignored(by_path["spec.c[0].i"], ("spec",))
    assert not diff.ignored(by_path["spec.c[0].i"], ("spec.c[1]", "spec.rep"))


# Ownership


def live(spec: dict[str, Any], fields: dict[str, Any] | None) -> dict[str, Any]:
    entry = {"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": fields}}
    return {
        "kind": "Thing",
        "metadata": {"name": "a", "managedFields": [entry] if fields is not None else []},
        "spec": spec,
    }


def drift(
    present: dict[str, Any], asked: dict[str, Any], fields: dict[str, Any] | None, *, built_in: bool = True
) -> Any:
    return managed.observed(live(present, fields), {"spec": asked}, MANAGER, built_in=built_in)["spec"]


PORTS = {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}}


@pytest.mark.parametrize(
    ("present", "asked", "fields"),
    [
        ({"replicas": 1, "paused": False}, {"replicas": 1}, {"f:replicas": {}}),
        ({"a": 1}, {"a": 1, "off": False, "none": {}, "zero": 0}, {"f:a": {}}),
        ({"ports": [{"containerPort": 80, "protocol": "TCP"}]}, {"ports": [{"containerPort": 80}]}, PORTS),
        (
            {"ports": [{"containerPort": 9, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]},
            {"ports": [{"containerPort": 80}]},
            PORTS,
        ),
        ({"resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "1000m"}}}, {}),
        ({"ref": {"name": "a", "kind": "Gateway"}}, {"ref": {"name": "a"}}, {"f:ref": {}}),
        ({"refs": [{"name": "a", "kind": "Gateway"}]}, {"refs": [{"name": "a"}]}, {"f:refs": {}}),
        ({"tags": ["b", "a", "c"]}, {"tags": ["a", "b"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
    ],
)
def test_defaults_and_fields_of_others_are_no_drift(
    present: dict[str, Any], asked: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert drift(present, asked, fields) == asked


@pytest.mark.parametrize(
    ("present", "asked", "fields", "seen"),
    [
        ({"replicas": 3}, {"replicas": 1}, {}, {"replicas": 3}),
        ({}, {"replicas": 1}, {"f:replicas": {}}, {}),
        ({"args": ["a", "b"]}, {"args": ["a"]}, {"f:args": {}}, {"args": ["a", "b"]}),
        ({"ports": []}, {"ports": [{"containerPort": 80}]}, PORTS, {"ports": []}),
        ({"tags": ["a"]}, {"tags": ["a", "b"]}, {"f:tags": {'v:"a"': {}}}, {"tags": ["a"]}),
        ({"on": True}, {"on": 1}, {}, {"on": True}),
        ({"refs": [{"name": "a"}, {"name": "x"}]}, {"refs": [{"name": "a"}]}, {"f:refs": {}}, None),
    ],
)
def test_drift(present: dict[str, Any], asked: dict[str, Any], fields: dict[str, Any], seen: Any) -> None:
    assert drift(present, asked, fields) == (present if seen is None else seen)


def test_a_custom_resource_keeps_zero_values() -> None:
    assert drift({}, {"off": False}, {}, built_in=False) == {}
    assert drift({"cpu": "1"}, {"cpu": "1000m"}, {}, built_in=False) == {"cpu": "1"}


def test_what_was_asked_for_is_told_from_defaults() -> None:
    entry = {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:spec": PORTS}}
    thing = {"spec": {"ports": [{"containerPort": 80, "protocol": "TCP"}], "more": 1}}
    applied = thing | {"kind": "Thing", "metadata": {"name": "a", "uid": "1", "managedFields": [entry]}}
    asked = {"kind": "Thing", "metadata": {"name": "a"}, "spec": {"ports": [{"containerPort": 80}]}}
    assert managed.chosen(applied) == asked
    posted = thing | {"metadata": {"managedFields": [entry | {"operation": "Update"}]}}
    assert managed.chosen(posted) == posted


def test_taking_over_what_kubectl_wrote() -> None:
    entries = [
        {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:spec": {"f:a": {}}}},
        {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}, "subresource": "scale"},
        {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:spec": {"f:b": {}}}},
    ]
    thing = {"metadata": {"resourceVersion": "7", "managedFields": entries}}
    patch = managed.taken_over(thing, MANAGER)
    assert patch is not None
    owners = {item["manager"]: item["operation"] for item in patch[0]["value"]}
    assert owners == {"hpa": "Update", "somebody": "Update", MANAGER: "Apply"}
    assert managed.taken_over({"metadata": {"managedFields": patch[0]["value"]}}, MANAGER) is None


# Expressions


READY = {
    "metadata": {"generation": 2},
    "status": {
        "observedGeneration": 2,
        "phase": "Running",
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Degraded", "status": "False", "reason": "Fine"},
            {"type": "Old", "status": "True", "observedGeneration": 1},
        ],
    },
}


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("condition=Ready", ""),
        ("condition=ready=true", ""),
        ("condition=Degraded=False", ""),
        ("condition=Degraded", "condition Degraded is False (Fine)"),
        ("condition=Old", "condition Old is of an older generation"),
        ("condition=None", "it has no condition None yet"),
        ("jsonpath={.status.phase}=Running", ""),
        ("jsonpath={.status.phase}", ""),
        ('jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', ""),
        ("jsonpath={.status.phase}=Done", ".status.phase is Running, not Done"),
        ("jsonpath={.status.missing}", ".status.missing is not there yet"),
    ],
)
def test_what_is_waited_for(expression: str, missing: str) -> None:
    assert [test(READY) for test in expressions.tests(expression)] == [missing]


def test_all_of_a_list_must_hold() -> None:
    found = expressions.tests(json.dumps(["condition=Ready", "condition=Degraded"]))
    assert [bool(test(READY)) for test in found] == [False, True]


@pytest.mark.parametrize(
    "expression", ["Ready", "condition=", "jsonpath=.a", "jsonpath={.a", "[]", "[1", "jsonpath={.a[}"]
)
def test_expressions_that_are_none(expression: str) -> None:
    with pytest.raises(ProviderError, match=r"pulumi\.com/waitFor"):
        expressions.tests(expression)


# Objects


def test_tokens() -> None:
    assert objects.gvk_of("kubernetes:core/v1:Secret") == gvk("v1", "Secret")
    assert objects.gvk_of("kubernetes:apps/v1:Deployment") == gvk("apps/v1", "Deployment")
    assert objects.gvk_of("kubernetes:serving.kserve.io/v1beta1:InferenceService").group == "serving.kserve.io"
    for token in ("helm.sh/v3:Release", "helm.sh/v4:Chart", "yaml/v2:ConfigGroup", "kustomize/v2:Directory"):
        with pytest.raises(ProviderError, match="the sandbox renders no"):
            objects.gvk_of(f"kubernetes:{token}")


def test_secrets_stay_secret_where_they_are() -> None:
    given = {"spec": {"a": Secret("x"), "b": "y", "list": [{"c": Secret("z")}]}}
    found = objects.marked({"spec": {"a": "x", "b": "y", "list": [{"c": "z"}], "d": 1}}, given)
    assert found == {"spec": {"a": Secret("x"), "b": "y", "list": Secret([{"c": "z"}]), "d": 1}}


def test_what_kubectl_noted_of_a_secret_is_secret() -> None:
    notes = {objects.LAST_APPLIED: '{"data":{"a":"MQ=="}}', "other": "shown"}
    found = objects.concealed(gvk("v1", "Secret"), {"metadata": {"annotations": notes}, "data": {"a": "MQ=="}})
    assert found["data"] == Secret({"a": "MQ=="})
    assert found["metadata"]["annotations"]["other"] == "shown"
    assert isinstance(found["metadata"]["annotations"][objects.LAST_APPLIED], Secret)


def test_spellings_of_schema_extensions() -> None:
    wire = {"schema": [{"x-kubernetes-preserve-unknown-fields": True}]}
    assert objects.unwire(wire) == {"schema": [{"x_kubernetes_preserve_unknown_fields": True}]}
    assert objects.wire(objects.unwire(wire)) == wire


# Kubeconfig


CONFIG: dict[str, Any] = {
    "current-context": "one",
    "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "ours"}}],
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443/"}}],
    "users": [{"name": "u", "user": {"token": "t0ken"}}],
}


def test_kubeconfig_by_content() -> None:
    for content in (CONFIG, json.dumps(CONFIG, indent=1)):
        found = kubeconfig.load({"kubeconfig": content})
        assert (found.context, found.server, found.namespace) == ("one", "https://127.0.0.1:6443", "ours")
        assert "t0ken" not in repr(found)
    assert kubeconfig.load({"kubeconfig": CONFIG, "namespace": "mine"}).namespace == "mine"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"kubeconfig": CONFIG, "context": "two"}, "has no context 'two'; it has: one"),
        ({"kubeconfig": "/does/not/exist"}, "No such file"),
        ({"kubeconfig": "a: b\nc: d"}, "is no kubeconfig"),
        ({"kubeconfig": "a: [\n]]"}, "is not YAML"),
        (
            {"kubeconfig": CONFIG | {"clusters": [{"name": "c", "cluster": {"server": "https://prod.example"}}]}},
            "clusters on this machine only",
        ),
        ({"kubeconfig": CONFIG | {"users": [{"name": "u", "user": {"exec": {}}}]}}, "credential plugin"),
        ({}, "neither the provider's `kubeconfig` nor KUBECONFIG"),
    ],
)
def test_kubeconfig_that_cannot_be_used(config: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(ProviderError, match=reason):
        kubeconfig.load(config)
