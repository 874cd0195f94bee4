"""How a release on Kubernetes is declared: steps, settings, rights, attempts."""

import ast
import json
import sys
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes import release as declared
from pulumi_mlops.components.endpoint import Release
from pulumi_mlops.jobs import release as program_of_job
from support.facts.kubernetes import HUB, IMAGE, METRICS, hub, version
from support.mocks import Cloud, Registration

SCALED = {"min": 2, "max": 4, "requests_per_replica": 400}


def make(cloud: Cloud, **args: Any) -> None:
    def program() -> None:
        wanted = {"platform": HUB} | args
        mlops.Endpoint("score", **(wanted if "variants" in args else {"model": version()} | wanted))

    cloud.run(program)


def settings(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cloud.one("ConfigMap").inputs["data"]["settings.json"])
    return found


def service_of(cloud: Cloud) -> str:
    return str(cloud.one("InferenceService").inputs["metadata"]["name"])


@pytest.mark.parametrize(
    ("asked", "shares", "seconds"),
    [
        ({}, [100], [120]),
        ({"canary": {"percent": 10, "bake_minutes": 15}}, [10, 100], [900, 120]),
        ({"canary": {"percent": 50, "bake_minutes": 0}}, [50, 100], [0, 120]),
        ({"linear": {"step_percent": 30, "interval_minutes": 5}}, [30, 60, 90, 100], [300, 300, 300, 120]),
        ({"linear": {"step_percent": 50, "interval_minutes": 0}}, [50, 100], [0, 120]),
    ],
)
def test_how_traffic_moves(asked: dict[str, Any], shares: list[int], seconds: list[int]) -> None:
    steps = declared.steps(Release(**asked))
    assert [step["percent"] for step in steps] == shares
    assert [step["seconds"] for step in steps] == seconds


def test_the_job_is_given_longer_than_it_watches(cloud: Cloud) -> None:
    make(cloud, release={"linear": {"step_percent": 10, "interval_minutes": 60}}, scaling=SCALED)
    found = settings(cloud)
    longest = sum(step["seconds"] for step in found["steps"]) + found["size_seconds"] + found["patience_seconds"]
    assert cloud.one("Job").inputs["spec"]["activeDeadlineSeconds"] > longest


def test_the_job_ends_where_the_program_stands(cloud: Cloud) -> None:
    make(cloud, release={"canary": {"percent": 10}}, shadow={"model": version(4)})
    assert settings(cloud)["rules"] == cloud.one("HTTPRoute").inputs["spec"]["rules"]
    assert settings(cloud)["route"] == cloud.one("HTTPRoute").inputs["metadata"]["name"]


def test_what_is_watched(cloud: Cloud) -> None:
    make(cloud, health={"errors_percent": 2, "latency_ms": 250}, release={"rollback_alarms": ["Theirs"]})
    found = settings(cloud)
    assert found["metrics"] == METRICS
    errors, latency, alarm = found["checks"]
    revision = f'mlops_revision="{service_of(cloud)}"'
    assert (errors["name"], errors["above"]) == ("errors of main", 2)
    assert (latency["name"], latency["above"]) == ("latency of main", 250)
    assert revision in errors["query"]
    assert revision in latency["query"]
    assert 'status_code=~"5.+"' in errors["query"]
    assert "histogram_quantile(0.99" in latency["query"]
    assert alarm["query"] == 'count(ALERTS{alertname="Theirs",alertstate="firing"})'
    assert all("{value}" in check["means"] for check in (errors, latency))


@pytest.mark.parametrize(
    ("args", "series", "refused"),
    [
        ({}, "rest_server_requests_total", 'path!~"/v2/health/.*|.*/ready|/ping|/health|/version|/metrics"'),
        ({"model": {"image": IMAGE}}, "http_requests_total", 'handler!~"/metrics|/health.*|/ready.*"'),
    ],
)
def test_refusals_are_compared_with_those_of_what_served_before(
    cloud: Cloud, args: dict[str, Any], series: str, refused: str
) -> None:
    make(cloud, health={"errors_percent": 2}, **args)
    (found,) = settings(cloud)["compared"]
    assert (found["revision"], found["above"]) == (service_of(cloud), 2)
    assert found["new"] == f'mlops_revision="{service_of(cloud)}"'
    assert found["old"] == 'mlops_variant="main"'
    code = "status_code" if series.startswith("rest") else "status"
    assert found["every"] == f'{series}{{namespace="churn-dev",{refused},<pods>}}'
    assert found["refused"] == f'{series}{{namespace="churn-dev",{refused},<pods>,{code}=~"4.+"}}'
    rules = cloud.one("PrometheusRule").inputs["spec"]["groups"][0]["rules"]
    assert not [rule for rule in rules if "4.+" in rule["expr"]], "what callers do wrong alarms nobody"


def test_every_variant_is_watched_and_no_shadow(cloud: Cloud) -> None:
    make(cloud, variants=[{"name": name, "model": version(number)} for number, name in ((1, "a"), (2, "b"))])
    assert [check["name"] for check in settings(cloud)["checks"]] == ["errors of a", "errors of b"]
    make(other := Cloud(), shadow={"model": version(4)})
    assert [check["name"] for check in settings(other)["checks"]] == ["errors of main"]
    assert not any("shadow" in name for name in settings(other)["revisions"])
    assert [one["name"] for one in settings(cloud)["compared"]] == ["refusals of a", "refusals of b"]
    assert [one["name"] for one in settings(other)["compared"]] == ["refusals of main"]


def test_without_prometheus_only_readiness_is_watched(cloud: Cloud) -> None:
    make(cloud, platform=hub(metrics=None))
    assert (settings(cloud)["metrics"], settings(cloud)["checks"], settings(cloud)["compared"]) == (None, [], [])


def test_the_job_gets_what_its_program_reads(cloud: Cloud) -> None:
    """Every key that the program looks up is there, and no other."""
    make(cloud)
    source = ast.parse(declared.script())
    read = {
        node.slice.value
        for node in ast.walk(source)
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) in ("self.settings", "settings")
        and isinstance(node.slice, ast.Constant)
    }
    assert read == settings(cloud).keys()


def test_the_program_needs_nothing_but_python() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(declared.script(), feature_version=(3, 9)))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_both_sides_mean_the_same_annotations() -> None:
    assert (declared.BEFORE, declared.ROLLED_BACK) == (program_of_job.BEFORE, program_of_job.ROLLED_BACK)


def test_the_job_may_move_this_route_and_nothing_else(cloud: Cloud) -> None:
    make(cloud)
    (role,) = cloud.all("Role")
    assert role.inputs["rules"] == [
        {
            "apiGroups": ["serving.kserve.io"],
            "resources": ["inferenceservices"],
            "verbs": ["get"],
            "resourceNames": [service_of(cloud)],
        },
        {
            "apiGroups": ["apps"],
            "resources": ["deployments"],
            "verbs": ["get"],
            "resourceNames": [f"{service_of(cloud)}-predictor"],
        },
        {
            "apiGroups": ["gateway.networking.k8s.io"],
            "resources": ["httproutes"],
            "verbs": ["get", "patch"],
            "resourceNames": ["score"],
        },
    ]
    pod = cloud.one("Job").inputs["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("score-release", True)


def test_the_job_reaches_the_api_and_prometheus(cloud: Cloud) -> None:
    make(cloud)
    spec = cloud.one("NetworkPolicy", "score-net-release").inputs["spec"]
    assert spec["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "release"
    labels = cloud.one("Job").inputs["spec"]["template"]["metadata"]["labels"]
    assert spec["podSelector"]["matchLabels"].items() <= labels.items()
    assert {port["port"] for rule in spec["egress"] for port in rule["ports"]} == {443, 6443, 8443, 16443, 9090}


def test_a_job_that_ran_is_history(cloud: Cloud) -> None:
    make(cloud)
    assert cloud.one("Job").ignore_changes == ["spec", "metadata.labels", "metadata.annotations"]


def test_a_pod_that_went_back_is_not_followed_by_another(cloud: Cloud) -> None:
    make(cloud)
    spec = cloud.one("Job").inputs["spec"]
    disrupted, killed = spec["podFailurePolicy"]["rules"]
    assert spec["backoffLimit"] == 0
    assert disrupted["action"] == killed["action"] == "Ignore"
    assert killed["onExitCodes"]["values"] == [137]


def test_without_a_gateway_there_is_a_job_where_size_matters(cloud: Cloud) -> None:
    make(cloud, platform=hub(gateway=None))
    assert not cloud.all("Job")
    make(scaled := Cloud(), platform=hub(gateway=None), scaling=SCALED)
    assert settings(scaled)["route"] is None
    assert scaled.one("Job").name in scaled.one("Service").depends_on
    (role,) = scaled.all("Role")
    assert [rule["resources"] for rule in role.inputs["rules"]] == [
        ["inferenceservices"],
        ["deployments"],
        ["services"],
    ]


def job_of(**args: Any) -> Registration:
    cloud = Cloud(preview=True)
    make(cloud, **args)
    return cloud.one("Job")


def test_a_release_is_another_job() -> None:
    assert job_of(model=version(4)).name != job_of().name
    assert job_of(model={"image": IMAGE}).name != job_of().name
    assert job_of(tags={"a": "b"}, health={"errors_percent": 1}).name == job_of().name


class Kube:
    """Answers look-ups."""

    def __init__(self, jobs: list[dict[str, Any]], remarks: dict[str, str] | None = None) -> None:
        self.jobs, self.remarks = jobs, remarks

    def __call__(self, _: Any, group: str, plural: str, name: str = "", **query: str) -> Any:
        if plural == "jobs":
            assert query["labelSelector"].startswith(f"{declared.RELEASE}=")
            return {"items": self.jobs}
        assert (group, plural, name) == ("gateway.networking.k8s.io/v1", "httproutes", "score")
        return {"metadata": {"annotations": self.remarks}} if self.remarks else None


def tried(number: int, *, condition: str | None = None, message: str = "") -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True", "message": message}] if condition else []
    return {"metadata": {"labels": {declared.ATTEMPT: str(number)}}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("jobs", "number"),
    [
        ([], 1),
        ([tried(1)], 1),
        ([tried(1, condition="Complete")], 1),
        ([tried(1, condition="Failed")], 2),
        ([tried(1, condition="Failed"), tried(2, condition="Failed")], 3),
        ([tried(2, condition="Complete"), tried(1, condition="Failed")], 2),
    ],
)
def test_a_release_that_failed_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, jobs: list[dict[str, Any]], number: int
) -> None:
    monkeypatch.setattr(live, "namespaced", Kube(jobs))
    made = job_of()
    assert made.name.endswith(f"-{number}")
    assert made.inputs["metadata"]["labels"][declared.ATTEMPT] == str(number)


@pytest.mark.parametrize(
    ("last", "remarks", "said"),
    [
        (
            "Failed",
            {declared.ROLLED_BACK: "errors of main: 7 per cent"},
            "was rolled back (errors of main: 7 per cent)",
        ),
        ("Failed", None, "was rolled back (took too long)"),
        ("Complete", {declared.BEFORE: "[]"}, "was interrupted half way"),
    ],
)
def test_people_are_told_what_became_of_the_last_one(
    monkeypatch: pytest.MonkeyPatch, last: str, remarks: dict[str, str] | None, said: str
) -> None:
    monkeypatch.setattr(live, "namespaced", Kube([tried(1, condition=last, message="took too long")], remarks))
    cloud = Cloud(preview=True)
    make(cloud)
    assert any(f"the last release {said}; this is attempt 2 at this one" in line for line in cloud.infos)
    assert cloud.one("Job").name.endswith("-2")


def test_a_release_that_stood_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "namespaced", Kube([tried(1, condition="Complete")], {declared.ROLLED_BACK: "long ago"}))
    cloud = Cloud(preview=True)
    make(cloud)
    assert not any("the last release" in line for line in cloud.infos)
