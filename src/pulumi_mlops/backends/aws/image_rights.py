"""Rights to pull images, out of repositories of ECR."""

import re

from pulumi_mlops.backends.aws.addresses import PlatformAddress
from pulumi_mlops.backends.aws.policy import Late, Statement, allow
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import Image

PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
_LOGIN = ["ecr:GetAuthorizationToken"]  # takes no resource
ECR = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.")
"""How the address of an image begins that is in a repository of ECR."""
_REPOSITORY = re.compile(ECR.pattern + r"[a-z.-]+/(?P<name>[^:@]+)([:@].*)?")


def _repository(image: str, partition: str) -> str | None:
    """Return the repository that an image is pulled from; None for one outside of ECR."""
    found = _REPOSITORY.fullmatch(image)
    if found is None:
        return None
    return f"arn:{partition}:ecr:{found['region']}:{found['account']}:repository/{found['name']}"


def pull_image(image: Image, here: PlatformRef) -> list[Statement]:
    """Allow to pull an image; one outside of ECR asks for nothing."""
    parts = (image.address, PlatformAddress.of(here).partition)
    login = Late(lambda *of: "*" if _repository(*of) else None, parts)
    return [allow(PULL, Late(_repository, parts)), allow(_LOGIN, login)]


def pull_any(at: PlatformAddress) -> list[Statement]:
    """Allow to pull any image of a platform."""
    return [allow(PULL, list(at.repositories.values())), allow(_LOGIN, "*")] if at.repositories else []
