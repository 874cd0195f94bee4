"""Endpoint on Kubernetes."""

from collections.abc import Iterator

from pulumi_mlops.backends.base import Scope
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.errors import Problem
from pulumi_mlops.refs import EndpointRef


def endpoint(scope: Scope, spec: EndpointSpec) -> EndpointRef:
    """Build an endpoint."""
    raise NotImplementedError


def endpoint_problems(name: str, spec: EndpointSpec) -> Iterator[Problem]:
    """Judge an endpoint."""
    yield from ()
