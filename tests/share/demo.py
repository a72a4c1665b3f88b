#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""make fleet: three gateways and a broker on this machine, each in a network namespace, with TLS. Every
other second a scanner's SYN reaches one of them, and what the others know of it is shown. Everything
is removed at Ctrl-C."""
import contextlib
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fleet import NMAP, Fleet, Watch, lab, suspect
from lab import wait_until

PERIOD_S = 2


def introduce(fleet):
    two = fleet.gateways[1]
    print(f"""Three gateways, gw1 to gw3, and a broker. In another terminal:
  ip netns exec {two.namespace} nft list set inet synprint fleet4
  {lab.SYNPRINT} --socket {two.socket} verdict {suspect(0)}
  {lab.SYNPRINT} --socket {two.socket} watch
Ctrl-C ends it, and removes all of it.
""", flush=True)


def show(fleet, watches, number):
    """One suspect of one gateway, and how long the others take to have it in their sets."""
    ip, one = suspect(number), fleet.gateways[number % 3]
    others = [gateway for gateway in fleet.gateways if gateway is not one]
    times = {}
    while ip not in times or not one.verdict(ip)["found"]:  # a SYN may be lost
        one.send([number], 100, NMAP, times)
        time.sleep(0.02)
    reply = one.verdict(ip)
    print(f"{time.strftime('%H:%M:%S')}  {one.name} sees {ip}: {reply['os']['label']}, "
          f"{', '.join(reply['flags'])}", flush=True)
    for other in others:
        wait_until(lambda: ip in watches[other.name].seen, f"{other.name} has it in its set", 20)
        word = other.verdict(ip)["reported"][0]
        print(f"          {other.name} has it in its set after "
              f"{1000 * (watches[other.name].seen[ip] - times[ip]):.0f} ms: {word['origin']} says "
              f"{', '.join(word['flags'])}, for {word['left_s']} s", flush=True)


def run(lab_):
    print("starting ...", flush=True)
    fleet = Fleet(lab_, brokers=1, gateways=3)
    watches = {gateway.name: lab_.adopt(Watch(gateway)) for gateway in fleet.gateways}
    introduce(fleet)
    number = 0
    while True:
        show(fleet, watches, number)
        number += 1
        time.sleep(PERIOD_S)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    lab.Lab.build = lambda self: None
    lab_ = lab.Lab()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run(lab_)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        lab_.close()
        print("\nremoved", flush=True)


if __name__ == "__main__":
    main()
