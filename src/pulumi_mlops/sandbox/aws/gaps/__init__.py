"""What AWS refuses or does and moto does not, service by service; importing registers it."""

from pulumi_mlops.sandbox.aws.gaps import (  # noqa: F401 - importing registers
    budgets,
    compute,
    identity,
    messaging,
    monitoring,
    overrides,
    scaling,
    storage,
)
