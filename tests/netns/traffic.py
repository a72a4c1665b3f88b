# SPDX-License-Identifier: GPL-2.0-or-later
"""Real TCP connections: a server that answers each with one byte, and a client that opens them at
a steady rate and knows afterwards how each of them fared. Both are processes of their own, so
that a scenario can do other things meanwhile."""
import contextlib
import errno
import json
import mmap
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path

import lab

GREETING = b"k"
MOST_OPEN = 10000  # connections; each is a file
GIVE_UP_S = 40  # longer than five retransmissions of a SYN
STARTED, ENDED, STOP = range(3)  # numbers in shared memory
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h: connect() takes the next port, where bind() takes one by chance


class Child:
    """A forked process in a namespace, and some numbers shared with it."""

    def __init__(self, namespace):
        self.shared = mmap.mmap(-1, 24)
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.close(reader)
                lab.set_namespace(f"/run/netns/{namespace}")
                self.main(writer)
                code = 0
            finally:
                os._exit(code)
        os.close(writer)
        self.pipe = os.fdopen(reader)

    def get(self, index):
        return struct.unpack_from("Q", self.shared, 8 * index)[0]

    def set(self, index, value):
        struct.pack_into("Q", self.shared, 8 * index, value)

    def close(self):
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pid = 0


class Server(Child):
    def __init__(self, namespace, port=lab.PORT):
        self.port = port
        super().__init__(namespace)
        self.pipe.readline()  # it listens

    def main(self, writer):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", self.port))
        listener.listen(16384)
        os.write(writer, b"\n")
        while True:
            conn, _ = listener.accept()
            with contextlib.suppress(OSError):
                conn.send(GREETING)
            conn.close()


class Load(Child):
    """Connections at a steady rate, IPv4 and IPv6 in turn, each from the next of `sources`
    addresses; `count` of them, or until stop(). A machine that needs patience has fewer a second."""

    def __init__(self, namespace, rate, count=None, sources=100, versions=(4, 6)):
        self.rate, self.count = rate / lab.PATIENCE, count
        self.sources, self.versions = sources, versions
        super().__init__(namespace)

    def open(self, number):
        version = self.versions[number % len(self.versions)]
        source = 1 + number // len(self.versions) % self.sources
        conn = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6,
                             socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        conn.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        conn.bind((lab.source4(source) if version == 4 else lab.source6(source), 0))
        code = conn.connect_ex((lab.SERVER4 if version == 4 else lab.SERVER6, lab.PORT))
        if code != errno.EINPROGRESS:
            raise OSError(code, os.strerror(code))
        return conn

    def start_due(self):
        """Of those that are due, and what a slow machine has not come to for more than a second is not made up for."""
        due = int((time.monotonic() - self.began) * self.rate) + 1
        self.began += max(0, due - self.started - self.rate) / self.rate
        while self.started < min(due, self.count or due) and not self.is_stopped() and len(self.conns) < MOST_OPEN:
            try:
                conn = self.open(self.started)
            except OSError as error:
                self.fail(self.started, error)
            else:
                self.conns[conn.fileno()] = [conn, self.started, time.monotonic(), None]
                self.poll.register(conn, select.EPOLLOUT)
            self.started += 1
        self.set(STARTED, self.started)

    def is_stopped(self):
        return self.get(STOP) or (self.count and self.started >= self.count)

    def fail(self, number, error):
        self.failures.append(f"connection {number}: {error}")

    def end(self, fd):
        self.poll.unregister(fd)
        self.conns.pop(fd)[0].close()
        self.ended += 1
        self.set(ENDED, self.ended)

    def handle(self, fd):
        conn, number, since, connected = self.conns[fd]
        try:
            error = conn.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            if connected is None:
                self.most_again = max(self.most_again, sent_again(conn))
                self.conns[fd][3] = time.monotonic()
                self.times_ms.append((self.conns[fd][3] - since) * 1000)
                self.poll.modify(fd, select.EPOLLIN)
                return
            if conn.recv(16) != GREETING:
                raise OSError("closed without a greeting")
            self.succeeded += 1
        except OSError as problem:
            self.fail(number, problem)
        self.end(fd)

    def give_up(self):
        now = time.monotonic()
        for fd, (_, number, since, _) in list(self.conns.items()):
            if now - since > GIVE_UP_S:
                self.fail(number, f"no connection after {GIVE_UP_S} s")
                self.end(fd)

    def main(self, writer):
        self.poll, self.conns = select.epoll(), {}
        self.started = self.ended = self.succeeded = 0
        self.failures, self.times_ms, self.most_again = [], [], 0
        self.began, retransmissions = time.monotonic(), syn_retransmissions()
        while self.conns or not self.is_stopped():
            self.start_due()
            for fd, _ in self.poll.poll(min(0.005, 0.5 / self.rate)):
                self.handle(fd)
            self.give_up()
        result = {"started": self.started, "succeeded": self.succeeded,
                  "failures": self.failures[:5], "failed": len(self.failures),
                  "longest_ms": max(self.times_ms, default=0), "most_again": self.most_again,
                  "retransmissions": syn_retransmissions() - retransmissions}
        os.write(writer, json.dumps(result).encode())

    def wait_for(self, count):
        """Until so many connections have ended."""
        lab.wait_until(lambda: self.get(ENDED) >= count, f"{count} connections have ended", 120)

    def started_so_far(self):
        return self.get(STARTED)

    def stop(self):
        """No new connections; returns how all of them fared, once each has ended."""
        self.set(STOP, 1)
        return self.result()

    def result(self):
        result = json.loads(self.pipe.read() or "null")
        self.close()
        assert result, "the client's process died"
        return result


def sent_again(conn):
    """How often it sent its SYN again, by tcpi_total_retrans of struct tcp_info, linux/tcp.h: no slow test changes that."""
    return struct.unpack_from("=I", conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]


def syn_retransmissions():
    """Of all TCP connections of this process's namespace."""
    names, values = [line.split() for line in Path("/proc/thread-self/net/netstat").read_text()
                     .splitlines() if line.startswith("TcpExt:")]
    return int(values[names.index("TCPSynRetrans")])


def expect_no_failure(result, what):
    assert result["failed"] == 0, f"{what}: {result['failed']} of {result['started']} failed: " \
                                  f"{result['failures']}"
    assert result["succeeded"] == result["started"] > 0, f"{what}: {result}"


def introduce(lab_, daemon, clients, rate):
    """So many of each IP version, until all are known: on a machine that is too busy some pass unasked."""
    def are_known():
        expect_no_failure(Load(lab_.client, rate, 2 * clients, clients).result(), "new clients")
        return daemon.status()["clients"]["used"] >= 2 * clients
    lab.wait_until(are_known, f"{clients} clients of each IP version are known", 60)


def connect(namespace, destination, source=None, port=lab.PORT):
    """One connection, to its end; returns its source port."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with lab.inside(namespace):
        conn = socket.socket(family, socket.SOCK_STREAM)
    with conn:
        conn.settimeout(20 * lab.PATIENCE)
        if source:
            conn.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            conn.bind((source, 0))
        conn.connect((destination, port))
        assert conn.recv(16) == GREETING
        return conn.getsockname()[1]
