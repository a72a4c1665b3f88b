# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a pty of a size, and what its screen shows: pyte plays the terminal."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import lab
import pyte


class Terminal:
    def __init__(self, arguments, rows=24, columns=80, term="screen", namespace=None, **environment):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.drawn = b""
        ready, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(ready, 1)  # the size is set by then
            if namespace:
                lab.set_namespace(f"/run/netns/{namespace}")
            os.environ.update(environment, TERM=term)
            os.execv(arguments[0], arguments)
        self.resize(rows, columns)
        os.write(go, b"x")
        os.close(ready)
        os.close(go)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self, seconds=0.05):
        end = time.monotonic() + seconds
        while select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.drawn += data
            self.stream.feed(data)

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def shows(self, text):
        return any(text in line for line in self.lines())

    def wait_for(self, *texts):
        def is_there():
            self.read()
            return all(self.shows(text) for text in texts)
        try:
            lab.wait_until(is_there, f"the terminal shows {texts}", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n" + "\n".join(self.lines())) from None

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """The exit code, once it has ended by itself."""
        status = None

        def has_ended():
            nonlocal status
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return pid == self.pid
        lab.wait_until(has_ended, "the program ends", 20)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
