"""What the operators of a real node install: of their own versions, with their own rights, and all that is needed."""

import base64
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from pulumi_mlops.backends.kubernetes import operators as library
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.operators import certificates, install, manifests, table
from pulumi_mlops_sandbox.kubernetes.operators.manifests import OPERATORS, Operator
from pulumi_mlops_sandbox.kubernetes.provider.client import StatusError
from pulumi_mlops_sandbox.progress import step

STAND_IN = "cert-manager"
"""The one operator of the library's that another thing stands for."""


@pytest.fixture(scope="module", params=OPERATORS, ids=lambda operator: operator.name)
def operator(request: pytest.FixtureRequest) -> Operator:
    found: Operator = request.param
    return found


@pytest.fixture(scope="module")
def objects(operator: Operator) -> list[dict[str, Any]]:
    return install.manifest(operator)


def test_each_operator_of_the_library_is_there() -> None:
    assert set(manifests.NAMES) | {STAND_IN} == set(library.OPERATORS)


def test_sets_hold_each_of_them() -> None:
    assert {name for names in manifests.SETS.values() for name in names} == set(manifests.NAMES)
    serving, training = (manifests.chosen([name]) for name in ("serving", "training"))
    assert {one.name for one in training} - {one.name for one in serving} == {"argo-workflows", "kueue", "trainer"}
    assert [one.name for one in manifests.chosen(["training", "keda", "kueue"])] == [
        *("gateway", "cloudnative-pg", "keda", "prometheus", "argo-workflows", "kueue", "trainer")
    ]
    with pytest.raises(SandboxError, match=r"No such operator: spark; there are kserve, .*, and the sets serving, tr"):
        manifests.chosen(["training", "spark"])


def test_it_brings_what_the_library_writes_for(operator: Operator, objects: list[dict[str, Any]]) -> None:
    wanted = library.OPERATORS[operator.name]
    group, _, version = wanted.provides.partition("/")
    schemas = {
        each["spec"]["names"]["kind"]: served["schema"]["openAPIV3Schema"]
        for each in objects
        if each["kind"] == "CustomResourceDefinition" and each["spec"]["group"] == group
        for served in each["spec"]["versions"]
        if served["name"] == version and served["served"]
    }
    assert set(wanted.kinds) <= set(schemas)
    if wanted.marker:
        kind, field = wanted.marker
        schema = schemas[kind]
        for part in field.split("."):
            schema = schema["properties"][part.removesuffix("[]")]
            schema = schema["items"] if part.endswith("[]") else schema
    assert any(each["metadata"]["name"] == wanted.namespace for each in objects if each["kind"] == "Namespace")


def test_its_namespaces_are_known(objects: list[dict[str, Any]]) -> None:
    """What changes in them by itself is nobody's."""
    made = {each["metadata"]["name"] for each in objects if each["kind"] == "Namespace"}
    lies = {each["metadata"].get("namespace") for each in objects} - {None, "kube-system"}
    assert made
    assert made | lies <= set(manifests.NAMESPACES)


def test_nobody_has_more_rights_than_its_own_manifests_give(objects: list[dict[str, Any]]) -> None:
    # One that gathers others' rules has none of its own.
    roles = {
        each["metadata"]["name"]: each.get("rules", []) for each in objects if each["kind"] in ("Role", "ClusterRole")
    }
    of_kubernetes = {"system:auth-delegator", "extension-apiserver-authentication-reader"}
    bound = [each["roleRef"]["name"] for each in objects if "roleRef" in each]
    assert bound
    assert set(bound) <= set(roles) | of_kubernetes
    for name in set(bound) & set(roles):
        for rule in roles[name]:
            everything = rule.get("apiGroups") == ["*"] and "*" in rule["resources"] and "*" in rule["verbs"]
            assert not everything, name


def test_every_image_is_made_here(objects: list[dict[str, Any]]) -> None:
    made = {program.image for module in table.MODULES for program in module.programs}
    runs = [each for each in objects if each["kind"] in ("Deployment", "Job")]
    assert runs
    for each in runs:
        for container in each["spec"]["template"]["spec"]["containers"]:
            assert container["image"] in made
            assert container.get("imagePullPolicy", "IfNotPresent") == "IfNotPresent"


def test_kserves_webhooks_are_believed() -> None:
    """Another authority stands for cert-manager: it signed the certificate by which the Service is known."""
    kserve = next(operator for operator in OPERATORS if operator.name == "kserve")
    found = certificates.certified(install.manifest(kserve))
    assert not any(each["apiVersion"].startswith("cert-manager.io/") for each in found)
    secret = next(each for each in found if each["metadata"]["name"] == certificates.SECRET)
    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(names, x509.SubjectAlternativeName)
    hooks = [hook for each in found for hook in each.get("webhooks", ())]
    assert len(hooks) >= 6
    for hook in hooks:
        service = hook["clientConfig"]["service"]
        assert f"{service['name']}.{service['namespace']}.svc" in names.get_values_for_type(x509.DNSName)
        authority = x509.load_pem_x509_certificate(base64.b64decode(hook["clientConfig"]["caBundle"]))
        certificate.verify_directly_issued_by(authority)
    mounted = [
        volume["secret"]["secretName"]
        for each in found
        if each["kind"] == "Deployment"
        for volume in each["spec"]["template"]["spec"]["volumes"]
    ]
    assert certificates.SECRET in mounted


class Judged:
    """A cluster that asks one deployment before it takes any other."""

    def __init__(self) -> None:
        self.there: list[str] = []

    def request(self, _verb: str, path: str, *_more: object) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if name != "judge" and "judge" not in self.there:
            raise StatusError(500, {"message": 'failed calling webhook "mdeployment.kb.io": no endpoints'})
        self.there.append(name)
        return {}


def test_who_judges_others_may_come_after_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Judged()
    monkeypatch.setattr(install, "POLL", 0.0)
    with step("Installing") as progress:
        installer(cluster, tmp_path, monkeypatch).apply_all(deployments("first", "judge", "last"), progress)
    assert cluster.there == ["judge", "last", "first"]


def test_an_installation_ends_with_its_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = threading.Event()
    ending.set()
    with step("Installing") as progress, pytest.raises(SandboxError, match="The cluster ends"):
        installer(Judged(), tmp_path, monkeypatch, ending).apply_all(deployments("first"), progress)


def deployments(*names: str) -> list[dict[str, Any]]:
    return [{"kind": "Deployment", "metadata": {"name": name}} for name in names]


def installer(
    cluster: Judged, folder: Path, monkeypatch: pytest.MonkeyPatch, ending: threading.Event | None = None
) -> install.Installer:
    monkeypatch.setattr(install, "Client", lambda _access, _ending: cluster)
    monkeypatch.setattr(install, "Discovery", lambda _client: None)
    monkeypatch.setattr(install.kubeconfig, "load", lambda _given: None)
    monkeypatch.setattr(install.Installer, "path", lambda _self, each: f"/{each['metadata']['name']}")
    return install.Installer(folder, ending or threading.Event())
