#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two clocks: who speaks for himself, and who speaks for somebody behind him; and that no packet waits
for who measures it."""
import contextlib
import signal
import socket
import threading
import time

import forger
import lab
import stall

CLOCKS = "enabled = true;"
SETS = ['nftset = "proxies"; flags = [ "proxy" ]; confirm = "served"; timeout = 60;']
PROXY_MS = 40  # that somebody behind a client takes for each answer
HELLO, FLIGHT, ANSWER, LAST = b"h" * 500, b"f" * 3000, b"a" * 80, b"l" * 100


def receive(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        assert part, f"the connection ended after {len(data)} of {count} bytes"
        data += part
    return data


class Server:
    """Speaks in turns as TLS does: the client's hello, a flight, the client's answer, the last word."""

    def __init__(self, lab_, namespace=None, port=lab.PORT):
        with lab.inside(namespace or lab_.server):
            self.listener = socket.create_server(("::", port), family=socket.AF_INET6,
                                                 dualstack_ipv6=True, backlog=128)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        lab_.adopt(self)

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(stream,), daemon=True).start()

    @staticmethod
    def serve(stream):
        with contextlib.suppress(OSError, AssertionError), stream:
            stream.settimeout(20)
            receive(stream, len(HELLO))
            stream.sendall(FLIGHT)
            receive(stream, len(ANSWER))
            stream.sendall(LAST)
            receive(stream, 1)

    def close(self):
        self.listener.close()


class Talk:
    """One connection. @wait_ms: what somebody behind it takes, before the hello and the answer."""

    def __init__(self, lab_, server=lab.SERVER4, namespace=None, port=lab.PORT, source=None):
        with lab.inside(namespace or lab_.client):
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            self.stream = socket.socket(family)
            self.stream.settimeout(20)
            # As TLS libraries do: what is to be said is said at once.
            self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if source:
                self.stream.bind((source, 0))
            self.stream.connect((server, port))

    def speak(self, wait_ms=0):
        time.sleep(wait_ms / 1000)
        self.stream.sendall(HELLO)
        receive(self.stream, len(FLIGHT))
        time.sleep(wait_ms / 1000)
        self.stream.sendall(ANSWER)
        receive(self.stream, len(LAST))

    def close(self):
        self.stream.close()


def talk(lab_, times=1, wait_ms=0, **arguments):
    for _ in range(times):
        with contextlib.closing(Talk(lab_, **arguments)) as one:
            one.speak(wait_ms)


def begin(lab_, clocks=CLOCKS, **arguments):
    server = Server(lab_)
    daemon = lab_.daemon(lab_.write_config(sets=SETS, clocks=clocks, rules="conntrack = true;",
                                           **arguments)).start()
    return daemon, server


def results(daemon):
    return daemon.status()["clocks"]["results"]


def wait_for(daemon, name):
    lab.wait_until(lambda: results(daemon)[name], f"a connection is {name}")


def told(daemon):
    """Connections of which something became. Before Linux 6.6 the first one has no time."""
    return sum(results(daemon).values()) + daemon.status()["clocks"]["unreadable"]


def be_measured(lab_, daemon, times, wait_ms=0, **arguments):
    """So many connections that are measured. On a machine that is too busy the client may send again
    what is on its way: then it is not, and the next one is."""
    end = time.monotonic() + 60
    wanted = results(daemon)["measured"] + times
    while results(daemon)["measured"] < wanted:
        assert time.monotonic() < end, daemon.status()["clocks"]
        before = told(daemon)
        talk(lab_, wait_ms=wait_ms, **arguments)
        lab.wait_until(lambda: told(daemon) > before, "one more is told", 30)


def proxied(lab_, server=lab.SERVER4, client=lab.CLIENT4, match="mark"):
    """As a direct client, then as a proxy's client, then directly again."""
    daemon, _ = begin(lab_, CLOCKS + f' match = "{match}";')
    assert daemon.status()["clocks"]["by"] == match, daemon.status()["clocks"]
    clocks = be_quick(lab_, daemon, server, client)
    assert clocks["grade"] == "none" and "no delay" in clocks["reason"], clocks
    be_measured(lab_, daemon, 3, PROXY_MS, server=server)
    verdict = daemon.verdict(client)
    clocks = verdict["clocks"]
    assert clocks["grade"] == "likely" and clocks["connections"] == 3, clocks
    assert PROXY_MS <= clocks["c1_ms"] < 1000 and PROXY_MS - 2 <= clocks["c2_ms"] < 1000, clocks
    assert clocks["by"] == "timestamps", clocks
    assert "proxy" in verdict["flags"] and "clocks" in verdict["reasons"], verdict
    return daemon


def be_quick(lab_, daemon, server=lab.SERVER4, client=lab.CLIENT4):
    """Returns the clocks of a client that was quick just now, which clears it. A machine that others
    keep busy is slow now and then."""
    def is_quick():
        be_measured(lab_, daemon, 1, server=server)
        clocks = daemon.verdict(client)["clocks"]
        return clocks if clocks["connections"] == 0 and clocks["last_quick"] else None
    return lab.wait_until(is_quick, "one quick connection clears a client", 30)


def proxies_are_found(lab_):
    daemon = proxied(lab_)
    name = "proxies4"
    assert not lab_.elements(name), "no connection has begun since the flag is there"
    generation = lab_.nft_json("list", "tables")  # and no commit brings what comes now
    talk(lab_, 1, PROXY_MS)
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements(name), "the next connection fills the set")
    assert generation == lab_.nft_json("list", "tables")
    explained = daemon.request({"op": "explain", "ip": lab.CLIENT4})
    assert explained["witnesses"]["agree"] == 1, explained
    assert explained["witnesses"]["clocks"]["speaks_for_it"] is True, explained
    text = daemon.cli("explain", lab.CLIENT4).stdout
    assert "witnesses of a proxy or a VPN: 1 of 3" in text, text
    assert "the first data came" in text and "in each of" in text, text
    tested = daemon.cli("selftest", check=False).stdout
    assert "by mark: " in tested and ", 1 likely proxies" in tested, tested
    status = daemon.status()["clocks"]
    assert status["likely"] == 1 and status["lost"] == 0, status
    be_quick(lab_, daemon)
    assert "proxy" not in daemon.verdict(lab.CLIENT4)["flags"]
    assert daemon.cli("forget", lab.CLIENT4).returncode == 0
    assert daemon.status()["clocks"]["clients"] == 0
    assert daemon.stop() == 0


def proxies_are_found_by_counter(lab_):
    daemon = proxied(lab_, lab.SERVER6, lab.CLIENT6, "counter")
    assert daemon.stop() == 0


def servers_of_the_gateway(lab_):
    """Their SYN+ACKs go out, where the kernel gives no time; and with NAT they have other addresses."""
    daemon, _ = begin(lab_)
    Server(lab_, lab_.gateway)
    lab_.nft("""add table ip nat
        add chain ip nat pre { type nat hook prerouting priority -100; }
        add chain ip nat post { type nat hook postrouting priority 100; }
        add rule ip nat pre tcp dport 8081 dnat to 203.0.113.2:8080
        add rule ip nat post oifname "g1" masquerade""")
    for server, port in [("198.51.100.1", lab.PORT), ("203.0.113.9", 8081)]:
        be_measured(lab_, daemon, 3, PROXY_MS, server=server, port=port)
    # More than six where one was told when the next had begun.
    measured, connections = results(daemon)["measured"], daemon.verdict(lab.CLIENT4)["clocks"]["connections"]
    assert measured >= 6 and connections == measured, daemon.status()["clocks"]


def lose(lab_, what):
    """Every second packet of a kind, at the server."""
    lab_.nft(f"""add table ip lose
        add chain ip lose c {{ type filter hook input priority 0; }}
        add rule ip lose c tcp dport {lab.PORT} {what} numgen inc mod 2 0 drop""", lab_.server)


def what_is_not_measured(lab_):
    """The counter is exceeded, the client sends again, and data comes with the SYN."""
    daemon, _ = begin(lab_)
    be_measured(lab_, daemon, 1)
    measured = results(daemon)["measured"]
    one = Talk(lab_)
    for _ in range(30):  # each is a packet of its own, and no answer comes before the last one
        one.stream.sendall(HELLO[:10])
        time.sleep(0.005)
    wait_for(daemon, "counter")
    one.close()
    # What is lost behind the gateway, the client sends again.
    lose(lab_, "meta length > 200")
    one = Talk(lab_)
    one.stream.sendall(HELLO)
    wait_for(daemon, "retransmission")
    one.close()
    lab_.nft("delete table ip lose", lab_.server)
    lab_.sysctl(lab_.client, {"net/ipv4/tcp_fastopen": 0x5})  # send it without a cookie
    with lab.inside(lab_.client), socket.socket() as stream:
        stream.sendto(HELLO, socket.MSG_FASTOPEN, (lab.SERVER4, lab.PORT))
    wait_for(daemon, "fast_open")
    lose(lab_, "tcp flags syn")
    Talk(lab_).close()
    wait_for(daemon, "two_syns")
    assert results(daemon)["measured"] == measured, daemon.status()["clocks"]


def transfers_and_reloads(lab_):
    """Rules that come during a transfer copy none of it; without the clocks no chain is left."""
    daemon, _ = begin(lab_, "enabled = false;")
    one = Talk(lab_)
    one.stream.sendall(HELLO)
    receive(one.stream, len(FLIGHT))
    assert "clocks" not in lab_.snapshot() and "clocks" not in daemon.status()
    lab_.write_config(sets=SETS, clocks=CLOCKS + ' match = "counter";', rules="conntrack = true;")
    daemon.cli("reload")
    assert "chain clocks" in lab_.snapshot()
    one.stream.sendall(ANSWER)
    receive(one.stream, len(LAST))
    one.close()
    assert copies(lab_) == 0, "not one packet of it"
    be_measured(lab_, daemon, 1)
    assert copies(lab_) > 0
    lab_.write_config(sets=SETS, clocks="enabled = false;", rules="conntrack = true;")
    daemon.cli("reload")
    assert "clocks" not in lab_.snapshot(), lab_.snapshot()
    assert "clocks" not in daemon.status()
    # What the kernel switched on with the rule, it leaves on.
    acct = lab.sh("cat", "/proc/sys/net/netfilter/nf_conntrack_acct", namespace=lab_.gateway)
    assert acct.stdout.strip() == "1", acct.stdout
    assert daemon.stop() == 0


def copies(lab_):
    """Packets that the rules have sent to the log."""
    total = 0
    for item in lab_.nft_json("list", "table", "inet", "synprint"):
        expressions = item.get("rule", {}).get("expr", [])
        if any("log" in one and one["log"].get("group") == 176 for one in expressions):
            total += next(one["counter"]["packets"] for one in expressions if "counter" in one)
    return total


def nobody_reads(lab_):
    """A reader that stands still, a log that is full, an agent that is gone: every packet passes."""
    daemon, _ = begin(lab_, CLOCKS + " limit = 2000;")
    be_measured(lab_, daemon, 1)
    with stall.Stalled(daemon.process.pid, "clocks"):
        flood(lab_, 30000)
        talk(lab_)
    be_measured(lab_, daemon, 1)
    assert daemon.status()["clocks"]["lost"], daemon.status()["clocks"]
    daemon.kill(signal.SIGSTOP)
    talk(lab_, 3)
    daemon.kill(signal.SIGCONT)
    lab.wait_until(daemon.is_ready, "it goes on")
    daemon.kill(signal.SIGKILL)
    daemon.process.wait()
    talk(lab_, 3)


def flood(lab_, wanted):
    """So many copies, of connections that say a little in many packets. The log has room for some
    16,000."""
    before, end = copies(lab_), time.monotonic() + 60
    while copies(lab_) < before + wanted:
        assert time.monotonic() < end, f"only {copies(lab_) - before} copies"
        for _ in range(100):
            with contextlib.closing(Talk(lab_)) as one:
                for _ in range(20):
                    one.stream.sendall(HELLO[:10])


def nobody_uses_conntrack(lab_):
    """It is never switched on by us, and who asked for clocks is told."""
    daemon = lab_.daemon(lab_.write_config(sets=SETS, clocks=CLOCKS)).start()
    status = daemon.status()
    assert status["clocks"]["by"] == "nothing", status["clocks"]
    assert any(item["about"] == "clocks" and "rules.conntrack" in item["text"]
               for item in status["advice"]), status["advice"]
    assert "chain clocks" not in lab_.snapshot()


def sleeps(lab_):
    """While no connection begins, the reader is never woken."""
    daemon, _ = begin(lab_)
    be_measured(lab_, daemon, 1)
    thread = stall.find_thread(daemon.process.pid, "clocks")

    def switches():
        text = open(f"/proc/{daemon.process.pid}/task/{thread}/status").read()
        return [line for line in text.splitlines() if "ctxt_switches" in line]

    def has_slept():
        before = switches()
        time.sleep(1.5)
        return switches() == before

    lab.wait_until(has_slept, "the reader sleeps, once the last copies have come", 20)


def both_ends_forged(lab_, match="mark"):
    """Who sends both ends of a connection, on a wire that is not the server's, has none measured."""
    daemon, listener = begin(lab_, clocks=f'{CLOCKS} match = "{match}";')
    lab_.adopt(listener)
    forged, victim, dead = forger.Forger(lab_), lab.source4(0x8001), "203.0.113.77"

    lab_.nft(f"table inet quiet {{ chain in {{ type filter hook input priority 0; ip daddr {victim} drop; "
             "}; }", lab_.client)

    def client(flags, **fields):
        forged.send(victim, dead, 1024, flags, window=64240, **fields)

    def server(flags, **fields):
        forged.send(dead, victim, lab.PORT, flags, dst_port=1024, window=65535, **fields)
    forged.syn(victim, dead, 1024, "nmap", seq=1000)
    lab.wait_until(lambda: daemon.verdict(victim)["found"], "the SYN was seen")
    server(forger.SYN_ACK, seq=5000, ack=1001, options=bytes.fromhex("020405b4"))
    client(forger.ACK, seq=1001, ack=5001)
    time.sleep(0.06)
    client(forger.PSH_ACK, seq=1001, ack=5001, payload=b"request")
    server(forger.PSH_ACK, seq=5001, ack=1008, payload=b"a" * 100)
    client(forger.ACK, seq=1008, ack=5101)
    time.sleep(0.06)
    client(forger.PSH_ACK, seq=1008, ack=5101, payload=b"request")
    before = told(daemon)
    talk(lab_)
    lab.wait_until(lambda: told(daemon) > before, "one of a client's own is told", 30)
    assert results(daemon)["measured"] <= 1, results(daemon)
    assert daemon.verdict(victim)["clocks"] is None, daemon.verdict(victim)["clocks"]


def both_ends_forged_by_counter(lab_):
    both_ends_forged(lab_, "counter")


def printed(lab_):
    """What is printed loads, for nft and for iptables."""
    config = lab_.write_config(sets=SETS, clocks=CLOCKS, engine="none", rules="conntrack = true;")
    text = lab_.rules("print", config=config).stdout
    assert "chain clocks" in text and "ct original packets 1-20" in text, text
    if lab.has_kernel_nft_queue(lab_):
        lab_.nft(text)
    text = lab_.rules("print", "--format", "iptables", config=config).stdout
    assert "--nflog-group 176" in text and "--connbytes 1:20" in text, text


if __name__ == "__main__":
    lab.run(proxies_are_found, proxies_are_found_by_counter, servers_of_the_gateway,
            what_is_not_measured, transfers_and_reloads, nobody_reads, nobody_uses_conntrack, sleeps,
            both_ends_forged, both_ends_forged_by_counter, printed)
