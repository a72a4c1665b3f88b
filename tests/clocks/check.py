#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""make check-clocks: real clients, servers and proxies over wires with delay, jitter and loss, and
what synprintd and `synprint classify` say of their timing. Ends with a table; each row has a bar.

check.py [--keep FOLDER] [PART OF A ROW'S NAME ...]: only these rows; the captures are kept."""
import argparse
import atexit
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import network
import lab  # noqa: E402  that of tests/netns, by network's path
import hosts
import rows

SETTLE_S = 0.4  # until the last packets of a row are in its capture
GOOD_PERCENT = 97
LATE_US = 2000


class Lab(network.Network):
    def classify(self, *arguments):
        done = subprocess.run([lab.SYNPRINT, "classify", "--json", *map(str, arguments)],
                              capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


def run_group(net, row, number, group):
    client = row.connect(number)
    return sum(client(row.address(number), group.port) for _ in range(row.size))


def run_groups(net, row, groups):
    return sum(net.run_in(net.client, [
        lambda n=n, g=g: run_group(net, row, n, g) for n, g in enumerate(groups)], row.at_once))


def count_fast_opens(capture):
    """SYNs with data or the option of RFC 7413, by tcpdump."""
    out = lab.sh("tcpdump", "-n", "-r", str(capture), "tcp[13] & 0x12 = 2").stdout
    return sum("cookie" in line or "length 0" not in line for line in out.splitlines())


def read_capture(net, row, capture, groups):
    by_address = {group.address: group for group in groups}
    for syn in net.classify(capture):
        if syn["ip"] in by_address and "clocks" in syn:
            by_address[syn["ip"]].states.append(syn["clocks"])
    for client in net.classify("--clocks", capture):
        by_address[client["ip"]].states.append(client["clocks"])
    totals = net.classify("--summary", capture)[0]["clocks"]
    return rows.Result(groups, totals["measured"], totals["not_measured"],
                       row.groups * row.size, count_fast_opens(capture))


def ask_daemon(net, groups):
    for group in groups:
        reply = net.synprintd.request({"op": "verdict", "ip": group.address})
        group.live, group.flags = reply.get("clocks") or {}, reply.get("flags", [])


def run_row(net, row, folder, number):
    groups = [rows.Group(port, address) for port, address in
              net.add_groups(row.groups, row.lines, row.is_proxied, row.version)]
    sender = net.proxy if row.is_proxied else net.client
    device = "outer-p" if row.is_proxied else "outer-c"
    if row.prepare:
        row.prepare(net, groups)
    net.sysctl(sender, {"net/ipv4/tcp_timestamps": int(row.has_timestamps)})
    capture = folder / f"{number:02}.pcap"
    recorder = net.start_capture(device, capture)
    good = (row.run or run_groups)(net, row, groups)
    time.sleep(SETTLE_S)
    missed = net.stop_capture(recorder)
    result = read_capture(net, row, capture, groups)
    ask_daemon(net, groups)
    return result, good, missed


def describe(row, result, good, missed):
    total = row.groups * row.size
    figure, is_reached = row.bar(result)
    if good * 100 < GOOD_PERCENT * total:
        figure, is_reached = f"{figure}; only {good} of {total} clients succeeded", False
    if missed:
        figure, is_reached = f"{figure}; the capture missed {missed} packets", False
    return [row.name, total, result.measured, figure, row.says, "ok" if is_reached else "FAILED"]


def compare(results):
    """Whether synprintd, by copies of the kernel, says the same as classify by a capture."""
    groups = [group for result in results for group in result.groups if group.states]
    same = sum(g.last()["grade"] == g.live.get("grade") and
               g.last()["connections"] == g.live.get("connections") for g in groups)
    return ["synprintd and classify", "", "", f"{rows.share(same, len(groups))} groups alike",
            "alike in >= 97 %", "ok" if groups and same * 100 >= 97 * len(groups) else "FAILED"]


def describe_wire(wire):
    """Who is late with packets measures himself."""
    wire.close()
    count, late_us = wire.precision()
    return [f"wire {wire.name}", "", "", f"{late_us} us late in 99 % of {count} packets",
            f"<= {LATE_US} us", "ok" if late_us <= LATE_US else "FAILED"]


HEAD = ["row", "connections", "measured", "figure", "bar", ""]


def format_table(table):
    cells = [[str(cell) for cell in line] for line in [HEAD] + table]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths)).rstrip() for line in cells)


def run_all(net, wanted, folder):
    table, results = [], []
    for number, row in enumerate(rows.all_rows()):
        if wanted and not any(part in row.name for part in wanted):
            continue
        start = time.monotonic()
        result, good, missed = run_row(net, row, folder, number)
        line = describe(row, result, good, missed)
        results.append(result)
        table.append(line)
        print(f"{'  '.join(map(str, line))} ({time.monotonic() - start:.0f} s)", flush=True)
    return table + [compare(results)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", help="folder for the captures")
    parser.add_argument("wanted", nargs="*")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    net = Lab()
    atexit.register(net.close)
    net.build()
    hosts.start_servers(net)
    hosts.start_proxies(net)
    for rtt_ms in network.INNER:
        for has_loss in (False, True):
            hosts.start_ssh(net, rtt_ms, has_loss)
    net.start_daemon()
    folder = Path(arguments.keep or net.dir / "captures").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    table = run_all(net, arguments.wanted, folder)
    table += [describe_wire(wire) for wire in net.wires]
    print("\n" + format_table(table))
    failed = sum(line[-1] != "ok" for line in table)
    print(f"{len(table) - failed} passed, {failed} failed; load of the machine at the end "
          f"{os.getloadavg()[0]:.1f}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
