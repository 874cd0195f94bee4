"""ClearML, on any backend: https://clear.ml/docs/latest/docs/.

Its projects are made by the first run; what belongs to infrastructure are the two halves of its credentials, which are
kept as secrets of the platform.
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

CAPABILITIES = table(
    {
        "dataset": Entry("native", "a dataset of ClearML's for each version, which links to the platform's files"),
        "experiment_tracker": Entry("native", "a project of ClearML's"),
        "training_cluster": Entry(
            "absent",
            "an agent of ClearML's installs what each task needs as root, out of the internet, which a platform's "
            "namespace refuses; SageMaker's machines come with jobs, and Azure's run jobs of the workspace only, so "
            "that nobody stays there to ask a queue.",
            "mlops.train(…, cluster=…, tracker=…), whose runs are in ClearML; or ClearML's own chart, clearml-agent, "
            "in a namespace of its own.",
        ),
    }
)


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Keep the credentials, and say where runs go."""
    given = spec.clearml
    assert given is not None  # noqa: S101 (naming it is what leads here)
    servers = {"api": given.api, "web": given.web, "files": given.files}
    reach.warn(scope, {f"clearml.{name}": address for name, address in servers.items()})
    page = "/projects"  # a project's own page has an id that only the server knows
    return keeping.tracker(
        scope,
        spec,
        "clearml",
        url=Output.format("{0}{1}", given.web, page) if is_deferred(given.web) else f"{given.web}{page}",
        project=given.project,
        environment={
            **{f"CLEARML_{name.upper()}_HOST": address for name, address in servers.items()},
            "CLEARML_PROJECT": given.project,
        },
        keys={"CLEARML_API_ACCESS_KEY": given.access_key, "CLEARML_API_SECRET_KEY": given.secret_key},
        servers=list(dict.fromkeys(servers.values())),
    )


ENGINE = Engine(
    provides=[
        ExperimentTracker.built_by(experiment_tracker, over=[KEEP_SECRET]),
        Dataset.built_by(versions.dataset, over=[FOLDER]),
    ],
    capabilities=CAPABILITIES,
    problems=versions.problems,
)
