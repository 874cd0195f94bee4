"""Steps as the library makes them itself, for tests of what a backend gives to such a step."""

from pulumi_mlops.steps.work import Work


class OwnStep(Work):
    """A step whose command is a program of the library."""

    kind = "own"
    programs = ("suggest.py",)


def own(image: str) -> OwnStep:
    """Return such a step."""
    return OwnStep(image=image, command=["python3", "$(MLOPS_PROGRAMS)/suggest.py"])
