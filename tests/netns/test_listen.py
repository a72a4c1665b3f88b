#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint classify -i`: every SYN of an interface as it comes, with the daemon's own verdicts and
without touching anything; what answers, with --servers; and a file that grows."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

import lab
import packets
import traffic

RATE, CONNECTIONS = 2000, 4000


class Listener:
    """classify with its lines, in a namespace; `as_nobody` has no rights."""

    def __init__(self, lab_, namespace, *arguments):
        self.out = lab_.dir / f"listen{len(lab_.processes)}"
        self.log = self.out.with_suffix(".err")
        with open(self.out, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, lab.SYNPRINT, "classify", *arguments], stdout=out,
                stderr=log, env=os.environ | {"SYNPRINT_CONF_DIR": str(lab.CONF)})
        lab_.adopt(self)

    def lines(self):
        text = self.out.read_text()
        return text[:text.rfind("\n") + 1].splitlines()

    def objects(self):
        return [json.loads(line) for line in self.lines()]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0, self.log.read_text()
        return self.log.read_text()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def listen(lab_, namespace, *arguments):
    listener = Listener(lab_, namespace, *arguments)
    lab.wait_until(lambda: "listening on" in listener.log.read_text(), "classify listens")
    return listener


def same_verdicts(lab_):
    """At 2,000 connections a second: all SYNs, the daemon's verdicts, and no rule but the daemon's."""
    lab_.adopt(traffic.Server(lab_.server))
    before = lab_.snapshot()
    kept = lab_.dir / "kept.pcap"
    listener = listen(lab_, lab_.gateway, "-i", "g0", "--json", "-w", str(kept))
    lab_.expect_snapshot(before, "listening made rules")
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, RATE, CONNECTIONS, sources=100))
    result = load.result()
    traffic.expect_no_failure(result, "while listening")
    sent = result["started"] + result["retransmissions"]
    lab.wait_until(lambda: len(listener.lines()) >= sent, "each SYN has its line", 20)
    log = listener.stop()
    seen = listener.objects()
    assert len(seen) == sent, f"{len(seen)} lines of {sent} SYNs"
    assert "dropped" not in log and f"SYNs {sent}" in log, log
    for one in {one["ip"]: one for one in seen}.values():
        theirs = daemon.verdict(one["ip"])
        for member in ("sig", "os", "dist_hops"):
            assert one[member] == theirs[member], (one, theirs)
        assert one["link"]["mtu"] == theirs["link"]["mtu"], (one, theirs)
    lab.figure(f"{len(seen)} SYNs at {RATE}/s, each with a line, none dropped")
    again = lab.sh(lab.SYNPRINT, "classify", "--json", str(kept)).stdout.splitlines()
    assert [json.loads(line)["sig"] for line in again] == [one["sig"] for one in seen]


def each_at_once(lab_):
    """A line comes while its connection is young, and `any` tells a forwarded SYN once."""
    lab_.adopt(traffic.Server(lab_.server))
    listener = listen(lab_, lab_.gateway, "-i", "any", "--csv")
    lab.wait_until(lambda: len(listener.lines()) == 1, "the columns' names come at once")
    delays = []
    for number in range(1, 11):
        begin = time.monotonic()
        traffic.connect(lab_.client, lab.SERVER4 if number % 2 else lab.SERVER6)
        lab.wait_until(lambda: len(listener.lines()) >= 1 + number, f"line {number}")
        delays.append((time.monotonic() - begin) * 1000)
    time.sleep(0.3)
    assert len(listener.lines()) == 11, "a forwarded SYN came twice"
    listener.stop()
    lab.figure(f"a SYN and its line: {sorted(delays)[5]:.0f} ms in between, as a process sees it")


def arrived(lab_):
    """Packets that g0 has received, whatever a busy machine dropped on the way there."""
    out = lab.sh("ip", "-j", "-s", "link", "show", "g0", namespace=lab_.gateway).stdout
    return json.loads(out)[0]["stats64"]["rx"]["packets"]


def drops_are_told(lab_):
    """A listener that stands still while more come than the kernel's ring holds says what it missed."""
    listener = listen(lab_, lab_.gateway, "-i", "g0", "--csv")
    listener.process.send_signal(signal.SIGSTOP)
    before = arrived(lab_)
    with lab.inside(lab_.client), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(300000):
            if number % 5000 == 0 and arrived(lab_) - before >= 30000:
                break
            segment = packets.tcp(lab.CLIENT4, lab.SERVER4, 1 + number % 60000, options=b"\x02\x04\x05\xb4")
            raw.sendto(packets.ipv4(lab.CLIENT4, lab.SERVER4, segment), (lab.SERVER4, 0))
    came = arrived(lab_) - before
    assert came >= 30000, came
    listener.process.send_signal(signal.SIGCONT)
    lab.wait_until(lambda: "the kernel dropped" in listener.log.read_text(), "drops are told")
    log = listener.stop()
    told = sum(int(number) for number in re.findall(r"the kernel dropped (\d+) packets", log))
    seen = len(listener.lines()) - 1
    assert told > 0 and seen + told >= 30000, (told, seen, came)
    lab.figure(f"of {came} SYNs while it stood still, {seen} have a line and {told} are told as dropped")


def what_came_before_the_end(lab_):
    """A machine that is busy may have SYNs and the signal waiting: each SYN has its line all the same."""
    lab_.adopt(traffic.Server(lab_.server))
    listener = listen(lab_, lab_.gateway, "-i", "g0", "--csv")
    for _ in range(5):
        traffic.connect(lab_.client, lab.SERVER4)
    listener.stop()
    assert len(listener.lines()) == 1 + 5, listener.lines()


def both_halves(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    listener = listen(lab_, lab_.gateway, "-i", "g0", "--handshakes", "--json")
    traffic.connect(lab_.client, lab.SERVER4)
    with contextlib.suppress(OSError):
        traffic.connect(lab_.client, lab.SERVER4, port=81)  # nobody answers
    lab.wait_until(lambda: len(listener.lines()) >= 2, "both lines")
    listener.stop()
    syn, answer = listener.objects()
    assert (syn["kind"], answer["kind"]) == ("syn", "synack"), (syn, answer)
    assert syn["community_id"] == answer["community_id"], (syn, answer)
    assert answer["ip"] == lab.SERVER4 and answer["os"]["class"] == "Linux", answer


def clocks(lab_):
    """--clocks looks at more than SYNs; without it nothing is said of what was not looked at."""
    with lab.inside(lab_.server):
        server = lab_.adopt(socket.create_server(("", lab.PORT)))
    alone = listen(lab_, lab_.gateway, "-i", "g0")
    more = listen(lab_, lab_.gateway, "-i", "g0", "tcp")
    listener = listen(lab_, lab_.gateway, "-i", "g0", "--clocks", "--json")
    for _ in range(3):
        with lab.inside(lab_.client):
            client = socket.create_connection((lab.SERVER4, lab.PORT), 5)
        with client, server.accept()[0] as peer:
            for _ in range(2):  # the client speaks first, and answers what it is told
                client.sendall(b"question")
                peer.recv(100)
                peer.sendall(b"answer")
                client.recv(100)
    lab.wait_until(lambda: len(alone.lines()) >= 3, "each SYN has its line")
    lab.wait_until(lambda: len(more.lines()) >= 3, "each SYN has its line, with the others")
    assert "Clocks" not in alone.stop()
    assert re.search(r"Clocks\n +measured +3 ", more.stop())
    listener.stop()
    one, = listener.objects()
    assert one["ip"] == lab.CLIENT4 and one["clocks"]["grade"] == "none", one


def without_rights(lab_):
    done = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set=-all",
                           "--inh-caps=-all", lab.SYNPRINT, "classify", "-i", "lo"],
                          capture_output=True, text=True, timeout=20,
                          env=os.environ | {"SYNPRINT_CONF_DIR": str(lab.CONF)})
    assert done.returncode == 5 and done.stdout == "", done
    assert re.fullmatch(r"synprint: listening on lo takes CAP_NET_RAW: .*\n", done.stderr), done.stderr
    missing = lab.sh(lab.SYNPRINT, "classify", "-i", "nosuch0", check=False)
    assert missing.returncode == 1 and "no interface nosuch0" in missing.stderr, missing.stderr


def a_disk_that_is_full(lab_):
    """What was to be kept and is not ends the listening, with the reason."""
    lab_.adopt(traffic.Server(lab_.server))
    listener = listen(lab_, lab_.gateway, "-i", "g0", "-w", "/dev/full")
    traffic.connect(lab_.client, lab.SERVER4)
    assert listener.process.wait(20) == 1, listener.log.read_text()
    assert "--write cannot be written: No space left" in listener.log.read_text(), listener.log.read_text()


def file_that_grows(lab_):
    """tcpdump writes, classify follows: the line is there a moment later."""
    lab_.adopt(traffic.Server(lab_.server))
    path = lab_.dir / "growing.pcap"
    path.write_bytes(b"")
    dump = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "tcpdump", "-U", "--immediate-mode", "-n", "-i", "g0", "-w",
                             str(path), "tcp"], stderr=subprocess.DEVNULL)
    try:
        lab.wait_until(lambda: path.stat().st_size >= 24, "tcpdump listens")
        listener = Listener(lab_, lab_.gateway, "--follow", "--json", str(path))
        delays = []
        for number in range(1, 6):
            size = path.stat().st_size
            traffic.connect(lab_.client, lab.SERVER4)
            lab.wait_until(lambda: path.stat().st_size > size, "tcpdump wrote it")
            begin = time.monotonic()
            lab.wait_until(lambda: len(listener.lines()) >= number, f"line {number}")
            delays.append((time.monotonic() - begin) * 1000)
        listener.stop()
        lab.figure(f"behind a file that grows: at most {max(delays):.0f} ms")
    finally:
        dump.terminate()
        dump.wait()


if __name__ == "__main__":
    lab.run(same_verdicts, each_at_once, drops_are_told, what_came_before_the_end, both_halves, clocks,
            without_rights, a_disk_that_is_full, file_that_grows)
