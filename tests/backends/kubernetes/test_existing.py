"""What exists already in a cluster: what Services lead to, whose network policies are written, what is not there."""

from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, MlopsError
from pulumi_mlops.backends.kubernetes import live, tracking
from pulumi_mlops.core import private
from support.facts.kubernetes import HUB
from support.mocks import Cloud

FEATURES: Any = {"id": "string", "at": "timestamp"}
TABLE: Any = {"features": FEATURES, "keys": ["id"], "event_time": "at"}


class Cluster:
    """Answers by path."""

    def __init__(self) -> None:
        self.there: dict[str, Any] = {}

    def get(self, path: str, **query: str) -> Any:
        return self.there.get(path + "".join(f"?{key}={value}" for key, value in query.items()))

    def service(self, namespace: str, name: str, *ports: dict[str, Any], **selector: str) -> None:
        spec = {"selector": selector, "ports": list(ports)}
        self.there[f"/api/v1/namespaces/{namespace}/services/{name}"] = {"spec": spec}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(live, "of", lambda _: found)
    monkeypatch.setattr(private, "mocked", lambda: False)
    return found


def refused(program: Any) -> str:
    with pytest.raises(InvalidArgs) as caught:
        Cloud().run(lambda: program() and None)
    return str(caught.value)


def test_a_service_says_where_a_server_is(cluster: Cluster) -> None:
    cluster.service("feast", "server", {"name": "http", "port": 80, "targetPort": 6570}, app="feast")
    store = mlops.FeatureStore.existing("features", platform=HUB, called="feast/server")
    profile = mlops.FeatureGroup.existing("profile", store=store, called="profile_v2", **TABLE)
    assert profile.address["url"] == "http://server.feast.svc.cluster.local"
    assert profile.address["view"] == "profile_v2"
    assert profile.address["door"] == {"name": "features", "port": 6570, "pods": {"app": "feast"}, "namespace": "feast"}


def test_ports_by_name_are_those_of_the_pods(cluster: Cluster) -> None:
    cluster.service("feast", "server", {"port": 8000, "targetPort": "api"}, app="feast")
    with pytest.raises(MlopsError, match="leads to port 'api', and no pod behind it says which number that is"):
        mlops.FeatureStore.existing("features", platform=HUB, called="feast/server")
    container = {"ports": [{"name": "metrics", "containerPort": 1}, {"name": "api", "containerPort": 6566}]}
    cluster.there["/api/v1/namespaces/feast/pods?labelSelector=app=feast"] = {
        "items": [{"spec": {"containers": [container]}}]
    }
    store = mlops.FeatureStore.existing("features", platform=HUB, called="feast/server")
    assert store.address["door"]["port"] == 6566
    assert store.address["url"] == "http://server.feast.svc.cluster.local:8000"


def test_only_the_way_out_is_opened_to_another_namespace(cluster: Cluster) -> None:
    cluster.service("models", "score", {"port": 80, "targetPort": 9000}, app="score")
    cloud = Cloud()

    def program() -> None:
        score = mlops.Endpoint.existing("score", platform=HUB, called="models/score")
        mlops.Identity("team", platform=HUB, invokes=[score], trusts={"namespace": "ranking"})

    cloud.run(program)
    policy = cloud.one("NetworkPolicy").inputs["spec"]
    assert policy["policyTypes"] == ["Egress"]
    assert policy["egress"] == [
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "models"}},
                    "podSelector": {"matchLabels": {"app": "score"}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": 9000}],
        }
    ]


def test_both_ways_are_opened_in_the_platforms_namespace(cluster: Cluster) -> None:
    cluster.service("churn-dev", "score", {"port": 80, "targetPort": 9000}, app="score")
    cloud = Cloud()

    def program() -> None:
        score = mlops.Endpoint.existing("score", platform=HUB)
        mlops.Identity("team", platform=HUB, invokes=[score])

    cloud.run(program)
    kinds = sorted(item.inputs["spec"]["policyTypes"][0] for item in cloud.all("NetworkPolicy"))
    assert kinds == ["Egress", "Ingress"]


def test_an_inference_service_has_its_predictors_service(cluster: Cluster) -> None:
    cluster.there["/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices/score"] = {"spec": {}}
    told = refused(lambda: mlops.Endpoint.existing("score", platform=HUB, called="models/score"))
    assert "called: InferenceService models/score has no Service yet" in told
    cluster.service("models", "score-predictor", {"port": 80, "targetPort": 8080}, app="isvc.score-predictor")
    score = mlops.Endpoint.existing("score", platform=HUB, called="models/score")
    assert score.url == "http://score-predictor.models.svc.cluster.local"


@pytest.mark.parametrize(
    ("take", "said"),
    [
        (
            lambda: mlops.FeatureStore.existing("features", platform=HUB, called="feast/server"),
            "there is no Service feast/server in the cluster",
        ),
        (
            lambda: mlops.ModelRegistry.existing("models", platform=HUB),
            "there is no Service churn-dev/models in the cluster",
        ),
        (
            lambda: mlops.Endpoint.existing("score", platform=HUB, called="models/score"),
            "there is neither an InferenceService nor a Service models/score in the cluster",
        ),
        (
            lambda: mlops.Identity.existing("team", platform=HUB, called="ranking/web"),
            "there is no service account ranking/web in the cluster",
        ),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_what_is_not_there_is_said_in_one_sentence(take: Any, said: str) -> None:
    assert f"- called: {said}" in refused(take)


def test_a_service_account_is_a_principal(cluster: Cluster) -> None:
    cluster.there["/api/v1/namespaces/ranking/serviceaccounts/web"] = {"metadata": {}}
    team = mlops.Identity.existing("team", platform=HUB, called="ranking/web")
    assert (team.kind, team.principal) == ("service_account", "ranking/web")


def test_a_model_is_looked_up_in_its_registry(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.service("mlflow", "server", {"port": 5000}, app="mlflow")
    asked: list[mlops.ModelRef] = []

    def has_model(model: mlops.ModelRef) -> bool:
        asked.append(model)
        return str(model.address["model"]) == "Churn Model"

    monkeypatch.setattr(tracking, "has_model", has_model)
    registry = mlops.ModelRegistry.existing("central", platform=HUB, called="mlflow/server")
    churn = mlops.Model.existing("churn", registry=registry, called="Churn Model")
    assert churn.address["door"] == {"name": "central", "port": 5000, "pods": {"app": "mlflow"}, "namespace": "mlflow"}
    said = refused(lambda: mlops.Model.existing("churn", registry=registry))
    assert "called: registry 'central' has no model 'churn'" in said
    assert len(asked) == 2


@pytest.mark.parametrize("files", [None, "s3://theirs/mlflow"])
def test_files_that_the_server_hands_out_need_their_folder(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, files: str | None
) -> None:
    cluster.service("mlflow", "server", {"port": 5000}, app="mlflow")
    monkeypatch.setattr(tracking, "has_model", lambda _: True)
    found = tracking.Version(3, {}, "mlflow-artifacts:/1/abc/artifacts/model", None)
    monkeypatch.setattr(tracking, "version", lambda *_: found)
    given: Any = {"files": files} if files else {}
    registry = mlops.ModelRegistry.existing("central", platform=HUB, called="mlflow/server", **given)
    churn = mlops.Model.existing("churn", registry=registry)
    if files:
        assert churn.version(3).address["uri"] == "s3://theirs/mlflow/1/abc/artifacts/model"
    else:
        assert "ModelRegistry.existing(…, files='s3://…')" in refused(lambda: churn.version(3))


def test_all_that_is_wrong_is_one_error() -> None:
    store = mlops.FeatureStoreRef(name="features", backend="kubernetes", platform=HUB, address={})
    said = refused(lambda: mlops.FeatureGroup.existing("profile", store=store))
    assert "3 problems" in said
    assert "keys: is required: Feast's server does not tell it; write ['customer_id']" in said
    said = refused(lambda: mlops.Identity.existing("team", platform=HUB, called="a/b/c"))
    assert "called: 'a/b/c' is not the name of an object; write it as 'namespace/name'" in said


def test_nothing_is_made_on_a_server_of_somebody_else() -> None:
    def program() -> None:
        store = mlops.FeatureStore.existing("features", platform=HUB, called="feast/server")
        mlops.FeatureGroup("profile", store=store, **TABLE)

    assert "FeatureGroup.existing(…)" in refused(program)
