#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The packets clock the switch and fill the sets: nothing is committed, and whatever happens to the
daemon no connection waits for more than one retransmission of its SYN. `--long`: with the counts and
times of `make check-switch`."""
import contextlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import lab
import traffic

# Between the first and the second retransmission (RFC 6298), so that no slow machine matters.
ABOUT_ONE_RETRANSMISSION_S = 2.9
ALL = 'nftset = "all"; timeout = "10m"'
IS_LONG = "--long" in sys.argv
QUIET_S = 60 if IS_LONG else 2
WAKE_UPS_A_SECOND = 6  # of a thread that has nothing to do: twice what the busiest one has
FOREIGN = 200_000 if IS_LONG else 20_000


def expect_fine(result, what):
    traffic.expect_no_failure(result, what)
    lab.figure(f"{what}: {result['started']} connections, {result['retransmissions']} SYNs sent again, "
               f"longest {result['longest_ms']:.0f} ms")
    # Where the whole machine stands still for seconds, this is no matter of the switch.
    assert lab.PATIENCE > 2 or result["most_again"] <= 1, result


def connect_s(lab_):
    began = time.monotonic()
    traffic.connect(lab_.client, lab.SERVER4)
    return time.monotonic() - began


def sent_again(lab_):
    with lab.inside(lab_.client):
        return traffic.syn_retransmissions()


def wait_until_asked(lab_, daemon, seconds=10):
    """SYNs reach the daemon again."""
    before = daemon.received()

    def is_asked():
        traffic.connect(lab_.client, lab.SERVER4)
        return daemon.received() > before
    lab.wait_until(is_asked, "SYNs are diverted again", seconds)


class Monitor:
    """What anybody changes in nf_tables, as nft tells."""

    def __init__(self, lab_):
        self.path = lab_.dir / "monitor"
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "nft", "monitor"],
                                            stdout=out)
        lab_.adopt(self)  # first, so that nothing stays where it does not come to listen
        self.number = 0
        lab.wait_until(lambda: self.hears(lab_), "nft monitor listens")
        lab.wait_until(self.has_said_all, "it has told all of it")
        self.before = len(self.path.read_text())

    def hears(self, lab_):
        """What was said before it listened is not repeated: so it is said until it is heard."""
        self.number += 1
        lab_.nft(f"add table ip hello{self.number}\ndelete table ip hello{self.number}")
        return "hello" in self.path.read_text()

    def has_said_all(self):
        return re.search(rf"delete table ip hello{self.number}\n# new generation .*\n", self.path.read_text())

    def said(self):
        return self.path.read_text()[self.before:]

    def close(self):
        self.process.kill()
        self.process.wait()


def sleeps(daemon):
    """How often each thread went to sleep so far. A sanitizer's own has the main thread's name."""
    counts = {}
    for task in Path(f"/proc/{daemon.process.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        asleep = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(), re.M)
        counts[name] = counts.get(name, 0) + int(asleep[1])
    return counts


def nothing_is_committed(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([ALL, 'nftset = "too"; on_change = "remove"'],
                                           publish="once_percent = 100; network_percent = 100;")).start()
    time.sleep(0.5)
    monitor = Monitor(lab_)
    slept = sleeps(daemon)
    time.sleep(QUIET_S)
    slept = {name: (count - slept.get(name, 0)) / QUIET_S for name, count in sleeps(daemon).items()}
    lab.figure(f"idle: {sum(slept.values()):.1f} wake-ups a second, by thread: {slept}")
    assert all(count <= WAKE_UPS_A_SECOND for name, count in slept.items() if name != "synprintd"), slept
    assert not monitor.said(), monitor.said()
    count = 200 * QUIET_S
    expect_fine(traffic.Load(lab_.client, 200, count, count // 2).result(),
                f"{QUIET_S} s of nft monitor, then 200 new clients a second for {QUIET_S} s")
    missing = count - len(lab_.elements("all4")) - len(lab_.elements("all6"))
    lab.wait_until(lambda: daemon.status()["rules"]["unanswered"] >= missing, "who is in no set has passed unasked")
    assert missing < count // 2, "nearly all are in their set"
    assert not monitor.said(), monitor.said()
    publish = daemon.status()["publish"]
    assert (publish["bursts"], publish["late"], publish["lost"]) == (0, 0, 0), publish


def a_lone_syn_after_a_stop(lab_):
    """The last answer was 100 ms ago; and much longer ago."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(queue="count = 1;")).start()
    for pause_s in (0.1, 1):
        connect_s(lab_)
        daemon.kill(signal.SIGSTOP)
        time.sleep(pause_s)
        took_s = connect_s(lab_)
        lab.figure(f"a lone SYN {pause_s} s after a stop: {took_s:.2f} s")
        assert took_s < ABOUT_ONE_RETRANSMISSION_S, took_s
        before = sent_again(lab_)
        connect_s(lab_)
        assert sent_again(lab_) == before, "the next one passes at once"
        daemon.kill(signal.SIGCONT)
        wait_until_asked(lab_, daemon)
    lab.wait_until(lambda: daemon.status()["rules"]["unanswered"] >= 2, "who passed is counted")


def killed_while_stopped(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config()
    daemon = lab_.daemon(config).start()
    load = lab_.adopt(traffic.Load(lab_.client, 100))
    load.wait_for(50)
    daemon.kill(signal.SIGSTOP)
    time.sleep(1)
    daemon.stop(signal.SIGKILL)
    again = lab_.daemon(config).start()
    wait_until_asked(lab_, again)
    expect_fine(load.stop(), "kill -9 while stopped, and a start")


def the_only_syn_was_dropped(lab_):
    """A base chain that goes takes with it what waits in queues, and nobody is told."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(queue="count = 1;")).start()
    lab_.nft("add table ip other\nadd chain ip other c { type filter hook input priority 5; }")
    daemon.kill(signal.SIGSTOP)
    load = lab_.adopt(traffic.Load(lab_.client, 1, 1))
    lab.wait_until(lambda: lab_.elements("waiting"), "the SYN is in the queue")
    lab_.nft("delete chain ip other c")
    daemon.kill(signal.SIGCONT)
    expect_fine(load.result(), "the only SYN in the queue was dropped")
    lab.wait_until(lambda: not lab_.elements("waiting"), "nothing is waited for")
    wait_until_asked(lab_, daemon)
    lab.wait_until(lambda: daemon.status()["rules"]["forgotten"] == 1, "that is told")


def flushed_and_dormant(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, 100))
    load.wait_for(50)
    for name in ("answering", "waiting"):
        lab_.nft(f"flush set inet synprint {name}")
        wait_until_asked(lab_, daemon)
    lab_.nft("add table inet synprint { flags dormant; }")
    lab.wait_until(lambda: daemon.status()["rules"]["restored"], "the table is switched on")
    wait_until_asked(lab_, daemon)
    assert daemon.status()["rules"]["restored"] == 1, daemon.status()["rules"]
    expect_fine(load.stop(), "the switch flushed, the table dormant")


def renamed_chains(lab_):
    """Chains of ours that somebody renames are made again, also where the table is off, and go at the stop."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    load = lab_.adopt(traffic.Load(lab_.client, 100))
    load.wait_for(20)
    lab_.nft(f"rename chain inet synprint divert {'x' * 200}")
    lab.wait_until(lambda: daemon.status()["rules"]["restored"] == 1, "the chain is there again")
    wait_until_asked(lab_, daemon)
    daemon.kill(signal.SIGSTOP)  # so that it meets both at once
    lab_.nft("rename chain inet synprint divert y")
    lab_.nft("add table inet synprint { flags dormant; }")
    daemon.kill(signal.SIGCONT)
    lab.wait_until(lambda: daemon.status()["rules"]["restored"] == 2, "and the table is on")
    wait_until_asked(lab_, daemon)
    lab_.nft("add chain inet synprint site")
    expect_fine(load.stop(), "chains renamed")
    assert daemon.stop() == 0
    left = [row["chain"]["name"] for row in lab_.nft_json("list", "ruleset") if "chain" in row]
    assert left == ["site"], left


def many_queues_and_sets(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    sets = [f'nftset = "s{number}"' for number in range(32)]
    daemon = lab_.daemon(lab_.write_config(sets, queue="count = 16;",
                                           rules="mark_field = 0xff00;")).start()
    load = lab_.adopt(traffic.Load(lab_.client, 200))
    load.wait_for(400)
    daemon.kill(signal.SIGSTOP)
    time.sleep(1)
    daemon.kill(signal.SIGCONT)
    wait_until_asked(lab_, daemon)
    expect_fine(load.stop(), "16 queues and 32 sets, 7 of them by bits")
    for number in (0, 6, 7, 31):
        lab.wait_until(lambda n=number: len(lab_.elements(f"s{n}4")) >= 100, f"set {number} is filled")
    targets = daemon.status()["publish"]["sets"]
    assert daemon.status()["publish"]["bursts"] and len(targets) == 32, targets


def as_many_rules_as_there_may_be(lab_):
    """All bits, all sets, all interfaces, and a rule for each of them, in one transaction."""
    sets = [f'nftset = "s{number}"; confirm = "served"; on_change = "remove"; families = [ "Linux" ]'
            for number in range(32)]
    interfaces = ", ".join(['"g0"'] + [f'"{number}x*"' for number in range(10, 41)])
    sections = {"queue": "count = 16;", "clocks": "enabled = true;",
                "rules": "mark_field = 0xffffffff; ct_mark_field = 0xffffffff; conntrack = true; "
                         f"limit = 50000; skip_known = \"10s\"; interfaces = [ {interfaces} ];"}
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(sets, **sections)).start()
    lab_.write_config(sets[::-1], **sections)
    assert daemon.request({"op": "reload"})["ok"], daemon.log()

    def is_member():
        traffic.connect(lab_.client, lab.SERVER4)
        return lab.CLIENT4 in lab_.elements("s04")
    lab.wait_until(is_member, "the client is in a set")
    lab.wait_until(lambda: daemon.status()["rules"]["counted"], "the rules were looked at")
    assert daemon.status()["rules"]["restored"] == 0, daemon.log()


def first_syns(lab_, what):
    """A rule behind ours matches each client's first SYN, unless that passed by a queue that did not
    answer, on a machine that is too busy."""
    count = 10_000 if IS_LONG else 1000
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        [ALL], publish="once_percent = 100; network_percent = 100;")).start()
    lab_.nft("""add chain inet synprint site { type filter hook prerouting priority -100; }
        add rule inet synprint site tcp flags & (syn | ack) == syn ip saddr @all4 counter
        add rule inet synprint site tcp flags & (syn | ack) == syn ip6 saddr @all6 counter""")
    result = traffic.Load(lab_.client, 500, count, count // 2).result()
    expect_fine(result, what)
    listed = lab_.nft("list chain inet synprint site")
    first = sum(int(line.split("packets ")[1].split()[0]) for line in listed.splitlines()
                if "packets " in line)
    sent = count + result["retransmissions"]
    lab.wait_until(lambda: daemon.status()["rules"]["counted"] >= sent, "all SYNs are counted")
    passed = daemon.status()["rules"]["unanswered"]
    assert first + passed >= count and first <= sent, (first, passed, result)
    lab.figure(f"{what}: {first} SYNs of {count} new clients found in their sets, {passed} passed unasked")


def first_syn(lab_):
    first_syns(lab_, "alone")


@contextlib.contextmanager
def foreign_loads(lab_):
    """Somebody loads and deletes a large set all the time."""
    elements = ", ".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(FOREIGN))
    script = lab_.dir / "big.nft"
    script.write_text("table inet big { set s { type ipv4_addr; elements = { " + elements +
                      " }; }; }\ndelete table inet big\n")
    loads = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "sh", "-c",
                              f"while nft -f {script}; do :; done"])
    try:
        yield
    finally:
        loads.terminate()
        loads.wait()


def first_syn_beside_foreign_loads(lab_):
    with foreign_loads(lab_):
        first_syns(lab_, "beside foreign loads")


def bits_keep_their_meaning(lab_):
    """Two sets in turn have the only bit that there is, under load; nobody belongs into the second."""
    lab_.adopt(traffic.Server(lab_.server))
    sets = ('nftset = "linux"; families = [ "Linux" ]', 'nftset = "never"; families = [ "Windows" ]')
    sections = {"rules": "mark_field = 0x3;"}
    daemon = lab_.daemon(lab_.write_config(sets[:1], **sections)).start()
    load = lab_.adopt(traffic.Load(lab_.client, 500))
    load.wait_for(100)
    for number in range(20):
        which = 1 - number % 2
        lab_.write_config(sets[which:which + 1], **sections)
        assert daemon.request({"op": "reload"})["ok"], daemon.log()
        load.wait_for(load.started_so_far() + 50)
        if which:
            assert not lab_.elements("never4") and not lab_.elements("never6")
        else:
            lab.wait_until(lambda: len(lab_.elements("linux4")) == 100, "the set is full again")
    both = sets + sets[:0]
    for number in range(20):
        lab_.write_config(both[::-1] if number % 2 else both)
        assert daemon.request({"op": "reload"})["ok"], daemon.log()
    load.wait_for(load.started_so_far() + 200)
    assert not lab_.elements("never4") and not lab_.elements("never6")
    expect_fine(load.stop(), "40 reloads that exchange two sets")


def bits_of_one_that_was_killed(lab_):
    """The rules of a process that was killed stay, and its successor's bits mean something else to them. Who
    commits large sets leaves them there for longer."""
    lab_.adopt(traffic.Server(lab_.server))
    sets = ['nftset = "linux"; families = [ "Linux" ]', 'nftset = "never"; families = [ "Windows" ]']
    daemon = lab_.daemon(lab_.write_config(sets)).start()
    load = lab_.adopt(traffic.Load(lab_.client, 500))
    load.wait_for(300)
    with foreign_loads(lab_):
        for number in range(4):
            daemon.stop(signal.SIGKILL)
            lab_.write_config(sets if number % 2 else sets[::-1])
            daemon.start()
            assert not lab_.elements("never4") and not lab_.elements("never6"), number
            lab.wait_until(lambda: len(lab_.elements("linux4")) == 100, "the set is as full as it was")
    expect_fine(load.stop(), "killed, and started with other bits")


OLD = """table inet synprint {{
    comment "{tag}"
    set alive {{ type inet_proto; flags timeout; {comment} }};
    set all4 {{ type ipv4_addr; flags timeout; timeout 1h; {comment} elements = {{ 192.0.2.1 }}; }};
    chain divert {{ type filter hook prerouting priority -175;
        tcp flags & (fin | syn | rst | ack) == syn counter meta l4proto @alive accept {rule}; }}; }}"""


def version_0_1_is_taken_over(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    lab_.nft(OLD.format(tag="synprint", comment='comment "synprint";', rule='comment "synprint xt 0-1 *"'))
    lab_.daemon(lab_.write_config([ALL])).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert set(lab_.elements("all4")) == {"192.0.2.1", lab.CLIENT4}, lab_.elements("all4")
    assert "alive" not in lab_.snapshot(), lab_.snapshot()


def rules_that_version_0_1_printed(lab_):
    """They are the administrator's, and get their heartbeat."""
    lab_.nft(OLD.format(tag="", comment="", rule="").replace('comment ""', ""))
    daemon = lab_.daemon(lab_.write_config([], engine="none")).start()
    lab.wait_until(lambda: list(lab_.elements("alive")) == ["tcp"], "the old switch is on")
    assert "load what 'synprint rules print' prints now" in daemon.log(), daemon.log()
    daemon.stop()
    assert not lab_.elements("alive"), "the switch was left on"


def known_shapes_are_skipped(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "six"; families = [ "Windows" ]'],
                                           rules='skip_known = "2s";')).start()
    for _ in range(5):
        traffic.connect(lab_.client, lab.SERVER4)
        traffic.connect(lab_.client, lab.SERVER6)
    lab.wait_until(lambda: daemon.status()["rules"]["skipped"] == 8, "eight of ten were skipped")
    assert daemon.received() == 2, daemon.status()
    time.sleep(2.2)
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 3, daemon.status()
    lab.wait_until(lambda: daemon.status()["rules"]["unclassified"] == 0, "all are accounted for")


def prefixes_ports_and_maps(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    lab_.daemon(lab_.write_config([
        'nftset = "nets"; prefix6 = 64', 'nftset = "conns"; key = "addr . port"',
        'nftmap = "class"; value = 0x10'])).start()
    lab_.nft("""add chain inet synprint site { type filter hook prerouting priority -100; }
        add rule inet synprint site ip6 saddr & ffff:ffff:ffff:ffff:: @nets6 tcp flags syn counter
        add rule inet synprint site meta mark set ip saddr map @class4 tcp flags syn counter""")
    port = traffic.connect(lab_.client, lab.SERVER4)
    traffic.connect(lab_.client, lab.SERVER6)
    listed = lab_.nft("list table inet synprint")
    assert list(lab_.elements("nets6")) == ["2001:db8:1::"], listed
    # Linux 6.1 lists the timeout of the set for each element.
    assert f"{lab.CLIENT4} . {port}" in listed, listed
    assert re.search(rf"{re.escape(lab.CLIENT4)} (timeout \S+ )?expires", listed), listed
    site = lab_.nft("list chain inet synprint site")
    assert site.count("packets 1 ") == 2, site


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != "--long"]
    lab.run(nothing_is_committed, a_lone_syn_after_a_stop, killed_while_stopped,
            the_only_syn_was_dropped, flushed_and_dormant, renamed_chains, many_queues_and_sets,
            as_many_rules_as_there_may_be,
            first_syn, first_syn_beside_foreign_loads, bits_keep_their_meaning,
            bits_of_one_that_was_killed, version_0_1_is_taken_over,
            rules_that_version_0_1_printed, known_shapes_are_skipped, prefixes_ports_and_maps)
