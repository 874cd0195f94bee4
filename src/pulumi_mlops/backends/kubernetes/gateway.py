"""The platform's gateway: a host name for each component that is called from outside, and the route to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, custom
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.components.platform import PlatformRef

GROUP, ROUTES = "gateway.networking.k8s.io", "httproutes"
VERSION = f"{GROUP}/v1"


@dataclass(frozen=True)
class Gateway:
    """A Gateway of the cluster's, which the platform was given."""

    namespace: str
    name: str
    domain: str
    tls: bool

    @classmethod
    def of(cls, platform: PlatformRef) -> "Gateway | None":
        """Return the gateway of a platform, if it has one."""
        said = PlatformAddress.of(platform).gateway
        if not said:
            return None
        namespace, _, name = said.name.partition("/")
        return cls(namespace, name, said.domain, said.tls)

    @property
    def proxies(self) -> tuple[str, str]:
        """The namespaces in which its proxies run: its own, or that of its controller."""
        return self.namespace, OPERATORS["gateway"].namespace

    def host(self, component: str) -> str:
        """Return the host name of a component."""
        return f"{component}.{self.domain}"

    def url(self, component: str) -> str:
        """Return the address of a component."""
        return f"{'https' if self.tls else 'http'}://{self.host(component)}"

    def route(
        self,
        app: App,
        name: str,
        rules: Sequence[Fields],
        *,
        annotations: Mapping[str, str] | None = None,
        opts: ResourceOptions,
    ) -> pulumi.CustomResource:
        """Lead a component's host name to it (https://gateway-api.sigs.k8s.io/api-types/httproute/)."""
        return custom(
            app.scope.child("route"),
            VERSION,
            "HTTPRoute",
            metadata=app.metadata(name, annotations=annotations),
            spec={
                "parentRefs": [{"namespace": self.namespace, "name": self.name}],
                "hostnames": [self.host(app.scope.name)],
                "rules": list(rules),
            },
            opts=opts,
        )
