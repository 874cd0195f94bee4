"""A real node: kubelet, containers and their network, in namespaces of their own on this machine."""
