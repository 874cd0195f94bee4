"""What starts a pipeline beside its schedule: a workflow that looks for approvals, which raise no event on Azure."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import Output
from pulumi_azure_native import logic

from pulumi_mlops.backends.azure import access, names, workflows
from pulumi_mlops.backends.azure.addresses import ModelAddress, PlatformAddress
from pulumi_mlops.backends.azure.approvals import APPROVAL, LOOKS_BACK, MINUTES
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.core.component import Scope

_SPACE = "Microsoft.MachineLearningServices/workspaces"
_STARTS = (
    f"{_SPACE}/jobs/write",
    f"{_SPACE}/jobs/read",
    f"{_SPACE}/components/versions/read",
    f"{_SPACE}/environments/versions/read",
    f"{_SPACE}/codes/versions/read",
    f"{_SPACE}/computes/read",
)
"""What starting a pipeline takes, and nothing else."""


def made(scope: Scope, spec: PipelineSpec, job: Mapping[str, Any]) -> dict[str, pulumi.Resource]:
    """Make a workflow for each model whose approvals start the pipeline, and the identity that starts it."""
    models = [one.approval for one in spec.triggers if one.approval is not None]
    if not models:
        return {}
    at = PlatformAddress.of(spec.platform)
    starter = access.managed(scope, at.group, at.location, "starter", scope.name, "starter")
    does = f"Starts pipelines, as pipeline {scope.name} is,"
    role = access.role(scope, "start", "starter", does, [at.group_id], actions=_STARTS)
    given = [
        Right("Pipeline starter", at.workspace_id, "workspace", custom=role.id, why="a job is of a workspace alone"),
        *(Right("Reader", ModelAddress.of(model).id, f"model-{model.name}") for model in models),
    ]
    assigned = access.assign(scope, starter.principal_id, at.subscription, given, part="starter")
    runs = access.known_with(starter, assigned)
    looking: dict[str, pulumi.Resource] = {
        f"trigger.{model.name}": logic.Workflow(
            scope.child(f"trigger-{model.name}"),
            workflow_name=names.inside(scope.project, scope.stage, scope.name, model.name, limit=workflows.NAME),
            resource_group_name=at.group,
            location=at.location,
            identity=workflows.identity(runs),
            state="Enabled",
            definition=_definition(scope, at, model, job, runs.id),
            tags=scope.tags,
            opts=scope.opts,
        )
        for model in models
    }
    return {"starter": starter, **looking}


def _definition(
    scope: Scope, at: PlatformAddress, model: ModelRef, job: Mapping[str, Any], who: Output[str]
) -> workflows.Action:
    """Write the workflow; a job is named after the approval, so that one that is seen twice starts one run."""
    versions = Output.format(
        "{0}{1}/versions?api-version={2}&listViewType=ActiveOnly",
        workflows.MANAGEMENT,
        ModelAddress.of(model).id,
        workflows.ML,
    )
    recent = (
        "greater(ticks(item()?['systemData']?['lastModifiedAt']), "
        f"ticks(addMinutes(trigger()?['startTime'], -{LOOKS_BACK})))"
    )
    run = f"@{{concat('{scope.name}-{model.name}-', items('each')?['name'], '-', "
    run += "ticks(items('each')?['systemData']?['lastModifiedAt']))}"
    address = Output.format("{0}{1}/jobs/{2}?api-version={3}", workflows.MANAGEMENT, at.workspace_id, run, workflows.ML)
    return workflows.definition(
        MINUTES,
        {
            "versions": workflows.call("GET", versions, who, pages=True),
            "approved": workflows.chosen(
                "@body('versions')?['value']",
                f"@and({recent}, equals(item()?['properties']?['tags']?['{APPROVAL}'], 'approved'))",
                ["versions"],
            ),
            "each": workflows.each(
                "@body('approved')",
                {"start": workflows.call("PUT", address, who, body={"properties": dict(job)})},
                ["approved"],
            ),
        },
    )
