"""SageMaker hosting instances, as facts: what each has, and the smallest that fits a wish."""

from collections.abc import Sequence

from pulumi_mlops.core import compute as machines
from pulumi_mlops.core.compute import Compute, Machine


class Instance(Machine):
    """One instance type (https://aws.amazon.com/sagemaker/pricing/, https://aws.amazon.com/ec2/instance-types/)."""

    @property
    def has_local_disk(self) -> bool:
        """Whether storage is a disk in the machine, encrypted by its hardware: SageMaker then refuses a key for it."""
        return family(self.name) in LOCAL_DISK


def family(name: str) -> str:
    """Return the family of an instance type: of ``ml.g5.xlarge`` it is ``g5``."""
    return name.split(".")[1] if name.count(".") > 1 else ""


LOCAL_DISK = frozenset(
    [
        "m5d",
        "c5d",
        "r5d",
        "m6gd",
        "c6gd",
        "r6gd",
        "r7gd",
        "g4dn",
        "g5",
        "g6",
        "g6e",
        "g7",
        "g7e",
        "p4d",
        "p4de",
        "p5",
        "p5e",
        "p5en",
        "p6-b200",
        "p6-b300",
        "p6e-gb200",
        "trn1",
        "trn1n",
        "trn2",
        "dl1",
    ]
)
NETWORK_DISK = frozenset(
    [
        "t2",
        "m4",
        "m5",
        "c4",
        "c5",
        "r5",
        "p2",
        "p3",
        "inf1",
        "inf2",
        "c6i",
        "m6i",
        "r6i",
        "c6in",
        "c6g",
        "m6g",
        "r6g",
        "c6gn",
        "c7g",
        "m7i",
        "c7i",
        "r7i",
        "m8g",
        "c8g",
        "r8g",
    ]
)
"""The families with disks in the machine, and those without: each that SageMaker has is in one of the two."""
_SIZES = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "9xlarge": 36,
    "12xlarge": 48,
    "18xlarge": 72,
    "24xlarge": 96,
}


def _family(name: str, memory_per_cpu: int, sizes: str) -> list[Instance]:
    return [Instance(f"ml.{name}.{size}", _SIZES[size], _SIZES[size] * memory_per_cpu) for size in sizes.split()]


def _g(name: str, model: str, memory_per_cpu: int) -> list[Instance]:
    rows = [
        ("xlarge", 4, 1),
        ("2xlarge", 8, 1),
        ("4xlarge", 16, 1),
        ("8xlarge", 32, 1),
        ("16xlarge", 64, 1),
        ("12xlarge", 48, 4),
        ("24xlarge", 96, 4),
        ("48xlarge", 192, 8),
    ]
    return [Instance(f"ml.{name}.{size}", cpus, cpus * memory_per_cpu, model, count) for size, cpus, count in rows]


INSTANCES = [
    *_family("c5", 2, "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge"),
    *_family("m5", 4, "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"),
    *_family("r5", 8, "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"),
    Instance("ml.g4dn.xlarge", 4, 16, "T4", 1),
    Instance("ml.g4dn.2xlarge", 8, 32, "T4", 1),
    Instance("ml.g4dn.4xlarge", 16, 64, "T4", 1),
    Instance("ml.g4dn.8xlarge", 32, 128, "T4", 1),
    Instance("ml.g4dn.16xlarge", 64, 256, "T4", 1),
    Instance("ml.g4dn.12xlarge", 48, 192, "T4", 4),
    *_g("g5", "A10G", 4),
    *_g("g6", "L4", 4),
    *_g("g6e", "L40S", 8),
    Instance("ml.p3.2xlarge", 8, 61, "V100", 1),
    Instance("ml.p3.8xlarge", 32, 244, "V100", 4),
    Instance("ml.p3.16xlarge", 64, 488, "V100", 8),
    Instance("ml.p4d.24xlarge", 96, 1152, "A100", 8),
    Instance("ml.p5.4xlarge", 16, 256, "H100", 1),
    Instance("ml.p5.48xlarge", 192, 2048, "H100", 8),
    Instance("ml.p5e.48xlarge", 192, 2048, "H200", 8),
    Instance("ml.inf2.xlarge", 4, 16, "Inferentia2", 1),
    Instance("ml.inf2.8xlarge", 32, 128, "Inferentia2", 1),
    Instance("ml.inf2.24xlarge", 96, 384, "Inferentia2", 6),
    Instance("ml.inf2.48xlarge", 192, 768, "Inferentia2", 12),
]
TRAINERS = [
    Instance("ml.c5n.9xlarge", 36, 96),
    Instance("ml.c5n.18xlarge", 72, 192),
    *(Instance(f"ml.{name}.32xlarge", 128, 128 * memory) for name, memory in (("c6i", 2), ("m6i", 4), ("r6i", 8))),
    Instance("ml.p4de.24xlarge", 96, 1152, "A100", 8),
    Instance("ml.p5en.48xlarge", 192, 2048, "H200", 8),
    Instance("ml.trn1.2xlarge", 8, 32, "Trainium", 1),
    Instance("ml.trn1.32xlarge", 128, 512, "Trainium", 16),
    Instance("ml.trn1n.32xlarge", 128, 512, "Trainium", 16),
    Instance("ml.trn2.48xlarge", 192, 2048, "Trainium2", 16),
]
"""Further ones, which only train."""
_FABRIC_SIZES = {
    "c5n": "9xlarge 18xlarge",
    "c6i": "32xlarge",
    "m6i": "32xlarge",
    "r6i": "32xlarge",
    "g4dn": "8xlarge 12xlarge 16xlarge",
    **dict.fromkeys(("g5", "g6", "g6e"), "8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"),
    **dict.fromkeys(("p3dn", "p4d", "p4de"), "24xlarge"),
    "p5": "4xlarge 48xlarge",
    **dict.fromkeys(("p5e", "p5en", "p6-b200", "p6-b300"), "48xlarge"),
    "trn1": "32xlarge",
    "trn1n": "32xlarge",
    "trn2": "48xlarge",
}
FABRIC = frozenset(f"ml.{name}.{size}" for name, sizes in _FABRIC_SIZES.items() for size in sizes.split())
"""Those with an Elastic Fabric Adapter (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html#efa-instance-types)."""
ACCELERATORS = sorted({instance.accelerator for instance in INSTANCES if instance.accelerator})


def counts(model: str, among: Sequence[Instance] = INSTANCES) -> list[int]:
    """Return how many accelerators of a model a machine has, from the smallest."""
    return machines.counts(among, model)


def pick(compute: Compute, among: Sequence[Instance] = INSTANCES) -> Instance | None:
    """Return the pinned instance, else the smallest that fits, else nothing."""
    if compute.pin and (name := compute.pin.get("aws")):
        return next((one for one in (*INSTANCES, *TRAINERS) if one.name == name), Instance(name, 0, 0))
    return machines.smallest(among, compute)
