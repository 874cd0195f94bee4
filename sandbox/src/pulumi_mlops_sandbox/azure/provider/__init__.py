"""The stand-in for Pulumi's ``azure-native`` provider: Azure Resource Manager over HTTP, table-driven."""
