"""What the demonstration shows of `stacks/kubernetes`."""

import json

from pulumi_mlops_sandbox.demo import Demo, only
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.kubernetes.registry import serving
from pulumi_mlops_sandbox.stack import Result, inventory


def show(demo: Demo, url: str) -> None:
    """Show it."""
    stack = demo.stack
    before = inventory(url)
    with serving(stack.sandbox) as registry:
        demo.show("up", stack.up, lambda result: set(result.counts) == {"create"}, "everything created")
        demo.show("up again", stack.up, lambda result: not result.changes, "nothing to do")
        demo.show("refresh", stack.refresh, lambda result: not result.changes, "no drift")

        stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
        demo.show(
            "a feature is added",
            stack.up,
            lambda result: (
                {change.name for change in result.changes} == {"profile", "profile-definition", "profile-apply"}
            ),
            "another Job applies it; stores and server stay",
        )
        number = registry.register("churn", auc=0.94)
        demo.show(
            "a version is registered", stack.up, lambda result: not result.changes, "the endpoint waits for an approval"
        )
        registry.approve("churn", number)
        demo.show(
            "and approved",
            stack.up,
            lambda result: "create" in result.counts and "delete" not in result.counts,
            "the endpoint appears",
        )
        stack.configure(canary_percent="20")
        demo.show("another canary", stack.up, only("update", "score", "score-release"), "one setting of the release")
        stack.configure(cpus="4", memory_gb="8")
        demo.show(
            "a larger machine", stack.up, _released, "a new revision beside the old one, a release, the old one goes"
        )
        stack.configure(quota=json.dumps({"cpus": 40, "memory_gb": 80}))
        demo.show("another quota", stack.up, only("update", "churn", "churn-quota"), "the quota is updated in place")
        demo.show("destroy", stack.destroy, lambda result: set(result.counts) == {"delete"}, "everything deleted")
    left = {kind: names for kind, names in inventory(url).items() if names != before.get(kind)}
    if left:
        raise SandboxError(f"The cluster still holds {left}")
    nothing = "nothing is left"
    demo.rows.append(("every object of every kind is listed", nothing, nothing, 0.0))


def _released(result: Result) -> bool:
    """Whether one revision came, one went, and nothing else was replaced."""
    moved = [change.op for change in result.changes if change.type.endswith(":InferenceService")]
    return sorted(moved) == ["create", "delete"] and "replace" not in result.counts
