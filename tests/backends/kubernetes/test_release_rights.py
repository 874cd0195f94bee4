"""The release Job's own token, at a real API server: it brings a release to its end, and may do nothing else."""

import base64
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from kubernetes import config
from kubernetes.client import ApiClient, AuthenticationV1TokenRequest, CoreV1Api, V1TokenRequestSpec

import pulumi_mlops as mlops
from pulumi_mlops.jobs import release
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import document, offer, path, remove_namespace
from support.facts.kubernetes import hub, version
from support.mocks import Cloud

SPACE = "trial-dev"
PLATFORM = hub("trial")
"""Another platform than the other tests have: the cluster is shared."""
GROUP = "/apis/gateway.networking.k8s.io/v1/namespaces/trial-dev/httproutes"
ROUTE = f"{GROUP}/score"
SERVICES = f"/apis/serving.kserve.io/v1beta1/namespaces/{SPACE}/inferenceservices"


@functools.cache
def ran(number: int) -> Cloud:
    """Register an endpoint that serves a version, once."""
    cloud = Cloud()
    model = version(number, PLATFORM)
    cloud.run(lambda: mlops.Endpoint("score", platform=PLATFORM, model=model))
    return cloud


def program(number: int) -> dict[str, dict[str, Any]]:
    """Return the objects of an endpoint that serves a version, by kind; they are the caller's to change."""
    cloud = ran(number)
    wanted = ("HTTPRoute", "InferenceService", "ConfigMap", "Role", "RoleBinding")
    found = {kind: document(cloud.one(kind)) for kind in wanted}
    found["ServiceAccount"] = document(cloud.one("ServiceAccount", "score-account-release"))
    return found


def send(api: ApiClient, method: str, where: str, body: Any = None, kind: str = "application/json") -> Any:
    headers = {"Accept": "application/json", "Content-Type": kind, **api.default_headers}
    api.update_params_for_auth(headers, [], ["BearerToken"], "", method, None)
    answer: Any = api.call_api(method, f"{api.configuration.host}{where}", header_params=headers, body=body)
    text = answer.read()
    assert answer.status < 300, text
    return json.loads(text)


def set_ready(api: ApiClient, name: str, status: str) -> None:
    """Have a revision ready or not, and the sandbox say the same of it from now on: else it lets it recover at once."""
    told = None if status == "True" else "no node has room"
    kept = {"metadata": {"annotations": {"sandbox.pulumi-mlops/fail": told}}}
    send(api, "PATCH", f"{SERVICES}/{name}", kept, "application/merge-patch+json")
    patch = {"status": {"conditions": [{"type": "Ready", "status": status, "message": "no node has room"}]}}
    send(api, "PATCH", f"{SERVICES}/{name}/status", patch, "application/merge-patch+json")


@pytest.fixture(scope="module")
def admin(cluster: Sandbox) -> Iterator[ApiClient]:
    found = config.new_client_from_config(cluster.env()["KUBECONFIG"])
    offer(found, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}, keep=True)
    old, new = program(1), program(2)
    for made in (old["InferenceService"], *new.values()):
        if made["kind"] != "HTTPRoute":
            offer(found, made, keep=True)
    offer(found, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": SPACE}}, keep=True)
    another = {**old["HTTPRoute"], "metadata": {"name": "another", "namespace": SPACE}}
    offer(found, another, keep=True)
    yield found
    remove_namespace(found, SPACE)
    found.close()


@pytest.fixture
def route(admin: ApiClient) -> Iterator[dict[str, Any]]:
    """Have a route that serves the old version, and a new version that is ready."""
    made = program(1)["HTTPRoute"]
    offer(admin, made, keep=True)
    set_ready(admin, program(2)["InferenceService"]["metadata"]["name"], "True")
    yield made
    send(admin, "DELETE", ROUTE)


@pytest.fixture(scope="module")
def job(cluster: Sandbox, admin: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> release.Api:
    """Be the job: its token, and the certificate of the API server as pods find it."""
    folder = tmp_path_factory.mktemp("account")
    asked = AuthenticationV1TokenRequest(spec=V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    token = CoreV1Api(admin).create_namespaced_service_account_token("score-release", SPACE, asked)
    (folder / "token").write_text(token.status.token)
    known = yaml.safe_load(Path(cluster.env()["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]
    if "certificate-authority" in known:
        (folder / "ca.crt").write_text(Path(known["certificate-authority"]).read_text())
    else:
        (folder / "ca.crt").write_bytes(base64.b64decode(known["certificate-authority-data"]))
    return release.Api(admin.configuration.host, folder, pause=0)


def settings(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(program(2)["ConfigMap"]["data"]["settings.json"])
    steps = [{"percent": 20, "seconds": 0}, {"percent": 100, "seconds": 0}]
    return found | {"steps": steps, "metrics": None, "checks": []} | changes


def test_a_release_with_the_jobs_own_rights(admin: ApiClient, job: release.Api, route: dict[str, Any]) -> None:
    release.Release(settings(), job).run()
    live = send(admin, "GET", ROUTE)
    wanted = program(2)["HTTPRoute"]["spec"]["rules"]
    assert release.shares(live["spec"]["rules"]) == release.shares(wanted) != release.shares(route["spec"]["rules"])
    assert release.BEFORE not in live["metadata"].get("annotations", {})
    # What the program declares next is there already: applying it changes nothing but who owns it.
    (reference,) = live["spec"]["rules"][0]["backendRefs"]
    assert wanted[0]["backendRefs"][0].items() <= reference.items()
    assert live["spec"]["rules"][0]["timeouts"] == wanted[0]["timeouts"]


def test_a_rollback_with_the_jobs_own_rights(admin: ApiClient, job: release.Api, route: dict[str, Any]) -> None:
    before = send(admin, "GET", ROUTE)["spec"]["rules"]
    name = program(2)["InferenceService"]["metadata"]["name"]
    steps = [{"percent": 20, "seconds": 3600}]

    passed = [0.0]

    def fail(seconds: float) -> None:
        passed[0] += seconds
        assert len(send(admin, "GET", ROUTE)["spec"]["rules"][0]["backendRefs"]) == 2, "it was under way"
        set_ready(admin, name, "False")

    with pytest.raises(release.RollbackError, match="no node has room"):
        release.Release(settings(steps=steps), job, now=lambda: passed[0], sleep=fail).run()
    live = send(admin, "GET", ROUTE)
    assert live["spec"]["rules"] == before
    assert "no node has room" in live["metadata"]["annotations"][release.ROLLED_BACK]
    assert route["metadata"]["annotations"].items() <= live["metadata"]["annotations"].items()


FORBIDDEN = [
    ("GET", GROUP),
    ("GET", f"{GROUP}/another"),
    ("PATCH", f"{GROUP}/another"),
    ("GET", SERVICES),
    ("GET", f"{SERVICES}/another"),
    ("PATCH", f"{SERVICES}/{program(2)['InferenceService']['metadata']['name']}"),
    ("GET", f"/api/v1/namespaces/{SPACE}/secrets/key"),
    ("GET", f"/api/v1/namespaces/{SPACE}/secrets"),
    ("GET", f"/api/v1/namespaces/{SPACE}/configmaps/score-release"),
    ("PATCH", f"/api/v1/namespaces/{SPACE}/configmaps/score-release"),
    ("GET", f"/api/v1/namespaces/{SPACE}/pods"),
    ("GET", f"/api/v1/namespaces/{SPACE}/services/score"),
    ("GET", f"/apis/batch/v1/namespaces/{SPACE}/jobs"),
    ("GET", f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}/roles/score-release"),
    ("GET", f"/api/v1/namespaces/{SPACE}"),
    ("GET", "/api/v1/nodes"),
]


@pytest.mark.parametrize(("method", "where"), FORBIDDEN)
def test_what_the_job_may_not(job: release.Api, method: str, where: str) -> None:
    with pytest.raises(HTTPError) as refused:
        job._send(method, where, b"{}" if method == "PATCH" else None)
    with refused.value as answer:
        assert answer.code == 403


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_the_job_may_change_its_route_but_not_take_it_away(
    job: release.Api, route: dict[str, Any], method: str
) -> None:
    with pytest.raises(HTTPError) as refused:
        job._send(method, f"{path(route)}/score", json.dumps(route).encode() if method == "PUT" else None)
    with refused.value as answer:
        assert answer.code == 403
