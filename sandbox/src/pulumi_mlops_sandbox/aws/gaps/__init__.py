"""What AWS refuses or does and moto does not, service by service; importing registers it."""

from pulumi_mlops_sandbox.aws.gaps import (  # noqa: F401 - importing registers
    budgets,
    compute,
    identity,
    messaging,
    monitoring,
    overrides,
    scaling,
    storage,
)
