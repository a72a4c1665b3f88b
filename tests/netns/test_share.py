#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two gateways and a broker: what one sees, the other knows; the long version is make check-share."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "share"))
import lab
from fleet import Fleet, suspect
from lab import wait_until

lab.Lab.build = lambda self: None


def what_one_sees_the_other_knows(lab_):
    fleet = Fleet(lab_)
    one, two = fleet.gateways
    one.inject(range(20))
    wait_until(lambda: two.set_size() == 20, "twenty suspects of gw1 are in a set of gw2")
    reply = two.verdict(suspect(7))
    assert not reply["found"], reply
    assert reply["reported"][0]["origin"] == "gw1", reply
    assert reply["reported"][0]["flags"] == ["scanner"], reply
    assert one.set_size() == 0, "what we say ourselves is no report"
    assert two.daemon.status()["clients"]["used"] == 0, "hearsay is no client"


def one_that_withdraws_or_goes_away(lab_):
    fleet = Fleet(lab_, has_tls=False, min_origins=2, gateways=3)
    one, two, three = fleet.gateways
    one.inject([1])
    wait_until(lambda: three.reports() == 1, "gw3 knows what gw1 says")
    assert three.set_size() == 0, "one voice of two"
    two.inject([1])
    wait_until(lambda: three.set_size() == 1, "two voices of two")
    two.daemon.stop()
    two.start_daemon()
    two.daemon.request({"op": "report", "ip": "192.0.2.1", "origin": "x", "left_s": 5})
    three.daemon.stop()
    three.start_daemon()
    wait_until(lambda: three.set_size() == 1, "a daemon that was restarted is told again")


lab.run(what_one_sees_the_other_knows, one_that_withdraws_or_goes_away)
