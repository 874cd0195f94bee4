"""Pipelines in a cluster: admitted by the real API server, changed in place, with the rights that they need."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiException

from pulumi_mlops.backends.kubernetes.workflows import owner
from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Stack
from support.admission import offer
from support.e2e.inside import Cluster
from support.e2e.outside import empty, shown, succeeded
from support.leading import trainjob

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SPACE, ARGO, TRAINER = "loop-dev", "argoproj.io", "trainer.kubeflow.org"
SECRET = "not-for-anyones-eyes"
PROGRAM = """
import pulumi
import pulumi_mlops as mlops

platform = mlops.Platform("loop", backend="kubernetes", secrets={"hub": "not-for-anyones-eyes"})
registry = mlops.ModelRegistry("models", platform=platform)
churn = mlops.Model("churn", registry=registry)
image = "registry.example.com/churn:1"
rows = mlops.prepare(
    image=image,
    command=["select"],
    outputs=["rows"],
    parameters={"days": mlops.parameter("days")},
    secrets={"hub": platform.secret("hub")},
)
gpus = mlops.TrainingCluster("gpus", platform=platform, compute={"cpus": 1}, nodes={"max": 4}, priority="high")
fit = mlops.train(
    image=image, command=["train"], inputs={"x": rows.out("rows")}, cluster=gpus, nodes=2, checkpoints=True, retries=2
)
over = {"lr": {"log_uniform": [1e-5, 1e-2]}, "depth": {"choice": [4, 6]}}
best = mlops.tune(fit, maximize="auc", trials=4, parallel=2, over=over)
judge = mlops.evaluate(image=image, command=["judge"], inputs={"m": best.out("model")}, metrics=["auc"])
keep = mlops.register(churn, best.out("model"), when=judge.metric("auc") >= mlops.parameter("least"))
retrain = mlops.Pipeline(
    "retrain",
    platform=platform,
    parameters={"days": 30, "least": 0.9},
    steps={"rows": rows, "best": best, "judge": judge, "keep": keep},
    schedule={"cron": "0 3 * * 7", "timezone": "Europe/Berlin"},
    overlap="skip",
    parallel=3,
)
pulumi.export("retrain", retrain.ref.export())
again = mlops.train(image=image, command=["score"])
mlops.Pipeline(
    "score", platform=platform, steps={"fit": again}, triggers=[{"approval": churn}, {"pipeline": retrain}]
)
"""


@pytest.fixture(scope="module")
def loop(stacks_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Cluster, Path]]:
    """Bring two pipelines up, of which one starts the other."""
    project = tmp_path_factory.mktemp("loop")
    stacks_sandbox.up(planes=("kubernetes",))
    (project / "Pulumi.yaml").write_text("name: loop\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    stack, cluster = Stack(stacks_sandbox, project), Cluster(stacks_sandbox)
    succeeded(stack.up())
    yield stack, cluster, project / "__main__.py"
    succeeded(stack.destroy())
    empty(stacks_sandbox)


def template(cluster: Cluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        cluster.kind(f"{ARGO}/v1alpha1", "WorkflowTemplate").get(name=name, namespace=SPACE).to_dict()["spec"]
    )
    return found


def uid(cluster: Cluster, name: str) -> str:
    found = cluster.kind(f"{ARGO}/v1alpha1", "WorkflowTemplate").get(name=name, namespace=SPACE)
    return str(found.metadata.uid)


def as_pods(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pods that Argo would make: its own containers, as far as they are not patched, say nothing."""
    for number, one in enumerate(spec["templates"]):
        if "container" not in one:
            continue
        patch = json.loads(one["podSpecPatch"])
        mains = [{**one["container"], "name": "main"}]
        claims = [{"name": claim["metadata"]["name"], "emptyDir": {}} for claim in spec.get("volumeClaimTemplates", [])]
        pod = {
            "serviceAccountName": spec["serviceAccountName"],
            "automountServiceAccountToken": False,
            "securityContext": spec["securityContext"],
            "restartPolicy": "Never",
            "initContainers": [{"image": "argoexec", **init} for init in patch["initContainers"]],
            "containers": [*mains, *({"image": "argoexec", **wait} for wait in patch["containers"])],
            "volumes": [*one["volumes"], *claims],
            **{key: one[key] for key in ("nodeSelector", "affinity", "tolerations") if key in one},
        }
        text = json.dumps(pod).replace("{{inputs.parameters.", "0").replace("{{workflow.parameters.", "0")
        labels = {**spec["podMetadata"]["labels"], **one.get("metadata", {}).get("labels", {})}
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"try-{number}", "labels": labels},
            "spec": json.loads(text),
        }


def test_nothing_differs_afterwards(loop: tuple[Stack, Cluster, Path]) -> None:
    stack, _, _ = loop
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []


def test_a_change_is_one_of_the_template_in_place(loop: tuple[Stack, Cluster, Path]) -> None:
    stack, cluster, program = loop
    for old, new in (("1e-5", "1e-4"), ("churn:1", "churn:2")):
        program.write_text(program.read_text().replace(old, new))
    made = [one for one in shown(stack.up()) if "update Pipeline" not in one]
    assert sorted(made) == [
        "update TrainingRuntime retrain-best-run",
        "update WorkflowTemplate retrain-pipeline",
        "update WorkflowTemplate score-pipeline",
    ]
    image = next(one for one in template(cluster, "score")["templates"] if "container" in one)["container"]["image"]
    assert image.endswith("churn:2")
    program.write_text(program.read_text().replace("0 3 * * 7", "0 4 * * 7"))
    made = [one for one in shown(stack.up()) if "update Pipeline" not in one]
    assert made == ["update CronWorkflow retrain-schedule"]


def test_a_run_is_started_and_followed_by_the_command(loop: tuple[Stack, Cluster, Path]) -> None:
    """No controller is there: what one would write is written here."""
    stack, cluster, program = loop

    def command(*words: str) -> Any:
        return stack.sandbox.run(
            [sys.executable, "-m", "pulumi_mlops", "run", "dev", "retrain", *words], cwd=program.parent
        )

    begun = command("--parameter", "days=7", "--detach", "--output", "json")
    assert begun.returncode == 0, begun.stderr
    run = json.loads(begun.stdout)
    assert (run["state"], {step["state"] for step in run["steps"]}) == ("waiting", {"waiting"})
    workflows = cluster.kind(f"{ARGO}/v1alpha1", "Workflow")
    made = workflows.get(name=run["id"], namespace=SPACE).to_dict()
    assert made["spec"]["arguments"] == {"parameters": [{"name": "days", "value": "7"}]}
    assert made["metadata"]["ownerReferences"][0]["uid"] == uid(cluster, "retrain")
    times = {"startedAt": "2026-11-30T03:00:00Z", "finishedAt": "2026-11-30T03:02:00Z"}
    phases = {"rows": "Succeeded", "best": "Succeeded", "judge": "Succeeded", "keep": "Skipped"}
    nodes = {
        name: {"id": name, "displayName": name, "type": "Pod", "phase": phase, "boundaryID": run["id"], **times}
        for name, phase in phases.items()
    }
    kept = {"storedWorkflowTemplateSpec": template(cluster, "retrain")}
    status = {"phase": "Succeeded", "nodes": nodes, **kept, **times}
    patch = "application/merge-patch+json"
    workflows.patch(name=run["id"], namespace=SPACE, body={"status": status}, content_type=patch)
    ended = command("--follow", run["id"])
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "judge: succeeded after 2m00s" in ended.stdout
    assert "keep: skipped: auc >= least did not hold" in ended.stdout
    workflows.delete(name=run["id"], namespace=SPACE)
    wrong = command("--follow", "nothing")
    assert wrong.stderr == "Error: Pipeline 'retrain' has no run 'nothing', or has it no more.\n"


def test_what_starts_a_pipeline_makes_runs_that_go_with_it(loop: tuple[Stack, Cluster, Path]) -> None:
    _, cluster, _ = loop
    found = cluster.kind("v1", "ConfigMap").get(name="score-starter", namespace=SPACE).to_dict()
    assert json.loads(found["data"]["settings.json"])["owner"] == owner("score", uid(cluster, "score"))


def test_every_pod_of_a_step_is_admitted(loop: tuple[Stack, Cluster, Path]) -> None:
    """Each is offered to the API server as a pod, where *restricted* refuses."""
    _, cluster, _ = loop
    pods = [pod for name in ("retrain", "score") for pod in as_pods(template(cluster, name))]
    assert len(pods) >= 6
    for pod in pods:
        answer = cluster.kind("v1", "Pod").create(body=pod, namespace=SPACE, query_params=[("dryRun", "All")])
        assert answer.kind == "Pod"


def test_accounts_have_the_rights_that_they_need_and_no_other(loop: tuple[Stack, Cluster, Path]) -> None:
    _, cluster, _ = loop
    results = {(verb, ARGO, "workflowtaskresults", "") for verb in ("create", "patch")}
    wanted = {
        "retrain-pipeline": results,
        "score-pipeline": results,
        "score-starter": {
            ("list", ARGO, "workflows", ""),
            ("create", ARGO, "workflows", ""),
            ("get", "", "configmaps", "score-seen"),
            ("patch", "", "configmaps", "score-seen"),
        },
        "retrain-lead": {(verb, TRAINER, "trainjobs", "") for verb in ("create", "get", "delete")},
    }
    for name, rights in wanted.items():
        account = cluster.as_account(SPACE, name)
        assert account.rights(SPACE) - account.rights("default") == rights, name


def led(cluster: Cluster) -> dict[str, Any]:
    """Return the TrainJob that a run makes."""
    return trainjob(template(cluster, "retrain")["templates"], "try-best")


def refused(cluster: Cluster, account: str, body: dict[str, Any]) -> str:
    """Have an account make an object, without effect; return what the API server says against it."""
    body["metadata"]["namespace"] = SPACE
    try:
        offer(cluster.as_account(SPACE, account).api, body)
    except ApiException as error:
        return str(error.reason)
    return ""


def test_a_trainjob_and_its_machines_are_admitted(loop: tuple[Stack, Cluster, Path]) -> None:
    _, cluster, _ = loop
    assert refused(cluster, "retrain-lead", led(cluster)) == ""
    runtime = cluster.get(f"{TRAINER}/v1alpha1", "TrainingRuntime", "retrain-best-run", SPACE)
    assert runtime
    (job,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    pod = job["template"]["spec"]["template"]
    pod["spec"]["volumes"].append({"name": "checkpoints-best", "emptyDir": {}})
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "try", "labels": pod["metadata"]["labels"]}}
    made = cluster.kind("v1", "Pod").create(
        body={**body, "spec": pod["spec"]}, namespace=SPACE, query_params=[("dryRun", "All")]
    )
    assert made.kind == "Pod"
    plain = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "try"}, "spec": job["template"]["spec"]}
    assert cluster.kind("batch/v1", "Job").create(body=plain, namespace=SPACE, query_params=[("dryRun", "All")])


SPOILT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another runtime": lambda spec: spec["runtimeRef"].update(name="gpus"),
    "a runtime of the whole cluster": lambda spec: spec["runtimeRef"].update(kind="ClusterTrainingRuntime"),
    "an image": lambda spec: spec["trainer"].update(image="evil"),
    "a command": lambda spec: spec["trainer"].update(command=["sh"]),
    "an account": lambda spec: patch(spec).update(serviceAccountName="score-starter"),
    "a Secret": lambda spec: patch(spec)["volumes"].append(
        {"name": "s", "secret": {"secretName": "loop-store-writer"}}
    ),
    "another's patch": lambda spec: spec["runtimePatches"][0].update(manager="kueue.x-k8s.io/manager"),
}


def patch(spec: dict[str, Any]) -> Any:
    (job,) = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    return job["template"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("what", SPOILT)
def test_who_leads_chooses_nothing_of_what_runs(loop: tuple[Stack, Cluster, Path], what: str) -> None:
    _, cluster, _ = loop
    job = led(cluster)
    SPOILT[what](job["spec"])
    said = refused(cluster, "retrain-lead", job)
    assert "ValidatingAdmissionPolicy" in said, said
    assert "this account" in said


def test_who_starts_a_pipeline_starts_that_one(loop: tuple[Stack, Cluster, Path]) -> None:
    _, cluster, _ = loop
    run: dict[str, Any] = {"apiVersion": f"{ARGO}/v1alpha1", "kind": "Workflow", "metadata": {"name": "score-1"}}
    own = {"workflowTemplateRef": {"name": "score"}}
    spoilt: list[dict[str, Any]] = [
        {"workflowTemplateRef": {"name": "retrain"}},
        {**own, "serviceAccountName": "retrain-lead"},
        {"entrypoint": "x", "templates": [{"name": "x", "container": {"image": "evil"}}]},
        {},
    ]
    assert refused(cluster, "score-starter", {**run, "spec": own}) == ""
    for spec in spoilt:
        said = refused(cluster, "score-starter", {**run, "spec": spec})
        assert "a run of its pipeline" in said, spec


def test_argos_own_containers_find_their_token_and_no_step_does(loop: tuple[Stack, Cluster, Path]) -> None:
    stack, cluster, _ = loop
    token = cluster.kind("v1", "Secret").get(name="retrain-pipeline.service-account-token", namespace=SPACE).to_dict()
    assert {"ca.crt", "namespace", "token"} == set(token["data"])
    assert not [
        volume
        for one in template(cluster, "retrain")["templates"]
        for volume in one.get("volumes", [])
        if volume.get("secret", {}).get("secretName") == token["metadata"]["name"]
    ]
    kept = json.dumps(stack.state())
    assert SECRET not in kept
    assert token["data"]["token"] not in kept
