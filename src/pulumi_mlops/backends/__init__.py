"""The backends of this distribution, one folder each. Naming one here imports nothing of it."""

from pulumi_mlops.core.registry import Entry

ENTRIES = {
    "aws": Entry(
        "pulumi_mlops.backends.aws.engine:ENGINE",
        packages=("pulumi_aws", "boto3"),
        install="pip install 'pulumi-mlops[aws]'",
    ),
    "azure": Entry(
        "pulumi_mlops.backends.azure.engine:ENGINE",
        packages=("pulumi_azure_native", "azure.identity", "azure.core"),
        install="pip install 'pulumi-mlops[azure]'",
    ),
    "kubernetes": Entry(
        "pulumi_mlops.backends.kubernetes.engine:ENGINE",
        packages=("pulumi_kubernetes", "pulumi_random", "kubernetes"),
        install="pip install 'pulumi-mlops[kubernetes]'",
    ),
}
