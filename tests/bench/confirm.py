# SPDX-License-Identifier: GPL-2.0-or-later
"""What confirming costs: connections that are confirmed, and packets of those that were long ago."""
import contextlib
import json
import subprocess
import time
from pathlib import Path

from gateway import Agent, DESTINATION, divert, lab, laboratory
from harness import TOOLS, Part, tool

COUNT, CANDIDATES, BULK_S = 20000, 10000, 2
OPEN = ['nftset = "a"; confirm = "syn"; size = 1000000;']
SERVED = ['nftset = "a"; confirm = "served"; size = 1000000;']
# Conntrack is in use on every side; so the reference pays for it too. An object does that, and no rule
# asks for a connection's state: else synprintd would confirm clients on that side as well.
TRACK = """table ip track
    delete table ip track
    table ip track { ct expectation unused {
        protocol tcp
        dport 9
        timeout 1m
        size 1
        l3proto ip
    }; }"""
SIDES = {"unconfirmed": (OPEN, ""), "confirmed": (SERVED, "conntrack = true;")}


def cpu_of(process):
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0])


@contextlib.contextmanager
def gateway(lab_, side):
    """The rules and the agent of a side, or conntrack alone."""
    divert(lab_, 0)
    lab_.nft("delete table ip bench\n" + TRACK)
    if side not in SIDES:
        yield None
        return
    agent = Agent(lab_, "synprintd", sets=SIDES[side][0], keys=SIDES[side][1],
                  engine="auto")
    try:
        yield agent
    finally:
        agent.close()


def connections(lab_, server, side):
    """CPU time of client, server and agent, the kernel's way between them included."""
    with gateway(lab_, side) as agent:
        before, threads = cpu_of(server), agent.cpu_ns()
        client = int(tool("connect_times", DESTINATION, lab.PORT, COUNT, "read",
                          prefix=["ip", "netns", "exec", lab_.client])[0])
        served = cpu_of(server) - before
        used = {name: ns - threads.get(name, 0) for name, ns in agent.cpu_ns().items()}
        status = agent.daemon.status()
    assert (status["confirm"]["connections"] > 0) == (side == "confirmed"), status["confirm"]
    return {"CPU ns/connection": client + (served + sum(used.values())) / COUNT,
            "client": client, "server": served / COUNT} | {
            f"ns in '{name}'": ns / COUNT for name, ns in sorted(used.items())}


def candidates(lab_, mac, count):
    """Connections that are begun and never served."""
    def tracked():
        return int(lab.sh("cat", "/proc/sys/net/netfilter/nf_conntrack_count",
                          namespace=lab_.gateway).stdout)
    for _ in range(20):  # what is late on a busy machine is not made up for
        if tracked() >= count * 0.9:
            return
        subprocess.run(["ip", "netns", "exec", lab_.client, TOOLS / "syn_flood", "c0", mac, "0",
                        str(count), str(count), "1.2"], check=True, capture_output=True)
    raise AssertionError(f"{tracked()} of {count} candidates")


def bulk(lab_, mac, side, streams, waiting=0):
    with gateway(lab_, side):
        candidates(lab_, mac, waiting)
        server = subprocess.Popen(["ip", "netns", "exec", lab_.server, "iperf3", "-s", "-1"],
                                  stdout=subprocess.DEVNULL)
        try:
            lab.wait_until(lambda: "5201" in lab.sh("ss", "-Hltn", namespace=lab_.server).stdout,
                           "iperf3 listens")
            done = lab.sh("iperf3", "-c", DESTINATION, "-t", str(BULK_S), "-P", str(streams), "-J",
                          namespace=lab_.client)
        finally:
            server.terminate()
            server.wait()
    return {"Mbit/s": json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"] / 1e6}


def confirm():
    part = Part("confirm", f"""CPU time of {COUNT:,} connections one after the other, greeting
        included, of 1,000 clients in turn, beside a set that is filled at the SYN: in a set that waits
        for confirmations, where each client is confirmed when it comes first, and then now and then. And
        iperf3 through the gateway in packets of 1,500 bytes, beside conntrack alone: with no candidate,
        and with {CANDIDATES:,} that wait. Conntrack is in use on every side.""")
    with laboratory() as (lab_, mac):
        for namespace, device in ((lab_.client, "c0"), (lab_.server, "s0")):
            lab.sh("ip", "-n", namespace, "link", "set", device, "gso_max_segs", "1", check=False)
        lab_.nft("""table ip quiet { chain in { type filter hook input priority 0;
            ip saddr 10.0.0.0/8 drop; }; }""", lab_.server)  # an answer would end their connections
        server = subprocess.Popen(["ip", "netns", "exec", lab_.server, TOOLS / "connect_times",
                                   "serve", str(lab.PORT)], stdout=subprocess.PIPE)
        try:
            server.stdout.readline()
            time.sleep(0.1)
            part.rounds("connections", [(side, lambda _, s=side: connections(lab_, server, s))
                                        for side in SIDES],
                        goals={("confirmed", "CPU ns/connection"): "<= 1.03"})
        finally:
            server.kill()
            server.wait()
        for streams in (1, 4):
            sides = [("conntrack alone", 0), ("confirmed", 0), ("confirmed", CANDIDATES)]
            part.rounds(f"iperf3, {streams} streams" if streams > 1 else "iperf3",
                        [(f"{side}, {count:,} wait" if count else side,
                          lambda _, s=side, n=streams, c=count: bulk(lab_, mac, s, n, c))
                         for side, count in sides],
                        goals={(f"confirmed, {CANDIDATES:,} wait", "Mbit/s"): ">= 0.97",
                               ("confirmed", "Mbit/s"): ">= 0.97"})
    return part
