"""Operators as they are, for a cluster whose nodes are real: built from their Go modules, with their own rights."""
