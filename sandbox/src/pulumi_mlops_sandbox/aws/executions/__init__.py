"""Executions of SageMaker's pipelines, and the jobs that they start: each container is a process of this machine."""
