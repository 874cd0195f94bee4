"""Pipelines on Azure: components that azure-ai-ml reads, versions by content, identity, machines, what starts runs."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, ModelRef, SecretRef, Unsupported
from support.azureml_entities import (
    Command,
    CommandComponent,
    PipelineComponent,
    PipelineJob,
    Sweep,
    job,
    problems,
    read_back,
)
from support.facts.azure import GROUP, GROUP_PATH, HUB, IMAGE, SETTINGS, VAULT, WORKSPACE, hub
from support.mocks import Cloud, Registration

MODEL = ModelRef(
    name="churn",
    backend="azure",
    platform=HUB,
    address={"id": f"{WORKSPACE}/models/models-churn", "called": "models-churn", "root": None, "shared": None},
)
ROWS = mlops.FeatureGroupRef(
    name="profile",
    backend="azure",
    platform=HUB,
    keys=["id"],
    event_time="at",
    features=GROUP.features,
    has_online=False,
    has_offline=True,
    address={
        "id": f"{WORKSPACE}-features/featuresets/profile/versions/1",
        "called": "profile",
        "rows": "https://churndev1.blob.core.windows.net/artifacts/features/features/profile/",
    },
)
SECRET = SecretRef(name="hub", backend="azure", address={"id": f"{VAULT}/secrets/hub"})
RUNS = mlops.ExperimentTrackerRef(
    name="runs",
    backend="azure",
    platform=HUB,
    engine="mlflow",
    url="https://ml.azure.com",
    project="churn",
    environment={"MLFLOW_TRACKING_URI": "azureml://here", "MLFLOW_EXPERIMENT_NAME": "churn"},
    address={"record": f"{GROUP_PATH}/providers/Microsoft.Authorization/roleDefinitions/runs"},
)
WANDB = replace(
    RUNS,
    name="wandb",
    engine="wandb",
    environment={"WANDB_PROJECT": "churn"},
    keys={"WANDB_API_KEY": SecretRef(name="key", backend="azure", address={"id": f"{VAULT}/secrets/key"})},
    address={"record": None},
)
TABLE = mlops.DatasetRef(
    name="table",
    backend="azure",
    platform=HUB,
    location="https://tablestore.blob.core.windows.net/files/",
    address={
        "container": f"{GROUP_PATH}/providers/Microsoft.Storage/storageAccounts/tablestore/blobServices/default/"
        "containers/files",
        "asset": f"{WORKSPACE}/data/table",
    },
)
GPUS = mlops.TrainingClusterRef(
    name="gpus",
    backend="azure",
    platform=HUB,
    cpus=4,
    memory_gb=16,
    nodes_max=2,
    address={
        "id": f"{WORKSPACE}/computes/gpus",
        "compute": "gpus",
        "size": "Standard_D4s_v3",
        "principal": "p",
        "client": "c",
    },
)
ROOT = Path(__file__).parents[3]
Steps = dict[str, Any]
NOTHING: dict[str, Any] = {}


def prepare(**args: Any) -> Any:
    return mlops.prepare(**{"image": IMAGE, "command": ["prep"], "outputs": ["rows"], **args})


def fit(**args: Any) -> Any:
    return mlops.train(**{"image": IMAGE, "command": ["train"], **args})


def judge(model: Any, **args: Any) -> Any:
    return mlops.evaluate(
        **{"image": IMAGE, "command": ["judge"], "inputs": {"model": model}, "metrics": ["auc"], **args}
    )


def one() -> Steps:
    return {"fit": fit()}


def chain() -> Steps:
    rows = prepare(inputs={"profile": ROWS.as_of(days=90)}, parameters={"k": 3, "deep": True})
    return {"rows": rows, "fit": fit(inputs={"rows": rows.out("rows")}, metrics=["loss"])}


def gpus() -> Steps:
    return {"fit": fit(nodes=2, launcher="torchrun", compute={"accelerator": "A100:4"}, checkpoints=True, max_hours=12)}


def search() -> Steps:
    over = {
        "lr": {"log_uniform": [1e-5, 1e-2]},
        "depth": {"integer": [2, 8]},
        "drop": {"uniform": [0.0, 0.5]},
        "by": {"choice": ["adam", "sgd"]},
        "wide": {"choice": [16, 32]},
    }
    best = mlops.tune(fit(), maximize="auc", trials=20, parallel=4, over=over)
    return {"best": best, "judge": judge(best.out("model"))}


def registers() -> Steps:
    best = fit()
    judged = judge(best.out("model"))
    when = (judged.metric("auc") >= 0.9) & (judged.metric("auc") < 1.0)
    return {"fit": best, "judge": judged, "register": mlops.register(MODEL, best.out("model"), when=when, image=IMAGE)}


def fan_out() -> Steps:
    rows = prepare()
    fits = {f"fit{number}": fit(inputs={"rows": rows.out("rows")}, metrics=["auc"]) for number in range(3)}
    return {"rows": rows, **fits}


def behind_a_condition() -> Steps:
    judged = judge(prepare_and := fit().out("model"))
    first = prepare_and.step
    more = prepare(inputs={"model": first.out("model")}, when=judged.metric("auc") > 0.5)
    last = fit(inputs={"rows": more.out("rows")})
    return {"fit": first, "judge": judged, "more": more, "last": last}


def of_parameters() -> Steps:
    first = fit(parameters={"lr": mlops.parameter("lr")}, metrics=["auc"])
    return {"fit": first, "more": prepare(when=first.metric("auc") >= mlops.parameter("least"))}


def secret() -> Steps:
    return {"fit": fit(secrets={"hub": SECRET}, environment={"HF_HOME": "/cache"})}


def recorded(**more: Any) -> Steps:
    rows = prepare(inputs={"the-table": TABLE.version(3)}, tracker=WANDB)
    return {"rows": rows, "fit": fit(inputs={"rows": rows.out("rows")}, tracker=RUNS, **more)}


def with_hyphens() -> Steps:
    rows = prepare(outputs=["train-rows"])
    return {"get-rows": rows, "fit-all": fit(inputs={"train-rows": rows.out("train-rows")})}


def again() -> Steps:
    return {"fit": fit(retries=2, max_hours=1.5)}


def search_on_condition() -> Steps:
    judged = judge(fit().out("model"))
    first = judged.inputs["model"].step
    best = mlops.tune(
        fit(nodes=2, metrics=["loss"]),
        minimize="loss",
        trials=4,
        over={"lr": {"uniform": [0.1, 0.2]}},
        when=judged.metric("auc") < 0.8,
    )
    return {"fit": first, "judge": judged, "best": best, "last": judge(best.out("model"))}


VERSION = mlops.ModelVersionRef(
    name="churn",
    backend="azure",
    platform=HUB,
    version=3,
    files="https://theirs.blob.core.windows.net/models/churn/3/",
    address={"id": f"{WORKSPACE}/models/churn/versions/3"},
)


def scored() -> Steps:
    rows = prepare()
    score = mlops.batch(VERSION, image=IMAGE, command=["score"], inputs={"rows": rows.out("rows")})
    return {"rows": rows, "score": score}


RIGHT: dict[str, tuple[Callable[[], Steps], dict[str, Any]]] = {
    "one step": (one, NOTHING),
    "rows of a group": (chain, NOTHING),
    "distributed on GPUs": (gpus, NOTHING),
    "a search": (search, NOTHING),
    "a condition that registers": (registers, NOTHING),
    "a batch": (scored, NOTHING),
    "fan-out": (fan_out, {"parallel": 2}),
    "behind a condition": (behind_a_condition, NOTHING),
    "parameters": (of_parameters, {"parameters": {"lr": 0.1, "least": 0.9}}),
    "secrets": (secret, NOTHING),
    "trackers and a dataset": (recorded, NOTHING),
    "hyphens": (with_hyphens, NOTHING),
    "retries": (again, NOTHING),
    "a search on a condition": (search_on_condition, NOTHING),
}


def build(steps: Callable[[], Steps], **args: Any) -> Cloud:
    cloud = Cloud()

    def program() -> Any:
        return {"ref": mlops.Pipeline("retrain", platform=HUB, steps=steps(), **args).ref.export()}

    cloud.run(program, **SETTINGS)
    return cloud


def of(cloud: Cloud, kind: str) -> list[Registration]:
    return [item for item in cloud.registered if item.type.endswith(f":{kind}")]


def the(cloud: Cloud, kind: str) -> Registration:
    (found,) = of(cloud, kind)
    return found


MADE = re.compile(r"Microsoft\.Example/(Code|Environment|Component|Compute)(?:Version)?/([\w-]+)")


def _named(found: re.Match[str]) -> str:
    """Write an id of the mocks as Azure does."""
    space, (kind, name) = "Microsoft.MachineLearningServices/workspaces/churn-dev", found.groups()
    return f"{space}/computes/{name}" if kind == "Compute" else f"{space}/{kind.lower()}s/{name}/versions/1"


def specs(cloud: Cloud) -> dict[str, dict[str, Any]]:
    """Return the specification of each component, by its name."""
    texts = [json.dumps(item.inputs["properties"]["componentSpec"]) for item in of(cloud, "ComponentVersion")]
    found = [json.loads(MADE.sub(_named, text)) for text in texts]
    return {spec["name"]: spec for spec in found}


def whole(cloud: Cloud) -> dict[str, Any]:
    return specs(cloud)["churn_dev_retrain"]


def settings(spec: dict[str, Any]) -> dict[str, Any]:
    """Read what the program in front of a step is told, as the shell would give it."""
    *_, program, said = shlex.split(spec["command"])
    assert program == "azureml.py"
    found: dict[str, Any] = json.loads(said)
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_microsofts_own_entities_take_what_is_rendered(name: str) -> None:
    steps, args = RIGHT[name]
    cloud = build(steps, **args)
    assert len(specs(cloud)) == len(whole(cloud)["jobs"]) + 1
    for spec in specs(cloud).values():
        found = read_back(spec)
        assert not problems(found)
        if spec["type"] == "command":
            assert isinstance(found, CommandComponent)
            # Whatever is bound is declared, and the words of the user's are inert.
            bound = re.findall(r"\$\{\{(inputs|outputs)\.(\w+)\}\}", spec["command"])
            assert all(part in spec[kind] for kind, part in bound)
            assert spec["command"].count("$") == len(bound)
            continue
        assert isinstance(found, PipelineComponent)
        kinds = {node: Sweep if said["type"] == "sweep" else Command for node, said in spec["jobs"].items()}
        assert {node: type(said) for node, said in found.jobs.items()} == kinds
        _bound(spec, specs(cloud))


def _bound(spec: dict[str, Any], all_of_them: dict[str, dict[str, Any]]) -> None:
    """Every node gives its component all that it takes, and takes of others what these make."""
    of = {node: all_of_them[f"churn_dev_retrain__{node}"] for node in spec["jobs"]}
    for node, said in spec["jobs"].items():
        given = {*said["inputs"], *said.get("search_space", {})}
        assert given == set(of[node]["inputs"])
        assert set(said["outputs"]) == set(of[node]["outputs"])
        for one in said["inputs"].values():
            if found := re.fullmatch(r"\$\{\{parent\.jobs\.(\w+)\.outputs\.(\w+)\}\}", one.get("value", "")):
                assert found[2] in of[found[1]]["outputs"]
            elif "value" in one:
                assert re.fullmatch(r"\$\{\{parent\.inputs\.(\w+)\}\}", one["value"])[1] in spec["inputs"]  # type: ignore[index]


def test_nothing_changes_without_a_change_and_a_change_is_another_version_beside() -> None:
    def names(cloud: Cloud) -> set[str]:
        return {item.name for item in of(cloud, "ComponentVersion")}

    before, same = build(registers), build(registers)
    assert names(before) == names(same)

    def other() -> Steps:
        first = fit(command=["train", "--more"])
        judged = judge(first.out("model"))
        when = (judged.metric("auc") >= 0.9) & (judged.metric("auc") < 1.0)
        register = mlops.register(MODEL, first.out("model"), when=when, image=IMAGE)
        return {"fit": first, "judge": judged, "register": register}

    after = names(build(other))
    assert len(names(before) - after) == 2, "the step, and the whole that has it"


def test_a_condition_stands_in_front_of_its_step_alone() -> None:
    cloud = build(behind_a_condition)
    more, last = (settings(specs(cloud)[f"churn_dev_retrain__{name}"]) for name in ("more", "last"))
    assert more["when"] == [{"step": "judge", "metric": "auc", "comparison": ">", "value": 0.5}]
    assert set(more["before"]) == {"fit", "judge"}
    assert (last["when"], last["before"]) == ([], ["more"]), "it is skipped because the step before it was"


def test_a_version_of_the_registry_is_a_folder_that_is_mounted() -> None:
    score = whole(build(scored))["jobs"]["score"]
    assert score["inputs"]["input_model"] == {
        "job_input_type": "uri_folder",
        "mode": "ReadOnlyMount",
        "uri": "https://theirs.blob.core.windows.net/models/churn/3/",
    }


def test_a_search_draws_as_was_asked() -> None:
    node = whole(build(search))["jobs"]["best"]
    assert node["limits"]["max_total_trials"] == 20
    assert node["limits"]["max_concurrent_trials"] == 4
    assert node["objective"] == {"goal": "maximize", "primary_metric": "auc"}
    space = node["search_space"]
    assert space["parameter_depth"] == {"type": "quniform", "min_value": 2, "max_value": 8, "q": 1}
    assert space["parameter_lr"]["min_value"] == pytest.approx(-11.51, abs=0.01)
    assert space["parameter_by"] == {"type": "choice", "values": ["adam", "sgd"]}


def test_machines_of_several_nodes_have_a_process_each_and_come_and_go() -> None:
    cloud = build(gpus)
    spec = specs(cloud)["churn_dev_retrain__fit"]
    assert spec["resources"]["instance_count"] == 2
    assert spec["distribution"] == {"type": "pytorch", "process_count_per_instance": 1}
    assert settings(spec)["wanted"]["processes"] == 4
    said = the(cloud, "Compute").inputs
    assert said["properties"]["properties"]["scaleSettings"]["maxNodeCount"] == 2
    assert said["properties"]["properties"]["scaleSettings"]["minNodeCount"] == 0
    assert said["properties"]["properties"]["enableNodePublicIp"] is False
    assert said["properties"]["disableLocalAuth"] is True
    assert len(said["identity"]["userAssignedIdentities"]) == 1


def test_so_many_steps_at_a_time() -> None:
    jobs = whole(build(fan_out, parallel=2))["jobs"]
    waits = {name: [one for one in node["inputs"] if one.startswith("after_")] for name, node in jobs.items()}
    assert waits == {"rows": [], "fit0": [], "fit1": [], "fit2": ["after_fit0"]}


def test_the_identity_has_what_the_steps_name_and_no_more() -> None:
    cloud = build(registers)
    rights = {item.name: item.inputs for item in of(cloud, "RoleAssignment") if "-right-" in item.name}
    assert {name.removeprefix("retrain-right-") for name in rights} == {
        "acrpull-images",
        "azureml-data-scientist-model-models-churn",
        "storage-blob-data-contributor-artifacts",
        "storage-blob-data-contributor-logs",
    }
    paths = re.findall(
        r"path\] StringLike '([^']+)'", rights["retrain-right-storage-blob-data-contributor-artifacts"]["condition"]
    )
    assert set(paths) == {"models/models-churn/*", "pipelines/retrain/*"}
    logs = rights["retrain-right-storage-blob-data-contributor-logs"]
    assert "ExperimentRun/dcid.*" in logs["condition"]


def test_a_secret_is_named_and_not_given() -> None:
    cloud = build(secret)
    said = settings(specs(cloud)["churn_dev_retrain__fit"])["environment"]
    assert said["MLOPS_SECRET_HUB"] == "https://churndev1.vault.azure.net/secrets/hub"
    assert said["AZURE_CLIENT_ID"]
    assert any("key-vault-secrets-user" in item.name for item in of(cloud, "RoleAssignment"))


def test_a_tracker_is_named_with_the_addresses_of_its_keys() -> None:
    cloud = build(recorded)
    rows, fitted = (settings(specs(cloud)[f"churn_dev_retrain__{name}"]) for name in ("rows", "fit"))
    assert rows["tracking"] == {
        "WANDB_PROJECT": "churn",
        "MLOPS_ENV_WANDB_API_KEY": "https://churndev1.vault.azure.net/secrets/key",
    }
    assert (rows["fetches"], fitted["fetches"]) == (True, False)
    assert fitted["tracking"] == RUNS.environment
    assert fitted["record"]["made"] == {"rows": {"step": "rows", "output": "rows"}}


def test_machines_of_another_size_make_another_version_of_the_whole() -> None:
    """The id of the compute stands in it, and what a version holds cannot change."""

    def whole(compute: str) -> set[str]:
        gpus = replace(GPUS, address={**GPUS.address, "compute": compute, "id": f"{WORKSPACE}/computes/{compute}"})
        found = of(build(lambda: {"fit": fit(cluster=gpus)}), "ComponentVersion")
        return {one.name for one in found if re.fullmatch(r"retrain-component-[0-9a-f]{8}", one.name)}

    assert len(whole("gpus-m0000001") | whole("gpus-m0000002")) == 2


def test_a_version_of_a_dataset_is_fetched_when_the_step_runs() -> None:
    said = settings(specs(build(recorded))["churn_dev_retrain__rows"])
    assert said["wanted"]["datasets"] == ["the-table"]
    assert said["environment"]["MLOPS_DATASET_THE_TABLE"] == f"table@3 {TABLE.location}"
    assert said["environment"]["MLOPS_INPUT_THE_TABLE"].endswith("/inputs/the-table")


def test_what_a_step_reads_and_publishes_is_in_the_version_of_its_component() -> None:
    """A component never changes: what its command names has to make another version of it."""
    other = replace(TABLE, name="other")
    newer = replace(VERSION, version=4)

    def versions(**args: Any) -> frozenset[str]:
        found = of(build(lambda: {"rows": prepare(**args)}), "ComponentVersion")
        return frozenset(one.name for one in found if "-rows-" in one.name)

    several: list[dict[str, Any]] = [
        {"inputs": {"y": TABLE.latest()}},
        {"inputs": {"y": TABLE.version(3)}},
        {"inputs": {"y": other.latest()}},
        {"inputs": {"model": VERSION}},
        {"inputs": {"model": newer}},
        {"publish": {"rows": TABLE}},
        {"publish": {"rows": other}},
    ]
    assert len({versions(**args) for args in several}) == len(several)


def test_who_publishes_is_told_of_the_asset_and_may_enter_versions_of_it() -> None:
    cloud = build(lambda: {"rows": prepare(publish={"rows": TABLE})})
    said = settings(specs(cloud)["churn_dev_retrain__rows"])
    assert said["wanted"]["publish"] == ["rows"]
    assert said["environment"]["MLOPS_PUBLISH_ROWS"] == f"table/ {TABLE.location}"
    assert said["environment"]["MLOPS_ASSET_ROWS"] == TABLE.address["asset"]
    given = {one.inputs["scope"]: one.inputs["roleDefinitionId"] for one in of(cloud, "RoleAssignment")}
    assert given[TABLE.address["container"]].endswith("ba92f5b4-2d11-453d-a403-e96b0029c9fe"), "who writes files"
    assert given[TABLE.address["asset"]].endswith("f6c7c914-8db3-469d-8ca1-694a8f32e121"), "who enters versions"
    rows = {"rows": lambda: fit(outputs=["rows"], publish={"rows": TABLE}, cluster=GPUS)}
    (role,) = [
        one
        for one in of(build(lambda: {key: make() for key, make in rows.items()}), "RoleDefinition")
        if one.name.endswith("-steps")
    ]
    actions = role.inputs["permissions"][0]["actions"]
    assert "Microsoft.MachineLearningServices/workspaces/data/versions/write" in actions


def test_who_records_and_reads_may_do_that_there_alone() -> None:
    given = {one.inputs["scope"]: one.inputs["roleDefinitionId"] for one in of(build(recorded), "RoleAssignment")}
    assert given[HUB.address["workspace_id"]] == RUNS.address["record"]
    assert given[TABLE.address["container"]].endswith("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"), "who reads files"
    assert given[TABLE.address["asset"]].endswith("acdd72a7-3385-48ef-bd42-f606fba81ae7"), "who looks"
    assert given[f"{VAULT}/secrets/key"].endswith("4633458b-17de-408a-b874-0445c86b69e6"), "who reads a secret"
    assert len(given) == 7, "images, artifacts and logs are the others"


def test_on_a_cluster_the_same_is_allowed_by_the_pipelines_own_role() -> None:
    def steps() -> Steps:
        also = replace(RUNS, name="also")
        beyond = str(TABLE.address["container"]).replace("/resourceGroups/", "/resourceGroups/theirs-")
        theirs = replace(TABLE, name="theirs", address={"container": beyond, "asset": f"{beyond}/asset"})
        read = {"y": TABLE.latest(), "z": theirs.latest()}
        return {"fit": fit(inputs=read, tracker=RUNS, cluster=GPUS), "more": fit(tracker=also, cluster=GPUS)}

    cloud = build(steps)
    (role,) = [one for one in of(cloud, "RoleDefinition") if one.name.endswith("-steps")]
    actions = role.inputs["permissions"][0]["actions"]
    assert "Microsoft.MachineLearningServices/workspaces/experiments/runs/write" in actions
    assert not [one for one in actions if "*" in one or one.endswith(("models/write", "jobs/write"))]
    given = [one.inputs for one in of(cloud, "RoleAssignment") if one.inputs["principalId"] == "p"]
    scopes = [one["scope"] for one in given]
    assert sorted(scopes) == sorted(set(scopes)), "Azure takes a role once at one place"
    assert {HUB.address["workspace_id"], TABLE.address["container"]} < set(scopes)
    groups = role.inputs["assignableScopes"]
    assert sorted(groups) == sorted({"/".join(one.split("/")[:5]) for one in scopes}), "where it may be given"


ELSEWHERE = hub("other")
THEIRS = replace(TABLE, backend="aws", platform=replace(ELSEWHERE, backend="aws"), location="s3://rows/")


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"tracker": replace(RUNS, platform=ELSEWHERE)}, "bridge.identity: "),
        ({"inputs": {"y": THEIRS.latest()}}, "bridge.dataset.backend: "),
    ],
)
def test_what_is_of_another_platform_is_refused_by_name(step: dict[str, Any], told: str) -> None:
    with pytest.raises(Unsupported) as caught:
        build(lambda: {"fit": fit(**step)})
    assert told in str(caught.value)
    assert str(caught.value).count("\n") == 1


def test_the_schedule_starts_the_component_as_the_identity() -> None:
    cloud = build(one, schedule={"cron": "30 3 * * MON,WED", "timezone": "Europe/Berlin"})
    said = the(cloud, "Schedule").inputs["properties"]
    assert said["trigger"]["schedule"] == {"hours": [3], "minutes": [30], "weekDays": ["Monday", "Wednesday"]}
    assert said["trigger"]["timeZone"] == "W. Europe Standard Time"
    started = PipelineJob(said["action"]["jobDefinition"])
    assert started.identity is not None
    assert "component-" in str(started.component_id)


def test_the_page_starts_one_by_hand(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "azure.md").read_text()
    written = page.partition("cat > run.yml <<'END'\n")[2].partition("END\n")[0]
    found = job(written, tmp_path)
    assert found.component == "churn_dev_retrain:4c5fc5e4"
    assert found.experiment_name == "churn-dev-retrain"


def test_an_approval_starts_a_run_once() -> None:
    cloud = build(one, triggers=[{"approval": MODEL}])
    said = the(cloud, "Workflow").inputs["definition"]["actions"]["each"]["actions"]["start"]["inputs"]
    assert said["method"] == "PUT"
    assert "items('each')?['name']" in said["uri"], "the same approval is the same job"
    role = next(item for item in of(cloud, "RoleDefinition") if item.name.endswith("-start"))
    assert not any("*" in action for action in role.inputs["permissions"][0]["actions"])


def test_alerts_are_of_its_runs_alone_and_can_be_left_out() -> None:
    said = the(build(one), "MetricAlert").inputs["criteria"]["allOf"][0]
    assert said["metricName"] == "Failed Runs"
    assert said["dimensions"] == [{"name": "ExperimentName", "operator": "Include", "values": ["churn-dev-retrain"]}]
    assert not of(build(one, alerts=False), "MetricAlert")


def twins() -> Steps:
    return {"a-b": fit(), "a_b": fit()}


def on_several_again() -> Steps:
    return {"fit": fit(nodes=2, retries=1)}


def too_many() -> Steps:
    return {"fit": fit(compute={"accelerator": "A100:3"})}


def login() -> Steps:
    return {"fit": fit(environment={"AZURE_CLIENT_ID": "x"})}


def of_outputs() -> Steps:
    return {"rows": prepare(outputs=["a-b", "a_b"])}


WRONG: dict[str, tuple[Callable[[], Steps], dict[str, Any], str]] = {
    "steps of one name": (twins, NOTHING, "one name on Azure"),
    "outputs of one name": (of_outputs, NOTHING, "one name on Azure"),
    "no such machine": (too_many, NOTHING, "no size of Azure has 3 of A100"),
    "its own login": (login, NOTHING, "log in by"),
    "an empty parameter": (of_parameters, {"parameters": {"lr": "", "least": 0.9}}, "Azure leaves such an input out"),
    "months": (one, {"schedule": {"cron": "0 3 1 6 *"}}, "names months"),
    "a place without a name": (one, {"schedule": {"cron": "0 3 * * *", "timezone": "Asia/Tashkent"}}, "Windows"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_azure_cannot_do_is_refused_before_anything_is_registered(name: str) -> None:
    steps, args, said = WRONG[name]
    with pytest.raises(InvalidArgs, match=said):
        build(steps, **args)


def test_what_is_absent_says_what_to_write_instead() -> None:
    with pytest.raises(Unsupported, match="checkpoints=True"):
        build(on_several_again)
