"""The backends of this distribution, one folder each. Naming one here imports nothing of it."""

from pulumi_mlops.core.registry import Entry

ENTRIES = {
    "aws": Entry(
        "pulumi_mlops.backends.aws.engine:ENGINE",
        packages=("pulumi_aws", "boto3"),
        install="pip install 'pulumi-mlops[aws]'",
    ),
    "kubernetes": Entry(
        "pulumi_mlops.backends.kubernetes.engine:ENGINE",
        packages=("pulumi_kubernetes", "pulumi_random", "kubernetes"),
        install="pip install 'pulumi-mlops[kubernetes]'",
    ),
}
