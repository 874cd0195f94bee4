"""A step that starts another pipeline, at a real API server: by its own token, under its admission policy."""

import base64
import datetime as dt
import importlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from kubernetes import config, dynamic
from kubernetes.client import ApiClient, ApiException, AuthenticationV1TokenRequest, CoreV1Api, V1TokenRequestSpec

import pulumi_mlops as mlops
from pulumi_mlops import jobs
from pulumi_mlops.jobs import starting
from pulumi_mlops_sandbox.environment import Sandbox
from support.admission import document, remove_namespace
from support.facts.kubernetes import hub
from support.mocks import Cloud
from support.own_steps import own
from support.waiting import until

SPACE, IMAGE, ARGO = "drift-dev", "registry.example.com/own:1", "argoproj.io/v1alpha1"
PLATFORM = hub("drift")
"""Another platform than the other tests have: the cluster is shared."""
WORKFLOWS = f"/apis/{ARGO}/namespaces/{SPACE}/workflows"
TEMPLATE = f"https://kubernetes.default.svc/apis/{ARGO}/namespaces/{SPACE}/workflowtemplates/retrain"
COMPLETED = {"metadata": {"labels": {"workflows.argoproj.io/completed": "true"}}}
HELD = "a Workflow of this account is a run of a pipeline that its steps start"
KINDS = ("ServiceAccount", "Role", "RoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def objects() -> list[dict[str, Any]]:
    """Return what lets a step of one pipeline start another one, with the templates of that and of a third."""
    cloud = Cloud()

    def program() -> None:
        fit = {"fit": mlops.train(image=IMAGE, command=["fit"])}
        mlops.Pipeline("other", platform=PLATFORM, steps=fit, alerts=False)
        retrain = mlops.Pipeline("retrain", platform=PLATFORM, steps=fit, alerts=False)
        watch = {"own": own(IMAGE, {"next": retrain.ref})}
        mlops.Pipeline("watch", platform=PLATFORM, steps=watch, alerts=False)

    cloud.run(program)
    wanted = [item for item in cloud.registered if item.inputs.get("kind") in KINDS and "starts" in item.name]
    wanted += [item for item in cloud.registered if item.inputs.get("kind") == "WorkflowTemplate"]
    return [document(item) for item in wanted]


@pytest.fixture(scope="module")
def kinds(cluster: Sandbox) -> Iterator[dynamic.DynamicClient]:
    with config.new_client_from_config(cluster.env()["KUBECONFIG"]) as api:
        found = dynamic.DynamicClient(api)
        create(found, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
        made = objects()
        for one in made:
            create(found, one)
        yield found
        for one in made:
            if one["kind"].startswith("Validating"):
                kind(found, one).delete(name=one["metadata"]["name"])
        remove_namespace(api, SPACE)


def kind(kinds: dynamic.DynamicClient, body: dict[str, Any]) -> Any:
    return kinds.resources.get(api_version=body["apiVersion"], kind=body["kind"])


def create(kinds: dynamic.DynamicClient, body: dict[str, Any]) -> None:
    kind(kinds, body).create(body=body, namespace=body["metadata"].get("namespace"))


@pytest.fixture(scope="module")
def step(cluster: Sandbox, kinds: dynamic.DynamicClient, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Be the step: the API server as its container finds it, with the token of its account."""
    api: ApiClient = kinds.client
    folder = tmp_path_factory.mktemp("account")
    asked = AuthenticationV1TokenRequest(spec=V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    token = CoreV1Api(api).create_namespaced_service_account_token("watch-starts", SPACE, asked)
    (folder / "token").write_text(token.status.token)
    known = yaml.safe_load(Path(cluster.env()["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]
    authority = known.get("certificate-authority")
    (folder / "ca.crt").write_bytes(
        Path(authority).read_bytes() if authority else base64.b64decode(known["certificate-authority-data"])
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(jobs.__file__).parent))
        found = importlib.import_module("cluster").Cluster(api.configuration.host, folder, pause=0)
    # A policy holds a moment after it was made.
    until(lambda: HELD in refused(found, run("probe", template="other")), "the policy holds")
    probes = kinds.resources.get(api_version=ARGO, kind="Workflow")
    for one in listed(probes):
        probes.delete(name=one["metadata"]["name"], namespace=SPACE)
    return found


@pytest.fixture
def workflows(kinds: dynamic.DynamicClient) -> Iterator[Any]:
    """Have no runs."""
    found = kinds.resources.get(api_version=ARGO, kind="Workflow")
    yield found
    for one in listed(found):
        found.delete(name=one["metadata"]["name"], namespace=SPACE)


def listed(workflows: Any) -> list[dict[str, Any]]:
    return list(workflows.get(namespace=SPACE).to_dict()["items"])


def ended(workflows: Any, name: str) -> None:
    """Say that a run is over, as Argo's controller does."""
    patch = {"content_type": "application/merge-patch+json"}
    workflows.patch(name=name, namespace=SPACE, body=COMPLETED, **patch)


def run(name: str, template: str = "retrain", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": ARGO,
        "kind": "Workflow",
        "metadata": {"name": name, "labels": {starting.PIPELINE: template}},
        "spec": {"workflowTemplateRef": {"name": template}, **spec},
    }


def refused(api: Any, body: dict[str, Any]) -> str:
    """Say why an object is refused, or nothing."""
    try:
        api.create(WORKFLOWS, body)
    except HTTPError as error:
        with error:
            return error.read().decode()
    return ""


def start(api: Any, hours: float = 24, later: float = 0, **parameters: object) -> str | None:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=later)
    return starting.once(starting.Argo(TEMPLATE, api), parameters, hours, "drift is 0.3", now)


def test_it_starts_a_run_of_the_template_and_none_within_the_cooldown(step: Any, workflows: Any) -> None:
    name = start(step, days=7)
    (found,) = listed(workflows)
    assert found["metadata"]["name"] == name
    assert found["metadata"]["annotations"][starting.CAUSE] == "drift is 0.3"
    assert found["metadata"]["ownerReferences"][0]["name"] == "retrain", "who deletes the pipeline ends its runs"
    assert found["spec"] == {
        "workflowTemplateRef": {"name": "retrain"},
        "arguments": {"parameters": [{"name": "days", "value": "7"}]},
    }
    ended(workflows, str(name))
    assert start(step, later=23.9) is None
    assert start(step, later=24.1) not in (None, name)


def test_while_a_run_goes_on_none_is_started_whoever_started_that(step: Any, workflows: Any) -> None:
    workflows.create(body=run("by-hand"), namespace=SPACE)
    workflows.create(body=run("another", template="other"), namespace=SPACE)
    assert start(step, hours=1, later=999) is None
    ended(workflows, "by-hand")
    assert start(step, hours=1, later=0.5) is None
    assert start(step, hours=1, later=999) is not None


def test_two_who_look_at_once_start_one(step: Any, workflows: Any) -> None:
    barrier = threading.Barrier(2)

    class Both:
        def get(self, path: str) -> Any:
            found = step.get(path)
            if "labelSelector" in path:
                barrier.wait(30)
            return found

        create = staticmethod(step.create)

    ask: Callable[[int], str | None] = lambda _: start(Both())  # noqa: E731 (one line)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, range(2)))
    assert len([one for one in found if one]) == 1
    assert len(listed(workflows)) == 1


@pytest.mark.parametrize(
    "body",
    [
        run("x", template="other"),
        run("x", serviceAccountName="watch-pipeline"),
        run("x", entrypoint="mine"),
        run("x") | {"metadata": {"name": "x"}},
        run("x") | {"metadata": {"name": "x", "labels": {starting.PIPELINE: "other"}}},
        run("x") | {"spec": {"workflowTemplateRef": {"name": "retrain", "clusterScope": True}}},
        run("x") | {"spec": {"entrypoint": "a", "templates": [{"name": "a", "container": {"image": "x"}}]}},
    ],
    ids=["another pipeline", "another account", "another beginning", "no label", "a false label", "cluster", "own"],
)
def test_nothing_else_is_taken_from_its_account(step: Any, workflows: Any, body: dict[str, Any]) -> None:
    assert HELD in refused(step, body)
    assert not listed(workflows)


FORBIDDEN = [
    ("GET", f"/apis/{ARGO}/namespaces/{SPACE}/workflowtemplates/other"),
    ("GET", f"/apis/{ARGO}/namespaces/{SPACE}/workflowtemplates"),
    ("DELETE", f"{WORKFLOWS}/by-hand"),
    ("PATCH", f"{WORKFLOWS}/by-hand"),
    ("GET", f"/api/v1/namespaces/{SPACE}/secrets"),
    ("GET", f"/api/v1/namespaces/{SPACE}/pods"),
]


@pytest.mark.parametrize(("method", "where"), FORBIDDEN)
def test_what_the_account_may_not(step: Any, method: str, where: str) -> None:
    with pytest.raises(HTTPError) as answer:
        step._send(method, where, b"{}" if method == "PATCH" else None)
    with answer.value as found:
        assert found.code == 403


def test_a_caller_who_may_not_is_told_in_the_services_words(
    kinds: dynamic.DynamicClient, step: Any, workflows: Any
) -> None:
    roles = kinds.resources.get(api_version="rbac.authorization.k8s.io/v1", kind="RoleBinding")
    (binding,) = roles.get(namespace=SPACE).items
    roles.delete(name=binding.metadata.name, namespace=SPACE)
    try:
        with pytest.raises(starting.NotStartedError, match=r"403: .*cannot get resource"):
            until(lambda: start(step) is None, "the right is gone")
    finally:
        body = binding.to_dict()
        body["metadata"] = {"name": binding.metadata.name, "namespace": SPACE}
        with suppress(ApiException):
            roles.create(body=body, namespace=SPACE)
    assert len(listed(workflows)) <= 1
