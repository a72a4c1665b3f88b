#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What passed without being classified is counted: what the rules saw, less what was received."""
import signal

import lab
import packets

SYNS = 1000
QUEUE_LENGTH = 64
QUEUES = 2


def send_syns(lab_, count, first_port):
    """SYNs from many addresses at once; returns the ends of the links."""
    wire, far = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.server, "s0")
    gateway = packets.Wire(lab_.gateway, "g0")
    for number in range(count):
        source = lab.source4(1 + number % 250)
        syn = packets.tcp(source, lab.SERVER4, first_port + number)
        wire.send(packets.ipv4(source, lab.SERVER4, syn), gateway.mac)
    return wire, gateway, far


def counts(daemon):
    rules = daemon.status()["rules"]
    return rules["counted"], daemon.received(), rules["unclassified"]


def adds_up(daemon):
    """The rules are looked at once a second; what was received is known at once."""
    counted, received, unclassified = counts(daemon)
    return counted == 100 + SYNS and unclassified == counted - received


def full_queue(lab_):
    daemon = lab_.daemon(lab_.write_config(
        queue=f"count = {QUEUES}; length = {QUEUE_LENGTH};")).start()
    *_, far = send_syns(lab_, 100, 20000)
    assert len(far.packets(packets.is_tcp_syn, 5, 100)) == 100
    lab.wait_until(lambda: counts(daemon) == (100, 100, 0), "100 SYNs, all of them classified")
    daemon.kill(signal.SIGSTOP)
    *_, far = send_syns(lab_, SYNS, 21000)
    passed = len(far.packets(packets.is_tcp_syn, 1))
    daemon.kill(signal.SIGCONT)
    passed += len(far.packets(packets.is_tcp_syn, 5, SYNS - passed))
    assert passed == SYNS, f"{passed} of {SYNS} SYNs came through a full queue"
    expected = SYNS - QUEUES * QUEUE_LENGTH
    lab.wait_until(lambda: adds_up(daemon), "what passed unclassified is known")
    unclassified = counts(daemon)[2]
    # The daemon may have been stopped with a few in its hands, or the switch may have gone off.
    assert expected <= unclassified < SYNS, (expected, counts(daemon))
    lab.figure(f"full queues: {unclassified} of {SYNS} SYNs passed unclassified, none was lost")


def rules_without_daemon(lab_):
    """Before its start is not the daemon's to count; after it, everything is."""
    config = lab_.write_config()
    lab_.rules("apply", config=config)
    *_, far = send_syns(lab_, 50, 20000)
    assert len(far.packets(packets.is_tcp_syn, 5, 50)) == 50
    daemon = lab_.daemon(config).start()
    *_, far = send_syns(lab_, 30, 21000)
    assert len(far.packets(packets.is_tcp_syn, 5, 30)) == 30
    lab.wait_until(lambda: counts(daemon) == (30, 30, 0), "30 SYNs, all of them classified")



def limited_rule(lab_):
    """Beyond the limit SYNs pass by, and are counted; a reload changes it."""
    text = lab_.rules("print", config=lab_.write_config(rules="limit = 20;")).stdout
    assert "limit rate 20/second burst 20 packets" in text, text
    daemon = lab_.daemon(lab_.write_config(rules="limit = 20;")).start()
    *_, far = send_syns(lab_, SYNS, 20000)
    assert len(far.packets(packets.is_tcp_syn, 5, SYNS)) == SYNS
    lab.wait_until(lambda: counts(daemon)[0] == SYNS, "all SYNs are counted")
    counted, received, unclassified = counts(daemon)
    assert 20 <= received < SYNS // 2 and unclassified == counted - received, counts(daemon)
    lab_.write_config()
    daemon.kill(signal.SIGHUP)
    lab.wait_until(lambda: "limit rate" not in lab_.nft("list chain inet synprint divert"),
                   "the rule has no limit any more")


if __name__ == "__main__":
    lab.run(full_queue, rules_without_daemon, limited_rule)
