"""``pulumi-mlops verify``: a small platform, once round the loop, and nothing left of it."""
