"""How the next step learns of an approval: a changed tag raises no event on Azure, so a workflow looks for changes.

Whoever is told gets one request for each version whose approval was changed since the last look, or twice where a look
came late.
"""

from collections.abc import Sequence
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.azure import workflows

APPROVAL = "approval"
"""The tag of a version that says whether it is approved."""
REGISTRY = "mlops-registry"
"""The tag of a model that says of which registry it is."""
MINUTES = 5
LOOKS_BACK = 6
"""Minutes of which a look knows the changes: one more than there are between two looks."""


def definition(workspace: Input[str], registry: str, on: Sequence[str], who: Input[str]) -> Any:
    """Write the workflow that tells of the versions of a registry's models."""
    models = Output.format(
        "{0}{1}/models?api-version={2}&listViewType=ActiveOnly", workflows.MANAGEMENT, workspace, workflows.ML
    )
    versions = f"@{{concat('{workflows.MANAGEMENT}', item()?['id'], '/versions?api-version={workflows.ML}')}}"
    wanted = " ".join(f"equals(item()?['properties']?['tags']?['{APPROVAL}'], '{status}')," for status in on)
    recent = (
        "greater(ticks(item()?['systemData']?['lastModifiedAt']), "
        f"ticks(addMinutes(trigger()?['startTime'], -{LOOKS_BACK})))"
    )
    told = {
        "registry": registry,
        "model": "@items('tell_of_each')?['id']",
        "approval": f"@items('tell_of_each')?['properties']?['tags']?['{APPROVAL}']",
    }
    return workflows.definition(
        workflows.every(MINUTES),
        {
            "models": workflows.call("GET", models, who, pages=True),
            "ours": workflows.chosen(
                "@body('models')?['value']",
                f"@equals(item()?['properties']?['tags']?['{REGISTRY}'], '{registry}')",
                ["models"],
            ),
            "each_model": workflows.each(
                "@body('ours')",
                {
                    "versions": workflows.call("GET", versions, who, pages=True),
                    "changed": workflows.chosen(
                        "@body('versions')?['value']",
                        f"@and({recent}, or({wanted.rstrip(',')}, false))",
                        ["versions"],
                    ),
                    "tell_of_each": workflows.each(
                        "@body('changed')",
                        {"tell": workflows.call("POST", "@parameters('to')", None, body=told, secret=True)},
                        ["changed"],
                    ),
                },
                ["ours"],
            ),
        },
        {"to": {"type": "SecureString"}},
    )
