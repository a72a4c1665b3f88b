#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint classify` and tcpdump read the same captures; every field of a SYN that tcpdump prints
must be the same in both."""
import math
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from captures import (ETHERNET, EOL, LINKS, NOP, SACK_OK, classify, frame_ethernet, mss,
                      pcap, pcapng, run_classify, syn, timestamps, USER0, wscale)

SYNS = 300
FORMATS = {
    "pcap": (pcap, "<", False),
    "pcap, big-endian": (pcap, ">", False),
    "pcap, nanoseconds": (pcap, "<", True),
    "pcap, big-endian, nanoseconds": (pcap, ">", True),
    "pcapng": (pcapng, "<", False),
    "pcapng, big-endian": (pcapng, ">", False),
    "pcapng, nanoseconds": (pcapng, "<", True),
}


def random_options(rng):
    parts = [mss(rng.choice([0, 1, 536, 1380, 1460, 8960, 65535])), SACK_OK,
             timestamps(rng.choice([0, 1, rng.getrandbits(32)]), rng.choice([0, 0, 2**32 - 1])),
             wscale(rng.choice([0, 1, 7, 14])), NOP, NOP, b"\5\x0a" + rng.randbytes(8),
             b"\x22\2", b"\x22\x0a" + rng.randbytes(8), b"\x1c\4\x80\5", b"\x46\5abc"]
    rng.shuffle(parts)
    options = b""
    for part in parts[:rng.randint(0, len(parts))]:
        if len(options) + len(part) <= 40:
            options += part
    if rng.random() < 0.3 and len(options) < 40:
        options += EOL
        return options + b"\0" * (-len(options) % 4)
    return options + NOP * (-len(options) % 4)


def random_syn(rng):
    fields = {
        "options": random_options(rng),
        "payload": rng.choice([b"", b"", b"", b"GET / HTTP/1.0\r\n\r\n", b"\x16"]),
        "sport": rng.randint(1, 65535), "dport": rng.randint(1, 65535),
        "seq": rng.choice([0, 1, rng.getrandbits(32)]),
        "ack": rng.choice([0, 0, rng.getrandbits(32)]),
        "flags": 2 | rng.choice([0, 0, 0, 0x08, 0x20, 0xC0, 0x40, 0xE8]),
        "win": rng.randint(0, 65535), "urg": rng.choice([0, 0, rng.getrandbits(16)]),
        "ttl": rng.randint(1, 255), "tos": rng.choice([0, 0, rng.getrandbits(8)]),
    }
    if rng.random() < 0.5:
        return syn(f"198.51.100.{rng.randint(1, 254)}", "192.0.2.1",
                   ident=rng.choice([0, rng.getrandbits(16)]),
                   ip_flags=rng.choice([2, 2, 0, 6, 1, 3, 4]),
                   ip_options=rng.choice([b"", b"", b"", b"\x94\4\0\0", NOP * 40]), **fields)
    return syn(f"2001:db8::{rng.randint(1, 65535):x}", "2001:db8:ffff::1",
               flow=rng.choice([0, rng.getrandbits(20)]),
               extensions=rng.choice([(), (), (), [(0, PADDED)], [(60, PADDED), (44, FIRST)]]),
               **fields)


PADDED = b"\0\1\4\0\0\0\0"  # an extension header of 8 bytes: PadN
FIRST = b"\0\0\1\x12\x34\x56\x78"  # a fragment header: offset 0, more to come


def other_packets():
    """What is no SYN, or no TCP, or no IP: nobody prints a SYN for it."""
    plain = syn("198.51.100.1", "192.0.2.1", options=mss(1460))
    return [syn("192.0.2.1", "198.51.100.1", options=mss(1460), flags=0x12),
            syn("2001:db8::1", "2001:db8::2", flags=0x10),
            syn("198.51.100.1", "192.0.2.1", proto=17),
            plain[:6] + b"\0\5" + plain[8:]]  # a later fragment


def random_frames(link):
    rng = random.Random(f"synprint {link}")
    frame = LINKS[link][1]
    when = 1_700_000_000_000_000_000
    packets = [random_syn(rng) for _ in range(SYNS)]
    for at, packet in enumerate(other_packets()):
        packets.insert(40 * at, packet)

    def make(order):
        nonlocal when
        frames = []
        for packet in packets:
            when += rng.randint(1, 2_000_000_000)
            frames.append((when, frame(packet, order)))
        return frames
    return make


# What tcpdump -nn -tt -v prints: one line of IP, one of TCP (IPv6: both on one).
IP4 = re.compile(r"(?P<ts>[\d.]+) (?:\S+ +In +)?IP \(tos (?P<tos>0x[\da-f]+)(?:,\w+(?:\(\d\))?)?, ttl (?P<ttl>\d+), "
                 r"id (?P<id>\d+), offset 0, flags \[(?P<flags>[^]]*)\], proto TCP \(6\), "
                 r"length (?P<length>\d+)")
IP6 = re.compile(r"(?P<ts>[\d.]+) (?:\S+ +In +)?IP6 \((?:class (?P<tos>0x[\da-f]+), )?"
                 r"(?:flowlabel (?P<flow>0x[\da-f]+), )?hlim (?P<ttl>\d+), next-header \S+ \(\d+\),? "
                 r"payload length: (?P<length>\d+)\)")
# Behind an extension header it prints the addresses first and the ports alone.
EXTENDED = re.compile(r"\) (?P<src>[\da-f:]+) > (?P<dst>[\da-f:]+): (?:HBH|DSTOPT) ")
TCP = re.compile(r"(?:(?P<src>[\da-f:.]+)\.)?(?P<sport>\d+) > (?:(?P<dst>[\da-f:.]+)\.)?(?P<dport>\d+): "
                 r"Flags \[(?P<tcp_flags>[A-Z.e]*)\].* seq (?P<seq>\d+)(?::\d+)?, "
                 r"(?:ack (?P<ack>\d+), )?win (?P<win>\d+), (?:urg (?P<urg>\d+), )?"
                 r"(?:options \[(?P<options>.*)\], )?length (?P<payload>\d+)")
FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, ".": 16, "U": 32, "E": 64, "W": 128, "e": 256}


def letters_of(options):
    """tcpdump's list of options in the letters of the article, and the values in it."""
    letters, values = "", {"tcp_mss": None, "tcp_window_scaling": None, "tcp_timestamp": None,
                           "tcp_timestamp_echo_reply": None}
    named = {"nop": "N", "eol": "E", "sackOK": "S", "sack": "U5", "tfo": "U34", "uto": "U28"}
    for option in re.split(r",(?![^{]*})", options) if options else []:
        word, *rest = option.split()
        if word == "mss":
            values["tcp_mss"] = int(rest[0])
            letters += f"M{rest[0]},"
        elif word == "wscale":
            values["tcp_window_scaling"] = int(rest[0])
            letters += f"W{rest[0]},"
        elif word == "TS":
            values["tcp_timestamp"], values["tcp_timestamp_echo_reply"] = int(rest[1]), int(rest[3])
            letters += "T,"
        else:
            letters += named[word] + "," if word in named else f"U{word.split('-')[1]},"
    return {**values, "tcp_options": letters}


def decode(line):
    """One packet of tcpdump's, in the names of classify; None where it is no SYN."""
    ip, tcp = IP4.match(line) or IP6.match(line), TCP.search(line)
    if not ip or not tcp or not set("S.FR") & set(tcp["tcp_flags"]) == {"S"}:
        return None
    is_v4 = "flags" in ip.re.groupindex
    flags = ip["flags"] if is_v4 else ""
    addresses = EXTENDED.search(line) or tcp
    syn = {
        "ts": math.floor(float(ip["ts"]) * 1000 + 1e-4), "src_ip": addresses["src"],
        "dst_ip": addresses["dst"],
        "port": int(tcp["sport"]), "dst_port": int(tcp["dport"]), "ip_version": 4 if is_v4 else 6,
        "ip_tos": int(ip["tos"] or "0", 16), "ip_ttl": int(ip["ttl"]),
        "ip_total_length": int(ip["length"]) + (0 if is_v4 else 40),
        "tcp_flags": sum(FLAG_BITS[letter] for letter in tcp["tcp_flags"]),
        "tcp_seq": int(tcp["seq"]), "tcp_window_size": int(tcp["win"]),
        "payload": int(tcp["payload"]), **letters_of(tcp["options"]),
    }
    if tcp["urg"]:
        syn["tcp_urp"] = int(tcp["urg"])
    if is_v4:
        syn |= {"ip_id": int(ip["id"]), "ip_df": int("DF" in flags), "ip_mf": int("+" in flags),
                "ip_rf": int("rsvd" in flags)}
    else:
        syn["ip_flow_label"] = int(ip["flow"] or "0", 16)
    return syn


def tcpdump(path):
    run = subprocess.run(["tcpdump", "-nn", "-tt", "-v", "-r", str(path)], capture_output=True,
                         text=True, check=True)
    lines = re.sub(r"\n\s+", " ", run.stdout).splitlines()
    return [packet for packet in map(decode, lines) if packet]


def ours(seen):
    """The same fields from an object of classify."""
    syn = seen["syn"]
    assert seen["ip"] == syn["src_ip"]
    syn["ts"] = round(syn["ts"] * 1000)
    # tcpdump tells the first end of options alone, we one for each byte that fills the header.
    syn["tcp_options"] = re.sub("(E,)+$", "E,", syn["tcp_options"])
    return {**syn, "port": seen["port"], "payload": syn["ip_total_length"] -
            syn["ip_header_length"] - syn["tcp_header_length"]}


def compare(name, path):
    theirs, mine = tcpdump(path), classify(path)
    assert len(theirs) == len(mine) == SYNS, f"{name}: {len(theirs)} and {len(mine)} SYNs"
    for number, (expected, seen) in enumerate(zip(theirs, map(ours, mine))):
        for key, value in expected.items():
            assert seen[key] == value, \
                f"{name}: SYN {number}: {key} is {seen[key]}, tcpdump says {value}\n{expected}\n{seen}"


def test_links_and_formats(folder):
    for link, (link_type, _) in LINKS.items():
        make = random_frames(link)
        for name, (write, order, nano) in FORMATS.items():
            if link not in ("ethernet", "null") and name != "pcap":
                continue
            path = folder / "capture"
            path.write_bytes(write(make(order), link_type, order, nano))
            compare(f"{link} in {name}", path)


def test_standard_input(folder):
    for write in (pcap, pcapng):
        path = folder / "capture"
        path.write_bytes(write(random_frames("ethernet")("<"), ETHERNET))
        assert classify("-", data=path.read_bytes()) == classify(path)


def expect_refusal(path, *words):
    status, out, err = run_classify("--json", str(path))
    assert status == 4, f"{path}: status {status}"
    assert err.count("\n") == 1 and path.name in err, f"not one line with the file's name: {err!r}"
    for word in words:
        assert word in err, f"'{word}' is not in {err!r}"
    return out


def test_cut_off(folder):
    """Everything before the cut is printed, wherever it is."""
    frames = random_frames("ethernet")("<")[5:25]
    for write, suffix in ((pcap, "pcap"), (pcapng, "pcapng")):
        whole = write(frames, ETHERNET)
        before = len(write(frames[:-1], ETHERNET))
        path = folder / f"cut.{suffix}"
        for length in (before + 3, before + 17, len(whole) - 1):
            path.write_bytes(whole[:length])
            out = expect_refusal(path, "cut off")
            assert out.count("\n") == len(frames) - 1, f"cut at {length}: {out.count(chr(10))} lines"
        path.write_bytes(whole[:before])
        assert len(classify(path)) == len(frames) - 1


def test_no_capture(folder):
    text = folder / "notes.txt"
    text.write_text("This is no capture file at all, just words.\n" * 20)
    expect_refusal(text)
    nothing = folder / "nothing.pcap"
    nothing.write_bytes(b"")
    expect_refusal(nothing)
    expect_refusal(folder / "missing.pcap", "No such file")
    private = folder / "private.pcap"
    private.write_bytes(pcap([(0, b"whatever")], USER0))
    expect_refusal(private, "147", "all 1 packets")


def test_empty(folder):
    for write in (pcap, pcapng):
        path = folder / "empty"
        path.write_bytes(write([], ETHERNET))
        assert classify(path) == []


def test_odd_frames(folder):
    """Frames too short for their headers, and VLAN tags without end, are passed over."""
    packet = syn("198.51.100.1", "192.0.2.1", options=mss(1460))
    good = frame_ethernet(packet)
    tags = frame_ethernet(packet, [(0x8100, 1)] * 20)
    frames = [(0, good[:length]) for length in range(len(good))] + [(0, tags[:20]), (0, tags)]
    path = folder / "odd.pcap"
    path.write_bytes(pcap([*frames, (0, good)], ETHERNET))
    assert len(classify(path)) == 2
    for link, (link_type, frame) in LINKS.items():
        whole = frame(packet, "<")
        path.write_bytes(pcap([(0, whole[:length]) for length in range(len(whole))], link_type))
        assert classify(path) == [], link


def main():
    if not shutil.which("tcpdump"):
        print("SKIP tcpdump is not installed")
        return 77
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        for test in tests:
            test(Path(folder))
            print(f"ok {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
