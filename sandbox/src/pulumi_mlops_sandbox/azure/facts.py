"""What is so in the sandbox's Azure from the beginning: subscriptions, tenant, deployer, regions."""

import re

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
ELSEWHERE = "00000000-0000-4000-8000-000000000002"
"""The subscription of somebody else, in which names are taken."""
TENANT = "00000000-0000-4000-8000-00000000000a"
DEPLOYER = "00000000-0000-4000-8000-0000000000d0"
"""The object id of the principal that the sandbox's token names; Owner of the subscription."""
CLIENT = "00000000-0000-4000-8000-0000000000c0"
"""The application id of the same principal."""
TOKEN = "sandbox"  # noqa: S105  (what everybody may know)
EXPIRED = "expired"

# Region -> what people call it, and its pair.
REGIONS = {
    "australiaeast": ("Australia East", "australiasoutheast"),
    "brazilsouth": ("Brazil South", "southcentralus"),
    "canadacentral": ("Canada Central", "canadaeast"),
    "centralindia": ("Central India", "southindia"),
    "centralus": ("Central US", "eastus2"),
    "eastus": ("East US", "westus"),
    "eastus2": ("East US 2", "centralus"),
    "francecentral": ("France Central", "francesouth"),
    "germanywestcentral": ("Germany West Central", "germanynorth"),
    "japaneast": ("Japan East", "japanwest"),
    "koreacentral": ("Korea Central", "koreasouth"),
    "northeurope": ("North Europe", "westeurope"),
    "southcentralus": ("South Central US", "northcentralus"),
    "southeastasia": ("Southeast Asia", "eastasia"),
    "swedencentral": ("Sweden Central", "swedensouth"),
    "switzerlandnorth": ("Switzerland North", "switzerlandwest"),
    "uksouth": ("UK South", "ukwest"),
    "westeurope": ("West Europe", "northeurope"),
    "westus2": ("West US 2", "westcentralus"),
    "westus3": ("West US 3", "eastus"),
}


def region(text: str) -> str:
    """Spell a region as ids do: `West Europe` is `westeurope`."""
    return text.replace(" ", "").lower()


# Names that the other subscription holds, as long as nobody reserves more: type -> names.
TAKEN: dict[str, tuple[str, ...]] = {
    "microsoft.storage/storageaccounts": ("takenelsewhere",),
    "microsoft.keyvault/vaults": ("taken-elsewhere",),
    "microsoft.containerregistry/registries": ("takenelsewhere",),
}

# Size -> virtual CPUs, GiB of memory, GPUs. Those that Azure Machine Learning serves and trains on.
SIZES: dict[str, tuple[int, int, int]] = {
    "Standard_DS1_v2": (1, 3, 0),
    "Standard_DS2_v2": (2, 7, 0),
    "Standard_DS3_v2": (4, 14, 0),
    "Standard_DS4_v2": (8, 28, 0),
    "Standard_DS5_v2": (16, 56, 0),
    "Standard_D2as_v4": (2, 8, 0),
    "Standard_D4as_v4": (4, 16, 0),
    "Standard_D8as_v4": (8, 32, 0),
    "Standard_D2s_v3": (2, 8, 0),
    "Standard_D4s_v3": (4, 16, 0),
    "Standard_D8s_v3": (8, 32, 0),
    "Standard_D16s_v3": (16, 64, 0),
    "Standard_D2s_v5": (2, 8, 0),
    "Standard_D4s_v5": (4, 16, 0),
    "Standard_D8s_v5": (8, 32, 0),
    "Standard_E2s_v3": (2, 16, 0),
    "Standard_E4s_v3": (4, 32, 0),
    "Standard_E8s_v3": (8, 64, 0),
    "Standard_E16s_v3": (16, 128, 0),
    "Standard_E32s_v3": (32, 256, 0),
    "Standard_E64s_v3": (64, 432, 0),
    "Standard_F2s_v2": (2, 4, 0),
    "Standard_F4s_v2": (4, 8, 0),
    "Standard_F8s_v2": (8, 16, 0),
    "Standard_F16s_v2": (16, 32, 0),
    "Standard_F32s_v2": (32, 64, 0),
    "Standard_F72s_v2": (72, 144, 0),
    "Standard_NC4as_T4_v3": (4, 28, 1),
    "Standard_NC8as_T4_v3": (8, 56, 1),
    "Standard_NC16as_T4_v3": (16, 110, 1),
    "Standard_NC64as_T4_v3": (64, 440, 4),
    "Standard_NC6s_v3": (6, 112, 1),
    "Standard_NC12s_v3": (12, 224, 2),
    "Standard_NC24s_v3": (24, 448, 4),
    "Standard_NC24ads_A100_v4": (24, 220, 1),
    "Standard_NC48ads_A100_v4": (48, 440, 2),
    "Standard_NC96ads_A100_v4": (96, 880, 4),
    "Standard_NC40ads_H100_v5": (40, 320, 1),
    "Standard_NC80adis_H100_v5": (80, 640, 2),
    "Standard_ND40rs_v2": (40, 672, 8),
    "Standard_ND96asr_v4": (96, 900, 8),
    "Standard_ND96amsr_A100_v4": (96, 1900, 8),
    "Standard_ND96isr_H100_v5": (96, 1900, 8),
    "Standard_NV36ads_A10_v5": (36, 440, 1),
    "Standard_D16as_v4": (16, 64, 0),
    "Standard_D32as_v4": (32, 128, 0),
    "Standard_HC44rs": (44, 352, 0),
    "Standard_HB120rs_v3": (120, 448, 0),
}
QUOTA, SCARCE = 700, 200
"""CPUs of one family that a subscription may have in a region, and of one with GPUs or for HPC."""
LOW_PRIORITY = "LowPriorityCores"
"""What the quota of low-priority machines is called: it is one for all families."""


def family(name: str) -> str:
    """Name the family of a size, whose quota it counts against: of Standard_NC4as_T4_v3 standardNCasT4v3Family."""
    found = re.fullmatch(r"Standard_(?P<kind>[A-Z]+)\d+(?P<rest>.*)", name)
    return f"standard{found['kind']}{found['rest'].replace('_', '')}Family" if found else ""


def quotas() -> dict[str, int]:
    """Say how many CPUs of each family there may be."""
    found = {
        family(name): SCARCE if gpus or name.startswith("Standard_H") else QUOTA for name, (_, _, gpus) in SIZES.items()
    }
    return found | {LOW_PRIORITY: QUOTA}


def size(name: str) -> tuple[int, int, int] | None:
    """Find a size, however it is spelt."""
    return _SIZES.get(name.lower())


_SIZES = {name.lower(): facts for name, facts in SIZES.items()}
