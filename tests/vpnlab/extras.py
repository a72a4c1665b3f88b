# SPDX-License-Identifier: GPL-2.0-or-later
"""What other connections and other clients add to a SYN. Each row has a client with a network of
its own, in which there may be neighbours; what can be known was written down as in setups.py."""
import struct
from dataclasses import dataclass
from typing import Callable

import lab
import packets
from ground import PORT
from setups import ACCESS, LIKELY_VPN, POSSIBLE

CONSTANT = 65535  # the window of neighbours, who are of no interest but for their MTU


@dataclass
class Extra:
    name: str
    expected: tuple  # grade and link flags of the last SYN
    reason: str  # the code that has to be among its reasons, "" for none of these
    why: str
    prepare: Callable  # takes the Path
    mtu: int  # of the client's last connection
    is_large: bool = False


def neighbours(path, mtu, count, first=10, only=None):
    """SYNs of other addresses in the client's subnet, or all of one address."""
    with_mss = struct.pack("!BBH", 2, 4, mtu - 40)
    mac = lab.sh("cat", "/sys/class/net/lan/address", namespace=path.router).stdout.strip()
    wire = packets.Wire(path.client, "lan")
    for number in range(count):
        source = only or f"198.18.{path.number}.{first + number}"
        segment = packets.tcp(source, lab.SERVER4, 20000 + number, window=CONSTANT,
                              options=with_mss, dst_port=PORT)
        wire.send(packets.ipv4(source, lab.SERVER4, segment), bytes.fromhex(mac.replace(":", "")))
    wire.close()
    path.sent = getattr(path, "sent", 0) + (1 if only else count)


def wait_for_neighbours(path):
    request = {"op": "baseline", "net": f"198.18.{path.number}.0/24"}

    def count():
        found = path.ground.synprintd.request(request)["baseline"]
        return found and round(found[0]["clients"]) >= path.sent
    lab.wait_until(count, f"synprintd has counted {path.sent} neighbours", 5)


def among(*groups):
    """Neighbours: pairs of an MTU and how many have it."""
    def prepare(path):
        first = 10
        for mtu, count in groups:
            neighbours(path, mtu, count, first)
            first += count
        wait_for_neighbours(path)
    return prepare


def one_exit(path):
    """An address with many connections, as a VPN provider's exit has it."""
    neighbours(path, 1420, 200, only=f"198.18.{path.number}.9")
    wait_for_neighbours(path)


def ethernet_before(path):
    path.connect(lab.SERVER4, PORT)


def rare_and_ethernet_before(path):
    among((1500, 80))(path)
    path.connect(lab.SERVER4, PORT)


ALL = [
    Extra("several: DSL's MTU beside Ethernet's", ACCESS, "",
          "that Ethernet's MTU came from the same address says a SYN, which anybody can send",
          ethernet_before, 1492),
    Extra("several: WireGuard's MTU beside Ethernet's", POSSIBLE, "",
          "behind a carrier's NAT they are two clients, and 65535 says nothing",
          ethernet_before, 1420, is_large=True),
    Extra("baseline: 1400 where 7 of 8 have it", ACCESS, "baseline_normal",
          "what a carrier's clients have is its network's", among((1400, 70), (1500, 10)), 1400,
          is_large=True),
    Extra("baseline: 1400 where 1 of 8 has it", ACCESS, "",
          "neither usual nor rare", among((1400, 10), (1500, 70)), 1400, is_large=True),
    Extra("baseline: 1492 where nobody has it", POSSIBLE, "baseline_rare",
          "no DSL network: what is DSL's elsewhere needs another reason here",
          among((1500, 80)), 1492),
    Extra("baseline: 1420 where nobody has it", LIKELY_VPN, "baseline_rare",
          "the window is proof already", among((1500, 80)), 1420),
    Extra("baseline: 1420 where everybody has it", POSSIBLE, "baseline_normal",
          "this access network has it, or all of it is a VPN's: one grade less",
          among((1420, 120)), 1420),
    Extra("baseline: 1420 beside one exit's 200 connections", LIKELY_VPN, "",
          "an address weighs one, however often it comes", one_exit, 1420),
    Extra("both: 1420 from a phone, rare and beside Ethernet", POSSIBLE, "baseline_rare",
          "one proof: nobody else here has it; that the address is on Ethernet says a SYN",
          rare_and_ethernet_before, 1420, is_large=True),
]
