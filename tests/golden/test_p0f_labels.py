#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With p0f's own database synprint says what p0f says: SYNs of every signature of p0f.fp, near
and far, with several MSS, through both. Where p0f's answer is specific or generic and not fuzzy,
ours has the same label."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from captures import EOL, NOP, RAW, SACK_OK, mss, pcap, run_classify, syn, timestamps, wscale

P0F_DB = "/etc/p0f/p0f.fp"
SIZES = (1460, 1400, 1380, 1331, 536)


def signatures():
    """The fields of each sig line in [tcp:request]."""
    section = ""
    for line in open(P0F_DB):
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == "[tcp:request]" and line.startswith("sig"):
            yield line.split("=", 1)[1].strip().split(":")


def options(layout, size, scale):
    out = b""
    for name in filter(None, layout.split(",")):
        if name.startswith("eol+"):
            out += EOL * (1 + int(name[4:]))
        else:
            out += {"nop": NOP, "sok": SACK_OK, "mss": mss(size), "ws": wscale(scale),
                    "ts": timestamps(0x1A2B3C4D)}[name]
    return out + b"\1" * (-len(out) % 4)


def window(size, text, has_ts):
    if text == "*":
        return 23456
    if text.startswith("mss*"):
        return int(text[4:]) * size
    if text.startswith("mtu*"):
        return int(text[4:]) * (size + 40)
    return int(text)


def syns():
    """Bytes of a SYN for each signature, MSS and distance, each from an address of its own."""
    number = 0
    for _, ttl, _, size, wsize, layout, quirks, _ in signatures():
        win, scale = wsize.split(",")
        for own in SIZES if size == "*" else (int(size),):
            for hops in (0, 11, 34, 40):
                number += 1
                value = window(own, win, "ts" in layout)
                if value > 65535 or int(ttl.rstrip("-")) <= hops:
                    continue
                yield f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", dict(
                    options=options(layout, own, 3 if scale == "*" else int(scale)), win=value,
                    ttl=int(ttl.rstrip("-")) - hops, ident=4711, seq=77,
                    ip_flags=2 if "df" in quirks else 0, ack=0x651E07A7 if "ack+" in quirks else 0,
                    urg=1 if "uptr+" in quirks else 0, flags=0xC2 if "ecn" in quirks else 2)


def ask_p0f(capture):
    """Label and parameters by address."""
    with tempfile.NamedTemporaryFile("r", suffix=".log") as log:
        subprocess.run(["p0f", "-f", P0F_DB, "-r", capture, "-o", log.name], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        answers = {}
        for line in log:
            fields = dict(f.split("=", 1) for f in line.strip().split("] ", 1)[1].split("|"))
            if fields["mod"] == "syn":
                said = fields.get("os") or fields.get("app")
                answers[fields["cli"].split("/")[0]] = (said, fields["params"])
        return answers


def main():
    with tempfile.TemporaryDirectory() as folder:
        capture = str(Path(folder) / "syns.pcap")
        packets = [syn(src, "192.0.2.1", **fields) for src, fields in syns()]
        Path(capture).write_bytes(pcap([(i * 10**9, p) for i, p in enumerate(packets)], RAW))
        theirs = ask_p0f(capture)
        status, out, err = run_classify("--json", "--db", P0F_DB, capture)
        assert (status, err) == (0, ""), err
        ours = {r["ip"]: r["os"] for r in map(json.loads, out.splitlines())}
    compared, wrong = 0, []
    for address, (label, params) in theirs.items():
        if label == "???" or "fuzzy" in params:
            continue
        compared += 1
        if ours[address]["label"] != label:
            wrong.append(f"{address}: p0f {label} ({params}), synprint {ours[address]}")
    print("\n".join(wrong[:20]))
    print(f"{compared} of {len(packets)} SYNs compared, {len(wrong)} with another label")
    return 1 if wrong or compared < 500 else 0


if __name__ == "__main__":
    sys.exit(main())
