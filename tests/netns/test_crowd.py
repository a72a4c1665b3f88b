#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the sockets that do everything wrong, in crowds: nobody else notices."""
import contextlib
import json
import os
import re
import socket
import time
from pathlib import Path

import lab
import packets
import traffic

CROWD = 1000
GARBAGE = [b"\xff\xfe\0{]" * 100 + b"\n", b"[" * 60000 + b"\n", b'{"op":' * 5000 + b"\n",
           b'{"op":"verdict","ip":"::1","port":1e999}\n', b"x" * 70000]
SYNS, SYNS_PER_S = 100000, 20000
NOWHERE = "203.0.113.99"
SLACK = 4 if lab.BUILD.name in ("san", "tsan") else 1  # ASan keeps what is freed


def memory_kib(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def join(stack, daemon, data):
    """A client that sends and never reads, and does not care what becomes of it."""
    stream = stack.enter_context(socket.socket(socket.AF_UNIX))
    stream.settimeout(10)
    stream.connect(daemon.socket)
    stream.setblocking(False)
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        while data:
            data = data[stream.send(data):]
    return stream


def ask_status(stream):
    print('{"op":"status"}', file=stream, flush=True)
    return json.loads(stream.readline())


def crowd(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    port = traffic.connect(lab_.client, lab.SERVER4)
    before = memory_kib(daemon)
    bad = [b"", b'{"op":"status"', b'{"op":"subscribe","syns":true,"snapshot":true}\n',
           b'{"op":"status"}\n' * 20000, b"\n" * 100000, *GARBAGE]
    longest = 0
    with contextlib.ExitStack() as stack, daemon.connect() as other:
        stream = other.makefile("rw")
        for number in range(CROWD):
            join(stack, daemon, bad[number % len(bad)])
            if number % 10 == 0:
                began = time.monotonic()
                print(json.dumps({"op": "verdict", "ip": lab.CLIENT4, "port": port}), file=stream,
                      flush=True)
                reply = json.loads(stream.readline())
                assert reply["found"] and reply["exact"], reply
                longest = max(longest, time.monotonic() - began)
                traffic.connect(lab_.client, lab.SERVER6)
        lab.wait_until(lambda: ask_status(stream)["control"]["accepted"] > CROWD,
                       "all of them are connected")
        status = ask_status(stream)
        assert status["control"]["refused"] == 0, status["control"]
        assert status["packets"]["syn"] == CROWD // 10 + 1, status["packets"]
        grown = memory_kib(daemon) - before
    lab.figure(f"{CROWD} bad clients: longest reply to another {longest * 1000:.0f} ms, "
               f"memory {grown} KiB more")
    assert grown < 256 * 1024 * SLACK, f"{grown} KiB for 100 clients that ask for much and do not read"
    lab.wait_until(lambda: daemon.status()["control"]["connections"] <= 2, "the crowd is gone")


def is_refusal(stream):
    """Or an answer; or nothing, where the daemon was slow and he gave way to a later one."""
    stream.settimeout(10)
    with contextlib.suppress(ConnectionError), stream.makefile() as lines:
        return json.loads(lines.readline() or "{}").get("error", {}).get("code") == "busy"


def few_descriptors(lab_):
    """Where there are not descriptors for all, some are refused, and the daemon keeps its own."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start(wrapper=["prlimit", "--nofile=160:160"])
    with contextlib.ExitStack() as stack, daemon.connect() as first:
        stream = first.makefile("rw")
        crowd_ = [join(stack, daemon, b'{"op":"status"}\n') for _ in range(300)]
        print('{"op":"reload"}', file=stream, flush=True)
        assert json.loads(stream.readline())["ok"], "a reload opens files"

        def all_came():
            print('{"op":"status"}', file=stream, flush=True)
            status = json.loads(stream.readline())["control"]
            return status["refused"] + status["accepted"] > 300 and status
        control = lab.wait_until(all_came, "all are accepted or refused")
        assert 8 <= control["connections"] < 160, control
        assert control["refused"] and any(is_refusal(stream) for stream in reversed(crowd_)), control
        traffic.connect(lab_.client, lab.SERVER4)
        assert daemon.stop() == 0
    assert "synprint" not in lab_.snapshot(), "the rules are gone"


def raised_limit(lab_):
    """The soft limit is no limit."""
    daemon = lab_.daemon().start(wrapper=["prlimit", "--nofile=64:4096"])
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            join(stack, daemon, b"")
        lab.wait_until(lambda: daemon.status()["control"]["connections"] == 501, "all are served")


class Flood(traffic.Child):
    """SYNs at a steady rate, from so many sources that each is another connection."""

    def __init__(self, lab_):
        self.mac = bytes.fromhex(json.loads(lab.sh(
            "ip", "-j", "link", "show", "g0", namespace=lab_.gateway).stdout)[0]["address"]
            .replace(":", ""))
        self.namespace = lab_.client
        super().__init__(lab_.client)

    def main(self, writer):
        frames = [packets.ipv4(source, NOWHERE, packets.tcp(source, NOWHERE, 1024 + n // 100,
                                                            options=b"\2\4\5\xb4"))
                  for n in range(10000) for source in [lab.source4(1 + n % 100)]]
        wire = packets.Wire(self.namespace, "c0")
        began = time.monotonic()
        for number in range(SYNS):
            if number % 200 == 0:
                time.sleep(max(0, began + number / SYNS_PER_S - time.monotonic()))
            wire.send(frames[number % len(frames)], self.mac)
        os.write(writer, str(round(SYNS / (time.monotonic() - began))).encode())


class Listener:
    """A subscriber, who hears of every event, or of how many there were."""

    def __init__(self, daemon, **request):
        self.stream = daemon.connect()
        self.stream.sendall(json.dumps({"op": "subscribe", **request}).encode() + b"\n")
        self.lines = self.stream.makefile("rb")
        assert json.loads(self.lines.readline())["ok"]
        self.came = self.missed = 0

    def hear(self, count):
        while self.came + self.missed < count:
            event = json.loads(self.lines.readline())
            if event["event"] == "gap":
                self.missed += event["missed"]
            else:
                self.came += 1
        assert self.came + self.missed == count, (self.came, self.missed, count)


def slow_subscriber(lab_):
    lab_.ip(lab_.gateway, f"route add blackhole {NOWHERE}")
    daemon = lab_.daemon(lab_.write_config(clients="capacity = 1024;")).start()
    slow, idle = Listener(daemon, syns=True), Listener(daemon, flags=["scanner"])
    before = memory_kib(daemon)
    flood = lab_.adopt(Flood(lab_))
    answers = longest = grown = 0
    lab.wait_until(lambda: daemon.received() > 0, "the flood has begun")
    received, last = 0, time.monotonic()
    while received < SYNS and time.monotonic() - last < 3:
        began = time.monotonic()
        now = daemon.received()
        longest = max(longest, time.monotonic() - began)
        last = time.monotonic() if now > received else last
        received, answers = now, answers + 1
        grown = max(grown, memory_kib(daemon) - before)
        time.sleep(0.01)
    rate = flood.pipe.read()
    syns = daemon.status()["packets"]["syn"]
    slow.hear(syns)
    lab.figure(f"a subscriber that does not read, at {rate} SYN/s: {slow.came} events and "
               f"{slow.missed} told to be missed of {syns}; {answers} replies to others, the "
               f"slowest after {longest * 1000:.0f} ms; memory {grown} KiB more")
    assert slow.missed > 0 and slow.came > 100, (slow.came, slow.missed)
    assert grown < 16 * 1024 * SLACK, f"{grown} KiB"
    assert idle.came == 0


if __name__ == "__main__":
    lab.run(crowd, few_descriptors, raised_limit, slow_subscriber)
