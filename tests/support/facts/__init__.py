"""The facts of each backend, a module each: refs that another stack would export.

Every module has ``IMAGE``, ``hub(name, **facts)``, ``HUB``, ``STORE``, ``GROUP``, ``REGISTRY`` and ``MODEL``; what only
one cloud has comes beside them.
"""
