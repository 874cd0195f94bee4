"""Makes what is sized for a cluster fit two cores: CPU requests are cut at admission, limits and memory stay."""

from typing import Any

REQUESTED = "5m"
NAME = "small-machine"


def _requests(field: str) -> str:
    """Write the expression that gives each container of a list a small request."""
    kind = f"Object.spec.{field}"
    return (
        f"Object{{spec: Object.spec{{{field}: object.spec.{field}.map(c, {kind}{{name: c.name, "
        f'resources: {kind}.resources{{requests: {{"cpu": "{REQUESTED}"}}}}}})}}}}'
    )


POLICY: tuple[dict[str, Any], ...] = (
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "IfNeeded",
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ]
            },
            "mutations": [
                {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": _requests("containers")}},
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {
                        "expression": f"has(object.spec.initContainers) ? {_requests('initContainers')} : Object{{}}"
                    },
                },
            ],
        },
    },
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME},
    },
)
