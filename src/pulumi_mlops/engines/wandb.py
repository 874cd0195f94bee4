"""Weights & Biases, on any backend: https://docs.wandb.ai/.

Its projects are made by the first run; what belongs to infrastructure is the key, which is kept as a secret of the
platform.
"""

from pulumi_mlops.components.experiment_tracker import ExperimentTracker, ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core.capabilities import Entry, table
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.primitives import KEEP_SECRET, keep_secret

SERVICE = "https://api.wandb.ai"
"""What programs talk to where no server is named (``WANDB_BASE_URL``)."""
PAGES = "https://wandb.ai"
"""Where people look at runs of the vendor's service."""

CAPABILITIES = table(
    {
        "experiment_tracker": Entry("native", "a project of Weights & Biases"),
        "experiment_tracker.self_hosted": Entry("native", "WANDB_BASE_URL"),
    }
)


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Keep the key, and say where runs go."""
    given = spec.wandb
    assert given is not None  # noqa: S101 (naming it is what leads here)
    key = keep_secret(scope, spec.platform, "api-key", given.api_key)
    return ExperimentTrackerRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        engine="wandb",
        url=f"{given.base_url or PAGES}/{given.entity}/{given.project}",
        server=given.base_url or SERVICE,
        entity=given.entity,
        project=given.project,
        key=key,
        native={"key": key.native["secret"]},
    )


ENGINE = Engine(
    provides=[ExperimentTracker.built_by(experiment_tracker, over=[KEEP_SECRET])],
    capabilities=CAPABILITIES,
)
