"""Pipelines are moto's; it does not look into their definition, nor at their role.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
"""

import json

from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import invalid
from pulumi_mlops_sandbox.aws.hooks import before
from pulumi_mlops_sandbox.aws.sagemaker import references


@before("sagemaker", "CreatePipeline", "UpdatePipeline")
def check(call: Call) -> None:
    """Refuse a definition that is no JSON object, and a role that SageMaker cannot assume."""
    references.require_role(call.params.get("RoleArn"))
    references.require_bucket(_address(call.params.get("PipelineDefinitionS3Location")))
    text = call.params.get("PipelineDefinition")
    if text is None:
        return
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise invalid(f"Unable to parse pipeline definition. Malformed JSON: {error}") from None
    if not isinstance(definition, dict) or not isinstance(definition.get("Steps", []), list):
        raise invalid("Unable to parse pipeline definition. It must be an object with a list of Steps")
    names = [step.get("Name") for step in definition.get("Steps", [])]
    if len(set(names)) != len(names):
        raise invalid("Unable to parse pipeline definition. Step names must be unique")


def _address(location: dict[str, str] | None) -> str | None:
    return None if location is None else f"s3://{location['Bucket']}/{location['ObjectKey']}"
