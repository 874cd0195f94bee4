"""What each component accepts, one module a noun; written by tools/generate_interface.py."""
