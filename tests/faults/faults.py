#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The fault table: what happens to real connections through the gateway while something goes wrong.
faults.py [NAME...]: those rows only ("beside a loop" is the last one). Exits 1 where a connection failed, or waited for longer than
about one retransmission of its SYN. Root; namespaces of its own."""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))
import lab  # noqa: E402
import clocks  # noqa: E402
import stall  # noqa: E402
import test_reload_keys as keys  # noqa: E402
import traffic  # noqa: E402

RATES = (300, 20)
FLOOD_S = "4"
# conntrack is not what is tested; nor who answers such a flood.
FLOOD_UNTRACKED = """add table inet flood
    add chain inet flood c { type filter hook prerouting priority -300; policy accept; }
    add rule inet flood c ip saddr 10.0.0.0/8 notrack"""
FLOOD_ENDS = FLOOD_UNTRACKED + """
    add chain inet flood d { type filter hook prerouting priority -140; }
    add rule inet flood d ip saddr 10.0.0.0/8 drop"""
CALM_S = 6  # after which a queue is as long as it was
SOURCES = 100  # of each IP version
# RFC 6298: the first retransmission comes after one second, the second after three; 1.03 s is usual.
ABOUT_ONE_RETRANSMISSION_MS = 1500
FOREIGN_ELEMENTS = 200_000


def restart(daemon, number=signal.SIGKILL):
    daemon.stop(number)
    daemon.start()


def kill_9(lab_, daemon):
    for _ in range(3):
        daemon.stop(signal.SIGKILL)
        time.sleep(1)
        daemon.start()
        time.sleep(0.5)


def stopped_10_s(lab_, daemon):
    daemon.kill(signal.SIGSTOP)
    time.sleep(10)
    daemon.kill(signal.SIGCONT)


def stopped_until_watchdog(lab_, daemon):
    """As systemd does it: WatchdogSec without a sign of life, then SIGABRT, then Restart."""
    daemon.kill(signal.SIGSTOP)
    time.sleep(5)
    daemon.kill(signal.SIGABRT)
    daemon.kill(signal.SIGCONT)
    daemon.process.wait()
    daemon.start()


def one_worker_stuck(lab_, daemon):
    with stall.Stalled(daemon.process.pid, "queue 0"):
        time.sleep(4)


def one_of_two_workers_stuck(lab_, daemon):
    """The other one goes on."""
    with stall.Stalled(daemon.process.pid, "queue 0"):
        time.sleep(4)
    queues = daemon.status()["queues"]
    assert queues[1]["received"] > queues[0]["received"], queues


def stopped_3_s(lab_, daemon):
    daemon.kill(signal.SIGSTOP)
    time.sleep(3)
    daemon.kill(signal.SIGCONT)


def stopped_under_a_flood(lab_, daemon):
    """100,000 SYNs a second beside the connections; conntrack is not what is tested."""
    lab_.nft(FLOOD_ENDS)
    flood = lab_.adopt(Program(["ip", "netns", "exec", lab_.client, f"{lab.BUILD}/bench/syn_flood", "c0",
                                mac_of(lab_, lab_.gateway, "g0"), "0", "50000", "100000", "6"]))
    time.sleep(1)
    stopped_3_s(lab_, daemon)
    flood.process.wait()


def idle_then_burst(lab_, daemon):
    """The switch forgets who answered; then a burst comes at once."""
    time.sleep(1.5)
    result = traffic.Load(lab_.client, 100000, 500, 100).result()
    traffic.expect_no_failure(result, "the burst itself")


def killed_while_stopped(lab_, daemon):
    for _ in range(2):
        daemon.kill(signal.SIGSTOP)
        time.sleep(2)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        time.sleep(0.5)


def foreign_loop(lab_, daemon):
    """200,000 elements loaded and deleted, again and again."""
    elements = ", ".join(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
                         for n in range(FOREIGN_ELEMENTS))
    script = lab_.dir / "big.nft"
    script.write_text("table inet big { set s { type ipv4_addr; elements = { " + elements +
                      " }; }; }\ndelete table inet big\n")
    for _ in range(4):
        lab.sh("nft", "-f", str(script), namespace=lab_.gateway)
    publish = daemon.status()["publish"]["sets"][0]
    assert not publish["quarantined"], publish


def switch_flushed(lab_, daemon):
    for _ in range(10):
        lab_.nft("flush set inet synprint answering\nflush set inet synprint waiting")
        time.sleep(0.3)


def dormant(lab_, daemon):
    for _ in range(3):
        lab_.nft("add table inet synprint { flags dormant; }")
        time.sleep(1.5)
    assert daemon.status()["rules"]["restored"] == 3, daemon.status()["rules"]


def chains_removed(lab_, daemon):
    """A base chain of somebody's, 30 times a second: what waits in queues is dropped with it."""
    lab_.nft("add table ip other")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        lab_.nft("add chain ip other c { type filter hook input priority 5; }\n"
                 "delete chain ip other c")
        time.sleep(1 / 30)


def exchanged_sets(lab_, daemon):
    """Two sets in turn; nobody belongs into the second one, whatever bit it has."""
    sets = ['nftset = "all"; families = [ "Linux" ];', 'ipset = "every";',
            'nftset = "never"; families = [ "Windows" ];']
    for number in range(1000):
        lab_.write_config(sets if number % 2 else sets[::-1], rules="mark_field = 0x7;")
        reply = daemon.request({"op": "reload"})
        assert reply["ok"], reply
    assert not elements(lab_, "never4") and not elements(lab_, "never6")


def elements(lab_, name):
    with contextlib.suppress(AssertionError):
        return lab_.elements(name)
    return {}


def foreign_nft(lab_, daemon):
    elements = ", ".join(f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
                         for n in range(FOREIGN_ELEMENTS))
    lab_.nft("table inet other { set big { type ipv4_addr; }; }\n"
             f"add element inet other big {{ {elements} }}")


def reloads(lab_, daemon):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert daemon.request({"op": "reload"})["ok"]
        time.sleep(0.1)


def full_queue(lab_, daemon):
    """A burst that finds a queue of 64 full, again and again."""
    for _ in range(5):
        result = traffic.Load(lab_.client, 1000000, 1000, 500).result()
        traffic.expect_no_failure(result, "the burst itself")


def flush_ruleset(lab_, daemon):
    for _ in range(3):
        lab.sh("nft", "flush", "ruleset", namespace=lab_.gateway)
        time.sleep(1.5)


@contextlib.contextmanager
def slowed(daemon):
    """It runs a fifth of the time, in slices that no queue runs dry in."""
    done = threading.Event()

    def slow():
        while not done.wait(0.005):
            daemon.kill(signal.SIGSTOP)
            time.sleep(0.02)
            daemon.kill(signal.SIGCONT)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def backlog(lab_, daemon):
    """More SYNs come than are answered: few wait. When it is over, a burst has the whole queue again."""
    lab_.nft(FLOOD_ENDS)
    command = ["ip", "netns", "exec", lab_.client, f"{lab.BUILD}/bench/syn_flood", "c0",
               mac_of(lab_, lab_.gateway, "g0"), "0", "0"]

    def waiting():
        path = Path(f"/proc/{daemon.process.pid}/net/netfilter/nfnetlink_queue")
        return int(path.read_text().split()[2])

    flood = lab_.adopt(Program([*command, "0", "60"]))
    with slowed(daemon):
        lab.wait_until(lambda: daemon.status()["queues"][0]["backlogs"], "a backlog stands")
        lab.wait_until(lambda: waiting() <= 512, "few SYNs wait")
        standing = max(waiting() for _ in range(1000))
    flood.close()
    lab.wait_until(lambda: waiting() == 0, "none waits")
    time.sleep(CALM_S)
    daemon.kill(signal.SIGSTOP)
    subprocess.run([*command, "50000", "0.2"], check=True, stdout=subprocess.DEVNULL)
    burst = waiting()
    daemon.kill(signal.SIGCONT)
    print(f"  waiting: at most {standing} while the backlog stands, {burst} in a burst behind it")
    assert standing <= 512 < burst, (standing, burst)


def disk_full(lab_, daemon):
    with contextlib.suppress(OSError):
        (lab_.dir / "disk/filler").write_bytes(b"x" * 64 * 1024)
    time.sleep(4)
    assert "No space left" in daemon.log()


def damaged_state(lab_, daemon):
    daemon.stop()
    (lab_.dir / "kept").write_bytes(os.urandom(5000))
    daemon.start()


def table_full(lab_, daemon):
    time.sleep(3)
    assert daemon.status()["clients"]["evicted"] > 0


def thousand_clients(lab_, daemon):
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            stream = stack.enter_context(socket.socket(socket.AF_UNIX))
            stream.connect(daemon.socket)
            stream.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                stream.send((b'{"op":"status"}\n', b'{"op":"subscribe","syns":true}\n',
                             b"garbage\n" * 100, b'{"op":"ver')[number % 4])
        time.sleep(4)
        assert daemon.status()["ok"]


@contextlib.contextmanager
def limited(pid, limit, soft):
    """A soft limit of another process, for as long as this lasts."""
    before, hard = resource.prlimit(pid, limit)
    resource.prlimit(pid, limit, (soft, hard))
    yield
    resource.prlimit(pid, limit, (before, hard))


def no_descriptors(lab_, daemon):
    used = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    with limited(daemon.process.pid, resource.RLIMIT_NOFILE, used):
        for _ in range(20):
            with contextlib.suppress(OSError, ValueError), daemon.connect() as stream:
                stream.settimeout(0.1)
                stream.sendall(b'{"op":"reload"}\n')
                stream.recv(1000)
            time.sleep(0.1)


def memory_limit(lab_, daemon):
    size = int(Path(f"/proc/{daemon.process.pid}/statm").read_text().split()[0]) * 4096
    with limited(daemon.process.pid, resource.RLIMIT_AS, size + (1 << 20)):
        for _ in range(10):
            with contextlib.suppress(OSError, ValueError):
                assert not daemon.request({"op": "reload"})["ok"]
            time.sleep(0.2)


class Program:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def close(self):
        self.process.kill()
        self.process.wait()


def mac_of(lab_, namespace, link):
    words = lab.sh("ip", "-o", "link", "show", link, namespace=namespace).stdout.split()
    return words[words.index("link/ether") + 1]


def came_back(daemon):
    """What is known of the clients that connected more than once."""
    replies = [daemon.verdict(lab.source4(1 + i)) for i in range(SOURCES)]
    return {reply["ip"]: reply["os"]["label"] for reply in replies
            if reply["found"] and reply["client"]["syn_count"] > 1}


def syn_flood(lab_, daemon):
    """200,000 SYNs, each from an address of its own, as fast as one core sends them; what conntrack
    would count of them is not what is tested."""
    lab_.nft(FLOOD_UNTRACKED)
    memory = resident(daemon)
    known = came_back(daemon)
    done = lab.sh(f"{lab.BUILD}/bench/syn_flood", "c0", mac_of(lab_, lab_.gateway, "g0"), "0", "0", "0",
                  FLOOD_S, namespace=lab_.client)
    status = daemon.status()
    sizes = {name: len(lab_.elements(f"{name}4")) for name in ("all",)}
    print(f"  {done.stdout.strip()}; received {daemon.received()}, table {status['clients']['used']} "
          f"of {status['clients']['capacity']}, {status['clients']['evicted']} gave way; set all4 "
          f"{sizes['all']} of 65536; resident {memory} KiB before, {resident(daemon)} KiB after")
    again = came_back(daemon)
    assert all(again.get(ip) == label for ip, label in known.items()), (known, again)
    assert sizes["all"] <= 65536 // 2 + 2 * SOURCES, sizes


def twice_forged(lab_, daemon):
    """Two SYNs from each of 100,000 addresses, 20,000 a second for 10 s: within 2 s of their end 20 of
    20 newcomers are in their set, and 300 of 300 who were there before are known."""
    lab_.nft(FLOOD_UNTRACKED)
    before = {}
    for number in range(300):
        ip = lab.source4(2000 + number)
        for _ in range(2):
            traffic.connect(lab_.client, lab.SERVER4, ip)
        before[ip] = daemon.verdict(ip)["os"]["label"]
    done = lab.sh(f"{lab.BUILD}/bench/syn_flood", "c0", mac_of(lab_, lab_.gateway, "g0"), "0", "100000",
                  "20000", "10", namespace=lab_.client)
    ended = time.monotonic()
    newcomers = [lab.source4(40000 + 256 * number) for number in range(20)]
    while time.monotonic() < ended + 2:  # a scanner sends more than one SYN
        for ip in newcomers:
            traffic.connect(lab_.client, lab.SERVER4, ip)
        time.sleep(0.1)
    has_entered = lab_.has_elements("all4", newcomers)  # nft takes seconds to look into so large a set
    known = sum(daemon.verdict(ip).get("os", {}).get("label") == label for ip, label in before.items())
    print(f"  {done.stdout.strip()}; 20 newcomers {'are' if has_entered else 'are not all'} in their set "
          f"by what they sent within 2 s, {known} of 300 are known")
    assert has_entered and known == 300, known


def changed_keys(lab_, daemon):
    """Every key of every kind of set, as test_reload_keys.py has them, one reload after another."""
    keys.make_foreign(lab_)
    rules = [lines for kind, (_, names) in keys.KINDS.items()
             for suffix, key in enumerate(names.split()) for number in (0, 1)
             for lines in [keys.lines(kind, key, number, suffix)[0]]]
    for lines in rules:
        lab_.write_config(sets=lines)
        lab.wait_until(lambda: daemon.request({"op": "reload"})["ok"], "the last reload has ended")
        time.sleep(0.1)
    for entry in daemon.status()["publish"]["sets"]:
        assert not entry["quarantined"], entry
    lab_.write_config(['nftset = "all"; families = [ "Linux" ];', 'ipset = "every";'])
    lab.wait_until(lambda: daemon.request({"op": "reload"})["ok"], "the last reload has ended")


def full_set(lab_, daemon):
    """A set of 50 places and 100 active clients for each version: who is in it stays in it."""
    lab_.nft("table inet mine { set few4 { type ipv4_addr; flags timeout; size 50; }\n"
             "set few6 { type ipv6_addr; flags timeout; size 50; }; }")
    lab_.write_config(['nftset = "few"; table = "inet mine"; timeout = "40s";'])
    lab.wait_until(lambda: daemon.request({"op": "reload"})["ok"], "the last reload has ended")
    # The kernel rounds a hash's size; what counts is that it says that there is no more room.
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][0]["full"], "the set is full", 60)
    inside = set(lab_.elements("few4", "inet mine"))
    missing, looks, end = 0, 0, time.monotonic() + 30
    while time.monotonic() < end:
        missing += bool(inside - set(lab_.elements("few4", "inet mine")))
        looks += 1
        time.sleep(0.2)
    print(f"  {len(inside)} clients in the full set; {missing} of {looks} looks missed one")
    assert inside and not missing, (len(inside), missing)


def full_stderr(lab_, daemon):
    """Its log is a pipe that nobody reads, and that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            pass
    os.set_blocking(writer, True)
    daemon.stop()
    daemon.process = subprocess.Popen(
        ["ip", "netns", "exec", daemon.namespace, lab.SYNPRINTD, "-c", str(daemon.config)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    lab.wait_until(daemon.is_ready, "synprintd is ready", 30)
    for _ in range(20):
        daemon.request({"op": "reload"})
        time.sleep(0.2)
    os.close(writer)
    os.close(reader)


def clock_steps(lab_, daemon):
    clock = clocks.Clock(lab_)
    daemon.stop()
    daemon.start(wrapper=clock.wrapper())
    time.sleep(2)
    for seconds in (-3600, 2 * 3600, 10 * 365 * 86400):
        clock.step(seconds)
        lab_.nft("flush set inet synprint all4")
        time.sleep(3)
        assert lab_.elements("all4"), seconds


def resident(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


ROWS = {
    "kill -9, three times": (kill_9, {}),
    "SIGSTOP for 10 s": (stopped_10_s, {}),
    "SIGSTOP for 10 s, a SYN in two": (stopped_10_s, {}, (0.5,)),
    "SIGSTOP for 3 s, one queue": (stopped_3_s, {"queue": "first = 0; count = 1;"}),
    "SIGSTOP under 100,000 SYN/s": (stopped_under_a_flood, {}),
    "kill -9 while stopped": (killed_while_stopped, {}),
    "a burst after idling": (idle_then_burst, {}),
    "one of two workers stuck": (one_of_two_workers_stuck, {"queue": "first = 0; count = 2;"}),
    "200,000 loaded in a loop": (foreign_loop, {}),
    "the switch's sets flushed": (switch_flushed, {}),
    "the table dormant": (dormant, {}),
    "base chains removed, 30/s": (chains_removed, {}),
    "1,000 reloads exchange two sets": (exchanged_sets, {"rules": "mark_field = 0x7;"}),
    "16 queues, stopped": (stopped_3_s, {"queue": "first = 0; count = 16;"}),
    "SIGSTOP until the watchdog": (stopped_until_watchdog, {}),
    "one worker stuck for 4 s": (one_worker_stuck, {"queue": "first = 0; count = 1;"}),
    "foreign nft -f of 200,000": (foreign_nft, {}),
    "a reload every 100 ms": (reloads, {}),
    "full queue": (full_queue, {"queue": "first = 0; count = 1; length = 64;"}),
    "a backlog that stands": (backlog, {"queue": "first = 0; count = 1;"}),
    "nft flush ruleset, three times": (flush_ruleset, {}),
    "disk full for the state": (disk_full, {"disk": True}),
    "damaged state file": (damaged_state, {}),
    "table full": (table_full, {"clients": "capacity = 64;"}),
    "1,000 socket clients": (thousand_clients, {}),
    "out of descriptors": (no_descriptors, {}),
    "out of memory": (memory_limit, {}),
    "two forged SYNs an address": (twice_forged, {}),
    "every key of a set reloaded": (changed_keys, {}),
    "a full set": (full_set, {}),
    "a full pipe at stderr": (full_stderr, {}),
    "the clock set back and forward": (clock_steps, {}),
    "a flood of forged SYNs for 4 s": (syn_flood, {"clients": "capacity = 100000;"}),
}


def configure(lab_, sections):
    sections = dict(sections)
    on_disk = sections.pop("disk", False)
    config = lab_.write_config(['nftset = "all"; families = [ "Linux" ];', 'ipset = "every";'],
                               **sections)
    if on_disk:
        (lab_.dir / "disk").mkdir()
        lab.sh("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(lab_.dir / "disk"))
        config.write_text(config.read_text().replace(
            f'file = "{lab_.dir / "kept"}";', f'file = "{lab_.dir / "disk/kept"}"; interval = 1;'))
    return config


def lost_verdicts(daemon, count):
    """Addresses that connected, and of which nothing is known afterwards."""
    used = min(SOURCES, (count + 1) // 2)
    sources = [source(1 + i) for i in range(used) for source in (lab.source4, lab.source6)]
    return sum(not daemon.verdict(ip)["found"] for ip in sources)


def run_row(lab_, fault, sections, rate):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(configure(lab_, sections)).start()
    load = lab_.adopt(traffic.Load(lab_.client, rate, sources=SOURCES))
    load.wait_for(rate)
    before = daemon.log().count("\n")
    fault(lab_, daemon)
    load.wait_for(load.started_so_far() + rate)
    result = load.stop()
    lines = daemon.log().splitlines()[before:]
    lost = lost_verdicts(daemon, result["started"])
    return result, lost, lines


BESIDE, LOOP_ROUNDS, LOOP_RATE = "beside a loop", 8, 500


def resent(is_loop):
    """SYNs sent again while base chains are removed, of so many; both sides behind the same rules."""
    lab_ = lab.Lab()
    try:
        lab_.build()
        lab_.adopt(traffic.Server(lab_.server))
        config = lab_.write_config(['nftset = "all"; families = [ "Linux" ];'],
                                   queue="first = 0; count = 1;", clients="recent = 4096;")
        if is_loop:
            lab_.rules("apply", config=config)
            lab_.adopt(Program(["ip", "netns", "exec", lab_.gateway,
                                f"{lab.BUILD}/bench/accept_all", "batch", "0", "1"]))
        else:
            lab_.daemon(config).start()
        load = lab_.adopt(traffic.Load(lab_.client, LOOP_RATE, sources=SOURCES))
        load.wait_for(LOOP_RATE)
        chains_removed(lab_, None)
        result = load.stop()
    finally:
        for daemon in lab_.daemons:
            daemon.close()
        lab_.close()
    traffic.expect_no_failure(result, "base chains removed")
    return result["retransmissions"], result["started"]


def beside_a_loop():
    """Does it lose more than a loop that accepts everything? In turns. What is lost comes in clumps, so
    the rounds' ranks are compared (Mann and Whitney), by three sigmas."""
    rounds = [(resent(False), resent(True)) for _ in range(LOOP_ROUNDS)]
    (ours, made), (loop, loop_made) = ([list(column) for column in zip(*side)] for side in zip(*rounds))
    print(f"base chains removed 30 times a second under {LOOP_RATE}/s: {ours} of {sum(made)} SYNs sent "
          f"again, and {loop} of {sum(loop_made)} with a loop that accepts everything", flush=True)
    more = sum((a > b) + (a == b) / 2 for a in ours for b in loop)
    return more > LOOP_ROUNDS ** 2 / 2 + 3 * LOOP_ROUNDS * ((2 * LOOP_ROUNDS + 1) / 12) ** 0.5


def is_bad(result):
    return result["failed"] or result["longest_ms"] >= ABOUT_ONE_RETRANSMISSION_MS or \
        result["succeeded"] != result["started"]


def main():
    wanted = sys.argv[1:]
    bad = 0
    print(f"{'fault':32} {'rate':>5} {'made':>6} {'failed':>6} {'resent':>6} {'longest':>9} "
          f"{'unknown':>7} {'logged':>6}  first line")
    for name, (fault, sections, *rates) in ROWS.items():
        if wanted and not any(word in name for word in wanted):
            continue
        for rate in rates[0] if rates else RATES:
            lab_ = lab.Lab()
            try:
                lab_.build()
                result, lost, lines = run_row(lab_, fault, sections, rate)
            finally:
                disk = lab_.dir / "disk"
                for daemon in lab_.daemons:
                    daemon.close()
                if disk.is_dir():
                    subprocess.run(["umount", str(disk)], check=False)
                lab_.close()
            first = lines[0].removeprefix("synprintd: ")[:70] if lines else "-"
            print(f"{name:32} {rate:5} {result['started']:6} {result['failed']:6} "
                  f"{result['retransmissions']:6} {result['longest_ms']:6.0f} ms {lost:7} "
                  f"{len(lines):6}  {first}", flush=True)
            if is_bad(result):
                bad += 1
                print(f"  VIOLATED: {result}")
    if (not wanted or BESIDE in wanted) and beside_a_loop():
        bad += 1
        print("  VIOLATED: more than the loop")
    print(f"{bad} rows violated what synprint promises" if bad else
          "in every row: no connection failed, none waited for more than one retransmission")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
