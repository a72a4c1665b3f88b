#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Something behind the queue loses what the queue gives back: nobody can know all that does, so
synprintd compares. A policy that drops everything is no such thing."""
import lab
import traffic

SEEN = "0x10000"
RATE = 40
LOSER = ("table inet loser {{ chain c {{ type filter hook prerouting priority -100; "
         "tcp flags syn {match} drop; }}; }}")


def start(lab_, match):
    lab_.nft(LOSER.format(match=match))
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['nftset = "all"'],
                               publish=f"mark_mask = {SEEN}; mark_seen = {SEEN};")
    return lab_.daemon(config).start()


def trials(daemon):
    return daemon.status()["rules"]["trials"]


def is_over(lab_):
    return "trial_sent" not in lab_.nft("list table inet synprint")


def what_was_diverted_is_lost(lab_):
    daemon = start(lab_, f"meta mark & {SEEN} == {SEEN}")
    load = lab_.adopt(traffic.Load(lab_.client, RATE))
    lab.wait_until(lambda: daemon.status()["rules"]["harmful"], "the harm is found", 60)
    rules = daemon.status()["rules"]
    assert not rules["diverting"] and rules["trials"], rules
    load.wait_for(load.started_so_far() + RATE)
    before = daemon.received()
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == before, "nothing is diverted"
    result = load.stop()
    assert not result["failed"] and result["succeeded"] == result["started"], result
    assert is_over(lab_), lab_.nft("list table inet synprint")
    advice = [item["text"] for item in daemon.status()["advice"] if item["about"] == "rules"]
    selftest = daemon.cli("selftest", check=False)
    for text in (daemon.log(), *advice, selftest.stdout):
        assert "diverting does harm here" in text, text
    assert advice and selftest.returncode, (advice, selftest)
    assert "synprint_harmful 1" in daemon.cli("metrics").stdout
    # Whoever has found it reloads.
    lab_.nft("delete table inet loser")
    assert daemon.request({"op": "reload"})["ok"]
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: daemon.received() > before, "SYNs are diverted again")
    lab.wait_until(lambda: not daemon.status()["rules"]["harmful"], "and nothing is said of harm")
    lab.figure(f"{result['started']} connections, {result['failed']} failed, the longest "
               f"{result['longest_ms'] / 1000:.1f} s; then nothing is diverted")


def a_policy_that_drops_everything(lab_):
    daemon = start(lab_, "")
    load = lab_.adopt(traffic.Load(lab_.client, RATE))
    lab.wait_until(lambda: trials(daemon), "many come again, so it is tried", 60)
    lab.wait_until(lambda: is_over(lab_), "the trial is over", 60)
    load.close()
    status = daemon.status()
    assert status["rules"]["diverting"] and not status["rules"]["harmful"], status["rules"]
    assert "harm" not in daemon.log(), daemon.log()
    assert "rules" not in [item["about"] for item in status["advice"]], status["advice"]


if __name__ == "__main__":
    lab.run((what_was_diverted_is_lost, a_policy_that_drops_everything))
