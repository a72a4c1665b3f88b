#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The forms in which `synprint classify` answers, each read by whom it is for: CSV by Python, p0f's
log beside p0f's own, Elastic's schema, totals, pictures, filters, and unknown shapes as signatures."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from captures import (ETHERNET, NOP, SACK_OK, SYNPRINT, classify, databases, frame_ethernet, mss, pcap,
                      run_classify, syn, timestamps, wscale)

BEGIN = 1_700_000_000
LINUX = mss(1460) + SACK_OK + timestamps(0x1A2B3C4D) + NOP + wscale(7)
WINDOWS = mss(1460) + NOP + wscale(8) + NOP + NOP + SACK_OK
PACKETS = [
    syn("198.51.100.1", "192.0.2.1", options=LINUX, ttl=57, ident=7),
    syn("192.0.2.1", "198.51.100.1", options=LINUX, flags=0x12, ack=2, sport=443, dport=40000, win=65160),
    syn("198.51.100.2", "192.0.2.1", options=WINDOWS, ttl=120, ident=8),
    syn("198.51.100.3", "192.0.2.1", options=WINDOWS, win=8192, ttl=100, ident=9, tos=0x28),
    syn("2001:db8::1", "2001:db8::2", options=mss(1380) + LINUX[4:], win=64860, ttl=50, flow=5),
    syn("198.51.100.4", "192.0.2.1", options=b"", win=3, ttl=1, ident=0, ip_flags=0, seq=0),
]
UNKNOWN = syn("203.0.113.9", "192.0.2.1", options=wscale(3) + NOP + mss(999) + timestamps(5) + NOP + NOP,
              win=777, ttl=200, payload=b"x", ident=0, ip_flags=4)


def capture(folder, packets=PACKETS, name="capture.pcap"):
    path = folder / name
    path.write_bytes(pcap([((BEGIN + i) * 10**9, frame_ethernet(packet)) for i, packet in
                           enumerate(packets)], ETHERNET))
    return path


def must_run(*arguments):
    status, out, err = run_classify(*map(str, arguments))
    assert (status, err) == (0, ""), f"{arguments}: {status}: {err}"
    return out


def test_no_handshake(folder):
    """What cannot be shown is said, but not where a filter leaves it out."""
    syns = [packet for packet in PACKETS if packet != PACKETS[1]]
    for packets, told in ((syns, "there are 5 SYNs and no SYN+ACK,"), (PACKETS, ""), ([], ""),
                          (PACKETS[1:], "none of 1 SYN+ACKs answers one of 4 SYNs,")):
        path = str(capture(folder, packets, "handshakes.pcap"))
        for form in ("--csv", "--json"):
            status, _, err = run_classify("--handshakes", form, path)
            assert status == 0 and told in err and len(err.splitlines()) == bool(told), (packets, form, err)
        assert must_run("--handshakes", "--summary", path)
    path = str(capture(folder, PACKETS, "handshakes.pcap"))
    assert must_run("--handshakes", "--json", "--net", "203.0.113.0/24", path) == ""


def test_csv(folder):
    path = capture(folder)
    rows = list(csv.DictReader(io.StringIO(must_run("--csv", "--servers", path), newline="")))
    objects = [json.loads(line) for line in must_run("--json", "--servers", path).splitlines()]
    assert len(rows) == len(objects) == len(PACKETS)
    for row, one in zip(rows, objects):
        found, os_ = one["syn"], one["os"]
        assert None not in row and row["kind"] == one["kind"] and row["src_ip"] == one["ip"], row
        assert (float(row["time"]), int(row["src_port"]), int(row["dst_port"]), int(row["ttl"])) == (
            found["ts"], one["port"], found["dst_port"], found["ip_ttl"]), row
        assert (row["signature"], row["label"], row["class"]) == (one["sig"], os_["label"], os_["class"])
        assert float(row["confidence"]) == os_["confidence"] and row["match"] == os_["match"]
        assert row["flags"].split() == one["flags"] and row["grade"] == one["link"]["grade"]
        assert row["mtu"] == str(one["link"]["mtu"] or "") and row["dst_ip"] == found["dst_ip"]
        assert row["hops"] == ("" if one["dist_hops"] is None else str(one["dist_hops"]))


def fields_of(line):
    head, rest = line.rstrip("\n").split("] mod=", 1)
    fields = dict(part.split("=", 1) for part in ("mod=" + rest).split("|"))
    if "app" in fields:  # a tool, by one database, and nobody by the other
        fields["os"] = fields.pop("app")
    return {"when": head, **fields}


def test_p0f(folder):
    """Line by line what p0f writes, but for what each knows by its own databases."""
    if not shutil.which("p0f"):
        return
    path, log = capture(folder), folder / "p0f.log"
    subprocess.run(["p0f", "-r", str(path), "-o", str(log)], check=True, capture_output=True, timeout=60)
    theirs = [fields_of(line) for line in log.read_text().splitlines()]
    ours = [fields_of(line) for line in must_run("--format", "p0f", "--servers", path).splitlines()]
    theirs = [line for line in theirs if line["mod"] != "uptime"]
    assert [line["mod"] for line in ours] == [line["mod"] for line in theirs], (ours, theirs)
    for mine, other in zip(ours, theirs):
        assert set(mine) == set(other), (mine, other)
        for key in ("when", "mod", "cli", "srv", "subj", "raw_mtu", "raw_sig", "dist"):
            assert mine.get(key, "").removeprefix("<= ") == other.get(key, ""), (key, mine, other)
        tos = [line.get("params", "").split("tos:")[1:] for line in (mine, other)]
        assert tos[0] == tos[1], (mine, other)


def test_ecs(folder):
    for line in must_run("--format", "ecs", "--servers", capture(folder)).splitlines():
        one = json.loads(line)
        inner = one["synprint"]
        when = datetime.fromisoformat(one["@timestamp"].replace("Z", "+00:00"))
        assert when == datetime.fromtimestamp(inner["syn"]["ts"], timezone.utc), one
        judged = one["destination" if inner["kind"] == "synack" else "source"]
        assert (judged["ip"], judged["port"]) == (inner["ip"], inner["port"]), one
        assert one["network"]["community_id"] == inner["community_id"], one
        assert one["tags"] == inner["flags"] and one["event"]["category"] == ["network"], one


def test_dates(folder):
    """Leap years, ends of centuries, and the last second of a pcap file."""
    for when in (0, 951782399, 951782400, 1078012800, 4107542399, 4107542400, 2**32 - 1):
        path = folder / "when.pcap"
        path.write_bytes(pcap([(when * 10**9, frame_ethernet(PACKETS[0]))], ETHERNET))
        told = json.loads(must_run("--format", "ecs", path))["@timestamp"]
        expected = datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        assert told == expected, (when, told, expected)


def test_community_seed(folder):
    path = capture(folder)
    one, other = (json.loads(must_run("--json", *seed, path).splitlines()[0])["community_id"]
                  for seed in ((), ("--community-seed", "7")))
    assert one != other and one.startswith("1:") and other.startswith("1:")
    assert run_classify("--community-seed", "65536", str(path))[0] == 2


def test_filters(folder):
    path = capture(folder)
    everything = classify(path)
    for arguments, is_meant in (
            (["--class", "Windows"], lambda one: one["os"]["class"] == "Windows"),
            (["--family", "Linux"], lambda one: one["os"]["family"] == "Linux"),
            (["--net", "2001:db8::/32"], lambda one: ":" in one["ip"]),
            (["--label", "Windows 10*"], lambda one: one["os"]["label"].startswith("Windows 10")),
            (["--label", "Windows*", "--net", "198.51.100.3/32"], lambda one: one["ip"] == "198.51.100.3"),
            (["--min-confidence", "0.9"], lambda one: one["os"]["confidence"] >= 0.9)):
        seen = [json.loads(line) for line in must_run("--json", *arguments, path).splitlines()]
        expected = [one for one in everything if is_meant(one)]
        assert seen == expected and 0 < len(seen) < len(everything), (arguments, len(seen))
    for bad in (["--class", "Plan9"], ["--net", "300.1.1.1"], ["--label", "No such*"], ["--flag", "evil"]):
        status, out, err = run_classify(*bad, str(path))
        assert (status, out) == (2, "") and bad[1] in err, (bad, status, err)


def test_summary(folder):
    path = capture(folder, PACKETS * 3 + [UNKNOWN] * 2)
    text = must_run("--summary", "--servers", path)
    assert "packets 20, SYNs 17, SYN+ACKs 3\n" in text, text
    bars = dict(re.findall(r"^ +(\d+) +\d+ (#+)$", text, re.M))
    assert set(bars) >= {"1500", "1440"} and len(bars["1500"]) == 40 > len(bars["1440"]), text
    assert re.search(r"^Class of servers\n  Linux +3 100.00%$", text, re.M), text
    totals = json.loads(must_run("--summary", "--json", "--servers", path))
    assert (totals["packets"], totals["syns"], totals["synacks"]) == (20, 17, 3), totals
    assert totals["mtus"]["1500"] == 9 and sum(totals["classes"].values()) == 17, totals


def test_unknown(folder):
    """Shapes that nothing looks like: pasted into a database, they are known."""
    path = capture(folder, PACKETS + [UNKNOWN] * 2)
    found = subprocess.run([SYNPRINT, "unknown", str(path)], capture_output=True, text=True, timeout=60,
                           env=os.environ | databases())
    assert found.returncode == 0, found.stderr
    unknown = [one for one in classify(path) if one["os"]["match"] == "none"]
    assert unknown and found.stdout.count("\nsig = ") == len({one["ip"] for one in unknown}), found.stdout
    database = folder / "mine.db"
    database.write_text(found.stdout)
    for one in (json.loads(line) for line in must_run("--json", "--db", database, path).splitlines()):
        if one["ip"] == "203.0.113.9":
            assert one["os"]["label"].startswith("Unnamed"), one


def test_plot(folder):
    if not shutil.which("gnuplot"):
        return
    path = capture(folder, PACKETS * 50)
    svg, png = folder / "picture.svg", folder / "picture.png"
    must_run("--plot", svg, path)
    text = svg.read_text()
    assert text.startswith("<?xml") and text.rstrip().endswith("</svg>"), text[:100]
    for word in ("MTU", "TTL", "Windows", "Linux"):
        assert word in text, word
    one = capture(folder, PACKETS[:1], "one.pcap")
    must_run("--plot", svg, one)  # gnuplot has nothing to warn of where there is one MTU
    must_run("--plot", png, path)
    assert png.read_bytes().startswith(b"\x89PNG")
    full = folder / "full.svg"
    full.symlink_to("/dev/full")
    assert run_classify("--plot", full, path)[0] == 1, "gnuplot alone does not notice"
    assert run_classify("--plot", "picture.gif", str(path))[0] == 2


def test_many_files(folder):
    """Folders, files that overlap and compressed ones: everything once, in the order of time."""
    place = folder / "many"
    place.mkdir()
    frames = [((BEGIN + i) * 10**9, frame_ethernet(PACKETS[i % len(PACKETS)])) for i in range(60)]
    for number in range(4):
        (place / f"{number}.pcap").write_bytes(pcap(frames[number::4], ETHERNET))
    times = [one["syn"]["ts"] for one in classify(place)]
    assert len(times) == 50 and times == sorted(times), times
    files = sorted(place.iterdir())
    assert must_run("--json", *files) == must_run("--json", place)
    (place / "notes").write_text("no capture")
    status, out, err = run_classify("--json", str(place))
    assert status == 0 and len(out.splitlines()) == 50 and "1 files of the folders" in err, err


def main():
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        for test in [value for key, value in globals().items() if key.startswith("test_")]:
            test(Path(folder))
            print(f"ok {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
