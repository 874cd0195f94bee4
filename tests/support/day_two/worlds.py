"""A small platform on each backend, with a model that has no version yet, and a client of it."""

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops import EndpointRef, FeatureGroupRef, ModelRef, PlatformRef
from pulumi_mlops.backends.aws import sessions as aws_sessions
from pulumi_mlops.backends.azure import sessions
from pulumi_mlops.backends.kubernetes import live, reading, tracking
from pulumi_mlops.backends.kubernetes.health import REVISION, VARIANT
from pulumi_mlops.clients.client import Client
from pulumi_mlops.clients.stacks import Stack
from pulumi_mlops_sandbox.azure.facts import DEPLOYER, SUBSCRIPTION, TENANT, TOKEN
from support.day_two.played import Cluster, Feast, Mlflow, Model, Store
from support.facts import aws, kubernetes
from support.sandbox.arm import GROUP, Arm
from support.sandbox.arm_good import ALARM, ENDPOINT, GOOD, INSIGHTS, LOGS, STORAGE, VAULT, WORKSPACE
from support.sandbox.arm_world import body
from support.sandbox.control_plane import ControlPlane, trust

BLOBS = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor."""
ACCOUNT, REGION, BUCKET, GROUP_NAME = "123456789012", "us-east-1", "artifacts-1", "churn-dev-models-people"
RIGHTS = tuple(f"role-{what}" for what in ("storage", "blobs", "shares", "vault", "secrets", "registry", "insights"))
SERVING_RIGHTS = ("role-pull", "role-models", "role-collected")
NEEDED = ("group", "identity", "serving", "storage", "blobs", "container", "vault", "registry", "logs", "insights")
SERVICES = ("sagemaker", "s3", "sts", "sagemaker-runtime", "sagemaker-featurestore-runtime", "logs")


@dataclass
class World:
    """A platform that can be asked."""

    backend: str
    client: Client
    model: ModelRef
    score: EndpointRef
    profile: FeatureGroupRef
    pauses: list[float] = field(default_factory=list)
    parts: dict[str, Any] = field(default_factory=dict)
    """What plays it."""


def keep(world: World, path: str, text: str) -> str:
    """Put a text into the platform's store; return its address."""
    if world.backend == "aws":
        world.parts["plane"].client("s3").put_object(Bucket=BUCKET, Key=path, Body=text.encode())
        return f"s3://{BUCKET}/{path}"
    if world.backend == "azure":
        headers = {"x-ms-blob-type": "BlockBlob"}
        world.parts["arm"].done(
            "PUT", f"/blob/churnfiles/artifacts/{path}", text.encode(), version=None, headers=headers
        )
        return f"https://churnfiles.blob.core.windows.net/artifacts/{path}"
    world.parts["store"].objects[f"artifacts/{path}"] = text.encode()
    return f"s3://artifacts/{path}"


def client_of(refs: dict[str, Any], settings: dict[str, str], pauses: list[float]) -> Client:
    """Make the client of a stack that exports these."""
    outputs = {name: json.loads(json.dumps(ref.export())) for name, ref in refs.items()}
    return Client(Stack("dev", outputs, settings), pause=pauses.append, timeout_seconds=10)


@contextmanager
def on_aws(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    plane.admin("POST", "reset")
    plane.client("s3").create_bucket(Bucket=BUCKET)
    arn = plane.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP_NAME)
    account = plane.client("sts").get_caller_identity()["Account"]
    hub = aws.hub()
    hub = PlatformRef.load(
        {**hub.export(), "region": REGION, "address": {**hub.address, "account": account, "bucket": BUCKET}}
    )
    address = {"group": GROUP_NAME, "arn": arn["ModelPackageGroupArn"]}
    model = ModelRef(name="people", backend="aws", platform=hub, gate={"auc": ">=0.9"}, address=address)
    for kept in (aws_sessions._session, aws_sessions._client):
        kept.cache_clear()  # other tests put sessions of their own there
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "aws:region": REGION,
        "aws:accessKey": "sandbox",
        "aws:secretKey": "sandbox",
        "aws:s3UsePathStyle": "true",
        "aws:endpoints": json.dumps([{name.replace("-", ""): plane.url} | {name: plane.url} for name in SERVICES]),
    }
    score = _served_on_aws(plane, hub)
    pauses: list[float] = []
    profile = _group(hub, {"name": "churn-dev-profile", "arn": "arn:x"}, online=True)
    _kept_on_aws(plane)
    client = client_of({"people": model, "score": score, "profile": profile}, settings, pauses)
    yield World("aws", client, model, score, profile, pauses, {"plane": plane})


FEATURES = {
    "id": "integer",
    "at": "timestamp",
    "age": "integer",
    "spend-30d": "float",
    "new": "boolean",
    "since": "timestamp",
}


def _group(hub: PlatformRef, address: dict[str, Any], *, online: bool) -> FeatureGroupRef:
    return FeatureGroupRef(
        name="profile",
        backend=hub.backend,
        platform=hub,
        keys=["id"],
        event_time="at",
        features=FEATURES,
        has_online=online,
        has_offline=True,
        address=address,
    )


def _kept_on_aws(plane: ControlPlane) -> None:
    sagemaker = plane.client("sagemaker")
    kinds = {"timestamp": "String", "float": "Fractional", "integer": "Integral", "boolean": "Integral"}
    sagemaker.create_feature_group(
        FeatureGroupName="churn-dev-profile",
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": name, "FeatureType": kinds[kind]} for name, kind in FEATURES.items()],
        OnlineStoreConfig={"EnableOnlineStore": True},
    )
    plane.until(
        lambda: (
            sagemaker.describe_feature_group(FeatureGroupName="churn-dev-profile")["FeatureGroupStatus"] == "Created"
        )
    )


def _served_on_aws(plane: ControlPlane, hub: PlatformRef) -> EndpointRef:
    role = plane.client("iam").create_role(
        RoleName="serving", AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com")
    )
    sagemaker = plane.client("sagemaker")
    container = {"Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"}
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role["Role"]["Arn"], PrimaryContainer=container)
    machines = {"ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [{"VariantName": name, **machines} for name in ("main", "other")]
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="churn-dev-score", EndpointConfigName="c")
    plane.until(lambda: sagemaker.describe_endpoint(EndpointName="churn-dev-score")["EndpointStatus"] == "InService")
    url = "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/churn-dev-score/invocations"
    facts: Any = {"status": "live", "variants": ["main", "other"], "address": {"name": "churn-dev-score"}}
    return EndpointRef(name="score", backend="aws", platform=hub, url=url, **facts)


@contextmanager
def on_azure(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    arm.admin("POST", "reset")
    arm.admin("POST", "latency", {"seconds": 0})
    for name in (*NEEDED, *RIGHTS, "workspace", "datastore", *SERVING_RIGHTS):
        _put(arm, name)
    right = {
        "roleDefinitionId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{BLOBS}"
    }
    assigned = f"{STORAGE}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-0000000000f1"
    arm.done("PUT", assigned, {"properties": {**right, "principalId": DEPLOYER}}, version="2022-04-01")
    arm.done("PUT", f"{WORKSPACE}/models/people", {"properties": {"description": "who they are"}})
    address = {
        "subscription": SUBSCRIPTION,
        "tenant": TENANT,
        "group": GROUP.rpartition("/")[2],
        "location": "eastus",
        "workspace": "churn",
        "workspace_id": WORKSPACE,
        "storage": "churnfiles",
        "storage_id": STORAGE,
        "container": "artifacts",
        "vault": "churn-vault",
        "vault_id": VAULT,
        "logs": LOGS,
        "log_days": 30,
        "insights": INSIGHTS,
        "alerts": ALARM,
        "principal": DEPLOYER,
    }
    hub = PlatformRef(
        name="churn",
        backend="azure",
        stage="dev",
        region="eastus",
        artifacts="https://churnfiles.blob.core.windows.net/artifacts/",
        address=address,
    )
    model = ModelRef(
        name="people",
        backend="azure",
        platform=hub,
        gate={"auc": ">=0.9"},
        address={"id": f"{WORKSPACE}/models/people", "called": "people"},
    )
    monkeypatch.setenv(sessions.ENDPOINT, arm.url)
    monkeypatch.setenv(sessions.TOKEN, TOKEN)
    score = _served_on_azure(arm, hub)
    pauses: list[float] = []
    rows = "https://churnfiles.blob.core.windows.net/artifacts/features/store/profile/"
    profile = _group(hub, {"id": "x", "called": "profile", "rows": rows}, online=False)
    client = client_of({"people": model, "score": score, "profile": profile}, {}, pauses)
    yield World("azure", client, model, score, profile, pauses, {"arm": arm})


def _served_on_azure(arm: Arm, hub: PlatformRef) -> EndpointRef:
    for name in ("environment", "environment-version", "model", "model-version", "endpoint", "deployment"):
        _put(arm, name)
    served = body(arm, GOOD["endpoint"])
    served["properties"]["traffic"] = {"blue": 100}
    arm.done("PUT", ENDPOINT, served)
    url = "https://churn-live.eastus.inference.ml.azure.com/score"
    facts: Any = {"status": "live", "variants": ["blue"], "address": {"name": "churn-live"}}
    return EndpointRef(name="score", backend="azure", platform=hub, url=url, **facts)


def _put(arm: Arm, name: str) -> None:
    """Make something that is good."""
    good = GOOD[name]
    said = arm.ask("PUT", good.id, body(arm, good), version=good.version)
    assert said.status < 300, (name, said.body)
    if operation := said.headers.get("Azure-AsyncOperation"):
        assert arm.wait(operation)["status"] == "Succeeded"


@contextmanager
def on_kubernetes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    cluster, mlflow, served, feast, store = Cluster(), Mlflow(), Model(), Feast(), Store()
    space = "churn-dev"
    cluster.objects = {
        f"/apis/apps/v1/namespaces/{space}/deployments/models-mlflow": {"status": {"availableReplicas": 1}},
        f"/api/v1/namespaces/{space}/secrets/models-mlflow": {"data": {"password": base64.b64encode(b"hush").decode()}},
    }
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "alice"}}],
                "clusters": [{"name": "here", "cluster": {"server": cluster.url}}],
                "users": [{"name": "alice", "user": {"token": "t0ken"}}],
            }
        )
    )
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_URI_MODELS"):
        monkeypatch.delenv(name, raising=False)
    hub = kubernetes.hub(gateway=None)
    model = ModelRef(
        name="people",
        backend="kubernetes",
        platform=hub,
        gate={"auc": ">=0.9"},
        address={"model": "people", "registry": "models"},
    )
    score = _served_on_kubernetes(cluster, hub)
    key = base64.b64encode(b"k").decode()
    reader = {"data": {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": key}}
    cluster.objects[f"/api/v1/namespaces/{space}/secrets/churn-store-reader"] = reader
    doors = {"store": store.port, "models": mlflow.port, "score": served.port, "features": feast.port}
    door = {"name": "features", "port": 6566, "pods": {"app.kubernetes.io/name": "feast"}}
    url = "http://features-feast.churn-dev.svc.cluster.local:6566"
    profile = _group(hub, {"door": door, "url": url, "view": "profile"}, online=True)
    # The API server is played, and forwards no ports: the way to a pod leads to what plays it.
    for module in (tracking, reading):
        monkeypatch.setattr(
            module, "forward", lambda _, door: socket.create_connection(("127.0.0.1", doors[door.name]))
        )
    pauses: list[float] = []
    settings = {"kubernetes:kubeconfig": str(kubeconfig)}
    parts = {"cluster": cluster, "mlflow": mlflow, "model": served, "feast": feast, "store": store, "doors": doors}
    client = client_of({"people": model, "score": score, "profile": profile}, settings, pauses)
    try:
        yield World("kubernetes", client, model, score, profile, pauses, parts)
    finally:
        live._known.cache_clear()
        for one in (cluster, mlflow, served, feast, store):
            one.close()


def _served_on_kubernetes(cluster: Cluster, hub: PlatformRef) -> EndpointRef:
    """Make what a route leads to: two variants, one revision each."""
    space, group = "churn-dev", "/apis/serving.kserve.io/v1beta1/namespaces/churn-dev/inferenceservices"
    shares = [{"name": "score-main-1-predictor", "weight": 3}, {"name": "score-other-1-predictor", "weight": 1}]
    cluster.objects |= {
        f"/api/v1/namespaces/{space}/services/score": {"spec": {"selector": {REVISION: "score-main-1"}}},
        f"/apis/gateway.networking.k8s.io/v1/namespaces/{space}/httproutes/score": {
            "spec": {"rules": [{"backendRefs": shares}]}
        },
        **{
            f"{group}/score-{variant}-1": {"metadata": {"labels": {VARIANT: variant}}, "spec": {"predictor": {}}}
            for variant in ("main", "other")
        },
    }
    door = {"name": "score", "port": 8080, "pods": {"app.kubernetes.io/instance": "score"}}
    address = {"name": "score", "service": "score.churn-dev.svc.cluster.local", "door": door}
    facts: Any = {"status": "live", "variants": ["main", "other"], "address": address}
    return EndpointRef(name="score", backend="kubernetes", platform=hub, url="http://score.churn-dev.svc", **facts)
