"""Primitives: what engines that belong to no backend are built from. Each backend does each of them once.

An engine names the primitives that a function calls, ``ExperimentTracker.built_by(build, over=[KEEP_SECRET])``, so that
a backend without one is refused before anything is registered. The platform's own parts are made by the same code.
"""

from pulumi import Input

from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Task
from pulumi_mlops.core.refs import HubRef, SecretRef

KEEP_SECRET = Task[[Scope, HubRef, str, Input[str]], SecretRef]("secret.keep", capability="platform.secrets")
"""Keep a value as a secret of a platform: encrypted, tagged, protected and deleted as its own ``secrets`` are."""

PRIMITIVES = (KEEP_SECRET,)


def keep_secret(scope: Scope, platform: HubRef, short: str, value: Input[str]) -> SecretRef:
    """Keep a value as a secret of a platform, as a child of the component.

    :param short: lower-case letters, digits and hyphens; unique within the component.
    """
    return registry.find(platform.backend, KEEP_SECRET)(scope, platform, short, value)
