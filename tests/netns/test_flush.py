#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever somebody flushes or deletes under load is back a moment later, elements included,
and no connection fails."""
import re
import time

import lab
import traffic

CLIENTS = 300  # of each IP version; most of them stay silent afterwards

DAMAGE = [
    ["nft", "flush", "ruleset"],
    ["nft", "delete", "table", "inet", "synprint"],
    ["nft", "flush", "table", "inet", "synprint"],
    ["nft", "flush", "chain", "inet", "synprint", "divert"],
    # Its chain comes last in the table then.
    ["nft", "flush chain inet synprint divert; delete chain inet synprint divert"],
    ["nft", "flush", "set", "inet", "synprint", "all4"],
    ["nft", "flush", "set", "inet", "synprint", "all6"],
    ["ipset", "flush"],
    ["ipset", "flush", "seen6"],
    ["ipset", "destroy"],
]


def ipset_members(lab_, name):
    out = lab.sh("ipset", "list", name, namespace=lab_.gateway, check=False).stdout
    return len(re.findall(r"^\S+ timeout \d+", out, re.M))


def nft_members(lab_, name):
    try:
        return len(lab_.elements(name))
    except AssertionError:  # it is not there yet
        return 0


def is_whole(lab_):
    is_diverting = '"diverting":true' in lab_.rules("status", "--json", check=False).stdout
    return is_diverting and all(count == CLIENTS for count in (
        nft_members(lab_, "all4"), nft_members(lab_, "all6"),
        ipset_members(lab_, "seen4"), ipset_members(lab_, "seen6")))


def damage(lab_, command):
    lab.sh(*command, namespace=lab_.gateway)
    start = time.monotonic()
    lab.wait_until(lambda: is_whole(lab_), f"all is back after {' '.join(command)}", 30)
    return time.monotonic() - start


def under_load(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "all"; timeout = "10m"', 'ipset = "seen"; timeout = "10m"'])).start()
    traffic.introduce(lab_, daemon, CLIENTS, 400)
    lab.wait_until(lambda: is_whole(lab_), "every client is in its sets")
    load = lab_.adopt(traffic.Load(lab_.client, 100, sources=20))
    for command in DAMAGE:
        took_s = damage(lab_, command)
        lab.figure(f"{' '.join(command)}: rules, sets and {4 * CLIENTS} elements back after "
                   f"{took_s:.2f} s")
    result = load.stop()
    traffic.expect_no_failure(result, "while rules and sets were flushed")
    lab.figure(f"flushed under load: {result['started']} connections, none failed, "
               f"{result['retransmissions']} SYNs sent again, "
               f"longest connect {result['longest_ms']:.1f} ms")
    status = daemon.status()
    assert status["rules"]["restored"] == 5, status["rules"]
    assert not any(target["quarantined"] for target in status["publish"]["sets"]), status
    assert daemon.stop() == 0
    assert not lab.sh("ipset", "list", "-n", namespace=lab_.gateway).stdout
    assert "synprint" not in lab_.snapshot()


if __name__ == "__main__":
    lab.run(under_load)
