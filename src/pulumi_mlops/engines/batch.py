"""How a batch inference is built on every backend: as the pipeline that it is."""

from dataclasses import replace

from pulumi_mlops.components.batch_inference import BatchInferenceRef, BatchInferenceSpec
from pulumi_mlops.components.pipeline import RUNNING
from pulumi_mlops.core import registry
from pulumi_mlops.core.component import Scope


def batch_inference(scope: Scope, spec: BatchInferenceSpec) -> BatchInferenceRef:
    """Build the pipeline; while the model has no approved version, say so and make nothing."""
    ref = BatchInferenceRef(
        name=scope.name, backend=spec.platform.backend, platform=spec.platform, status="waiting", output=spec.output
    )
    if spec.waiting:
        model = getattr(spec.model, "name", "")
        scope.say(f"waits for the first approved version of {model}; approve one, and the next up creates it")
        return ref
    made = registry.find(spec.platform.backend, RUNNING)(scope, spec.pipeline())
    return replace(ref, status="live", pipeline=replace(made, native={}), native=made.native)
