#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""SYNs that somebody tries to hide: behind long headers, behind a decoy, and such as no server will
ever believe."""

import lab
import packets

SOURCE4, SOURCE6 = lab.source4(1), lab.source6(1)
# Linux's SYN: MSS 1460, SACK, timestamps, scale 7. And Windows': MSS 1460, scale 8, SACK.
LINUX = bytes.fromhex("020405b40402080a112233440000000001030307")
WINDOWS = bytes.fromhex("020405b40103030801010402")


class Ground:
    def __init__(self, lab_):
        self.wire = packets.Wire(lab_.client, "c0")
        self.mac = packets.Wire(lab_.gateway, "g0").mac
        self.far = packets.Wire(lab_.server, "s0")

    def send(self, packet):
        self.wire.send(packet, self.mac)


def spoil(segment):
    """The segment with a wrong checksum."""
    return segment[:16] + bytes([segment[16] ^ 0x55]) + segment[17:]


def known(daemon, ip, port):
    reply = daemon.verdict(ip, port)
    return reply if reply["found"] and reply["exact"] and reply["port"] == port else None


def long_headers(lab_):
    """Destination options as long as they may be in a packet of 1,280 bytes, and data behind."""
    daemon = lab_.daemon().start()
    ground = Ground(lab_)
    for port, length in ((20000, 8), (20001, 136), (20002, 400), (20003, 1024)):
        segment = packets.tcp(SOURCE6, lab.SERVER6, port, options=LINUX)
        pad = length - 4
        option = b"\x01" + bytes([pad]) + bytes(pad) if pad < 256 else b""
        while len(option) < length - 2:  # PadN has 255 bytes at the most
            step = min(length - 2 - len(option), 257)
            option += b"\x01" + bytes([step - 2]) + bytes(step - 2) if step > 1 else b"\0"
        header = bytes([packets.TCP, length // 8 - 1]) + option
        assert len(header) == length, (len(header), length)
        ground.send(packets.ipv6(SOURCE6, lab.SERVER6, header + segment, next_header=60))
        reply = lab.wait_until(lambda: known(daemon, SOURCE6, port), f"{length} bytes of options")
        assert reply["os"]["class"] in ("Linux", "Android"), reply
    assert daemon.status()["packets"]["truncated"] == 0


def fragments(lab_):
    """nmap -f: the TCP header comes in pieces of eight bytes, and nothing here tracks connections."""
    daemon = lab_.daemon().start()
    ground = Ground(lab_)
    segment = packets.tcp(SOURCE4, lab.SERVER4, 24000, options=LINUX)
    for at in range(0, len(segment), 8):
        more = 0x2000 if at + 8 < len(segment) else 0
        ground.send(packets.ipv4(SOURCE4, lab.SERVER4, segment[at:at + 8], flags=more | at // 8,
                                 ident=77))
    lab.wait_until(lambda: known(daemon, SOURCE4, 24000), "a SYN in fragments of version 4")
    # RFC 8200 section 4.5: the first one has all headers, but not all of their options.
    segment = packets.tcp(SOURCE6, lab.SERVER6, 24000, options=LINUX)
    for at in range(0, len(segment), 24):
        more = at + 24 < len(segment)
        header = bytes([packets.TCP, 0]) + (at | more).to_bytes(2, "big") + b"frag"
        ground.send(packets.ipv6(SOURCE6, lab.SERVER6, header + segment[at:at + 24], next_header=44))
    lab.wait_until(lambda: known(daemon, SOURCE6, 24000), "a SYN in fragments of version 6")


def decoys(lab_):
    """The same addresses, ports and sequence number, and a TTL that ends behind us; ahead or behind."""
    daemon = lab_.daemon().start()
    ground = Ground(lab_)
    right = 0
    for number in range(20):
        source, port = lab.source4(10 + number), 21000 + number
        decoy = packets.tcp(source, lab.SERVER4, port, options=WINDOWS, window=64240)
        real = packets.tcp(source, lab.SERVER4, port, options=LINUX, window=64240)
        both = [packets.ipv4(source, lab.SERVER4, decoy, ttl=1),
                packets.ipv4(source, lab.SERVER4, real, ttl=60)]
        for sent, packet in enumerate(both if number % 2 else reversed(both)):
            ground.send(packet)
            lab.wait_until(lambda: daemon.received() > 2 * number + sent, "it is there")
            lab.wait_until(lambda: daemon.verdict(source)["found"], "and was judged")
        right += daemon.verdict(source)["os"]["family"] == "Linux"
    assert right >= 19, f"{right} of 20 were judged, and not only their decoys"


def wrong_checksums(lab_):
    """They go on as ever, are counted, and nothing believes them."""
    daemon = lab_.daemon(lab_.write_config(sets=['nftset = "all"; timeout = "1h";'])).start()
    ground = Ground(lab_)
    for number in range(10):
        source4, source6 = lab.source4(100 + number), lab.source6(100 + number)
        bad4 = spoil(packets.tcp(source4, lab.SERVER4, 22000, options=LINUX))
        bad6 = spoil(packets.tcp(source6, lab.SERVER6, 22000, options=LINUX))
        ground.send(packets.ipv4(source4, lab.SERVER4, bad4))
        ground.send(packets.ipv6(source6, lab.SERVER6, bad6))
    assert len(ground.far.packets(packets.is_tcp_syn, 5, 20)) == 20, "they were not accepted"
    lab.wait_until(lambda: daemon.status()["packets"]["bad_checksum"] == 20, "all are counted")
    assert daemon.status()["packets"]["syn"] == 0
    assert daemon.status()["clients"]["used"] == 0, daemon.status()["clients"]
    assert not lab_.elements("all4") and not lab_.elements("all6")
    # With data, and an odd number of bytes of it.
    good = packets.tcp(SOURCE4, lab.SERVER4, 23000, options=LINUX, payload=b"abc")
    ground.send(packets.ipv4(SOURCE4, lab.SERVER4, spoil(good)))
    ground.send(packets.ipv4(SOURCE4, lab.SERVER4, good))
    lab.wait_until(lambda: known(daemon, SOURCE4, 23000), "the good one is known")
    assert daemon.status()["packets"]["bad_checksum"] == 21


if __name__ == "__main__":
    lab.run(long_headers, fragments, decoys, wrong_checksums)
