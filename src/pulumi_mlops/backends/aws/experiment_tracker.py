"""ExperimentTracker on AWS: SageMaker's MLflow, serverless or on machines of its own.

https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow.html
"""

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import access, names
from pulumi_mlops.backends.aws.addresses import PlatformAddress, TrackerAddress
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef, ExperimentTrackerSpec
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.workload import Place

_NAME = 256
_SERVICE = "sagemaker.amazonaws.com"


def experiment_tracker(scope: Scope, spec: ExperimentTrackerSpec) -> ExperimentTrackerRef:
    """Make the role that keeps files of runs, then the app, or the server where a size is named."""
    at, experiment = PlatformAddress.of(spec.platform), spec.own.experiment or scope.name
    if spec.platform.private:
        scope.say("the platform is private, and its network has no endpoint of SageMaker's MLflow (docs/security.md)")
    artifacts = Output.format("s3://{0}/mlflow/{1}/", at.bucket, scope.name)
    who = access.identity(
        scope,
        names.in_account(scope, spec.platform.region, scope.name, "tracker"),
        spec.platform,
        _SERVICE,
        ("read", Place(artifacts)),
        ("write", Place(artifacts)),
    )
    name = scope.physical(scope.name, limit=_NAME)
    home = Output.format("https://{0}.console.aws.amazon.com/sagemaker/home?region={0}", at.region)
    made: pulumi.Resource
    arn: Output[str]
    url: Input[str]
    if spec.own.size is None:
        app = aws.sagemaker.MlflowApp(
            scope.child("app"),
            name=name,
            artifact_store_uri=artifacts,
            role_arn=who.arn,
            tags=scope.tags,
            opts=scope.guarded(),
        )
        made, arn, url = app, app.arn, home
    else:
        server = aws.sagemaker.MlflowTrackingServer(
            scope.child("server"),
            tracking_server_name=name,
            tracking_server_size=spec.own.size.capitalize(),
            artifact_store_uri=artifacts,
            role_arn=who.arn,
            tags=scope.tags,
            opts=scope.guarded(),
        )
        made, arn, url = server, server.arn, server.tracking_server_url
    native: dict[str, pulumi.Resource] = {"app" if spec.own.size is None else "server": made, "role": who.role}
    return ExperimentTrackerRef(
        name=scope.name,
        backend="aws",
        platform=spec.platform,
        engine="mlflow",
        url=url,
        project=experiment,
        # MLflow's client takes the ARN as an address where the package sagemaker-mlflow is beside it.
        environment={"MLFLOW_TRACKING_URI": arn, "MLFLOW_EXPERIMENT_NAME": experiment},
        address=TrackerAddress(arn=arn, artifacts=artifacts, serverless=spec.own.size is None).plain(),
        native=native,
    )
