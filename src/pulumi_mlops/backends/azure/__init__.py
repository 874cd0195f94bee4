"""Azure: Machine Learning and what stands around it, through ``pulumi_azure_native``."""
