"""What tests on a real cluster share: a project of a program, commands in pods, what is left."""

import time
from pathlib import Path
from typing import Any

from kubernetes import client

from pulumi_mlops_sandbox.environment import Sandbox
from pulumi_mlops_sandbox.kubernetes import forwarding
from pulumi_mlops_sandbox.stack import Stack
from support.e2e.inside import Cluster
from support.waiting import until

WITHIN = 660.0


def project(sandbox: Sandbox, folder: Path, name: str, program: str) -> Stack:
    """Write a project of one program down."""
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / "__main__.py").write_text(program)
    return Stack(sandbox, folder)


def told(cluster: Cluster, space: str, *arguments: str) -> str:
    """Run kubectl in a namespace."""
    return forwarding.told(cluster.kubeconfig, space, *arguments, lacking=" ".join(arguments), within=WITHIN)


def inside(cluster: Cluster, space: str, what: str, container: str, *command: str) -> str:
    """Run a command in a container; return what it printed."""
    return told(cluster, space, "exec", what, "--container", container, "--", *command)


def left(cluster: Cluster, space: str) -> list[str]:
    """Name what is left of a platform: its namespace, volumes that were claimed in it, objects beside it."""
    core: Any = client.CoreV1Api(cluster.api)
    rights: Any = client.RbacAuthorizationV1Api(cluster.api)
    volumes = core.list_persistent_volume().items
    found = [one.metadata.name for one in core.list_namespace().items if one.metadata.name == space]
    found += [one.metadata.name for one in volumes if one.spec.claim_ref and one.spec.claim_ref.namespace == space]
    beside = [*rights.list_cluster_role().items, *rights.list_cluster_role_binding().items]
    return found + [one.metadata.name for one in beside if space in one.metadata.name]


def nothing_is_left(cluster: Cluster, space: str) -> None:
    """Wait until nothing of a platform is left: volumes go a little after those who claimed them."""
    until(lambda: left(cluster, space) == [], f"nothing of {space} is left")


def timed(said: str, began: float) -> str:
    """Write how long something took, for the figures."""
    return f"{said}: {time.monotonic() - began:.0f} s"
