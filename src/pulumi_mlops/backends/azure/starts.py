"""Steps that start another pipeline: what they are told of it, which is the job that runs it."""

from collections.abc import Mapping
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.azure import runs
from pulumi_mlops.backends.azure.addresses import PipelineAddress, PlatformAddress, safe
from pulumi_mlops.backends.azure.workflows import MANAGEMENT, ML
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.core.tags import own_tags, tags
from pulumi_mlops.core.workload import variable
from pulumi_mlops.steps.work import STARTS, Work, text


def told(work: Work) -> dict[str, Input[str]]:
    """Name the variables that say what ``jobs/starting.py`` has to know, as JSON."""
    return {variable(STARTS, key): _address(ref) for key, ref in work.starts.items()}


def marks(work: Work) -> dict[str, object]:
    """Say what a step starts by what a preview knows of it: a component is named after what is in it."""
    return {
        key: [ref.platform.name, ref.name, PipelineAddress.of(ref).version or PipelineAddress.of(ref).id, _tags(ref)]
        for key, ref in work.starts.items()
    }


def job(ref: PipelineRef, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Write the job that runs a pipeline, as Azure Resource Manager takes it."""
    address = PipelineAddress.of(ref)
    return runs.body(
        ref.name,
        component=address.id,
        experiment=address.experiment,
        client=address.client,
        inputs={safe(name): text(value) for name, value in {**ref.parameters, **parameters}.items()},
        tags=_tags(ref),
    )


def _tags(ref: PipelineRef) -> dict[str, str]:
    platform = ref.platform
    ours = own_tags(
        project=platform.name,
        stage=platform.stage,
        component=f"Pipeline/{ref.name}",
        owner=platform.owner,
        prefix=platform.tag_prefix,
    )
    return tags(ours, platform.tags)


def _address(ref: PipelineRef) -> Output[str]:
    known = {
        "management": MANAGEMENT,
        "api": ML,
        "workspace": PlatformAddress.of(ref.platform).workspace_id,
        "called": ref.name,
        "job": job(ref, {}),
    }
    return Output.json_dumps(known, sort_keys=True)
