"""Jobs of Azure Machine Learning that run pipelines: each command is a process of this machine."""
