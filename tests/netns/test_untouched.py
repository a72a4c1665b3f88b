#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What leaves the gateway is byte for byte what came in, apart from what forwarding changes; and
what a gateway without synprint lets through, one with it lets through."""
import struct

import lab
import packets
import traffic

SRC4, SRC6 = lab.source4(7), lab.source6(7)
MSS, SACK_OK, WSCALE7, NOP = b"\x02\x04\x05\xb4", b"\x04\x02", b"\x03\x03\x07", b"\x01"
TIMESTAMP = b"\x08\x0a" + struct.pack("!II", 4711, 0)
LINUX = MSS + SACK_OK + TIMESTAMP + NOP + WSCALE7

ECN, SYN_ACK, RST, FIN_SYN, NULL, XMAS = 0xC2, 0x12, 0x04, 0x03, 0x00, 0x29
DF, MF, RESERVED = 0x4000, 0x2000, 0x8000  # RFC 791 section 3.1

# TCP segments: name, arguments of packets.tcp(), whether it is a SYN that the rules divert.
SEGMENTS = [
    ("a Linux SYN", {"options": LINUX}, True),
    ("no options", {}, True),
    ("all known options", {"options": LINUX + b"\x13\x12" + bytes(16) + b"\x22\x02"}, True),
    ("only end of options and junk", {"options": b"\x00\xde\xad\xbe\xef\x00\x01\x02"}, True),
    ("option of length 0", {"options": MSS + b"\x08\x00\x01\x01"}, True),
    ("option beyond the header", {"options": MSS + b"\x01\x01\x08\x0a"}, True),
    ("MSS of length 3", {"options": b"\x02\x03\x05\x01"}, True),
    ("40 bytes of NOP", {"options": NOP * 40}, True),
    ("payload", {"options": LINUX, "payload": b"GET / HTTP/1.0\r\n\r\n"}, True),
    ("a big payload", {"options": LINUX, "payload": bytes(range(256)) * 5}, True),
    ("ECN", {"flags": ECN, "options": LINUX}, True),
    ("urgent pointer", {"urgent": 0xBEEF, "options": LINUX}, True),
    ("nonzero ack", {"ack": 0xDEADBEEF, "options": LINUX}, True),
    ("sequence number zero", {"seq": 0}, True),
    ("window zero", {"window": 0}, True),
    ("reserved bits", {"reserved": 0xF, "options": LINUX}, True),
    ("SYN with PSH and URG", {"flags": 0x2A, "options": LINUX}, True),
    ("data offset too small", {"offset": 3}, True),
    ("data offset beyond the packet", {"offset": 15}, True),
    ("SYN and FIN", {"flags": FIN_SYN}, False),
    ("SYN and ACK", {"flags": SYN_ACK}, False),
    ("RST", {"flags": RST}, False),
    ("no flags", {"flags": NULL}, False),
    ("FIN, PSH and URG", {"flags": XMAS}, False),
]


def segments(src, dst):
    for number, (name, arguments, is_diverted) in enumerate(SEGMENTS):
        yield name, packets.tcp(src, dst, 20000 + number, **arguments), is_diverted


def ipv4_packets():
    for name, segment, is_diverted in segments(SRC4, lab.SERVER4):
        yield "IPv4, " + name, packets.ipv4(SRC4, lab.SERVER4, segment), is_diverted
    syn = packets.tcp(SRC4, lab.SERVER4, 21000, options=LINUX)

    def packet(**arguments):
        return packets.ipv4(SRC4, lab.SERVER4, **({"segment": syn} | arguments))

    yield "IPv4, reserved bit", packet(flags=RESERVED | DF), True
    yield "IPv4, neither DF nor ID", packet(flags=0, ident=0), True
    yield "IPv4, TOS and ECN", packet(tos=0xBB), True
    yield "IPv4, TTL 2", packet(ttl=2), True
    yield "IPv4, TTL 255", packet(ttl=255), True
    yield "IPv4, options", packet(options=b"\x94\x04\x00\x00" + NOP * 8), True
    yield "IPv4, first fragment", packet(segment=syn[:40], flags=MF), True
    yield "IPv4, second fragment", packet(segment=b"A" * 64, flags=5), False
    yield "IPv4, UDP", packet(segment=struct.pack("!HHHH", 5, 6, 12, 0) + b"data", protocol=17), \
        False
    yield "IPv4, padding behind the packet", packet() + bytes(6), True


def ipv6_packets():
    for name, segment, is_diverted in segments(SRC6, lab.SERVER6):
        yield "IPv6, " + name, packets.ipv6(SRC6, lab.SERVER6, segment), is_diverted
    syn = packets.tcp(SRC6, lab.SERVER6, 22000, options=LINUX)
    pad = b"\x06\x00\x01\x04\x00\x00\x00\x00"  # 8 bytes with PadN, then TCP (RFC 8200 section 4)

    def packet(headers=b"", next_header=packets.TCP, **arguments):
        return packets.ipv6(SRC6, lab.SERVER6, headers + syn, next_header=next_header, **arguments)

    yield "IPv6, flow label and traffic class", packet(flow=0x12345, traffic_class=0xBB), True
    yield "IPv6, hop limit 2", packet(hops=2), True
    yield "IPv6, hop-by-hop options", packet(pad, 0), True
    yield "IPv6, destination options", packet(pad, 60), True
    yield "IPv6, both", packet(bytes([60]) + pad[1:] + pad, 0), True
    yield "IPv6, first fragment", packet(b"\x06\x00\x00\x01\x00\x00\x00\x63", 44), True
    yield "IPv6, second fragment", packet(b"\x06\x00\x00\x29\x00\x00\x00\x64", 44), False
    yield "IPv6, extension header that lies", packet(b"\x06\xff" + pad[2:], 60), False


def send_all(lab_, cases, alone=None):
    """What arrives at the server of each packet: a list for each case. Of what came without synprint it is waited for."""
    wire, far = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.server, "s0")
    gateway = packets.Wire(lab_.gateway, "g0")
    arrived = []
    for number, (_, packet, _) in enumerate(cases):
        wire.send(packet, gateway.mac)
        is_ours = packets.is_from(SRC4 if packet[0] >> 4 == 4 else SRC6)
        seconds = 10 * lab.PATIENCE if alone and alone[number] else 1
        arrived.append(far.packets(is_ours, seconds, 1))
    for end in (wire, far, gateway):
        end.close()
    return arrived


def without_padding(packet):
    if packet[0] >> 4 == 4:
        return packet[:struct.unpack_from("!H", packet, 2)[0]]
    return packet[:40 + struct.unpack_from("!H", packet, 4)[0]]


def odd_packets(lab_):
    cases = list(ipv4_packets()) + list(ipv6_packets())
    alone = send_all(lab_, cases)
    # A fragment without its others goes nowhere where fragments are put together.
    daemon = lab_.daemon(lab_.write_config(rules="defragment = false;")).start()
    together = send_all(lab_, cases, alone)
    arrived = 0
    for (name, packet, _), before, after in zip(cases, alone, together):
        assert before == after, f"{name}: without synprint {before}, with it {after}"
        for seen in after:
            expected = without_padding(packets.after_one_hop(packet))
            assert without_padding(seen) == expected, f"{name}: {seen.hex()}, not {expected.hex()}"
            arrived += 1
    diverted = sum(is_diverted for _, _, is_diverted in cases)
    assert arrived >= len(cases) - 2, f"only {arrived} of {len(cases)} arrived"
    status = daemon.status()
    assert daemon.received() == diverted, f"{diverted} were to be diverted: {status}"
    assert sum(status["packets"].values()) == diverted, status
    assert status["packets"]["syn"] < diverted, status  # some are malformed, and counted as such
    assert status["queues"][0]["accept_failures"] == 0, status
    lab.figure(f"odd packets: {arrived} of {len(cases)} forwarded, each byte for byte, "
               f"as without synprint")


def real_connections(lab_):
    """The SYNs of a TCP stack, with all that offloads may leave to be done."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    near, far = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.server, "s0")
    for destination in (lab.SERVER4, lab.SERVER6) * 20:
        traffic.connect(lab_.client, destination)
    sent = near.packets(packets.is_tcp_syn, 2, 40, outgoing=True)
    came = far.packets(packets.is_tcp_syn, 2, 40)
    assert len(sent) == 40 and daemon.received() == 40, (len(sent), daemon.status())
    assert [packets.after_one_hop(packet) for packet in sent] == came
    near.close()
    far.close()


if __name__ == "__main__":
    lab.run(odd_packets, real_connections)
