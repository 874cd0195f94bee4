"""Secrets on Kubernetes: of a platform, and what an engine keeps for a component."""

import pulumi_kubernetes as k8s
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import objects
from pulumi_mlops.backends.kubernetes.access import app_of
from pulumi_mlops.backends.kubernetes.addresses import SecretAddress
from pulumi_mlops.backends.kubernetes.objects import NAME_LIMIT, App
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.naming import physical, snake
from pulumi_mlops.core.refs import HubRef, SecretRef

SECRET_KEY = "value"  # noqa: S105 (the name of a key)
"""The key under which the value is in its Secret."""


def secret(app: App, part: str, value: Input[str]) -> k8s.core.v1.Secret:
    """Keep a value in a Secret of the platform's namespace."""
    return objects.secret(app, part, {SECRET_KEY: value}, opts=app.scope.guarded())


def keep_secret(scope: Scope, platform: HubRef, short: str, value: Input[str]) -> SecretRef:
    """Keep a value for a component; the noun in its name keeps it apart from the platform's own."""
    noun = snake(scope.component.noun, "-")
    part = physical(noun, short, limit=NAME_LIMIT - len(scope.name) - 1)
    made = secret(app_of(scope, platform, noun), part, value)
    name = Output.all(made.metadata.name, made.urn).apply(lambda known: str(known[0]))
    return SecretRef(
        name=short,
        backend=platform.backend,
        address=SecretAddress(id=name).plain(),
        native={"secret": made},
    )
