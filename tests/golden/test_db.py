#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint db` over files that the test writes, and `classify --explain`: what is said, where an
error is, what comes out, and that nothing is left of an output that failed."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from captures import ETHERNET, NOP, SACK_OK, SYNPRINT, databases, frame_ethernet, mss, pcap
from captures import run_classify, syn, timestamps, wscale

GOOD = """class = Linux, Linux
class = Windows, Windows, 0.5
doubt = fuzzy, 0.25, 0.7, 1234
[tcp:request]
from = here
label = s:unix:Linux:9
sig = *:64:0:*:mss*7,7:mss,sok,ts,nop,ws:df:0 @ 12.5
when = ip_id=7
sig = 4:64:0:*:512,0:mss::0
label = g:win:Windows:any
sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
"""
NEWER = """[tcp:request]
label = s:unix:Linux:9
sig = *:64:0:*:mss*7,7:mss,sok,ts,nop,ws:df:0 @ 20
sig = *:64:0:*:mss*8,7:mss,sok,ts,nop,ws:df:0
"""
SATORI = """<?xml version="1.0"?>
<TCP><fingerprints><fingerprint name="Mac OS X 10.5"><tests>
<test weight="5" matchtype="exact" tcpflag="S" tcpsig="65535:64:1:64:M*,N,W3,N,N,T,S,E:P"/>
<test weight="5" matchtype="exact" tcpflag="SA" tcpsig="65535:64:1:64:M*,N,W3,N,N,T,S,E:P"/>
<test weight="5" matchtype="exact" tcpflag="S" tcpsig="65535:64:1:44:M1460:F"/>
</tests></fingerprint></fingerprints></TCP>
"""


def db(*arguments, status=0):
    done = subprocess.run([SYNPRINT, "db", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env={**os.environ, **databases()})
    assert done.returncode == status, f"db {arguments}: {done}"
    return done


def sigs(text):
    return [line for line in text.splitlines() if line.startswith("sig =")]


def check(folder):
    good, bad = folder / "good.db", folder / "bad.db"
    good.write_text(GOOD)
    bad.write_text(GOOD.replace("mss,nop,ws", "mss,what,ws"))
    assert db("check", good).stdout == f"{good}: 3 signatures, good\n"
    done = db("check", bad, good, status=4)
    assert done.stderr.startswith(f"synprint: {bad}:11:25: "), done
    assert f"{good}: 3 signatures, good" in done.stdout, done
    assert json.loads(db("check", "--json", good).stdout)["signatures"] == 3
    assert str(folder / "none") in db("check", folder / "none", status=4).stderr
    empty = folder / "empty.db"
    empty.write_text("; nothing\n")
    assert "no signature" in db("check", empty, status=4).stderr
    assert db("check").stdout.endswith(" good\n"), "the shipped one"
    links = folder / "links.db"
    links.write_text("; a table\n[base]\nbase = 1500 Ethernet\n\n[mtu]\nlabel = Ethernet\nkind = ethernet\n"
                     "source = a test\nmtu = 1500\n")
    assert db("check", links).stdout == f"{links}: 1 rows of links, good\n"
    assert json.loads(db("check", "--json", links).stdout) == {"file": str(links), "links": 1, "good": True}
    assert "it is a link table" in db("show", links, status=4).stderr
    links.write_text(links.read_text().replace("ethernet", "what"))
    assert db("check", links, status=4).stderr.startswith(f"synprint: {links}:7:"), links
    db("merge", status=2)
    db("nonsense", status=2)


def show_and_stats(folder):
    good = folder / "good.db"
    lines = [json.loads(line) for line in db("show", "--json", good).stdout.splitlines()]
    assert [line["label"] for line in lines] == ["Linux 9", "Linux 9", "Windows any"], lines
    assert lines[0]["permille"] == 12.5 and lines[2]["generic"] and lines[0]["from"] == "here"
    assert db("show", "--label", "WINDOWS", good).stdout.count("\n") == 1
    assert db("show", "--label", "win*", good).stdout.count("\n") == 1
    assert "no label fits 'BeOS*'" in db("show", "--label", "BeOS*", good, status=1).stderr
    db("show", "--label", "BeOS", good, status=1)
    stats = [json.loads(line) for line in db("stats", "--json", good).stdout.splitlines()]
    assert stats[0]["signatures"] == 3 and stats[0]["classes"] == 2, stats
    priors = {line["class"]: line["prior"] for line in stats if "prior" in line}
    assert abs(priors["Linux"] - 2 / 3) < 1e-3, priors
    kinds = {line["match"]: line for line in stats if "match" in line}
    assert set(kinds) == {"fuzzy", "generic", "specific"}, kinds
    assert kinds["fuzzy"] == {"match": "fuzzy", "doubt": 0.25, "right": 0.7, "syns": 1234}, kinds
    assert "fuzzy            doubted 0.25, family right 0.700 of 1234 SYNs" in db("stats", good).stdout
    assert "good.db" in db("stats", good, folder / "bad.db", status=4).stderr.replace("bad", "good")


def merge(folder):
    good, newer, out = folder / "good.db", folder / "newer.db", folder / "merged.db"
    newer.write_text(NEWER)
    merged = db("merge", good, newer).stdout
    assert len(sigs(merged)) == 4 and "@ 20" in merged and "@ 12.5" not in merged, merged
    assert "when = ip_id=7" in merged and "class = Windows, Windows, 0.5" in merged, merged
    db("merge", "-o", out, good, newer)
    assert out.read_text() == merged
    assert db("merge", out).stdout == merged
    db("merge", "-o", out, good, folder / "bad.db", status=4)
    assert out.read_text() == merged
    assert not list(folder.glob("merged.db?*")), list(folder.iterdir())
    done = db("merge", "-o", folder / "no" / "where.db", good, status=1)
    assert "written" not in done.stderr, f"nothing was: {done}"
    os.mkfifo(folder / "pipe")
    done = db("merge", "-o", folder / "pipe", good, status=1)
    assert "it is no regular file" in done.stderr and (folder / "pipe").is_fifo(), done


def convert(folder):
    out = folder / "imported.db"
    (folder / "tcp.xml").write_text(SATORI)
    done = db("import", folder / "tcp.xml", "--output", out)
    assert "1 signatures converted" in done.stderr and "1 left out: of other" in done.stderr, done
    assert "1 left out: quirks" in done.stderr, done
    shown = json.loads(db("show", "--json", out).stdout)
    assert shown["class"] == "macOS" and shown["label"] == "Mac OS X 10.5", shown
    assert shown["sig"] == "4:64:0:*:65535,3:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0", shown
    (folder / "odd.xml").write_text("<html></html>")
    assert "odd.xml" in db("import", folder / "odd.xml", status=4).stderr
    assert "bad.db:11:25: " in db("import", folder / "bad.db", status=4).stderr


def export(folder):
    """What we export of the shipped database, p0f loads; and so it does what came from p0f.fp."""
    out, nothing = folder / "exported.fp", folder / "nothing.pcap"
    done = db("export", folder / "good.db")
    assert len(sigs(done.stdout)) == 2 and "1 that p0f has no words for" in done.stderr, done
    assert "@" not in "".join(sigs(done.stdout)), done
    if not shutil.which("p0f"):
        print("p0f is not installed: that it loads an export was not tried")
        return
    nothing.write_bytes(pcap([], ETHERNET))
    for source in ([], ["/etc/p0f/p0f.fp"]):
        db("export", *source, "-o", out)
        done = subprocess.run(["p0f", "-f", str(out), "-r", str(nothing)], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 0 and "ABORT" not in done.stdout + done.stderr, done
    there = {(line["label"], line["sig"]) for line in
             map(json.loads, db("show", "--json", "/etc/p0f/p0f.fp").stdout.splitlines())}
    back = {(line["label"], line["sig"]) for line in
            map(json.loads, db("show", "--json", out).stdout.splitlines())}
    assert there == back, there ^ back


def explain(folder):
    path = folder / "explained.pcap"
    options = mss(1380) + SACK_OK + timestamps(9) + NOP + wscale(7)
    packets = [syn("198.51.100.1", "192.0.2.1", options=options, win=win, ttl=ttl, sport=5000 + ttl)
               for win, ttl in ((64860, 60), (64240, 20), (777, 60))]
    path.write_bytes(pcap([(10**18, frame_ethernet(one)) for one in packets], ETHERNET))
    status, out, err = run_classify("--explain", "--json", str(path))
    assert status == 0, err
    seen = [json.loads(line) for line in out.splitlines()]
    assert len(seen) == 3
    for one in seen:
        total = sum(round(1000 * step["change"]) for step in one["explain"]["steps"])
        assert total == round(1000 * one["os"]["confidence"]) > 0, one
    status, text, err = run_classify("--explain", str(path))
    assert status == 0 and text.count("average score") == 3, err
    for one in seen:
        assert f"= {one['os']['confidence']:.3f}" in text, text
    assert "1420" in text and "WireGuard" in text, text


def main():
    with tempfile.TemporaryDirectory(prefix="synprint-db-") as name:
        for test in (check, show_and_stats, merge, convert, export, explain):
            test(Path(name))
            print(f"ok {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
