"""Programs that run inside the platform, in pods: each one file, the standard library only, Python 3.9 or newer."""
