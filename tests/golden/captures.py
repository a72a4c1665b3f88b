# SPDX-License-Identifier: GPL-2.0-or-later
"""SYNs and capture files that the tests make themselves: packets with valid checksums, every link
layer and file format that `synprint classify` reads, and a call of it."""
import ipaddress
import json
import os
import struct
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
SYNPRINT = str(BUILD / "synprint")

# pcap-linktype(7)
NULL, ETHERNET, RAW, LOOP, SLL, SLL2, USER0 = 0, 1, 101, 108, 113, 276, 147


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tcp(src, dst, options=b"", payload=b"", sport=40000, dport=443, seq=1, ack=0, flags=2, win=64240,
        urg=0, reserved=0):
    """A TCP segment; flags with NS as bit 8, `reserved` the three bits before it."""
    assert len(options) % 4 == 0 and len(options) <= 40
    first = ((20 + len(options)) // 4 << 12) | reserved << 9 | flags
    head = struct.pack(">HHIIHHHH", sport, dport, seq, ack, first, win, 0, urg)
    segment = head + options + payload
    pseudo = src.packed + dst.packed + struct.pack(">II", len(segment), 6)
    return segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]


def ipv4(src, dst, segment, ttl=64, tos=0, ident=0, ip_flags=2, ip_options=b"", proto=6):
    """`ip_flags` are the three flag bits: 4 reserved, 2 don't fragment, 1 more fragments."""
    header_len = 20 + len(ip_options)
    head = struct.pack(">BBHHHBBH", 0x40 | header_len // 4, tos, header_len + len(segment), ident,
                       ip_flags << 13, ttl, proto, 0) + src.packed + dst.packed + ip_options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + segment


def ipv6(src, dst, segment, ttl=64, tos=0, flow=0, extensions=(), proto=6):
    """`extensions` are (protocol number, bytes behind its next-header byte)."""
    body, following = segment, proto
    for number, rest in reversed(extensions):
        body, following = bytes([following]) + rest + body, number
    return struct.pack(">IHBB", 6 << 28 | tos << 20 | flow, len(body), following,
                       ttl) + src.packed + dst.packed + body


def syn(src, dst, *, options=b"", payload=b"", sport=40000, dport=443, seq=1, ack=0, flags=2,
        win=64240, urg=0, reserved=0, **ip_fields):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    segment = tcp(src, dst, options, payload, sport, dport, seq, ack, flags, win, urg, reserved)
    return (ipv4 if src.version == 4 else ipv6)(src, dst, segment, **ip_fields)


def mss(value):
    return struct.pack(">BBH", 2, 4, value)


def wscale(value):
    return bytes([3, 3, value])


def timestamps(value, echo=0):
    return struct.pack(">BBII", 8, 10, value, echo)


SACK_OK, NOP, EOL = b"\4\2", b"\1", b"\0"


def ethertype(packet):
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


def frame_ethernet(packet, tags=()):
    head = b"\2\0\0\0\0\1\2\0\0\0\0\2"
    for kind, vlan in tags:
        head += struct.pack(">HH", kind, vlan)
    return head + struct.pack(">H", ethertype(packet)) + packet


def frame_sll(packet):
    return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", ethertype(packet)) + packet


def frame_sll2(packet):
    return struct.pack(">HHIHBB8s", ethertype(packet), 0, 2, 1, 0, 6, b"\2\0\0\0\0\1") + packet


def frame_loopback(packet, order):
    """The family in the byte order of the host that captured: 2, and 30 as macOS has for IPv6."""
    return struct.pack(order + "I", 2 if packet[0] >> 4 == 4 else 30) + packet


# How each link layer is written: name -> (link type, frame of a packet in a file of that order).
LINKS = {
    "ethernet": (ETHERNET, lambda packet, order: frame_ethernet(packet)),
    "vlan": (ETHERNET, lambda packet, order: frame_ethernet(packet, [(0x8100, 0x2005)])),
    "qinq": (ETHERNET, lambda packet, order: frame_ethernet(packet, [(0x88A8, 7), (0x8100, 5)])),
    "raw": (RAW, lambda packet, order: packet),
    "sll": (SLL, lambda packet, order: frame_sll(packet)),
    "sll2": (SLL2, lambda packet, order: frame_sll2(packet)),
    "null": (NULL, frame_loopback),
    "loop": (LOOP, lambda packet, order: frame_loopback(packet, ">")),
}


def pcap(frames, link_type, order="<", nano=False):
    """`frames` are (time in ns, bytes)."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 65535,
                       link_type)]
    for when, frame in frames:
        part = when % 10**9
        out.append(struct.pack(order + "IIII", when // 10**9, part if nano else part // 1000,
                               len(frame), len(frame)) + frame)
    return b"".join(out)


def pcapng(frames, link_type, order="<", nano=False):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        length = len(body) + 12
        return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)

    options = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0) if nano else b""
    out = [block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
           block(1, struct.pack(order + "HHI", link_type, 0, 65535) + options)]
    for when, frame in frames:
        ticks = when if nano else when // 1000
        out.append(block(6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF,
                                        len(frame), len(frame)) + frame))
    return b"".join(out)


def run_classify(*args, data=None):
    """Returns (exit status, standard output, standard error)."""
    run = subprocess.run([SYNPRINT, "classify", *args], input=data, capture_output=True,
                         timeout=60, env={**os.environ, **databases()})
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def databases():
    """The databases of this tree, wherever the build folder is."""
    return {"SYNPRINT_CONF_DIR": os.environ.get("SYNPRINT_CONF_DIR", str(ROOT / "conf"))}


def classify(path, data=None):
    """What classify says about each SYN of a file that must be read without complaint."""
    status, out, err = run_classify("--json", str(path), data=data)
    assert (status, err) == (0, ""), f"classify {path}: status {status}: {err}"
    return [json.loads(line) for line in out.splitlines()]
