# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine with Debian's kernel and systemd, as a gateway between network namespaces of the
host. It keeps its disk over reboots; what it runs is asked for over a serial port (agent.py)."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path

import lab

HERE = Path(__file__).resolve().parent
ANSWER_S = 900  # a package is installed, and that may be emulated
BOOT_S = 900
NETWORK = """[Match]
Name={link}
[Network]
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
{lines}
"""


class Network(lab.Lab):
    """Client and server on bridges, `wan` and `lan`; the machines' links end in them, too."""

    def build(self):
        for namespace in (self.client, self.gateway, self.server):
            self.add_namespace(namespace)
        for name in ("wan", "lan", "sync"):
            self.ip(self.gateway, f"""link add {name} type bridge
                link set {name} up""")
        self.add_link(self.client, "c0", self.gateway, "g0")
        self.add_link(self.server, "s0", self.gateway, "g1")
        self.ip(self.gateway, """link set g0 master wan
            link set g1 master lan""")
        self.add_addresses(self.client, "c0", "198.51.100.2/24", "2001:db8:1::2/64")
        self.add_addresses(self.server, "s0", "203.0.113.2/24", "2001:db8:2::2/64")
        self.ip(self.client, f"""route add default via 198.51.100.1
            route add default via 2001:db8:1::1
            route add local {lab.SOURCES4} dev lo
            route add local {lab.SOURCES6} dev lo""")
        self.ip(self.server, """route add default via 203.0.113.1
            route add default via 2001:db8:2::1""")

    def add_tap(self, name, bridge):
        self.ip(self.gateway, f"""tuntap add dev {name} mode tap
            link set {name} master {bridge}
            link set {name} up""")


def accelerator():
    """What QEMU is to use, and its processor, as check.sh has found them."""
    kind, _, model = os.environ.get("VM_CPU", "tcg:max").partition(":")
    return kind.replace("tcg", "tcg,thread=multi"), model


class Machine:
    """@image: the folder that image.sh made; @number: tells machines of one network apart; @disk: that of a
    machine that was shut down, to go on from a copy of it."""

    def __init__(self, network, image, packages, number=1, disk=None):
        self.network, self.image, self.number = network, Path(image), number
        self.dir = network.dir / f"machine{number}"
        self.dir.mkdir()
        self.process = self.stream = None
        self.taps = {f"m{number}{bridge}": bridge for bridge in ("wan", "lan", "sync")}
        for tap, bridge in self.taps.items():
            network.add_tap(tap, bridge)
        subprocess.run(["cp", "--sparse=always", disk or self.image / "disk", self.dir / "disk"], check=True)
        self.pack(packages)
        network.adopt(self)

    def pack(self, packages):
        run = self.dir / "run"
        run.write_text("#!/bin/sh\nexec python3 -B /payload/agent.py </dev/null\n")
        run.chmod(0o755)
        archive = self.dir / "payload.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(run, "run")
            tar.add(HERE / "agent.py", "agent.py")
            for package in packages:
                tar.add(package, f"build/deb/{Path(package).name}")
        os.truncate(archive, -(-archive.stat().st_size // 512) * 512)

    def command(self):
        accel, cpu = accelerator()
        nics = []
        for index, tap in enumerate(self.taps):
            mac = f"02:00:00:00:{self.number:02x}:{index:02x}"
            nics += ["-netdev", f"tap,id=n{index},ifname={tap},script=no,downscript=no",
                     "-device", f"virtio-net-pci,netdev=n{index},mac={mac}"]
        return ["ip", "netns", "exec", self.network.gateway, "qemu-system-x86_64", "-accel", accel, "-cpu", cpu,
                "-smp", "2", "-m", "1024", "-nodefaults", "-no-reboot", "-display", "none",
                "-serial", f"file:{self.dir}/console", "-kernel", str(self.image / "kernel"),
                "-initrd", str(self.image / "initrd"), "-append",
                "root=/dev/vda rw console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check net.ifnames=0 "
                "systemd.show_status=0 apparmor=0",  # Docker would want its parser
                "-drive", f"file={self.dir}/disk,format=raw,if=virtio,cache=unsafe",
                "-drive", f"file={self.dir}/payload.tar,format=raw,if=virtio,readonly=on",
                "-device", "virtio-serial-pci", "-chardev",
                f"socket,id=agent,path={self.dir}/agent,server=on,wait=off",
                "-device", "virtserialport,chardev=agent,name=agent", *nics]

    def boot(self):
        """Until it answers; returns the seconds that took."""
        start = time.monotonic()
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL)
        lab.wait_until(self.connect, "QEMU runs", 30)
        self.stream.settimeout(BOOT_S)
        try:
            self.run("true")
        except OSError as error:
            raise AssertionError(f"the machine does not come up: {error}; its console:\n"
                                 f"{(self.dir / 'console').read_text(errors='replace')[-3000:]}") from error
        return time.monotonic() - start

    def connect(self):
        assert self.process.poll() is None, f"QEMU ended with {self.process.returncode}"
        self.stream = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError):
            self.stream.connect(str(self.dir / "agent"))
            self.reader = self.stream.makefile("rb")
            return True
        self.stream.close()
        return False

    def ask(self, request):
        self.stream.sendall(json.dumps(request).encode() + b"\n")
        line = self.reader.readline()
        if not line:
            raise ConnectionError("the machine is gone")
        return json.loads(line)

    def run(self, script, check=True):
        """A script for its shell; returns what it printed."""
        reply = self.ask({"script": script})
        self.stream.settimeout(ANSWER_S)
        assert reply["code"] == 0 or not check, f"exit {reply['code']}: {script}\n{reply['out'][-4000:]}"
        return reply["out"]

    def write(self, path, text):
        self.ask({"path": path, "text": text})

    def add_network(self, link, *lines):
        """Addresses and routes of a link, as networkd has them."""
        self.write(f"/etc/systemd/network/{link}.network", NETWORK.format(link=link, lines="\n".join(lines)))

    def end(self, how="poweroff"):
        """Shuts it down."""
        with contextlib.suppress(OSError):
            self.stream.settimeout(BOOT_S)
            self.ask({"script": f"systemctl {how}; sleep 600"})
        self.process.wait(timeout=BOOT_S)
        self.stream.close()

    def reboot(self):
        self.end("reboot")
        return self.boot()

    def power_off(self):
        """As if somebody pulled the plug."""
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.power_off()
        shutil.rmtree(self.dir, ignore_errors=True)
