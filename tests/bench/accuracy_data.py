# SPDX-License-Identifier: GPL-2.0-or-later
"""SYNs for accuracy.py: made from tables of shapes, or read from files of packets."""

import collections
import csv
import json
import random
import struct

import tables as T

OPTION_BYTES = {"nop": b"\x01", "sok": b"\x04\x02", "eol": b"\x00"}
VISITOR_MSS = [1460, 1460, 1460, 1452, 1440, 1412, 1400, 1380, 1360, 1300, 1240]
LABELS = {"ChromeOS": "Linux", "Other:ChromeOS": "Linux"}  # what a file calls one of the families

# raw: from the IP header on; cls: its label, a class or a family
Sample = collections.namedtuple("Sample", "raw cls")


def option_bytes(layout, mss, wscale):
    out = b""
    for name in filter(None, layout.split(",")):
        if name == "mss":
            out += struct.pack("!BBH", 2, 4, mss)
        elif name == "ws":
            out += bytes([3, 3, wscale])
        elif name == "ts":
            out += struct.pack("!BBII", 8, 10, random.randrange(1, 1 << 32), 0)
        elif name.startswith("eol+"):
            out += bytes(int(name[4:]) + 1)
        elif name.startswith("?"):
            out += bytes([int(name[1:]), 4, 0, 0])
        else:
            out += OPTION_BYTES[name]
    return out + bytes(-len(out) % 4)


def is_apple_shape(shape):
    """Apple sends IP ID 0 since about 2018, whatever a gateway makes of the TTL; no table tells
    the ID."""
    return shape.layout.startswith("mss,nop,ws") and "eol+1" in shape.layout \
        and shape.window == "65535"


def make_syn(shape):
    """A SYN of a shape, some hops away, with an MSS as visitors have them."""
    multiple = int(shape.window[4:]) if shape.window.startswith("mss*") else 0
    mss = random.choice([m for m in VISITOR_MSS if m * multiple <= 65535])
    options = option_bytes(shape.layout, mss, shape.scale)
    flags = 0x1C2 if shape.ae else 0xC2 if shape.ecn else 0x02
    tcp = struct.pack("!HHIIHHHH", random.randrange(1024, 65536), 443, random.getrandbits(32), 0,
                      (20 + len(options)) // 4 << 12 | flags, multiple * mss or int(shape.window),
                      0, 0) + options
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp),
                     0 if is_apple_shape(shape) else random.randrange(1, 65536),
                     0x4000 if shape.df else 0, shape.ttl - random.randrange(4, 22), 6, 0,
                     bytes([198, 51, 100, 1]), bytes([192, 0, 2, 1]))
    return ip + tcp


def drawn(table):
    """A SYN for each that a table counts; the table is resolved."""
    samples = []
    for shape, counts in table.rows.items():
        for cls, count in counts.items():
            samples += [Sample(make_syn(shape), cls) for _ in range(round(count))]
    random.shuffle(samples)
    return samples


def family_of(label):
    return T.FAMILY.get(label, label)


def read_json_lines(path):
    """One object a line with raw, in hex, and os."""
    samples = []
    with open(path) as f:
        for line in f:
            record = json.loads(line)
            label = LABELS.get(record["os"], record["os"])
            if label in T.FAMILY or label in T.FAMILY.values():
                samples.append(Sample(bytes.fromhex(record["raw"]), label))
    return samples


def read_tab_separated(path):
    """Columns raw_hex and class; what is none of the five classes is left out."""
    with open(path, newline="") as f:
        return [Sample(bytes.fromhex(row["raw_hex"]), row["class"])
                for row in csv.DictReader(f, delimiter="\t") if row["class"] in T.FAMILY]


def read_syns(path):
    return read_json_lines(path) if path.endswith(".jsonl") else read_tab_separated(path)
