"""Where images come from, and that they stay what they were."""

from collections.abc import Callable, Iterator

from pulumi_mlops.policies.model import Predicate, Problem, Rule, on
from pulumi_mlops.policies.predicates import equals
from pulumi_mlops.policies.resources import Part, Resource
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import containers, pods
from pulumi_mlops.policies.settings import Settings

ENVIRONMENT = f"{kinds.AZURE_ML}EnvironmentVersion"
MUTABLE = ("latest", "stable", "main", "master", "dev", "edge", "nightly")


def _images(resource: Resource) -> Iterator[tuple[str, str]]:
    """Find the images of a resource, and where they stand."""
    if resource.type == kinds.MODEL:
        parts: list[tuple[Part, str]] = [
            (each, "image") for each in [resource.part("primaryContainer"), *resource.each("containers")]
        ]
    elif resource.type == ENVIRONMENT:
        parts = [(resource.part("properties"), "image")]
    else:
        parts = [(each, "image") for pod in pods(resource) for each in containers(pod)]
    for part, key in parts:
        if image := part.get(key):
            yield part.at(key), str(image)


def _each_image(bad: Callable[[str, Settings], bool], said: str, fix: str) -> Predicate:
    def predicate(resource: Resource, settings: Settings) -> Iterator[Problem]:
        for path, image in _images(resource):
            if bad(image, settings):
                yield Problem(path, f"is {image}, {said}", fix)

    return predicate


def _tag(image: str) -> str:
    """Name the tag of an image; empty where it has a digest."""
    if "@" in image:
        return ""
    return image.rpartition("/")[2].partition(":")[2] or "latest"


RUNS = (kinds.MODEL, ENVIRONMENT, kinds.WORKLOADS)
_moves = _each_image(lambda image, _: _tag(image) in MUTABLE, "which moves", "a version or a digest")
_by_digest = _each_image(lambda image, _: "@sha256:" not in image, "without a digest", "IMAGE@sha256:…")
_from_allowed = _each_image(
    lambda image, settings: bool(settings.registries) and not image.startswith(settings.registries),
    "which is from no registry that is allowed",
    "an image of an allowed registry",
)

RULES = (
    Rule(
        "supply.image-version",
        "An image is a version",
        "medium",
        "What moves is another program tomorrow, and nobody saw the change.",
        ("checkov CKV_K8S_14",),
        tuple(on(kind, _moves) for kind in RUNS),
    ),
    Rule(
        "supply.image-by-digest",
        "An image is named by its digest",
        "medium",
        "A tag can be pushed again; a digest is the image.",
        ("checkov CKV_K8S_43", "SLSA: immutable references"),
        tuple(on(kind, _by_digest) for kind in RUNS),
    ),
    Rule(
        "supply.image-from-allowed",
        "An image is from a registry that is allowed",
        "medium",
        "Others put what they like under a name that looks right.",
        ("AWS Security Hub SageMaker.16", "CIS Kubernetes 1.11: 5.5.1", "Azure Policy 5853517a"),
        tuple(on(kind, _from_allowed) for kind in RUNS),
    ),
    Rule(
        "supply.images-scanned",
        "Images are scanned as they come",
        "medium",
        "A base image is a year old before anybody looks.",
        ("AWS Security Hub ECR.1", "checkov CKV_AWS_163"),
        (on(kinds.REPOSITORY, equals("imageScanningConfiguration.scanOnPush", True)),),
    ),
    Rule(
        "supply.tags-fixed",
        "A tag is pushed once",
        "medium",
        "What was tested under it is what runs under it.",
        ("AWS Security Hub ECR.2", "checkov CKV_AWS_51"),
        (on(kinds.REPOSITORY, equals("imageTagMutability", "IMMUTABLE")),),
    ),
)
