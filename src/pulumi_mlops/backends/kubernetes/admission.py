"""What an account may make, where rights alone would let it make anything of a kind: admission policies.

A right to create says nothing of what is created. Whoever makes a Workflow or a TrainJob chooses what runs in a
namespace, and as which of its accounts; so each account that may is held to what its component declares
(https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from pulumi_mlops.backends.kubernetes.objects import NAME_LIMIT, App
from pulumi_mlops.core.naming import physical


def held(
    app: App, part: str, kind: tuple[str, str, str], verbs: Sequence[str], rules: Mapping[str, str]
) -> list[pulumi.Resource]:
    """Hold the account of a part to rules about what it makes or deletes of a kind.

    :param kind: group, version and plural.
    :param rules: expressions of CEL that must hold, by what is said where one does not.
    """
    group, version, plural = kind
    # It has no namespace: the platform's is in the name, before a dot, which no other name has.
    name = physical(f"{app.namespace}.{app.scope.name}", part, limit=NAME_LIMIT)
    metadata: Any = {key: value for key, value in app.metadata(name).items() if key != "namespace"}
    here: Any = {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": app.namespace}}}
    whose = f"request.userInfo.username == 'system:serviceaccount:{app.namespace}:{app.name(part)}'"
    policy = k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
        app.scope.child(f"admission-{part}"),
        metadata=metadata,
        spec={
            "failure_policy": "Fail",
            "match_constraints": {
                "resource_rules": [
                    {
                        "api_groups": [group],
                        "api_versions": [version],
                        "operations": list(verbs),
                        "resources": [plural],
                    }
                ],
            },
            "match_conditions": [{"name": "whose", "expression": whose}],
            "validations": [{"expression": rule, "message": said} for said, rule in rules.items()],
        },
        opts=app.scope.opts,
    )
    binding = k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
        app.scope.child(f"admitted-{part}"),
        metadata=metadata,
        spec={
            "policy_name": policy.metadata.name,
            "validation_actions": ["Deny"],
            "match_resources": here,
        },
        opts=app.scope.opts,
    )
    return [policy, binding]
