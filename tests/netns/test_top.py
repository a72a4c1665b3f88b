#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint top` on a terminal of its own: it shows rate, shares and suspects, survives a daemon that
goes and comes, small windows and a resize, and gives the terminal back on every way out."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time

import lab
import traffic

LEAVES = b"\x1b[?1049l"  # xterm's end of the full screen (terminfo: rmcup)


class Terminal:
    """A child on a pty; what it draws is kept as bytes."""

    def __init__(self, arguments, rows=24, columns=80):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execv(arguments[0], arguments)
        self.drawn = b""
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

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

    def wait_for(self, *texts):
        def is_there():
            self.read()
            return all(text.encode() in self.drawn for text in texts)
        lab.wait_until(is_there, f"the terminal shows {texts}: {self.drawn[-2000:]}", 20)

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
        lab.wait_until(has_ended, "synprint top ends", 20)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def start(lab_, daemon, **size):
    return lab_.adopt(Terminal([lab.SYNPRINT, "--socket", daemon.socket, "top"], **size))


def scan(lab_):
    lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client, check=False)


def shows_what_happens(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    top = start(lab_, daemon)
    top.wait_for("diverting", "systems", "links", "newest suspects", "q quit")
    traffic.connect(lab_.client, lab.SERVER6)
    scan(lab_)
    top.wait_for("Linux", "hping", "scanner", lab.CLIENT4, "Ethernet or modem")
    top.press("s")
    top.press("p")
    top.wait_for("[paused]")
    top.press("q")
    assert top.end() == 0
    assert LEAVES in top.drawn, "the terminal is given back"


def daemon_comes_and_goes(lab_):
    daemon = lab_.daemon().start()
    top = start(lab_, daemon)
    top.wait_for("diverting")
    daemon.stop()
    top.wait_for("does not answer")
    top.drawn = b""
    daemon.start()
    top.wait_for("diverting")
    os.kill(top.pid, signal.SIGTERM)
    assert top.end() == 0 and LEAVES in top.drawn


def small_windows(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    top = start(lab_, daemon, rows=5, columns=20)
    top.wait_for("synprintd")
    scan(lab_)
    for rows, columns in ((1, 1), (3, 200), (60, 7), (24, 80)):
        top.resize(rows, columns)
        os.kill(top.pid, signal.SIGWINCH)
        top.read(1.2)
    top.wait_for("scanner")
    top.press("\x03")
    assert top.end() == 0 and LEAVES in top.drawn


def no_terminal(lab_):
    daemon = lab_.daemon().start()
    done = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "top", check=False)
    assert done.returncode == 2 and "needs a terminal" in done.stderr, done


if __name__ == "__main__":
    lab.run(shows_what_happens, daemon_comes_and_goes, small_windows, no_terminal)
