"""The words of Argo Workflows: how templates are named, given values, repeated, and kept locked down.

https://argo-workflows.readthedocs.io/en/latest/fields/
"""

import json
from collections.abc import Mapping, Sequence

from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes.objects import Fields, camel_case, container_security, decimal
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.steps.step import Parameter
from pulumi_mlops.steps.work import Work, text

RUN = "{{workflow.uid}}"
TMP = "/tmp/mlops"  # noqa: S108 (an emptyDir)
"""Where programs leave what Argo reads."""
GRACE_SECONDS = 120
"""How long a step that is ended may go on, to write its last checkpoint."""
_FIRST_SECONDS, _LATER = 30, 2
"""How long Argo waits before it begins a step again, and how much longer each time after that."""


def dashed(name: str) -> str:
    """Name a step as Argo takes it."""
    return name.replace("_", "-")


def claim(name: str) -> str:
    """Name the volume in which a step keeps checkpoints."""
    return f"checkpoints-{dashed(name)}"


def literal(value: Input[str]) -> Input[str]:
    """Return a text of the user's, in which Argo must find nothing to put in."""

    def judged(found: str) -> str:
        if "{{" in found:
            raise ValueError(TAG.format(found))
        return found

    return Output.from_input(value).apply(judged) if is_deferred(value) else value


TAG = "{0!r} has '{{{{', between which Argo puts values in; write it into a file of the image, or into a secret"
"""Why a text is not taken."""


def setting(value: object) -> str:
    """Write a value of a parameter; one of the pipeline's is known when a run starts."""
    return f"{{{{workflow.parameters.{value.name}}}}}" if isinstance(value, Parameter) else text(value)


def called(prefix: str, name: str) -> str:
    """Name a template of a step."""
    return f"{prefix}-{dashed(name)}"


def set_of(name: str) -> str:
    """Name the input with the value of a parameter that is searched."""
    return f"set-{name}"


def given(values: Mapping[str, str]) -> Fields:
    """Give values to what is called."""
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    return {"arguments": {"parameters": parameters}} if parameters else {}


def inputs(names: Sequence[str], artifacts: Sequence[Fields] = ()) -> Fields:
    """Say what a template takes."""
    found = {"parameters": [{"name": name} for name in names], "artifacts": list(artifacts)}
    return {"inputs": {key: value for key, value in found.items() if value}} if names or artifacts else {}


def outputs(task: str, step: Work, *, trial: bool) -> Fields:
    """Hand on what one task of a template measured."""
    names = [*(["metrics"] if step.metrics else []), *(["trial"] if trial else [])]
    parameters = [
        {"name": name, "valueFrom": {"parameter": f"{{{{tasks.{task}.outputs.parameters.{name}}}}}"}} for name in names
    ]
    return {"outputs": {"parameters": parameters}} if parameters else {}


def again(retries: int) -> Fields:
    """Say how often a step is begun again, after its program failed and after its node was taken away."""
    if not retries:
        return {}
    backoff = {"duration": f"{_FIRST_SECONDS}s", "factor": _LATER}
    return {"retryStrategy": {"limit": str(retries), "retryPolicy": "Always", "backoff": backoff}}


def variables(values: Mapping[str, Input[str]]) -> list[Fields]:
    """Write variables of a container."""
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def patched() -> str:
    """Lock Argo's own containers down, whatever its controller is told: they are in a namespace that asks for it."""
    locked = {key: value for key, value in camel_case(container_security()).items() if key != "readOnlyRootFilesystem"}
    size = camel_case({"requests": {"cpu": decimal(0.1), "memory": "128Mi"}, "limits": {"memory": "1Gi"}})
    pod = {
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "initContainers": [{"name": "init", "securityContext": locked, "resources": size}],
        "containers": [{"name": "wait", "securityContext": locked, "resources": size}],
    }
    return json.dumps(pod, sort_keys=True)
