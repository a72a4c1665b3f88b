# SPDX-License-Identifier: GPL-2.0-or-later
"""A fleet for scenarios: gateways in namespaces of their own, each with synprintd and synprint-share,
around a hub with the brokers. A suspect is a forged SYN of nmap's shape from the hub."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))
import lab
from lab import sh, wait_until

SHARE = str(lab.BUILD / "synprint-share")
EXAMPLES = lab.CONF / "examples/mosquitto"
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def suspect(number):
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


NMAP = 1024, struct.pack("!BBH", 2, 4, 1460)
ZMAP = 65535, b""
LINUX = 64240, bytes.fromhex("020405b40402080a000000010000000001030307")


def syn(shape, source, target, port):
    """Of nmap -sS (window 1024, an MSS and nothing else), or of an ordinary Linux."""
    window, options = shape
    tcp = struct.pack("!HHIIBBHHH", port, 80, 0x12345678, 0, (20 + len(options)) << 2, 2, window,
                      0, 0) + options
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), port, 0, 50, 6, 0) + \
        socket.inet_aton(source) + socket.inet_aton(target)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


class Process:
    def __init__(self, command, namespace, log):
        self.log_path = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(["ip", "netns", "exec", namespace, *command],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=20)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def memory_kib(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Broker(Process):
    """In the hub, or on a gateway."""

    def __init__(self, fleet, number, has_tls, gateway=None, more=""):
        self.fleet, self.number, self.has_tls = fleet, number, has_tls
        self.namespace = gateway.namespace if gateway else fleet.hub
        self.address = gateway.address if gateway else f"10.77.0.{number}"
        self.port = 8883 if has_tls else 1883
        self.store = fleet.dir / f"store{number}"
        self.store.mkdir(exist_ok=True)
        self.config = fleet.dir / f"broker{number}.conf"
        text = (EXAMPLES / "synprint.conf").read_text()
        if has_tls:
            for name in ("ca.crt", "server.crt", "server.key"):
                text = text.replace(f"/etc/mosquitto/certs/{name}", str(fleet.dir / name))
            text = text.replace("/etc/mosquitto/synprint.acl", str(EXAMPLES / "synprint.acl"))
            text = text.replace("listener 8883", f"listener 8883 {self.address}")
        else:
            text = "".join(line + "\n" for line in text.splitlines()
                           if not line.startswith(("listener", "cafile", "certfile", "keyfile",
                                                   "require", "use_identity", "allow", "acl")))
            text += f"listener 1883 {self.address}\nallow_anonymous true\n"
        text += f"persistence true\npersistence_location {self.store}/\n"
        self.config.write_text(text + "user root\nlog_type error\nlog_type warning\n" + more)
        self.start()

    def start(self):
        super().__init__([MOSQUITTO, "-c", str(self.config)], self.namespace,
                         self.fleet.dir / f"broker{self.number}.log")
        wait_until(self.answers, f"broker {self.number} listens: {self.log()}")

    def answers(self):
        with lab.inside(self.namespace), contextlib.suppress(OSError):
            socket.create_connection((self.address, self.port), 1).close()
            return True

    def wipe(self):
        shutil.rmtree(self.store)
        self.store.mkdir()


class Gateway:
    """gwN, at 10.77.N.2 in its own namespace."""

    def __init__(self, fleet, number, publish, accept, more="", daemon_more="", min_origins=1):
        self.fleet, self.number, self.name = fleet, number, f"gw{number}"
        self.namespace = f"{fleet.prefix}-{number}"
        self.address = f"10.77.{number}.2"
        self.share = self.daemon = None
        fleet.lab.add_namespace(self.namespace)
        fleet.lab.add_link(self.namespace, "w0", fleet.hub, f"h{number}")
        fleet.lab.add_addresses(self.namespace, "w0", f"{self.address}/24")
        fleet.lab.add_addresses(fleet.hub, f"h{number}", f"10.77.{number}.1/24")
        fleet.lab.ip(self.namespace, f"route add default via 10.77.{number}.1")
        self.socket = fleet.dir / f"control{number}.sock"
        self.config = fleet.dir / f"synprint{number}.conf"
        self.config.write_text(f"""
signatures = [ "{lab.CONF}/signatures.db" ]; links = "{lab.CONF}/links.db";
control: {{ socket = "{self.socket}"; }}; state: {{ enabled = false; }};
reports: {{ capacity = 262144; }}; clients: {{ capacity = 524288; }};
publish: {{ sets = ( {{ nftset = "fleet"; origins = [ "*" ]; min_origins = {min_origins}; size = 262144; }} ); }};
{daemon_more}
""")
        self.share_config = fleet.dir / f"share{number}.conf"
        self.textfile = fleet.dir / f"metrics{number}"
        self.publish, self.accept, self.more = publish, accept, more
        self.write_share()
        self.start_daemon()
        self.start_share()

    def write_share(self, brokers=None):
        entries = []
        for broker in brokers or self.fleet.brokers:
            tls = "".join(f'{key} = "{self.fleet.dir / file}"; ' for key, file in
                          (("ca", "ca.crt"), ("cert", f"{self.name}.crt"),
                           ("key", f"{self.name}.key"))) if broker.has_tls else ""
            entries.append(f'{{ host = "{broker.address}"; port = {broker.port}; {tls} }}')
        self.share_config.write_text(f"""
gateway = "{self.name}"; control = "{self.socket}"; metrics_textfile = "{self.textfile}";
brokers = ( {", ".join(entries)} ); publish = ( {self.publish} ); accept = ( {self.accept} );
{self.more}
""")

    def start_daemon(self):
        self.daemon = lab.Daemon(self.fleet.lab, self.namespace, self.config)
        self.daemon.socket = str(self.socket)
        self.daemon.start()

    def start_share(self):
        self.share = Process([SHARE, "-c", str(self.share_config)], self.namespace,
                             self.fleet.dir / f"share{self.number}.log")
        self.fleet.lab.adopt(self.share)
        wait_until(lambda: self.daemon.status()["control"]["subscribers"], "it hears of clients")

    def set_size(self):
        return len(self.fleet.lab.elements_of(self.namespace, "fleet4"))

    def reports(self):
        return self.daemon.status()["reports"]["used"]

    def verdict(self, ip):
        return self.daemon.verdict(ip)

    def metric(self, name):
        text = self.textfile.read_text() if self.textfile.exists() else ""
        found = re.search(rf"^synprint_share_{re.escape(name)} (\d+)$", text, re.M)
        return int(found[1]) if found else None

    def wait_for_figures(self):
        """They are written every ten seconds."""
        before = self.textfile.stat().st_mtime_ns if self.textfile.exists() else 0
        wait_until(lambda: self.textfile.exists() and self.textfile.stat().st_mtime_ns != before,
                   "new figures", 20)

    def inject(self, numbers, rate=5000, shape=NMAP):
        """Forged SYNs of these suspects into this gateway; returns when each was sent first. What a
        busy machine drops on the way is sent again: retransmissions, to synprintd."""
        times = {}
        numbers, known = list(numbers), self.clients()
        self.send(numbers, rate, shape, times)
        for _ in range(20):
            time.sleep(0.2)
            if shape is not NMAP or self.clients() - known >= len(numbers):
                break
            self.send(numbers, rate, shape, times)
        return times

    def clients(self):
        return self.daemon.status()["clients"]["used"]

    def send(self, numbers, rate, shape, times):
        with lab.inside(self.fleet.hub):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        begin = time.monotonic()
        for i, number in enumerate(numbers):
            time.sleep(max(0, begin + i / rate - time.monotonic()))
            times.setdefault(suspect(number), time.monotonic())
            port = 1024 + (number + shape[0] - NMAP[0]) % 60000  # one shape's SYN repeats no other's
            raw.sendto(syn(shape, suspect(number), self.address, port),
                       (self.address, 0))
        raw.close()


class Watch:
    """What nft monitor tells of new elements, with the time of each."""

    HELLO = "203.0.113.255"

    def __init__(self, gateway):
        self.seen, self.commits, self.is_heard = {}, [], False
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", gateway.namespace, "nft", "monitor", "elements"],
            stdout=subprocess.PIPE, text=True, bufsize=1)
        gateway.fleet.lab.adopt(self)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        wait_until(lambda: self.hears(gateway), "nft monitor listens", 20)

    def hears(self, gateway):
        """What was said before it listened is not repeated: so it is said until it is heard."""
        gateway.fleet.lab.nft(f"""add table ip hello
            add set ip hello s {{ type ipv4_addr; }}
            add element ip hello s {{ {self.HELLO} }}
            delete table ip hello""", namespace=gateway.namespace)
        time.sleep(0.05)
        return self.is_heard

    def read(self):
        for line in self.process.stdout:
            now = time.monotonic()
            if self.HELLO in line:
                self.is_heard = True
            elif line.startswith("add element"):
                self.commits.append(now)
                for ip in re.findall(r"\d+\.\d+\.\d+\.\d+", line):
                    self.seen.setdefault(ip, now)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()


class Fleet:
    SCANNERS = '{ flags = [ "scanner" ]; confirm = "syn"; expiry = "1h"; }'
    EVERYBODY = '{ origin = "*"; }'

    def __init__(self, the_lab, brokers=1, gateways=2, has_tls=True, publish=SCANNERS,
                 accept=EVERYBODY, **options):
        self.lab, self.dir = the_lab, the_lab.dir
        self.prefix = f"sp-{os.getpid()}-w"
        self.hub = f"{self.prefix}-h"
        the_lab.add_namespace(self.hub)
        the_lab.elements_of = self.elements_of
        the_lab.ip(self.hub, "\n".join(f"addr add 10.77.0.{b + 1}/32 dev lo"
                                       for b in range(brokers)))
        if has_tls:
            self.make_certificates(gateways + 1)
        self.brokers = [the_lab.adopt(Broker(self, b + 1, has_tls)) for b in range(brokers)]
        self.options = {"publish": publish, "accept": accept} | options
        self.gateways = []
        for _ in range(gateways):
            self.add_gateway()
        for gateway in self.gateways:
            wait_until(lambda g=gateway: g.share.log().count("connected") >= brokers,
                       f"{gateway.name} is connected", 20)

    def add_gateway(self):
        self.gateways.append(Gateway(self, len(self.gateways) + 1, **self.options))
        return self.gateways[-1]

    def cut_off(self, gateway):
        """From the brokers, not from its clients."""
        self.lab.nft(f"""add table ip cut
            add chain ip cut in {{ type filter hook input priority 0; }}
            add rule ip cut in ip saddr {gateway.address} tcp dport {{ 1883, 8883 }} drop""",
                     namespace=self.hub)

    def heal(self):
        self.lab.nft("delete table ip cut", namespace=self.hub)

    def openssl(self, *arguments):
        sh("openssl", *arguments)

    def make_certificates(self, gateways):
        ca, key = self.dir / "ca.crt", self.dir / "ca.key"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-keyout", str(key), "-out", str(ca), "-days", "2",
                     "-subj", "/CN=fleet")
        names = [("server", "server")] + [(f"gw{g + 1}", f"gw{g + 1}") for g in range(gateways)] + \
            [("mallory", "mallory")]
        for file, name in names:
            base = self.dir / file
            (self.dir / f"{file}.ext").write_text(
                "subjectAltName=" + ",".join(f"IP:10.77.0.{b},IP:10.77.{b}.2" for b in range(1, 9)))
            self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                         "-keyout", f"{base}.key", "-out", f"{base}.csr", "-subj", f"/CN={name}")
            self.openssl("x509", "-req", "-in", f"{base}.csr", "-CA", str(ca), "-CAkey", str(key),
                         "-CAcreateserial", "-days", "2", "-extfile", f"{base}.ext",
                         "-out", f"{base}.crt")

    def elements_of(self, namespace, name):
        out = sh("nft", "-j", "list", "set", "inet", "synprint", name, namespace=namespace).stdout
        for item in json.loads(out)["nftables"]:
            if "set" in item:
                return {elem["elem"]["val"] if isinstance(elem, dict) else elem
                        for elem in item["set"].get("elem", [])}
        return set()

    def mqtt(self, *arguments, name="mallory", broker=0):
        """mosquitto_pub or mosquitto_sub as a member of the fleet."""
        target = self.brokers[broker]
        tls = ["--cafile", str(self.dir / "ca.crt"), "--cert", str(self.dir / f"{name}.crt"),
               "--key", str(self.dir / f"{name}.key")] if target.has_tls else []
        return sh(arguments[0], "-V", "5", "-h", target.address, "-p", str(target.port), *tls,
                  *arguments[1:], namespace=self.hub, check=False)


def close(lab_):
    """For the next fleet of the same scenario."""
    lab_.close()
    lab_.daemons, lab_.processes = [], []
    lab_.dir.mkdir()


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))]
