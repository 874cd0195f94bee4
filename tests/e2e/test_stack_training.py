"""How a model comes to be, in the three stacks: each edit has just its steps, and no key is anywhere in clear."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.stack import Result, Stack
from support.e2e.inside import Cluster, objects
from support.e2e.outside import Cloud, shown, succeeded
from support.e2e.tenant import Tenant

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]
StackOf = Callable[..., Stack]

WANDB = {"entity": "acme", "project": "churn", "base_url": "http://127.0.0.1:9"}
KEYS = {
    "wandb_api_key": "wandb-0123456789-not-in-any-state",
    "access_key": "clearml-0123456789-not-in-any-state",
    "secret_key": "clearml-9876543210-not-in-any-state",
    "password": "mlflow-0123456789-not-in-any-state",
}
ROTATED = "wandb-9876543210-not-in-any-state"
OTHERS = """
clearml = mlops.ExperimentTracker(
    "clearml",
    platform=platform,
    clearml={
        "project": "churn",
        **{server: "http://127.0.0.1:9" for server in ("api", "web", "files")},
        **{key: config.require_secret(key) for key in ("access_key", "secret_key")},
    },
)
mlflow = mlops.ExperimentTracker(
    "mlflow",
    platform=platform,
    mlflow={"url": "http://127.0.0.1:9", "username": "ci", "password": config.require_secret("password")},
)
mlops.Identity("others", platform=platform, records=[clearml, mlflow], trusts=config.require_object("notebooks"))
tracked = {name: mlops.train(image=image, command=[name], tracker=tracker)
           for name, tracker in (("one", clearml), ("two", mlflow), ("three", runs))}
mlops.Pipeline("tracked", platform=platform, steps=tracked, schedule={"cron": "0 5 * * *"})
"""


@pytest.fixture(params=["aws", "azure", "kubernetes"])
def planes(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return (request.param,)


@pytest.fixture
def backend(planes: tuple[str, ...]) -> str:
    return planes[0]


def steps(result: Result) -> list[str]:
    """Tell the steps in words, sorted, without what names have of contents."""
    return sorted(re.sub(r"-[0-9a-f]{8,12}\b", "-*", step) for step in shown(result))


def edited(stack: Stack, old: str, new: str) -> None:
    """Change the program."""
    program = stack.folder / "__main__.py"
    text = program.read_text()
    assert old in text
    program.write_text(text.replace(old, new))


def versions(*parts: str) -> list[str]:
    """List the steps of other versions on Azure, beside those of before, and of what starts the newest."""
    names = [f"ComponentVersion retrain-component{part}-*" for part in ("", *parts)]
    return [f"{op} {name}" for op in ("create", "delete") for name in (*names, "Schedule retrain-schedule-*")]


def moved(created: list[str], deleted: list[str], updated: list[str]) -> list[str]:
    """List steps."""
    told = {"create": created, "delete": deleted, "update": updated}
    return [f"{op} {name}" for op, names in told.items() for name in names]


REPLACED = ("create-replacement", "replace", "delete-replaced")
SECRET = "runs-secret-wandb-api-key"
WAITS = "update BatchInference nightly"
"""It has the same image, and nothing else until a version is approved."""
STEPS: dict[str, dict[str, list[str]]] = {
    "aws": {
        "image": [WAITS, "update Pipeline retrain", "update Pipeline retrain-pipeline"],
        "schedule": ["update Pipeline retrain", "update Schedule retrain-schedule"],
        "search space": ["update Pipeline retrain", "update Pipeline retrain-pipeline"],
        "machine": ["update Pipeline retrain-pipeline", "update TrainingCluster machines"],
        "tracker": moved(
            [f"Secret {SECRET}", f"SecretVersion {SECRET}-value"],
            [
                "MlflowApp runs-app",
                "Policy retrain-rights-3",
                "Role runs-role",
                "RolePolicy runs-rights",
                "RolePolicyAttachment retrain-rights-3-attached",
            ],
            [
                "ExperimentTracker runs",
                "Pipeline retrain-pipeline",
                "Policy retrain-rights-1",
                "Policy retrain-rights-2",
                "RolePolicy notebooks-rights",
            ],
        ),
        "key": [f"{op} SecretVersion {SECRET}-value" for op in REPLACED],
    },
    "azure": {
        "image": [
            WAITS,
            "create EnvironmentVersion retrain-image-*",
            "delete EnvironmentVersion retrain-image-*",
            "update Pipeline retrain",
            *versions("-rows", "-tune", "-calibrate", "-judge", "-register"),
        ],
        "schedule": ["update Pipeline retrain", "update Schedule retrain-schedule-*"],
        "search space": ["update Pipeline retrain", *versions()],
        "machine": [
            *(f"{op} Compute machines-compute" for op in REPLACED),
            "update TrainingCluster machines",
            *versions(),
        ],
        "tracker": [
            *versions("-tune"),
            *moved(
                [
                    f"Secret {SECRET}",
                    "RoleAssignment notebooks-right-key-vault-secrets-user-secret-wandb-api-key",
                    "RoleAssignment retrain-on-machines-pipeline-steps-secret-wandb-api-key",
                ],
                [
                    "RoleAssignment notebooks-right-run-recorder-runs-runs",
                    "RoleAssignment retrain-on-machines-pipeline-steps-runs",
                    "RoleDefinition runs-record",
                ],
                ["ExperimentTracker runs"],
            ),
        ],
        "key": [f"update Secret {SECRET}"],
    },
    "kubernetes": {
        "image": [
            WAITS,
            "update Pipeline retrain",
            "update TrainingRuntime retrain-tune-run",
            "update WorkflowTemplate retrain-pipeline",
        ],
        "schedule": ["update CronWorkflow retrain-schedule", "update Pipeline retrain"],
        "search space": ["update Pipeline retrain", "update WorkflowTemplate retrain-pipeline"],
        "machine": [
            "update ClusterQueue machines-quota",
            "update ClusterQueue machines-runs",
            "update TrainingCluster machines",
            "update TrainingRuntime machines-runtime",
            "update TrainingRuntime retrain-tune-run",
        ],
        "key": ["update Secret runs-experiment-tracker-wandb-api-key"],
    },
}
"""What each edit does. A server of MLflow's in the cluster goes with all that it has: only what comes is listed."""


def test_each_edit_has_its_steps(backend: str, stack_of: StackOf) -> None:
    stack, wanted = stack_of(f"stacks/{backend}"), STEPS[backend]
    assert set(succeeded(stack.up()).counts) == {"create"}

    code = {"image": "registry.example.com/churn:1.1.0"} if backend == "kubernetes" else {"code": "1.1.0"}
    stack.configure(**code)
    assert steps(stack.up()) == sorted(wanted["image"])
    stack.configure(retrain="0 4 * * MON")
    assert steps(stack.up()) == sorted(wanted["schedule"])
    edited(stack, "[4, 6, 8]", "[4, 6]")
    assert steps(stack.up()) == sorted(wanted["search space"])
    stack.configure(training_cpus="8", training_memory_gb="32")
    assert steps(stack.up()) == sorted(wanted["machine"])
    stack.configure(wandb=json.dumps(WANDB))
    stack.configure_secret("wandb_api_key", KEYS["wandb_api_key"])
    recorded = steps(stack.up())
    if backend == "kubernetes":
        assert [step for step in recorded if not step.startswith(("delete", "update"))] == [
            "create Secret runs-experiment-tracker-wandb-api-key"
        ]
        assert {"delete Deployment runs-tracker-server", "delete Cluster runs-tracker-db"} < set(recorded)
    else:
        assert recorded == sorted(wanted["tracker"])
    stack.configure_secret("wandb_api_key", ROTATED)
    assert steps(stack.up()) == sorted(wanted["key"])
    assert shown(stack.up()) == []
    assert shown(stack.refresh()) == []
    succeeded(stack.destroy())


def with_events(stack: Stack, command: str, log: Path) -> str:
    """Run a command; return what it said, and every event of the engine."""
    told = ["pulumi", command, "--diff", "-s", stack.name, "--non-interactive", "--color", "never"]
    told += ["--event-log", str(log), *(["--yes"] if command == "up" else [])]
    done = stack.sandbox.run(told, cwd=stack.folder, PULUMI_DEBUG_COMMANDS="true")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr + log.read_text()


def test_no_key_is_anywhere_in_clear(backend: str, stack_of: StackOf, empty_sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither in what is said, nor in what is kept, nor in what a run is started with, as it is or in base64."""
    stack = stack_of(f"stacks/{backend}")
    stack.configure(wandb=json.dumps(WANDB))
    for name, key in KEYS.items():
        stack.configure_secret(name, key)
    edited(stack, 'pulumi.export("retrain"', f'{OTHERS}\npulumi.export("retrain"')
    said = [with_events(stack, "preview", tmp_path / "preview"), with_events(stack, "up", tmp_path / "up")]
    stack.configure_secret("wandb_api_key", ROTATED)
    said += [with_events(stack, "preview", tmp_path / "preview"), with_events(stack, "up", tmp_path / "again")]
    said += [succeeded(stack.refresh()).output, stack.export(), json.dumps(stack.outputs())]
    said += [json.dumps(empty_sandbox.env()), empty_sandbox.shell()]
    made = list(definitions(backend, stack, empty_sandbox))
    for name in ("retrain", "MLFLOW_TRACKING_URI"):
        assert [one for one in made if name in one], "what is searched is there"
    own = ("aws-state", "azure-state")  # what the cloud keeps, secrets among it
    files = [path for folder in (stack.folder, empty_sandbox.home) for path in folder.rglob("*") if path.is_file()]
    files = [path for path in files if not path.name.startswith(own) and "etcd" not in path.parts]
    for key in (*KEYS.values(), ROTATED):
        for text in (key, base64.b64encode(key.encode()).decode()):
            assert [words[:200] for words in (*said, *made) if text in words] == []
            assert [path for path in files if text.encode() in path.read_bytes()] == []


def definitions(backend: str, stack: Stack, sandbox: Sandbox) -> Iterator[str]:
    """Give what runs are started with, and all else that who reads in the cloud sees."""
    if backend == "aws":
        yield from of_aws(Cloud(sandbox))
    elif backend == "azure":
        tenant = Tenant(sandbox)
        yield tenant.shown()
        yield json.dumps(tenant.admin("requests", method="GET"))
    else:
        yield from of_kubernetes(stack, Cluster(sandbox))


def of_aws(cloud: Cloud) -> Iterator[str]:
    """Give definitions of pipelines, and what starts them."""
    sagemaker, scheduler = cloud.client("sagemaker"), cloud.client("scheduler")
    for one in sagemaker.list_pipelines()["PipelineSummaries"]:
        yield json.dumps(sagemaker.describe_pipeline(PipelineName=one["PipelineName"]), default=str)
    for one in scheduler.list_schedules()["Schedules"]:
        yield json.dumps(scheduler.get_schedule(Name=one["Name"], GroupName=one["GroupName"]), default=str)


KINDS = {
    "argoproj.io/v1alpha1": ("WorkflowTemplate", "CronWorkflow"),
    "trainer.kubeflow.org/v1alpha1": ("TrainingRuntime",),
    "v1": ("ConfigMap", "ServiceAccount", "Service", "Pod", "Event"),
    "batch/v1": ("Job", "CronJob"),
    "apps/v1": ("Deployment", "StatefulSet"),
}


def of_kubernetes(stack: Stack, cluster: Cluster) -> Iterator[str]:
    """Give every object that may be read by who reads no Secrets, and what the state says of all."""
    for version, kinds in KINDS.items():
        for kind in kinds:
            yield json.dumps(cluster.kind(version, kind).get(namespace="churn-dev").to_dict(), default=str)
    yield json.dumps([said for _, said in objects(stack)], default=str)
