# SPDX-License-Identifier: GPL-2.0-or-later
"""What other connections of a client add to a SYN; what can be known was written down as in setups.py.
What its neighbours add is in tests/netns/test_baseline.py."""
from dataclasses import dataclass
from typing import Callable

import lab
from ground import PORT
from setups import POSSIBLE


@dataclass
class Extra:
    name: str
    expected: tuple  # grade and link flags of the last SYN
    reason: str  # the code that has to be among its reasons, "" for none of these
    why: str
    prepare: Callable  # takes the Path
    mtu: int  # of the client's last connection
    is_large: bool = False


def ethernet_before(path):
    path.connect(lab.SERVER4, PORT)
    path.ground.explain(path.source(4, False), PORT)


ALL = [
    Extra("several: DSL's MTU beside Ethernet's", POSSIBLE, "several_mtus",
          "its line is no DSL line: Ethernet's MTU came from the same address",
          ethernet_before, 1492),
    Extra("several: WireGuard's MTU beside Ethernet's", POSSIBLE, "several_mtus",
          "behind a carrier's NAT they are two clients, and 65535 says nothing",
          ethernet_before, 1420, is_large=True),
]
