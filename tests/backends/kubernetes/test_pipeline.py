"""Pipeline on Kubernetes: what Argo is told, what the pods are given, who may do what, what is refused."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, ModelRef
from support.facts.kubernetes import GROUP, HUB, hub, version
from support.mocks import Cloud

IMAGE = "registry.example.com/churn/train:1"
MODEL = ModelRef(name="churn", backend="kubernetes", platform=HUB, address={"model": "churn", "registry": "models"})
PEM = "-----BEGIN CERTIFICATE-----"
OVER: Any = {"lr": {"log_uniform": [1e-5, 1e-2]}, "depth_of": {"choice": [4, 6]}}
Steps = Mapping[str, mlops.Step]
Make = Callable[..., Mapping[str, Any]]


def fit(**args: Any) -> mlops.TrainStep:
    return mlops.train(**({"image": IMAGE, "command": ["train", "$(MLOPS_OUTPUT_MODEL)"]} | args))


def judge(of: mlops.Out, **args: Any) -> mlops.EvaluateStep:
    return mlops.evaluate(
        **({"image": IMAGE, "command": ["judge"], "inputs": {"model": of}, "metrics": ["auc", "loss"]} | args)
    )


def tuned(**args: Any) -> mlops.TuneStep:
    return mlops.tune(fit(**args), maximize="auc", trials=4, parallel=2, over=OVER)


def declare(steps: Steps, **args: Any) -> Any:
    return mlops.Pipeline("retrain", **({"platform": HUB, "steps": steps, "alerts": False} | args)).ref.export()


def made(cloud: Cloud, build: Callable[[], Steps], **args: Any) -> dict[str, dict[str, Any]]:
    """Run a program with the pipeline; return its templates by their names."""
    cloud.run(lambda: declare(build(), **args))
    return {one["name"]: one for one in spec(cloud)["templates"]}


def spec(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.one("WorkflowTemplate").inputs["spec"]
    return found


def tasks(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in template["dag"]["tasks"]}


def variables(template: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in template["container"]["env"]}


def pods(templates: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (one for one in templates.values() if "container" in one)


def everything() -> Steps:
    rows = mlops.prepare(
        image=IMAGE, command=["select"], outputs=["rows"], parameters={"days": mlops.parameter("days")}
    )
    best = tuned(inputs={"x": rows.out("rows")}, nodes=3, launcher="torchrun", checkpoints=True, retries=2)
    good = judge(best.out("model"))
    kept = mlops.register(MODEL, best.out("model"), when=good.metric("auc") >= mlops.parameter("least"), image=IMAGE)
    return {"get_rows": rows, "best": best, "judge": good, "register": kept}


ALL: Any = {"parameters": {"days": 30, "least": 0.9}}


def test_a_step_begins_when_all_that_it_takes_from_has_succeeded(cloud: Cloud) -> None:
    graph = tasks(made(cloud, everything, **ALL)["graph"])
    assert {name: task.get("depends") for name, task in graph.items()} == {
        "get-rows": None,
        "best": "get-rows.Succeeded",
        "judge": "best.Succeeded",
        "register": "best.Succeeded && judge.Succeeded",
    }
    assert spec(cloud)["entrypoint"] == "graph"


def test_a_condition_reads_what_was_measured_and_what_the_run_was_started_with(cloud: Cloud) -> None:
    task = tasks(made(cloud, everything, **ALL)["graph"])["register"]
    found = "asFloat(jsonpath(tasks['judge'].outputs.parameters.metrics, '$.auc'))"
    assert task["when"] == "{{=" + found + " >= asFloat(workflow.parameters['least'])}}"
    started = {one["name"]: one["value"] for one in spec(cloud)["arguments"]["parameters"]}
    assert started == {"days": "30", "least": "0.9"}


def test_files_go_through_the_platforms_store_below_the_runs_own_folder(cloud: Cloud) -> None:
    templates = made(cloud, everything, **ALL)
    out, facts = templates["step-get-rows"]["outputs"]["artifacts"]
    assert facts["s3"] == {"key": "pipelines/retrain/{{workflow.uid}}/get_rows/facts.json"}
    (into,) = templates["try-best"]["inputs"]["artifacts"]
    assert out["s3"] == into["s3"] == {"key": "pipelines/retrain/{{workflow.uid}}/get_rows/rows"}
    assert variables(templates["step-get-rows"])["MLOPS_OUTPUT_ROWS"] == out["path"]
    assert into["path"] == "/mnt/inputs/x"
    (taken,) = templates["step-judge"]["inputs"]["artifacts"]
    left, _, told = templates["try-best"]["outputs"]["artifacts"]
    assert told["s3"]["key"] == "pipelines/retrain/{{workflow.uid}}/best/search/told-{{inputs.parameters.trial}}.json"
    assert left["s3"]["key"] == "pipelines/retrain/{{workflow.uid}}/best/trial-{{inputs.parameters.trial}}/model"
    assert taken["s3"]["key"] == left["s3"]["key"].replace("parameters.trial", "parameters.from-best")
    where = json.loads(cloud.one("ConfigMap", "retrain-artifacts").inputs["data"]["default"])["s3"]
    assert where["bucket"] == "artifacts"
    assert where["endpoint"] == "platform-store.churn-dev.svc.cluster.local:8333"
    assert where["insecure"] is True
    assert where["accessKeySecret"]["name"] == "churn-store-writer"


def test_an_authority_of_the_users_own_is_taken_from_a_secret() -> None:
    cloud = Cloud()
    own = {"url": "https://s3.corp", "bucket": "b", "access_key": "a", "secret_key": "s", "ca": PEM}

    def program() -> Any:
        platform = mlops.Platform("churn", backend="kubernetes", existing={"object_store": own})
        return declare({"fit": fit()}, platform=platform)

    cloud.run(program)
    where = json.loads(cloud.one("ConfigMap", "retrain-artifacts").inputs["data"]["default"])["s3"]
    kept = cloud.one("Secret", "churn-store-writer")
    assert where["caSecret"] == {"name": kept.inputs["metadata"]["name"], "key": "cabundle.crt"}
    assert base64.b64decode(kept.inputs["data"]["cabundle.crt"]) == PEM.encode()
    assert "insecure" not in where or where["insecure"] is False


def test_every_pod_is_restricted_and_holds_neither_key_nor_token(cloud: Cloud) -> None:
    templates = made(cloud, everything, **ALL)
    given = spec(cloud)
    assert given["securityContext"]["runAsNonRoot"] is True
    assert given["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert given["automountServiceAccountToken"] is False
    found = list(pods(templates))
    assert found
    for template in found:
        patch = json.loads(template["podSpecPatch"])
        locked = [template["container"], *patch["containers"], *patch["initContainers"]]
        assert [one.get("name") for one in locked] == [None, "wait", "init"]
        for one in locked:
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert one["resources"]["limits"]["memory"]
        assert template["container"]["securityContext"]["readOnlyRootFilesystem"] is True
        assert not [name for name in variables(template) if name.startswith("AWS_")]
        mounted = {one["name"] for one in template["container"]["volumeMounts"]}
        claimed = {one["metadata"]["name"] for one in given["volumeClaimTemplates"]}
        assert mounted == {one["name"] for one in template["volumes"]} | (mounted & claimed)


def test_the_account_may_say_what_became_of_a_step_and_nothing_else(cloud: Cloud) -> None:
    made(cloud, everything, **ALL)
    (rule,) = cloud.one("Role", "retrain-role-pipeline").inputs["rules"]
    assert rule == {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    account = cloud.one("ServiceAccount", "retrain-account-pipeline").inputs
    name = account["metadata"]["name"]
    assert spec(cloud)["serviceAccountName"] == spec(cloud)["executor"]["serviceAccountName"] == name
    assert account["automountServiceAccountToken"] is False
    token = cloud.one("Secret", "retrain-token").inputs
    assert token["type"] == "kubernetes.io/service-account-token"
    assert token["metadata"]["name"] == f"{name}.service-account-token"
    assert token["metadata"]["annotations"] == {"kubernetes.io/service-account.name": name}


def test_a_secret_is_a_file_and_the_variable_says_where(cloud: Cloud) -> None:
    def steps() -> Steps:
        platform = mlops.Platform("churn", backend="kubernetes", secrets={"hub": "s3cr3t"})
        held = platform.secret("hub")
        declare({"fit": fit(secrets={"hub-token": held})}, platform=platform)
        return {}

    cloud.run(steps)
    (template,) = [one for one in spec(cloud)["templates"] if one["name"] == "step-fit"]
    assert variables(template)["MLOPS_SECRET_HUB_TOKEN"] == "file:///var/run/secrets/mlops/hub-token"
    (volume,) = [one for one in template["volumes"] if one["name"] == "secrets"]
    (source,) = volume["projected"]["sources"]
    assert source["secret"]["name"] == "churn-secret-hub"
    assert "s3cr3t" not in json.dumps([one.inputs for one in cloud.registered if one.type.endswith("Template")])


def test_a_bound_on_steps_counts_steps(cloud: Cloud) -> None:
    templates = made(cloud, everything, parallel=1, **ALL)
    assert templates["graph"]["parallelism"] == 1
    assert "parallelism" not in spec(cloud)


def test_the_best_trial_is_the_one_whose_files_are_taken(cloud: Cloud) -> None:
    templates = made(cloud, everything, **ALL)
    search = tasks(templates["step-best"])
    assert templates["step-best"]["parallelism"] == 2
    assert templates["step-best"]["dag"]["failFast"] is False
    assert search["trials"]["withItems"] == ["0", "1", "2", "3"]
    assert search["best"]["depends"] == "trials.Succeeded || trials.AnySucceeded"
    assert templates["best-best"]["container"]["args"][1:3] == ["auc", "max"]
    handed = {one["name"]: one["value"] for one in tasks(templates["graph"])["judge"]["arguments"]["parameters"]}
    assert handed == {"from-best": "{{tasks.best.outputs.parameters.trial}}"}


def test_each_trial_asks_for_its_values_and_tells_what_it_measured(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"best": tuned()})
    trial, ask, run = templates["trial-best"], templates["ask-best"], templates["try-best"]
    handed = {one["name"]: one["value"] for one in tasks(trial)["try"]["arguments"]["parameters"]}
    assert tasks(trial)["try"]["depends"] == "ask.Succeeded"
    assert handed == {
        "trial": "{{inputs.parameters.trial}}",
        "set-lr": "{{tasks.ask.outputs.parameters.set-lr}}",
        "set-depth_of": "{{tasks.ask.outputs.parameters.set-depth_of}}",
    }
    assert variables(run)["MLOPS_PARAMETER_DEPTH_OF"] == "{{inputs.parameters.set-depth_of}}"
    (history,) = ask["inputs"]["artifacts"]
    assert history["optional"] is True
    (asked,) = ask["outputs"]["artifacts"]
    told = run["outputs"]["artifacts"][-1]
    assert {asked["s3"]["key"], told["s3"]["key"]} == {
        f"{history['s3']['key']}/{word}-{{{{inputs.parameters.trial}}}}.json" for word in ("asked", "told")
    }
    read = json.loads(variables(ask)["MLOPS_SEARCH"])
    assert read["over"] == OVER
    assert (read["metric"], read["sign"], read["trials"], read["parallel"]) == ("auc", "max", 4, 2)
    assert ask["container"]["image"].startswith("docker.io/optuna/optuna:v")
    assert "suggest.py" in cloud.one("ConfigMap", "retrain-programs").inputs["data"]


def test_checkpoints_are_a_volume_of_the_run(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"fit": fit(checkpoints=True, retries=3)})
    (kept,) = spec(cloud)["volumeClaimTemplates"]
    assert kept["spec"]["accessModes"] == ["ReadWriteOnce"]
    (mount,) = [m for m in templates["step-fit"]["container"]["volumeMounts"] if m["name"] == kept["metadata"]["name"]]
    assert variables(templates["step-fit"])["MLOPS_CHECKPOINTS"] == mount["mountPath"]
    assert templates["step-fit"]["retryStrategy"] == {
        "limit": "3",
        "retryPolicy": "Always",
        "backoff": {"duration": "30s", "factor": 2},
    }


def test_trials_keep_their_checkpoints_apart(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"best": tuned(checkpoints=True)})
    assert spec(cloud)["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteMany"]
    (mount,) = [m for m in templates["try-best"]["container"]["volumeMounts"] if "checkpoints" in m["mountPath"]]
    assert mount["subPath"] == "trial-{{inputs.parameters.trial}}"


def test_rows_of_a_feature_group_are_a_folder(cloud: Cloud) -> None:
    address = {**GROUP.address, "location": "s3://artifacts/features/features/profile/"}
    group = replace(GROUP, address=address)
    templates = made(cloud, lambda: {"fit": fit(inputs={"x": group.as_of(days=90)})})
    (brought,) = templates["step-fit"]["inputs"]["artifacts"]
    assert brought["s3"] == {"key": "features/features/profile"}


def test_the_files_of_a_version_are_brought_to_what_scores(cloud: Cloud) -> None:
    kept = replace(version(), files="s3://artifacts/models/3/artifacts/model/")

    def scored() -> Steps:
        rows = mlops.prepare(image=IMAGE, command=["select"], outputs=["rows"])
        score = mlops.batch(kept, image=IMAGE, command=["score"], inputs={"rows": rows.out("rows")})
        return {"rows": rows, "score": score}

    brought = {one["name"]: one for one in made(cloud, scored)["step-score"]["inputs"]["artifacts"]}
    assert brought["model"]["s3"] == {"key": "models/3/artifacts/model"}
    assert brought["rows"]["path"] == "/mnt/inputs/rows"
    away = replace(kept, files="s3://elsewhere/model/")
    refused = mlops.batch(away, image=IMAGE, command=["score"], inputs={"again": away})
    with pytest.raises(InvalidArgs, match="is kept elsewhere, and Argo brings files of the platform's own bucket"):
        declare({"score": refused})


RUNS = mlops.ExperimentTrackerRef(
    name="runs",
    backend="kubernetes",
    platform=HUB,
    engine="mlflow",
    url="http://runs-tracker:5000",
    project="churn",
    environment={"MLFLOW_TRACKING_URI": "http://runs-tracker:5000", "MLFLOW_EXPERIMENT_NAME": "churn"},
    address={"server": "runs-tracker", "door": {"name": "runs-tracker", "port": 5000, "pods": {"app": "tracker"}}},
)
WANDB = replace(
    RUNS,
    name="wandb",
    engine="wandb",
    environment={"WANDB_PROJECT": "churn"},
    keys={"WANDB_API_KEY": mlops.SecretRef(name="key", backend="kubernetes", address={"id": "wandb-key"})},
    servers=["https://wandb.example.com"],
    address={},
)
TABLE = mlops.DatasetRef(name="table", backend="kubernetes", platform=HUB, location="s3://artifacts/datasets/table/")
GPUS = mlops.TrainingClusterRef(
    name="gpus",
    backend="kubernetes",
    platform=HUB,
    cpus=8,
    memory_gb=32,
    nodes_max=4,
    address={"queue": "gpus", "runtime": "gpus", "resources": {"cpu": "8"}},
)


def policy(cloud: Cloud, part: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.one("NetworkPolicy", f"retrain-net-{part}").inputs["spec"]
    return found


def test_a_step_records_as_a_user_of_the_pipelines_own_whose_password_is_a_file(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"fit": fit(tracker=RUNS), "more": fit()})
    step = templates["step-fit"]
    said = variables(step)
    assert said["MLFLOW_TRACKING_USERNAME"] == "pipeline-retrain"
    assert said["MLOPS_ENV_MLFLOW_TRACKING_PASSWORD"] == ("file:///var/run/secrets/mlops/env/MLFLOW_TRACKING_PASSWORD")
    assert step["container"]["args"][:3] == ["python3", "/etc/mlops/start.py", "train"]
    (volume,) = [one for one in step["volumes"] if one["name"] == "secrets"]
    login = cloud.one("Secret", "retrain-record-runs").inputs
    assert [one["secret"]["name"] for one in volume["projected"]["sources"]] == [login["metadata"]["name"]]
    password = base64.b64decode(login["data"]["value"]).decode()
    told = [one.inputs for one in cloud.registered if not one.type.endswith((":Secret", "RandomPassword"))]
    assert password not in json.dumps(told)
    assert "secrets" not in {one["name"] for one in templates["step-more"]["volumes"]}


def test_pods_that_record_reach_their_tracker_and_no_others_do(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"fit": fit(tracker=RUNS), "more": fit()})
    (labels,) = [one["metadata"]["labels"] for one in templates.values() if "metadata" in one]
    assert labels == {"pulumi-mlops/records-in": "runs"}
    out, into = policy(cloud, "records-runs-out"), policy(cloud, "records-runs-to-runs-tracker")
    assert labels.items() < out["podSelector"]["matchLabels"].items()
    assert into["podSelector"] == {"matchLabels": {"app": "tracker"}}
    assert into["ingress"][0]["from"] == [{"podSelector": out["podSelector"]}]


def test_the_key_of_an_engine_is_read_by_the_steps_that_record_there(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"fit": fit(tracker=WANDB), "more": fit(tracker=RUNS)})
    read = {
        name: [
            one["secret"]["name"]
            for volume in step["volumes"]
            for one in volume.get("projected", {"sources": []})["sources"]
        ]
        for name, step in templates.items()
        if name.startswith("step-")
    }
    assert read == {
        "step-fit": ["wandb-key"],
        "step-more": [cloud.one("Secret", "retrain-record-runs").inputs["metadata"]["name"]],
    }
    assert policy(cloud, "records-wandb-out")["egress"][0]["ports"] == [{"port": 443, "protocol": "TCP"}]


def test_versions_of_datasets_are_fetched_by_a_container_of_ours_that_has_the_key(cloud: Cloud) -> None:
    templates = made(cloud, lambda: {"fit": fit(inputs={"the-y": TABLE.version(3)})})
    step = templates["step-fit"]
    (first,) = step["initContainers"]
    assert first["command"] == ["python3", "/etc/mlops/facts.py"]
    assert first["securityContext"] == step["container"]["securityContext"]
    given = {one["name"]: one for one in first["env"]}
    assert json.loads(given["MLOPS_STEP"]["value"])["datasets"] == ["the-y"]
    assert given["MLOPS_DATASET_THE_Y"]["value"] == "table@3 s3://artifacts/datasets/table/"
    key = given["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
    assert key["name"] == "churn-store-reader", "it reads, and writes nothing"
    said = variables(step)
    assert said["MLOPS_INPUT_THE_Y"] == given["MLOPS_INPUT_THE_Y"]["value"] == "/mnt/datasets/the-y"
    assert said["MLOPS_READ"] == given["MLOPS_READ"]["value"] == "/mnt/datasets/.read"
    assert not [name for name in said if name.startswith("AWS_")]
    mounted = {one["name"]: one["mountPath"] for one in step["container"]["volumeMounts"]}
    assert mounted["datasets"] == "/mnt/datasets"
    assert "artifacts" not in step.get("inputs", {})


def test_a_container_of_ours_publishes_what_a_step_left(cloud: Cloud) -> None:
    day = replace(TABLE, name="scores", partition="day", location="s3://artifacts/datasets/scores/")

    def steps() -> Steps:
        first = fit(inputs={"y": TABLE.latest()}, outputs=["model", "the-x"], publish={"the-x": day}, metrics=["auc"])
        return {"fit": first, "next": judge(first.out("model"), when=first.metric("auc") > 0.5)}

    templates = made(cloud, steps)
    whole, runs, pod = (templates[f"{one}-fit"] for one in ("step", "run", "publish"))
    assert {name: one["template"] for name, one in tasks(whole).items()} == {"run": "run-fit", "publish": "publish-fit"}
    assert tasks(whole)["publish"]["depends"] == "run.Succeeded"
    (measured,) = whole["outputs"]["parameters"]
    assert measured["valueFrom"]["parameter"] == "{{tasks.run.outputs.parameters.metrics}}"
    assert tasks(templates["graph"])["next"]["depends"] == "fit.Succeeded", "it waits for the version as well"
    assert not [name for name in variables(runs) if name.startswith(("AWS_", "MLOPS_PUBLISH"))]
    brought = {one["name"]: one["s3"]["key"] for one in pod["inputs"]["artifacts"]}
    left = {one["name"]: one["s3"]["key"] for one in runs["outputs"]["artifacts"]}
    assert brought.items() <= left.items()
    assert pod["container"]["command"] == ["python3", "/etc/mlops/publish.py"]
    assert pod["container"]["args"] == ["the-x"]
    said = variables(pod)
    assert said["MLOPS_PUBLISH_THE_X"] == "scores/day s3://artifacts/datasets/scores/"
    assert said["MLOPS_OUTPUT_THE_X"] == next(
        one["path"] for one in pod["inputs"]["artifacts"] if one["name"] == "the-x"
    )
    key = next(one for one in pod["container"]["env"] if one["name"] == "AWS_SECRET_ACCESS_KEY")
    assert key["valueFrom"]["secretKeyRef"]["name"] == "churn-store-writer"
    programs = next(one for one in cloud.registered if one.name == "retrain-programs")
    assert {"publish.py", "dataset.py"} < set(programs.inputs["data"])


def test_machines_of_a_training_get_what_who_leads_them_has_fetched(cloud: Cloud) -> None:
    steps = {"fit": fit(inputs={"y": TABLE.latest()}, nodes=2, cluster=GPUS, tracker=RUNS)}
    templates = made(cloud, lambda: steps)
    lead = templates["step-fit"]
    assert lead["initContainers"][0]["name"] == "datasets"
    settings = json.loads({one["name"]: one.get("value") for one in lead["container"]["env"]}["MLOPS_LEAD"])
    assert settings["given"] == {"MLOPS_INPUT_Y": "/mnt/datasets/y", "MLOPS_READ": "/mnt/datasets/.read"}
    assert settings["taken"]["MLOPS_FACTS"] == "/tmp/mlops/facts.json"  # noqa: S108 (in the container)
    assert {"MLOPS_RUN", "MLOPS_FACTS_AT"} <= set(settings["handed"])
    assert "datasets" in {one["name"] for one in lead["container"]["volumeMounts"]}
    runtime = json.dumps(cloud.one("TrainingRuntime").inputs["spec"])
    assert '"pulumi-mlops/records-in": "runs"' in runtime
    assert "AWS_" not in runtime


def test_the_record_of_a_step_is_beside_what_it_made_and_leads_to_what_it_took(cloud: Cloud) -> None:
    templates = made(cloud, everything, **ALL)
    said = {one["name"]: one.get("value", "") for one in templates["step-judge"]["container"]["env"]}
    assert said["MLOPS_RUN"] == "retrain/{{workflow.uid}}/judge"
    assert said["MLOPS_CODE"] == IMAGE
    assert said["MLOPS_FACTS_AT"] == "s3://artifacts/pipelines/retrain/{{workflow.uid}}/judge/facts.json"
    assert said["MLOPS_MADE_MODEL"] == (
        "best/model s3://artifacts/pipelines/retrain/{{workflow.uid}}/best/trial-{{inputs.parameters.from-best}}"
        "/facts.json"
    )


def test_a_version_names_the_datasets_of_the_step_that_made_it(cloud: Cloud) -> None:
    def steps() -> Steps:
        trained = fit(inputs={"y": TABLE.latest()})
        return {"fit": trained, "keep": mlops.register(MODEL, trained.out("model"))}

    templates = made(cloud, steps)
    (handed,) = tasks(templates["graph"])["keep"]["arguments"]["parameters"]
    assert handed == {"name": "facts-fit", "value": "{{tasks.fit.outputs.parameters.facts}}"}
    assert variables(templates["step-keep"])["MLOPS_MADE_BY"] == "{{inputs.parameters.facts-fit}}"
    (left,) = templates["step-fit"]["outputs"]["parameters"]
    assert left["valueFrom"]["path"] == variables(templates["step-fit"])["MLOPS_FACTS"]


def test_whoever_registers_is_a_user_of_the_registry_who_may_do_that_only(cloud: Cloud) -> None:
    templates = made(cloud, everything, **ALL)
    step = templates["step-register"]
    assert step["metadata"]["labels"] == {"pulumi-mlops/registry": "models"}
    told = json.loads(variables(step)["MLOPS_VERSION"])
    assert told["source"] == (
        "s3://artifacts/pipelines/retrain/{{workflow.uid}}/best/trial-{{inputs.parameters.from-best}}/model"
    )
    assert told["facts"] == {
        "mlops-pipeline": "retrain",
        "mlops-run": "{{workflow.uid}}",
        "mlops-step": "best",
        "mlops-code": IMAGE,
        "mlops-facts": told["source"].removesuffix("model") + "facts.json",
    }
    assert told["metrics"] == {"auc": "MLOPS_MEASURED_0"}
    settings = json.loads(cloud.one("ConfigMap", "retrain-registrant-models-settings").inputs["data"]["settings.json"])
    assert settings["registrants"] == [{"name": "pipeline-retrain", "password": "USER_PIPELINE", "models": ["churn"]}]
    login = cloud.one("Secret", "retrain-registers-models").inputs
    sources = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in step["container"]["env"] if "valueFrom" in one}
    name = login["metadata"]["name"]
    assert sources["MLFLOW_TRACKING_PASSWORD"] == {"name": name, "key": "password"}
    assert cloud.one("Job").inputs["spec"]["template"]["metadata"]["labels"]["pulumi-mlops/registry"] == "models"


def test_a_schedule_has_its_time_zone_and_skips_if_asked(cloud: Cloud) -> None:
    made(
        cloud,
        lambda: {"fit": fit()},
        schedule={"cron": "0 3 * * 7", "timezone": "Europe/Berlin"},
        overlap="skip",
    )
    found = cloud.one("CronWorkflow").inputs["spec"]
    assert found["schedules"] == ["0 3 * * 0"]
    assert found["timezone"] == "Europe/Berlin"
    assert found["concurrencyPolicy"] == "Forbid"
    assert found["workflowSpec"] == {"workflowTemplateRef": {"name": "retrain"}}


@pytest.mark.parametrize(
    "cron", ["0 3 * * MON", "0 3 * * mon-fri", "0 0 1 jan,JUN *", "0 0 * jan-mar 7", "*/7 * * * */7"]
)
def test_a_schedule_is_one_that_argo_takes(cloud: Cloud, cron: str) -> None:
    """Its definition of CronWorkflows takes numbers, and no names of days and months."""
    made(cloud, lambda: {"fit": fit()}, schedule={"cron": cron})
    (said,) = cloud.one("CronWorkflow").inputs["spec"]["schedules"]
    assert re.fullmatch(r"([0-9*,/-]+ ){4}[0-9*,/-]+", said), said


def test_a_failed_run_is_told(cloud: Cloud) -> None:
    made(cloud, lambda: {"fit": fit()}, alerts=True)
    ((rule,),) = [one["rules"] for one in cloud.one("PrometheusRule").inputs["spec"]["groups"]]
    assert rule["labels"]["namespace"] == "churn-dev"
    assert 'name="retrain"' in rule["expr"]
    assert rule["expr"].count("unless") == 2


def test_pods_reach_the_store_and_the_api_server_and_the_internet_only_where_it_is_open(cloud: Cloud) -> None:
    made(cloud, lambda: {"fit": fit()}, platform=hub(private=True))
    policies = {one.name.removeprefix("retrain-net-") for one in cloud.registered if one.type.endswith("NetworkPolicy")}
    assert policies == {"steps-out", "steps-to-store", "reports"}


def test_the_definition_is_the_same_each_time() -> None:
    found = []
    for _ in range(2):
        cloud = Cloud()
        made(cloud, everything, **ALL)
        found.append(json.dumps(spec(cloud), sort_keys=True))
    assert found[0] == found[1]


def refused(steps: Callable[[], Steps], **args: Any) -> str:
    with pytest.raises(InvalidArgs) as caught:
        Cloud().run(lambda: declare(steps(), **args))
    return str(caught.value)


ELSEWHERE = ModelRef(name="churn", backend="kubernetes", platform=hub("other"), address=MODEL.address)
EXISTING = ModelRef(
    name="churn",
    backend="kubernetes",
    platform=HUB,
    address={**MODEL.address, "door": {"name": "models", "port": 5000}},
)


def registering(model: ModelRef) -> Steps:
    trained = fit()
    return {"fit": trained, "register": mlops.register(model, trained.out("model"))}


@pytest.mark.parametrize(
    ("steps", "args", "told"),
    [
        (lambda: {"a_b": fit(), "a-b": fit()}, {}, r"steps\.a-b: and 'a_b' are one name to Argo"),
        (lambda: {"fit": fit(command=["say", "{{x}}"])}, {}, r"steps\.fit\.command\[1\]: '\{\{x\}\}' has '\{\{'"),
        (lambda: {"fit": fit(environment={"A": "{{x}}"})}, {}, r"steps\.fit\.environment\.A"),
        (lambda: {"fit": fit(parameters={"a": "{{x}}"})}, {}, r"steps\.fit\.parameters\.a"),
        (
            lambda: {"fit": fit(parameters={"a": mlops.parameter("a")})},
            {"parameters": {"a": "{{=1}}"}},
            r"parameters\.a: ",
        ),
        (lambda: {"fit": fit(compute={"accelerator": "A10X:1"})}, {}, r"steps\.fit\.compute\.accelerator"),
        (lambda: {"fit": fit(compute={"cpus": 0.0001})}, {}, r"steps\.fit\.compute\.cpus"),
        (
            lambda: {"fit": fit(nodes=4)},
            {"platform": hub(quota={"cpus": 4, "memory_gb": 64})},
            r"steps\.fit\.compute: needs 8 cpus, and the platform's quota is 4",
        ),
        (
            lambda: {"fit": fit(checkpoints=True)},
            {"platform": hub(quota={"cpus": 4, "memory_gb": 64, "storage_gb": 10})},
            r"platform: needs 20 storage_gb for checkpoints",
        ),
        (
            lambda: {"fit": fit(image="registry.example.com/train:latest")},
            {"platform": hub(stage="prod", profile="prod")},
            r"steps\.fit\.image: .* can become another image",
        ),
        (
            lambda: {"fit": fit(inputs={"x": GROUP.as_of(days=1)})},
            {},
            r"steps\.fit\.inputs\.x: 'profile' keeps",
        ),
        (
            lambda: {"fit": fit(inputs={"y": replace(TABLE, location="s3://theirs/rows/").latest()})},
            {},
            r"steps\.fit\.inputs\.y: 'table' is in another object store",
        ),
        (
            lambda: {"fit": fit(tracker=replace(WANDB, platform=hub(private=True)))},
            {"platform": hub(private=True)},
            r"steps\.fit\.tracker: 'https://wandb\.example\.com' is outside of the cluster",
        ),
        (
            lambda: {"fit": fit(secrets={"hub": mlops.SecretRef(name="hub", backend="aws", address={"id": "x"})})},
            {},
            r"steps\.fit\.secrets\.hub: is a secret of backend 'aws'",
        ),
        (lambda: registering(ELSEWHERE), {}, r"steps\.register\.model: 'churn' is of platform 'other'"),
        (lambda: registering(EXISTING), {}, r"steps\.register\.model: .* a server that existed already"),
        (lambda: {"fit": fit()}, {"overlap": "skip"}, r"overlap: nothing starts it by itself"),
    ],
)
def test_what_argo_or_the_cluster_cannot_do_is_refused(
    steps: Callable[[], Steps], args: dict[str, Any], told: str
) -> None:
    assert re.search(told, refused(steps, **args))


def test_a_text_that_is_not_known_yet_is_judged_when_it_is(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="between which Argo puts values in"):
        cloud.run(lambda: declare({"fit": fit(environment={"A": pulumi.Output.from_input("{{x}}")})}))
