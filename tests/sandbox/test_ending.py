"""A process that the engine started ends when it is told to, however often, and when its parent is gone."""

import os
import signal
import subprocess
import sys

import psutil

STORM = """
import os, signal, threading
from pulumi_mlops_sandbox.ending import Ending

over = []
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})  # in the thread: the main one handles them

def storm():
    while not over:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)

thread = threading.Thread(target=storm)
ending = Ending()
thread.start()
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
for _ in range(300):
    ending.wait(0.01)
over.append(True)
thread.join()
print("ended")
"""
# Starts a process that waits, says which one, and is killed.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
child.wait()
"""
CHILD = "from pulumi_mlops_sandbox.ending import Ending; e = Ending(); print('waits', flush=True); e.wait(0.1)"


def test_signals_that_come_while_others_are_handled_hold_nobody_up() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ended\n"


def test_it_ends_with_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline().split()[0]))
        os.kill(parent.pid, signal.SIGKILL)
        assert psutil.wait_procs([child], timeout=20)[1] == []
