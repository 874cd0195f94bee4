"""The platform's gateway: a host name for each component that is called from outside, and the route to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import CustomTimeouts, ResourceOptions

from pulumi_mlops.backends.kubernetes import live
from pulumi_mlops.backends.kubernetes.addresses import GatewayAddress, PlatformAddress, TokensAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields, after, custom
from pulumi_mlops.backends.kubernetes.operators import OPERATORS
from pulumi_mlops.components.platform import Gateway as GatewaySpec
from pulumi_mlops.components.platform import PlatformRef, PlatformSpec
from pulumi_mlops.core.errors import MlopsError, Problem
from pulumi_mlops.core.inputs import nearest

GROUP, ROUTES = "gateway.networking.k8s.io", "httproutes"
VERSION = f"{GROUP}/v1"
_ENVOY = "gateway.envoyproxy.io/v1alpha1"
_ACCEPTED = 'jsonpath={.status.parents[*].conditions[?(@.type == "Accepted")].status}=True'
"""What a gateway says of a route that it attached; a route that none attaches is never accepted."""
_ACCEPTED_WITHIN = "5m"


@dataclass(frozen=True)
class Gateway:
    """A Gateway of the cluster's, which the platform was given."""

    namespace: str
    name: str
    domain: str
    tls: bool
    listener: str
    tokens: TokensAddress | None

    @classmethod
    def of(cls, platform: PlatformRef) -> "Gateway | None":
        """Return the gateway of a platform, if it has one."""
        said = PlatformAddress.of(platform).gateway
        if not said:
            return None
        namespace, _, name = said.name.partition("/")
        return cls(namespace, name, said.domain, said.tls, said.listener or _usual(said.tls), said.tokens)

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
        """Lead a component's host name to it, and wait until the gateway takes the route.

        https://gateway-api.sigs.k8s.io/api-types/httproute/
        """
        patience = CustomTimeouts(create=_ACCEPTED_WITHIN, update=_ACCEPTED_WITHIN)
        return custom(
            app.scope.child("route"),
            VERSION,
            "HTTPRoute",
            metadata=app.metadata(name, annotations=annotations),
            spec={
                "parentRefs": [{"namespace": self.namespace, "name": self.name, "sectionName": self.listener}],
                "hostnames": [self.host(app.scope.name)],
                "rules": list(rules),
            },
            opts=ResourceOptions.merge(opts, ResourceOptions(custom_timeouts=patience)),
            wait=_ACCEPTED,
        )

    def guard(self, app: App, name: str) -> pulumi.CustomResource | None:
        """Have the gateway ask for tokens before anything is led to a component, where the platform says so.

        https://gateway.envoyproxy.io/docs/tasks/security/jwt-authentication/
        """
        if self.tokens is None:
            app.scope.say(
                f"is open to whoever reaches listener {self.listener!r} of Gateway {self.namespace}/{self.name}; "
                "gateway={'tokens': …} of its platform has callers bring a token"
            )
            return None
        asked = {
            "name": "callers",
            "issuer": self.tokens.issuer,
            "audiences": list(self.tokens.audiences),
            "remoteJWKS": {"uri": self.tokens.keys},
        }
        return custom(
            app.scope.child("login"),
            _ENVOY,
            "SecurityPolicy",
            metadata=app.metadata(name),
            spec={
                "targetRefs": [{"group": GROUP, "kind": "HTTPRoute", "name": name}],
                "jwt": {"providers": [asked]},
            },
            opts=app.scope.opts,
        )


def guarded(opts: ResourceOptions, guard: pulumi.Resource | None) -> ResourceOptions:
    """Have a route wait for what guards it: it is never open before."""
    return opts if guard is None else after(opts, guard)


def _usual(tls: bool) -> str:
    return "https" if tls else "http"


def address(given: GatewaySpec, context: str | None) -> GatewayAddress:
    """Say what the platform's ref keeps of a gateway: the listener by its name."""
    listeners = _listeners(given, context) or []
    found = given.listener or next((one["name"] for one in listeners if _fits(one, given)), _usual(given.tls))
    tokens = TokensAddress(**given.tokens.model_dump()) if given.tokens else None
    return GatewayAddress(name=given.name, domain=given.domain, tls=given.tls, listener=found, tokens=tokens)


def problems(spec: PlatformSpec, namespace: str, context: str | None) -> Iterator[Problem]:
    """Refuse a gateway that would never take a route of the platform's, where the cluster can be asked."""
    given = spec.existing.gateway
    if given is None:
        return
    if given.name.count("/") != 1:
        yield Problem("existing.gateway.name", f"{given.name!r} must be namespace/name, such as 'gateways/public'")
        return
    if "gateway" in spec.addons:  # what is installed with the platform has no Gateway yet
        return
    listeners = _listeners(given, context)
    if listeners is not None:
        yield from _no_way_in(given, listeners, namespace)
    if given.tokens:
        kinds = live.served(context, _ENVOY)
        if kinds is not None and not any(kind["kind"] == "SecurityPolicy" for kind in kinds.get("resources", [])):
            yield Problem(
                "existing.gateway.tokens",
                f"needs Envoy Gateway, and the cluster has no SecurityPolicy in {_ENVOY}; have the owner of another "
                "implementation ask for tokens at a listener, and name that: gateway={'listener': …}",
            )


def _listeners(given: GatewaySpec, context: str | None) -> list[dict[str, Any]] | None:
    """Return the listeners of a Gateway, none where it is not there; None where nobody can be asked."""
    namespace, _, name = given.name.partition("/")
    try:
        cluster = live.cluster(context)
        found = cluster.get(f"/apis/{VERSION}/namespaces/{namespace}/gateways/{name}") if cluster else None
    except MlopsError:  # a team's account may see its own namespace only
        return None
    if cluster is None:
        return None
    return list(found["spec"]["listeners"]) if found else []


def published_problems(field: str, platform: PlatformRef) -> Iterator[Problem]:
    """Refuse to publish what no gateway leads to."""
    if not PlatformAddress.of(platform).gateway:
        yield Problem(
            field,
            "needs a gateway; write Platform(existing={'gateway': {'name': 'namespace/name', 'domain': …}}), or leave "
            "it out",
        )


def _fits(listener: Mapping[str, Any], given: GatewaySpec) -> bool:
    """Tell a listener that takes hosts of the domain by the protocol that the platform's addresses have."""
    return listener["protocol"] == ("HTTPS" if given.tls else "HTTP") and _takes(listener, given.domain)


def _takes(listener: Mapping[str, Any], domain: str) -> bool:
    host = listener.get("hostname")
    return not host or (host.startswith("*.") and f".{domain}".endswith(host[1:]))


def _no_way_in(given: GatewaySpec, listeners: Sequence[Mapping[str, Any]], namespace: str) -> Iterator[Problem]:
    names = {one["name"]: one for one in listeners}
    if not names:
        yield Problem("existing.gateway.name", f"the cluster has no Gateway {given.name}; name one that is there")
        return
    if given.listener is None:
        chosen = next((one for one in listeners if _fits(one, given)), None)
        if chosen is None:
            yield Problem(
                "existing.gateway.listener",
                f"no listener of {given.name} speaks {'HTTPS' if given.tls else 'HTTP'} for *.{given.domain}; name one "
                f"of {', '.join(sorted(names))}, or have its owner add one",
            )
            return
    elif given.listener not in names:
        yield Problem(
            "existing.gateway.listener",
            f"{given.name} has no listener {given.listener!r}{nearest(given.listener, names)}; name one of "
            f"{', '.join(sorted(names))}",
        )
        return
    else:
        chosen = names[given.listener]
        if not _takes(chosen, given.domain):
            yield Problem(
                "existing.gateway.domain",
                f"listener {given.listener!r} takes hosts of {chosen['hostname']}, and components would be at "
                f"*.{given.domain}; write a domain that it takes",
            )
    allowed = (chosen.get("allowedRoutes") or {}).get("namespaces") or {}
    if allowed.get("from", "Same") == "Same" and given.name.partition("/")[0] != namespace:
        yield Problem(
            "existing.gateway.listener",
            f"{chosen['name']!r} takes routes of its own namespace only, and the platform's is {namespace!r}; have its "
            "owner write allowedRoutes: {namespaces: {from: All}}, or a selector of this namespace",
        )
