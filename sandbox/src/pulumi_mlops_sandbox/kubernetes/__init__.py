"""A real Kubernetes control plane on localhost, without containers."""
