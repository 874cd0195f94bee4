"""Programs that run inside the platform, in pods: each one file, Python 3.9 or newer with nothing but its
standard library, unless the file says what its image holds."""
