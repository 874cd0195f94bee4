"""What engines of trackers have in common: keys as secrets of the platform, and the ref that names them."""

from collections.abc import Mapping, Sequence

from pulumi import Input

from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.primitives import keep_secret


def tracker(
    scope: Scope,
    spec: ExperimentTrackerSpec,
    engine: str,
    *,
    url: Input[str],
    project: str,
    environment: Mapping[str, Input[str] | None],
    keys: Mapping[str, Input[str] | None],
    servers: Sequence[Input[str]],
) -> ExperimentTrackerRef:
    """Keep the keys that are given, and say where runs go.

    :param environment: variables that are no secrets; None where one is not to be set.
    :param keys: values by the variable that is to have each; None where none is given.
    """
    for server in servers if spec.platform.private else ():
        where = "addresses that are known later" if is_deferred(server) else server
        scope.say(f"the platform is private: what records has to be let out of its network to {where}")
    kept = {
        name: keep_secret(scope, spec.platform, name.lower().replace("_", "-"), value)
        for name, value in keys.items()
        if value is not None
    }
    return ExperimentTrackerRef(
        name=scope.name,
        backend=spec.platform.backend,
        platform=spec.platform,
        engine=engine,
        url=url,
        project=project,
        environment={name: value for name, value in environment.items() if value is not None},
        keys=kept,
        servers=list(servers),
        native={f"key.{name}": secret.native["secret"] for name, secret in kept.items()},
    )
