#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever happens to the agent, no connection fails, and none waits longer than about one
retransmission of its SYN."""
import signal
import time

import lab
import traffic

def report(result, what):
    traffic.expect_no_failure(result, what)
    lab.figure(f"{what}: {result['started']} connections, none failed, {result['retransmissions']} "
               f"SYNs sent again, longest connect {result['longest_ms']:.1f} ms")
    assert result["most_again"] <= 1, result


def killed(lab_):
    """By -9, in the midst of some 10,000 connections."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, 2000, sources=1000))
    load.wait_for(4000)
    assert daemon.received() > 3000, daemon.status()
    daemon.stop(signal.SIGKILL)
    load.wait_for(load.started_so_far() + 4000)
    report(load.stop(), "killed by -9")
    assert "divert" in lab_.snapshot(), "the rules were to be left behind"
    report(traffic.Load(lab_.client, 500, 1000).result(), "rules without a daemon")


def no_daemon(lab_):
    """Rules that nobody ever served."""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.rules("apply", config=lab_.write_config())
    result = traffic.Load(lab_.client, 500, 1000).result()
    report(result, "rules alone, diverting to nobody")
    assert result["retransmissions"] == 0, result
    assert '"diverting":false' in lab_.rules("status", "--json").stdout


def stopped(lab_, rate):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, rate))
    load.wait_for(rate)
    before = daemon.received()
    daemon.kill(signal.SIGSTOP)
    time.sleep(6)
    daemon.kill(signal.SIGCONT)
    lab.wait_until(lambda: daemon.received() > before + rate, "the daemon works on", 20)
    daemon.kill(signal.SIGSTOP)  # again: the first time was not luck
    time.sleep(2)
    daemon.kill(signal.SIGCONT)
    report(load.stop(), f"SIGSTOP at {rate} connections/s")
    unclassified = lab.wait_until(lambda: daemon.status()["rules"]["unclassified"],
                                  "what passed meanwhile is counted as unclassified")
    lab.figure(f"SIGSTOP at {rate} connections/s: {unclassified} passed unclassified")


def stopped_at_20(lab_):
    stopped(lab_, 20)


def stopped_at_500(lab_):
    stopped(lab_, 500)


def ended(lab_):
    """A clean stop: rules away first, then the queue is drained, so no SYN is lost at all."""
    lab_.adopt(traffic.Server(lab_.server))
    before = lab_.snapshot()
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, 1000))
    for round_ in range(5):
        load.wait_for(500 * (round_ + 1))
        assert daemon.stop() == 0, daemon.log()
        lab_.expect_snapshot(before, "synprintd left something behind")
        daemon.start()
    result = load.stop()
    report(result, "stopped by SIGTERM and started again, five times")
    assert result["retransmissions"] == 0, result


if __name__ == "__main__":
    lab.run(killed, no_daemon, (stopped_at_20, stopped_at_500), ended)
