"""Everything that registers itself in `hooks`; loaded once, before the first request."""

import importlib

MODULES = ("sagemaker", "cloudcontrol", "gaps")


def load() -> None:
    """Import what registers operations, checks and actions."""
    for module in MODULES:
        importlib.import_module(f"pulumi_mlops_sandbox.aws.{module}")
