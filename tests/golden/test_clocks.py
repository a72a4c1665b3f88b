#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The two clocks of connections in captures: a client that speaks for itself, a proxy that waits for
its client, a relay, and connections that cannot be measured."""
import json
import sys
import tempfile
from pathlib import Path

from captures import (ETHERNET, NOP, SACK_OK, frame_ethernet, mss, pcap, run_classify, syn, timestamps,
                      wscale)

BEGIN_MS = 1_700_000_000_000
SERVER = "192.0.2.1"
SYN, ACK, SYN_ACK, DATA = 2, 0x10, 0x12, 0x18


class Connection:
    """Segments with their times (ms). Both ends have a clock of 1 kHz of their own."""

    def __init__(self, client, port, at_ms, server=SERVER, rtt_ms=20):
        self.ends = {"client": (client, port), "server": (server, 443)}
        self.at_ms, self.rtt_ms = at_ms, rtt_ms
        self.packets = []
        self.next = {"client": 1000, "server": 5000}
        self.seen_ts = {"client": 0, "server": 0}  # what the end has got from the other one

    def clock(self, end, ms):
        return 70_000 + ms if end == "client" else 900_000 + ms

    def send(self, end, ms, flags, size=0, has_syn_options=False, echo=None):
        """`ms`: after the begin, on the wire before the server. A client's stamp is older by its way."""
        other = "server" if end == "client" else "client"
        sent_ms = ms - self.rtt_ms // 2 if end == "client" else ms
        stamp = self.clock(end, self.at_ms + sent_ms)
        options = timestamps(stamp, self.seen_ts[end] if echo is None else echo)
        options = mss(1460) + SACK_OK + options + NOP + wscale(7) if has_syn_options else \
            NOP + NOP + options
        (src, sport), (dst, dport) = self.ends[end], self.ends[other]
        ack = self.next[other] if flags & ACK else 0
        packet = syn(src, dst, options=options, payload=b"x" * size, sport=sport, dport=dport,
                     seq=self.next[end], ack=ack, flags=flags, ttl=60 if end == "client" else 64)
        self.packets.append(((BEGIN_MS + self.at_ms + ms) * 10**6, packet))
        self.next[end] += size + (1 if flags & SYN else 0)
        self.seen_ts[other] = stamp

    def begin(self, syn_size=0):
        self.send("client", 0, SYN, syn_size, has_syn_options=True)
        self.send("server", 0, SYN_ACK, has_syn_options=True)
        self.send("client", self.rtt_ms, ACK)
        return self

    def talk(self, c1_ms, c2_ms):
        """First data of the client, three segments of the server, its ACK, and the answer."""
        rtt = self.rtt_ms
        self.send("client", rtt + c1_ms, DATA, 500)
        self.send("server", rtt + c1_ms, DATA, 1400)
        self.send("server", rtt + c1_ms, DATA, 900)
        self.send("client", 2 * rtt + c1_ms, ACK)
        self.send("client", 2 * rtt + c1_ms + c2_ms, DATA, 64)
        return self


def capture(folder, *connections, keep=lambda packet: True):
    packets = sorted((p for c in connections for p in c.packets if keep(p[1])), key=lambda p: p[0])
    path = folder / "clocks.pcap"
    path.write_bytes(pcap([(time_ns, frame_ethernet(packet)) for time_ns, packet in packets], ETHERNET))
    return path


def run_json(*arguments):
    status, out, err = run_classify("--json", *map(str, arguments))
    assert (status, err) == (0, ""), f"{arguments}: {status}: {err}"
    return [json.loads(line) for line in out.splitlines()]


def clients(path):
    return {one["ip"]: one["clocks"] for one in run_json("--clocks", path)}


def connections_of(client, count, c1_ms, c2_ms, more_ms=0, **more):
    """Each one slower by so much than the one before."""
    return [Connection(client, 40000 + i, 1000 * i, **more).begin().talk(c1_ms + i * more_ms,
                                                                         c2_ms + i * more_ms)
            for i in range(count)]


def test_grades(folder):
    path = capture(folder, *connections_of("198.51.100.1", 5, 52, 55, more_ms=7),
                   *connections_of("198.51.100.2", 5, 0, 4),
                   *connections_of("198.51.100.3", 10, 4, 60),
                   *connections_of("198.51.100.4", 3, 16, 17),
                   *connections_of("198.51.100.5", 2, 90, 90),
                   *connections_of("198.51.100.6", 9, 200, 14),
                   *connections_of("2001:db8::7", 3, 31, 30, server="2001:db8::1"))
    seen = clients(path)
    grades = {ip: (one["grade"], one["connections"], one["c1_ms"], one["c2_ms"])
              for ip, one in seen.items()}
    assert grades == {"198.51.100.1": ("likely", 5, 52, 55), "198.51.100.2": ("none", 0, 0, 0),
                      "198.51.100.3": ("split", 10, 4, 60), "198.51.100.4": ("suspected", 3, 16, 17),
                      "198.51.100.5": ("none", 2, 90, 90), "198.51.100.6": ("none", 9, 200, 14),
                      "2001:db8::7": ("likely", 3, 31, 30)}, grades
    assert all(one["by"] == "timestamps" for one in seen.values()), seen
    assert "52 ms" in seen["198.51.100.1"]["reason"], seen
    text = run_classify("--clocks", str(path))[1]
    assert len(text.splitlines()) == 7 and "198.51.100.4" in text and "suspected" in text, text


def test_nothing_measured_is_said(folder):
    status, out, err = run_classify("--clocks", str(capture(folder)))
    assert (status, out) == (0, "") and \
        "no connection was measured, which takes both directions; --summary in place" in err, (out, err)
    assert run_classify("--clocks", str(capture(folder, *connections_of("198.51.100.1", 1, 52, 55))))[2] == ""


def test_filters_are_refused(folder):
    status, _, err = run_classify("--clocks", "--class", "Linux", str(capture(folder)))
    assert status == 2 and "takes no filters" in err, err
    for other in (["--summary"], ["--handshakes"], ["--servers"], ["--plot", str(folder / "x.svg")]):
        status, _, err = run_classify("--clocks", *other, str(capture(folder)))
        assert status == 2 and "--clocks tells nothing but timing" in err, (other, err)


def test_one_quick_connection_clears(folder):
    path = capture(folder, *connections_of("198.51.100.1", 5, 52, 55),
                   Connection("198.51.100.1", 50000, 9000).begin().talk(1, 1))
    assert [clients(path)["198.51.100.1"][key] for key in ("grade", "connections")] == ["none", 0]


def test_a_syn_says_what_was_known_before_it(folder):
    path = capture(folder, *connections_of("198.51.100.1", 6, 52, 55))
    known = [one.get("clocks", {}).get("connections", 0) for one in run_json(path)]
    assert known == [0, 1, 2, 3, 4, 5], known
    last = run_json(path)[5]
    assert last["clocks"]["grade"] == "likely" and "proxy" in last["flags"], last
    assert len(run_json("--flag", "proxy", path)) == 3, "at 30 ms it takes three connections"
    assert "likely: the first data came 52 ms" in run_classify("--explain", str(path))[1]


def test_connections_at_once_are_one(folder):
    """A busy machine's are one witness; a proxy's, which wait equally long, half a one each."""
    busy = [Connection("198.51.100.1", 40000 + i, 0).begin().talk(40 + 40 * i, 60) for i in range(8)]
    proxy = [Connection("198.51.100.2", 40000 + i, i).begin().talk(50 + i % 2, 60) for i in range(9)]
    counted = {ip: one["connections"] for ip, one in clients(capture(folder, *busy, *proxy)).items()}
    assert counted == {"198.51.100.1": 1, "198.51.100.2": 5}, counted


def totals(path):
    return run_json("--summary", path)[0]["clocks"]


def test_what_is_not_measured(folder):
    """Each by its reason, and none of it says anything of the client."""
    twice = Connection("198.51.100.1", 40000, 0)
    twice.send("client", 0, SYN, has_syn_options=True)
    twice.next["client"] -= 1
    twice.packets[0] = (twice.packets[0][0] - 10**9, twice.packets[0][1])
    speaks_first = Connection("198.51.100.2", 40000, 0).begin()
    speaks_first.send("server", 21, DATA, 60)
    speaks_first.send("client", 41, ACK)
    again = Connection("198.51.100.3", 40000, 0).begin()
    again.send("client", 70, DATA, 500)
    again.next["client"] -= 500
    again.send("client", 300, DATA, 500)
    no_ack = Connection("198.51.100.4", 40000, 0).begin()
    no_ack.packets.pop()
    path = capture(folder, twice.begin().talk(50, 50), speaks_first.talk(50, 50),
                   again.talk(350, 50), no_ack.talk(50, 50),
                   Connection("198.51.100.5", 40000, 0).begin(syn_size=100).talk(50, 50),
                   Connection("198.51.100.6", 40000, 0).begin())
    seen = totals(path)
    wanted = {"two_syns": 1, "server_first": 1, "retransmission": 1, "no_ack": 1, "fast_open": 1,
              "silent": 1}
    assert seen["measured"] == 0 and clients(path) == {}, seen
    assert {name: n for name, n in seen["not_measured"].items() if n} == wanted, seen
    text = run_classify("--summary", str(path))[1]
    assert "its SYN came twice" in text and "the server spoke first" in text, text


def test_totals(folder):
    path = capture(folder, *connections_of("198.51.100.1", 5, 52, 55), *connections_of("198.51.100.2", 3, 0, 1))
    seen = totals(path)
    assert seen["measured"] == 8 and seen["clients"] == {"none": 1, "split": 0, "suspected": 0,
                                                         "likely": 1}, seen
    assert not any(seen["not_measured"].values()), seen


def test_one_direction_says_nothing(folder):
    """Of the client's segments alone nothing is measured, nor of the SYNs alone."""
    def is_from_client(packet):
        return packet[12:16] != bytes([192, 0, 2, 1])
    path = capture(folder, *connections_of("198.51.100.1", 5, 52, 55), keep=is_from_client)
    assert clients(path) == {} and totals(path)["measured"] == 0
    assert "Clocks" not in run_classify("--summary", str(path))[1]


def test_many_syns_before_the_first_answer(folder):
    """SYNs that wait for the first SYN+ACK are the newest 1,024; the others are not measured."""
    waiting = [Connection("198.51.100.9", 1024 + i, 0) for i in range(3000)]
    for connection in waiting:
        connection.send("client", 0, SYN, has_syn_options=True)
    path = capture(folder, *waiting, *connections_of("198.51.100.1", 3, 30, 30))
    assert clients(path)["198.51.100.1"]["grade"] == "likely"


def main():
    for name, test in sorted(globals().items()):
        if name.startswith("test_"):
            with tempfile.TemporaryDirectory() as folder:
                test(Path(folder))
            print(f"ok {name}")


if __name__ == "__main__":
    sys.exit(main())
