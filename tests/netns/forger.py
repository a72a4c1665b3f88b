# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody on the Internet who claims to be somebody else: a namespace behind a link of the gateway's
own, which sends packets from any source and sees none of the answers."""
import random
import struct

import lab
import packets

MSS_1380 = bytes.fromhex("02040564")
REST_OF_LINUX = bytes.fromhex("0402" "080a" "00000001" "00000000" "01" "030307")
SYN, RST, PSH_ACK, ACK, SYN_ACK = 0x02, 0x04, 0x18, 0x10, 0x12

# What a SYN looks like, and of which set the default configuration would say it.
SHAPES = {
    "nmap": {"window": 1024, "options": bytes.fromhex("020405b4")},
    "masscan": {"window": 1024, "options": b""},
    # A Linux behind WireGuard: 47 times the MSS.
    "wireguard": {"window": 64860, "options": MSS_1380 + REST_OF_LINUX},
}


class Forger:
    def __init__(self, lab_, seed=1):
        self.random = random.Random(seed)
        self.namespace = lab_.client.removesuffix("c") + "f"
        lab_.add_namespace(self.namespace)
        lab_.add_link(self.namespace, "f0", lab_.gateway, "g2")
        lab_.sysctl(lab_.gateway, {"net/ipv4/conf/all/rp_filter": 0,
                                   "net/ipv4/conf/g2/rp_filter": 0})
        self.wire = lab_.adopt(packets.Wire(self.namespace, "f0"))
        mac = lab.sh("cat", "/sys/class/net/g2/address", namespace=lab_.gateway).stdout.strip()
        self.mac = bytes.fromhex(mac.replace(":", ""))

    def number(self):
        return self.random.getrandbits(32)

    def send(self, source, destination, port, flags, dst_port=lab.PORT, is_wrong=False, **fields):
        """One TCP packet; is_wrong: with a checksum that is."""
        segment = packets.tcp(source, destination, port, flags=flags, dst_port=dst_port, **fields)
        if is_wrong:
            segment = segment[:16] + struct.pack("!H", segment[16] << 8 ^ 0x5A5A) + segment[18:]
        pack = packets.ipv6 if ":" in source else packets.ipv4
        self.wire.send(pack(source, destination, segment), self.mac)

    def syn(self, source, destination, port, shape, seq=None, **more):
        self.send(source, destination, port, SYN, seq=self.number() if seq is None else seq,
                  **SHAPES[shape], **more)

    # Ways to make a connection look confirmed. Each takes the victim's address and port.

    def only_syn(self, *whom, **more):
        self.syn(*whom, **more)

    def blind_acks(self, source, destination, port, shape, **more):
        seq = self.number()
        self.syn(source, destination, port, shape, seq, **more)
        for _ in range(20):
            self.send(source, destination, port, ACK, seq=seq + 1 & 0xFFFFFFFF, ack=self.number(),
                      **more)

    def second_syn(self, source, destination, port, shape, **more):
        """Which draws a challenge ACK."""
        seq = self.number()
        self.syn(source, destination, port, shape, seq, **more)
        self.syn(source, destination, port, shape, seq + 0x40000000 & 0xFFFFFFFF, **more)

    def guessed_handshake(self, source, destination, port, shape, tries=50, **more):
        """SYN, ACK and a request; the server's number is guessed anew each time."""
        seq = self.number()
        self.syn(source, destination, port, shape, seq, **more)
        for _ in range(tries):
            ack, next_ = self.number(), seq + 1 & 0xFFFFFFFF
            self.send(source, destination, port, ACK, seq=next_, ack=ack, **more)
            self.send(source, destination, port, PSH_ACK, seq=next_, ack=ack,
                      payload=b"GET / HTTP/1.0\r\n\r\n", **more)

    def syn_ack_and_rst(self, source, destination, port, shape, **more):
        seq = self.number()
        self.send(source, destination, port, SYN_ACK, seq=seq, ack=self.number(), **SHAPES[shape],
                  **more)
        self.send(source, destination, port, RST, seq=seq + 1 & 0xFFFFFFFF, **more)
        self.syn(source, destination, port, shape, **more)
        self.send(source, destination, port, RST, seq=self.number(), **more)

    def with_data(self, source, destination, port, shape, **more):
        """To a server that accepts Fast Open without a cookie: it answers such a SYN at once."""
        seq = self.number()
        self.syn(source, destination, port, shape, seq, payload=b"GET / HTTP/1.0\r\n\r\n", **more)
        for _ in range(20):
            self.send(source, destination, port, ACK, seq=seq + 19 & 0xFFFFFFFF, ack=self.number(),
                      **more)

    def both_ends(self, source, destination, port, shape, dst_port=lab.PORT, again=True, wait=lambda: None):
        """A whole connection, of which the forger sends both ends; where the server has answered,
        a second SYN and its answer give conntrack his numbers."""
        self.syn(source, destination, port, shape, seq=1000, dst_port=dst_port)
        wait()
        seq, other = (0x40001000 if again else 1000), {"dst_port": port, "window": 65535}
        if again:
            self.syn(source, destination, port, shape, seq, dst_port=dst_port)
        self.send(destination, source, dst_port, SYN_ACK, seq=5000, ack=seq + 1, **other)
        self.send(source, destination, port, ACK, seq=seq + 1, ack=5001, window=65535,
                  dst_port=dst_port)
        for flags in (ACK, PSH_ACK):
            self.send(destination, source, dst_port, flags, seq=5001, ack=seq + 1, payload=b"data",
                      **other)

    WAYS = [only_syn, blind_acks, second_syn, guessed_handshake, syn_ack_and_rst, with_data]
