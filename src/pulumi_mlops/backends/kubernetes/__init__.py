"""Kubernetes, self-hosted: KServe, Feast, MLflow and what stands around them, through ``pulumi_kubernetes``."""
