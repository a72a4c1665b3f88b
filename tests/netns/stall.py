# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops one thread of a process, and only that: as a tracer, from outside. The daemon has nothing in
it for this that somebody else could use."""
import contextlib
import ctypes
import os
from pathlib import Path

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207  # linux/ptrace.h
WALL = 0x40000000  # linux/wait.h: threads as well
LIBC = ctypes.CDLL(None, use_errno=True)


def ptrace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")


def find_thread(pid, name):
    return next(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                if (task / "comm").read_text().strip() == name)


class Stalled:
    """A thread that stands still as long as the `with` lasts."""

    def __init__(self, pid, name):
        self.thread = find_thread(pid, name)

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.thread)
        ptrace(PTRACE_INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)
        return self

    def reap(self):
        """A thread that was killed is not gone, and its process neither, before its tracer knows."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.thread, WALL | os.WNOHANG)

    def __exit__(self, *_):
        with contextlib.suppress(OSError):  # that it was killed may be what the test is about
            ptrace(PTRACE_DETACH, self.thread)
