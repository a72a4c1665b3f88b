#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""synprint link against arithmetic that is done here, by hand."""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYNPRINT = str(ROOT / os.environ.get("BUILD", "build") / "synprint")
LINKS = ["--links", str(ROOT / "conf" / "links.db")]

# Arguments, MTU, grade, original MSS, a candidate's label and arithmetic.
ANSWERS = [
    ("1460 --win 64240", 1500, "none", [1460], "Ethernet or modem", "1500"),
    ("1380 --win 64860", 1420, "likely", [1380, 1410], "WireGuard",
     "Ethernet 1500 - IPv6 40 - UDP 8 - WireGuard 32 = 1420"),
    ("1380 --win 64240", 1420, "possible", [1460], "OpenVPN",
     "PPPoE 1492 - IPv6 40 - UDP 8 - peer id 4 - packet id 4 - tag 16 = 1420"),
    ("1380", 1420, "possible", [], "WireGuard", "1420"),
    ("1360 --ipv6 --win 65280", 1420, "likely", [1360], "WireGuard", "1420"),
    ("1432", 1472, "access", [], "OpenConnect", "Ethernet 1500 - IPv4 20 - UDP 8 = 1472"),
    ("1379 --win 64240", 1419, "possible", [1460], "OpenVPN",
     "PPPoE 1492 - IPv4 20 - UDP 8 - peer id 4 - HMAC 20 - IV 16, in blocks of 16: 1424 - "
     "padding 1 - packet id 4 = 1419"),
]

# Arguments, exit code, what stderr says.
REFUSED = [
    ("", 2, "link takes one MSS"),
    ("0", 2, "link takes one MSS"),
    ("65536", 2, "link takes one MSS"),
    ("1400 1400", 2, "link takes one MSS"),
    ("-5", 2, "bad option -5"),
    ("1400 --win 65536", 2, "--win is a number"),
    ("1400 --links /no/such/file", 4, "/no/such/file: "),
    ("1400 --links Makefile", 4, "Makefile:"),
]

problems = []


def run(arguments, *more):
    return subprocess.run([SYNPRINT, "link", *arguments.split(), *more], capture_output=True,
                          text=True, cwd=ROOT)


def expect(is_true, what):
    if not is_true:
        problems.append(what)


for arguments, mtu, grade, origins, label, arithmetic in ANSWERS:
    done = run(arguments, *LINKS, "--json")
    answer = json.loads(done.stdout)
    expect(done.returncode == 0, f"{arguments}: exit {done.returncode}")
    for name, value in (("mtu", mtu), ("grade", grade), ("origins", origins)):
        expect(answer[name] == value, f"{arguments}: {name} is {answer[name]}, not {value}")
    expect((label, arithmetic) in [(cand["label"], cand["arithmetic"])
                                   for cand in answer["candidates"]],
           f"{arguments}: no {label}, {arithmetic} in {answer['candidates']}")
    text = run(arguments, *LINKS).stdout
    for part in (f"an MTU of {mtu}: {answer['label']}\n", arithmetic, f"tunnel: {grade}\n",
                 " ".join(map(str, origins)) + "\n"):
        expect(part in text, f"{arguments}: no '{part}' in\n{text}")

for arguments, code, what in REFUSED:
    done = run(arguments)
    expect(done.returncode == code and what in done.stderr and done.stdout == "",
           f"{arguments}: exit {done.returncode}: {done.stdout}{done.stderr}")

print("\n".join(problems))
sys.exit(1 if problems else 0)
