# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of any shape that speak to a real server: SYNs made by hand, and the rest of the handshake
too, so that the server's first data comes and their connections are confirmed."""
import struct

import lab
import packets

# What follows the MSS in a SYN of Linux: SACK, timestamps, a window scale of 7.
LINUX_OPTIONS = bytes.fromhex("0402" "080a" "00000001" "00000000" "01" "030307")
SYN, RST, ACK, SYN_ACK = 0x02, 0x04, 0x10, 0x12


class Speakers:
    """Of addresses that the client's namespace has; the server has to greet on lab.PORT."""

    def __init__(self, lab_):
        self.wire = lab_.adopt(packets.Wire(lab_.client, "c0"))
        mac = lab.sh("cat", "/sys/class/net/g0/address", namespace=lab_.gateway).stdout.strip()
        self.mac, self.port, self.waiting = bytes.fromhex(mac.replace(":", "")), 20000, {}
        # The namespace's own stack knows nothing of these connections.
        lab_.nft("table inet mute { chain out { type filter hook output priority 0; "
                 "tcp flags & rst == rst drop; }; }", lab_.client)

    def pack(self, source, port, flags, **fields):
        server = lab.SERVER6 if ":" in source else lab.SERVER4
        segment = packets.tcp(source, server, port, flags=flags, **fields)
        return (packets.ipv6 if ":" in source else packets.ipv4)(source, server, segment)

    def begin(self, source, mss, window=65535, seq=1):
        """A SYN; returns its port."""
        self.port = self.port % 60000 + 1
        options = struct.pack("!BBH", 2, 4, mss) + LINUX_OPTIONS
        self.wire.send(self.pack(source, self.port, SYN, window=window, options=options, seq=seq),
                       self.mac)
        self.waiting[packets.pack_address(source), self.port] = (source, seq)
        return self.port

    def finish(self, seconds=5):
        """The ACK of each handshake that was begun."""
        def is_answer(packet):
            head, protocol = (20, packet[9]) if packet[0] >> 4 == 4 else (40, packet[6])
            return protocol == packets.TCP and packet[head + 13] & 0x3F == SYN_ACK and \
                self.key(packet) in self.waiting

        for packet in self.wire.packets(is_answer, seconds * lab.PATIENCE,
                                        len(self.waiting)):
            source, seq = self.waiting.pop(self.key(packet), (None, 0))
            if source:
                head = 20 if packet[0] >> 4 == 4 else 40
                number = struct.unpack_from("!I", packet, head + 4)[0]
                port = struct.unpack_from("!H", packet, head + 2)[0]
                self.wire.send(self.pack(source, port, ACK, seq=seq + 1,
                                         ack=number + 1 & 0xFFFFFFFF), self.mac)
        assert not self.waiting, f"{len(self.waiting)} handshakes have no answer"

    @staticmethod
    def key(packet):
        head = 20 if packet[0] >> 4 == 4 else 40
        address = packet[16:20] if head == 20 else packet[24:40]
        return address, struct.unpack_from("!H", packet, head + 2)[0]
