#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""SYNs from addresses that nobody is at: they pass, and leave the sets to those who come back."""
import random
import time

import lab
import packets
import traffic

SIZE, SHARE = 1024, 50  # elements of the set, percent of it for clients that were seen once
NETWORK_SHARE = 25  # percent of it for those of one network,
NETWORK_MAX = 512  # but for so many there is always room
SPOOFED, CLIENTS = 2000, 80
PATIENT = "deadline_ms = 1000;"  # so that no burst is lost to a slow machine


class Sender:
    def __init__(self, lab_):
        self.wire, self.gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")

    def send(self, source, port):
        version, server = (packets.ipv6, lab.SERVER6) if ":" in source else (packets.ipv4,
                                                                             lab.SERVER4)
        self.wire.send(version(source, server, packets.tcp(source, server, port)),
                       self.gateway.mac)


def come_back(lab_, sender, addresses, name):
    """Until one of them is in the set: a SYN may pass by on a busy machine, and a network may share another's quota."""
    ports = iter(range(4000, 60000))

    def is_there():
        for address in addresses:
            sender.send(address, next(ports))
        return addresses & lab_.elements(name).keys()
    lab.wait_until(is_there, f"one of {addresses} is in {name}")


def start(lab_, percent, network_percent=NETWORK_SHARE, rule="", **sections):
    config = lab_.write_config([f'nftset = "all"; size = {SIZE}; {rule}'], **sections,
                               publish=f"{PATIENT} once_percent = {percent}; "
                                       f"network_percent = {network_percent};")
    return lab_.daemon(config).start()


def spoofed_addresses():
    numbers = random.Random(1).sample(range(1 << 24), SPOOFED)
    return [f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in numbers]


def flood(lab_, daemon, sender):
    for address in spoofed_addresses():
        sender.send(address, 4000)
    daemon.wait_for_syns(SPOOFED)


def sets_are_kept_for_those_who_come_back(lab_):
    daemon, sender = start(lab_, SHARE), Sender(lab_)
    flood(lab_, daemon, sender)
    flooded = daemon.received()
    assert 0 < len(lab_.elements("all4")) <= SIZE * SHARE // 100, len(lab_.elements("all4"))
    clients, ports = {lab.source4(1 + n) for n in range(CLIENTS)}, iter(range(5000, 60000))

    def are_in():
        for client in clients - set(lab_.elements("all4")):
            sender.send(client, next(ports))
        return clients <= set(lab_.elements("all4"))
    lab.wait_until(are_in, "clients who come back are in the set")
    publish = daemon.status()["publish"]
    assert publish["withheld"] >= flooded - SIZE * SHARE // 100 > 0, publish
    assert not publish["sets"][0]["quarantined"], publish
    assert daemon.has_said_once("seen once"), daemon.log()
    lab.figure(f"{SPOOFED} spoofed SYNs: {len(lab_.elements('all4')) - CLIENTS} elements of {SIZE}")


def a_refill_is_no_way_around(lab_):
    daemon, sender = start(lab_, SHARE), Sender(lab_)
    flood(lab_, daemon, sender)
    lab_.nft("flush set inet synprint all4")
    lab.wait_until(lambda: lab_.elements("all4"), "the set is filled again")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["refills"] >= 2, "refill")
    assert len(lab_.elements("all4")) <= SIZE * SHARE // 100, len(lab_.elements("all4"))


def a_network_has_its_share(lab_, **options):
    """Who has a network can come back from each of its addresses, and be refreshed there."""
    daemon, sender = start(lab_, SHARE, **options), Sender(lab_)
    for port in (4000, 4001, 4002):
        for number in range(SPOOFED):
            sender.send(lab.source6(1 + number), port)
    daemon.wait_for_syns(3 * SPOOFED)
    assert 0 < len(lab_.elements("all6")) <= NETWORK_MAX, len(lab_.elements("all6"))
    come_back(lab_, sender, {"2001:db8:ffff::1", "2001:db8:fffe::1"}, "all6")  # others have room
    lab_.nft("flush set inet synprint all6")
    sender.send("2001:db8:ffff::1", 4002)
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["refills"] >= 2, "refill")
    assert len(lab_.elements("all6")) <= NETWORK_MAX


def a_subnet_that_is_one_client_has_it_too(lab_):
    a_network_has_its_share(lab_, clients="ipv6_prefix = 64;")


def so_has_one_address_with_many_ports(lab_):
    daemon, sender = start(lab_, SHARE, rule='key = "addr . port";'), Sender(lab_)
    for port in range(10000, 10000 + SPOOFED):
        sender.send(lab.CLIENT4, port)
    daemon.wait_for_syns(SPOOFED)
    assert 0 < lab_.nft("list set inet synprint all4").count(f"{lab.CLIENT4} . ") <= NETWORK_MAX
    assert daemon.has_said_once("one network"), daemon.log()


def a_busy_host_takes_one_place(lab_):
    """Elements count against its network, and not SYNs."""
    daemon, sender = start(lab_, SHARE, clients="ipv6_prefix = 64;"), Sender(lab_)
    for port in range(10000, 10000 + SPOOFED):
        sender.send("2001:db8:c:1::1", port)
    daemon.wait_for_syns(SPOOFED)
    come_back(lab_, sender, {"2001:db8:c:2::1"}, "all6")  # its neighbour has room


def one_set_is_not_another(lab_):
    """Whose ports have no room in one set stays in the others, behind a refill too."""
    config = lab_.write_config(
        [f'nftset = "all"; size = {SIZE};', f'nftset = "ports"; size = {SIZE}; key = "addr . port";'],
        publish=f"{PATIENT} once_percent = {SHARE}; network_percent = {NETWORK_SHARE};")
    daemon, sender = lab_.daemon(config).start(), Sender(lab_)
    for port in range(10000, 10000 + SPOOFED):
        sender.send(lab.CLIENT4, port)
    daemon.wait_for_syns(SPOOFED)
    assert daemon.status()["publish"]["withheld"] > 0 and lab.CLIENT4 in lab_.elements("all4")
    lab_.nft("flush set inet synprint all4")
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("all4"), "it is filled again")


def a_restart_is_no_way_around(lab_):
    daemon, sender = start(lab_, SHARE), Sender(lab_)
    for port in (4000, 4001, 4002):
        for number in range(SPOOFED):
            sender.send(lab.source6(1 + number), port)
    daemon.wait_for_syns(3 * SPOOFED)
    assert daemon.stop() == 0
    daemon.start()
    lab.wait_until(lambda: lab_.elements("all6"), "the set is filled again")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["refills"] >= 1, "refill")
    assert len(lab_.elements("all6")) <= NETWORK_MAX, len(lab_.elements("all6"))


def a_full_set_makes_room(lab_):
    """A set that a flood has filled, with two SYNs an address: the oldest go, and nobody who is
    confirmed."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = start(lab_, SHARE, rule='confirm = "syn";', rules="conntrack = true;")
    sender = Sender(lab_)
    known = [lab.source4(1 + number) for number in range(20)]
    for address in known:
        traffic.connect(lab_.client, lab.SERVER4, address)
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == len(known), "all are confirmed")
    for port in (4000, 4001):
        for address in spoofed_addresses():
            sender.send(address, port)
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["relieved"], "some make room")
    newcomers = {lab.source4(1000 + 256 * number) for number in range(20)}
    for address in newcomers:
        sender.send(address, 5000)
    lab.wait_until(lambda: newcomers <= set(lab_.elements("all4")), "newcomers are in the set")
    lab.wait_until(lambda: len(lab_.elements("all4")) <= SIZE * 9 // 10, "a tenth is free again")
    assert set(known) <= set(lab_.elements("all4")), "who is confirmed stays"
    assert "make room" in daemon.log(), daemon.log()
    before = lab_.elements("all4").keys()
    time.sleep(2)
    assert lab_.elements("all4").keys() == before, "in peace nobody has to go"


def without_a_limit(lab_):
    daemon, sender = start(lab_, 100, 100), Sender(lab_)
    flood(lab_, daemon, sender)
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["failed"] >= daemon.received() - SIZE > 0,
                   "what the full set refused is counted")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["full"], "status says that it is full")
    assert daemon.has_said_once("nft set all4 is full: "), daemon.log()
    publish = daemon.status()["publish"]
    assert publish["withheld"] == 0 and not publish["sets"][0]["quarantined"], publish


if __name__ == "__main__":
    lab.run(sets_are_kept_for_those_who_come_back, a_refill_is_no_way_around,
            a_network_has_its_share, a_subnet_that_is_one_client_has_it_too,
            so_has_one_address_with_many_ports, a_busy_host_takes_one_place, one_set_is_not_another,
            a_restart_is_no_way_around, a_full_set_makes_room, without_a_limit)
