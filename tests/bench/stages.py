# SPDX-License-Identifier: GPL-2.0-or-later
"""What needs neither network nor daemon: the stages of classification, and the client table."""
import random
import re
import subprocess
import tempfile
from pathlib import Path

from harness import DATA, ROOT, TOOLS, Part, tool

SHIPPED = ROOT / "conf/signatures.db"
LINKS = ROOT / "conf/links.db"
STAGES = ("parse", "signature", "match", "memo", "link", "decide", "observe", "classify", "unseen")
LAYOUTS = ("mss,sok,ts,nop,ws", "mss,nop,ws,nop,nop,sok", "mss,nop,ws,nop,nop,ts,sok,eol+1",
           "mss", "mss,nop,nop,sok", "mss,nop,ws,sok,ts", "mss,sok,ts", "mss,nop,nop,ts,nop,ws")
QUIRKS = ("df,id+", "df", "", "df,id+,ecn", "df,id+,ts1-", "id-", "df,id+,ts2+", "ecn")


def make_database(path, count):
    """Signatures that all differ, of the usual layouts, so that many share a SYN's."""
    chance = random.Random(count)
    lines, seen = [], set()
    while len(seen) < count:
        layout = chance.choice(LAYOUTS)
        window = chance.choice((str(chance.randrange(1, 65536)), f"mss*{chance.randrange(1, 45)}"))
        scale = chance.randrange(15) if "ws" in layout else 0
        mss = chance.choice(("*", str(chance.randrange(500, 9000))))
        seen.add(f"*:{chance.choice((32, 64, 128, 255))}:0:{mss}:{window},{scale}:{layout}:"
                 f"{chance.choice(QUIRKS)}:0")
    for number, signature in enumerate(sorted(seen)):
        if number % 25 == 0:
            lines.append(f"label = s:unix:Bench{number // 25 % 40}:v{number // 25}")
        lines.append(f"sig = {signature}")
    path.write_text("[tcp:request]\n" + "\n".join(lines) + "\n")


def times(databases, syns, repeats):
    words = tool("stages", databases, LINKS, syns, repeats)
    return {name: float(words[words.index(name) + 1]) for name in STAGES}


def in_a_row(databases, syns):
    measured = times(databases, syns, 30)
    return {name: measured[name] for name in ("classify", "unseen")}


def instructions(databases, syns, directory):
    """Exact: the same on each run. Without tables and texts, which are loaded outside."""
    out = Path(directory) / "callgrind.out"
    counts = {}
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                    "--toggle-collect=stage_*", str(TOOLS / "stages"), str(databases), str(LINKS),
                    str(syns), "1"], check=True, capture_output=True, timeout=300)
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(out)],
                          check=True, capture_output=True, text=True).stdout
    syn_count = int(tool("stages", databases, LINKS, syns, 1)[1])
    for name in STAGES:
        found = re.search(rf"^\s*([\d,]+) .*:stage_{name}\b", text, re.M)
        counts[name] = int(found.group(1).replace(",", "")) / syn_count
    return counts


def classify():
    part = Part("classify", """nanoseconds and instructions (callgrind: they repeat exactly) for each
        SYN of each stage alone, and of `classify`, which is parse to verdict in a row, as the worker
        does it: with a memo of the shapes seen last; `unseen` is the same without. One thread; `signature` is only for reports and `observe` is the client table. Databases: the
        shipped one, and with it as many signatures as named that the benchmark makes.""")
    sets = [("made SYNs", "made")]
    if (DATA / "real_syns.hex").exists():
        sets.append(("real SYNs", DATA / "real_syns.hex"))
    with tempfile.TemporaryDirectory() as directory:
        made = {}
        for count in (100, 1000, 10000, 100000):
            path = Path(directory) / f"{count}.db"
            make_database(path, count)
            made[f"+{count:,} signatures"] = f"{SHIPPED},{path}"
        for title, syns in sets:
            part.rounds(title, [("shipped", lambda _, s=syns: times(SHIPPED, s, 60))])
            for name, value in instructions(SHIPPED, syns, directory).items():
                part.add(title, "shipped", f"{name} instr.", [value])
            sides = [("shipped", lambda _, s=syns: in_a_row(SHIPPED, s))]
            sides += [(name, lambda _, d=databases, s=syns: in_a_row(d, s))
                      for name, databases in made.items()]
            part.rounds(f"{title}, databases", sides,
                        goals={("+100,000 signatures", "classify"): "<= 1.3"})
    return part


def table_run(threads, what, capacity=1000000, seconds=0.5):
    rate, size, _ = tool("table", capacity, threads, seconds, what)
    return {"SYN/s": float(rate), "bytes/client": float(size)}


def table():
    part = Part("table", """observed SYNs a second in a client table of 1,000,000 clients that is full:
        nine of ten known and one new (mixed), or all new (each evicts another). Bytes: everything
        that is allocated, for each client of the capacity; the goal is 128.""")
    part.rounds("90 % known, 10 % new",
                [(f"{n} thread{'s' * (n > 1)}", lambda _, n=n: table_run(n, "mixed"))
                 for n in (1, 2, 4)], goals={("2 threads", "SYN/s"): ">= 1.7"})
    part.rounds("known against evicting", [(name, lambda _, w=what: table_run(1, w)) for name, what in
                                           (("all known", "known"), ("all new", "full"))])
    return part
