"""The engines of this distribution that belong to no backend, one file each. Naming one here imports nothing of it."""

from pulumi_mlops.core.registry import Entry

_NAMES = ("clearml", "drift", "loop", "mlflow", "wandb")
ENTRIES = {name: Entry(f"pulumi_mlops.engines.{name}:ENGINE") for name in _NAMES}
