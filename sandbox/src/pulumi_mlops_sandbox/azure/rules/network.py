"""Networks, private endpoints and their names."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from pulumi_mlops_sandbox.azure import facts, ids
from pulumi_mlops_sandbox.azure.call import Call, effect, on_delete, rule
from pulumi_mlops_sandbox.azure.errors import ArmError, Problem
from pulumi_mlops_sandbox.azure.store import Record

NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = f"{NETWORKS}/subnets"
LINKS = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
ENDPOINTS = "Microsoft.Network/privateEndpoints"
ML = "Microsoft.MachineLearningServices"
# What a private endpoint can lead to: type -> its parts.
PARTS = {
    "microsoft.storage/storageaccounts": ("blob", "blob_secondary", "file", "queue", "table", "dfs", "web"),
    "microsoft.keyvault/vaults": ("vault",),
    "microsoft.containerregistry/registries": ("registry",),
    "microsoft.machinelearningservices/workspaces": ("amlworkspace",),
    "microsoft.machinelearningservices/registries": ("amlregistry",),
    "microsoft.eventgrid/topics": ("topic",),
}
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def _ranges(values: Any, path: str, found: list[Range]) -> Iterator[Problem]:
    for value in values or []:
        try:
            found.append(ipaddress.ip_network(str(value)))
        except ValueError as error:
            yield Problem(path, f"'{value}' is no range: {error}", "InvalidCIDRNotation")


def _of_subnet(body: dict[str, Any]) -> list[Any]:
    asked = body.get("properties") or {}
    return [*([asked["addressPrefix"]] if asked.get("addressPrefix") else []), *(asked.get("addressPrefixes") or [])]


@rule(NETWORKS)
def network(call: Call) -> Iterator[Problem]:
    """Refuse ranges that are none, and subnets outside of them or over each other."""
    whole: list[Range] = []
    yield from _ranges(
        call.at("properties.addressSpace.addressPrefixes"), "properties.addressSpace.addressPrefixes", whole
    )
    if not whole:
        yield Problem("properties.addressSpace.addressPrefixes", "needs a range")
        return
    seen: list[Range] = []
    for number, subnet in enumerate(call.properties.get("subnets") or []):
        yield from _fitting(_of_subnet(subnet), whole, seen, f"properties.subnets[{number}].properties.addressPrefix")


@rule(SUBNETS)
def subnet(call: Call) -> Iterator[Problem]:
    """Refuse a range outside of the network, or over that of another subnet."""
    owner = call.store.get(call.address.parent)
    whole: list[Range] = []
    if owner is not None:
        list(_ranges(owner.at("properties.addressSpace.addressPrefixes"), "", whole))
    seen: list[Range] = []
    for other in call.store.of_type(SUBNETS, call.address.parent):
        if other.key != call.address.key:
            list(_ranges(_of_subnet(other.body), "", seen))
    yield from _fitting(_of_subnet(call.body), whole, seen, "properties.addressPrefix")


def _fitting(values: list[Any], whole: list[Range], seen: list[Range], path: str) -> Iterator[Problem]:
    if not values:
        yield Problem(path, "is required and missing")
    found: list[Range] = []
    yield from _ranges(values, path, found)
    for one in found:
        if not any(one.version == outer.version and one.subnet_of(outer) for outer in whole):  # type: ignore[arg-type]
            yield Problem(path, f"{one} is not inside of the network's ranges", "NetcfgInvalidSubnet")
        clash = next((other for other in seen if one.overlaps(other)), None)
        if clash is not None:
            yield Problem(path, f"{one} overlaps {clash} of another subnet", "NetcfgInvalidSubnet")
        seen.append(one)


@effect(NETWORKS)
def subnets_inside(call: Call, record: Record) -> None:
    """Have the subnets that a network's body lists; without a list those that there are stay."""
    listed = record.properties.get("subnets")
    if listed is None:
        return
    wanted = {}
    for one in listed:
        identity = f"{record.id}/subnets/{one.get('name')}"
        wanted[identity.lower()] = Record(
            identity, SUBNETS, str(one.get("name")), {"properties": one.get("properties", {})}
        )
    for other in list(call.store.of_type(SUBNETS, record.id)):
        if other.key not in wanted:
            _unused(call, other.id)
            call.store.remove(other.id)
    for subnet_record in wanted.values():
        subnet_record.own = True  # it goes with the network
        call.store.put(subnet_record)


@rule(ENDPOINTS)
def private_endpoint(call: Call) -> Iterator[Problem]:
    """Refuse connections to what has no private links, or not this one."""
    asked = call.properties
    names = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
    both = [(name, one) for name in names for one in asked.get(name) or []]
    if not both:
        yield Problem("properties.privateLinkServiceConnections", "needs a connection")
    if not (asked.get("subnet") or {}).get("id"):
        yield Problem("properties.subnet.id", "is required and missing")
    yield from _in_its_region(call)
    for name, one in both:
        said, path = one.get("properties") or {}, f"properties.{name}"
        target = str(said.get("privateLinkServiceId", ""))
        parts = PARTS.get(ids.parse(target).type.lower()) if target.startswith("/subscriptions/") else None
        if parts is None:
            yield Problem(
                f"{path}.privateLinkServiceId", f"'{target}' has no private links", "PrivateLinkServiceNotFound"
            )
            continue
        for group in said.get("groupIds") or [""]:
            if group not in parts:
                yield Problem(f"{path}.groupIds", f"'{group}' is none of {', '.join(parts)}", "InvalidGroupId")
        record = call.store.get(target)
        registry = record is not None and record.type == "Microsoft.ContainerRegistry/registries"
        if record is not None and registry and record.at("sku.name") != "Premium":
            yield Problem(f"{path}.privateLinkServiceId", f"the registry '{record.name}' needs sku.name Premium")


def _in_its_region(call: Call) -> Iterator[Problem]:
    """Refuse an endpoint in another region than its network's."""
    subnet = str(call.at("properties.subnet.id") or "")
    network = call.store.get(subnet.rpartition("/subnets/")[0]) if "/subnets/" in subnet else None
    if network is not None:
        here, there = (facts.region(str(body.get("location", ""))) for body in (call.body, network.body))
        if here != there:
            said = f"the network of the subnet is in '{there}', and the endpoint in '{here}'"
            yield Problem("location", said, "InvalidResourceReference")


@rule(LINKS)
def asked_once(call: Call) -> None:
    """Refuse to have a network ask two zones of one name."""
    network = str(call.at("properties.virtualNetwork.id") or "").lower()
    zone = ids.parse(call.address.parent)
    for other in call.store.of_type(LINKS):
        held = ids.parse(ids.parse(other.id).parent)
        same = held.name.lower() == zone.name.lower() and held.id.lower() != zone.id.lower()
        if same and str(other.at("properties.virtualNetwork.id", "")).lower() == network:
            raise ArmError(
                "BadRequest",
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link "
                f"virtual network with '{zone.name}' and '{held.name}' zones.",
            )


@on_delete(SUBNETS, NETWORKS, "Microsoft.Network/networkSecurityGroups")
def in_use(call: Call) -> None:
    """Refuse to delete what something is in."""
    _unused(call, call.address.id)


def _unused(call: Call, identity: str) -> None:
    for record in call.store.records.values():
        if ids.within(record.id, call.address.id) or not record.type.startswith(("Microsoft.Network", ML)):
            continue
        held = [record.at("properties.subnet.id"), record.at("properties.properties.subnet.id")]
        held += [record.at("properties.networkSecurityGroup.id")]
        if any(one and ids.within(str(one), identity) for one in held):
            kind = identity.rsplit("/", 2)[-2]
            code = {"subnets": "InUseSubnetCannotBeDeleted", "virtualNetworks": "InUseSubnetCannotBeDeleted"}.get(kind)
            raise ArmError(
                code or "InUseNetworkSecurityGroupCannotBeDeleted",
                f"'{identity}' is in use by '{record.id}' and cannot be deleted. Delete that first.",
            )


@on_delete("Microsoft.Network/privateDnsZones")
def zone_in_use(call: Call) -> None:
    """Refuse to delete a zone that is linked to networks."""
    for link in call.store.of_type("Microsoft.Network/privateDnsZones/virtualNetworkLinks", call.address.id):
        if link.state != "Deleting":
            raise ArmError(
                "CannotDeleteResource",
                f"Can not delete resource before nested resources are deleted: the zone is linked by '{link.name}'.",
                409,
            )
