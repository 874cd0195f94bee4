"""What a person who runs the sandbox can be told."""


class SandboxError(Exception):
    """The sandbox cannot do what was asked; the message says what is missing and the line that mends it."""
