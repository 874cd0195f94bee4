"""Programs that run inside the platform, in pods: one file each, the standard library only, Python 3.9 or newer."""
