"""Everything that registers itself in `hooks`; loaded once, before the first request."""

import importlib
import pkgutil

from pulumi_mlops_sandbox.aws import cloudcontrol, executions, gaps, sagemaker


def load() -> None:
    """Import what registers operations, checks and actions."""
    importlib.import_module(cloudcontrol.__name__)
    for package in (sagemaker, executions, gaps):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
