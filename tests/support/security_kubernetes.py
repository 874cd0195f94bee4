"""The tables of docs/security.md about Kubernetes, written out of what a program with every noun makes.

``PYTHONPATH=tests python -m support.security_kubernetes`` writes them; a test says whether the page has them.
"""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi_mlops as mlops
from support.mocks import Cloud, Registration

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- kubernetes: begin -->\n", "<!-- kubernetes: end -->\n"
PARTS: Any = {
    "gateway": {"name": "gateways/public", "domain": "ml.example.com"},
    "metrics": "http://prometheus.monitoring.svc:9090",
}
IMAGE = "registry.example.com/churn/train:1"
SHOP: Any = [{"namespace": "shop"}]
RIGHTS = {
    "churn-consumer-shop": "consumers fetch artifacts",
    "models-consumer-shop": "consumers log in to the registry as a user that reads",
    "retrain-pipeline": "Argo's own containers report what became of a step",
    "drift-monitor-pipeline": "as that of every pipeline",
    "drift-monitor-starts": "the Monitor's step starts the pipeline of `on_breach`; an admission policy takes no other "
    "workflow from it",
    "score-release": "the release Job moves the one route and looks at its own revisions",
    "job-reads": "what the Identity was given: secrets, a key that reads where it reads files, its login to a tracker",
    "job-trusts": "whoever is trusted asks for tokens of the account",
}
"""Why each Role is there."""
OPENINGS = {
    "default-deny": "nothing is open that no line below opens",
    "allow-names": "names are looked up: the cluster's DNS, a cache on the node, OpenShift's",
    "churn-store-setup": "a Job makes the bucket, once",
    "churn-store-administration": "the same, from the store's side",
    "churn-consumer-shop": "consumers fetch artifacts",
    "features-feast-db": "instances of the database copy from each other, write their state to the API server, and "
    "answer the operator",
    "features-feast-out": "the feature server and its Jobs use their database, the online store and the object store",
    "features-feast-to-feast-db": "the same, from the database's side",
    "features-feast-to-valkey": "the same, from the online store's side",
    "features-feast-to-store": "the same, from the object store's side",
    "models-mlflow-db": "as for the feature store's database",
    "models-mlflow-out": "MLflow uses its database and the object store",
    "models-mlflow-to-mlflow-db": "the same, from the database's side",
    "models-mlflow-to-store": "the same, from the object store's side",
    "models-callers": "consumers, approvers of the cluster, and the gateway where the registry is published",
    "models-events": "MLflow tells the receivers of `events`",
    "models-setup-out": "the Job that makes users, models and webhooks calls MLflow",
    "models-setup-to-mlflow": "the same, from MLflow's side",
    "rows-retention-out": "the CronJob deletes what is older than the retention",
    "rows-retention-to-store": "the same, from the object store's side",
    "runs-callers": "the gateway, where the tracker is published",
    "runs-tracker-db": "as for the feature store's database",
    "runs-tracker-out": "the tracker's MLflow uses its database and the object store",
    "runs-tracker-to-tracker-db": "the same, from the database's side",
    "runs-tracker-to-store": "the same, from the object store's side",
    "runs-setup-out": "the Jobs that make the tracker's users call MLflow, those of Identities among them",
    "runs-setup-to-tracker": "the same, from MLflow's side",
    "score-calls-out": "the model server loads files, and its agent keeps captured requests",
    "score-calls-to-store": "the same, from the object store's side",
    "score-reads-out": "the model server asks the feature server of `reads`",
    "score-reads-to-features": "the same, from the feature server's side",
    "score-callers": "Prometheus measures; the gateway and `invokers` ask",
    "score-release": "the release Job reads and moves the route, and asks Prometheus",
    "score-internet": "an Endpoint that reads, has secrets or says `isolated=False`, on a platform that is not private",
    "retrain-steps-out": "Argo's own containers bring files of steps, and take them away",
    "retrain-steps-to-store": "the same, from the object store's side",
    "retrain-reports": "Argo's own containers report to the API server",
    "retrain-internet": "steps of a pipeline, on a platform that is not private",
    "drift-monitor-steps-out": "as those of every pipeline",
    "drift-monitor-steps-to-store": "the same, from the object store's side",
    "drift-monitor-reports": "as those of every pipeline",
    "drift-monitor-internet": "as those of every pipeline",
    "drift-monitor-measures-drift-out": "the Monitor's step sends its numbers, and no other pod does",
    "drift-monitor-measures-drift-to-metrics": "the same, from the Pushgateway's side",
    "drift-metrics": "Prometheus takes the numbers from the Pushgateway",
    "gpus-runs": "the pods of training runs reach each other, at ports that their libraries choose",
    "job-calls-out": "pods that act as the Identity reach what it reads, writes, invokes, and records in",
    "job-calls-to-runs": "the same, from the tracker's side",
    "job-calls-to-features": "the same, from the feature server's side",
    "job-calls-to-score": "the same, from the endpoint's side",
    "job-calls-to-store": "the same, from the object store's side",
    "job-trusted-to-features": "pods of trusted namespaces that carry the Identity's label",
    "job-trusted-to-runs": "as above",
    "job-trusted-to-score": "as above",
    "job-trusted-to-store": "as above",
}
"""Why each network policy is there."""


def program() -> None:
    """Make one of each noun."""
    hub = mlops.Platform(
        "churn", backend="kubernetes", existing=PARTS, secrets={"token": "hidden"}, consumers=SHOP, images=[]
    )
    store = mlops.FeatureStore("features", platform=hub, materialize={"cron": "0 * * * *"})
    features: Any = {"id": "string", "at": "timestamp"}
    group = mlops.FeatureGroup("profile", store=store, keys=["id"], event_time="at", features=features, online={})
    events: Any = {"deploy": {"to": "https://ci.example.com/hook"}}
    registry = mlops.ModelRegistry("models", platform=hub, approvers=[{"user": "lead"}], events=events, consumers=SHOP)
    model = mlops.Model("churn", registry=registry)
    score = mlops.Endpoint(
        "score",
        platform=hub,
        model=model.version(1),
        reads=[group.online],
        isolated=None,
        invokers=SHOP,
        capture_percent=10,
    )
    reads: Any = [group.online, group.as_of(days=90)]
    rows = mlops.Dataset("rows", platform=hub, retention_days=400)
    mlops.TrainingCluster("gpus", platform=hub)
    fit = mlops.train(image=IMAGE, command=["fit"], outputs=["model", "baseline"])
    retrain = mlops.Pipeline("retrain", platform=hub, steps={"fit": fit}, alerts=False)
    drift: Any = [{"kind": "data_drift"}]
    mlops.Monitor(
        "drift", endpoint=score, baseline=rows.latest(), signals=drift, on_breach={"run": retrain}, image=IMAGE
    )
    mlops.Identity(
        "job",
        platform=hub,
        reads=[*reads, rows.latest()],
        invokes=[score],
        secrets=[hub.secret("token")],
        records=[mlops.ExperimentTracker("runs", platform=hub, managed={"published": True})],
        trusts={"namespace": "shop"},
    )


@functools.cache
def made() -> Cloud:
    """Run the program, once in a process."""
    cloud = Cloud()
    cloud.run(program)
    return cloud


def tables() -> str:
    """Write the tables."""
    cloud = made()
    return "\n".join(["", *_rights(cloud), "", *_openings(cloud), ""])


def _sorted(cloud: Cloud, kind: str) -> list[Registration]:
    return sorted(cloud.all(kind), key=lambda made: str(made.inputs["metadata"]["name"]))


def _rights(cloud: Cloud) -> Iterator[str]:
    yield "| Role | Who | May | Why |"
    yield "| --- | --- | --- | --- |"
    for binding in _sorted(cloud, "RoleBinding"):
        name = binding.inputs["metadata"]["name"]
        role = next(one for one in cloud.all("Role") if one.inputs["metadata"]["name"] == name)
        who = ", ".join(f"{one['kind']} `{one['name']}`" for one in binding.inputs["subjects"])
        may = "; ".join(_right(rule) for rule in role.inputs["rules"])
        yield f"| `{name}` | {who} | {may} | {RIGHTS[name]} |"


def _right(rule: Mapping[str, Any]) -> str:
    names = " ".join(f"`{name}`" for name in rule.get("resourceNames", []))
    # What a revision is called follows from what is in it.
    own = {"inferenceservices", "deployments"} & set(rule["resources"])
    named = "the revisions" if own else names or "all"
    return f"{', '.join(rule['verbs'])} {', '.join(rule['resources'])}: {named}"


def _openings(cloud: Cloud) -> Iterator[str]:
    yield "| Network policy | Of pods | In | Out | Why |"
    yield "| --- | --- | --- | --- | --- |"
    for made in _sorted(cloud, "NetworkPolicy"):
        name, spec = made.inputs["metadata"]["name"], made.inputs["spec"]
        whose = _labels(spec.get("podSelector", {})) or "all"
        come = "<br>".join(_way(rule, "from") for rule in spec.get("ingress", [])) or "none"
        go = "<br>".join(_way(rule, "to") for rule in spec.get("egress", [])) or "none"
        yield f"| `{name}` | {whose} | {come} | {go} | {OPENINGS[name]} |"


def _way(rule: Mapping[str, Any], side: str) -> str:
    ports = ", ".join(sorted({str(int(port["port"])) for port in rule.get("ports", [])}, key=int)) or "all ports"
    return f"{', '.join(_peer(peer) for peer in rule[side])}: {ports}"


def _peer(peer: Mapping[str, Any]) -> str:
    if "ipBlock" in peer:
        beyond = peer["ipBlock"].get("except", [])
        return f"{peer['ipBlock']['cidr']}" + (f" but {len(beyond)} private or link-local ranges" if beyond else "")
    space = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
    labels = _labels(peer.get("podSelector", {}))
    return " ".join(filter(None, [labels, f"in `{space}`" if space else ""])) or "all pods here"


def _labels(selector: Mapping[str, Any]) -> str:
    labels = selector.get("matchLabels", {})
    short = {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    if labels.keys() == short:
        return f"`{labels['app.kubernetes.io/name']}` of `{labels['app.kubernetes.io/instance']}`"
    return ", ".join(f"`{key.rpartition('/')[2]}={value}`" for key, value in sorted(labels.items()))


def written(page: str) -> str:
    """Return the page with the tables of now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
