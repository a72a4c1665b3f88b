#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The diversion rules: idempotent, selective, and without a trace once removed, whatever else the
administrator has in the kernel."""
import json
import re
import signal
import socket
from pathlib import Path

import lab
import traffic

ADMINISTRATOR_NFT = """
table ip marks {
    counter marked { }
    chain prerouting {
        type filter hook prerouting priority -160; policy accept;
        ip saddr 198.51.100.2 tcp dport 8080 meta mark set 0x17
    }
    chain forward {
        type filter hook forward priority 10; policy accept;
        meta mark 0x517 tcp flags & (syn | ack) == syn counter name marked
    }
}
table inet synprint {
    set friends { type ipv4_addr; elements = { 198.51.100.2 } }
    counter friendly { }
    chain mine {
        type filter hook prerouting priority -10; policy accept;
        ip saddr @friends tcp flags & (syn | ack) == syn counter name friendly
    }
}
"""
ADMINISTRATOR_IPTABLES = """*mangle
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j CONNMARK --set-xmark 0x5/0xff
-A PREROUTING -m connmark --mark 0x5/0xff -j MARK --set-xmark 0x500/0xff00
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o g1 -j MASQUERADE
COMMIT
"""


def status(lab_):
    done = lab_.rules("status", "--json", check=False)
    reply = json.loads(done.stdout)
    assert done.returncode == (0 if reply["present"] else 1), done
    return reply


def idempotent(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(queue="first = 4; count = 3;")
    before = lab_.snapshot()
    assert status(lab_) == {"present": False}
    lab_.rules("apply", config=config)
    traffic.connect(lab_.client, lab.SERVER4)
    traffic.connect(lab_.client, lab.SERVER6)
    lab.wait_until(lambda: not lab_.elements("answering"), "the switch forgets who answered")
    once = lab_.snapshot()
    expected = {"present": True, "engine": status(lab_)["engine"], "queue_first": 4,
                "queue_count": 3, "interfaces": [], "syns": 2, "diverting": False}
    assert status(lab_) == expected, status(lab_)
    lab_.rules("apply", config=config)
    lab_.expect_snapshot(once, "a second apply changed something")
    daemon = lab_.daemon(config).start()
    assert status(lab_)["diverting"] and status(lab_)["syns"] == 2, status(lab_)
    daemon.stop()
    lab_.expect_snapshot(before, "synprintd left something behind")
    lab_.rules("apply", config=config)
    lab_.rules("apply", "--queues", "9", "--interface", "g0", "--interface", "eth*", config=config)
    replaced = status(lab_)
    assert (replaced["queue_first"], replaced["queue_count"]) == (9, 1), replaced
    assert replaced["interfaces"] == ["g0", "eth*"], replaced
    for told in ("The rules are removed.", "There are no rules of synprint's"):
        assert lab_.rules("remove", config=config).stdout.startswith(told), told
        lab_.expect_snapshot(before, "rules remove left something behind")
    assert status(lab_) == {"present": False}


def load_administrators_rules(lab_):
    lab_.nft(ADMINISTRATOR_NFT)
    for tool in ("iptables", "ip6tables"):
        lab.sh(f"{tool}-restore", "--noflush", namespace=lab_.gateway, stdin=ADMINISTRATOR_IPTABLES)


def to_the_byte(lab_):
    """Where no packet comes, counters too are what they were."""
    lab_.gateway += "q"  # a quiet one, without links
    lab_.add_namespace(lab_.gateway)
    load_administrators_rules(lab_)
    before = lab_.snapshot()
    lab_.rules("apply")
    assert lab_.snapshot() != before
    lab_.rules("remove")
    lab_.expect_snapshot(before, "rules apply and remove changed something")
    lab_.daemon().start().stop()
    lab_.expect_snapshot(before, "synprintd changed something")


def administrators_rules(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    load_administrators_rules(lab_)
    before = lab_.snapshot(stateless=True)
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    listed = lab_.snapshot(stateless=True)
    for line in before.splitlines():
        assert line in listed, f"'{line}' went away"
    check_marks_and_nat(lab_)
    assert daemon.received() == 4 and lab_.elements("all4"), daemon.status()
    daemon.stop()
    lab_.expect_snapshot(before, "synprintd changed something", stateless=True)


def check_marks_and_nat(lab_):
    """The server sees the gateway's address, and every SYN carries the marks."""
    with lab.inside(lab_.server):
        listener = socket.create_server(("203.0.113.2", 9090))
    with lab.inside(lab_.client):
        conn = socket.create_connection((lab.SERVER4, 9090), timeout=20)
    accepted, peer = listener.accept()
    for end in (conn, accepted, listener):
        end.close()
    assert peer[0] == "203.0.113.1", peer
    for _ in range(3):
        traffic.connect(lab_.client, lab.SERVER4)
    assert lab_.counter("ip marks", "marked") == 3  # nft's mark and iptables' together
    assert lab_.counter("inet synprint", "friendly") == 4


def interfaces(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    lab_.adopt(traffic.Server(lab_.client))
    lab_.adopt(traffic.Server(lab_.gateway))
    for names, expected in (('"g1"', 2), ('"g0"', 3), ('"g*"', 5), ('"lo", "g1"', 6),
                            ('"eth0"', 0), ("", 9)):
        daemon = lab_.daemon(lab_.write_config(rules=f"interfaces = [ {names} ];")).start()
        for destination in (lab.SERVER4, lab.SERVER6, lab.SERVER4):
            traffic.connect(lab_.client, destination)
        for destination in (lab.CLIENT4, lab.CLIENT6):
            traffic.connect(lab_.server, destination)
        for destination in ("127.0.0.1", "::1") * 2:
            traffic.connect(lab_.gateway, destination)
        assert daemon.received() == expected, (names, expected, daemon.status())
        assert status(lab_)["syns"] == expected, (names, expected, status(lab_))
        daemon.stop()


def fanout(lab_):
    """One client's connections, too, are spread over the queues."""
    lab_.adopt(traffic.Server(lab_.server))
    engines = ["auto", "xt"] + (["nft"] if lab.has_kernel_nft_queue(lab_) else [])
    for engine in engines:
        for sources in (100, 1):
            config = lab_.write_config(engine=engine, queue="first = 65532; count = 4;")
            daemon = lab_.daemon(config).start()
            traffic.expect_no_failure(traffic.Load(lab_.client, 400, 200, sources).result(), engine)
            daemon.wait_for_syns(200)
            queues = {queue["queue"]: queue["received"] for queue in daemon.status()["queues"]}
            assert list(queues) == [65532, 65533, 65534, 65535], queues
            assert sum(queues.values()) + daemon.status()["rules"]["unclassified"] >= 200, daemon.status()
            assert sum(queues.values()) > 150, queues
            if sources > 1:
                assert min(queues.values()) > 10, queues
            daemon.stop()


def what_nft_lists_loads_again(lab_):
    """Many keep `nft list ruleset` as their nftables.conf: at a boot all of it loads, or nothing. (xt's
    NFQUEUE target is nft's to print and nobody's to load: that line is left out.)"""
    sets = ['nftset = "served"; confirm = "served"; on_change = "remove";', "mark = 0x10000;",
            'nftset = "conn"; key = "addr . port";', 'nftset = "some"; except = [ "192.0.2.0/24" ];']
    conntrack = "conntrack = true;"
    for sections in ({"clocks": "enabled = true;"}, {"clocks": 'enabled = true; match = "counter";'},
                     {"rules": 'skip_known = "30s"; defragment = true; limit = 1000;'}):
        sections["rules"] = sections.get("rules", "") + conntrack
        config = lab_.write_config(sets=[line for line in sets if "skip" not in sections["rules"]
                                         or "mark =" not in line], **sections)
        daemon = lab_.daemon(config).start()
        lines = lab.sh("nft", "list", "ruleset", namespace=lab_.gateway).stdout.splitlines()
        assert any("fib saddr . iif oif" in line for line in lines), lines
        daemon.stop()
        lab_.nft("\n".join(line for line in lines if "queue num " not in line or
                           lab.has_kernel_nft_queue(lab_)))
        daemon = lab_.daemon(config).start()
        assert "warning" not in daemon.log(), daemon.log()
        daemon.stop()
        assert not lab_.nft("list ruleset"), "a stop takes it all away"


def others_do_not_stay(lab_):
    """Rules of another configuration, in which our bits mean something else: from `rules apply`, or from a
    firewall's file that was saved before a change. Whom they put into a wrong set does not stay there, and
    set `more` has no bit in the daemon's configuration."""
    windows = 'nftset = "windows"; families = [ "Windows" ];'
    linux = 'nftset = "linux"; families = [ "Linux" ];'
    more = 'nftset = "more"; families = [ "Windows" ];'
    three = "mark_field = 0x7000000;"  # diverted, and two sets
    old = lab_.write_config([more, windows], name="old.conf", rules=three)
    older = lab_.write_config([windows, more], name="older.conf", rules=three)
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([windows, linux, more], rules=three)).start()
    load = lab_.adopt(traffic.Load(lab_.client, 300))
    for other, options in ((old, ()), (older, ()), (old, ("--queues", "60-61")), (old, ("--interface", "lo"))):
        restored = daemon.status()["rules"]["restored"]
        applied = lab_.rules("apply", *options, config=other)
        assert "it puts its own in their place" in applied.stderr, applied
        lab.wait_until(lambda: daemon.status()["rules"]["restored"] == restored + 1, "our own are back")
    load.wait_for(load.started_so_far() + 300)
    traffic.expect_no_failure(load.stop(), "beside others' rules")
    lab.wait_until(lambda: not any(lab_.elements(name) for name in ("windows4", "windows6", "more4", "more6")),
                   "nobody is in a wrong set")
    assert len(lab_.elements("linux4")) == 100, lab_.elements("linux4")
    assert daemon.has_said_once("somebody changed the rules; they are there again"), daemon.log()


def nobody_has_chosen(lab_):
    """Neither a file nor a daemon says what is to be diverted."""
    def apply(*options):
        return lab.sh(lab.SYNPRINT, "--socket", str(lab_.dir / "nobody"), "rules", "apply", *options,
                      namespace=lab_.gateway).stderr
    default = "/etc/synprint/synprint.conf"
    for options, which in (((), "all interfaces"), (("--interface", "g0"), "the interfaces given")):
        stderr = apply(*options)
        if Path(default).exists():
            assert stderr == "", stderr
        else:
            assert f"there is no {default}" in stderr and f"in by {which} to queues 0 to " in stderr and \
                "--config FILE" in stderr, stderr
    assert apply("--config", str(lab_.write_config())) == ""


def by_the_file_of_the_daemon_that_runs(lab_):
    """Without --config it is that, wherever it works, and not the default one."""
    config = lab_.write_config(engine="auto", queue="first = 20; count = 2;", rules='interfaces = [ "g0" ];')
    daemon = lab_.daemon(Path(config.name)).start(wrapper=("env", "-C", str(lab_.dir)))

    def rules(action, check=True):
        return lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "rules", action,
                      namespace=lab_.gateway, check=check)
    printed = rules("print").stdout
    assert '"g0"' in printed and "20-21" in printed, printed
    assert rules("remove").returncode == 0
    assert rules("apply").returncode == 0
    shown = rules("status").stdout
    assert re.search("queues +20-21\ninterfaces +g0\n", shown), shown
    daemon.kill(signal.SIGSTOP)
    stood = rules("print", check=False)
    daemon.kill(signal.SIGCONT)
    assert f"synprintd at {daemon.socket} does not answer" in stood.stderr, stood
    assert daemon.stop() == 0
    assert rules("print", check=False).stderr == "", "nobody is there"
    config.write_text(config.read_text().replace('"auto"', '"none"'))
    daemon.start(wrapper=("env", "-C", str(lab_.dir)))
    shown = rules("status", check=False)
    assert shown.returncode == 1 and 'rules.engine is "none"' in shown.stdout, shown


if __name__ == "__main__":
    lab.run(idempotent, to_the_byte, administrators_rules, interfaces, fanout, what_nft_lists_loads_again,
            others_do_not_stay, nobody_has_chosen, by_the_file_of_the_daemon_that_runs)
