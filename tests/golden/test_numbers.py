#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every number of a verdict, of a small database (numbers.db) and SYNs that differ from its signatures in one
thing each: probabilities, steps, scores, reasons. Not right or wrong, but not to change unseen.
`test_numbers.py --update` writes numbers.expected anew; read its diff."""
import itertools
import json
import sys
import tempfile
from pathlib import Path

from captures import EOL, ETHERNET, NOP, ROOT, SACK_OK, frame_ethernet, mss, pcap, run_classify, syn
from captures import timestamps, wscale

EXPECTED = Path(__file__).with_name("numbers.expected")
DATABASE = Path(__file__).with_name("numbers.db")
SERVER = {4: "192.0.2.1", 6: "2001:db8:ffff::1"}
CLIENT = {4: "198.51.100.1", 6: "2001:db8::1"}


def penguin(size=1460, scale=7):
    return mss(size) + SACK_OK + timestamps(0x1A2B3C4D) + NOP + wscale(scale)


def window(size=1460, scale=8):
    return mss(size) + NOP + wscale(scale) + NOP + NOP + SACK_OK


def gate(size=1460, scale=6):
    return mss(size) + NOP + wscale(scale) + NOP + NOP + timestamps(7) + SACK_OK + EOL + b"\0"


def crowd(size=1460, scale=3):
    return mss(size) + NOP + NOP + timestamps(5) + NOP + wscale(scale) + SACK_OK + NOP * 2


# The stacks of numbers.db as they are ...
STACKS = {
    "penguin 1": {"options": penguin(), "win": 29200},
    "penguin 1, ten": {"options": penguin(), "win": 14600},
    "penguin 2": {"options": penguin(), "win": 64240},
    "penguin 2, scale 10": {"options": penguin(1460, 10), "win": 64240},
    "penguin 2, MSS 1380": {"options": penguin(1380), "win": 64860},
    "puffin": {"options": penguin(1460, 8), "win": 65535},
    "puffin, 1360": {"options": penguin(1360, 9), "win": 65535},
    "window new": {"options": window(), "win": 64240, "ttl": 117},
    "window new, 65535": {"options": window(), "win": 65535, "ttl": 117},
    "window old": {"options": window(1460, 2), "win": 8192, "ttl": 117},
    "window older": {"options": mss(1460) + NOP + NOP + SACK_OK, "win": 16384, "ttl": 117},
    "gate": {"options": mss(1460) + NOP + NOP + SACK_OK, "win": 3000, "ttl": 250, "ident": 0},
    "gate, any TTL": {"options": mss(1460), "win": 4128, "ttl": 7, "ip_flags": 0},
    "gate, padded": {"options": gate(), "win": 65535, "ident": 0},
    "probe fast": {"options": b"", "win": 65535, "ttl": 240, "ip_flags": 0, "ident": 54321},
    "probe, seq": {"options": mss(1460), "win": 5, "seq": 0xC0000201, "ip_flags": 0},
    "probe loud": {"options": mss(1460), "win": 1024, "ip_flags": 0},
}

CHANGED = ("penguin 1", "penguin 2", "puffin", "window new", "window older", "gate, any TTL", "gate, padded",
           "probe loud")

# ... and some of them with one thing changed.
CHANGES = {
    "no hop": {"ttl": 64},
    "30 hops": {"ttl": 34},
    "45 hops": {"ttl": 19},
    "TTL 1": {"ttl": 1},
    "TTL 100": {"ttl": 100},
    "TTL 255": {"ttl": 255},
    "no DF": {"ip_flags": 0},
    "ID 0": {"ident": 0},
    "reserved bit": {"ip_flags": 6},
    "ECN": {"tos": 1},
    "window 1": {"win": 1},
    "window 8192": {"win": 8192},
    "window 60000": {"win": 60000},
    "seq 0": {"seq": 0},
    "ack": {"ack": 5},
    "urgent pointer": {"urg": 5},
    "push": {"flags": 0x0A},
    "urgent": {"flags": 0x22},
    "payload": {"payload": b"GET "},
    "IP options": {"ip_options": NOP * 4},
}

# Changes of the options, for the stacks that have them all.
LAYOUTS = {
    "no timestamps": lambda size, scale: mss(size) + SACK_OK + NOP + wscale(scale),
    "timestamps as NOPs": lambda size, scale: mss(size) + SACK_OK + NOP * 11 + wscale(scale),
    "no SACK": lambda size, scale: mss(size) + timestamps(5) + NOP + wscale(scale) + NOP * 2,
    "no scale": lambda size, scale: mss(size) + SACK_OK + timestamps(5) + NOP * 4,
    "MSS alone": lambda size, scale: mss(size),
    "nothing": lambda size, scale: b"",
    "turned round": lambda size, scale: wscale(scale) + NOP + timestamps(5) + SACK_OK + mss(size),
    "padded": lambda size, scale: penguin(size, scale) + EOL + b"\0" * 3,
    "rubbish behind the end": lambda size, scale: penguin(size, scale) + EOL + b"\0\1\0",
    "timestamp 0": lambda size, scale: mss(size) + SACK_OK + timestamps(0) + NOP + wscale(scale),
    "timestamp echo": lambda size, scale: mss(size) + SACK_OK + timestamps(5, 9) + NOP + wscale(scale),
    "scale 15": lambda size, scale: penguin(size, 15),
    "scale 0": lambda size, scale: penguin(size, 0),
    "bad": lambda size, scale: mss(size) + b"\4\3" + b"\1" + NOP * 5,
    "more than known": lambda size, scale: penguin(size, scale) + b"\x22\x02" + NOP * 2,
}
# What many stacks of numbers.db have in common, and what tells them apart.
CROWD = {
    "window": (5000, 5840, 6000, 4500, 7000, 7300, 64240, 65535, 10000),
    "scale": (3, 4, 6),
    "ttl": (30, 60, 120, 250),
}
MEMBERS = {
    "Newt": {"payload": b"GET "},
    "Pike": {"ip_options": NOP * 4},
    "Cod": {"ttl": 250, "ip_flags": 0},
    "Dog": {"ident": 0},
    "Eel": {"ttl": 30, "ip_flags": 0, "ident": 0},
    "Fox": {"tos": 1},
    "Gnu": {"ttl": 120},
    "Ibis": {"options": crowd(1460, 4), "ttl": 20},
    "Jay": {"options": crowd(1460, 5)},
    "Kiwi": {"options": crowd(1460, 9), "win": 7300},
    "Lynx": {"options": crowd(1460, 9)},
}
SIZES = (0, 99, 536, 1220, 1300, 1400, 1440, 1452, 1459, 8960)


def whole_words(options):
    return options + NOP * (-len(options) % 4)


def packet(version=4, **fields):
    fields = {"ttl": 57, "ident": 0x1234, "seq": 0x11223344, "win": 64240, **fields}
    if version == 6:
        for only_v4 in ("ident", "ip_flags", "ip_options"):
            fields.pop(only_v4, None)
        fields["flow"] = 0x12345
    return syn(CLIENT[version], SERVER[version], **fields)


def packets():
    yield from ((name, packet(**stack)) for name, stack in STACKS.items())
    yield from ((f"{name}, {change}", packet(**{**STACKS[name], **fields}))
                for name in CHANGED for change, fields in CHANGES.items())
    yield from ((f"{name}, IPv6", packet(6, **stack)) for name, stack in STACKS.items())
    for layout, options in LAYOUTS.items():
        for win, scale in ((64240, 7), (29200, 7), (65535, 8)):
            yield f"{layout}, {win}, {scale}", packet(options=whole_words(options(1460, scale)), win=win)
    for i, (win, scale, ttl) in enumerate(itertools.product(*CROWD.values())):
        if i % 5 < 2: # a field of each pair of values, not each three
            fields = ({}, {"ip_flags": 0}, {"ident": 0}, {"ip_flags": 0, "ident": 0}, {"tos": 1},
                      {"payload": b"GET "})[i % 6]
            yield f"crowd {win}, {scale}, TTL {ttl}, {fields}", packet(options=crowd(1460, scale), win=win,
                                                                       ttl=ttl, **fields)
    for name, fields in MEMBERS.items():
        fields = {"options": crowd(), "win": 5000, **fields}
        yield f"crowd, {name}", packet(**fields)
        yield f"crowd, {name}, IPv6", packet(6, **fields)
    for win in CROWD["window"]:
        yield f"crowd in order, {win}", packet(options=whole_words(crowd(1400)[:4] + timestamps(5) + wscale(3)
                                                                   + SACK_OK), win=win)
        yield f"crowd without timestamps, {win}", packet(options=whole_words(mss(1400) + wscale(3) + SACK_OK),
                                                         win=win)
        yield f"crowd mixed, {win}", packet(options=whole_words(SACK_OK + timestamps(5) + wscale(3) + mss(1460)),
                                            win=win)
    for size in SIZES:
        for win in (size * 20 % 65536, 65535 // (size or 1) * (size or 1) % 65536, 64240, 65535):
            yield f"MSS {size}, {win}", packet(options=penguin(size), win=win)
            yield f"MSS {size}, {win}, IPv6", packet(6, options=penguin(size), win=win)


def describe(name, seen):
    system, told = seen["os"], seen["explain"]
    steps = " ".join(f"{step['step']}:{step['class']}/{step['family']}" for step in told["steps"])
    guesses = " ".join(f"{guess['label']}:{guess['score']}" for guess in told["bestNGuesses"])
    return " | ".join([name, system["label"], system["match"], json.dumps(system["classes"]),
                       f"{system['confidence']} {system['family_confidence']}", str(seen["dist_hops"]),
                       seen["link"]["grade"], " ".join(seen["flags"]), " ".join(seen["reasons"]), steps,
                       guesses])


def main(args):
    made = list(packets())
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        path = Path(folder) / "all.pcap"
        path.write_bytes(pcap([(1_700_000_000_000_000_000, frame_ethernet(data)) for _, data in made], ETHERNET))
        status, out, err = run_classify(str(path), "--json", "--explain", "--db", str(DATABASE), "--links",
                                        str(ROOT / "tests/golden/numbers.links"))
    assert (status, err) == (0, ""), err
    seen = [json.loads(line) for line in out.splitlines()]
    assert len(seen) == len(made), f"{len(seen)} of {len(made)} SYNs came out"
    lines = [describe(name, one) for (name, _), one in zip(made, seen)]
    if args == ["--update"]:
        EXPECTED.write_text("\n".join(lines) + "\n")
        return 0
    expected = EXPECTED.read_text().splitlines()
    differing = [(want, got) for want, got in zip(expected, lines) if want != got]
    for want, got in differing[:10]:
        print(f"- {want}\n+ {got}")
    if expected != lines:
        print(f"{len(differing)} of {len(lines)} verdicts have other numbers. If that is meant, write them anew:\n"
              "  tests/golden/test_numbers.py --update")
    return 0 if expected == lines else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
