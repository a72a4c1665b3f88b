#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint top` on a terminal of its own: it shows rate, shares and suspects, survives a daemon that
goes and comes, small windows and a resize, and gives the terminal back on every way out."""
import os
import signal

import lab
import terminal
import traffic

LEAVES = b"\x1b[?1049l"  # xterm's end of the full screen (terminfo: rmcup)


def start(lab_, daemon, **size):
    return lab_.adopt(terminal.Terminal([lab.SYNPRINT, "--socket", daemon.socket, "top"], **size))


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
    daemon.start()
    top.wait_for("diverting")
    os.kill(top.pid, signal.SIGTERM)
    assert top.end() == 0 and LEAVES in top.drawn


def small_windows(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    top = start(lab_, daemon, rows=5, columns=20)
    lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it hears of clients")
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
    lab.run((shows_what_happens, daemon_comes_and_goes, small_windows), no_terminal)
