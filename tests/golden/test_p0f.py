#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""p0f.fp as Debian ships it, read by p0f and by us: SYNs made from its own signatures and from this
kernel's. Wherever p0f's answer is specific, `synprint classify --db p0f.fp` says the same."""
import ipaddress
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from captures import ETHERNET, NOP, SACK_OK, frame_ethernet, mss, pcap
from captures import run_classify, syn, timestamps, wscale

P0F_FP = "/etc/p0f/p0f.fp"
SERVER4, SERVER6 = "192.0.2.1", "2001:db8:ffff::1"
MSS = 1400  # of signatures that leave it open


def skip(why):
    print(why)
    sys.exit(77)


def signatures():
    """(label, signature's fields) of [tcp:request]."""
    section = label = None
    for line in Path(P0F_FP).read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        if section != "[tcp:request]" or "=" not in line or line.startswith(";"):
            continue
        key, value = (part.strip() for part in line.split("=", 1))
        if key == "label":
            label = value
        elif key == "sig":
            yield label, value.split(":")


def option(name, size, scale, quirks):
    value = {"mss": mss(size), "nop": NOP, "sok": SACK_OK, "ws": wscale(scale),
             "ts": timestamps(0 if "ts1-" in quirks else 99, 7 if "ts2+" in quirks else 0),
             "sack": b"\5\2"}.get(name)
    if value is None and name.startswith("eol+"):
        value = b"\0" + b"\0" * int(name[4:])
    if value is None and name.startswith("?"):
        value = bytes([int(name[1:]), 2])
    return value


def window(text, size, headers):
    if text.startswith("mss*"):
        return int(text[4:]) * size
    if text.startswith("mtu*"):
        return int(text[4:]) * (size + headers)
    if text.startswith("%"):
        return int(text[1:])
    return 12345 if text == "*" else int(text)


def packet(fields, version, number):
    """A SYN that the signature describes, three hops away; None where it cannot be made."""
    _, ttl, olen, size, win, layout, quirks, payload = fields
    quirks = set(filter(None, quirks.split(",")))
    size = MSS if size == "*" else int(size)
    win, scale = win.split(",")
    scale = 3 if scale == "*" else int(scale)
    win = window(win, size, 40 if version == 4 else 60)
    options = [option(name, size, scale, quirks) for name in filter(None, layout.split(","))]
    if None in options or win > 65535 or olen != "0":
        return None
    options = b"".join(options)
    if len(options) % 4 or quirks & {"bad", "opt+"}:
        return None
    common = {"options": options, "win": win, "ttl": int(ttl.rstrip("-+")) - 3,
              "payload": b"x" if payload == "+" else b"", "sport": 10000 + number,
              "seq": 0 if "seq-" in quirks else 77, "ack": 5 if "ack+" in quirks else 0,
              "urg": 9 if "uptr+" in quirks else 0,
              "flags": 2 | 0x20 * ("urgf+" in quirks) | 8 * ("pushf+" in quirks) |
              0xC0 * ("ecn" in quirks)}
    if version == 6:
        return syn("2001:db8::1", SERVER6, flow=5 if "flow" in quirks else 0, **common)
    client = str(ipaddress.ip_address("198.18.0.1") + number)
    df = "df" in quirks
    ident = 0x1234 if (not df and "id-" not in quirks) or "id+" in quirks else 0
    return syn(client, SERVER4, ident=ident, ip_flags=2 * df | 4 * ("0+" in quirks), **common)


def made_packets():
    number = 0
    for label, fields in signatures():
        for version in (4, 6) if fields[0] == "*" else (int(fields[0]),):
            number += 1
            made = packet(fields, version, number)
            if made:
                yield made


def kernel_packets(folder):
    """Real SYNs of this kernel over loopback, as tcpdump saw them."""
    path = folder / "kernel.pcap"
    command = ["tcpdump", "-i", "lo", "-U", "--immediate-mode", "-w", str(path),
               "tcp[tcpflags] == tcp-syn and dst port 9"]
    dump = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        dump.stderr.readline()  # it listens
        for _ in range(3):
            stream = socket.socket()
            stream.connect_ex(("127.0.0.1", 9))
            stream.close()
        time.sleep(0.5)
    finally:
        dump.terminate()
        dump.wait(timeout=10)
    data, pos = path.read_bytes(), 24
    while pos + 16 <= len(data):
        length = int.from_bytes(data[pos + 8:pos + 12], "little")
        yield data[pos + 16 + 14:pos + 16 + length]
        pos += 16 + length


def ask_p0f(path, folder):
    """{(address, port): (label, fuzzy or generic)} of p0f's log."""
    log = folder / "p0f.log"
    subprocess.run(["p0f", "-f", P0F_FP, "-r", str(path), "-o", str(log)], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)
    answers = {}
    for line in log.read_text().splitlines():
        if "mod=syn|" not in line:  # MTU, uptime and the like
            continue
        parts = dict(part.split("=", 1) for part in line.split("] ", 1)[1].split("|") if "=" in part)
        ip, port = parts["cli"].rsplit("/", 1)
        answers[str(ipaddress.ip_address(ip)), int(port)] = parts.get("os", parts.get("app")), parts["params"]
    return answers


def differences(theirs, ours):
    same = 0
    for key, (label, params) in theirs.items():
        if label == "???" or re.search(r"fuzzy|generic", params):
            continue
        mine = ours.get(key)
        if mine and mine["label"].replace(" ", "") == label.replace(" ", ""):
            same += 1
        else:
            yield f"{key}: p0f says {label} ({params}), synprint {mine}"
    print(f"FIGURE the same label for {same} SYNs on which p0f is specific, of {len(theirs)}")
    if same < 60:
        yield f"only {same} SYNs were compared"


def main():
    if not shutil.which("p0f") or not Path(P0F_FP).exists():
        skip(f"p0f or {P0F_FP} is not installed")
    with tempfile.TemporaryDirectory(prefix="synprint-p0f-") as name:
        folder = Path(name)
        packets = list(made_packets()) + list(kernel_packets(folder))
        path = folder / "syns.pcap"
        path.write_bytes(pcap([(1_700_000_000_000_000_000 + number * 10**6, frame_ethernet(one))
                               for number, one in enumerate(packets)], ETHERNET))
        theirs = ask_p0f(path, folder)
        status, out, err = run_classify("--json", "--db", P0F_FP, str(path))
    assert status == 0, err
    seen = [json.loads(line) for line in out.splitlines()]
    ours = {(str(ipaddress.ip_address(one["ip"])), one["port"]): one["os"] for one in seen}
    wrong = list(differences(theirs, ours))
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
