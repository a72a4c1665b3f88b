# SPDX-License-Identifier: GPL-2.0-or-later
"""The ground that setups are built on: internet, gateway with synprintd, and server stay for the
whole run; client, router and exit are made anew for each setup, which has addresses of its own.

    client -- router -- internet -- gateway -- server
                            |          |
                            +-- exit --+

Without a tunnel, SYNs take the upper way. A tunnel or proxy runs from client or router to exit, and
its SYNs reach the gateway from there. Router and exit hide their clients (masquerade) behind their
own address on one of the two ports, so every SYN is seen with NAT and without."""
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess

import lab
import traffic

PORT, PORT_NAT = 8080, 8081
RMEM_USUAL = "4096 131072 6291456"  # net/ipv4/tcp.c, tcp_init()
# A default of 200000 or more: half of it is more than the 65535 that a SYN can say, and the
# kernel cuts after it has rounded down to a multiple of the MSS.
RMEM_LARGE = "4096 262144 6291456"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent():
    lab.LIBC.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))


class Process:
    """Somebody else's daemon in a namespace; everything that it prints goes into its log."""

    def __init__(self, path, name, namespace, command, env=None, stdin=None):
        self.name = name
        self.log_path = path.dir / f"{name}.log"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *map(str, command)], stdout=log, stderr=log,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                env=os.environ | (env or {}), preexec_fn=die_with_parent, start_new_session=True)
        if stdin:
            self.process.stdin.write(stdin.encode())
            self.process.stdin.close()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def has_logged(self, text):
        """Whether it has; a daemon that has ended will not."""
        if text in self.log():
            return True
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}: "
                                 f"{' / '.join(self.log().splitlines()[-3:])}")
        return False

    def wait_for(self, text, seconds=20):
        try:
            lab.wait_until(lambda: self.has_logged(text), f"{self.name} logs '{text}'", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {' / '.join(self.log().splitlines()[-3:])}") from error

    def close(self):
        """SIGTERM first: programs such as sshuttle undo what they did to their namespace."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=2)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Ground(lab.Lab):
    """What all setups share."""

    def __init__(self):
        super().__init__()
        self.prefix = f"vl-{os.getpid()}"
        self.internet, self.gateway, self.server = (f"{self.prefix}-{end}" for end in "igs")

    def build(self):
        for namespace in (self.internet, self.gateway, self.server):
            self.add_namespace(namespace)
        self.add_link(self.internet, "gateway", self.gateway, "internet")
        self.add_link(self.server, "gateway", self.gateway, "server")
        self.add_addresses(self.internet, "gateway", "192.0.2.2/24", "2001:db8:1::2/64")
        self.add_addresses(self.gateway, "internet", "192.0.2.1/24", "2001:db8:1::1/64")
        self.add_addresses(self.gateway, "server", "203.0.113.1/24", "2001:db8:2::1/64")
        self.add_addresses(self.server, "gateway", f"{lab.SERVER4}/24", f"{lab.SERVER6}/64")
        self.ip(self.server, "route add default via 203.0.113.1\n"
                             "route add default via 2001:db8:2::1")
        self.ip(self.internet, "route add 203.0.113.0/24 via 192.0.2.1\n"
                               "route add 2001:db8:2::/64 via 2001:db8:1::1")
        # Clients and routers; a setup's exit has routes of its own.
        self.ip(self.gateway, "route add 198.18.0.0/15 via 192.0.2.2\n"
                              "route add 2001:db8:c::/48 via 2001:db8:1::2\n"
                              "route add 2001:db8:a::/48 via 2001:db8:1::2")
        for port in (PORT, PORT_NAT):
            self.adopt(traffic.Server(self.server, port))
        # Each client's subnet is a network of its own, and no setup is another one's neighbour.
        config = self.write_config(baseline="ipv4_prefix = 24; ipv6_prefix = 64;",
                                   rules="conntrack = true;")
        self.synprintd = self.daemon(config).start()

    def explain(self, address, port):
        """The newest connection of an address, with everything that is known of it."""
        def ask():
            reply = self.synprintd.request({"op": "explain", "ip": address})
            is_it = reply.get("found") and reply["confirmed"] and not reply["newer_differs"]
            return reply if is_it and reply["syn"]["dst_port"] == port else None
        return lab.wait_until(ask, f"synprintd has seen {address} come to port {port}", 5)


class Path:
    """One setup's client, router and exit."""

    def __init__(self, ground, number):
        self.ground, self.number = ground, number
        self.client, self.router, self.exit = (f"{ground.prefix}-{number}{end}" for end in "cre")
        self.namespaces, self.processes = [], []
        self.sender = self.client  # whose kernel makes the SYN
        self.is_inside = True  # the client has an address of the tunnel
        self.tunnelled = (4, 6)  # what goes through it, where there is one
        self.connect = self.connect_directly  # one connection, given address and port
        self.dir = ground.dir / f"{number}"
        self.dir.mkdir()
        n = number
        self.client4, self.client6 = f"198.18.{n}.2", f"2001:db8:c:{n}::2"
        self.router4, self.router6 = f"198.19.{n}.2", f"2001:db8:a:{n}::2"
        self.exit4, self.exit6 = f"198.19.{100 + n}.2", f"2001:db8:a:{100 + n}::2"
        self.public4, self.public6 = f"100.64.{n}.2", f"2001:db8:e:{n}::2"
        # Inside a tunnel, where there is one.
        self.net4, self.net6 = f"10.9.{n}.0/24", f"fd09:0:0:{n}::/64"
        self.inner4, self.inner6 = f"10.9.{n}.2", f"fd09:0:0:{n}::2"
        self.inner_exit4, self.inner_exit6 = f"10.9.{n}.1", f"fd09:0:0:{n}::1"

    def build(self):
        ground, n = self.ground, self.number
        for namespace in (self.client, self.router):
            self.add_namespace(namespace)
        ground.add_link(self.client, "lan", self.router, "lan")
        ground.add_link(self.router, "wan", ground.internet, f"r{n}")
        ground.add_addresses(self.client, "lan", f"{self.client4}/24", f"{self.client6}/64")
        ground.add_addresses(self.router, "lan", f"198.18.{n}.1/24", f"2001:db8:c:{n}::1/64")
        ground.add_addresses(self.router, "wan", f"{self.router4}/24", f"{self.router6}/64")
        ground.add_addresses(ground.internet, f"r{n}", f"198.19.{n}.1/24",
                             f"2001:db8:a:{n}::1/64")
        ground.ip(self.client, f"route add default via 198.18.{n}.1\n"
                               f"route add default via 2001:db8:c:{n}::1")
        ground.ip(self.router, f"route add default via 198.19.{n}.1\n"
                               f"route add default via 2001:db8:a:{n}::1")
        ground.ip(ground.internet, f"route add 198.18.{n}.0/24 via {self.router4}\n"
                                   f"route add 2001:db8:c:{n}::/64 via {self.router6}")
        self.masquerade(self.router, "wan")

    def build_exit(self):
        """Where a tunnel ends; its other link leads to the gateway."""
        ground, n = self.ground, self.number
        self.add_namespace(self.exit)
        ground.add_link(self.exit, "wan", ground.internet, f"e{n}")
        ground.add_link(self.exit, "out", ground.gateway, f"e{n}")
        ground.add_addresses(self.exit, "wan", f"{self.exit4}/24", f"{self.exit6}/64")
        ground.add_addresses(self.exit, "out", f"{self.public4}/24", f"{self.public6}/64")
        ground.add_addresses(ground.internet, f"e{n}", f"198.19.{100 + n}.1/24",
                             f"2001:db8:a:{100 + n}::1/64")
        ground.add_addresses(ground.gateway, f"e{n}", f"100.64.{n}.1/24", f"2001:db8:e:{n}::1/64")
        ground.ip(self.exit, f"""route add default via 198.19.{100 + n}.1
            route add default via 2001:db8:a:{100 + n}::1
            route add {lab.SERVER4} via 100.64.{n}.1
            route add {lab.SERVER6} via 2001:db8:e:{n}::1""")
        ground.ip(ground.gateway, f"route add {self.net4} via {self.public4}\n"
                                  f"route add {self.net6} via {self.public6}")
        self.masquerade(self.exit, "out")

    def add_namespace(self, namespace):
        self.ground.add_namespace(namespace)
        self.ground.namespaces.remove(namespace)
        self.namespaces.append(namespace)
        self.ground.sysctl(namespace, {"net/ipv4/conf/all/rp_filter": 0,
                                       "net/ipv4/conf/default/rp_filter": 0})

    def masquerade(self, namespace, link):
        for tool in ("iptables", "ip6tables"):
            lab.sh(tool, "-w", "-t", "nat", "-A", "POSTROUTING", "-o", link, "-p", "tcp",
                   "--dport", str(PORT_NAT), "-j", "MASQUERADE", namespace=namespace)

    def clamp(self, namespace, link, *how):
        """As a router's administrator does: iptables-extensions(8), TCPMSS."""
        for tool in ("iptables", "ip6tables"):
            lab.sh(tool, "-w", "-t", "mangle", "-A", "FORWARD", "-o", link, "-p", "tcp",
                   "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", *how, namespace=namespace)

    def set_mtu(self, mtu):
        """Of the client's link, at both ends."""
        for namespace in (self.client, self.router):
            self.ground.ip(namespace, f"link set lan mtu {mtu}")

    def set_route_mtu(self, version, mtu):
        """Of the client's way to everywhere, and of one address version alone."""
        via = {4: f"198.18.{self.number}.1", 6: f"2001:db8:c:{self.number}::1"}[version]
        self.ground.ip(self.client, f"route change default via {via} mtu {mtu}")

    def spawn(self, name, namespace, *command, env=None, stdin=None):
        self.processes.append(Process(self, name, namespace, command, env, stdin))
        return self.processes[-1]

    def into_tunnel(self, namespace, link, versions=(4, 6)):
        for version, server in ((4, lab.SERVER4), (6, lab.SERVER6)):
            if version in versions:
                self.ground.ip(namespace, f"route replace {server} dev {link}")

    def behind_router(self, link):
        """The tunnel begins at the router: the client is reached through it, at the exit's link."""
        self.is_inside = False
        gateways = ((4, f"198.18.{self.number}.0/24", self.public4),
                    (6, f"2001:db8:c:{self.number}::/64", self.public6))
        for _, network, via in gateways:
            self.ground.ip(self.exit, f"route add {network} dev {link}")
            self.ground.ip(self.ground.gateway, f"route add {network} via {via}")

    def connect_directly(self, destination, port):
        traffic.connect(self.client, destination, port=port)

    def set_large_window(self, is_large):
        self.ground.sysctl(self.sender,
                           {"net/ipv4/tcp_rmem": RMEM_LARGE if is_large else RMEM_USUAL})

    def has_exit(self):
        return self.exit in self.namespaces

    def source(self, version, is_nat):
        """The address that the gateway sees."""
        is_tunnelled = self.has_exit() and version in self.tunnelled
        if self.sender == self.exit or (is_nat and is_tunnelled):
            return self.public4 if version == 4 else self.public6
        if is_nat:
            return self.router4 if version == 4 else self.router6
        if is_tunnelled and self.is_inside:
            return self.inner4 if version == 4 else self.inner6
        return self.client4 if version == 4 else self.client6

    def print_logs(self):
        for log in sorted(self.dir.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')}")

    def end_left_over(self, namespace):
        """Children that outlive their daemon, such as sshd's sessions; the namespace is ours."""
        for pid in lab.sh("ip", "netns", "pids", namespace, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def close(self):
        for process in reversed(self.processes):
            process.close()
        for namespace in self.namespaces:
            self.end_left_over(namespace)
            lab.sh("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
