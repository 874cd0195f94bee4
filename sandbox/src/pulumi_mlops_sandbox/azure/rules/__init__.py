"""What services refuse beyond the shapes of bodies, one module for each family of services."""
