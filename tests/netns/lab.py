# SPDX-License-Identifier: GPL-2.0-or-later
"""A lab for one scenario: client, gateway and server in network namespaces of their own, and
synprintd in the gateway. All of it has this process's number in its name and is removed when the
process ends, however it ends."""
import atexit
import contextlib
import ctypes
import difflib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
SYNPRINTD = str(BUILD / "synprintd")
SYNPRINT = str(BUILD / "synprint")
# Limits of waiting are so many times as long in a machine that is emulated.
PATIENCE = float(os.environ.get("PATIENCE", 1))

CLIENT4, CLIENT6 = "198.51.100.2", "2001:db8:1::2"
SERVER4, SERVER6 = "203.0.113.2", "2001:db8:2::2"
PORT = 8080
# Every address of these prefixes is the client's own: RFC 2544 and RFC 3849 keep them for us.
SOURCES4, SOURCES6 = "198.18.0.0/16", "2001:db8:c::/48"

# Whatever the shell has: Debian's opens 1024 files at the most, and another's files may be nobody else's.
MOST_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(MOST_FILES, 20000), MOST_FILES))
os.umask(0o022)


def shipped_conf():
    """The folder conf, or a copy of it where others may not read it, as in /root: programs that gave up their
    rights are to do so. Where the package is tested there is none."""
    conf = ROOT / "conf"
    if not conf.is_dir():
        return conf
    if all(folder.stat().st_mode & 0o001 for folder in [conf, *conf.parents]) and \
            (conf / "signatures.db").stat().st_mode & 0o004:
        return conf
    copy = Path(tempfile.mkdtemp(prefix=f"sp-{os.getpid()}-conf-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    subprocess.run(["cp", "-r", "--no-preserve=mode", conf, copy], check=True)
    return copy / "conf"


CONF = shipped_conf()

CLONE_NEWNET = 0x40000000  # linux/sched.h
LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    """The kernel or the system lacks what the scenario is about."""


def source4(number):
    return f"198.18.{number >> 8}.{number & 255}"


def source6(number):
    return f"2001:db8:c::{number:x}"


def figure(text):
    print(f"FIGURE {text}", flush=True)


def wait_until(condition, what, seconds=10):
    """Returns what the condition returns as soon as that is true. It is asked once more behind the end: the
    machine itself may have stood still meanwhile."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        is_over = time.monotonic() > end
        value = condition()
        if value:
            return value
        if is_over:
            raise AssertionError(f"after {seconds} s still not so: {what}")
        time.sleep(0.02)


def set_namespace(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns", path)
    finally:
        os.close(fd)


@contextlib.contextmanager
def inside(namespace):
    """Sockets that are made inside stay in the namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    set_namespace(f"/run/netns/{namespace}")
    try:
        yield
    finally:
        set_namespace(f"/proc/self/fd/{home}")
        os.close(home)


def sh(*command, namespace=None, check=True, stdin=None):
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    done = subprocess.run(prefix + list(command), input=stdin, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done


def stands_still(pid):
    """Whether each thread has stopped: a signal only asks for that."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if (task / "stat").read_text().rpartition(")")[2].split()[0] not in "Tt":
                return False
    return True


def signal_process(process, number):
    """Where it is to stop, until it has."""
    process.send_signal(number)
    if number == signal.SIGSTOP:
        wait_until(lambda: stands_still(process.pid), "every thread stands still")


class Daemon:
    """A synprintd in a namespace, with its own configuration, socket and log."""

    def __init__(self, lab, namespace, config):
        self.namespace = namespace
        self.config = config
        self.socket = str(lab.dir / "control.sock")
        self.log_path = lab.dir / f"daemon{len(lab.daemons)}.log"
        self.made = time.monotonic()
        self.process = None
        lab.daemons.append(self)

    def start(self, wait=True, wrapper=(), arguments=(), pass_fds=()):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *wrapper, SYNPRINTD,
                 "-c", str(self.config), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds)
        if wait:
            wait_until(self.is_ready, "synprintd is ready", 30)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"synprintd ended with {self.process.returncode}: {self.log()}")
        with contextlib.suppress(OSError):
            return self.request({"op": "status"})["ok"]

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def has_said_once(self, text):
        """Once in ten seconds (LOG_INTERVAL_S): a slow test is long enough for another line."""
        return 1 <= self.log().count(text) <= 1 + (time.monotonic() - self.made) // 10

    def kill(self, number):
        signal_process(self.process, number)

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code."""
        self.kill(number)
        return self.process.wait(timeout=30 * PATIENCE)

    def connect(self):
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(10 * PATIENCE)
        stream.connect(self.socket)
        return stream

    def request(self, request):
        with self.connect() as stream:
            stream.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(stream.makefile().readline())

    def status(self):
        return self.request({"op": "status"})

    def received(self):
        return sum(queue["received"] for queue in self.status()["queues"])

    def wait_for_syns(self, count, seconds=20):
        """Until so many are classified; or the rules have counted so many and none waits: on a machine that is
        too busy some pass by the daemon, unclassified."""
        def are_through():
            status = self.status()
            return self.received() >= count or (status["rules"]["counted"] >= count and
                                                not any(queue["waiting"] for queue in status["queues"]))
        wait_until(are_through, f"{count} SYNs are classified, or have passed by", seconds)

    def passed(self, sent):
        """How many of all SYNs so far passed unasked: where the machine is too busy their queue does not answer."""
        def rules():
            rules = self.status()["rules"]
            return rules["counted"] >= sent and rules
        return wait_until(rules, f"{sent} SYNs are counted")["unanswered"]

    def verdict(self, ip, port=None):
        request = {"op": "verdict", "ip": ip}
        return self.request(request | {"port": port} if port else request)

    def cli(self, *arguments, check=True):
        return sh(SYNPRINT, "--socket", self.socket, *arguments, check=check)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class SlowFile:
    """A file that takes as long to read as the test says: a FIFO of which the test has the other end."""

    def __init__(self, path):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self.fd = os.open(path, os.O_RDWR)
        self.path = path

    def wait(self, daemon):
        """Until the daemon reads it."""
        fds = Path(f"/proc/{daemon.process.pid}/fd")
        wait_until(lambda: any(map(self.is_at, fds.iterdir())), f"{self.path} is read")

    def is_at(self, link):
        with contextlib.suppress(OSError):  # a name would not do: the daemon may have another root
            return os.path.samestat(link.stat(), os.fstat(self.fd))

    def end(self, text=""):
        os.write(self.fd, text.encode())
        self.path.unlink()
        os.close(self.fd)


class Lab:
    def __init__(self):
        name = f"sp-{os.getpid()}"
        self.client, self.gateway, self.server = (f"{name}-{end}" for end in "cgs")
        self.namespaces = []
        self.daemons = []
        self.processes = []  # anything with close()
        self.dir = Path(tempfile.mkdtemp(prefix=f"{name}-"))

    def preload(self, name):
        """LD_PRELOAD=... of tests/netns/NAME.c, behind a sanitizer's own library."""
        compiler, path = os.environ.get("CC", "cc").split(), self.dir / f"{name}.so"
        sh(*compiler, "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", str(path),
           str(ROOT / f"tests/netns/{name}.c"), "-ldl")
        first = {"san": "libasan.so", "tsan": "libtsan.so"}.get(BUILD.name)
        return "LD_PRELOAD=" + (sh(*compiler, f"-print-file-name={first}").stdout.strip() + " " if first else "") + str(path)

    def build(self):
        for namespace in (self.client, self.gateway, self.server):
            self.add_namespace(namespace)
        self.add_link(self.client, "c0", self.gateway, "g0")
        self.add_link(self.server, "s0", self.gateway, "g1")
        self.add_addresses(self.client, "c0", "198.51.100.2/24", "2001:db8:1::2/64")
        self.add_addresses(self.gateway, "g0", "198.51.100.1/24", "2001:db8:1::1/64")
        self.add_addresses(self.gateway, "g1", "203.0.113.1/24", "2001:db8:2::1/64")
        self.add_addresses(self.server, "s0", "203.0.113.2/24", "2001:db8:2::2/64")
        self.ip(self.client, f"""route add default via 198.51.100.1
            route add default via 2001:db8:1::1
            route add local {SOURCES4} dev lo
            route add local {SOURCES6} dev lo""")
        self.ip(self.server, """route add default via 203.0.113.1
            route add default via 2001:db8:2::1""")
        self.ip(self.gateway, f"""route add {SOURCES4} via 198.51.100.2
            route add {SOURCES6} via 2001:db8:1::2""")

    def add_namespace(self, namespace):
        sh("ip", "netns", "add", namespace)
        self.namespaces.append(namespace)
        self.ip(namespace, "link set lo up")
        # Addresses are to be usable at once, and a backlog is not what is tested here.
        self.sysctl(namespace, {"net/ipv6/conf/all/accept_dad": 0,
                                "net/ipv6/conf/default/accept_dad": 0,
                                "net/ipv6/conf/all/forwarding": 1,
                                "net/ipv6/ip_nonlocal_bind": 1,
                                "net/ipv4/ip_forward": 1,
                                "net/ipv4/ip_local_port_range": "10000 60000",
                                "net/ipv4/tcp_max_syn_backlog": 16384,
                                "net/core/somaxconn": 16384})

    def sysctl(self, namespace, settings):
        script = "".join(f"echo '{value}' >/proc/sys/{name}\n"
                         for name, value in settings.items())
        sh("sh", "-ec", script, namespace=namespace)

    def ip(self, namespace, lines):
        sh("ip", "-n", namespace, "-batch", "-",
           stdin="\n".join(line.strip() for line in lines.splitlines()))

    def add_link(self, left, left_name, right, right_name):
        self.ip(left, f"""link add {left_name} type veth peer name {right_name} netns {right}
            link set {left_name} up""")
        self.ip(right, f"link set {right_name} up")

    def add_addresses(self, namespace, link, *addresses):
        self.ip(namespace, "\n".join(f"addr add {address} dev {link}" for address in addresses))

    def write_config(self, sets=None, text="", engine=None, name="synprint.conf", **sections):
        """Everything of the shipped configuration, but for what the lab needs otherwise. Rules that do
        not say when a set is filled have it filled at the SYN."""
        groups = {"control": f'socket = "{self.dir / "control.sock"}";',
                  "state": f'file = "{self.dir / "kept"}";',
                  "rules": f'engine = "{engine}";' if engine else ""}
        if sets is not None:
            lines = [line if re.search(r"confirm|mark =|addr . port", line)
                     else f'{line.rstrip("; ")}; confirm = "syn"' for line in sets]
            groups["publish"] = "sets = (" + ", ".join(f"{{ {line} }}" for line in lines) + ");"
        # So that nobody else's SYNs take the places where a test looks for whole ones.
        sections.setdefault("clients", "recent = 1048576;")
        for section, content in sections.items():
            groups[section] = groups.get(section, "") + content
        lines = [f'signatures = [ "{CONF}/signatures.db" ];', f'links = "{CONF}/links.db";']
        lines += [f"{section}: {{ {content} }};" for section, content in groups.items() if content]
        path = self.dir / name
        path.write_text("\n".join(lines) + "\n" + text)
        return path

    def daemon(self, config=None, namespace=None):
        return Daemon(self, namespace or self.gateway, config or self.write_config())

    def nft(self, text, namespace=None):
        """Runs nft commands, one a line."""
        return sh("nft", "-f", "-", namespace=namespace or self.gateway, stdin=text).stdout

    def nft_json(self, *arguments, namespace=None):
        out = sh("nft", "-j", *arguments, namespace=namespace or self.gateway).stdout
        return json.loads(out)["nftables"]

    def counter(self, table, name, namespace=None):
        """Packets of a named counter."""
        return next(item["counter"]["packets"]
                    for item in self.nft_json("list", "counter", *table.split(), name, namespace=namespace)
                    if "counter" in item)

    def elements(self, name, table="inet synprint"):
        """Members of an nft set as {address: seconds until it expires}."""
        for item in self.nft_json("list", "set", *table.split(), name):
            if "set" in item:
                return {(elem["elem"]["val"] if isinstance(elem, dict) else elem):
                        (elem["elem"].get("expires") if isinstance(elem, dict) else None)
                        for elem in item["set"].get("elem", [])}
        raise AssertionError(f"nft does not list set {name}")

    def has_elements(self, name, elements, table="inet synprint"):
        """Whether all of them are in an nft set, which is not listed for that."""
        return all(sh("nft", "get", "element", *table.split(), name,
                      f"{{ {', '.join(elements[at:at + 32])} }}",  # nft takes no long lists
                      namespace=self.gateway, check=False).returncode == 0
                   for at in range(0, len(elements), 32))

    def expect_snapshot(self, before, what, stateless=False, namespace=None):
        after = self.snapshot(namespace, stateless)
        difference = "\n".join(difflib.unified_diff(before.splitlines(), after.splitlines(),
                                                    "before", "after", lineterm=""))
        assert before == after, f"{what}:\n{difference}"

    def snapshot(self, namespace=None, stateless=False):
        """Every rule in a namespace as the administrator's tools print it."""
        namespace = namespace or self.gateway
        flags = ["-s"] if stateless else []
        texts = [sh("nft", *flags, "list", "ruleset", namespace=namespace).stdout]
        for tool in ("iptables-save", "ip6tables-save"):
            out = re.sub(r"^#.*\n", "", sh(tool, namespace=namespace).stdout, flags=re.M)
            texts.append(re.sub(r"\[\d+:\d+\]", "", out) if stateless else out)
        return "\n".join(texts)

    def rules(self, *arguments, check=True, namespace=None, config=None):
        """synprint rules ... in the gateway."""
        options = ["--config", str(config)] if config else []
        return sh(SYNPRINT, *options, "rules", *arguments, check=check,
                  namespace=namespace or self.gateway)

    def adopt(self, process):
        self.processes.append(process)
        return process

    def close(self):
        for process in self.daemons + self.processes:
            process.close()
        for namespace in self.namespaces:
            sh("ip", "netns", "del", namespace, check=False)
        self.namespaces = []
        shutil.rmtree(self.dir, ignore_errors=True)


def has_kernel_nft_queue(lab):
    """Whether nft's own queue expression works here: Debian's kernel has it, some others do not."""
    done = sh("nft", "-f", "-", namespace=lab.gateway, check=False, stdin=
              "table inet sp-probe { chain c { type filter hook prerouting priority 0; "
              "queue num 0 bypass } }\ndelete table inet sp-probe\n")
    return done.returncode == 0


def run_one(scenario):
    lab = Lab()
    atexit.register(lab.close)
    try:
        lab.build()
        scenario(lab)
    except Skip:
        raise
    except BaseException:
        for daemon in lab.daemons:
            print(f"--- log of synprintd, configuration {daemon.config}\n{daemon.log()}", end="")
        raise
    finally:
        atexit.unregister(lab.close)
        lab.close()


def run_told(scenario):
    """Returns the status that check.sh knows, and tells how it went."""
    start = time.monotonic()
    try:
        run_one(scenario)
    except Skip as skip:
        print(f"SKIP {scenario.__name__}: {skip}", flush=True)
        return 77
    except Exception:
        traceback.print_exc(file=sys.stdout)
        print(f"FAILED {scenario.__name__}")
        return 1
    print(f"ok {scenario.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
    return 0


class Beside:
    """A scenario in a process of its own; what it prints is kept until it has ended."""

    def __init__(self, scenario):
        self.output = tempfile.TemporaryFile()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.dup2(self.output.fileno(), 1)
                os.dup2(self.output.fileno(), 2)
                status = run_told(scenario)
            finally:
                sys.stdout.flush()
                os._exit(status)

    def result(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        self.output.seek(0)
        return status if status in (0, 77) else 1, self.output.read().decode(errors="replace")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)  # it takes its lab away
            print(self.result()[1], end="", flush=True)


def run_beside(scenarios):
    """Returns the worst status."""
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(contextlib.closing(Beside(scenario))) for scenario in scenarios]
        results = sorted((beside.result() for beside in running), key=lambda result: (0, 77, 1).index(result[0]))
    for status, output in results:
        print(output, end="", flush=True)
    return status


def run(*scenarios):
    """Runs scenarios one after the other, each in a lab of its own; ends the process. Those of a tuple run side
    by side, where processors are not scarce: such as mostly wait, for a clock of the product's or of TCP's."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    wanted = set(sys.argv[1:])
    is_skipped = False
    for group in scenarios:
        group = [scenario for scenario in (group if isinstance(group, tuple) else (group,))
                 if not wanted or scenario.__name__ in wanted]
        is_beside = len(group) > 1 and PATIENCE <= 1
        for status in [run_beside(group)] if is_beside else map(run_told, group):
            if status not in (0, 77):
                sys.exit(status)
            is_skipped |= status == 77
    sys.exit(77 if is_skipped else 0)
