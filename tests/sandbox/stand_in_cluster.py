"""A second control plane with nothing in it."""

from stand_in_plane import main

if __name__ == "__main__":
    main("kubernetes")
