"""How an endpoint's replicas follow the load, by a KEDA ScaledObject a revision."""

import pulumi
from pulumi import Input

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.health import of_variant, requests_a_minute
from pulumi_mlops.backends.kubernetes.objects import App, Fields, after, custom, decimal
from pulumi_mlops.backends.kubernetes.revision import Revision
from pulumi_mlops.components.endpoint import EndpointSpec

LONGEST_COOLDOWN_SECONDS = 1800
"""What an autoscaler of Kubernetes takes as the period of a policy."""


def scale(app: App, spec: EndpointSpec, revision: Revision, service: Input[pulumi.Resource]) -> pulumi.Resource:
    """Let KEDA count the replicas of a revision (https://keda.sh/docs/latest/reference/scaledobject-spec/).

    It counts the requests of the whole variant, whichever revision answers them: a new revision grows to the size that
    the load needs before it gets any of it, and the release job waits for that. Bounds change in place.
    """
    scaling = spec.scaling
    load = scaling.requests_per_replica
    trigger = {
        "type": "prometheus",
        "metadata": {
            "serverAddress": PlatformAddress.of(spec.platform).metrics,
            "query": requests_a_minute(revision.server, **of_variant(app, revision.variant)),
            "threshold": decimal(load or 0),
        },
    }
    return custom(
        app.scope.child(f"{revision.part(app)}-scaling"),
        "keda.sh/v1alpha1",
        "ScaledObject",
        metadata=app.metadata(revision.name),
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": revision.deployment},
            "minReplicaCount": scaling.min,
            "maxReplicaCount": scaling.max,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": _behavior(spec)}},
            "triggers": [trigger],
        },
        opts=after(app.scope.opts, service),
        wait="condition=Ready",
    )


def _behavior(spec: EndpointSpec) -> Fields:
    """Turn cooldowns into what an autoscaler of Kubernetes does at most, and how often."""
    out, back = spec.scaling.cooldown_out_seconds, spec.scaling.cooldown_in_seconds
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": _period(out)}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": back,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": _period(back)}],
        },
    }


def _period(seconds: int) -> int:
    return max(seconds, 1)
