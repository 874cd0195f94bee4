"""SageMaker's operations that moto lacks or loses members of, on the own store.

Importing this package registers them; what is not registered here is moto's.
"""

from pulumi_mlops_sandbox.aws.sagemaker import (  # noqa: F401 - importing registers
    endpoint,
    endpoint_config,
    feature_group,
    feature_runtime,
    model,
    model_package,
    pipeline,
    runtime,
    tags,
)
