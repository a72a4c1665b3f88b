#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures of every encapsulation and file form, whole, cut, empty, damaged and mixed: how many SYNs
`synprint classify` finds in each. With --tshark the same table is counted by tshark, and whatever
differs has to be listed in OTHERWISE with the reason (`make check-captures`)."""
import gzip
import ipaddress
import json
import lzma
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from captures import (ETHERNET, LOOP, NOP, NULL, RAW, SACK_OK, SLL, SLL2, USER0, ethertype, frame_ethernet,
                      frame_loopback, frame_sll, frame_sll2, ipv4, ipv6, mss, pcap, pcapng, run_classify, syn,
                      timestamps, wscale)

(PPP, PPP_HDLC, PPP_ETHER, ATM, C_HDLC, WLAN, ENC, PFLOG, PRISM, RADIOTAP, AVS, PPI, PPP_DIR, MPLS, IPV4,
 IPV6, NFLOG, PKTAP, BRCM, BRCM_PREPEND, DSA, EDSA) = (
    9, 50, 51, 100, 104, 105, 109, 117, 119, 127, 163, 192, 204, 219, 228, 229, 239, 258, 281, 282, 284, 285)

LINUX = mss(1460) + SACK_OK + timestamps(0x1A2B3C4D) + NOP + wscale(7)
V4, V6 = ("198.51.100.1", "192.0.2.1"), ("2001:db8::1", "2001:db8:ffff::1")
BEGIN = 1_700_000_000_000_000_000

# Two SYNs of each version, and what is none: a SYN+ACK, an ACK, a UDP packet, a later fragment.
SYN4, SYN6 = syn(*V4, options=LINUX), syn(*V6, options=LINUX)
PACKETS = [SYN4, syn(*V4, options=mss(1400), sport=40001), SYN6, syn(*V6, options=LINUX, sport=40001),
           syn(*V4, options=LINUX, flags=0x12), syn(*V6, flags=0x10), syn(*V4, proto=17),
           SYN4[:6] + b"\0\5" + SYN4[8:]]
COUNT = 4


def outer4(payload, proto):
    ends = [ipaddress.ip_address(address) for address in ("203.0.113.1", "203.0.113.2")]
    return ipv4(*ends, payload, proto=proto)


def outer6(payload, proto):
    ends = [ipaddress.ip_address(address) for address in ("2001:db8:a::1", "2001:db8:a::2")]
    return ipv6(*ends, payload, proto=proto)


def udp(payload, port, outer=outer4):
    return outer(struct.pack(">HHHH", 50000, port, 8 + len(payload), 0) + payload, 17)


def ether(packet):
    return frame_ethernet(packet)


MACS = b"\2\0\0\0\0\1\2\0\0\0\0\2"


def typed(packet):
    return struct.pack(">H", ethertype(packet)) + packet


def snap(packet):
    return b"\xaa\xaa\3\0\0\0" + typed(packet)


def ppp(packet):
    return (b"\0\x21" if packet[0] >> 4 == 4 else b"\0\x57") + packet


def pppoe(packet):
    payload = ppp(packet)
    return struct.pack(">BBHH", 0x11, 0, 7, len(payload)) + payload


def mpls(packet, labels=1):
    return b"".join(struct.pack(">I", (100 + i) << 12 | (i == labels - 1) << 8 | 64)
                    for i in range(labels)) + packet


def wlan(packet, *, qos=False, wds=False, control=b"\x08"):
    flags = 3 if wds else 1
    kind = b"\x88" if qos else control
    head = kind + bytes([flags]) + b"\0\0" + MACS + b"\2\0\0\0\0\3" + b"\0\0"
    return head + (b"\2\0\0\0\0\4" if wds else b"") + (b"\0\0" if qos else b"") + snap(packet)


def radiotap(packet, **how):
    return struct.pack("<BBHI", 0, 0, 8, 0) + wlan(packet, **how)


def radiotap_full(packet):
    """A time, flags and a rate before a QoS header that is padded to four bytes."""
    head = struct.pack("<BBHIQBB", 0, 0, 18, 0x7, 12345, 0x20, 2)
    frame = wlan(packet, qos=True)
    return head + frame[:26] + b"\0\0" + frame[26:]


def nflog(packet, order="<"):
    def tlv(kind, value):
        return struct.pack(order + "HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
    family = 2 if packet[0] >> 4 == 4 else 10
    return bytes([family, 0, 0, 1]) + tlv(1, struct.pack(">HBB", ethertype(packet), 1, 0)) + \
        tlv(5, b"\0\0\0\2") + tlv(10, b"prefix\0") + tlv(9, packet)


def pflog(packet):
    """FreeBSD's header of 61 bytes, padded to 64."""
    family = 2 if packet[0] >> 4 == 4 else 28
    return bytes([61, family, 0, 0]) + b"em0".ljust(16, b"\0") + b"\0" * 16 + struct.pack(">II", 1, 0) + \
        b"\0" * 16 + bytes([1]) + b"\0" * 3 + packet


def enc(packet):
    return struct.pack("<III", 2 if packet[0] >> 4 == 4 else 24, 0x100, 1) + packet


def gre(packet, flags=0, extra=b""):
    return outer4(struct.pack(">HH", flags, ethertype(packet)) + extra + packet, 47)


def erspan(packet, kind):
    if kind == 1:
        return outer4(struct.pack(">HH", 0, 0x88BE) + ether(packet), 47)
    head = struct.pack(">HHI", 0x1000, 0x88BE if kind == 2 else 0x22EB, 1)
    body = struct.pack(">HHI", 0x1001, 5, 0) if kind == 2 else struct.pack(">HHII", 0x2001, 5, 0, 0)
    return outer4(head + body + ether(packet), 47)


def vxlan(packet, outer=outer4):
    return udp(struct.pack(">II", 0x08000000, 42 << 8) + ether(packet), 4789, outer)


def geneve(packet, options=b""):
    return udp(struct.pack(">BBHI", len(options) // 4, 0, 0x6558, 43 << 8) + options + ether(packet), 6081)


def gtpu(packet, extension=False):
    rest = b"\0\0\0\x85" + b"\1\0\x09\0" if extension else b""
    return udp(struct.pack(">BBHI", 0x34 if extension else 0x30, 255, len(rest) + len(packet), 17) + rest +
               packet, 2152)


def ipip(packet):
    return outer4(packet, 4 if packet[0] >> 4 == 4 else 41)


def in_ipv6(packet):
    return outer6(packet, 4 if packet[0] >> 4 == 4 else 41)


def frames(frame):
    return [(BEGIN + i * 10**9, frame(packet)) for i, packet in enumerate(PACKETS)]


# Link layers: name -> (link type, frame).
LINKS = {
    "ethernet": (ETHERNET, ether),
    "vlan": (ETHERNET, lambda p: frame_ethernet(p, [(0x8100, 5)])),
    "qinq 88a8": (ETHERNET, lambda p: frame_ethernet(p, [(0x88A8, 7), (0x8100, 5)])),
    "qinq 8100": (ETHERNET, lambda p: frame_ethernet(p, [(0x8100, 7), (0x8100, 5)])),
    "qinq 9100": (ETHERNET, lambda p: frame_ethernet(p, [(0x9100, 7), (0x8100, 5)])),
    "three tags": (ETHERNET, lambda p: frame_ethernet(p, [(0x88A8, 7), (0x8100, 5), (0x8100, 6)])),
    "802.1ah": (ETHERNET, lambda p: MACS + b"\x88\xe7" + struct.pack(">I", 99) + ether(p)),
    "pppoe": (ETHERNET, lambda p: MACS + b"\x88\x64" + pppoe(p)),
    "pppoe in vlan": (ETHERNET, lambda p: MACS + b"\x81\0\0\5\x88\x64" + pppoe(p)),
    "pppoe cooked": (SLL, lambda p: struct.pack(">HHH8sH", 0, 1, 6, b"\2", 0x8864) + pppoe(p)),
    "mpls": (ETHERNET, lambda p: MACS + b"\x88\x47" + mpls(p)),
    "mpls, three labels": (ETHERNET, lambda p: MACS + b"\x88\x47" + mpls(p, 3)),
    "mpls in vlan": (ETHERNET, lambda p: MACS + b"\x81\0\0\5\x88\x47" + mpls(p)),
    "snap": (ETHERNET, lambda p: MACS + struct.pack(">H", 8 + len(p)) + snap(p)),
    "cooked": (SLL, frame_sll),
    "cooked 2": (SLL2, frame_sll2),
    "cooked in vlan": (SLL, lambda p: struct.pack(">HHH8sH", 0, 1, 6, b"\2", 0x8100) + b"\0\5" + typed(p)),
    "ppp": (PPP, lambda p: b"\xff\3" + ppp(p)),
    "ppp bare": (PPP, ppp),
    "ppp hdlc": (PPP_HDLC, lambda p: b"\xff\3" + ppp(p)),
    "ppp with direction": (PPP_DIR, lambda p: b"\1\xff\3" + ppp(p)),
    "pppoe alone": (PPP_ETHER, pppoe),
    "cisco hdlc": (C_HDLC, lambda p: b"\x0f\0" + typed(p)),
    "atm": (ATM, snap),
    "raw": (RAW, lambda p: p),
    "null": (NULL, lambda p: frame_loopback(p, "<")),
    "loop": (LOOP, lambda p: frame_loopback(p, ">")),
    "enc": (ENC, enc),
    "pflog": (PFLOG, pflog),
    "nflog": (NFLOG, nflog),
    "wlan": (WLAN, wlan),
    "radiotap": (RADIOTAP, radiotap),
    "radiotap, qos": (RADIOTAP, lambda p: radiotap(p, qos=True)),
    "radiotap, four addresses": (RADIOTAP, lambda p: radiotap(p, wds=True)),
    "radiotap, flags and padding": (RADIOTAP, radiotap_full),
    "ppi": (PPI, lambda p: struct.pack("<BBHI", 0, 0, 8, WLAN) + wlan(p)),
    "mpls alone": (MPLS, mpls),
    "dsa": (DSA, lambda p: MACS + b"\xc0\x08\0\0" + typed(p)),
    "edsa": (EDSA, lambda p: MACS + b"\xda\xda\0\0\xc0\x08\0\0" + typed(p)),
    "broadcom tag": (BRCM, lambda p: MACS + b"\x20\0\0\1" + typed(p)),
    "broadcom tag before": (BRCM_PREPEND, lambda p: b"\x20\0\0\1" + ether(p)),
}

# Tunnels, on Ethernet: without --decap nothing is found.
TUNNELS = {
    "gre": gre,
    "gre, key and sequence": lambda p: gre(p, 0x3000, b"\0\0\0\7\0\0\0\1"),
    "gre, ethernet": lambda p: outer4(b"\0\0\x65\x58" + ether(p), 47),
    "erspan I": lambda p: erspan(p, 1),
    "erspan II": lambda p: erspan(p, 2),
    "erspan III": lambda p: erspan(p, 3),
    "vxlan": vxlan,
    "vxlan over ipv6": lambda p: vxlan(p, outer6),
    "geneve": geneve,
    "geneve, options": lambda p: geneve(p, b"\1\1\1\1\1\1\0\1\0\0\0\1"),
    "ip in ip": ipip,
    "ip in ipv6": in_ipv6,
    "gtp-u": gtpu,
    "gtp-u, extension": lambda p: gtpu(p, extension=True),
    "mpls in udp": lambda p: udp(mpls(p), 6635),
    "vxlan in gre": lambda p: gre(vxlan(p)),
    "ip in ip in ip": lambda p: ipip(ipip(p)),
}


def interfaces():
    """pcapng of three interfaces: Ethernet in microseconds, raw in nanoseconds, radiotap cut to 96."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(1, struct.pack("<HHI", ETHERNET, 0, 262144)),
           block(1, struct.pack("<HHIHHB3xHH", RAW, 0, 0, 9, 1, 9, 0, 0)),
           block(1, struct.pack("<HHI", RADIOTAP, 0, 160))]
    for i, packet in enumerate(PACKETS):
        for number, frame in enumerate((ether(packet), packet, radiotap(packet))):
            ticks = (BEGIN + i * 10**9) // (1 if number == 1 else 1000)
            out.append(block(6, struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF,
                                            len(frame), len(frame)) + frame))
    return b"".join(out)


def simple_blocks():
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    return b"".join([block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
                     block(1, struct.pack("<HHI", RAW, 0, 0))] +
                    [block(3, struct.pack("<I", len(packet)) + packet) for packet in PACKETS])


def noise():
    """What is on any network: ARP, spanning tree, IPv6 neighbours, LLDP; and one SYN."""
    arp = MACS + b"\x08\x06" + b"\0" * 28
    stp = b"\1\x80\xc2\0\0\0\2\0\0\0\0\1" + b"\0\x26\x42\x42\3" + b"\0" * 35
    lldp = b"\1\x80\xc2\0\0\x0e\2\0\0\0\0\1\x88\xcc" + b"\0" * 20
    return [(BEGIN, arp), (BEGIN, stp), (BEGIN, lldp), (BEGIN, ether(SYN4)), (BEGIN, b"\2\0")]


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


ETHER = pcap(frames(ether), ETHERNET)
CUT = len(pcap(frames(ether)[:3], ETHERNET)) + 20  # within the fourth

# Files: name -> (bytes, SYNs, exit status).
FILES = {
    "pcapng": (pcapng(frames(ether), ETHERNET), COUNT, 0),
    "pcapng, big-endian": (pcapng(frames(ether), ETHERNET, ">"), COUNT, 0),
    "pcapng, nanoseconds": (pcapng(frames(ether), ETHERNET, nano=True), COUNT, 0),
    "pcapng, two sections": (pcapng(frames(ether), ETHERNET) + pcapng(frames(lambda p: p), RAW, ">"),
                             2 * COUNT, 0),
    "pcapng, three interfaces": (interfaces(), 3 * COUNT, 0),
    "pcapng, simple blocks": (simple_blocks(), COUNT, 0),
    "pcap, big-endian, nanoseconds": (pcap(frames(ether), ETHERNET, ">", nano=True), COUNT, 0),
    "gzip": (gzip.compress(ETHER), COUNT, 0),
    "gzip of two parts": (gzip.compress(ETHER[:300]) + gzip.compress(ETHER[300:]), COUNT, 0),
    "xz": (lzma.compress(pcapng(frames(ether), ETHERNET)), COUNT, 0),
    "empty": (pcap([], ETHERNET), 0, 0),
    "no byte": (b"", 0, 4),
    "words": (b"No capture at all, whatever its name says.\n", 0, 4),
    "cut": (ETHER[:CUT], 3, 4),
    "cut gzip": (gzip.compress(ETHER)[:-30], None, 4),
    "damaged length": (ETHER[:24 + 8] + b"\xff\xff\xff\x7f" + ETHER[24 + 12:], 0, 4),
    "other protocols": (pcap(noise(), ETHERNET), 1, 0),
    "short frames": (pcap([(BEGIN, ether(SYN4)[:54]), (BEGIN, ether(SYN4)[:40])], ETHERNET), 0, 0),
    "link type of nobody": (pcap(frames(ether), USER0), 0, 4),
}
if shutil.which("zstd"):
    FILES["zstd"] = (zstd(ETHER), COUNT, 0)

# Where tshark counts otherwise, and why that is no fault of ours.
NOT_READ = "tshark 4.0 does not read this link type; tcpdump counts as we do"
OTHERWISE = {
    "mpls alone": "tshark 4.0 does not read this link type, tcpdump neither",
    "dsa": NOT_READ, "edsa": NOT_READ, "broadcom tag": NOT_READ, "broadcom tag before": NOT_READ,
    "short frames": "options are missing: a SYN, but none of which anything can be told",
}


def table():
    """(name, bytes, options, SYNs, exit status)"""
    for name, (link_type, frame) in LINKS.items():
        yield name, pcap(frames(frame), link_type), [], COUNT, 0
    for name, frame in TUNNELS.items():
        data = pcap(frames(lambda p, frame=frame: ether(frame(p))), ETHERNET)
        yield name, data, ["--decap"], COUNT, 0
    for name, (data, count, status) in FILES.items():
        yield name, data, [], count, status


def count_syns(path, options):
    status, out, err = run_classify("--json", *options, str(path))
    return status, len(out.splitlines()), err


def test_table(folder):
    for name, data, options, count, status in table():
        path = folder / "capture"
        path.write_bytes(data)
        got_status, got, err = count_syns(path, options)
        assert got_status == status, f"{name}: status {got_status}: {err}"
        assert count is None or got == count, f"{name}: {got} SYNs, not {count}"
        assert (status == 0) == (err == ""), f"{name}: {err!r}"
        if options:
            assert count_syns(path, [])[1] == 0, f"{name}: found without --decap"


def test_tunnels_tell_outer_and_inner(folder):
    path = folder / "capture"
    path.write_bytes(pcap([(BEGIN, ether(gre(vxlan(SYN6))))], ETHERNET))
    status, out, _ = run_classify("--json", "--decap", str(path))
    seen = json.loads(out)
    assert status == 0 and seen["ip"] == V6[0], seen
    kinds = [(tunnel["kind"], tunnel["id"], tunnel["outer_src"]) for tunnel in seen["tunnels"]]
    assert kinds == [("gre", 0, "203.0.113.1"), ("vxlan", 42, "203.0.113.1")], kinds
    status, out, _ = run_classify("--decap", str(path))
    assert "in vxlan 42, from 203.0.113.1 to 203.0.113.2" in out, out


def test_summary_names_what_is_passed(folder):
    path = folder / "capture"
    path.write_bytes(pcap(noise(), ETHERNET))
    status, out, _ = run_classify("--summary", "--json", str(path))
    seen = json.loads(out)
    assert (status, seen["packets"], seen["syns"]) == (0, 5, 1), seen
    assert seen["skipped"]["other_protocol"] == 3 and seen["skipped"]["cut_frame"] == 1, seen
    assert "packets 5, SYNs 1, other_protocol 3, cut_frame 1" in run_classify("--summary", str(path))[1]


def tshark_count(path):
    run = subprocess.run(["tshark", "-r", str(path), "-n", "-Y",
                          "tcp.flags.syn==1 && tcp.flags.ack==0"], capture_output=True, timeout=60)
    return len(run.stdout.decode().splitlines())


def tcpdump_count(path):
    run = subprocess.run(["tcpdump", "-n", "-r", str(path)], capture_output=True, timeout=60)
    return len(re.findall(r"Flags \[[^].]*S[^].]*\]", run.stdout.decode()))


def unpacked(name, data):
    """Not every build of tshark reads these."""
    if name == "xz":
        return lzma.decompress(data)
    if name == "zstd":
        return subprocess.run(["zstd", "-q", "-d", "-c"], input=data, capture_output=True,
                              check=True).stdout
    return data


def compare_with_tshark(folder):
    rows = wrong = 0
    for name, data, options, *_ in table():
        path = folder / "capture"
        path.write_bytes(unpacked(name, data))
        count = tcpdump_count if OTHERWISE.get(name) == NOT_READ else tshark_count
        theirs, ours = count(path), count_syns(path, options)[1]
        rows += 1
        if theirs != ours and OTHERWISE.get(name, NOT_READ) == NOT_READ:
            print(f"{name}: {count.__name__} is {theirs}, synprint's {ours}")
            wrong += 1
    print(f"FIGURE {rows} files counted by tshark as well, {len(OTHERWISE)} otherwise with a reason, "
          f"{wrong} without")
    return wrong


def main():
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as name:
        folder = Path(name)
        if "--tshark" in sys.argv:
            return 1 if compare_with_tshark(folder) else 0
        for test in [value for key, value in globals().items() if key.startswith("test_")]:
            test(folder)
            print(f"ok {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
