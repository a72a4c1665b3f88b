#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One SYN of each important stack through `synprint classify`, against one expected line each in
classify.expected. `test_classify.py --update` writes that file anew; read its diff."""
import ipaddress
import sys
import tempfile
from pathlib import Path

from captures import ETHERNET, EOL, NOP, SACK_OK, classify, frame_ethernet, mss, pcap, syn
from captures import run_classify, timestamps, wscale

EXPECTED = Path(__file__).with_name("classify.expected")
CLIENT4, CLIENT6 = "198.51.100.1", "2001:db8::1"
SERVER4, SERVER6 = "192.0.2.1", "2001:db8:ffff::1"


def linux(size=1460, scale=7):
    return mss(size) + SACK_OK + timestamps(0x1A2B3C4D) + NOP + wscale(scale)


def windows(size=1460, scale=8):
    return mss(size) + NOP + wscale(scale) + NOP + NOP + SACK_OK


def apple(size=1460, scale=6):
    return (mss(size) + NOP + wscale(scale) + NOP + NOP + timestamps(0x1A2B3C4D) + SACK_OK + EOL +
            b"\0")


def v4(**fields):
    return syn(CLIENT4, SERVER4, **{"ttl": 57, "ident": 0x1234, "seq": 0x11223344, **fields})


def v6(**fields):
    return syn(CLIENT6, SERVER6, **{"ttl": 57, "flow": 0x12345, "seq": 0x11223344, **fields})


def masscan():
    """Its IP ID is made of the destination and the sequence number."""
    address, seq = int(ipaddress.ip_address(SERVER4)), 0x9ABCDEF0
    return v4(ttl=243, ip_flags=0, win=1024, seq=seq, ident=(address ^ 443 ^ seq) & 0xFFFF)


STACKS = {
    "Linux": v4(options=linux()),
    "Linux, IPv6": v6(options=linux(1440), win=64800),
    "Linux over loopback": v4(options=linux(65495), win=65495, ttl=64),
    "Linux, old": v4(options=linux(1460, 7), win=29200),
    "Linux behind WireGuard": v4(options=linux(1380), win=64860),
    "Linux, MSS clamped to 1380": v4(options=linux(1380), win=64240),
    "Linux behind PPPoE": v4(options=linux(1452), win=65340),
    "Linux with ECN": v4(options=linux(), flags=0xC2),
    "Android": v4(options=linux(1460, 9), win=65535),
    "Android, mobile network": v4(options=linux(1400, 9), win=65535, ttl=50),
    "Windows 10": v4(options=windows(), ttl=117),
    "Windows 10, IPv6": v6(options=windows(1440), win=64800, ttl=117),
    "Windows 11": v4(options=windows(), win=65535, ttl=117),
    "Windows 7": v4(options=windows(1460, 2), win=8192, ttl=117),
    "Windows XP": v4(options=mss(1460) + NOP + NOP + SACK_OK, win=65535, ttl=117),
    "Windows layout with TTL 64": v4(options=windows(), ttl=54),
    "macOS": v4(options=apple(), win=65535, ident=0),
    "macOS, IPv6": v6(options=apple(1440), win=65535),
    "iOS": v4(options=apple(1460, 7), win=65535, ident=0),
    "FreeBSD": v4(options=mss(1460) + NOP + wscale(6) + SACK_OK + timestamps(9), win=65535,
                  ident=0),
    "OpenBSD": v4(options=mss(1460) + NOP + NOP + SACK_OK + NOP + wscale(6) + NOP + NOP +
                  timestamps(9), win=16384),
    "NetBSD": v4(options=mss(1460) + NOP + wscale(3) + SACK_OK + NOP * 4 + timestamps(9),
                 win=32768, ident=0),
    "nmap -sS": v4(options=mss(1460), win=1024, ttl=46, ip_flags=0),
    "masscan": masscan(),
    "zmap": v4(options=b"", win=65535, ttl=243, ip_flags=0, ident=54321),
    "Mirai": v4(ttl=50, ip_flags=0, win=0x3D7A, seq=int(ipaddress.ip_address(SERVER4))),
    "bare, never seen": v4(options=NOP * 8 + b"\xfd\x04ab", win=3, ttl=91, ack=7, urg=5),
    "malformed options": v4(options=b"\x02\x09\x05\xb4" + NOP * 4),
}


def describe(name, seen):
    system, link = seen["os"], seen["link"]
    return " | ".join([name, system["class"], system["family"], system["label"], system["match"],
                       link["label"], link["grade"], " ".join(seen["flags"]) or "-"])


def read_stacks(folder):
    path = folder / "stacks.pcap"
    path.write_bytes(pcap([(1_700_000_000_000_000_000, frame_ethernet(packet))
                           for packet in STACKS.values()], ETHERNET))
    seen = classify(path)
    assert len(seen) == len(STACKS), f"{len(seen)} of {len(STACKS)} SYNs came out"
    return path, [describe(name, one) for name, one in zip(STACKS, seen)]


def check_plain(path):
    """Without --json: one line a SYN, no header and no colour where it is no terminal."""
    status, out, err = run_classify(str(path))
    assert (status, err) == (0, ""), err
    assert out.count("\n") == len(STACKS) and "\033" not in out, out
    assert all(CLIENT4 in line or CLIENT6 in line for line in out.splitlines()), out


def main(args):
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        path, lines = read_stacks(Path(folder))
        check_plain(path)
    if args == ["--update"]:
        EXPECTED.write_text("\n".join(lines) + "\n")
        return 0
    expected = EXPECTED.read_text().splitlines()
    for want, got in zip(expected, lines):
        if want != got:
            print(f"- {want}\n+ {got}")
    return 0 if expected == lines else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
