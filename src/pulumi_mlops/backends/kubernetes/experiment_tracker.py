"""ExperimentTracker on Kubernetes: an MLflow server of its own, and a user of it for each who records."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pulumi
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, mlflow_server, outside, secrets
from pulumi_mlops.backends.kubernetes.addresses import Door, PlatformAddress, SecretAddress, TrackerAddress
from pulumi_mlops.backends.kubernetes.objects import App, after, mark_of, secret_variable
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.naming import physical, snake
from pulumi_mlops.core.refs import SecretRef

TRACKER = mlflow_server.Kind("tracker", "pulumi-mlops/tracker")
"""The server of a tracker."""
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
_USER_CHARACTERS = 60
_HTTPS = 443


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Make database and server, then a Job that makes the role by which users record."""
    platform, experiment = spec.platform, spec.own.experiment or scope.name
    app = access.app_of(scope, platform, "tracker")
    made = mlflow_server.serve(app, platform, TRACKER, _files(platform, scope.name), published=spec.own.published)
    setup, _ = mlflow_server.setup(
        app,
        "tracker-setup",
        TRACKER.of(scope.name),
        made.name,
        {"recorders": []},
        mark=mark_of(made.keys),
        opts=after(scope.opts, made.deployment, *made.let_in(app)),
    )
    ready = Output.all(made.deployment.metadata.name, setup.id).apply(lambda known: str(known[0]))
    return ExperimentTrackerRef(
        name=scope.name,
        backend="kubernetes",
        platform=platform,
        engine="mlflow",
        url=made.url,
        project=experiment,
        environment={"MLFLOW_TRACKING_URI": made.inside, "MLFLOW_EXPERIMENT_NAME": experiment},
        address=TrackerAddress(server=ready, door=made.door).plain(),
        native={**made.native, "setup": setup},
    )


def _files(platform: PlatformRef, tracker: str) -> str:
    """Return the folder of the object store with the files of runs; the registries' are beside it."""
    return f"s3://{PlatformAddress.of(platform).store.bucket}/runs/{tracker}"


@dataclass(frozen=True)
class Recorder:
    """Somebody who records, as they are known to a tracker."""

    tracker: ExperimentTrackerRef
    """The tracker with their own login, where it has users."""
    doors: list[Door]
    """Where it is reached."""
    native: dict[str, pulumi.Resource]

    @property
    def secrets(self) -> list[Input[str]]:
        """Names of the Secrets that they read."""
        return [SecretAddress.of(secret).id for secret in self.tracker.keys.values()]


def recorder(app: App, tracker: ExperimentTrackerRef) -> Recorder:
    """Let a component record: of an MLflow server of ours, as a user of its own, who is no other's."""
    address = TrackerAddress.of(tracker)
    if address.server is None or address.door is None:
        return Recorder(tracker, _beyond(tracker), {})
    scope, part = app.scope, f"record-{tracker.name}"
    user = physical(snake(scope.component.noun, "-"), scope.name, limit=_USER_CHARACTERS)
    login = secrets.secret(app, part, mlflow_server.password(app, part))
    setup, _ = mlflow_server.setup(
        app,
        part,
        TRACKER.of(tracker.name),
        address.server,
        {"recorders": [{"name": user, "password": "RECORDER"}]},
        passwords=[secret_variable("RECORDER", login.metadata.name, secrets.SECRET_KEY)],
        mark=mark_of(login),
        opts=scope.opts,
    )
    # Known when the user is there: nothing starts before it may record.
    ready = Output.all(login.metadata.name, setup.id).apply(lambda known: str(known[0]))
    key = SecretRef(name=part, backend="kubernetes", address=SecretAddress(id=ready).plain())
    named = replace(tracker, environment={**tracker.environment, USER: user}, keys={PASSWORD: key})
    return Recorder(named, [address.door], {f"record.{tracker.name}": login})


def _beyond(tracker: ExperimentTrackerRef) -> list[Door]:
    """Return the doors of an engine's servers; of an address that is not known yet, by https."""
    around = outside.Around.of(tracker.platform)
    return [
        Door(f"{tracker.name}-{index}", _HTTPS, cidrs=around.cidrs)
        if is_deferred(url)
        else outside.door(f"{tracker.name}-{index}", str(url), around)
        for index, url in enumerate(tracker.servers)
    ]


def recording_problems(field: str, tracker: ExperimentTrackerRef, platform: PlatformRef) -> Iterator[Problem]:
    """Refuse servers beyond a private platform of which nobody said where they are."""
    for url in tracker.servers if platform.private else ():
        yield from outside.named({field: url}, outside.Around.of(platform))
