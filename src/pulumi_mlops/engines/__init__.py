"""The engines of this distribution that belong to no backend, one file each. Naming one here imports nothing of it."""

from pulumi_mlops.core.registry import Entry

ENTRIES = {name: Entry(f"pulumi_mlops.engines.{name}:ENGINE") for name in ("clearml", "drift", "mlflow", "wandb")}
