# SPDX-License-Identifier: GPL-2.0-or-later
"""What check-clocks tries: groups of connections, each group from an address of its own, and what
must be said of it. A bar takes a row's result and returns a figure and whether it is reached."""
from dataclasses import dataclass, field
from typing import Callable

import clients
import hosts
from hosts import server
from network import CALM, LOSSLESS, LOSSY

QUICK_MS = 5
PROXIES = ("SOCKS", "CONNECT", "ssh -D")


@dataclass
class Group:
    """Connections of one client. A state is the object `clocks` as it was after some of them."""
    port: int
    address: str
    states: list = field(default_factory=list)  # of the capture, by classify
    live: dict = field(default_factory=dict)  # by synprintd, in the end
    flags: list = field(default_factory=list)  # of the verdict, likewise

    def reached(self, measured):
        """The state when so many connections were measured, or nothing."""
        return next((s for s in self.states if s["connections"] >= measured), None)

    def last(self):
        return self.states[-1] if self.states else {"grade": "none", "connections": 0}


@dataclass
class Result:
    groups: list
    measured: int
    not_measured: dict  # connections by reason
    connections: int  # that were made
    fast_opens: int  # of them, by tcpdump

    def is_seen(self):
        seen = self.measured + sum(self.not_measured.values())
        return seen * 100 >= self.connections * 97


@dataclass
class Row:
    name: str
    groups: int
    size: int  # connections of each group
    connect: Callable  # number of the group -> a client
    address: Callable  # number of the group -> the server's address
    says: str  # the bar in words
    bar: Callable
    lines: tuple = LOSSLESS
    version: int = 4
    is_proxied: bool = False
    at_once: int = 8  # groups
    prepare: Callable = None  # (network, groups), before it
    run: Callable = None  # (network, row, groups) -> how many connections ended well
    has_timestamps: bool = True


# ---- bars ----

def share(hits, of):
    return f"{hits} of {of}"


def none_is(*grades, percent=0):
    """At most so many percent of the groups are graded so, at any time in the capture or in the end
    by synprintd. Connections that nobody has seen prove nothing."""
    def bar(result):
        seen = sum(any(s["grade"] in grades for s in g.states) for g in result.groups)
        worst = max(seen, sum(g.live.get("grade") in grades for g in result.groups))
        return (f"{share(worst, len(result.groups))} {' or '.join(grades)}",
                worst * 100 <= percent * len(result.groups) and result.is_seen())
    return bar


def is_mostly(grade, percent, measured, able_percent=90):
    """Of the groups of which so much counts, at least so many percent are graded so."""
    def bar(result):
        able = [g for g in result.groups if g.reached(measured)]
        hits = min(sum(g.reached(measured)["grade"] == grade for g in able),
                   sum(g.live.get("grade") == grade for g in able))
        return (f"{share(hits, len(able))} {grade}",
                hits * 100 >= percent * len(able) and
                len(able) * 100 >= able_percent * len(result.groups))
    return bar


def is_split(result):
    figure, is_mostly_split = is_mostly("split", 90, 10)(result)
    proxies, is_no_proxy = none_is("suspected", "likely")(result)
    return f"{figure}, {proxies}", is_mostly_split and is_no_proxy


def is_quick(result):
    """One quick connection sets the evidence back, and so the connections to none."""
    quick = sum(any(s["connections"] == 0 or s["c2_ms"] < QUICK_MS for s in g.states)
                for g in result.groups)
    return (f"{share(quick, len(result.groups))} with c2 < 5 ms, "
            f"{share(result.measured, result.connections)} measured",
            quick * 100 >= 95 * len(result.groups) and
            result.measured * 100 >= 97 * result.connections)


def has_flag(result):
    """What synprintd says of the last connection, whose SYN came when the others were measured."""
    hits = sum("proxy" in g.flags for g in result.groups)
    return f"{share(hits, len(result.groups))} with the flag", hits * 100 >= 97 * len(result.groups)


def is_fast_open(result):
    """As many as carried data in their SYN are not measured, and there were some."""
    count = result.not_measured["fast_open"]
    return (f"{count} not measured, of {result.fast_opens} with data or a cookie in the SYN",
            0 < result.fast_opens == count)


# ---- how the connections are made ----

def one_of(programs):
    programs = list(programs)
    return lambda number: programs[number % len(programs)]


def always(program):
    return lambda number: program


def servers(*kinds, version=4):
    """Kinds in turn, each second time far away."""
    return lambda number: server(kinds[number % len(kinds)], number // len(kinds) % 2 == 1, version)


def run_bursts(network, row, groups):
    """60 clients at once, from one machine; a burst has whole groups."""
    def burst(some):
        script = "".join(
            f"curl -fsk -m 25 -o /dev/null {clients.url('https', row.address(0), g.port)} & "
            "pids=\"$pids $!\"\n" for g in some for _ in range(row.size))
        script += "good=0\nfor p in $pids; do wait $p && good=$((good + 1)); done\necho $good\n"
        return int(clients.output_of(["sh", "-c", script]))
    each = 60 // row.size
    return sum(sum(network.run_in(network.client,
                                  [lambda some=groups[start:start + each]: burst(some)], 1))
               for start in range(0, len(groups), each))


PORTS_PER_PAGE = 27


def run_chromium(network, row, groups):
    """Pages whose own port is a group as well, the first of each page."""
    proxy = f"socks5://{clients.inner4(50)}:{hosts.SOCKS}" if row.is_proxied else None

    def page(first, ports):
        return clients.chromium(row.address(0), groups[first].port + 1, ports, row.size, 6, proxy)
    good = 0
    for first in range(0, len(groups), PORTS_PER_PAGE + 1):
        ports = min(PORTS_PER_PAGE, len(groups) - first - 1)
        if network.run_in(network.client, [lambda: page(first, ports)], 1)[0]:
            good += (ports + 1) * row.size
    return good


def start_haproxy(network, groups):
    hosts.start_haproxy(network, 50, [(g.port, g.address) for g in groups])


def start_sshuttle(network, groups):
    hosts.start_sshuttle(network, 50)


def direct(name, groups, size, says, bar, **more):
    more.setdefault("connect", one_of(clients.DIRECT.values()))
    more.setdefault("address", servers(hosts.TLS13, hosts.TLS12))
    return Row(name, groups, size, says=says, bar=bar, **more)


def proxied(name, groups, size, program, says, bar, **more):
    more.setdefault("address", always(server(hosts.TLS13)))
    return Row(name, groups, size, connect=always(program), says=says, bar=bar, is_proxied=True,
               **more)


LIKELY5 = ("likely at 5 in >= 99 %", is_mostly("likely", 99, 5))
NO_PROXY = ("never proxy", none_is("likely"))


def direct_rows():
    no_suspect = ("suspected in 0", none_is("suspected", "likely"))
    few_likely = ("likely at 5 in <= 1 %", none_is("likely", percent=1))
    return [
        direct("direct TLS, IPv4", 1100, 3, *no_suspect),
        direct("direct TLS, IPv6", 236, 3, *no_suspect, version=6,
               address=servers(hosts.TLS13, hosts.TLS12, version=6)),
        direct("direct TLS, 1 % loss", 200, 3, *no_suspect, lines=LOSSY),
        direct("direct Chromium", 168, 3, *no_suspect, run=run_chromium,
               address=always(server(hosts.TLS13))),
        direct("busy machine, 60 at once", 108, 5, *few_likely, run=run_bursts,
               address=always(server(hosts.TLS13))),
        direct("busy machine, 60 at once", 102, 10, "likely at 10 in 0", none_is("likely"),
               run=run_bursts, address=always(server(hosts.TLS13))),
        direct("direct, no timestamps", 100, 5, "likely at 5 in 0", none_is("likely"),
               has_timestamps=False),
        # c2 is partly a time of arrival, because of delayed ACKs: jitter of 5 ms and more is in it.
        direct("direct, 16 kB of certificates", 60, 3, "measured, c2 < 5 ms at 3", is_quick,
               connect=always(clients.python()), address=servers(hosts.LONG), lines=CALM),
        direct("direct, HelloRetryRequest", 60, 3, *no_suspect,
               connect=one_of([clients.curl(), clients.openssl(), clients.python()]),
               address=servers(hosts.RETRY)),
        direct("direct, resumption", 60, 3, *no_suspect,
               connect=lambda number: clients.resuming_openssl() if number % 2 else
               clients.python(session=[None])),
        direct("direct, Fast Open", 30, 4, "each SYN with data not measured", is_fast_open,
               connect=always(clients.curl("--tcp-fastopen")),
               address=always(server(hosts.TLS13))),
        direct("direct SMTP", 30, 5, *NO_PROXY, connect=always(clients.mail()),
               address=servers(hosts.MAIL)),
        direct("direct HTTP", 30, 5, *NO_PROXY, connect=always(clients.curl(scheme="http")),
               address=servers(hosts.WEB)),
    ]


def proxy_rows():
    rows = []
    for proxy in PROXIES:
        for rtt_ms in (20, 50, 100):
            rows.append(proxied(f"{proxy}, inner {rtt_ms} ms", 36, 5,
                                clients.through(proxy, rtt_ms), *LIKELY5))
            rows.append(proxied(f"{proxy}, inner {rtt_ms} ms, 1 % loss", 36, 8,
                                clients.through(proxy, rtt_ms, True), *LIKELY5,
                                lines=LOSSY))
        for rtt_ms in (2, 5, 10):
            rows.append(proxied(f"{proxy}, inner {rtt_ms} ms", 20, 3,
                                clients.through(proxy, rtt_ms), "never likely at 3",
                                none_is("likely")))
    return rows


def other_rows():
    delayed = ("likely at 10 in >= 95 %", is_mostly("likely", 95, 10))
    rows = [proxied("SOCKS over IPv6, inner 50 ms", 36, 5, clients.through("SOCKS", 50), *LIKELY5,
                    version=6, address=servers(hosts.TLS13, version=6)),
            proxied("SOCKS, inner 50 ms, the next one", 36, 6, clients.through("SOCKS", 50),
                    "flag proxy in >= 97 %", has_flag)]
    # Six at once, which agree, are worth three and a half; those that do not are one.
    rows.append(proxied("Chromium through SOCKS, inner 50 ms", 42, 6, None,
                        "likely at 3 in >= 99 %", is_mostly("likely", 99, 3, 60),
                        run=run_chromium))
    for rtt_ms in (20, 50):
        rows.append(proxied(f"delayed ACKs, inner {rtt_ms} ms", 40, 10,
                            clients.through("delayed ACK", rtt_ms), *delayed))
    for proxy in PROXIES:
        rows.append(proxied(f"{proxy}, no timestamps, inner 50 ms", 36, 5,
                            clients.through(proxy, 50), *LIKELY5, has_timestamps=False))
    rows += [
        proxied("haproxy tcp, inner 50 ms", 20, 10,
                lambda address, port: clients.curl()(clients.inner4(50), port),
                "split, never proxy", is_split, prepare=start_haproxy),
        proxied("SMTP through SOCKS", 20, 5, clients.mail_through(50), *NO_PROXY,
                address=servers(hosts.MAIL)),
        proxied("HTTP through tinyproxy", 20, 5, clients.through("HTTP", 50), *NO_PROXY,
                address=servers(hosts.WEB)),
        proxied("sshuttle, inner 50 ms", 12, 10, clients.curl(), *NO_PROXY,
                address=always(server(hosts.SHUTTLE)), prepare=start_sshuttle),
    ]
    return rows


def all_rows():
    return direct_rows() + proxy_rows() + other_rows()
