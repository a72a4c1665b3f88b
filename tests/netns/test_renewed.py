#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client whose elements were renewed a moment ago is not confirmed by each connection; and yet he is
in his sets as long as he comes, nobody else keeps him there, and what somebody takes out comes back."""
import time

import forger
import lab
import traffic

SET = 'nftset = "{}"; confirm = "served"; timeout = "{}"'


def start(lab_, *sets):
    lab_.adopt(traffic.Server(lab_.server))
    return lab_.daemon(lab_.write_config(list(sets), rules="conntrack = true;")).start()


def connect(lab_, address=lab.CLIENT4, times=1):
    for _ in range(times):
        traffic.connect(lab_.client, lab.SERVER6 if ":" in address else lab.SERVER4, address)


def confirmed(daemon):
    return daemon.status()["confirm"]["connections"]


def settle(lab_, daemon, addresses):
    """Each is known and renewed."""
    def is_renewed():
        for address in addresses:
            connect(lab_, address, 2)
        time.sleep(0.2)  # what is on its way to the daemon
        before = confirmed(daemon)
        for address in addresses:
            connect(lab_, address)
        time.sleep(0.2)
        # Two clients may have one cell (renewed.c), in which each takes the other's place.
        return before >= len(addresses) and confirmed(daemon) - before <= len(addresses) // 4
    lab.wait_until(is_renewed, "no connection is confirmed any more")


def once_is_enough(lab_):
    daemon = start(lab_, SET.format("long", "1h"), SET.format("longer", "2h"))
    addresses = [lab.source4(1), lab.source6(1)]
    settle(lab_, daemon, addresses)
    before = confirmed(daemon)
    for address in addresses:
        connect(lab_, address, 150)
    # What the start changed in the ruleset may be seen as late as now, and then ends it for a moment.
    assert confirmed(daemon) - before <= 150, (before, daemon.status()["confirm"])
    for name in ("long", "longer"):
        assert lab_.has_elements(f"{name}4", addresses[:1])
        assert lab_.has_elements(f"{name}6", addresses[1:])
    # Who says something else is asked at once, and so is who does so after him.
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1200")
    before = confirmed(daemon)
    connect(lab_, addresses[0])
    lab.wait_until(lambda: confirmed(daemon) > before, "another link is confirmed")
    # Forgotten is forgotten.
    settle(lab_, daemon, addresses[1:])
    daemon.cli("forget", addresses[1])
    for name in ("long6", "longer6"):
        lab.wait_until(lambda: not lab_.has_elements(name, addresses[1:]), f"it has left set {name}")
    connect(lab_, addresses[1])
    assert lab_.has_elements("long6", addresses[1:]) and lab_.has_elements("longer6", addresses[1:])


def what_somebody_took_out(lab_):
    """It is back at once, or with the client's next connection some seconds later."""
    daemon = start(lab_, SET.format("long", "1h"))
    addresses = [lab.source4(number) for number in range(1, 9)]
    settle(lab_, daemon, addresses)

    def is_back():
        connect(lab_, addresses[0])
        return lab_.has_elements("long4", addresses[:1])
    lab_.nft(f"delete element inet synprint long4 {{ {addresses[0]} }}")
    lab.wait_until(is_back, "the next connections bring it back")

    # Of a flush all are filled again from the table, without a connection, where one by whom it is
    # seen is gone: after each look, once a second, that is the next one who is in the set and comes.
    def is_flush_seen():
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            for address in addresses[1:]:
                connect(lab_, address)
            time.sleep(0.05)
        lab_.nft("flush set inet synprint long4")
        lab.wait_until(is_back, "a flush does not keep the first one out")
        for _ in range(30):
            if lab_.has_elements("long4", addresses):
                return True
            time.sleep(0.1)
        return False
    lab.wait_until(is_flush_seen, "the flush was seen", seconds=60)


def short_timeouts(lab_):
    """Beside a long one: who keeps coming is in the set of the short one all the time."""
    daemon = start(lab_, SET.format("short", "3s"), SET.format("long", "1h"))
    client, other = lab.source4(1), lab.source4(2)
    connect(lab_, client, 3)
    connect(lab_, other, 3)
    forged, until, number = forger.Forger(lab_), time.monotonic() + 7, 0
    left = time.monotonic()
    while time.monotonic() < until:
        began = time.monotonic()
        connect(lab_, client)
        # A forged SYN, also one of the victim's own shape, keeps nobody in it.
        number += 1
        for shape in forger.SHAPES:
            forged.syn(other, lab.SERVER4, 2000 + number, shape)
        is_in = lab_.has_elements("short4", [client])
        assert is_in or time.monotonic() - left > 2, "he has left"
        left = began
        time.sleep(0.1)
    assert not lab_.has_elements("short4", [other]), "forged SYNs kept him in it"
    assert lab_.has_elements("long4", [client, other])
    assert confirmed(daemon) > 5, "the short timeout needs them"


def a_map_and_a_reload(lab_):
    """A changed value, and a set that was not there, reach who was renewed before."""
    lab_.adopt(traffic.Server(lab_.server))
    kind = 'nftmap = "what"; value = {}; confirm = "served"; timeout = "1h"'
    daemon = lab_.daemon(lab_.write_config([kind.format(1)], rules="conntrack = true;")).start()
    client = lab.source4(1)
    settle(lab_, daemon, [client])
    lab_.write_config([kind.format(2), SET.format("more", "1h")], rules="conntrack = true;")
    daemon.cli("reload")

    def has_both():
        connect(lab_, client)
        return lab_.has_elements("what4", [f"{client} : 2"]) and lab_.has_elements("more4", [client])
    lab.wait_until(has_both, "the new value, and the new set")


if __name__ == "__main__":
    lab.run(once_is_enough, (what_somebody_took_out, short_timeouts), a_map_and_a_reload)
