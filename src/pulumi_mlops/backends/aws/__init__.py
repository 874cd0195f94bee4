"""AWS: SageMaker and what stands around it, through the classic ``pulumi_aws`` provider."""
