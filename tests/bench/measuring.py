# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to measure connections: packets that are not copied, connections that are, and who
reads the copies. The same synprintd without clocks is the reference, with conntrack in both."""
import contextlib
import statistics
from pathlib import Path

from harness import Part, tool

import gateway
import lab

FRAMES, CONNECTIONS = 400000, 3000
SIDES = {"no rule": "enabled = false;", "mark": 'enabled = true; limit = 2000; match = "mark";',
         "counter": 'enabled = true; limit = 2000; match = "counter";'}
GOALS = {"bulk": 220, "connection": 12000, "reader": 700}
# What is measured is dropped behind our rules; conntrack takes any numbers.
BEHIND = """add table ip bench
    add chain ip bench c { type filter hook prerouting priority -160; }
    add rule ip bench c tcp flags & urg == urg drop"""


class Bench:
    def __init__(self, lab_, mac):
        self.lab, self.mac = lab_, mac
        self.paths = [f"/run/netns/{one}" for one in (lab_.client, lab_.server)]
        self.daemon = self.config("no rule").start()
        lab_.nft(BEHIND)
        lab_.sysctl(lab_.gateway, {"net/netfilter/nf_conntrack_tcp_be_liberal": 1})

    def config(self, side):
        path = self.lab.write_config(clocks=SIDES[side], rules="conntrack = true;",
                                     state="enabled = false;", queue="count = 1;")
        return self.lab.daemon(path)

    def enter(self, side):
        self.config(side)
        self.daemon.cli("reload")

    def load(self, kind, count, *more):
        return float(tool("clock_load", kind, *self.paths, lab.SERVER4, lab.PORT, count, *more)[0])

    def bulk(self, side):
        self.enter(side)
        return {"CPU ns/packet": self.load("bulk", FRAMES, "c0", self.mac)}

    def reader_ns(self):
        for task in Path(f"/proc/{self.daemon.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                if (task / "comm").read_text().strip() == "clocks":
                    return int((task / "schedstat").read_text().split()[0])
        return 0

    def copies(self):
        clocks = self.daemon.status().get("clocks", {"copies": 0, "lost": 0})
        return clocks["copies"], clocks["lost"]

    def turns(self, side):
        self.enter(side)
        copies, lost = self.copies()
        began = self.reader_ns()
        figures = {"CPU ns/connection": self.load("turns", CONNECTIONS)}
        if side != "no rule":
            total = lab.wait_until(lambda: self.copies() if self.copies()[0] > copies else None,
                                   "copies come")
            count = total[0] - copies
            figures |= {"copies/connection": count / CONNECTIONS,
                        "reader ns/copy": (self.reader_ns() - began) / count,
                        "lost": total[1] - lost}
        return figures


def tell(part, name, runs, figure, goal):
    """How much more than without: what the bars are about."""
    for side in ("mark", "counter"):
        more = [run[side][figure] - run["no rule"][figure] for run in runs]
        part.add(name, side, f"{figure} more", more, goal=f"<= {goal}")


def clocks():
    part = Part("clocks", f"""Connections are measured (clocks.enabled): CPU time of {FRAMES:,} packets of a
        connection that is beyond its first packets, of {CONNECTIONS:,} connections with all that is
        copied of them, and of the thread that reads the copies; beside the same without.""")
    with gateway.laboratory() as (lab_, mac):
        bench = Bench(lab_, mac)
        runs = part.rounds("bulk packet", [(side, lambda _, s=side: bench.bulk(s)) for side in SIDES])
        tell(part, "bulk packet", runs, "CPU ns/packet", GOALS["bulk"])
        runs = part.rounds("connection", [(side, lambda _, s=side: bench.turns(s)) for side in SIDES])
        tell(part, "connection", runs, "CPU ns/connection", GOALS["connection"])
        for side in ("mark", "counter"):
            part.add("reader", side, "ns/copy", [run[side]["reader ns/copy"] for run in runs],
                     goal=f"<= {GOALS['reader']}")
        worst = max(statistics.median(run[side]["lost"] for run in runs) for side in ("mark", "counter"))
        print(f"lost copies in a round: {worst:.0f}")
    return part
