"""What outlives a deletion under a name of ours: vaults and workspaces are kept for days, and keep their names.

In ``dev`` and ``staging`` the next platform gets other names; in ``prod`` it is refused, with the lines that help.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_mlops.backends.azure import live, names
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import Problem


@dataclass(frozen=True)
class Where:
    """Where a platform is to be, and how it is called."""

    subscription: str
    project: str
    stage: str
    location: str
    group: str

    @property
    def path(self) -> str:
        """The path of its resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def everywhere(self, limit: int, life: str = "") -> str:
        """Name what nobody else in the cloud may have."""
        return names.everywhere(self.subscription, self.project, self.stage, self.location, limit=limit, life=life)


def there(given: pulumi.ProviderResource | None, at: Where) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is in the platform's resource group, by kind and name in lower case; nothing under mocks."""

    def ask() -> dict[tuple[str, str], dict[str, Any]]:
        found = live.listed(given, f"resource group {at.group!r}", f"{at.path}/resources", live.GROUPS)
        return {(one["type"].lower(), one["name"].lower()): one for one in found}

    return {} if private.mocked() else private.once(f"azure group {at.path}", ask)


def deleted_vault(given: pulumi.ProviderResource | None, at: Where, name: str) -> dict[str, Any] | None:
    """Describe a vault of the subscription that waits for its purge, or nothing."""

    def ask() -> dict[str, dict[str, Any]]:
        where = f"/subscriptions/{at.subscription}/providers/Microsoft.KeyVault/deletedVaults"
        return {one["name"].lower(): one for one in live.listed(given, "deleted vaults", where, live.VAULTS)}

    return None if private.mocked() else private.once(f"azure deleted vaults {at.subscription}", ask).get(name)


def life(given: pulumi.ProviderResource | None, at: Where) -> str:
    """Return what tells this platform's names from those of one that was deleted; nothing for the first one.

    A vault that is there decides: it keeps its name when that of an earlier one becomes free again.
    """
    return "" if private.mocked() else private.once(f"azure life {at}", lambda: _life(given, at))


def _life(given: pulumi.ProviderResource | None, at: Where) -> str:
    here = there(given, at)
    named = {one: at.everywhere(names.VAULT, one) for one in names.LIVES}
    for one, name in named.items():
        if ("microsoft.keyvault/vaults", name) in here:
            return one
    return next((one for one, name in named.items() if deleted_vault(given, at, name) is None), "")


def unpurged(given: pulumi.ProviderResource | None, at: Where, life: str) -> bool:
    """Say whether the platform's vault is there and protected from purges, which Azure never takes back."""
    name = at.everywhere(names.VAULT, life)
    if ("microsoft.keyvault/vaults", name) not in there(given, at):
        return False
    found = live.get(given, f"vault {name!r}", f"{at.path}/providers/Microsoft.KeyVault/vaults/{name}", live.VAULTS)
    return bool(((found or {}).get("properties") or {}).get("enablePurgeProtection"))


def vault_problems(given: pulumi.ProviderResource | None, at: Where, *, protect: bool) -> Iterator[Problem]:
    """Refuse to make a production platform beside the vault of one that was deleted: its secrets are still in it."""
    if private.mocked() or not protect:
        return
    name = at.everywhere(names.VAULT)
    if ("microsoft.keyvault/vaults", name) in there(given, at) or not (found := life(given, at)):
        return
    if ("microsoft.keyvault/vaults", at.everywhere(names.VAULT, found)) in there(given, at):
        return
    kept = deleted_vault(given, at, name) or {}
    until = (kept.get("properties") or {}).get("scheduledPurgeDate", "its purge")
    yield Problem(
        "name",
        f"vault {name!r} of an earlier platform of this name was deleted, and Azure keeps it and its name until "
        f"{until}; bring it back with: az keyvault recover --name {name}, and import it, or give it up with: az "
        f"keyvault purge --name {name} (where purge protection allows it), or take another name or stage",
    )
