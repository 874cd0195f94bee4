"""Whole stacks, looked at from outside and from inside."""
