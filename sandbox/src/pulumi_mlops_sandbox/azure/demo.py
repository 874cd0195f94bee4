"""What the demonstration shows of `stacks/azure`."""

import json

from pulumi_mlops_sandbox.azure.registering import Workspace
from pulumi_mlops_sandbox.demo import Demo, only
from pulumi_mlops_sandbox.errors import SandboxError
from pulumi_mlops_sandbox.stack import Result, inventory

_MODEL, _IMAGE = "models-churn", "churn"


def show(demo: Demo, url: str) -> None:
    """Show it."""
    stack = demo.stack
    before = inventory(url)
    demo.show("up", stack.up, lambda result: set(result.counts) == {"create"}, "everything created")
    demo.show("up again", stack.up, lambda result: not result.changes, "nothing to do")
    demo.show("refresh", stack.refresh, lambda result: not result.changes, "no drift")

    stack.configure(more_features=json.dumps({"visits_7d": "integer"}))
    demo.show(
        "a feature is added",
        stack.up,
        _next_version,
        "the next version of the set; the program lets go of the one before, which stays",
    )

    workspace = Workspace.of(url, stack.outputs()["platform"])
    number = workspace.register(_MODEL, _IMAGE, auc=0.94)
    demo.show(
        "a version is registered", stack.up, lambda result: not result.changes, "the endpoint waits for an approval"
    )
    workspace.approve(_MODEL, number)
    demo.show(
        "and approved",
        stack.up,
        lambda result: "create" in result.counts and "delete" not in result.counts,
        "the endpoint appears",
    )
    stack.configure(canary_percent="20")
    demo.show("another canary", stack.up, only("update", "score"), "nothing moves before the next release")
    stack.configure(cpus="4", memory_gb="8")
    demo.show(
        "a larger machine", stack.up, _released, "a deployment beside the one that serves, and a fifth of its calls"
    )
    demo.show("destroy", stack.destroy, lambda result: set(result.counts) == {"delete"}, "everything deleted")
    # Azure keeps a deleted vault and a deleted workspace for a while, in which they can be brought back.
    left = {kind: ids for kind, ids in inventory(url).items() if ids != before.get(kind) and "softly" not in kind}
    if left:
        raise SandboxError(f"The control plane still holds {left}")
    nothing = "nothing is left, but what Azure keeps of a deleted vault and workspace for days"
    demo.rows.append(("the control plane's whole store is listed", nothing, nothing, 0.0))
    demo.once_round("azure")


def _next_version(result: Result) -> bool:
    """Whether a version of the feature set came, the one before was let go of, and nothing was replaced."""
    moved = [change.op for change in result.changes if change.type.endswith(":FeaturesetVersion")]
    return sorted(moved) == ["create", "delete"] and "replace" not in result.counts


def _released(result: Result) -> bool:
    """Whether one deployment came, one was let go of, and nothing was replaced."""
    moved = [change.op for change in result.changes if change.type.endswith(":OnlineDeployment")]
    return sorted(moved) == ["create", "delete"] and "replace" not in result.counts
