"""Versions of a registry in another region: SageMaker takes files of the model's own region only, so they are copied.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from collections.abc import Iterator
from dataclasses import replace

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.backends.aws.addresses import ModelVersionAddress, PlatformAddress
from pulumi_mlops.backends.aws.image_rights import ECR
from pulumi_mlops.backends.aws.providers import far
from pulumi_mlops.components.endpoint import EndpointSpec, Variant
from pulumi_mlops.components.feature_group import FeatureView
from pulumi_mlops.components.model import ModelVersionRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.workload import Place, Workload


def copied(scope: Scope, spec: EndpointSpec, part: Variant, workload: Workload[FeatureView]) -> Workload[FeatureView]:
    """Copy the files of a version of another region into the artifact store of the endpoint's own platform."""
    version = part.model
    if not isinstance(version, ModelVersionRef) or not _in_another_region(spec.platform, version):
        return workload
    at = PlatformAddress.of(spec.platform)
    grants = tuple(grant for grant in workload.grants if grant != ("read", version))
    if version.files is None:
        return replace(workload, grants=grants, files=None)
    # Named by what it copies: the files of the version before are there until nothing serves them.
    whose = f"{version.platform.name}-{version.platform.stage}"
    key = f"copied/{scope.name}/{part.name}/{whose}/{version.name}/{version.version}/model.tar.gz"
    kept = ["key", "source"] if spec.release.owner == "registry" else None
    there = aws.s3.ObjectCopy(
        scope.child(f"{part.name}-files"),
        bucket=at.bucket,
        key=key,
        source=version.files.removeprefix("s3://"),
        server_side_encryption="aws:kms",
        kms_key_id=at.key,
        tagging_directive="REPLACE",  # tags of the source may not be readable, and say nothing here
        opts=ResourceOptions.merge(scope.opts, ResourceOptions(ignore_changes=kept)),
    )
    files = Output.format("s3://{0}/{1}", there.bucket, there.key)
    return replace(workload, grants=(*grants, ("read", Place(files))), files=files)


def _in_another_region(platform: PlatformRef, version: ModelVersionRef) -> bool:
    return not version.waiting and far(platform, version.platform)


def version_problems(field: str, spec: EndpointSpec, version: ModelVersionRef) -> Iterator[Problem]:
    """Judge a version beside the image that is to serve it, and the region."""
    if version.waiting:
        return
    other = _in_another_region(spec.platform, version)
    there = version.platform.region
    if spec.serve.image is None:
        if other:
            yield Problem(
                "serve.image",
                f"is required: {field} is a version of region {there}, and SageMaker takes images of the endpoint's "
                f"own region only; copy the image to a repository in {spec.platform.region} and name it here",
            )
        return
    if len(ModelVersionAddress.of(version).images) > 1:
        yield Problem(
            field,
            f"version {version.version} is made of several containers, and serve.image serves one; leave serve.image "
            "out, or serve the files: model={'image': …, 'artifact': …}",
        )
    elif other and version.files and version.files.endswith("/"):
        yield Problem(
            field,
            f"the files of version {version.version} are a folder of region {there}, and only an archive is copied to "
            f"another region; copy them, and write model={{'image': …, 'artifact': …}}",
        )


def region_problems(field: str, image: Input[str], platform: PlatformRef) -> Iterator[Problem]:
    """Refuse an image of another region."""
    if is_deferred(image) or platform.region is None:
        return
    found = ECR.match(str(image))
    if found and found["region"] != platform.region:
        yield Problem(
            field,
            f"is an image of region {found['region']}, and SageMaker takes images of the endpoint's own region only; "
            f"copy it to a repository in {platform.region}",
        )
