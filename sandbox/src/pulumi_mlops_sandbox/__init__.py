"""Real Pulumi on a machine with no account: the engine, control planes on localhost, thin providers before them."""
