#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""make check-vpnlab: SYNs through real tunnels, VPNs and proxies, and what synprint says of each,
beside what it can know."""
import argparse
import atexit
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

import lab  # noqa: E402  that of tests/netns
import extras  # noqa: E402
import ground  # noqa: E402
import setups  # noqa: E402

LINK_FLAGS = {"vpn", "tunnel", "mss_clamped", "os_mismatch"}
HEADERS = {4: 40, 6: 60}
COLUMNS = ("setup", "IP", "MSS", "MTU", "window", "NAT", "label", "grade", "flags", "expected",
           "why", "result")


@dataclass
class Row:
    """One SYN, or a setup from which none came."""
    setup: setups.Setup
    version: int = 0
    is_large: bool = False
    seen: dict = field(default_factory=dict)  # the reply
    problems: list = field(default_factory=list)
    skip: str = ""

    def expected(self):
        usual, large = self.setup.usual, self.setup.large
        if self.version == 6 and self.setup.v6:
            usual, large = self.setup.v6
        return large if self.is_large else usual

    def shape(self):
        """All of the SYN that its link is judged by."""
        syn = self.seen["syn"]
        return self.version, syn["tcp_mss"], syn["tcp_window_size"]

    def cells(self):
        setup = self.setup
        if not self.seen:
            return [setup.name] + [""] * 8 + [" ".join(setup.usual), setup.why]
        link, (version, mss, win) = self.seen["link"], self.shape()
        why = setup.why_large if self.is_large and setup.why_large else setup.why
        return [setup.name, f"v{version}", mss, link["mtu"], win, "same", link["label"],
                link["grade"], ",".join(self.seen["flags"]), " ".join(self.expected()), why]


@dataclass
class Pair:
    """What IPv4 and IPv6 of one client prove together."""
    rows: list  # IPv4, IPv6
    told: dict
    problems: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)  # none of its own
    skip: str = ""

    def expected(self):
        _, usual, large = self.rows[0].setup.pair
        return large if self.rows[0].is_large else usual

    def cells(self):
        setup, told = self.rows[0].setup, self.told
        windows = "/".join(str(row.shape()[2]) for row in self.rows)
        return [f"pair: {setup.name}", "v4+v6", f"{told['mss']}/{told['also_mss']}",
                f"{told['mtu']}/{told['also_mtu']}", windows, "", told["finding"],
                told["grade"], ",".join(told["flags"]), " ".join(self.expected()), told["text"]]


@dataclass
class ExtraRow:
    """The last SYN of a client of which more is known than that."""
    extra: extras.Extra
    told: dict = field(default_factory=dict)
    problems: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)  # the same SYN alone may get another grade
    skip: str = ""

    def cells(self):
        extra, told = self.extra, self.told
        if not told:
            return [extra.name] + [""] * 8 + [" ".join(extra.expected), extra.why]
        link = told["link"]
        return [extra.name, "v4", link["mss"], link["mtu"], told["syn"]["tcp_window_size"], "",
                link["label"], link["grade"], ",".join(told["flags"]), " ".join(extra.expected),
                extra.why]


def link_flags(reply):
    return " ".join(flag for flag in reply["flags"] if flag in LINK_FLAGS)


def explain_link(version, mss, win):
    """What is known to have this MTU, asked without the daemon."""
    options = ["--ipv6"] if version == 6 else []
    return json.loads(lab.sh(lab.SYNPRINT, "link", str(mss), *options, "--win", str(win), "--json",
                             "--links", str(lab.CONF / "links.db")).stdout)


def check(row):
    """What has been seen against what can be known."""
    link, setup, (version, mss, win) = row.seen["link"], row.setup, row.shape()
    grade, flags = row.expected()
    if (link["grade"], link_flags(row.seen)) != (grade, flags):
        row.problems.append(f"{link['grade']} '{link_flags(row.seen)}'")
    if link["mtu"] != mss + HEADERS[version]:
        row.problems.append(f"MTU {link['mtu']} with MSS {mss}")
    if row.is_large != (win == 65535):
        row.problems.append(f"the client's window is {win}")
    told = explain_link(version, mss, win)
    if (told["label"], told["grade"]) != (link["label"], link["grade"]):
        row.problems.append(f"synprint link says {told['label']}, {told['grade']}")
    known = sorted({cand["label"] for cand in told["candidates"]})
    is_outside = row.version == 6 and setup.v6
    if setup.family and setup.family not in known and not is_outside:
        row.problems.append(f"{setup.family} is not a candidate: {', '.join(known)}")


def ask(path, setup, version, port):
    """Everything about the SYN that has just gone through."""
    address = path.source(version, port == ground.PORT_NAT)
    reply = path.ground.explain(address, port)
    if setup.user_agent:
        request = {"op": "verdict", "ip": address, "user_agent": setup.user_agent}
        reply["flags"] = path.ground.synprintd.request(request)["flags"]
    return reply


def measure(path, setup, version, is_large):
    """One SYN as the tunnel lets it out, and another one behind NAT, which changes nothing."""
    row = Row(setup, version, is_large)
    destination = lab.SERVER4 if version == 4 else lab.SERVER6
    path.set_large_window(is_large)
    path.connect(destination, ground.PORT)
    row.seen = ask(path, setup, version, ground.PORT)
    path.connect(destination, ground.PORT_NAT)
    hidden = ask(path, setup, version, ground.PORT_NAT)
    if (hidden["link"], link_flags(hidden)) != (row.seen["link"], link_flags(row.seen)):
        row.problems.append(f"behind NAT {hidden['link']} '{link_flags(hidden)}'")
    if hidden["syn"]["tcp_window_size"] != row.seen["syn"]["tcp_window_size"]:
        row.problems.append(f"behind NAT window {hidden['syn']['tcp_window_size']}")
    check(row)
    return row


def measure_pair(path, rows):
    """Of the connections that have just been measured, which are the newest ones."""
    request = {"op": "verdict", "ip": path.source(4, False), "also": path.source(6, False)}
    told = path.ground.synprintd.request(request)["pair"]
    pair = Pair(rows, told)
    grade, flags = pair.expected()
    if told["finding"] != rows[0].setup.pair[0]:
        pair.problems.append(f"{told['finding']}, not {rows[0].setup.pair[0]}")
    if (told["grade"], " ".join(told["flags"])) != (grade, flags):
        pair.problems.append(f"{told['grade']} '{' '.join(told['flags'])}'")
    return pair


def measure_all(path, setup):
    rows = []
    for is_large in (False, True):
        part = [measure(path, setup, version, is_large) for version in setup.versions]
        rows += part
        if len(part) == 2:
            rows.append(measure_pair(path, part))
    return rows


def run_setup(base, number, setup, is_verbose):
    path = ground.Path(base, number)
    try:
        path.build()
        if setup.exit:
            path.build_exit()
        if setup.build:
            setup.build(path)
        return measure_all(path, setup)
    except lab.Skip as skip:
        return [Row(setup, skip=str(skip))]
    except Exception as error:  # the other setups go on
        return [Row(setup, problems=[f"{type(error).__name__}: {error}"])]
    finally:
        if is_verbose:
            path.print_logs()
        path.close()


def check_extra(row):
    extra, told = row.extra, row.told
    grade, flags = extra.expected
    found = set(told["reasons"]) & {"several_mtus", "baseline_normal", "baseline_rare"}
    if (told["link"]["grade"], link_flags(told)) != (grade, flags):
        row.problems.append(f"{told['link']['grade']} '{link_flags(told)}'")
    if told["link"]["mtu"] != extra.mtu:
        row.problems.append(f"not MTU {extra.mtu}")
    if extra.reason not in found and (extra.reason or found):
        row.problems.append(f"the reasons are {', '.join(sorted(found))}")


def run_extra(base, number, extra):
    path, row = ground.Path(base, number), ExtraRow(extra)
    try:
        path.build()
        path.set_large_window(extra.is_large)
        extra.prepare(path)
        path.set_route_mtu(4, extra.mtu)
        path.connect(lab.SERVER4, ground.PORT)
        row.told = base.explain(path.source(4, False), ground.PORT)
        check_extra(row)
    except Exception as error:  # the others go on
        row.problems.append(f"{type(error).__name__}: {error}")
    finally:
        path.close()
    return row


def compare(rows):
    """What looks the same gets the same grade, and nothing without a tunnel is likely."""
    first = {}
    for row in rows:
        if not row.seen:
            continue
        grade = row.seen["link"]["grade"]
        other = first.setdefault(row.shape(), row)
        if other.seen["link"]["grade"] != grade:
            row.problems.append(f"the same SYN as {other.setup.name}, but another grade")
        if row.setup.truth in ("none", "access") and grade == "likely":
            row.problems.append("likely without a tunnel")


def result(row):
    if row.skip:
        return f"SKIP {row.skip}"
    return "FAILED " + "; ".join(row.problems) if row.problems else "ok"


def print_table(rows):
    lines = [[str(cell).strip() for cell in row.cells()] + [result(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *lines)]
    for line in [COLUMNS, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="only setups that need no VPN software")
    parser.add_argument("--verbose", action="store_true", help="print the logs of that software")
    parser.add_argument("part", nargs="*", help="only setups with this in their name")
    arguments = parser.parse_args()
    def is_chosen(item):
        return any(part.lower() in item.name.lower() for part in arguments.part or [""])
    chosen = [setup for setup in setups.ALL
              if (setup.quick or not arguments.quick) and is_chosen(setup)]
    more = [extra for extra in extras.ALL if is_chosen(extra)]
    if not chosen + more:
        parser.error("no such setup")
    return chosen, more, arguments.verbose


def main():
    chosen, more, is_verbose = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    start = time.monotonic()
    base = ground.Ground()
    atexit.register(base.close)
    base.build()
    rows = [row for number, setup in enumerate(chosen, 1)
            for row in run_setup(base, number, setup, is_verbose)]
    compare(rows)
    rows += [run_extra(base, number, extra) for number, extra in enumerate(more, len(chosen) + 1)]
    print_table(rows)
    failed = sum(bool(row.problems) for row in rows)
    skipped = sum(bool(row.skip) for row in rows)
    if failed:
        print(f"--- log of synprintd\n{base.synprintd.log()}", end="")
    lab.figure(f"the lab took {time.monotonic() - start:.0f} s")
    print(f"{len(rows) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
