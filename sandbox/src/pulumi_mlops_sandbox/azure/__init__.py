"""Azure Resource Manager on this machine."""
