"""A second control plane with nothing in it."""

from support.sandbox.stand_in_plane import main

if __name__ == "__main__":
    main("kubernetes")
