"""Ends a process that was forked from a loaded one, in no time."""

import atexit
import gc
import io
import os
import sys
import threading
from contextlib import suppress

WRITTEN = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
"""Files that may hold what is not written yet."""


def leave(code: int) -> None:
    """End with an exit code, to everybody outside as an interpreter ends.

    That would take all modules apart, which a fork has to copy for it: a third of a second and eighty megabytes,
    several times for each ``pulumi`` command. Returns where only the interpreter knows how: its streams cannot be
    written.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001  (waits for threads; it has no other name)
    atexit._run_exitfuncs()  # noqa: SLF001  (as above)
    for stream in gc.get_objects():
        if type(stream) in WRITTEN:
            with suppress(ValueError, OSError):  # closed, or nobody reads it any more
                stream.flush()
    os._exit(code & 0xFF)
