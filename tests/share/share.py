#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""make check-share: a fleet under everything that can happen to it. Each scenario prints its figures."""
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fleet import LINUX, Fleet, Process, Watch, lab, percentile, suspect
from lab import figure, sh, wait_until

lab.Lab.build = lambda self: None


def close(lab_):
    """For the next fleet of the same scenario."""
    lab_.close()
    lab_.daemons, lab_.processes = [], []
    lab_.dir.mkdir()


def latency_of(fleet, count, rate):
    one, last = fleet.gateways[0], fleet.gateways[-1]
    watch = Watch(last)
    sent = one.inject(range(count), rate)
    wait_until(lambda: len(watch.seen) >= count, f"all {count} are in the set", 20)
    watch.close()
    late = [1000 * (watch.seen[ip] - at) for ip, at in sent.items()]
    batches = 1 + sum(b - a > 0.01 for a, b in zip(watch.commits, watch.commits[1:]))
    commits = batches / (max(watch.commits) - min(watch.commits))
    return percentile(late, 50), percentile(late, 99), commits


def fast(lab_):
    """From a SYN at one gateway to the nft set of another, with TLS and ACL."""
    for gateways, brokers in ((2, 1), (2, 2), (5, 3)):
        fleet = Fleet(lab_, brokers=brokers, gateways=gateways)
        p50, p99, commits = latency_of(fleet, 1000, 200)
        figure(f"{gateways} gateways, {brokers} brokers, 200/s: SYN to set {p50:.1f} ms, "
               f"p99 {p99:.1f} ms, {commits:.1f} batches/s")
        assert p99 <= 60, p99
        close(lab_)


def many(lab_):
    """10,000 a second for five seconds, nothing lost."""
    fleet = Fleet(lab_, brokers=2)
    one, two = fleet.gateways
    sent = one.inject(range(50000), 10000)
    took = max(sent.values()) - min(sent.values())
    wait_until(lambda: two.reports() == 50000, "gw2 knows all 50,000", 60)
    figure(f"50,000 suspects in {took:.1f} s: none lost, memory of synprint-share "
           f"{one.share.memory_kib() // 1024} MiB")
    wait_until(lambda: two.set_size() == 50000, "they are in the set", 60)


def a_broker_dies(lab_):
    fleet = Fleet(lab_, brokers=2)
    one, two = fleet.gateways
    one.inject(range(1000))
    wait_until(lambda: two.reports() == 1000, "gw2 knows 1000")
    fleet.brokers[0].kill()
    one.inject(range(1000, 2000))
    wait_until(lambda: two.reports() == 2000, "gw2 knows 2000 by the other broker")
    fleet.brokers[0].wipe()
    begin = time.monotonic()
    fleet.brokers[0].start()
    wait_until(lambda: len(fleet.mqtt("mosquitto_sub", "-t", "synprint/v1/gw1/s/+", "-W", "1",
                                      "-F", "%t").stdout.split()) == 2000,
               "the empty broker holds all again", 20)
    figure(f"a broker with an empty disk holds 2000 again {time.monotonic() - begin:.1f} s after its start")


def a_partition(lab_):
    """20,000 keys withdrawn and others new while a gateway is cut off from its broker."""
    fleet = Fleet(lab_, brokers=1, has_tls=False)
    one, two = fleet.gateways
    one.inject(range(20000), 10000)
    wait_until(lambda: two.reports() == 20000, "gw2 knows 20,000", 60)
    fleet.cut_off(one)
    one.inject(range(10000), 10000, LINUX)  # no scanners any more
    one.inject(range(20000, 30000), 10000)
    time.sleep(20)
    assert two.reports() == 20000, two.reports()
    fleet.heal()
    begin = time.monotonic()
    wait_until(lambda: two.reports() == 20000 and "reported" in two.verdict(suspect(29999)) and
               "reported" not in two.verdict(suspect(9999)), "equal again", 30)
    took = time.monotonic() - begin
    wrong = [n for n in random.sample(range(30000), 2000)
             if ("reported" in two.verdict(suspect(n))) != (n >= 10000)]
    assert not wrong, wrong[:5]
    figure(f"10,000 withdrawn and 10,000 new in a partition of 20 s: equal {took:.1f} s after it heals")


def a_million(lab_):
    """A broker's memory does not grow with the addresses ever seen."""
    fleet = Fleet(lab_, brokers=1, has_tls=False, gateways=1,
                  publish='{ flags = [ "scanner" ]; confirm = "syn"; expiry = "1h"; }')
    one, broker = fleet.gateways[0], fleet.brokers[0]

    def settle(total):
        wait_until(lambda: (one.metric("own") or 0) >= min(total, 65536) and
                   sum_of(one, "broker_waiting") == 0, f"{total} are told", 60)
    one.inject(range(70000), 12000)
    settle(65536)
    before = broker.memory_kib()
    for begin in range(70000, 1000000, 93000):
        one.inject(range(begin, min(begin + 93000, 1000000)), 12000)
    settle(65536)
    time.sleep(12)
    grown = broker.memory_kib() - before
    figure(f"1,000,000 addresses: the broker has {broker.memory_kib() // 1024} MiB, "
           f"{grown} KiB more than after the first 65,536 slots; "
           f"{one.metric('own_evicted_total')} gave way")
    assert grown <= 2048, grown


def sum_of(gateway, name):
    text = gateway.textfile.read_text() if gateway.textfile.exists() else ""
    return sum(int(line.split()[-1]) for line in text.splitlines()
               if line.startswith(f"synprint_share_{name}{{"))


def a_newcomer(lab_):
    """100,000 live keys of two gateways."""
    fleet = Fleet(lab_, brokers=1, gateways=2)
    for i, gateway in enumerate(fleet.gateways):
        gateway.inject(range(50000 * i, 50000 * (i + 1)), 10000)
    wait_until(lambda: all(gateway.reports() == 50000 for gateway in fleet.gateways),
               "both know each other's", 60)
    newcomer = fleet.add_gateway()
    wait_until(lambda: "connected" in newcomer.share.log(), "connected", 20)
    begin = time.monotonic()
    wait_until(lambda: newcomer.reports() == 100000, "it knows 100,000", 30)
    figure(f"a newcomer knows 100,000 keys {time.monotonic() - begin:.1f} s after it is connected")


def clock_ahead(lab_):
    """A gateway whose clock is an hour off: its words hold as long as everybody's."""
    fleet = Fleet(lab_, brokers=1, has_tls=False)
    one, two = fleet.gateways
    one.share.stop()
    one.share = Process(["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", "+3600s", *one.share.process.args[4:]], one.namespace,
                        fleet.dir / "share1.log")
    lab_.adopt(one.share)
    wait_until(lambda: one.share.log().count("connected") == 2, "connected again")
    one.inject([5])
    wait_until(lambda: two.reports() == 1, "gw2 knows it")
    left = two.verdict(suspect(5))["reported"][0]["left_s"]
    assert 3590 <= left <= 3600, left
    one.share.stop()
    one.start_share()
    wait_until(lambda: one.share.log().count("connected") == 3, "connected with the right clock")
    one.inject([6])
    wait_until(lambda: two.reports() == 2, "what it says now counts, although its clock went back")


def a_hung_broker(lab_):
    fleet = Fleet(lab_, brokers=2)
    one, two = fleet.gateways
    fleet.brokers[0].kill(signal.SIGSTOP)
    begin = time.monotonic()
    one.inject(range(20000), 10000)
    wait_until(lambda: two.reports() == 20000, "gw2 knows 20,000 by the other broker", 40)
    memory = one.share.memory_kib()
    figure(f"one broker hangs: 20,000 known after {time.monotonic() - begin:.1f} s, "
           f"memory {memory // 1024} MiB")
    fleet.brokers[0].kill(signal.SIGCONT)
    assert memory < 64 * 1024, memory


def publish_raw(fleet, topic, payload, expiry=None, name="mallory", retain=True):
    options = ["-D", "publish", "message-expiry-interval", str(expiry)] if expiry else []
    return fleet.mqtt("mosquitto_pub", "-q", "1", *(["-r"] if retain else []), *options,
                      "-t", topic, "-m", payload, name=name)


def word(ip, seq, epoch=1, **more):
    return json.dumps({"v": 1, "epoch": epoch, "seq": seq, "ip": ip, "flags": ["scanner"],
                       "label": "x", "confidence": 1} | more)


def a_member_that_lies(lab_):
    """Never-list, caps, foreign names, nonsense, replays: each is counted, nothing else suffers."""
    fleet = Fleet(lab_, brokers=1, gateways=2, more='never = [ "203.0.113.0/24" ];',
                  accept='{ origin = "mallory"; most = 10; expiry = "60s"; }, { origin = "*"; }')
    one, two = fleet.gateways
    topic = "synprint/v1/mallory/s/{:04x}".format
    refused = ["0.0.0.0/0", "0.0.0.0", "10.77.2.2", two.address, "203.0.113.9", "127.0.0.1",
               "192.168.1.1", "::1", "224.0.0.1", "nonsense", ""]
    for i, ip in enumerate(refused):
        publish_raw(fleet, topic(100 + i), word(ip, 1), 1000)
    for payload in ("", "x", "[]", "{}", "{\"v\":2}", "9" * 2000, "{" * 500, word("8.8.8.8", -1),
                    word("8.8.8.8", 2 ** 60), word("8.8.8.8", 1, label="y" * 900)):
        publish_raw(fleet, topic(200), payload, 1000)
    publish_raw(fleet, topic(201), word("198.51.100.1", 1))  # without an end
    publish_raw(fleet, "synprint/v1/gw1/s/0005", word("198.51.100.2", 99, 2 ** 52), 1000)  # a foreign name
    publish_raw(fleet, "synprint/v1/gw1/status", "offline")
    for slot in range(40):
        publish_raw(fleet, topic(slot), word(f"198.51.100.{50 + slot}", 7), 4000000)
    publish_raw(fleet, topic(0), word("198.51.100.250", 6), 1000)  # replayed
    wait_until(lambda: two.reports() >= 8, "what is left of it is known")
    time.sleep(11)  # figures are written every ten seconds
    assert two.reports() <= 10, two.reports()
    for ip in refused[1:9]:
        assert ":" in ip or "reported" not in two.verdict(ip), ip
    assert "reported" not in two.verdict("198.51.100.2"), "the ACL holds"
    left = [two.verdict(f"198.51.100.{50 + slot}").get("reported") for slot in range(40)]
    assert all(entry[0]["left_s"] <= 60 for entry in left if entry), left
    one.inject([1])
    wait_until(lambda: "reported" in two.verdict(suspect(1)), "honest members are heard")
    text = two.textfile.read_text()
    counted = {key: int(value) for key, value in
               (line.split("{")[1].split("} ") for line in text.splitlines()
                if line.startswith("synprint_share_messages_total{"))}
    figure("refused: " + ", ".join(f"{key[8:-1]} {value}" for key, value in counted.items() if value))
    for result in ("never", "full", "bad_member", "not_json", "other_version", "too_long", "no_expiry"):
        assert counted.get(f'result="{result}"', 0) > 0, (result, counted)


def a_vote(lab_):
    fleet = Fleet(lab_, brokers=1, gateways=3, has_tls=False, min_origins=2)
    one, two, three = fleet.gateways
    one.inject([1])
    wait_until(lambda: three.reports() == 1, "one voice")
    time.sleep(0.3)
    assert three.set_size() == 0
    two.inject([1])
    wait_until(lambda: three.set_size() == 1, "two voices")
    two.daemon.request({"op": "status"})
    three.daemon.request({"op": "report", "ip": suspect(1), "origin": "gw2", "left_s": 0})
    wait_until(lambda: three.set_size() == 0, "one withdraws, and it is lifted")


def events_into_a_file(lab_):
    """jq reads along while the file rotates under 5,000 events a second."""
    path = lab_.dir / "events.json"
    for form in ("synprint", "eve", "ecs"):
        for old in lab_.dir.glob("events.json*"):
            old.unlink()
        fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                      more=f'sinks = ( {{ kind = "file"; path = "{path}"; form = "{form}"; '
                           f'syns = true; max_mb = 2; keep = 99; }} );')
        one = fleet.gateways[0]
        one.inject(range(25000), 5000)
        files = lambda: sorted(lab_.dir.glob("events.json*"))
        lines = lambda: sum(len(file.read_bytes().splitlines()) for file in files())
        wait_until(lambda: lines() >= 25000, f"all are in the files: {lines()}", 40)
        query = {"synprint": ".ip", "eve": ".src_ip", "ecs": ".source.ip"}[form]
        out = subprocess.run(["jq", "-r", query, *map(str, files())], capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        assert len(set(out.stdout.split())) == 25000, len(set(out.stdout.split()))
        figure(f"{form}: 25,000 events in {len(files())} files, none lost, none torn")
        close(lab_)


def a_list(lab_):
    path = lab_.dir / "www" / "list.txt"
    path.parent.mkdir()
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more=f'sinks = ( {{ kind = "list"; path = "{path}"; flags = [ "scanner" ]; expiry = "1h"; }} );')
    server = lab_.adopt(Process(["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1",
                                 "--directory", str(path.parent)], fleet.hub, lab_.dir / "http.log"))
    fleet.gateways[0].inject(range(500))

    def fetched():
        return sh("curl", "-sf", "http://127.0.0.1:8000/list.txt", namespace=fleet.hub, check=False).stdout
    wait_until(lambda: len(fetched().split()) == 500, "the list has 500 addresses")
    assert set(fetched().split()) == {suspect(n) for n in range(500)}
    server.close()


lab.run(fast, many, a_broker_dies, a_partition, a_million, a_newcomer, clock_ahead, a_hung_broker, a_member_that_lies, a_vote,
        events_into_a_file, a_list)
