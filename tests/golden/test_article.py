#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The article that this project follows ("TCP/IP Fingerprinting for VPN and Proxy Detection", 2021):
its two sample fingerprints field by field, and the console output of its program."""
import ast
import json
import re
import sys
import tempfile
from pathlib import Path

from captures import ETHERNET, EOL, NOP, SACK_OK, classify, frame_ethernet, mss, pcap, run_classify, syn
from captures import timestamps, wscale

# As printed there, but for two fields whose form differs here: a port is a number, and the header's
# length is in bytes (the article has the byte of the header as it is, four times that).
UBUNTU = {"ts": 1615647148, "src_ip": "79.203.24.230", "dst_ip": "167.99.241.135", "dst_port": "443",
          "ip_ttl": 55, "ip_df": 1, "ip_mf": 0, "tcp_window_size": 29200, "tcp_flags": 2, "tcp_ack": 0,
          "tcp_header_length": 160, "tcp_urp": 0, "tcp_options": "M1412,S,T,N,W7,",
          "tcp_window_scaling": 7, "tcp_timestamp": 3733126878, "tcp_timestamp_echo_reply": 0,
          "tcp_mss": 1412}
ANDROID = UBUNTU | {"ts": 1615656348, "ip_df": 0, "tcp_window_size": 65535,
                    "tcp_options": "M1412,S,T,N,W9,", "tcp_window_scaling": 9, "tcp_timestamp": 1355521}
SAMPLES = [(UBUNTU, "Linux"), (ANDROID, "Android")]

LINE = re.compile(r"(\d+): ([\d.]+):(\d+) -> ([\d.]+):(\d+) \[(SYN|SYN\+ACK)\]")


def packet_of(sample):
    options = mss(sample["tcp_mss"]) + SACK_OK + timestamps(sample["tcp_timestamp"]) + NOP + \
        wscale(sample["tcp_window_scaling"])
    return syn(sample["src_ip"], sample["dst_ip"], options=options, dport=int(sample["dst_port"]),
               win=sample["tcp_window_size"], ttl=sample["ip_ttl"], ip_flags=2 if sample["ip_df"] else 0,
               ident=0 if sample["ip_df"] else 4711)


def test_samples(folder):
    path = folder / "samples.pcap"
    path.write_bytes(pcap([(sample["ts"] * 10**9, frame_ethernet(packet_of(sample)))
                           for sample, _ in SAMPLES], ETHERNET))
    for (sample, family_member), seen in zip(SAMPLES, classify(path), strict=True):
        for field, value in sample.items():
            ours = seen["syn"][field]
            if field == "dst_port":
                value = int(value)
            if field == "tcp_header_length":
                ours *= 4
            assert ours == value, f"{field}: {ours}, not {value}"
        assert seen["os"]["class"] == family_member, seen["os"]


def handshakes(folder):
    """An iPhone's and a Windows' SYN, each with the server's answer, and one SYN that nobody answers."""
    server = "167.99.241.135"
    iphone = mss(1460) + NOP + wscale(6) + NOP + NOP + timestamps(1) + SACK_OK + EOL + b"\0"
    windows = mss(1460) + NOP + wscale(8) + NOP + NOP + SACK_OK
    answer = mss(1460) + SACK_OK + timestamps(2, 1) + NOP + wscale(7)
    short = mss(1460) + NOP + NOP + SACK_OK + NOP + wscale(7)
    frames = []
    for when, client, options, win, ttl, back in ((1616184541, "198.51.100.1", iphone, 65535, 55, answer),
                                                  (1616184750, "198.51.100.2", windows, 64240, 119, short)):
        ends = {"options": options, "win": win, "ttl": ttl, "ident": 0 if ttl == 55 else 7, "seq": 100}
        frames.append((when * 10**9, syn(client, server, **ends)))
        frames.append((when * 10**9 + 1000000, syn(server, client, options=back, win=65160 if back is answer
                                                   else 64240, flags=0x12, seq=900, ack=101, sport=443,
                                                   dport=40000)))
    frames.append((1616184800 * 10**9, syn("198.51.100.3", server, options=windows)))
    path = folder / "handshakes.pcap"
    path.write_bytes(pcap([(when, frame_ethernet(packet)) for when, packet in frames], ETHERNET))
    return path


def test_console(folder):
    """Both lines of a handshake, and below the SYN's the dictionary as Python prints it."""
    status, out, err = run_classify("--handshakes", "--format", "zardaxt", str(handshakes(folder)))
    assert (status, err) == (0, ""), err
    heads = [LINE.fullmatch(line) for line in out.splitlines() if LINE.match(line)]
    assert [head.group(6) for head in heads] == ["SYN", "SYN+ACK"] * 2, out
    assert heads[0].groups() == ("1616184541", "198.51.100.1", "40000", "167.99.241.135", "443", "SYN")
    assert heads[1].groups() == ("1616184541", "167.99.241.135", "443", "198.51.100.1", "40000", "SYN+ACK")
    for block, (family, best) in zip(re.findall(r"^\{.*?\]\}$", out, re.M | re.S),
                                     (({"macOS", "iOS"}, "iPhone"), ({"Windows"}, "Windows")), strict=True):
        told = ast.literal_eval(block)
        assert list(told) == ["avgScoreOsClass", "bestNGuesses"], told
        assert list(told["avgScoreOsClass"]) == sorted(told["avgScoreOsClass"]), "not in order"
        for value in told["avgScoreOsClass"].values():
            assert re.fullmatch(r"avg=\d+\.\d\d, N=\d+", value), value
        assert 1 <= len(told["bestNGuesses"]) <= 3, told
        for guess in told["bestNGuesses"]:
            assert set(guess) == {"os", "score"} and re.fullmatch(r"\d+\.\d/10", guess["score"]), guess
        assert told["bestNGuesses"][0]["os"] in family, (best, told["bestNGuesses"])
        averages = {name: float(value[4:value.index(",")]) for name, value in told["avgScoreOsClass"].items()}
        desktop = {name: averages[name] for name in ("Android", "Linux", "Windows", "iOS", "macOS")}
        assert max(desktop, key=desktop.get) in family, desktop


def test_both_halves_in_every_form(folder):
    path = str(handshakes(folder))
    rows = run_classify("--handshakes", "--csv", path)[1].splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["syn", "synack"] * 2, rows
    objects = [json.loads(line) for line in run_classify("--handshakes", "--json", path)[1].splitlines()]
    assert [one["kind"] for one in objects] == ["syn", "synack"] * 2
    assert objects[0]["community_id"] == objects[1]["community_id"] != objects[2]["community_id"]
    for answer in objects[1::2]:
        assert answer["os"]["label"].startswith("Linux 4.20 or newer"), answer["os"]
    table = run_classify("--handshakes", path)[1].splitlines()
    assert [(" SYN " in line, " SYN+ACK " in line) for line in table] == [(True, False), (False, True)] * 2
    assert len(run_classify("--servers", "--json", path)[1].splitlines()) == 5, "the unanswered one as well"


def main():
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        for test in [value for key, value in globals().items() if key.startswith("test_")]:
            test(Path(folder))
            print(f"ok {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
