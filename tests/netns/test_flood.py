#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""SYNs from addresses that nobody is at: they pass, and leave the sets to those who come back."""
import random

import lab
import packets

SIZE, SHARE = 1024, 50  # elements of the set, percent of it for clients that were seen once
SPOOFED, CLIENTS = 2000, 80
PATIENT = "deadline_ms = 1000;"  # so that no burst is lost to a slow machine


class Sender:
    def __init__(self, lab_):
        self.wire, self.gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")

    def send(self, source, port):
        syn = packets.tcp(source, lab.SERVER4, port)
        self.wire.send(packets.ipv4(source, lab.SERVER4, syn), self.gateway.mac)


def start(lab_, percent):
    config = lab_.write_config([f'nftset = "all"; size = {SIZE}'],
                               publish=f"{PATIENT} once_percent = {percent};")
    return lab_.daemon(config).start()


def spoofed_addresses():
    numbers = random.Random(1).sample(range(1 << 24), SPOOFED)
    return [f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in numbers]


def flood(lab_, daemon, sender):
    for address in spoofed_addresses():
        sender.send(address, 4000)
    lab.wait_until(lambda: daemon.received() == SPOOFED, "all SYNs of the flood are classified")


def sets_are_kept_for_those_who_come_back(lab_):
    daemon, sender = start(lab_, SHARE), Sender(lab_)
    flood(lab_, daemon, sender)
    assert 0 < len(lab_.elements("all4")) <= SIZE * SHARE // 100, len(lab_.elements("all4"))
    clients = [lab.source4(1 + n) for n in range(CLIENTS)]
    for port in (5000, 5001):
        for client in clients:
            sender.send(client, port)
    lab.wait_until(lambda: set(clients) <= set(lab_.elements("all4")), "clients are in the set")
    publish = daemon.status()["publish"]
    assert publish["withheld"] >= SPOOFED - SIZE * SHARE // 100, publish
    assert not publish["sets"][0]["quarantined"], publish
    assert daemon.log().count("seen once") == 1, daemon.log()
    lab.figure(f"{SPOOFED} spoofed SYNs: {len(lab_.elements('all4')) - CLIENTS} elements of {SIZE}")


def a_refill_is_no_way_around(lab_):
    daemon, sender = start(lab_, SHARE), Sender(lab_)
    flood(lab_, daemon, sender)
    lab_.nft("flush set inet synprint all4")
    lab.wait_until(lambda: lab_.elements("all4"), "the set is filled again")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["refills"] >= 2, "refill")
    assert len(lab_.elements("all4")) <= SIZE * SHARE // 100, len(lab_.elements("all4"))


def without_a_limit(lab_):
    daemon, sender = start(lab_, 100), Sender(lab_)
    flood(lab_, daemon, sender)
    publish = daemon.status()["publish"]
    assert publish["withheld"] == 0 and publish["sets"][0]["quarantined"], publish


if __name__ == "__main__":
    lab.run(sets_are_kept_for_those_who_come_back, a_refill_is_no_way_around, without_a_limit)
