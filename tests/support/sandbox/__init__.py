"""Stand-ins and callers for the tests of the sandbox. Tests start some as processes, with tests/ on PYTHONPATH."""
