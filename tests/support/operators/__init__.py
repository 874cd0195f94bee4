"""KServe as it is, in the sandbox's cluster."""
