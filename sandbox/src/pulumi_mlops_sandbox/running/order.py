"""What is done after what: as many at a time as may be, and nothing more once something has failed."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

AT_ONCE = 4
"""How many run at a time where nobody says: this is one machine."""


def in_order(
    before: Mapping[str, Collection[str]], act: Callable[[str], bool], stop: threading.Event, at_once: int = AT_ONCE
) -> bool:
    """Do each thing when all before it is done; say whether all went well."""
    done: set[str] = set()
    begun: set[str] = set()
    failed = False
    running: dict[Future[bool], str] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while True:
            for name in before if not failed and not stop.is_set() else ():
                if name not in begun and set(before[name]) <= done:
                    begun.add(name)
                    running[pool.submit(act, name)] = name
            if not running:
                return not failed and done == set(before)
            for one in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(one)
                failed = not one.result() or failed
                done.add(name)
