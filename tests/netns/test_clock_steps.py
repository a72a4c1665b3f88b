#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody sets the system's clock, an hour back or years ahead: nothing that is known gets old by
it, nothing stops, and what is shown and kept is by the new clock."""
import time

import clocks
import lab
import packets
import traffic

HOUR, TEN_YEARS = 3600, 10 * 365 * 86400
STEPS = (-HOUR, 2 * HOUR, TEN_YEARS, -TEN_YEARS)
LINUX = bytes.fromhex("020405b40402080a112233440000000001030307")


def start(lab_, **sections):
    clock = clocks.Clock(lab_)
    config = lab_.write_config(sets=['nftset = "all"; timeout = "1h";'], **sections)
    return clock, lab_.daemon(config).start(wrapper=clock.wrapper())


def elements_come_back(lab_, count):
    return lab.wait_until(lambda: len(lab_.elements("all4")) == count, f"{count} elements")


def known_clients(lab_):
    """A refill after each step has everybody; ages and times that are shown fit the new clock."""
    lab_.adopt(traffic.Server(lab_.server))
    clock, daemon = start(lab_)
    for number in range(5):
        traffic.connect(lab_.client, lab.SERVER4, lab.source4(number))
    elements_come_back(lab_, 5)
    for seconds in STEPS:
        clock.step(seconds)
        lab_.nft("flush set inet synprint all4")
        elements_come_back(lab_, 5)
        shown = daemon.verdict(lab.source4(0))["client"]["last_seen"]
        now = time.time() + clock.off_s
        assert now - 120 < shown <= now + 1, (seconds, shown, now)
        traffic.connect(lab_.client, lab.SERVER4, lab.source4(0))
        assert daemon.verdict(lab.source4(0))["syn"], "detailed answers go on"
    assert daemon.verdict(lab.source4(0))["client"]["syn_count"] == 1 + len(STEPS)


def retransmissions(lab_):
    """The same SYN a second after a step back is still the same SYN."""
    clock, daemon = start(lab_)
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    source = lab.source4(9)
    syn = packets.ipv4(source, lab.SERVER4, packets.tcp(source, lab.SERVER4, 20000, options=LINUX))
    wire.send(syn, gateway.mac)
    for sent, seconds in enumerate(STEPS, 2):
        lab.wait_until(lambda: daemon.received() == sent - 1, "it was received")
        clock.step(seconds)
        wire.send(syn, gateway.mac)
    lab.wait_until(lambda: daemon.received() == len(STEPS) + 1, "all were received")
    assert daemon.verdict(source)["client"]["syn_count"] == 1, daemon.verdict(source)["client"]


def kept(lab_):
    """What is written after a step is by the new clock, so a restart finds all of it young."""
    lab_.adopt(traffic.Server(lab_.server))
    clock, daemon = start(lab_)
    for number in range(5):
        traffic.connect(lab_.client, lab.SERVER4, lab.source4(number))
    elements_come_back(lab_, 5)
    clock.step(TEN_YEARS)
    assert daemon.stop() == 0
    daemon = lab_.daemon(daemon.config).start(wrapper=clock.wrapper())
    elements_come_back(lab_, 5)
    assert daemon.verdict(lab.source4(0))["client"]["syn_count"] == 1


def learned(lab_):
    """What was learned is written after a step back, too; that is once a minute, so this waits."""
    lab_.adopt(traffic.Server(lab_.server))
    path = lab_.dir / "learned.db"
    clock, daemon = start(lab_, learn=f'enabled = true; file = "{path}";')
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"

    def learn(number):
        ip = lab.source4(number << 8 | 1)
        port = traffic.connect(lab_.client, lab.SERVER4, ip)
        reply = daemon.request({"op": "learn", "ip": ip, "port": port, "user_agent": agent})
        assert reply["learned"], reply

    for number in range(12):
        learn(number)
    lab.wait_until(path.exists, "what was learned is written")
    before = path.read_text()
    clock.step(-HOUR)
    for number in range(12, 24):
        learn(number)
    lab.wait_until(lambda: path.read_text() != before, "it is written again", 75)


if __name__ == "__main__":
    lab.run(known_clients, retransmissions, kept)
