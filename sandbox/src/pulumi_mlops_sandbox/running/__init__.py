"""What runs in an emulated cloud: containers as processes, where something stands in for their image."""
