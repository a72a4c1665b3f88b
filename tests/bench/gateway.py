# SPDX-License-Identifier: GPL-2.0-or-later
"""What needs a kernel: the lab of tests/netns with a gateway whose SYNs go through NFQUEUE to one
agent or another, all with the same rules."""
import contextlib
import functools
import operator
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness import ROUNDS, TOOLS, Part, tool

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))
import lab  # noqa: E402

WARM_S, ROUND_S = 0.3, 0.8
# Where more threads want to run than there are cores, chance decides in each round who does: more
# rounds, and the medians of the sides are compared.
MANY_ROUNDS = 3 * ROUNDS
JSON_BYTES = len('{"op":"verdict","ip":"10.0.0.100"}\n')
DESTINATION = "203.0.113.2"
NFT_TWO = ['nftset = "a"; timeout = "1h"; size = 4194304;',
           'nftset = "b"; timeout = "1h"; size = 4194304;']
IPSET_TWO = ['ipset = "bench-a"; timeout = "1h"; size = 4194304;',
             'ipset = "bench-b"; timeout = "1h"; size = 4194304;']
# So many elements, and a set's hash table does not double while a round measures: the kernel gives it
# 131,072 buckets, and twice as many at three quarters (lib/rhashtable.c). The next is at 786,432.
GROWN = 400000
NFT_NONE = ['nftset = "a"; families = [ "Windows" ];']
SKIP_RATE = 20000
# As shipped, and an ipset beside it.
USUAL = ['nftset = "vpn"; flags = [ "vpn" ]; timeout = "1h";',
         'nftset = "scanner"; flags = [ "scanner" ]; timeout = "1h";',
         'nftset = "suspect"; flags = [ "vpn", "scanner", "os_mismatch", "inconsistent" ];',
         'ipset = "bench-scanner"; flags = [ "scanner" ]; timeout = "10m";']


@contextlib.contextmanager
def laboratory():
    lab_ = lab.Lab()
    try:
        lab_.build()
        lab_.ip(lab_.gateway, f"route add 10.0.0.0/8 via {lab.CLIENT4}")
        mac = lab.sh("cat", "/sys/class/net/g0/address", namespace=lab_.gateway).stdout.strip()
        yield lab_, mac
    finally:
        lab_.close()


SKIP = 'skip_known = "10s";'


def divert(lab_, queues, rules=None, keys=""):
    """Every SYN into the queues, by one plain rule or by the ruleset that fills @rules; behind them
    the flood's are dropped, so that nobody answers."""
    lab.sh("iptables", "-t", "mangle", "-F", "PREROUTING", namespace=lab_.gateway)
    lab_.nft("add table inet synprint\ndelete table inet synprint")
    if queues and rules is not None:
        lab_.rules("apply", config=lab_.write_config(rules, name="rules.conf", rules=keys,
                                                     queue=f"count = {queues};"))
    elif queues:
        which = ["--queue-balance", f"0:{queues - 1}"] if queues > 1 else ["--queue-num", "0"]
        lab.sh("iptables", "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "--syn", "-j",
               "NFQUEUE", *which, "--queue-bypass", namespace=lab_.gateway)
    lab_.nft("""table ip bench
        delete table ip bench
        table ip bench { chain c { type filter hook prerouting priority -140;
            ip saddr 10.0.0.0/8 drop; }; }""")


def bits_of_sets(lab_):
    """All that the rules behind the queue wait for to fill the sets."""
    rules = lab_.nft("list chain inet synprint publish")
    return functools.reduce(operator.or_, {int(bit, 16) for bit in re.findall(r"mark & (0x\w+)", rules)})


class Agent:
    """A program that reads the queues; its threads' CPU time is theirs alone."""

    def __init__(self, lab_, kind, queues=1, sets=None, cpus=None, keys="",
                 engine="none"):
        self.lab, self.queues, self.daemon = lab_, queues, None
        pin = ["taskset", "-c", cpus] if cpus else []
        if kind == "synprintd":
            config = lab_.write_config(
                USUAL if sets is None else sets, rules=f'engine = "{engine}";{keys}', clients="",
                queue=f"count = {queues};", state="enabled = false;", log='level = "error";',
                metrics="interval = 15;",
                p0f=f'enabled = true; socket = "{lab_.dir}/p0f.sock";')
            self.daemon = lab_.daemon(config).start(wrapper=pin)
            self.process = self.daemon.process
        else:
            bits = [str(bits_of_sets(lab_))] if kind == "bits" else []
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", lab_.gateway, *pin, TOOLS / "accept_all",
                 "batch" if bits else kind, "0", str(queues), *bits])
            lab.wait_until(self.is_bound, "the queues are bound")

    def is_bound(self):
        return len(self.rows()) == self.queues

    def rows(self):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{self.process.pid}/net/netfilter/nfnetlink_queue").read_text()
            return [list(map(int, line.split())) for line in text.splitlines()]
        return []

    def answered(self):
        """Packets that the kernel has numbered (id_sequence) but those that still wait."""
        return sum(row[7] - row[2] for row in self.rows())

    def came_in(self):
        """Packets from the clients' side, asked or not."""
        text = Path(f"/proc/{self.process.pid}/net/dev").read_text()
        return int(re.search(r"g0:\s*\d+\s+(\d+)", text)[1])

    def cpu_ns(self):
        times = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                name = (task / "comm").read_text().strip()
                times[name] = times.get(name, 0) + int((task / "schedstat").read_text().split()[0])
        return times

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()


class Flood:
    """SYNs from the client's namespace; every round has clients of its own."""
    next_client = 100000

    def __init__(self, lab_, mac, clients, rate=0, seconds=30, cpus=None):
        pin = ["taskset", "-c", cpus] if cpus else []
        first = 0 if clients else Flood.next_client
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", lab_.client, *pin, TOOLS / "syn_flood", "c0", mac, str(first),
             str(clients), str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.terminate()
        sent = int(self.process.communicate(timeout=30)[0] or 0)
        Flood.next_client = (Flood.next_client + sent) % 0xe00000 + 100000
        return sent


def kworkers_ns():
    """CPU time of the kernel's workers on CPU 1, where the agent is: they let hash tables grow."""
    total = 0
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if comm.read_text().startswith("kworker/1:"):
                total += int((comm.parent / "schedstat").read_text().split()[0])
    return total


def let_grow(lab_, mac, agent):
    """Elements of other clients, until the sets' tables have their size and nobody works on them."""
    flood = Flood(lab_, mac, 0, cpus="0")
    lab.wait_until(lambda: agent.answered() >= GROWN, "the sets have grown", 60)
    flood.close()

    def is_still():
        before = kworkers_ns()
        time.sleep(0.1)
        return kworkers_ns() - before < 2000000

    lab.wait_until(is_still, "the hash tables have grown", 60)


def rate_of(lab_, mac, kind, clients, queues=1, sets=None, plain=False, grown=False):
    """SYN/s that get a verdict while more come than can be answered, and CPU time for each."""
    divert(lab_, queues, None if plain else USUAL if sets is None else sets)
    pinned = os.cpu_count() > 1 and queues == 1
    agent = Agent(lab_, kind, queues, sets, "1" if pinned else None)
    try:
        if grown:
            let_grow(lab_, mac, agent)
        flood = Flood(lab_, mac, clients, cpus="0" if pinned else None)
        try:
            time.sleep(WARM_S)
            kernel = kworkers_ns()
            began, cpu, count = time.monotonic(), agent.cpu_ns(), agent.answered()
            time.sleep(ROUND_S)
            count, seconds = agent.answered() - count, time.monotonic() - began
            used = {name: ns - cpu.get(name, 0) for name, ns in agent.cpu_ns().items()}
            kernel = kworkers_ns() - kernel
        finally:
            flood.close()
    finally:
        agent.close()
    figures = {"SYN/s": count / seconds, "CPU ns/SYN": sum(used.values()) / max(count, 1)}
    threads = {f"ns in '{name}'": ns / max(count, 1) for name, ns in sorted(used.items())}
    if sets is NFT_TWO:
        figures["kworkers ns/SYN"] = kernel / max(count, 1)
    return figures | (threads if kind == "synprintd" else {})


def into_nft_sets(part, lab_, mac):
    for title, grown in (("new, and into two nft sets", True), ("the same, while the sets grow", False)):
        runs = part.rounds(title, [(kind, lambda _, k=kind: rate_of(lab_, mac, k, 0, 1, NFT_TWO, grown=grown))
                                   for kind in ("batch", "bits", "synprintd")],
                           goals={("synprintd", "SYN/s"): ">= 0.85",
                                  ("synprintd", "CPU ns/SYN"): "<= 1.5"} if grown else None)
        for figure in ("SYN/s", "CPU ns/SYN"):
            part.add(title, "synprintd / bits", figure,
                     [run["synprintd"][figure] / run["bits"][figure] for run in runs])


def queue():
    part = Part("queue", """SYN/s that one agent answers through a real NFQUEUE, offered as many as
        another core can send; the agent with all of its threads is on one CPU (two queues: on any).
        CPU time is the threads' own, system calls included: it holds where the rate is bounded by
        the sender. `batch` is the accept-everything loop (synprintd's own recvmmsg and batch
        verdicts, nothing else), `single` the usual loop of one recv and one verdict; both behind
        synprintd's own ruleset, `plain` is `batch` behind one NFQUEUE rule.
        synprintd has its sockets open, metrics, 4 sets that a usual client is not in.
        Into nft sets: the loop makes no element, `bits` is the loop that gives each SYN the bits that
        synprintd gives it, so that the kernel does all that it does for synprintd. Sets have
        400,000 elements before, or none: while they grow, the kernel doubles their hash tables again
        and again, in workers on the agent's CPU.""")
    cases = [("one client", 1, 1, None, 0.97), ("50,000 clients in turn", 50000, 1, None, 0.97),
             ("every SYN a new client", 0, 1, None, 0.92),
             ("new, and into two ipsets", 0, 1, IPSET_TWO, 0.75),
             ("two queues, 50,000 clients", 50000, 2, None, 0.97),
             ("two queues, new clients", 0, 2, None, 0.92)]
    with laboratory() as (lab_, mac):
        for title, clients, queues, sets, goal in cases:
            kinds = ["batch", "synprintd"] + (["single"] if sets is None and queues == 1 else [])
            sides = [(kind, lambda _, k=kind, c=clients, q=queues, s=sets:
                      rate_of(lab_, mac, k, c, q, s)) for kind in kinds]
            part.rounds(title, sides, rounds=MANY_ROUNDS if queues > 1 else None, of_medians=queues > 1,
                        goals={("synprintd", "SYN/s"): f">= {goal}",
                               ("synprintd", "CPU ns/SYN"): "<= 1.5"})
        into_nft_sets(part, lab_, mac)
        for queues in (1, 2):
            part.rounds(f"the ruleset, {queues} queues" if queues > 1 else "the ruleset",
                        [(name, lambda _, p=plain, q=queues:
                          rate_of(lab_, mac, "batch", 50000, q, plain=p))
                         for name, plain in (("plain", True), ("ruleset", False))],
                        rounds=MANY_ROUNDS if queues > 1 else None, of_medians=queues > 1,
                        goals={("ruleset", "SYN/s"): ">= 0.85"})
    return part


def connects(lab_, mac, kind, background, keys=""):
    divert(lab_, 0 if kind == "no rule" else 1, USUAL, keys)
    one, other = ("0", "1") if os.cpu_count() > 1 else (None, None)
    agent = None if kind == "no rule" else Agent(lab_, kind, cpus=other, keys=keys)
    flood = Flood(lab_, mac, 50000, background, cpus=one) if background else None
    try:
        time.sleep(WARM_S)
        times = tool("connect_times", DESTINATION, lab.PORT, 3000,
                     prefix=["ip", "netns", "exec", lab_.client])
    finally:
        for thing in (flood, agent):
            if thing:
                thing.close()
    return dict(zip(("p50 us", "p99 us", "p99.9 us"), (int(ns) / 1000 for ns in times)))


def latency():
    part = Part("latency", """microseconds that connect() takes through the gateway, 3,000 connections
        one after the other in each round: idle, and while SYNs of 50,000 other clients come at half
        of the accept-everything loop's maximum, measured just before. The half load also costs
        those CPU time who have no rule. The agent has one CPU and the flood another, as in
        bench-queue; client and server run where they like.""")
    with laboratory() as (lab_, mac):
        server = subprocess.Popen(["ip", "netns", "exec", lab_.server, TOOLS / "connect_times",
                                   "serve", str(lab.PORT)], stdout=subprocess.PIPE)
        try:
            server.stdout.readline()
            half = int(statistics.median(rate_of(lab_, mac, "batch", 50000)["SYN/s"]
                                         for _ in range(3)) / 2)
            for title, background in (("idle", 0), (f"half load, {half:,} SYN/s", half)):
                part.rounds(title, [(kind, lambda _, k=kind, b=background: connects(lab_, mac, k, b))
                                    for kind in ("batch", "synprintd", "no rule")],
                            rounds=MANY_ROUNDS, of_medians=True,
                            goals={("synprintd", "p99 us"): "<= 1.1"})
        finally:
            server.kill()
            server.wait()
    return part


def cpu_of_all(lab_, mac, kind, keys):
    """CPU time of the sender, of the gateway's way for its packets, and of the agent, a SYN."""
    divert(lab_, 1, NFT_NONE, keys)
    agent = Agent(lab_, kind, sets=NFT_NONE, keys=keys)
    try:
        flood = Flood(lab_, mac, 1000, SKIP_RATE)
        time.sleep(WARM_S)
        stat = Path(f"/proc/{flood.process.pid}/schedstat")
        cpu, sender, count = sum(agent.cpu_ns().values()), int(stat.read_text().split()[0]), agent.came_in()
        time.sleep(2 * ROUND_S)
        sender = int(stat.read_text().split()[0]) - sender
        used = sum(agent.cpu_ns().values()) - cpu
        count = agent.came_in() - count
        flood.close()
    finally:
        agent.close()
    return {"CPU ns/SYN": (sender + used) / count, "sender": sender / count, "agent": used / count}


def skip():
    part = Part("skip", f"""rules.skip_known: 1,000 clients that come back all the time, {SKIP_RATE:,}
        SYN/s; CPU time of the sender (in which the gateway's softirqs run) and of the agent. And
        connect() of one client that comes back, as bench-latency has it.""")
    with laboratory() as (lab_, mac):
        part.rounds("returning clients",
                    [("batch", lambda _: cpu_of_all(lab_, mac, "batch", "")),
                     ("synprintd", lambda _: cpu_of_all(lab_, mac, "synprintd", SKIP))],
                    of_medians=True,
                    goals={("synprintd", "CPU ns/SYN"): "<= 0.6"})
        server = subprocess.Popen(["ip", "netns", "exec", lab_.server, TOOLS / "connect_times",
                                   "serve", str(lab.PORT)], stdout=subprocess.PIPE)
        try:
            server.stdout.readline()
            part.rounds("connect(), idle",
                        [("no rule", lambda _: connects(lab_, mac, "no rule", 0)),
                         ("batch", lambda _: connects(lab_, mac, "batch", 0)),
                         ("synprintd", lambda _: connects(lab_, mac, "synprintd", 0, SKIP))],
                        rounds=MANY_ROUNDS, of_medians=True,
                        goals={("synprintd", "p50 us"): "<= 1.3"})
        finally:
            server.kill()
            server.wait()
    return part


class Echo:
    """The reference of a socket: it answers as many bytes and reads none."""

    def __init__(self, lab_, query, reply):
        self.path = str(lab_.dir / f"echo{query}.sock")
        lab_.adopt(self)
        self.child = subprocess.Popen([TOOLS / "query_load", "serve", self.path, str(query),
                                       str(reply)], stdout=subprocess.PIPE)
        self.child.stdout.readline()

    def close(self):
        self.child.kill()
        self.child.wait()


def ask(kind, path, connections, depth):
    rate, _, p99 = tool("query_load", kind, path, connections, depth, 0.5)
    return {"queries/s": float(rate), "p99 us": int(p99) / 1000}


def query():
    part = Part("query", """verdict queries a second about 100 clients on the control socket (JSON) and
        on p0f.sock, one at a time and 32 on the way in each connection; p99 is the time from
        sending what is on the way to the last reply of it. `echo` answers as many bytes without
        reading them. Client and server share the machine's cores.""")
    with laboratory() as (lab_, mac):
        divert(lab_, 1)
        agent = Agent(lab_, "synprintd")
        try:
            flood = Flood(lab_, mac, 256, 5000, 1)
            flood.process.wait()
            sockets = {"json": agent.daemon.socket, "p0f": str(lab_.dir / "p0f.sock")}
            for kind, path in sockets.items():
                size = int(tool("query_load", kind, path, 1, 1, 0.2)[1])
                echo = Echo(lab_, 21 if kind == "p0f" else JSON_BYTES, size)
                for connections, depth in ((1, 1), (1, 32), (50, 1), (50, 32)):
                    part.rounds(f"{kind}, {connections} conn., {depth} on the way",
                                [("echo", lambda _, p=echo.path: ask(kind, p, connections, depth)),
                                 ("synprintd", lambda _, p=path: ask(kind, p, connections, depth))])
        finally:
            agent.close()
    return part


def with_tool(lab_, kind, count, size):
    """nft -f or ipset restore, a process for each commit."""
    first = ("add table inet t\nadd set inet t s { type ipv4_addr; flags timeout; timeout 1h; }\n"
             if kind == "nft" else "create s hash:ip timeout 3600 maxelem 1048576\n")
    command = ["nft", "-f", "-"] if kind == "nft" else ["ipset", "restore"]

    def script(start):
        addrs = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(start, start + size)]
        if kind == "nft":
            return f"add element inet t s {{ {', '.join(addrs)} }}\n"
        return "".join(f"add s {addr}\n" for addr in addrs)

    with lab.inside(lab_.gateway):
        subprocess.run(command, input=first, text=True, check=True)
        began = time.monotonic()
        for start in range(0, count, size):
            subprocess.run(command, input=script(start), text=True, check=True)
        rate = count / (time.monotonic() - began)
        subprocess.run(["nft", "delete", "table", "inet", "t"] if kind == "nft" else
                       ["ipset", "destroy", "s"], check=True)
    return {"elements/s": rate}


def with_target(lab_, kind, count, size):
    rate = tool("set_rate", kind, count, size, prefix=["ip", "netns", "exec", lab_.gateway])[0]
    return {"elements/s": float(rate)}


def publish():
    part = Part("publish", """new elements a second into a set with timeouts, in commits of 1, 64 and
        512: the publisher's own target beside `nft -f -` and `ipset restore`, which start a process
        for each commit as a script does.""")
    with laboratory() as (lab_, _):
        for kind, name in (("nft", "nft -f"), ("ipset", "ipset restore")):
            for size, theirs, ours in ((1, 60, 3000), (64, 64 * 20, 64 * 400), (512, 512 * 8, 512 * 80)):
                part.rounds(f"{kind} set, {size} a commit" if kind == "nft" else
                            f"ipset, {size} a commit",
                            [(name, lambda _: with_tool(lab_, kind, theirs, size)),
                             ("synprint", lambda _: with_target(lab_, kind, ours, size))],
                            goals={("synprint", "elements/s"): ">= 10"} if size == 1 and
                            kind == "nft" else None)
    return part
