"""Weights & Biases, on any backend: https://docs.wandb.ai/.

Its projects are made by the first run; what belongs to infrastructure is the key, which is kept as a secret of the
platform.
"""

from pulumi import Output

from pulumi_mlops.components.dataset import FOLDER, Dataset
from pulumi_mlops.components.experiment_tracker import ExperimentTracker, ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core import reach
from pulumi_mlops.core.capabilities import Entry, table
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.primitives import KEEP_SECRET
from pulumi_mlops.engines import keeping, versions

SERVICE = "https://api.wandb.ai"
"""What programs talk to where no server is named (``WANDB_BASE_URL``)."""
PAGES = "https://wandb.ai"
"""Where people look at runs of the vendor's service."""

CAPABILITIES = table(
    {
        "dataset": Entry("native", "an artifact for each version, which refers to the platform's files"),
        "experiment_tracker": Entry("native", "a project of Weights & Biases"),
        "experiment_tracker.self_hosted": Entry("native", "WANDB_BASE_URL"),
        "pipeline.tune": Entry(
            "absent",
            "a sweep hands values to agents that ask for them, and knows neither trials that are begun again nor how "
            "many run at a time: the backend's own search chooses, and each trial is a run of the project.",
            "mlops.tune(…) of a training with tracker=…; or mlops.train(…) whose command is the agent of a sweep, "
            "['wandb', 'agent', '--count', '20', 'acme/churn/SWEEP'].",
        ),
    }
)


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Keep the key, and say where runs go."""
    given = spec.wandb
    assert given is not None  # noqa: S101 (naming it is what leads here)
    reach.warn(scope, {"wandb.base_url": given.base_url})
    pages, path = given.base_url or PAGES, f"{given.entity}/{given.project}"
    server = given.base_url or SERVICE
    return keeping.tracker(
        scope,
        spec,
        "wandb",
        url=Output.format("{0}/{1}", pages, path) if is_deferred(pages) else f"{pages}/{path}",
        project=given.project,
        environment={"WANDB_ENTITY": given.entity, "WANDB_PROJECT": given.project, "WANDB_BASE_URL": server},
        keys={"WANDB_API_KEY": given.api_key},
        servers=[server],
    )


ENGINE = Engine(
    provides=[
        ExperimentTracker.built_by(experiment_tracker, over=[KEEP_SECRET]),
        Dataset.built_by(versions.dataset, over=[FOLDER]),
    ],
    capabilities=CAPABILITIES,
    problems=versions.problems,
)
