# SPDX-License-Identifier: GPL-2.0-or-later
"""The ground of check-clocks. Clients sit in one namespace and proxies in another; each group of
connections has a port of its own at the server, and the port decides from which address it comes.

    client --- inner wire --- proxy
       |                        |
       +------ outer wires -----+--- gateway --- far wire --- server

A wire is wire.c: this way the lab is the same on a kernel without netem. The second byte of a
client's address says which line it has, and so does the last byte of a proxy's."""
import ipaddress
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[0] / "netns"), str(HERE.parents[0] / "vpnlab")]

import lab  # noqa: E402  that of tests/netns
from ground import Process  # noqa: E402  that of tests/vpnlab

# Round trip (ms), mean of the jitter of each direction (ms), loss (%), and whether it is radio.
OUTER = [(5, 0.3, 0), (20, 2, 0), (50, 5, 0), (80, 1, 0), (120, 10, 0), (60, 10, 0, "mobile"),
         (5, 0.3, 1), (40, 2, 1), (120, 5, 1)]
LOSSLESS, LOSSY, CALM = (0, 1, 2, 3, 4, 5), (6, 7, 8), (0, 1, 3)
INNER = [2, 5, 10, 20, 50, 100]  # without loss; the same with 1 % follow
FAR = (30, 1, 0)
SERVER_NET4, FAR_NET4 = "203.0.113.0/24", "203.0.113.128/25"
SERVER_NET6, FAR_NET6 = "2001:db8:2::/64", "2001:db8:2::8000/113"
FIRST_PORT, LAST_PORT = 20000, 51999


def line(prefix, rtt, jitter, loss, mobile=""):
    return f"{prefix}:{rtt}:{jitter}:{loss}" + (f":{mobile}" if mobile else "")


def inner_host(rtt_ms, has_loss=False):
    """The last byte of the proxy's address that is so far away from the client."""
    return 10 + INNER.index(rtt_ms) + (100 if has_loss else 0)


def inner4(rtt_ms, has_loss=False):
    return f"10.99.0.{inner_host(rtt_ms, has_loss)}"


class Wire(Process):
    """The wire between two namespaces; says at its end how exact it was."""

    def __init__(self, network, name, left, right, lines):
        super().__init__(network, name, network.gateway,
                         [network.dir / "wire", left[0], left[1], right[0], right[1], *lines])
        self.wait_for("ready")
        for namespace, device in (left, right):
            network.ip(namespace, f"link set {device} txqueuelen 10000 up")

    def precision(self):
        """Packets, and how late it was with 99 of 100 (us)."""
        packets, late_us = re.search(r"(\d+) packets.* (\d+) us \(99 %\)", self.log()).groups()
        return int(packets), int(late_us)


class Network(lab.Lab):
    """All namespaces and wires, with synprintd in the gateway and a capture of what it forwards."""

    def __init__(self):
        super().__init__()
        name = f"cl-{os.getpid()}"
        self.client, self.proxy, self.gateway, self.server = (
            f"{name}-{end}" for end in ("c", "p", "g", "s"))
        self.next_port = FIRST_PORT
        self.wires = []
        self.synprintd = None

    def build(self):
        for namespace in (self.client, self.proxy, self.gateway, self.server):
            self.add_namespace(namespace)
            self.sysctl(namespace, {"net/ipv4/conf/all/rp_filter": 0,
                                    "net/ipv4/conf/default/rp_filter": 0,
                                    "net/ipv4/tcp_fastopen": 3,
                                    "net/ipv4/tcp_no_metrics_save": 1})
        lab.sh(os.environ.get("CC", "cc"), "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-o",
               str(self.dir / "wire"), str(HERE / "wire.c"), "-lm")
        self.add_wires()
        self.add_routes()
        for namespace in (self.client, self.proxy):
            self.nft(SOURCE_RULES, namespace=namespace)

    def add_wires(self):
        outer = [line(f"{prefix.format(n)}", *profile) for n, profile in enumerate(OUTER)
                 for prefix in ("10.{}.0.0/16", "2001:db8:c:{}::/64")]
        inner = [line(f"{inner4(rtt, bool(loss))}/32", rtt, rtt / 50, loss)
                 for rtt in INNER for loss in (0, 1)]
        far = [line(prefix, *FAR) for prefix in (FAR_NET4, FAR_NET6)]
        for name, left, right, lines in (("outer-c", self.client, self.gateway, outer),
                                         ("outer-p", self.proxy, self.gateway, outer),
                                         ("inner", self.client, self.proxy, inner),
                                         ("far", self.server, self.gateway, far)):
            self.wires.append(self.adopt(
                Wire(self, name, (left, name), (right, name), lines)))

    def add_routes(self):
        """A client's address is 10.LINE.x.y, a proxy's 10.LINE.128.0 or above."""
        self.add_addresses(self.client, "inner", "10.99.0.1/24")
        self.add_addresses(self.proxy, "inner", *(f"{inner4(rtt, loss)}/24" for rtt in INNER
                                                  for loss in (False, True)))
        for namespace, device in ((self.client, "outer-c"), (self.proxy, "outer-p")):
            self.add_addresses(namespace, device, "192.0.2.1/32", "2001:db8:1::1/128 nodad")
            self.ip(namespace, f"route add {SERVER_NET4} dev {device} src 192.0.2.1\n"
                               f"route add {SERVER_NET6} dev {device} src 2001:db8:1::1")
        self.add_addresses(self.gateway, "far", "203.0.113.1/32", "2001:db8:2::1/128")
        self.ip(self.server, "route add 10.0.0.0/8 dev far\n"
                             "route add 2001:db8:c::/48 dev far")
        self.ip(self.gateway, f"route add {SERVER_NET4} dev far\n"
                              f"route add {SERVER_NET6} dev far")
        for n in range(len(OUTER)):
            self.ip(self.gateway, f"""route add 10.{n}.0.0/17 dev outer-c
                route add 10.{n}.128.0/17 dev outer-p
                route add 2001:db8:c:{n}::/65 dev outer-c
                route add 2001:db8:c:{n}:8000::/65 dev outer-p""")

    def add_groups(self, count, lines, is_proxied=False, version=4):
        """Ports for so many groups, one after the other on each of the lines, as (port, address).
        What goes to the port has the address as its source."""
        groups = []
        for number in range(count):
            port, self.next_port = self.next_port, self.next_port + 1
            assert port <= LAST_PORT
            offset, which = port - FIRST_PORT, lines[number % len(lines)]
            high = (offset >> 8) + 1 + (128 if is_proxied else 0)
            address = f"10.{which}.{high}.{offset & 255}" if version == 4 else \
                str(ipaddress.ip_address(
                    f"2001:db8:c:{which}:{'8000' if is_proxied else '0'}::{port:x}"))
            groups.append((port, address))
        where = self.proxy if is_proxied else self.client
        for start in range(0, count, 1000):
            elements = ", ".join(f"{port} : {address}" for port, address in groups[start:start + 1000])
            self.nft(f"add element inet lab sources{version} {{ {elements} }}", namespace=where)
        return groups

    def run_in(self, namespace, jobs, at_once):
        """Runs functions in threads of the namespace, so many at once; returns their results."""
        def enter():
            lab.set_namespace(f"/run/netns/{namespace}")
        with ThreadPoolExecutor(at_once, initializer=enter) as pool:
            return [future.result() for future in [pool.submit(job) for job in jobs]]

    def start_capture(self, device, path):
        """What the gateway sees of clients on one of the wires to them."""
        recorder = self.adopt(Process(
            self, f"tcpdump-{path.stem}", self.gateway,
            ["tcpdump", "-i", device, "-s", "128", "-B", "16384", "--immediate-mode", "-n", "-Z",
             "root", "-w", path, "tcp"]))
        recorder.wait_for("listening on")
        return recorder

    def stop_capture(self, recorder):
        """Returns how many packets the capture missed."""
        recorder.close()
        return int(re.search(r"(\d+) packets? dropped by kernel", recorder.log())[1])

    def start_daemon(self):
        """It measures every connection: clocks.limit is beyond what the lab opens."""
        config = self.write_config(rules="conntrack = true;",
                                   clocks="enabled = true; limit = 2000; clients = 65536;")
        self.synprintd = self.daemon(config).start()


SOURCE_RULES = f"""table inet lab {{
    map sources4 {{ type inet_service : ipv4_addr; }}
    map sources6 {{ type inet_service : ipv6_addr; }}
    chain out {{
        type nat hook postrouting priority srcnat;
        ip daddr {SERVER_NET4} snat ip to tcp dport map @sources4
        ip6 daddr {SERVER_NET6} snat ip6 to tcp dport map @sources6
    }}
}}
"""


def run_quiet(command, seconds=30, stdin=None):
    """Whether a client's program ended well."""
    try:
        return subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, input=stdin, timeout=seconds,
                              stdin=None if stdin else subprocess.DEVNULL).returncode == 0
    except subprocess.TimeoutExpired:
        return False
