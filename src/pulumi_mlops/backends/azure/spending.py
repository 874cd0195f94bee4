"""What a platform has cost on Azure: its budget counts it.

https://learn.microsoft.com/rest/api/consumption/budgets/get
"""

from pulumi_mlops.backends.azure import live, names
from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.clients.lineage import Known, Unknown
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.platform import PlatformRef

_BUDGETS = "2023-11-01"


def spent(platform: PlatformRef) -> Known[Spent]:
    """Read the budget of a platform's resource group."""
    address = PlatformAddress.of(platform)
    name = names.inside(platform.name, platform.stage, limit=names.BUDGET)
    group = f"/subscriptions/{address.subscription}/resourceGroups/{address.group}"
    path = f"{group}/providers/Microsoft.Consumption/budgets/{name}"
    found = live.get(live.provider_of(platform), f"the budget of platform {platform.name!r}", path, _BUDGETS)
    if found is None:
        return Unknown(
            "the platform has no budget, which is what counts on Azure; write monthly_budget=… in Platform(…)"
        )
    properties = found["properties"]
    counted = properties.get("currentSpend")
    if not counted:
        return Unknown(f"Azure has not said yet what budget {name} counts")
    return Spent(
        amount=float(counted["amount"]),
        currency=str(counted["unit"]),
        budget=float(properties["amount"]),
        of=f"resource group {address.group}" + (" by the platform's tag" if properties.get("filter") else ""),
    )
