"""A workload on AWS: one role for what it may do, and the container as SageMaker runs it."""

from typing import TYPE_CHECKING

from pulumi import Input, Output

from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress, PlatformAddress, SecretAddress
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.core.workload import Lookup, Workload, variables

if TYPE_CHECKING:
    import pulumi_aws as aws


def environment(workload: Workload[FeatureView]) -> dict[str, Input[str]]:
    """Return the variables of the container; those of the library win, and the spec refused a user's of such a name."""
    features = {view.group.name: _lookup(view) for view in workload.features}
    secrets = {key: SecretAddress.of(secret).id for key, secret in workload.secrets.items()}
    keys = {name: SecretAddress.of(secret).id for name, secret in workload.keys.items()}
    return {**workload.environment, **variables(features, secrets, workload.tracker, keys)}


def _lookup(view: FeatureView) -> Lookup:
    at = PlatformAddress.of(view.group.platform)
    server = Output.format("https://featurestore-runtime.sagemaker.{0}.{1}", at.region, at.domain)
    return Lookup(FeatureGroupAddress.of(view.group).name, server)


def container(
    workload: Workload[FeatureView], package: Input[str] | None
) -> "aws.sagemaker.ModelPrimaryContainerArgsDict":
    """Write the container: a model package, which names image and files, or an image with files."""
    found: aws.sagemaker.ModelPrimaryContainerArgsDict = {"environment": environment(workload)}
    if package is not None:
        found["model_package_name"] = package
        return found
    found["image"] = workload.image
    files = workload.files
    if isinstance(files, str):
        if folder := _folder(files):
            found["model_data_source"] = folder
        else:
            found["model_data_url"] = files
    elif files is not None:
        known = _later(files)
        found["model_data_url"], found["model_data_source"] = known.apply(_archive), known.apply(_folder)
    return found


def _later(uri: Input[str]) -> Output[str]:
    return Output.from_input(uri)


def _archive(uri: str) -> str | None:
    return None if uri.endswith("/") else uri


def _folder(uri: str) -> "aws.sagemaker.ModelPrimaryContainerModelDataSourceArgsDict | None":
    if not uri.endswith("/"):
        return None
    return {"s3_data_sources": [{"s3_uri": uri, "s3_data_type": "S3Prefix", "compression_type": "None"}]}
