"""The changes of each backend, a module each, for tests/examples/test_updates.py.

Every module has ``BASE``, ``CHANGES``, ``REFUSED``, ``BESIDE`` and ``effects(old, new)``.
"""
