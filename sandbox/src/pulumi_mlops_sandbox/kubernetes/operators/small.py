"""Makes what is sized for a cluster fit one machine: what pods ask for is cut at admission, their limits stay."""

from typing import Any

CPU, MEMORY = "5m", "64Mi"
"""What each container asks for; less memory where it wants less."""
NAME = "small-machine"


def _requests(field: str) -> str:
    """Write the expression that gives each container of a list small requests."""
    kind = f"Object.spec.{field}"
    asks = "has(c.resources) && has(c.resources.requests) && 'memory' in c.resources.requests"
    much = f"{asks} && quantity(c.resources.requests['memory']).isGreaterThan(quantity('{MEMORY}'))"
    requests = f"({much}) ? {{'cpu': '{CPU}', 'memory': '{MEMORY}'}} : {{'cpu': '{CPU}'}}"
    return (
        f"Object{{spec: Object.spec{{{field}: object.spec.{field}.map(c, {kind}{{name: c.name, "
        f"resources: {kind}.resources{{requests: {requests}}}}})}}}}"
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
