#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What other clients, other connections and the other address add to a SYN: the baseline by prefix
and by name, several MTUs from one address, and pairs of IPv4 and IPv6."""
import json
import time

import lab
import speakers
import traffic

CONSTANT = 65535  # a window that says nothing of the MSS
LINUX_1380 = 64860  # 47 * 1380: the sender's own MSS


class Senders(speakers.Speakers):
    """Clients made by hand, who finish their handshakes; of others nothing is counted."""

    def __init__(self, lab_, daemon):
        super().__init__(lab_)
        self.daemon, self.sources = daemon, set()

    def send(self, source, mss, window=CONSTANT):
        """One new connection; returns its port."""
        self.sources.add(source)
        return self.begin(source, mss, window)

    def wait(self):
        self.finish()
        lab.wait_until(self.is_quiet, "each is confirmed")

    def is_quiet(self):
        """Sets ask for confirmations of more connections; the kernel sends its log together."""
        before = self.daemon.status()["confirm"]
        time.sleep(0.3)
        status = self.daemon.status()
        return status["confirm"] == before and status["clients"]["confirmed"] == len(self.sources)

    def give_up(self, source, port):
        """No ACK follows that SYN."""
        lab.wait_until(lambda: self.daemon.verdict(source, port).get("exact"), "the SYN was seen")
        self.waiting.clear()

    def candidates(self):
        return self.daemon.status()["confirm"]["candidates"]

    def verdict(self, source, mss, window=CONSTANT):
        """What is said of one more connection of this client, which is confirmed where that is asked for."""
        before = self.candidates()
        port = self.send(source, mss, window)
        self.finish()
        if self.candidates() > before:
            lab.wait_until(lambda: self.daemon.verdict(source, port)["confirmed"], "it is confirmed")
        self.wait()
        return self.daemon.verdict(source, port)


def start(lab_, baseline="", **sections):
    lab_.adopt(traffic.Server(lab_.server))
    sections.setdefault("rules", "conntrack = true;")
    daemon = lab_.daemon(lab_.write_config(baseline=baseline, **sections)).start()
    return daemon, Senders(lab_, daemon)


def at4(number):
    """Of a /24 of its own, as one of them adds only so many clients an hour."""
    return lab.source4(number % 200 * 256 + 1 + number // 200)


def by_prefix(lab_):
    daemon, senders = start(lab_)
    vpn = senders.verdict(lab.source4(9), 1380, LINUX_1380)
    assert vpn["link"]["grade"] == "likely" and "vpn" in vpn["flags"], vpn
    for number in range(100, 170):
        senders.send(at4(number), 1335)
    for number in range(10, 40):
        senders.send(at4(number), 1460)
    for number in range(40):
        senders.send(at4(70), 1335)  # one client, however many connections
    senders.wait()

    usual = senders.verdict(lab.source4(300), 1335)
    assert usual["link"]["grade"] == "access", usual
    assert "baseline_normal" in usual["reasons"], usual
    explained = daemon.request({"op": "explain", "ip": lab.source4(300)})
    assert explained["link"]["grade"] == "access", explained
    rare = senders.verdict(lab.source4(301), 1452)
    assert rare["link"]["grade"] == "possible" and "baseline_rare" in rare["reasons"], rare
    vpn = senders.verdict(lab.source4(9), 1380, LINUX_1380)
    assert vpn["link"]["grade"] == "likely" and "baseline_rare" in vpn["reasons"], vpn
    elsewhere = senders.verdict(lab.source6(1), 1315)
    assert elsewhere["link"]["grade"] == "possible", elsewhere

    found = daemon.request({"op": "baseline"})["baseline"]
    assert {network["prefix"] for network in found} == {"198.18.0.0/16", "2001:db8::/32"}, found
    network, = daemon.request({"op": "baseline", "net": "198.18.7.0/24"})["baseline"]
    assert round(network["clients"]) == 104, network
    top = network["mtus"][0]
    assert top["mtu"] == 1375 and round(top["clients"]) == 72 and top["spread"] > 28, network
    assert abs(top["share"] - 72 / 104) < 0.01, network
    status = daemon.request({"op": "status"})["baseline"]
    assert status["networks"] == 2 and status["capacity"] == 4096, status
    assert status["evicted"] == 0 and status["memory_bytes"] < 4096 * 336 + 8192, status
    assert "\nsynprint_baseline_networks 2\n" in daemon.cli("metrics").stdout
    shown = daemon.cli("baseline").stdout.splitlines()
    assert shown[1].split() == ["198.18.0.0/16", "104", "1375", "69%", "1500", "29%", "1420", "1%",
                                "1492", "1%"], shown
    assert len(shown) == 3, shown
    listed = daemon.cli("--json", "baseline", "--limit", "1").stdout.splitlines()
    assert len(listed) == 1 and json.loads(listed[0])["prefix"] == "198.18.0.0/16", listed
    assert daemon.cli("baseline", "nonsense", check=False).returncode == 2


def by_name(lab_):
    names = lab_.dir / "names.txt"
    names.write_text("198.18.0.0/20 AS64500\n2001:db8::/32 AS64500\n")
    daemon, senders = start(lab_, f'names = "{names}";')
    for number in range(10):
        senders.send(at4(number), 1335)
        senders.send(at4(number + 200), 1335)
        senders.send(lab.source6(number), 1315)
    senders.wait()
    network, = daemon.request({"op": "baseline"})["baseline"]
    # All of IPv6 came from one /64: eight of them count, as one address. Two networks may be taken for one.
    assert network["name"] == "AS64500" and network["prefix"] is None, network
    assert round(network["clients"]) in (27, 28) and len(network["mtus"]) == 1, network
    assert network["mtus"][0]["spread"] <= 21, network
    assert daemon.cli("baseline", "198.18.1.77").stdout.splitlines()[1].startswith("AS64500 ")
    other = senders.verdict(lab.source4(16384), 1335)
    assert other["link"]["grade"] == "possible", other

    names.write_text("198.18.0.0/16 AS64501\n198.18.1.0/33 AS64500\n")
    refused = daemon.request({"op": "reload"})
    assert f"{names}:2:1: " in refused["error"]["message"], refused
    names.write_text("198.18.0.0/16 AS64501\n")
    assert daemon.request({"op": "reload"})["ok"]
    senders.verdict(lab.source4(300), 1335)
    found = {network["name"] for network in daemon.request({"op": "baseline"})["baseline"]}
    assert found == {"AS64500", "AS64501", None}, found


def forgotten(lab_):
    """What somebody has taught a network is unlearned, there and nowhere else."""
    daemon, senders = start(lab_)
    for number in range(20):
        senders.send(at4(number), 1335)
    senders.send(lab.source6(1), 1315)
    senders.wait()
    assert len(daemon.request({"op": "baseline"})["baseline"]) == 2
    said = daemon.cli("baseline", "--forget", "198.18.7.0/24").stdout
    assert said == "what was usual in 1 network is forgotten\n", said
    left, = daemon.request({"op": "baseline"})["baseline"]
    assert left["prefix"] == "2001:db8::/32", left
    assert daemon.verdict(at4(1))["found"], "clients stay"


def can_be_off(lab_):
    daemon, senders = start(lab_, "enabled = false;")
    for number in range(100, 170):
        senders.send(at4(number), 1335)
    senders.wait()
    plain = senders.verdict(lab.source4(300), 1335)
    assert plain["link"]["grade"] == "possible", plain
    assert "baseline" not in daemon.request({"op": "status"})
    refused = daemon.request({"op": "baseline"})
    assert refused["error"]["code"] == "not_supported", refused


def share(lab_):
    """What one /24 can teach its network in an hour: a part of it at once."""
    daemon, senders = start(lab_)
    for number in range(1, 101):
        senders.send(lab.source4(number), 1335)
    senders.wait()
    network, = daemon.request({"op": "baseline"})["baseline"]
    assert round(network["clients"]) == 8, network
    assert daemon.status()["confirm"]["uncounted"] == 92, daemon.status()["confirm"]


def several_mtus(lab_):
    daemon, senders = start(lab_)
    client = lab.source4(1)
    assert senders.verdict(client, 1452)["link"]["grade"] == "access"
    ethernet = senders.verdict(client, 1460)
    assert ethernet["link"]["grade"] == "none" and "several_mtus" in ethernet["reasons"], ethernet
    both = senders.verdict(client, 1452)
    assert both["link"]["grade"] == "possible" and "several_mtus" in both["reasons"], both
    explained = daemon.request({"op": "explain", "ip": client})
    assert explained["link"]["grade"] == "possible", explained
    # A VPN's value beside Ethernet, as behind a carrier's NAT, flags nobody.
    nat = senders.verdict(client, 1380)
    assert nat["link"]["grade"] == "possible" and "vpn" not in nat["flags"], nat
    # What nothing confirms is no evidence.
    client = lab.source4(2)
    senders.verdict(client, 1452)
    senders.give_up(client, senders.send(client, 1460))
    assert senders.verdict(client, 1452)["link"]["grade"] == "access"


def pairs(lab_):
    daemon, senders = start(lab_)
    cases = [  # MSS and window over IPv4 and IPv6, what they prove, grade, flags
        ((1380, CONSTANT), (1360, CONSTANT), "same_mtu", "likely", ["vpn"]),
        ((1380, CONSTANT), (1380, CONSTANT), "same_mss", "access", []),
        ((1420, CONSTANT), (1440, CONSTANT), "ipv4_in_ipv6", "access", []),
        ((1460, CONSTANT), (1420, CONSTANT), "ipv6_in_ipv4", "possible", []),
        ((1380, CONSTANT), (1440, CONSTANT), "ipv4_smaller", "possible", []),
        ((1460, CONSTANT), (1440, CONSTANT), "ethernet", "none", []),
    ]
    for number, (four, six, finding, grade, flags) in enumerate(cases, 1):
        client4, client6 = lab.source4(number), lab.source6(number)
        senders.send(client4, *four)
        senders.send(client6, *six)
        senders.wait()
        for op, ip, also in (("verdict", client4, client6), ("verdict", client6, client4),
                             ("explain", client4, client6)):
            pair = daemon.request({"op": op, "ip": ip, "also": also})["pair"]
            assert pair["found"] and pair["also"] == also and pair["apart_s"] < 60, pair
            assert (pair["finding"], pair["grade"], pair["flags"]) == (finding, grade, flags), pair
    said = daemon.cli("verdict", lab.source4(1), "--also", lab.source6(1)).stdout
    assert "one interface or tunnel of this MTU carries both (evidence of a tunnel: likely)" in said
    missing = daemon.request({"op": "verdict", "ip": lab.source4(1), "also": lab.source6(99)})
    assert missing["pair"] == {"also": lab.source6(99), "found": False}, missing
    bad = daemon.request({"op": "verdict", "ip": lab.source4(1), "also": lab.source4(2)})
    assert bad["error"]["code"] == "bad_value" and '"also"' in bad["error"]["message"], bad
    usage = daemon.cli("verdict", lab.source4(1), "--also", "nonsense", check=False)
    assert usage.returncode == 2 and "also" in usage.stderr, usage


if __name__ == "__main__":
    lab.run((by_prefix, by_name, several_mtus, pairs), (forgotten, can_be_off, share))
