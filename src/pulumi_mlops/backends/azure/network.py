"""A network, of the platform's own or the user's: private endpoints of the parts, and the names that lead to them.

Workloads run in the workspace's managed network, which is Azure's and reaches the same parts by endpoints of its own.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import network, privatedns

from pulumi_mlops.backends.azure import live, names
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.components.platform import ExistingNetwork, PlatformRef, PrivateNetwork
from pulumi_mlops.core import private as private_answers
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred

# https://learn.microsoft.com/azure/private-link/private-endpoint-dns
ZONES: Mapping[str, tuple[str, ...]] = {
    "amlworkspace": ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"),
    "blob": ("privatelink.blob.core.windows.net",),
    "vault": ("privatelink.vaultcore.azure.net",),
    "registry": ("privatelink.azurecr.io",),
}
"""The zones of names that lead to a kind of endpoint."""
_GROUPS = {"workspace": "amlworkspace"}
"""What a part's endpoint is for, where that is not called as the part is."""
_PREFIX = 24
_DNS = "2024-06-01"
_VIRTUAL_NETWORK, _HTTPS = 64, "443"


@dataclass(frozen=True)
class Network:
    """A virtual network, and the subnet of its private endpoints."""

    id: Output[str]
    subnet: Output[str]
    zones: Mapping[str, Output[str]]
    """Ids of the zones of names."""


def private(
    scope: Scope, wanted: PrivateNetwork, group: Input[str], location: str, native: dict[str, pulumi.Resource]
) -> Network:
    """Make a network that nothing outside of it reaches, with a subnet for private endpoints."""
    made = network.VirtualNetwork(
        scope.child("network"),
        resource_group_name=group,
        virtual_network_name=names.inside(scope.project, scope.stage, limit=_VIRTUAL_NETWORK),
        location=location,
        address_space={"address_prefixes": [wanted.cidr]},
        tags=scope.tags,
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=["subnets"])),
    )
    closed = network.NetworkSecurityGroup(
        scope.child("network-rules"),
        resource_group_name=group,
        network_security_group_name=names.inside(scope.project, scope.stage, "endpoints", limit=_VIRTUAL_NETWORK),
        location=location,
        security_rules=[
            {
                "name": "https-from-the-network",
                "priority": 100,
                "direction": "Inbound",
                "access": "Allow",
                "protocol": "Tcp",
                "source_address_prefix": "VirtualNetwork",
                "source_port_range": "*",
                "destination_address_prefix": "VirtualNetwork",
                "destination_port_range": _HTTPS,
            },
            {
                "name": "nothing-else",
                "priority": 4096,
                "direction": "Inbound",
                "access": "Deny",
                "protocol": "*",
                "source_address_prefix": "*",
                "source_port_range": "*",
                "destination_address_prefix": "*",
                "destination_port_range": "*",
            },
        ],
        tags=scope.tags,
        opts=scope.opts,
    )
    first = next(ipaddress.ip_network(wanted.cidr).subnets(new_prefix=_PREFIX))
    subnet = network.Subnet(
        scope.child("network-endpoints"),
        resource_group_name=group,
        virtual_network_name=made.name,
        subnet_name="endpoints",
        address_prefix=str(first),
        network_security_group={"id": closed.id},
        private_endpoint_network_policies="NetworkSecurityGroupEnabled",
        default_outbound_access=False,
        opts=scope.opts,
    )
    native |= {"network": made, "network.endpoints": subnet}
    zones = {zone: _zone(scope, zone, group, made.id) for kind in ZONES.values() for zone in kind}
    return Network(made.id, subnet.id, zones)


def theirs(
    scope: Scope,
    wanted: ExistingNetwork,
    given: pulumi.ProviderResource | None,
    where: tuple[str, Input[str]],
) -> Network:
    """Take the user's subnet for private endpoints. A zone that its network asks already is used: it takes no second.

    :param where: the subscription, and the resource group of zones that are made.
    """
    (subnet,) = wanted.subnets
    known = None if is_deferred(subnet) else str(subnet).rpartition("/subnets/")[0]
    there = linked(given, where[0], known, scope) if known else {}
    net = Output.from_input(subnet).apply(lambda id_: id_.rpartition("/subnets/")[0])
    zones = {
        zone: Output.from_input(there[zone]) if zone in there else _zone(scope, zone, where[1], net)
        for kind in ZONES.values()
        for zone in kind
    }
    return Network(net, Output.from_input(subnet), zones)


def linked(given: pulumi.ProviderResource | None, subscription: str, net: str, scope: Scope) -> dict[str, str]:
    """Return the zones of names that a network asks, but for those of this platform; none under mocks."""
    own = {value for key, value in scope.tags.items() if key.endswith("component")}

    def ask() -> dict[str, str]:
        found: dict[str, str] = {}
        path = f"/subscriptions/{subscription}/providers/Microsoft.Network/privateDnsZones"
        for zone in live.listed(given, "private zones of names", path, _DNS):
            carried = {value for key, value in (zone.get("tags") or {}).items() if key.endswith("component")}
            if own & carried or not any(zone["name"] in kind for kind in ZONES.values()):
                continue
            links = live.listed(given, f"links of {zone['name']}", f"{zone['id']}/virtualNetworkLinks", _DNS)
            asks = [((one.get("properties") or {}).get("virtualNetwork") or {}).get("id", "") for one in links]
            if net.lower() in [one.lower() for one in asks]:
                found[zone["name"]] = zone["id"]
        return found

    return private_answers.once(f"azure zones of {net}", ask)


def _zone(scope: Scope, zone: str, group: Input[str], net: Input[str]) -> Output[str]:
    """Make a zone of names that is asked in this network only."""
    word = zone.removeprefix("privatelink.").replace(".", "-")
    made = privatedns.PrivateZone(
        scope.child(f"names-{word}"),
        resource_group_name=group,
        private_zone_name=zone,
        location="Global",
        tags=scope.tags,
        opts=scope.opts,
    )
    link = privatedns.VirtualNetworkLink(
        scope.child(f"names-{word}-link"),
        resource_group_name=group,
        private_zone_name=made.name,
        virtual_network_link_name="platform",
        location="Global",
        virtual_network={"id": net},
        registration_enabled=False,
        tags=scope.tags,
        opts=scope.opts,
    )
    return Output.all(made.id, link.id).apply(lambda known: str(known[0]))


def doors(
    scope: Scope,
    net: Network,
    group: Input[str],
    location: Input[str],
    parts: Mapping[str, Input[str]],
    *,
    of: str = "",
) -> list[pulumi.CustomResource]:
    """Make a private endpoint for each part, and the names that lead to it.

    :param of: what the parts are of, where that is not the platform.
    """
    made = (_door(scope, net, group, location, (of, part, leads_to)) for part, leads_to in parts.items())
    return [found for several in made for found in several]


def _door(
    scope: Scope, net: Network, group: Input[str], location: Input[str], to: tuple[str, str, Input[str]]
) -> list[pulumi.CustomResource]:
    of, part, target = to
    kind = _GROUPS.get(part, part)
    endpoint = network.PrivateEndpoint(
        scope.child(f"door-{part}"),
        resource_group_name=group,
        private_endpoint_name=names.inside(scope.project, scope.stage, of, part, limit=_VIRTUAL_NETWORK),
        location=location,
        subnet={"id": net.subnet},
        private_link_service_connections=[
            {"name": part, "private_link_service_id": target, "group_ids": [kind]},
        ],
        tags=scope.tags,
        opts=scope.opts,
    )
    named = network.PrivateDnsZoneGroup(
        scope.child(f"door-{part}-names"),
        resource_group_name=group,
        private_endpoint_name=endpoint.name,
        private_dns_zone_group_name="default",
        private_dns_zone_configs=[
            {"name": zone.replace(".", "-"), "private_dns_zone_id": net.zones[zone]} for zone in ZONES[kind]
        ],
        opts=scope.opts,
    )
    return [endpoint, named]


def of_platform(scope: Scope, platform: PlatformRef, kind: str) -> Network | None:
    """Return the network of a platform with the zones of one kind of endpoint; none where it has no network.

    The zones are those that the platform made, or those that the user's network asked already.
    """
    at = PlatformAddress.of(platform)
    if at.network is None:
        return None
    there: Mapping[str, str] = {}
    if not is_deferred(at.network) and not is_deferred(at.subscription):
        there = linked(live.provider_of(platform), str(at.subscription), str(at.network), scope)
    made = "{0}/providers/Microsoft.Network/privateDnsZones/{1}"
    zones = {
        zone: Output.from_input(there[zone]) if zone in there else Output.format(made, at.group_id, zone)
        for zone in ZONES[kind]
    }
    return Network(Output.from_input(at.network), Output.from_input(at.subnets[0]), zones)
