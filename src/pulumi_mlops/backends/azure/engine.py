"""What this backend provides."""

from pulumi_mlops.backends.azure import providers
from pulumi_mlops.backends.azure.capabilities import CAPABILITIES
from pulumi_mlops.backends.azure.checks import problems
from pulumi_mlops.backends.azure.identity import identity
from pulumi_mlops.backends.azure.platform import platform
from pulumi_mlops.backends.azure.secrets import keep_secret
from pulumi_mlops.bridges import APART
from pulumi_mlops.components.identity import Identity
from pulumi_mlops.components.platform import Platform
from pulumi_mlops.core.engines import Engine
from pulumi_mlops.core.primitives import KEEP_SECRET

ENGINE = Engine(
    provides=[
        Platform.built_by(platform),
        APART.done_by(providers.apart),
        Identity.built_by(identity),
        KEEP_SECRET.done_by(keep_secret),
    ],
    capabilities=CAPABILITIES,
    problems=problems,
    package=providers.PACKAGE,
    reach=providers.reach,
    misplaced=providers.misplaced,
)
