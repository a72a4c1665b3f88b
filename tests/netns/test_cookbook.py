#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of conf/examples/cookbook.md that need no boot, run as they are printed, on a gateway
whose /etc, /run and /var are its own."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import cookbook
import lab
import test_clocks
import test_engine_none
import test_readme
import traffic

VPN4, VPN6 = lab.source4(7), lab.source6(7)  # clients whose way has an MTU of 1420, as WireGuard's
CONFIG = Path("/etc/synprint/synprint.conf")
OWN = """mount --make-rprivate /
mount -t tmpfs none /run
cp -a /etc /run/etc
mkdir -p /run/etc/synprint /run/etc/nftables.d /run/etc/conntrackd /run/var/lib/synprint /run/var/log /run/synprint /run/lock
cp "$1"/*.db /run/etc/synprint
mount --bind /run/etc /etc
mount --bind /run/var /var
echo there
exec sleep infinity"""


class Process:
    """One with a session of its own, which ends as a whole."""

    def __init__(self, process):
        self.process = process

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


# What a gateway has anyway: a rule that looks at connections.
FIREWALL = """table inet filter { chain forward { type filter hook forward priority filter; policy accept;
    ct state established,related accept; }; }"""


class Gateway:
    """A namespace as a machine of its own, with its administrator's shell and synprintd."""

    def __init__(self, lab_, namespace):
        self.lab, self.namespace = lab_, namespace
        self.holder = subprocess.Popen(
            ["ip", "netns", "exec", namespace, "unshare", "--mount", "sh", "-ec", OWN, "sh", lab.CONF],
            stdout=subprocess.PIPE, text=True)
        lab_.adopt(self)
        assert self.holder.stdout.readline() == "there\n", "the gateway's own file system"
        lab_.nft(FIREWALL, namespace)
        # Its root too: in a chroot, the mount namespace alone leads out of it.
        self.enter = ("nsenter", f"--target={self.holder.pid}", "--mount", "--root", "--wd")

    def close(self):
        self.holder.kill()
        self.holder.wait()

    def run(self, text, check=True):
        """Commands as the administrator's shell runs them."""
        path = f"PATH={lab.BUILD}:{os.environ['PATH']}"
        done = lab.sh(*self.enter, "env", "-C", "/", path, "bash", "-ec", text, namespace=self.namespace,
                      check=False)
        assert done.returncode == 0 or not check, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def begin(self, text):
        """Commands that go on until somebody ends them; their output is a pipe."""
        return self.lab.adopt(Process(subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *self.enter, "env", "-C", "/",
             f"PATH={lab.BUILD}:{os.environ['PATH']}", "bash", "-ec", text],
            stdout=subprocess.PIPE, text=True, start_new_session=True)))

    def write(self, path, text):
        self.path(path).write_text(text)

    def path(self, path):
        return Path(f"/proc/{self.holder.pid}/root{path}")

    def start(self):
        daemon = self.lab.daemon(CONFIG, self.namespace)
        daemon.socket = str(self.path("/run/synprint/control.sock"))
        return daemon.start(wrapper=self.enter)


def name_links(lab_):
    """The names of the cookbook. A link that goes down to be renamed loses what is done again here."""
    for old, new, address in (("g0", "eth0", "2001:db8:1::1/64"), ("g1", "eth1", "2001:db8:2::1/64")):
        lab_.ip(lab_.gateway, f"""link set {old} down
            link set {old} name {new}
            link set {new} up
            addr add {address} dev {new}""")
    lab_.ip(lab_.gateway, f"""route add {lab.SOURCES4} via 198.51.100.2
        route add {lab.SOURCES6} via 2001:db8:1::2""")


def add_vpn_clients(lab_):
    for address, via, mss in ((VPN4, "198.51.100.1", 1380), (VPN6, "2001:db8:1::1", 1360)):
        version = "-6" if ":" in address else "-4"
        lab.sh("ip", version, "route", "add", "default", "via", via, "advmss", str(mss), "table", "7",
               namespace=lab_.client)
        lab.sh("ip", version, "rule", "add", "from", address, "table", "7", namespace=lab_.client)


def cook(lab_, title):
    """What the recipe prints, done, and synprintd started with it."""
    name_links(lab_)
    add_vpn_clients(lab_)
    lab_.adopt(traffic.Server(lab_.server))
    gateway = Gateway(lab_, lab_.gateway)
    daemons = []

    def run(text):
        if not daemons:
            daemons.append(gateway.start())
        return gateway.run(text)
    outputs = cookbook.follow(title, gateway.write, run)
    daemon = daemons[0] if daemons else gateway.start()
    assert "warning" not in daemon.log() and "error" not in daemon.log(), daemon.log()
    return gateway, daemon, outputs


def scan(namespace, target, *arguments):
    """A port scan; True where a port was found open."""
    version = ["-6"] if ":" in target else []
    out = lab.sh("nmap", *version, "-sS", "-Pn", "-n", "-p", str(lab.PORT), "--max-retries", "0",
                 "--host-timeout", "30s", *arguments, target, namespace=namespace).stdout
    return f"{lab.PORT}/tcp open" in out


def connects(lab_, source, seconds=20, port=lab.PORT):
    """The server's greeting, or nothing."""
    target = lab.SERVER6 if ":" in source else lab.SERVER4
    with lab.inside(lab_.client):
        conn = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_STREAM)
    with conn, contextlib.suppress(OSError):
        conn.settimeout(seconds)
        conn.bind((source, 0))
        conn.connect((target, port))
        return conn.recv(64)
    return b""


def wan_first(lab_):
    """What scans from within is nobody's business."""
    _, daemon, _ = cook(lab_, "First of all: which interface is the Internet")
    lab_.adopt(traffic.Server(lab_.client))
    assert scan(lab_.server, lab.CLIENT4), "from within"
    assert scan(lab_.client, lab.SERVER4), "from outside"
    lab.wait_until(lambda: daemon.verdict(lab.CLIENT4)["found"], "who scans from outside is known")
    assert "scanner" in daemon.verdict(lab.CLIENT4)["flags"]
    assert not daemon.verdict(lab.SERVER4)["found"]
    assert lab.CLIENT4 in lab_.elements("scanner4") and lab.SERVER4 not in lab_.elements("scanner4")


def only_watch(lab_):
    name_links(lab_)
    lab_.adopt(traffic.Server(lab_.server))
    gateway = Gateway(lab_, lab_.gateway)
    blocks = cookbook.recipes()["Only watch, change nothing"]
    gateway.write(*blocks[0])
    gateway.start()
    lab_.adopt(traffic.Load(lab_.client, 20))
    watch = gateway.begin(blocks[1][1])
    while not re.search(r"^\S+ +198\.18\.0\.\d+ +Linux", line := watch.process.stdout.readline()):
        assert line, "watch goes on"
    listed = gateway.run(blocks[2][1])
    assert re.search(r"^\S+ \S+ +198\.18\.0\.\d+ +Linux", listed, re.M), listed
    sets = [item["set"]["name"] for item in lab_.nft_json("list", "sets") if "set" in item]
    assert set(sets) == {"answering", "waiting"}, sets


def drop_scanners(lab_):
    gateway, _, _ = cook(lab_, "Drop scanners on their first SYN, without a list of addresses")
    for client, server in ((lab.CLIENT4, lab.SERVER4), (lab.CLIENT6, lab.SERVER6)):
        assert not scan(lab_.client, server), "the very first SYN is dropped"
        assert connects(lab_, client) == traffic.GREETING, "the scanner's own connections are not"
    dropped = gateway.run("nft list chain inet site scanners")
    assert re.search(r"counter packets 2 ", dropped), dropped


def never_these(lab_):
    _, daemon, _ = cook(lab_, "Never these")
    ours, partner, other = lab.source4(1), lab.source4(300), lab.source4(600)
    for source in (ours, partner, other):
        assert scan(lab_.client, lab.SERVER4, "-S", source, "-e", "c0"), source
        lab.wait_until(lambda who=source: daemon.verdict(who)["found"], "each is known")
        assert "scanner" in daemon.verdict(source)["flags"]
    lab.wait_until(lambda: set(lab_.elements("scanner4")) == {partner, other}, "all but ours")
    assert set(lab_.elements("strangers4")) == {other}, "nor the partner"


def another_way(lab_):
    honeypot = lab_.client.removesuffix("c") + "h"
    lab_.add_namespace(honeypot)
    lab_.add_link(honeypot, "h0", lab_.gateway, "eth2")
    lab_.add_addresses(lab_.gateway, "eth2", "192.0.2.1/24", "2001:db8:3::1/64")
    lab_.add_addresses(honeypot, "h0", "192.0.2.2/24", "2001:db8:3::2/64")
    lab_.add_addresses(honeypot, "lo", f"{lab.SERVER4}/32", f"{lab.SERVER6}/128")
    lab_.ip(honeypot, """route add default via 192.0.2.1
        route add default via 2001:db8:3::1""")
    echo(lab_, honeypot)
    cook(lab_, "Send suspects another way")
    for suspect, visitor in ((VPN4, lab.source4(1)), (VPN6, lab.source6(1))):
        assert connects(lab_, visitor) == traffic.GREETING, "who is no suspect reaches the server"
        with lab.inside(lab_.client):
            conn = socket.socket(socket.AF_INET6 if ":" in suspect else socket.AF_INET)
        with conn:
            conn.settimeout(10)
            conn.bind((suspect, 0))
            conn.connect((lab.SERVER6 if ":" in suspect else lab.SERVER4, lab.PORT))
            speak(conn)  # each packet of the connection gets there, not only its SYN


def limits(lab_):
    cook(lab_, "A limit for each VPN client")
    lab.sh("ip", "rule", "add", "from", lab.source4(8), "table", "7", namespace=lab_.client)
    for source in (VPN4, VPN6):
        for _ in range(5):
            assert connects(lab_, source) == traffic.GREETING, "what the bucket holds"
        assert any(not connects(lab_, source, 0.5) for _ in range(30)), "then it is empty"
    assert connects(lab_, lab.source4(8)) == traffic.GREETING, "another VPN client has a bucket of its own"
    assert [connects(lab_, lab.source4(1)) for _ in range(10)] == 10 * [traffic.GREETING], "who uses no VPN"


def proxies(lab_):
    title = "Proxies by their clocks: slower, and never refused"
    gateway, daemon, _ = cook(lab_, title)
    port = lab.PORT + 1
    test_clocks.Server(lab_, port=port)
    test_clocks.be_measured(lab_, daemon, 3, test_clocks.PROXY_MS, port=port)
    test_clocks.talk(lab_, 1, test_clocks.PROXY_MS, port=port)
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("proxy4"), "the next connection fills the set")
    listing = cookbook.recipes()[title][-1][1]
    lab.wait_until(lambda: lab.CLIENT4 in gateway.run(listing), "and is listed")
    assert any(not connects(lab_, lab.CLIENT4, 0.5) for _ in range(40)), "then it is slower"
    assert [connects(lab_, lab.source4(1)) for _ in range(20)] == 20 * [traffic.GREETING], "and others are not"


def log_lines(lab_):
    name_links(lab_)
    lab_.adopt(traffic.Server(lab_.server))
    gateway = Gateway(lab_, lab_.gateway)
    blocks = cookbook.recipes()["A line in the log for each scan"]
    for path, text in blocks[:2]:
        gateway.write(path, text)
    daemon = gateway.start()
    gateway.run(blocks[2][1])
    dump = gateway.begin("tcpdump -l -n -c 1 -i nflog:20 2>&1").process
    assert any("listening on" in line for line in iter(dump.stdout.readline, "")), "tcpdump listens"
    gateway.begin(blocks[3][1])
    lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "watch subscribes")
    assert scan(lab_.client, lab.SERVER4)
    logged = dump.stdout.readline()
    assert re.search(rf"IP {re.escape(lab.CLIENT4)}\.\d+ > .*Flags \[S\]", logged), logged
    said = gateway.path("/var/log/scanners.json")
    lab.wait_until(lambda: said.read_text().endswith("\n"), "watch has written")
    events = [json.loads(line) for line in said.read_text().splitlines()]
    assert [event["ip"] for event in events if "ip" in event] == [lab.CLIENT4], events


def readme_iptables(lab_):
    """What README prints for iptables: rules of the administrator's own, and ipsets."""
    if not test_engine_none.has_variant(lab_, ""):
        raise lab.Skip("this kernel does not take iptables' NFQUEUE in table raw")
    name_links(lab_)
    lab_.adopt(traffic.Server(lab_.server))
    gateway = Gateway(lab_, lab_.gateway)
    config, commands = test_readme.example('rules: { engine = "none"; };').split("\n\n", 1)
    gateway.write(CONFIG, config)
    gateway.run(commands)
    daemon = gateway.start()
    lab.wait_until(lambda: daemon.status()["rules"]["diverting"], "the switch is on")
    for client, server in ((lab.CLIENT4, lab.SERVER4), (lab.CLIENT6, lab.SERVER6)):
        lab.wait_until(lambda to=server: scan(lab_.client, to), "nmap sees the port")
    lab.wait_until(lambda: lab.CLIENT4 in gateway.run("ipset list scanner4"), "the scanner is in the ipset")
    lab.wait_until(lambda: lab.CLIENT6 in gateway.run("ipset list scanner6"), "over IPv6 as well")
    assert connects(lab_, lab.CLIENT4) == traffic.GREETING  # its first SYN may have gone on before the commit
    assert re.search(r"^ +[1-9].* LOG .*match-set scanner4", gateway.run("iptables -vnL FORWARD"), re.M)


SECOND = "The mark of a connection on a second gateway"


def tables_of_both(lab_, gateways):
    """Connections with the suspects' mark, as each gateway has them."""
    return [len(re.findall(r"dport=8080 .*ASSURED.* mark=65536 ", gateway.run("conntrack -L 2>/dev/null")))
            for gateway in gateways]


def second_gateway(lab_):
    """The connection of a suspect, which begins at the first gateway and goes on at the second."""
    if not shutil.which("conntrackd"):
        raise lab.Skip("conntrackd is not installed")
    name_links(lab_)
    add_vpn_clients(lab_)
    second = lab_.client.removesuffix("c") + "t"
    lab_.add_namespace(second)
    lab_.add_link(lab_.client, "c1", second, "eth0")
    lab_.add_link(lab_.server, "s1", second, "eth1")
    lab_.add_link(lab_.gateway, "eth2", second, "eth2")
    for namespace, link, address in ((lab_.client, "c1", "10.1.0.2/24"), (second, "eth0", "10.1.0.1/24"),
                                     (lab_.server, "s1", "10.2.0.2/24"), (second, "eth1", "10.2.0.1/24"),
                                     (lab_.gateway, "eth2", "192.0.2.1/24"), (second, "eth2", "192.0.2.2/24")):
        lab_.add_addresses(namespace, link, address)
    lab_.ip(second, f"""route add {lab.SOURCES4} via 10.1.0.2
        route add 203.0.113.0/24 via 10.2.0.2""")
    echo(lab_, lab_.server)
    gateways = [Gateway(lab_, lab_.gateway), Gateway(lab_, second)]
    blocks = cookbook.recipes()[SECOND]
    for at, gateway in enumerate(gateways):
        for path, text in blocks:
            if path:
                gateway.write(path, text)
        if at:
            gateway.run(blocks[-2][1])
        gateway.start()
        gateway.run(blocks[-1][1])
        lab_.adopt(Command(gateway, "conntrackd -k"))
    lab.wait_until(lambda: all("connections" in gateway.run("conntrackd -s") for gateway in gateways), "both run")
    with lab.inside(lab_.client):
        conn = socket.socket(socket.AF_INET)
    with conn:
        conn.settimeout(10)
        conn.bind((VPN4, 0))
        conn.connect((lab.SERVER4, lab.PORT))
        speak(conn)
        lab.wait_until(lambda: tables_of_both(lab_, gateways) == [1, 1], "the second gateway knows the connection")
        lab_.ip(lab_.client, "route replace default via 10.1.0.1 advmss 1380 table 7")
        lab_.ip(lab_.server, "route replace default via 10.2.0.1")
        before = gateways[0].run("nft list chain inet site suspects")
        speak(conn)
    assert before == gateways[0].run("nft list chain inet site suspects"), "the first gateway sees no more of it"
    assert not re.search(r"counter packets 0 .* meta mark set", gateways[1].run("nft list chain inet site suspects"))


def echo(lab_, namespace):
    """A server that gives back what it gets."""
    with lab.inside(namespace):
        lab_.adopt(Process(subprocess.Popen(["socat", f"TCP6-LISTEN:{lab.PORT},ipv6only=0,fork,reuseaddr",
                                             "SYSTEM:cat"], stderr=subprocess.DEVNULL, start_new_session=True)))
    lab.wait_until(lambda: f":{lab.PORT} " in lab.sh("ss", "-Hltn", namespace=namespace).stdout, "it listens")


def speak(conn):
    """Several packets there and back."""
    for number in range(20):
        conn.sendall(b"%d" % number * 1000)
        got = b""
        while len(got) < len(b"%d" % number) * 1000:
            got += conn.recv(4096)
    assert got == b"19" * 1000, "everything comes back"


class Command:
    """What is run at the end."""

    def __init__(self, gateway, text):
        self.gateway, self.text = gateway, text

    def close(self):
        self.gateway.run(self.text, check=False)


if __name__ == "__main__":
    lab.run(wan_first, only_watch, drop_scanners, never_these, another_way, limits, proxies, log_lines,
            readme_iptables, second_gateway)
