#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Started again under load, also on what a killed predecessor left: its socket, rules and sets."""
import os
import signal

import lab
import traffic


def after_kill(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    before = lab_.snapshot()
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"', 'ipset = "seen"'])).start()
    load = lab_.adopt(traffic.Load(lab_.client, 500, sources=50))
    for round_ in range(4):
        load.wait_for(500 * (round_ + 1))
        daemon.stop(signal.SIGKILL)
        assert os.path.exists(daemon.socket), "the socket was to be left behind"
        daemon.start()
        started_at = daemon.received()
        lab.wait_until(lambda: daemon.received() > started_at + 100, "it receives SYNs again")
        lab.wait_until(lambda: len(lab_.elements("all4")) == len(lab_.elements("all6")) == 50,
                       "every client is in its set again")
    result = load.stop()
    traffic.expect_no_failure(result, "killed and started again")
    lab.figure(f"killed by -9 and started again, four times: {result['started']} connections, none "
               f"failed, longest connect {result['longest_ms']:.1f} ms")
    status = lab.wait_until(lambda: status_after_load(daemon), "the rules are counted")
    assert status["unclassified"] < status["counted"], status
    assert daemon.stop() == 0, daemon.log()
    assert not os.path.exists(daemon.socket)
    lab_.expect_snapshot(before, "synprintd left something behind")
    listed = lab.sh("ipset", "list", "-n", namespace=lab_.gateway).stdout
    # Whose a set is cannot be told of one that was there before us: it is left.
    assert set(listed.split()) <= {"seen4", "seen6"}, listed


def status_after_load(daemon):
    rules = daemon.status()["rules"]
    return rules if rules["counted"] else None


def counts(daemon):
    """Of one look: what was counted a moment before it may still have been in the queue."""
    rules = daemon.status()["rules"]
    return rules["counted"], rules["unclassified"]


def other_rules(lab_):
    """A configuration that changed meanwhile replaces what an older process left."""
    lab_.adopt(traffic.Server(lab_.server))
    before = lab_.snapshot()
    old = lab_.daemon(lab_.write_config(['nftset = "old"'], queue="first = 0; count = 4;",
                                        name="old.conf")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    old.stop(signal.SIGKILL)
    new = lab_.daemon(lab_.write_config(['nftset = "new"'], queue="first = 8; count = 2;",
                                        name="new.conf")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert new.received() == 1 and list(lab_.elements("new4")) == [lab.CLIENT4]
    lab.wait_until(lambda: counts(new) == (1, 0), "one SYN is counted, and was classified")
    new.stop()
    lab_.rules("remove", config=old.config)  # the sets that only the old configuration names
    lab_.expect_snapshot(before, "synprintd left something behind")


if __name__ == "__main__":
    lab.run(after_kill, other_rules)
