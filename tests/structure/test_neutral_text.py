"""The neutral layers name no cloud and nothing that belongs to one: not in code, not in a docstring, not in a comment.

What a backend makes of an argument stands in that backend's notes. ``args/`` is put together from both, and is exempt.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "pulumi_mlops"
FOLDERS = ("core", "components", "steps")
FILES = sorted([PACKAGE / "bridges.py", *(path for folder in FOLDERS for path in (PACKAGE / folder).rglob("*.py"))])

PARTS_OF_WORDS = [
    "amazon",
    "azure",
    "boto",
    "clearml",
    "cloudwatch",
    "configmap",
    "dynamodb",
    "eventbridge",
    "fargate",
    "gcloud",
    "hyperpod",
    "inferenceservice",
    "kserve",
    "kubeconfig",
    "kubectl",
    "kubernetes",
    "kueue",
    "labelstudio",
    "mlflow",
    "mlserver",
    "networkpolicy",
    "sagemaker",
    "secretsmanager",
    "valkey",
    "vertexai",
    "wandb",
]
"""Words that are found inside of others too, such as ``KubernetesPlatform`` or ``sagemaker_role``."""
WHOLE_WORDS = [
    "aks",
    "argo",
    "arn",
    "arns",
    "aws",
    "configmaps",
    "crd",
    "ecr",
    "eks",
    "feast",
    "gcp",
    "gke",
    "glue",
    "google",
    "helm",
    "httproute",
    "iam",
    "istio",
    "k8s",
    "keda",
    "kms",
    "microsoft",
    "pod",
    "pods",
    "postgres",
    "postgresql",
    "prometheus",
    "rbac",
    "redis",
    "s3",
    "sns",
    "sqs",
    "vpc",
]
"""Words that are parts of harmless ones (``warned`` holds ``arn``)."""

ALLOWED = {
    ("components/platform.py", "s3"): "a protocol that many servers speak: a platform can be given one of them",
    ("components/platform.py", "postgres"): "a server that a platform can be given",
    ("components/platform.py", "prometheus"): "a server that a platform can be given",
    ("components/experiment_tracker.py", "wandb"): "the argument by which a user names the engine, and its settings",
    ("components/experiment_tracker.py", "mlflow"): "as above",
    ("components/experiment_tracker.py", "clearml"): "as above",
    ("components/dataset.py", "wandb"): "as above: the argument by which a user names the engine",
    ("components/dataset.py", "clearml"): "as above",
}
"""Names of protocols and of parts that a user has already, each with the reason why it may stand in its place."""


def words(text: str) -> list[str]:
    """Split a text into words, identifiers into their parts: ``AwsRole`` and ``aws_role`` hold ``aws``."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", text)
    return re.findall(r"[a-z0-9]+", parts.lower())


def named(text: str) -> Iterator[str]:
    """Yield each name of a cloud, or of a part of one, in a text."""
    lower = text.lower().replace("_", "")
    yield from (word for word in PARTS_OF_WORDS if word in lower)
    yield from (word for word in WHOLE_WORDS if word in words(text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_neutral_file_names_no_cloud(path: Path) -> None:
    here = path.relative_to(PACKAGE).as_posix()
    found = [
        f"{here}:{number}: {word}"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in named(line)
        if (here, word) not in ALLOWED
    ]
    assert found == []


def test_each_exception_is_in_use() -> None:
    for place, word in ALLOWED:
        assert word in list(named((PACKAGE / place).read_text())), f"{word} is not in {place} any more"


@pytest.mark.parametrize(
    "line",
    [
        '"""Its ARN."""',
        "account: str  # of AWS",
        "class KubernetesDoor:",
        "sagemaker_role = 1",
        "AzureMl()",
        'url = "s3://models/churn"',
        '"""Pods of the namespace."""',
    ],
)
def test_a_name_is_found(line: str) -> None:
    assert list(named(line))


@pytest.mark.parametrize("line", ["warnings = learned", "postpone = podium", "earlier, feasting, glued", "name: str"])
def test_a_harmless_word_is_not(line: str) -> None:
    assert not list(named(line))
