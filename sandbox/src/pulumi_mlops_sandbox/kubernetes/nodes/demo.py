"""What the demonstration shows where pods run: a model, once round the loop."""

from pulumi_mlops_sandbox.demo import Demo
from pulumi_mlops_sandbox.kubernetes.operators import running


def show(demo: Demo, url: str) -> None:
    """Show it."""
    del url
    running.install(demo.stack.sandbox, ["loop"])
    demo.once_round("kubernetes")
