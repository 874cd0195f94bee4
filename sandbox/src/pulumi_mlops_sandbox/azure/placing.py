"""Where a resource can be: under parents that exist, in a region that exists."""

from pulumi_mlops_sandbox.azure import facts, ids
from pulumi_mlops_sandbox.azure.call import Call
from pulumi_mlops_sandbox.azure.errors import ArmError
from pulumi_mlops_sandbox.azure.facts import REGIONS, region
from pulumi_mlops_sandbox.azure.ids import Address
from pulumi_mlops_sandbox.azure.kinds import KINDS

GLOBAL = "global"


def place(call: Call) -> None:
    """Refuse a resource whose parents or location do not exist, or that would move."""
    parents(call)
    located(call)


def no_group(name: str) -> ArmError:
    """Say that a group is not there."""
    return ArmError("ResourceGroupNotFound", f"Resource group '{name}' could not be found.", 404)


def parents(call: Call) -> None:
    """Refuse what would hang in the air."""
    address = call.address
    if not address.group or address.type == ids.GROUPS:
        return
    if call.store.get(address.group_id) is None:
        raise no_group(address.group)
    parent = address.parent
    while parent.lower() != address.group_id.lower():
        here = ids.parse(parent)
        kind = KINDS.get(here.type.lower())
        if kind is None or not kind.implicit:
            missing(call, here)
        parent = here.parent


def missing(call: Call, here: Address) -> None:
    """Refuse a parent that is not there."""
    found = call.store.get(here.id)
    if found is None or found.state == "Deleting":
        raise ArmError(
            "ParentResourceNotFound",
            f"Can not perform requested operation on nested resource. Parent resource '{'/'.join(here.names)}' not "
            f"found: create {here.type} '{here.name}' first.",
            404,
        )


def located(call: Call) -> None:
    """Refuse a location that is missing, unknown, or another one than before."""
    if not call.kind.located or call.address.type == ids.SUBSCRIPTIONS:
        return
    given = call.body.get("location")
    if given is None or not isinstance(given, str) or not given:
        raise ArmError("LocationRequired", "The location property is required for this definition.", target="location")
    name = region(given)
    if name not in REGIONS and not (name == GLOBAL and call.kind.located == GLOBAL):
        raise ArmError(
            "LocationNotAvailableForResourceType",
            f"The provided location '{given}' is not available for resource type '{call.kind.type}'. List of available "
            f"regions for the resource type is '{','.join(sorted(REGIONS))}'.",
            target="location",
        )
    if call.existing is None or region(str(call.was("location") or name)) == name:
        return
    if call.address.type == ids.GROUPS:
        raise ArmError(
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{given}'. The Resource group already exists in location "
            f"'{call.was('location')}'.",
            409,
            target="location",
        )
    raise ArmError(
        "InvalidResourceLocation",
        f"The resource '{call.address.name}' already exists in location '{call.was('location')}' in resource group "
        f"'{call.address.group}'. A resource with the same name cannot be created in location '{given}'. Please select "
        "a new resource name.",
        409,
        target="location",
    )


def subscription(call_address: Address) -> None:
    """Refuse a subscription that is not the caller's to see."""
    found = call_address.subscription
    if found and found.lower() not in {facts.SUBSCRIPTION, facts.ELSEWHERE}:
        raise ArmError("SubscriptionNotFound", f"The subscription '{found}' could not be found.", 404)
