"""All rules; each stands once, with a predicate for each cloud that it covers."""

from typing import Final

from pulumi_mlops.policies.model import Rule
from pulumi_mlops.policies.rules import access, cost, data, encryption, governance, host, network, serving, supply

RULES: Final[tuple[Rule, ...]] = (
    *encryption.RULES,
    *network.RULES,
    *access.RULES,
    *host.RULES,
    *data.RULES,
    *supply.RULES,
    *serving.RULES,
    *cost.RULES,
    *governance.RULES,
)
BY_ID: Final = {rule.id: rule for rule in RULES}
