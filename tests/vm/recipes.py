#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""recipes.py IMAGE PACKAGE...: the recipes of conf/examples/cookbook.md that survive boots, as they are
printed, on machines that boot. A prober outside connects all the time to a port that must stay closed."""
import contextlib
import errno
import functools
import os
import re
import select
import socket
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))
import cookbook  # noqa: E402
import lab  # noqa: E402
import traffic  # noqa: E402
from machine import Machine, Network  # noqa: E402

IMAGE, *PACKAGES = sys.argv[1:]
del sys.argv[1:]
sys.argv += os.environ.get("VM_ONLY", "").replace(",", " ").split()

CLOSED, OPEN, MAIL = 2222, lab.PORT, 25
WAN4, WAN6, LAN4, LAN6 = "198.51.100.1", "2001:db8:1::1", "203.0.113.1", "2001:db8:2::1"
VPN = {4: lab.source4(7), 6: lab.source6(7)}  # their way has an MTU of 1420, as WireGuard's
VISITOR = {4: lab.source4(9), 6: lab.source6(9)}
TRY_S = 0.25
# A listener whose port only the policy closes; and what is emulated takes its time.
UNITS = {"/etc/systemd/system/closed.socket": f"""[Socket]
ListenStream={CLOSED}
Accept=yes
[Install]
WantedBy=sockets.target
""", "/etc/systemd/system/closed@.service": """[Service]
ExecStart=/bin/echo open
StandardOutput=socket
""", "/etc/systemd/system/synprintd.service.d/emulated.conf": """[Service]
TimeoutStartSec=10min
WatchdogSec=5min
"""}


@functools.cache
def kept():
    """A folder until this process ends."""
    return tempfile.TemporaryDirectory(prefix="recipes.", dir=IMAGE)


def installed_disk(network):
    """That of a machine with synprint's packages, shut down: each recipe goes on from a copy."""
    disk = Path(kept().name, "disk")
    if not disk.exists():
        start = time.monotonic()
        machine = Machine(network, IMAGE, PACKAGES, 9)
        machine.boot()
        machine.run("mkdir -p /etc/systemd/system/synprintd.service.d /etc/nftables.d")
        for path, text in UNITS.items():
            machine.write(path, text)
        machine.run("""apt update
            apt install ./build/deb/*.deb""")
        machine.end()
        lab.sh("mv", str(machine.dir / "disk"), str(disk))
        lab.figure(f"a machine with synprint's packages: {time.monotonic() - start:.0f} s")
    return disk


class Prober(traffic.Child):
    """Tries the closed ports again and again, over IPv4 and IPv6; counts tries, and who was let in."""
    TRIES, LET_IN = 0, 1

    def __init__(self, namespace, targets):
        self.targets = sorted(targets)
        super().__init__(namespace)

    def main(self, writer):
        while True:
            for target in self.targets:
                self.set(self.LET_IN, self.get(self.LET_IN) + is_let_in(target, CLOSED))
                self.set(self.TRIES, self.get(self.TRIES) + 1)

    def expect_closed(self, what):
        before = self.get(self.TRIES)
        lab.wait_until(lambda: self.get(self.TRIES) > before + 2 * len(self.targets), "the prober goes on", 60)
        assert self.get(self.LET_IN) == 0, f"{what}: {self.get(self.LET_IN)} of {self.get(self.TRIES)} were let in"


def is_let_in(target, port, source=None, seconds=TRY_S):
    """Whether a connection comes about, from the namespace that this process is in."""
    conn = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_STREAM)
    with conn:
        conn.setblocking(False)
        if source:
            conn.bind((source, 0))
        if conn.connect_ex((target, port)) not in (0, errno.EINPROGRESS):
            time.sleep(seconds)
            return False
        if not select.select([], [conn], [], seconds)[1]:
            return False
        return conn.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


class Site:
    """One machine between client and server, and what the world sees of it."""

    def __init__(self, network, has_containers=False):
        self.network, self.has_containers = network, has_containers
        for port in (OPEN, MAIL, CLOSED):
            network.adopt(traffic.Server(network.server, port))
        for version, via, mss in ((4, WAN4, 1380), (6, WAN6, 1360)):
            flag = f"-{version}"
            lab.sh("ip", flag, "route", "add", "default", "via", via, "advmss", str(mss), "table", "7",
                   namespace=network.client)
            lab.sh("ip", flag, "rule", "add", "from", VPN[version], "table", "7", namespace=network.client)
        self.machine = Machine(network, IMAGE, PACKAGES, disk=installed_disk(network))
        self.prober = None
        # Visitors come for the server, or for what the containers of the machine itself publish.
        self.server = {4: WAN4, 6: WAN6} if has_containers else {4: lab.SERVER4, 6: lab.SERVER6}

    def install(self):
        """A gateway as somebody has it."""
        machine = self.machine
        lab.figure(f"boot: {machine.boot():.0f} s")
        machine.add_network("eth0", f"Address={WAN4}/24", f"Address={WAN6}/64", "IPForward=yes",
                            "[Route]", f"Destination={lab.SOURCES4}", "Gateway=198.51.100.2",
                            "[Route]", f"Destination={lab.SOURCES6}", "Gateway=2001:db8:1::2")
        machine.add_network("eth1", f"Address={LAN4}/24", f"Address={LAN6}/64", "IPForward=yes")
        machine.run("""echo net.ipv6.conf.all.forwarding=1 >/etc/sysctl.d/gateway.conf; sysctl -q --system
            systemctl -q enable --now systemd-networkd""" + ("" if self.has_containers else " closed.socket"))

    def follow(self, title):
        cookbook.follow(title, self.machine.write, self.machine.run)
        self.prober = self.network.adopt(Prober(self.network.client, {WAN4, WAN6, *self.server.values()}))

    def connects(self, version, source, port, seconds=60):
        """The server's greeting, or nothing."""
        with lab.inside(self.network.client):
            conn = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
        with conn, contextlib.suppress(OSError):
            conn.settimeout(seconds)
            conn.bind((source, 0))
            conn.connect((self.server[version], port))
            return conn.recv(64) == traffic.GREETING
        return False

    def scans(self, version):
        """Whether a scanner finds the server's open port."""
        out = lab.sh("nmap", f"-{version}", *(["-S", lab.source4(11), "-e", "c0"] if version == 4 else []), "-sS",
                     "-Pn", "-n", "-p", str(OPEN), "--max-retries", "2", self.server[version],
                     namespace=self.network.client).stdout
        return f"{OPEN}/tcp open" in out

    def expect_policy(self, what):
        """Visitors come through; a scanner does not, nor VPN clients to the mail server."""
        for version in (4, 6):
            where = f"{what}, IPv{version}"
            lab.wait_until(lambda: self.connects(version, VISITOR[version], MAIL, 5), f"{where}: a visitor", 300)
            lab.wait_until(lambda: not self.scans(version), f"{where}: a scanner's SYN is dropped", 120)
            assert self.connects(version, VPN[version], OPEN), f"{where}: a VPN client is no enemy"
            lab.wait_until(lambda: not self.connects(version, VPN[version], MAIL, 2),
                           f"{where}: a VPN client does not reach port {MAIL}", 60)
        self.prober.expect_closed(what)

    def expect_selftest(self):
        """Green, once a client of each kind was there."""
        lab.wait_until(lambda: "FAILED" not in self.machine.run("synprint selftest", check=False),
                       "selftest is green", 60)
        self.machine.run("synprint selftest")

    def expect_all(self, *reloads):
        self.expect_policy("as it was set up")
        self.expect_selftest()
        for reload in reloads:
            self.machine.run(reload)
            self.expect_policy(reload)
        took = self.machine.reboot()
        self.expect_policy("after a reboot")
        self.expect_selftest()
        lab.figure(f"reboot: {took:.0f} s; {self.prober.get(Prober.TRIES)} tries at closed ports, 0 let in")


def nftables(network):
    site = Site(network)
    site.install()
    site.follow("Policies that survive a boot: nftables")
    site.expect_all("nft -f /etc/nftables.conf", "systemctl restart nftables", "systemctl restart synprintd")


def iptables_persistent(network):
    site = Site(network)
    site.install()
    site.follow("Policies that survive a boot: iptables-persistent")
    site.expect_all("systemctl restart netfilter-persistent", "systemctl restart synprintd")


OTHERS = "Beside ufw, firewalld or Docker"


def ufw(network):
    site = Site(network)
    site.install()
    site.machine.run("""apt install ufw
        ufw route allow in on eth0 out on eth1 to any port 25,8080 proto tcp
        ufw --force enable""")
    site.follow(OTHERS)
    site.expect_all("ufw reload", "systemctl restart ufw", "systemctl restart site-policy")


def firewalld(network):
    site = Site(network)
    site.install()
    site.machine.run("""apt install firewalld
        firewall-cmd --permanent --zone=public --add-interface=eth0
        firewall-cmd --permanent --zone=trusted --add-interface=eth1
        firewall-cmd --permanent --new-policy inward
        firewall-cmd --permanent --policy inward --add-ingress-zone public
        firewall-cmd --permanent --policy inward --add-egress-zone trusted
        firewall-cmd --permanent --policy inward --set-target ACCEPT
        firewall-cmd --reload""")
    site.follow(OTHERS)
    site.expect_all("firewall-cmd --reload", "systemctl restart firewalld", "systemctl restart site-policy")


def docker(network):
    """The server's ports are published by containers, of an image that docker import has made."""
    site = Site(network, has_containers=True)
    site.install()
    site.machine.run("""apt install docker.io
        mkdir -p /tmp/root/bin && cp /bin/busybox /tmp/root/bin
        tar -C /tmp/root -c . | docker import - greeting
        docker run -d --restart always -p 8080:1 -p 25:1 -p 2222:1 greeting \\
            /bin/busybox nc -ll -p 1 -e /bin/busybox printf k""")
    site.follow(OTHERS)
    site.expect_all("systemctl restart docker", "systemctl restart site-policy")


MARKED = "The mark of a connection on a second gateway"
PAIR = "Two gateways, one address"


def make_pair(network):
    """Two machines on the same links, each with the files of both recipes."""
    machines = []
    for number in (1, 2):
        machine = Machine(network, IMAGE, PACKAGES, number, installed_disk(network))
        lab.figure(f"boot of machine {number}: {machine.boot():.0f} s")
        machine.add_network("eth0", f"Address=198.51.100.1{number}/24", "IPForward=yes",
                            "[Route]", f"Destination={lab.SOURCES4}", "Gateway=198.51.100.2")
        machine.add_network("eth1", f"Address=203.0.113.1{number}/24", "IPForward=yes")
        machine.add_network("eth2", f"Address=192.0.2.{number}/24")
        machine.run("systemctl -q enable --now systemd-networkd closed.socket")
        install, *rest = cookbook.recipes()[PAIR]
        machine.run(install[1])
        *files, second, _ = cookbook.recipes()[MARKED]
        for path, text in files:
            machine.write(path, text)
        if number == 2:
            machine.run(second[1])
        for path, text in rest:
            if path:
                machine.write(path, text)
            else:
                machine.run(text)
        machines.append(machine)
    return machines


def marked(machine):
    """How many connections to the server's open port have the suspects' mark."""
    return len(re.findall(rf"dport={OPEN} .*ASSURED.* mark=65536 ", machine.run("conntrack -L 2>/dev/null")))


def speak(conn):
    for number in range(10):
        text = b"%d" % number * 1000
        conn.sendall(text)
        while text:
            got = conn.recv(4096)
            assert text.startswith(got) and got, "the server gives back what it gets"
            text = text[len(got):]


def pair(network):
    """The plug of the first one is pulled, in the midst of a suspect's connection."""
    first, second = make_pair(network)
    lab.sh("ip", "route", "add", "default", "via", WAN4, "advmss", "1380", "table", "7", namespace=network.client)
    lab.sh("ip", "rule", "add", "from", VPN[4], "table", "7", namespace=network.client)
    network.adopt(traffic.Server(network.server, CLOSED))
    network.adopt(Echo(network.server, OPEN))
    prober = network.adopt(Prober(network.client, {WAN4, lab.SERVER4, "198.51.100.11", "198.51.100.12"}))
    lab.wait_until(lambda: WAN4 in first.run("ip -br addr show eth0"), "the first has the address", 120)
    with lab.inside(network.client):
        conn = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with conn:
        conn.settimeout(300)
        conn.bind((VPN[4], 0))
        conn.connect((lab.SERVER4, OPEN))
        speak(conn)
        lab.wait_until(lambda: [marked(first), marked(second)] == [1, 1], "both know of the connection's mark", 60)
        first.power_off()
        start = time.monotonic()
        speak(conn)
        lab.figure(f"the connection goes on {time.monotonic() - start:.1f} s after the plug was pulled")
    prober.expect_closed("the second gateway alone")
    listed = second.run("nft list chain inet site suspects")
    assert not re.search(r"counter packets 0 .* meta mark set", listed), listed
    first.boot()
    lab.wait_until(lambda: first.run("systemctl is-active synprintd keepalived conntrackd nftables",
                                     check=False).split() == ["active"] * 4, "the first is back", 120)
    with lab.inside(network.client):
        assert is_let_in(lab.SERVER4, OPEN, VISITOR[4], 60), "visitors come through"
    prober.expect_closed("the first is back")


class Echo(traffic.Server):
    """Gives back what it gets, one connection at a time."""

    def main(self, writer):
        listener = socket.create_server(("", self.port))
        os.write(writer, b"\n")
        while True:
            conn, _ = listener.accept()
            while text := conn.recv(4096):
                conn.sendall(text)
            conn.close()


if __name__ == "__main__":
    lab.Lab = Network
    lab.run(nftables, iptables_persistent, ufw, firewalld, docker, pair)
