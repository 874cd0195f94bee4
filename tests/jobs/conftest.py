"""What plays the cluster for the release Job."""

from support.release_job import account, clock, stage

__all__ = ["account", "clock", "stage"]
