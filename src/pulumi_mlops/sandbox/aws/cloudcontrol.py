"""Cloud Control."""
