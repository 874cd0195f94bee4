"""A good platform on Kubernetes, of plain objects, and each way to break it."""

from typing import Any

from support.policies import Bad, Edit, edited, lost, made, unprotected, with_one, without

IMAGE = "ghcr.io/acme/churn@sha256:" + "a" * 64
LABELS = {"owner": "ml", "app.kubernetes.io/part-of": "churn"}
SAFE = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
RESOURCES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
CONTAINER = {
    "name": "main",
    "image": IMAGE,
    "securityContext": SAFE,
    "resources": RESOURCES,
    "readinessProbe": {"httpGet": {"path": "/"}},
    "env": [{"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys"}}}],
}
POD = {
    "serviceAccountName": "work",
    "nodeSelector": {"node.kubernetes.io/instance-type": "m5.large"},
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CONTAINER],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


def meta(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ml", "labels": LABELS, **more}}


GOOD = made(
    ("kubernetes:core/v1:Namespace", "namespace", {"metadata": {"name": "ml", "labels": {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}}}),
    ("kubernetes:core/v1:ResourceQuota", "quota", meta("quota")),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "deny", {**meta("deny"), "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "serves", {**meta("serves"), "spec": {"podSelector": {"matchLabels": {"app": "score"}}, "policyTypes": ["Ingress", "Egress"], "ingress": [{"from": [{"namespaceSelector": {}}]}], "egress": [{"to": [{"podSelector": {}}], "ports": [{"port": 6379}]}]}}),
    ("kubernetes:networking.k8s.io/v1:Ingress", "door", {**meta("door"), "spec": {"tls": [{"secretName": "cert"}]}}),
    ("kubernetes:core/v1:Service", "inside", {**meta("inside"), "spec": {"type": "ClusterIP"}}),
    ("kubernetes:core/v1:Secret", "keys", {**meta("keys"), "type": "Opaque"}),
    ("kubernetes:core/v1:ConfigMap", "words", {**meta("words"), "data": {"level": "info"}}),
    ("kubernetes:apps/v1:Deployment", "server", {**meta("server"), "spec": {"replicas": 2, "template": {"spec": POD}}}),
    ("kubernetes:batch/v1:Job", "job", {**meta("job"), "spec": {"activeDeadlineSeconds": 600, "ttlSecondsAfterFinished": 3600, "template": {"spec": POD}}}),
    ("kubernetes:batch/v1:CronJob", "monitor", {**meta("score-drift"), "spec": {"jobTemplate": {"spec": {"template": {"spec": {**POD, "containers": [{**CONTAINER, "args": ["--endpoint", "score"]}]}}}}}}),
    ("kubernetes:serving.kserve.io/v1beta1:InferenceService", "score", {**meta("score"), "spec": {"predictor": {"minReplicas": 2, "logger": {"mode": "all"}, "serviceAccountName": "score", "securityContext": POD["securityContext"], "model": {**CONTAINER, "storageUri": "s3://models/churn/3"}}}}),
    ("kubernetes:monitoring.coreos.com/v1:PrometheusRule", "alerts", meta("alerts")),
    ("kubernetes:core/v1:PersistentVolumeClaim", "claim", meta("claim")),
    ("kubernetes:core/v1:PersistentVolume", "volume", {"metadata": {"name": "volume"}, "spec": {"persistentVolumeReclaimPolicy": "Retain"}}),
    ("kubernetes:storage.k8s.io/v1:StorageClass", "fast", {"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com", "parameters": {"encrypted": "true"}}),
    ("kubernetes:postgresql.cnpg.io/v1:Cluster", "database", meta("database")),
    ("kubernetes:postgresql.cnpg.io/v1:ScheduledBackup", "backup", {**meta("backup"), "spec": {"cluster": {"name": "database"}}}),
    (f"{RBAC}:Role", "reads", {**meta("reads"), "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["keys"]}]}),
    (f"{RBAC}:RoleBinding", "bound", {**meta("bound"), "roleRef": {"kind": "Role", "name": "reads"}, "subjects": [{"kind": "ServiceAccount", "name": "work"}]}),
    protected=("claim", "database"),
)  # fmt: skip


def bad(rule: str, edit: Edit, on: str) -> Bad:
    return Bad(rule, "kubernetes", edit, on)


def changed(rule: str, on: str, path: str, *value: Any) -> Bad:
    return bad(rule, edited(on, path, *value), on)


C = "spec/template/spec/containers/0"
BAD = (
    changed("encryption.artifact-store", "fast", "parameters", {}),
    changed("encryption.in-transit", "door", "spec/tls"),
    changed("secrets.no-plain-values", "server", f"{C}/env/0", {"name": "API_KEY", "value": "abc"}),
    changed("secrets.no-plain-values", "words", "data/db_password", "hunter2"),
    changed("network.endpoint-private", "inside", "spec/type", "LoadBalancer"),
    bad("network.model-isolated", without("deny", "serves"), "score"),
    bad("network.default-deny", without("deny"), "namespace"),
    changed("network.no-open-door", "serves", "spec/ingress/0/from/0", {"ipBlock": {"cidr": "0.0.0.0/0"}}),
    changed("network.outbound-approved", "serves", "spec/egress/0", {}),
    changed("access.no-wildcard", "reads", "rules/0/verbs", ["*"]),
    changed("access.no-administrator", "bound", "roleRef/name", "cluster-admin"),
    changed("access.trust-named", "bound", "subjects/0/name", "system:authenticated"),
    changed("access.no-lasting-keys", "keys", "type", "kubernetes.io/service-account-token"),
    changed("access.own-identity", "server", "spec/template/spec/serviceAccountName"),
    changed("access.secrets-by-name", "reads", "rules/0/resourceNames"),
    changed("host.no-root", "server", f"{C}/securityContext/runAsNonRoot", False),
    changed("host.no-root", "score", "spec/predictor/model/securityContext/runAsNonRoot", False),
    changed("host.no-more-rights", "server", f"{C}/securityContext/capabilities"),
    changed("host.system-calls-limited", "job", "spec/template/spec/securityContext/seccompProfile"),
    changed("host.apart", "server", f"{C}/securityContext/privileged", True),
    changed("host.apart", "job", "spec/template/spec/volumes/0", {"name": "x", "hostPath": {"path": "/"}}),
    changed("host.read-only-files", "server", f"{C}/securityContext/readOnlyRootFilesystem", False),
    changed("host.resources-limited", "server", f"{C}/resources/limits"),
    changed("host.namespace-restricted", "namespace", "metadata/labels", LABELS),
    bad("data.stateful-protected", unprotected("claim"), "claim"),
    bad("data.replacement-named", lost("claim", "replace"), "claim"),
    bad("data.replacement-named", lost("namespace", "delete"), "namespace"),
    changed("data.no-force-destroy", "volume", "spec/persistentVolumeReclaimPolicy", "Delete"),
    bad("data.backed-up", without("backup"), "database"),
    bad("data.logs-kept", with_one("kubernetes:batch/v1:Job", "heap", {**meta("heap"), "spec": {"template": {"spec": POD}}}), "heap"),
    changed("supply.image-version", "server", f"{C}/image", "ghcr.io/acme/churn:latest"),
    changed("supply.image-by-digest", "server", f"{C}/image", "ghcr.io/acme/churn:3"),
    changed("supply.image-from-allowed", "server", f"{C}/image", "docker.io/somebody/churn:3"),
    changed("serving.capture-enabled", "score", "spec/predictor/logger"),
    bad("serving.monitored", without("monitor"), "score"),
    bad("serving.alarmed", without("alerts"), "score"),
    changed("serving.rollback-configured", "server", f"{C}/readinessProbe"),
    changed("serving.redundant", "score", "spec/predictor/minReplicas", 1),
    changed("serving.version-pinned", "score", "spec/predictor/model/storageUri", "s3://models/churn/latest"),
    bad("cost.budget-present", without("quota"), "namespace"),
    changed("cost.ceiling", "server", "spec/replicas", 2000),
    changed("cost.priced", "claim", "spec", {"resources": {"requests": {"storage": "10Gi"}}}),
    changed("cost.machines-allowed", "server", "spec/template/spec/nodeSelector/node.kubernetes.io~instance-type", "p5.48xlarge"),
    changed("cost.runs-end", "job", "spec/activeDeadlineSeconds"),
    changed("governance.tags-required", "namespace", "metadata/labels", {"pod-security.kubernetes.io/enforce": "restricted"}),
)  # fmt: skip
