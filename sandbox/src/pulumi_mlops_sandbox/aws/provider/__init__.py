"""``pulumi-resource-aws``, the stand-in: translates the classic provider's resources into AWS API calls, by table."""
