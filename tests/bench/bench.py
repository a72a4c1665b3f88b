#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench.py PART...: the benchmarks of synprint's speed; `make bench` builds what they need. All of
their namespaces, processes and files are removed however they end."""
import os
import shutil
import signal
import sys

import brokers
import confirm
import harness
import gateway
import measuring
import offline
import stages

PARTS = {"queue": gateway.queue, "latency": gateway.latency, "classify": stages.classify,
         "offline": offline.offline, "table": stages.table, "query": gateway.query,
         "publish": gateway.publish, "skip": gateway.skip, "confirm": confirm.confirm,
         "clocks": measuring.clocks, "brokers": brokers.brokers}
ROOT_PARTS = {"queue", "latency", "query", "publish", "skip", "confirm", "clocks", "brokers"}
NEEDS = {"queue": ["ip", "iptables", "nft", "ipset", "taskset"], "offline": ["p0f", "time"],
         "latency": ["ip", "iptables", "taskset"], "classify": ["valgrind"],
         "skip": ["ip", "nft", "ipset"], "confirm": ["ip", "nft", "iperf3", "ss"],
         "brokers": ["ip", "nft", "mosquitto", "taskset"],
         "clocks": ["ip", "nft"],
         "query": ["ip"], "publish": ["ip", "nft", "ipset"], "table": []}


def check(names):
    for name in names:
        if name not in PARTS:
            sys.exit(f"bench.py: there is no part '{name}': {', '.join(PARTS)}")
        missing = [tool for tool in NEEDS[name] if not shutil.which(tool)]
        if missing:
            sys.exit(f"bench.py: {name} needs {', '.join(missing)}: run make bench-tools as root")
        if name in ROOT_PARTS and os.geteuid() != 0:
            sys.exit(f"bench.py: {name} makes network namespaces: run it as root, or run only "
                     f"make {' '.join('bench-' + part for part in PARTS if part not in ROOT_PARTS)}")


def main(names):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    check(names)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, harness.stop)
    machine = harness.machine()
    print(f"{machine['cpu']}, {machine['cpus']} CPUs, Linux {machine['kernel']}, load "
          f"{machine['load']:.1f}; {harness.ROUNDS} rounds, the sides in turns. A ratio is the "
          "median over the rounds of a side through the first side named.")
    if machine["load"] > 0.5:
        print("Something else is running on this machine: ratios hold, absolute figures less so.")
    for name in names:
        part = PARTS[name]()
        part.write()
    print(f"\nwritten: {harness.BUILD}/bench.json")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PARTS))
