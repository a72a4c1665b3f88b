#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""python/synprint.py against the real daemon: verdicts, refusals, and events over a restart."""
import socket
import sys
import threading
import time

import lab
from lab import wait_until

sys.path.insert(0, str(lab.ROOT / "python"))
import synprint


def connect_once(lab_):
    with lab.inside(lab_.client):
        stream = socket.socket()
    stream.settimeout(5)
    try:
        stream.connect((lab.SERVER4, 1))
    except OSError:
        pass  # nobody listens: the SYN is all that is wanted
    stream.close()


def verdicts(lab_):
    daemon = lab_.daemon().start()
    connect_once(lab_)
    with synprint.connect(daemon.socket) as gateway:
        wait_until(lambda: gateway.verdict(lab.CLIENT4).found, "the client is known")
        verdict = gateway.verdict(lab.CLIENT4)
        assert verdict.os_family == "Linux" and 0 < verdict.confidence <= 1, verdict
        assert verdict.mtu == 1500 and verdict.grade == "none" and verdict.distance == 0, verdict
        assert verdict.raw["client"]["syn_count"] == 1, verdict.raw
        assert gateway.verdict(lab.CLIENT4, verdict.port).exact
        assert not gateway.verdict(lab.CLIENT4, 1).exact
        lie = gateway.verdict(lab.CLIENT4, verdict.port, "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
                              keep=False)
        assert lie.os_mismatch is True, lie
        assert not gateway.verdict("192.0.2.200").found
        assert gateway.request("status")["ok"]
        try:
            gateway.request("verdict", ip="nonsense")
            raise AssertionError("not refused")
        except synprint.Refused as refused:
            assert refused.code == "bad_value", refused
        daemon.stop()
        try:
            gateway.verdict(lab.CLIENT4)
            raise AssertionError("not unreachable")
        except synprint.Unreachable:
            pass


def events_over_a_restart(lab_):
    daemon = lab_.daemon(lab_.write_config(state="enabled = false;")).start()
    heard = []
    thread = threading.Thread(target=lambda: heard.extend(
        event for event in synprint.subscribe(daemon.socket, retry=0.1, syns=True)
        if heard.append(event)), daemon=True)
    thread.start()
    wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it has subscribed")
    connect_once(lab_)
    wait_until(lambda: any(event.kind == "new" for event in heard), "the client is told")
    daemon.stop()
    wait_until(lambda: heard[-1].kind == "disconnected", "the end is told")
    time.sleep(0.3)
    assert sum(event.kind == "disconnected" for event in heard) == 1, "once"
    daemon.start()
    wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it has subscribed again")
    connect_once(lab_)
    wait_until(lambda: heard[-1].kind == "new" and heard[-1].verdict.ip == lab.CLIENT4, "and hears again")


lab.run(verdicts, events_over_a_restart)
