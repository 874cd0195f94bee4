"""What a platform has cost on AWS: its budget counts it (https://docs.aws.amazon.com/cost-management/)."""

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.asking import asking
from pulumi_mlops.clients.lineage import Known, Unknown
from pulumi_mlops.clients.spending import Spent
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.naming import physical

LONGEST = 100
"""Characters of a budget's name."""


def spent(platform: PlatformRef) -> Known[Spent]:
    """Read the budget of a platform, which is named after its region as well, unless that is where names have none."""
    account = str(PlatformAddress.of(platform).account)
    parts = [(platform.region,), ()] if platform.region else [()]
    with asking(f"the budget of platform {platform.name!r}"):
        budgets = live.client(platform, "budgets")
        for part in parts:
            name = physical(platform.name, platform.stage, *part, limit=LONGEST)
            try:
                found = budgets.describe_budget(AccountId=account, BudgetName=name)["Budget"]
            except budgets.exceptions.NotFoundException:
                continue
            counted, limit = (found.get("CalculatedSpend") or {}).get("ActualSpend"), found.get("BudgetLimit")
            if not counted or not limit:
                return Unknown(f"AWS has not said yet what budget {name} counts")
            return Spent(
                amount=float(counted["Amount"]),
                currency=counted["Unit"],
                budget=float(limit["Amount"]),
                of=f"what is tagged {platform.tag_prefix}project={platform.name} in account {account}",
            )
    return Unknown("the platform has no budget, which is what counts on AWS; write monthly_budget=… in Platform(…)")
