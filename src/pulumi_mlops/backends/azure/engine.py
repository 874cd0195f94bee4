"""What this backend provides."""

from pulumi_mlops.backends.azure import providers
from pulumi_mlops.backends.azure.capabilities import CAPABILITIES
from pulumi_mlops.backends.azure.checks import misplaced, problems
from pulumi_mlops.backends.azure.endpoint import endpoint
from pulumi_mlops.backends.azure.identity import identity
from pulumi_mlops.backends.azure.model_registry import approved, model, model_registry, version
from pulumi_mlops.backends.azure.platform import platform
from pulumi_mlops.backends.azure.secrets import keep_secret
from pulumi_mlops.bridges import APART
from pulumi_mlops.components.endpoint import Endpoint
from pulumi_mlops.components.identity import Identity
from pulumi_mlops.components.model import APPROVED, VERSION, Model
from pulumi_mlops.components.model_registry import ModelRegistry
from pulumi_mlops.components.platform import Platform
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.primitives import KEEP_SECRET

ENGINE = Engine(
    provides=[
        Platform.built_by(platform),
        APART.done_by(providers.apart),
        ModelRegistry.built_by(model_registry),
        Model.built_by(model),
        APPROVED.done_by(approved),
        VERSION.done_by(version),
        Endpoint.built_by(endpoint),
        Identity.built_by(identity),
        KEEP_SECRET.done_by(keep_secret),
    ],
    capabilities=CAPABILITIES,
    problems=problems,
    package=providers.PACKAGE,
    reach=providers.reach,
    misplaced=misplaced,
)
