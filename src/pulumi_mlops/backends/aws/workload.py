"""A workload on AWS: one role for what it may do, and the container as SageMaker runs it."""

import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws.addresses import FeatureGroupAddress, ModelVersionAddress, PlatformAddress, SecretAddress
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.core.workload import Lookup, Workload, variables


def environment(workload: Workload[FeatureView], at: PlatformAddress) -> dict[str, Input[str]]:
    """Return the variables of the container; those of the library win, and the spec refused a user's of such a name."""
    server = Output.format("https://featurestore-runtime.sagemaker.{0}.{1}", at.region, at.domain)
    features = {view.group.name: Lookup(FeatureGroupAddress.of(view.group).name, server) for view in workload.features}
    secrets = {key: SecretAddress.of(secret).id for key, secret in workload.secrets.items()}
    return {**workload.environment, **variables(features, secrets)}


def container(
    workload: Workload[FeatureView], version: ModelVersionRef | None, at: PlatformAddress
) -> aws.sagemaker.ModelPrimaryContainerArgsDict:
    """Write the container: of a version in the registry, which names image and files, or of an image with files.

    An image of the user's serves the files of a version; the rest of its package has no effect then.
    """
    found: aws.sagemaker.ModelPrimaryContainerArgsDict = {"environment": environment(workload, at)}
    if version is not None and workload.image is None:
        found["model_package_name"] = ModelVersionAddress.of(version).arn
        return found
    found["image"] = workload.image
    files = workload.files if version is None else next(iter(ModelVersionAddress.of(version).files), None)
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


def _folder(uri: str) -> aws.sagemaker.ModelPrimaryContainerModelDataSourceArgsDict | None:
    if not uri.endswith("/"):
        return None
    return {"s3_data_sources": [{"s3_uri": uri, "s3_data_type": "S3Prefix", "compression_type": "None"}]}
