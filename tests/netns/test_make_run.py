#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make run` runs: SYNs show up at once, and however it ends, the administrator's rules are
what they were and worked all the time."""
import fcntl
import os
import pty
import re
import select
import signal
import socket
import statistics
import subprocess
import termios
import time

import lab

ADMINISTRATOR_NFT = """
table ip marks {
    counter marked { }
    chain prerouting {
        type filter hook prerouting priority mangle; policy accept;
        tcp dport 8080 meta mark set 0x17
    }
    chain input {
        type filter hook input priority 0; policy accept;
        meta mark 0x17 tcp flags & (syn | ack) == syn counter name marked
    }
}
"""
ADMINISTRATOR_IPTABLES = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 9090 -j MARK --set-xmark 0x500/0xff00
COMMIT
*nat
:OUTPUT ACCEPT [0:0]
-A OUTPUT -d 192.0.2.1/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:8080
COMMIT
"""


class Run:
    """tests/run.sh on a terminal of its own, in a network namespace with a /run of its own."""

    def __init__(self, namespace):
        self.master, slave = pty.openpty()
        # A new session whose terminal this is: Ctrl-C reaches run.sh and all that it started.
        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "unshare", "--mount", "sh", "-ec",
             "mount -t tmpfs none /run; exec tests/run.sh \"$1\"", "sh", str(lab.BUILD)],
            stdin=slave, stdout=slave, stderr=slave, cwd=lab.ROOT, preexec_fn=own_terminal)
        os.close(slave)
        self.output = ""

    def read(self, seconds):
        """More output, for at most so long; False at its end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        self.output += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode(errors="replace"))
        return bool(data)

    def expect(self, pattern, seconds):
        """Waits for a line like this; returns how long that took."""
        start = time.monotonic()
        while not re.search(pattern, self.output):
            took_s = time.monotonic() - start
            assert took_s < seconds, f"no '{pattern}' in {seconds} s: {self.output}"
            if not self.read(0.05):
                raise AssertionError(f"it ended without '{pattern}': {self.output}")
        return time.monotonic() - start

    def end(self):
        """Reads until nobody has the terminal open any more; returns the exit code."""
        end = time.monotonic() + 30
        while self.read(1):
            assert time.monotonic() < end, f"somebody goes on: {self.output}"
        return self.process.wait(timeout=20)

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.master)

    def daemon_pid(self):
        children = lab.sh("ps", "-o", "pid=,comm=", "--ppid", str(self.process.pid)).stdout
        return int(re.search(r"(\d+) synprintd", children).group(1))


def connect_and_see(run, namespace, destination, port, source):
    with lab.inside(namespace):
        conn = socket.socket(socket.AF_INET6 if ":" in destination else socket.AF_INET)
    run.output = ""
    conn.settimeout(10)
    conn.connect((destination, port))
    took_s = run.expect(rf"{re.escape(source)}\S*\s.*Linux", 5)
    conn.close()
    return took_s


def ended_by(lab_, namespace, how):
    """One whole life of `make run`; how long connections took to show up."""
    before = lab_.snapshot(namespace, stateless=True)
    run = lab_.adopt(Run(namespace))
    run.expect("Ctrl-C ends it(?s:.*)ADDRESS", 20)  # the head of the live view: it is there
    took_s = []
    for destination, port, source in (("127.0.0.1", 8080, "127.0.0.1"), ("::1", 8080, "::1"),
                                      ("192.0.2.1", 80, "192.0.2.9")):
        took_s.append(connect_and_see(run, namespace, destination, port, source))
    listed = lab_.snapshot(namespace, stateless=True)
    assert "chain divert" in listed and all(line in listed for line in before.splitlines())
    how(run)
    code = run.end()
    lab_.expect_snapshot(before, f"{how.__name__} left something behind: {run.output}",
                         stateless=True, namespace=namespace)
    return took_s, code, run.output


def by_ctrl_c(run):
    os.write(run.master, b"\x03")


def by_ctrl_backslash(run):
    os.write(run.master, b"\x1c")


def by_term(run):
    run.process.send_signal(signal.SIGTERM)


def by_hangup(run):
    run.process.send_signal(signal.SIGHUP)


def by_kill(run):
    run.process.kill()


def by_closed_terminal(run):
    os.close(run.master)
    run.master = os.open("/dev/null", os.O_RDONLY)


def by_a_dead_daemon(run):
    os.kill(run.daemon_pid(), signal.SIGKILL)


def by_a_stopped_daemon(run):
    os.kill(run.daemon_pid(), signal.SIGTERM)


def make_run(lab_):
    namespace = lab_.gateway + "r"
    lab_.add_namespace(namespace)
    with lab.inside(namespace):
        listener = socket.create_server(("::", 8080), family=socket.AF_INET6, dualstack_ipv6=True)
    lab_.ip(namespace, "addr add 192.0.2.9/32 dev lo\nroute add default dev lo")
    lab_.nft(ADMINISTRATOR_NFT, namespace=namespace)
    lab.sh("iptables-restore", "--noflush", namespace=namespace, stdin=ADMINISTRATOR_IPTABLES)
    all_s = []
    asked = (by_ctrl_c, by_ctrl_backslash, by_term, by_hangup)
    ways = (*asked, by_kill, by_closed_terminal, by_a_dead_daemon, by_a_stopped_daemon)
    for number, how in enumerate(ways):
        took_s, code, output = ended_by(lab_, namespace, how)
        all_s += took_s
        if how in asked:
            assert code == 0 and "every rule removed" in output, (how, code, output)
        elif how != by_closed_terminal:  # it has nowhere to say anything
            assert code != 0, (how, code, output)
        marked = lab.sh("nft", "list", "counter", "ip", "marks", "marked", namespace=namespace)
        # The first connection and the one that NAT redirects: iptables' NAT and nft's mark work.
        assert f"packets {2 * (number + 1)}" in marked.stdout, marked.stdout
    usual_s = statistics.median(all_s)  # any of them may meet a machine that does something else
    assert usual_s < 1, all_s
    lab.figure(f"make run: a connection shows up as Linux after {1000 * usual_s:.1f} ms, {1000 * max(all_s):.1f} at most")
    listener.close()


if __name__ == "__main__":
    lab.run(make_run)
