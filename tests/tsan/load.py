#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole daemon under ThreadSanitizer: connections, a flood, subscribers and questions, and a
reload several times a second, each with another configuration. It prints what it found, and fails
where that is a race, or where a connection failed. BUILD is a build with SAN=thread; root."""
import json
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))
import lab  # noqa: E402
import packets  # noqa: E402
import traffic  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "40"))
RATE = 200
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
WINDOWS = bytes.fromhex("020405b40103030801010402")

# What a reload changes: sets that come and go, timeouts, sizes, kinds and marks.
SETS = (
    ['nftset = "all"; timeout = "1h";', 'nftset = "mine"; table = "inet mine"; timeout = "1m";',
     'ipset = "some"; timeout = "1m";'],
    ['nftset = "all"; timeout = "30s";', 'nftset = "conns"; key = "addr . port"; timeout = "10s";',
     'ipset = "some"; timeout = "1m"; on_change = "remove"; flags = [ "os_mismatch" ];'],
    ['nftset = "new"; timeout = "1h"; size = 2048;', 'nftmap = "class"; value = 0x10;',
     'mark = 0x10000; flags = [ "scanner", "vpn" ];'],
)


def ask(daemon, sent):
    source = lab.source4(1 + sent % 100)
    daemon.verdict(source)
    daemon.request({"op": "verdict", "ip": source, "user_agent": AGENT})
    daemon.request({"op": "explain", "ip": source})
    daemon.request({"op": "clients", "limit": 50})
    for op in ("status", "metrics", "baseline", "unknown"):
        daemon.request({"op": op})
    if sent % 7 == 0:
        daemon.request({"op": "forget", "ip": source})


def disturb(lab_, daemon, wire, mac):
    end, turns = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        lab_.write_config(sets=SETS[turns % len(SETS)], state="interval = 1;",
                          learn=f'enabled = true; file = "{lab_.dir}/learned.db";')
        reply = daemon.request({"op": "reload"})
        assert reply["ok"] or "has not ended" in reply["error"]["message"], reply
        for number in range(200):
            source = lab.source4(1000 + (turns * 200 + number) % 60000)
            segment = packets.tcp(source, lab.SERVER4, 20000 + number, options=WINDOWS)
            wire.send(packets.ipv4(source, lab.SERVER4, segment), mac)
        ask(daemon, turns)
        if turns % 10 == 9:
            lab.sh("nft", "flush", "ruleset", namespace=lab_.gateway)
            lab_.nft("table inet mine { set mine4 { type ipv4_addr; flags timeout; }\n"
                     "set mine6 { type ipv6_addr; flags timeout; }; }")
        turns += 1
    return turns


def races(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(sets=SETS[0], state="interval = 1;",
                               learn=f'enabled = true; file = "{lab_.dir}/learned.db";')
    daemon = lab_.daemon(config)
    daemon.start(wrapper=["env", "TSAN_OPTIONS=halt_on_error=0:history_size=4"])
    streams = [daemon.connect() for _ in range(4)]
    for number, stream in enumerate(streams):
        request = {"op": "subscribe", "syns": number % 2 == 0, "snapshot": True}
        stream.sendall(json.dumps(request).encode() + b"\n")
    load = lab_.adopt(traffic.Load(lab_.client, RATE))
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    turns = disturb(lab_, daemon, wire, gateway.mac)
    result = load.stop()
    for stream in streams:
        stream.close()
    daemon.stop()
    found = re.findall(r"SUMMARY: ThreadSanitizer: (.*)", daemon.log())
    lab.figure(f"ThreadSanitizer: {turns} reloads in {SECONDS:.0f} s under {result['started']} "
               f"connections: {len(found)} reports, {result['failed']} connections failed")
    traffic.expect_no_failure(result, "under ThreadSanitizer")
    assert not found, "\n".join(found)


if __name__ == "__main__":
    lab.run(races)
