"""On a real node with real operators: a release beside an autoscaler, Jobs that end, strict certificates, lame pods."""

import asyncio
import datetime as dt
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import urllib3.util
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kubernetes.client import Configuration

import pulumi_mlops as mlops
from pulumi_mlops import MlopsError
from pulumi_mlops.backends.kubernetes import kubeconfig, live, waiting
from pulumi_mlops.backends.kubernetes.waiting import Reason, condition, told, until_ready
from pulumi_mlops.jobs import release
from pulumi_mlops_sandbox.kubernetes.provider.ready import AWAITS
from support.facts.kubernetes import HUB, hub, version
from support.mocks import Cloud
from support.release_job import SERVICES, Clock, Stage, rules, run, service

NEW = f"{SERVICES}/score-new"
DEPLOYMENT = "/apis/apps/v1/namespaces/churn-dev/deployments/score-new-predictor"


def unready_between(stage: Stage, clock: Clock, start: float, end: float) -> None:
    def turn(now: float) -> None:
        stage.objects[NEW] = service("False", "0 of 1") if start <= now < end else service()

    clock.then = turn


@pytest.mark.parametrize("start", [0, 60, 595])
def test_a_replica_that_is_added_or_starts_again_is_waited_for(
    stage: Stage, clock: Clock, account: Path, start: float
) -> None:
    """The autoscaler adds a replica at the first look, within a step, or at the end of one: the release goes on."""
    unready_between(stage, clock, start, start + 90)
    if not start:
        stage.objects[NEW] = service("False", "0 of 1")
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


def test_no_step_passes_while_a_revision_is_not_ready(stage: Stage, clock: Clock, account: Path) -> None:
    moved: list[float] = []
    stage.on_write = lambda: moved.append(clock.seconds)
    unready_between(stage, clock, 590, 700)
    run(stage, clock, account)
    assert moved[1] >= 700


def test_while_others_serve_a_slow_start_is_waited_for(stage: Stage, clock: Clock, account: Path) -> None:
    """Another replica of a large model takes ten minutes, and one goes on serving."""
    stage.objects[DEPLOYMENT] = {"status": {"availableReplicas": 1}}
    unready_between(stage, clock, 60, 660)
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


@pytest.mark.parametrize(("available", "ends"), [(0, (240, 300)), (1, (660, 1000))])
def test_patience_ends(stage: Stage, clock: Clock, account: Path, available: int, ends: tuple[float, float]) -> None:
    """Where none serves it ends after three minutes; where one does, when a start takes too long."""
    stage.objects[DEPLOYMENT] = {"status": {"availableReplicas": available}}
    unready_between(stage, clock, 60, 10**6)
    with pytest.raises(release.RollbackError, match="score-new is not ready: 0 of 1"):
        run(stage, clock, account)
    assert ends[0] <= clock.seconds < ends[1]
    assert stage.route["spec"]["rules"] == rules(old=1)


def endpoint(cloud: Cloud, **args: Any) -> Cloud:
    cloud.run(lambda: mlops.Endpoint("score", **({"platform": HUB, "model": version()} | args)) and None)
    return cloud


def test_a_rolled_back_job_ends_in_words_that_pulumi_knows() -> None:
    """No rule fails the Job for PodFailurePolicy; a pod that is lost or killed does not count."""
    spec = endpoint(Cloud()).one("Job").inputs["spec"]
    assert spec["backoffLimit"] == 0
    assert {rule["action"] for rule in spec["podFailurePolicy"]["rules"]} == {"Ignore"}


def test_no_job_of_any_noun_fails_by_a_policy() -> None:
    cloud = Cloud()

    def program() -> None:
        platform = mlops.Platform("churn", backend="kubernetes")
        store = mlops.FeatureStore("features", platform=platform)
        mlops.FeatureGroup(
            "profile", store=store, keys=["id"], event_time="at", features={"id": "string", "at": "timestamp"}
        )
        registry = mlops.ModelRegistry("models", platform=platform)
        mlops.Model("churn", registry=registry)

    cloud.run(program)
    for job in (*cloud.all("Job"), *endpoint(Cloud()).all("Job")):
        assert "FailJob" not in json.dumps(job.inputs["spec"].get("podFailurePolicy", {})), job.name


@pytest.mark.parametrize(
    ("reason", "failed"),
    [
        ("BackoffLimitExceeded", True),
        ("DeadlineExceeded", True),
        ("PodFailurePolicy", False),
        ("MaxFailedIndexesExceeded", False),
    ],
)
def test_the_stand_in_knows_no_more_reasons_than_the_real_provider(reason: str, failed: bool) -> None:
    conditions = [{"type": "Failed", "status": "True", "reason": reason, "message": "x"}]
    verdict = AWAITS["batch", "Job"].look({"metadata": {}, "status": {"conditions": conditions}}, None)  # type: ignore[arg-type]
    assert verdict.failed is failed
    assert verdict.missing


def authority(folder: Path) -> Path:
    """Make a cluster's authority as some managed clusters have it: without key usage and key identifiers."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "ca.crt"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every context begin as one of Python 3.13 does."""
    made = ssl.create_default_context

    def of_313(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        found = made(*args, **kwargs)
        found.verify_flags |= ssl.VERIFY_X509_STRICT
        return found

    monkeypatch.setattr(ssl, "create_default_context", of_313)


def test_the_job_takes_an_authority_without_extensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict(monkeypatch)
    authority(tmp_path)
    found = release.Api("https://10.0.0.1", tmp_path).tls
    assert found is not None
    assert not found.verify_flags & ssl.VERIFY_X509_STRICT
    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_look_ups_take_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own look-ups run under whatever Python the user has."""
    made = urllib3.util.create_urllib3_context

    def of_313(**kwargs: Any) -> ssl.SSLContext:
        found = made(**kwargs)
        found.verify_flags |= ssl.VERIFY_X509_STRICT
        return found

    monkeypatch.setattr(urllib3.util, "create_urllib3_context", of_313)
    found = kubeconfig.tls(Configuration())
    assert not found.verify_flags & ssl.VERIFY_X509_STRICT
    assert found.verify_mode == ssl.CERT_REQUIRED


def pod(*boxes: dict[str, Any], first: tuple[dict[str, Any], ...] = (), **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "score-1"},
        "status": {"containerStatuses": list(boxes), "initContainerStatuses": list(first), **status},
    }


def waits(reason: str, message: str = "", name: str = "kserve-container") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: int, message: str, restarts: int = 0, name: str = "kserve-container") -> dict[str, Any]:
    last = {"terminated": {"exitCode": code, "message": message}}
    return {
        "name": name,
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": last,
    }


def started(code: int, seconds: int, restarts: int, *, ready: bool = False) -> dict[str, Any]:
    """Have a container that may take a minute to start, and what became of the start before this one."""
    ran = {"exitCode": code, "startedAt": "2026-11-29T23:00:00Z", "finishedAt": f"2026-11-29T23:0{seconds // 60}:15Z"}
    box = {"name": "kserve-container", "restartCount": restarts, "ready": ready, "started": ready}
    found = pod({**box, "state": {"running": {}}, "lastState": {"terminated": ran}})
    probe = {"startupProbe": {"periodSeconds": 10, "failureThreshold": 6}}
    return {**found, "spec": {"terminationGracePeriodSeconds": 90, "containers": [{"name": box["name"], **probe}]}}


NO_IMAGE = 'rpc error: code = NotFound desc = failed to pull "r/x:1": not found'
UNSCHEDULABLE = {
    "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: 3 Insufficient nvidia.com/gpu"}]
}


@pytest.mark.parametrize(
    ("found", "said", "hopeless"),
    [
        (pod(waits("ErrImagePull", NO_IMAGE)), "ErrImagePull", True),
        (pod(waits("ImagePullBackOff", "pull access denied, repository does not exist")), "access denied", True),
        (pod(waits("ImagePullBackOff", "no match for platform in manifest")), "no match for platform", True),
        (pod(waits("ErrImagePull", "dial tcp: i/o timeout")), "i/o timeout", False),
        (pod(waits("ErrImagePull", "429 Too Many Requests")), "429", False),
        (pod(waits("InvalidImageName")), "InvalidImageName", True),
        (pod(waits("CreateContainerConfigError", 'secret "x" not found')), 'secret "x" not found', True),
        (pod(waits("ContainerCreating")), "", False),
        (pod(ended(1, "no such model", restarts=1)), "no such model", False),
        (pod(ended(1, "no such model", restarts=5)), "exit code 1: no such model", True),
        (pod(first=(ended(1, "NoSuchBucket", 4, "storage-initializer"),)), "storage-initializer ended", True),
        (started(137, 60, 1), "was not ready within 1 minutes", False),
        (started(0, 60, 2), "was not ready within 1 minutes, and was started again (2 restarts)", True),
        (started(0, 0, 2), "ended with exit code 0 (2 restarts)", False),
        (started(0, 0, 4), "ended with exit code 0 (4 restarts)", True),
        (started(0, 300, 4), "ended with exit code 0 (4 restarts)", True),
        (started(0, 60, 4, ready=True), "", False),
        (pod(**UNSCHEDULABLE), "has no node: 0/3 nodes", False),
    ],
)
def test_what_a_pod_says(found: dict[str, Any], said: str, hopeless: bool) -> None:
    reasons = list(told([found], []))
    assert any(said in reason.text for reason in reasons) if said else not reasons
    assert any(reason.hopeless for reason in reasons) is hopeless


@pytest.mark.parametrize(
    ("message", "hopeless"),
    [('pods "x" is forbidden: violates PodSecurity "restricted"', True), ("exceeded quota: quota", False)],
)
def test_what_keeps_pods_from_being_made(message: str, hopeless: bool) -> None:
    sets = [{"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]}}]
    (reason,) = told([], sets)
    assert message in reason.text
    assert reason.hopeless is hopeless


def test_a_status_of_before_is_not_ready() -> None:
    ready = {"type": "Ready", "status": "True"}
    found = {"metadata": {"generation": 3}, "status": {"observedGeneration": 2, "conditions": [ready]}}
    assert "not seen it yet" in condition(found)
    assert not condition({"metadata": {"generation": 3}, "status": {"conditions": [ready]}})


def waited(reasons: list[Reason], seconds: float = 1800) -> tuple[str, float, list[str]]:
    """Wait for what gives these reasons from second 10 on; return the error, when it came, and what was said."""
    passed, lines = [0.0], []

    async def look() -> list[Reason]:
        return reasons if passed[0] >= 10 else [Reason("Ready is False")]

    async def sleep(pause: float) -> None:
        passed[0] += pause

    with pytest.raises(MlopsError) as raised:
        asyncio.run(until_ready(look, lines.append, seconds, now=lambda: passed[0], sleep=sleep))
    return str(raised.value), passed[0], lines


def test_a_missing_image_ends_the_wait_within_a_minute_and_says_so() -> None:
    said, seconds, lines = waited([Reason("pod score-1: ErrImagePull: not found", hopeless=True), Reason("Ready")])
    assert "ErrImagePull: not found" in said
    assert seconds < 75
    assert len(lines) == 1


def test_a_node_that_may_come_is_waited_for_and_said() -> None:
    said, seconds, lines = waited([Reason("pod score-1 has no node"), Reason("Ready")])
    assert "is not ready after 30 minutes: pod score-1 has no node" in said
    assert seconds >= 1800
    assert lines == ["is not ready yet: pod score-1 has no node; Ready"]


def lame_cluster(_: Any, __: str, plural: str, *___: str, **____: str) -> Any:
    """Play a cluster in which a revision and a database lack their images."""
    if plural in ("inferenceservices", "clusters"):
        return {"metadata": {"generation": 1}, "status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    return {"items": [pod(waits("ErrImagePull", NO_IMAGE))]} if plural == "pods" else None


@pytest.fixture
def lame(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        def get(self, *_: str, **__: str) -> None:
            return None

    monkeypatch.setattr(live, "of", lambda _: Nobody())
    monkeypatch.setattr(live, "namespaced", lame_cluster)
    monkeypatch.setattr(waiting, "HOPELESS_SECONDS", 0)


@pytest.mark.usefixtures("lame")
def test_an_endpoint_says_its_pods_own_reason_and_nothing_follows() -> None:
    cloud = Cloud()
    with pytest.raises(MlopsError, match=r"Endpoint 'score': inferenceservices/score-\w+ will not.*failed to pull"):
        endpoint(cloud)
    assert not cloud.all("HTTPRoute")
    assert not cloud.all("Job")


@pytest.mark.usefixtures("lame")
@pytest.mark.parametrize("noun", ["ModelRegistry", "FeatureStore"])
def test_a_database_does_too(noun: str) -> None:
    with pytest.raises(MlopsError, match=rf"{noun} 'x': clusters/x-\w+-db will not become ready.*not found"):
        Cloud().run(lambda: getattr(mlops, noun)("x", platform=hub()) and None)


@pytest.mark.usefixtures("lame")
def test_a_preview_waits_for_nothing() -> None:
    assert endpoint(Cloud(preview=True)).all("InferenceService")
