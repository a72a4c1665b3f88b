# SPDX-License-Identifier: GPL-2.0-or-later
"""A client's own connection, and what somebody sends on its very tuple in each of its states. Each
state is a function that returns the client's address and port once the server's data has come."""
import contextlib
import socket

import lab

SHAPE = "wireguard"
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, TCP_SEND_QUEUE = 19, 20, 21, 2  # linux/tcp.h
FIRST_SEQ = 0x40000000


def choose_seq(client):
    """Always the same first number: one in 256 by chance is so near a forged SYN's that none is confirmed (SENT_FIRST in
    client_table.c)."""
    for option, value in ((TCP_REPAIR, 1), (TCP_REPAIR_QUEUE, TCP_SEND_QUEUE), (TCP_QUEUE_SEQ, FIRST_SEQ), (TCP_REPAIR, 0)):
        client.setsockopt(socket.IPPROTO_TCP, option, value)


class Line:
    """Client, server and the forger between them, for one IP version."""

    def __init__(self, lab_, forger, version):
        self.lab, self.forger, self.version = lab_, forger, version
        self.server = lab.SERVER4 if version == 4 else lab.SERVER6
        self.family = socket.AF_INET if version == 4 else socket.AF_INET6
        with lab.inside(lab_.server):
            self.listener = socket.socket(self.family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.server, 0))
        self.listener.listen(64)
        self.listener.settimeout(10 * lab.PATIENCE)
        self.server_port = self.listener.getsockname()[1]

    def new_client(self, number, port=0):
        with lab.inside(self.lab.client):
            client = socket.socket(self.family, socket.SOCK_STREAM)
        source = lab.source4(number) if self.version == 4 else lab.source6(number)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((source, port))
        choose_seq(client)
        client.settimeout(10 * lab.PATIENCE)
        return client

    def connect(self, client):
        client.connect((self.server, self.server_port))
        return self.accept()

    def start(self, client):
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect((self.server, self.server_port))

    def accept(self):
        """Others' handshakes never end, so this is the client's own."""
        accepted = self.listener.accept()[0]
        accepted.settimeout(10 * lab.PATIENCE)
        return accepted

    def forge(self, client, count=3):
        source, port = client.getsockname()[:2]
        for _ in range(count):
            self.forger.syn(source, self.server, port, SHAPE, dst_port=self.server_port)

    @contextlib.contextmanager
    def held(self, namespace, match):
        """What matches does not get in there meanwhile."""
        self.lab.nft(f"table inet held {{ chain in {{ type filter hook input priority 0; {match} "
                     "drop; }; }", namespace)
        try:
            yield
        finally:
            self.lab.nft("delete table inet held", namespace)

    @contextlib.contextmanager
    def counted(self, namespace, match):
        """What matches and goes out there meanwhile: a function that says how much."""
        self.lab.nft(f"table inet counted {{ counter c {{ }}; chain out {{ type filter hook output priority 0; "
                     f"{match} counter name c; }}; }}", namespace)
        try:
            yield lambda: self.lab.counter("inet counted", "c", namespace)
        finally:
            self.lab.nft("delete table inet counted", namespace)

    def greet(self, client, accepted):
        """The server's first data, and more."""
        client.setblocking(True)
        client.settimeout(10 * lab.PATIENCE)
        for _ in range(5):
            accepted.sendall(b"data")
            assert client.recv(16), "the server's data"
        return client.getsockname()[:2]


def syn_sent(line, number):
    client = line.new_client(number)
    with line.held(line.lab.server, f"tcp dport {line.server_port}"):
        line.start(client)
        line.forge(client)
    return line.greet(client, line.accept())


def syn_received(line, number):
    client = line.new_client(number)
    with line.held(line.lab.client, f"tcp sport {line.server_port}"):
        line.start(client)
        line.forge(client)
    return line.greet(client, line.accept())


def established(line, number):
    client = line.new_client(number)
    accepted = line.connect(client)
    line.forge(client)
    whom = line.greet(client, accepted)
    line.forge(client)
    line.greet(client, accepted)
    return whom


def time_wait(line, number):
    client = line.new_client(number)
    accepted = line.connect(client)
    whom = line.greet(client, accepted)
    accepted.close()
    client.recv(16)
    client.close()
    for _ in range(3):
        line.forger.syn(whom[0], line.server, whom[1], SHAPE, dst_port=line.server_port)
    return whom


def forged_first(line, number):
    """The client answers what it did not ask for with a RST; then it calls from that port."""
    client = line.new_client(number)
    with line.counted(line.lab.client, "tcp flags rst") as count:
        line.forge(client, 1)
        lab.wait_until(count, "the client's RST")
    return line.greet(client, line.connect(client))


STATES = [syn_sent, syn_received, established, time_wait, forged_first]
