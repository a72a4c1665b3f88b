#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Real connections through the gateway are told to be this kernel's Linux, however one asks."""
import json
import subprocess
import time

import lab
import traffic


def check_linux(verdict, ip, port):
    assert verdict["ip"] == ip and verdict["port"] == port, verdict
    assert verdict["os"]["family"] == "Linux", verdict
    assert verdict["os"]["confidence"] > 0.5, verdict
    assert verdict["dist_hops"] == 0, verdict  # the gateway is the client's neighbour
    assert verdict["link"]["mtu"] == 1500, verdict


def ask_raw(daemon, ip, port):
    reply = daemon.verdict(ip, port)
    assert reply["ok"] and reply["found"] and reply["exact"], reply
    check_linux(reply, ip, port)
    assert reply["syn"]["src_ip"] == ip and reply["syn"]["dst_port"] == lab.PORT, reply
    assert reply["syn"]["tcp_mss"] == (1460 if ":" not in ip else 1440), reply
    assert reply["sig"], reply


def ask_cli(daemon, ip, port):
    reply = json.loads(daemon.cli("verdict", ip, "--port", str(port), "--json").stdout)
    check_linux(reply, ip, port)
    for port_of, other in (([], False), (["--port", "1"], True)):
        text = daemon.cli("verdict", ip, *port_of).stdout
        assert "Linux" in text and ip in text and ("another connection" in text) == other, text
        assert "no: no handshake can be seen here, whoever comes (nobody uses conntrack here: set " in text, text
    for words, what in (("clients --flag bla", "--flag: \"bla\" is not known (synprint-control(7) lists them)"),
                        ("watch --class bla", "--class: \"bla\" is not known ('synprint db stats' lists"),
                        ("clients --min-confidence 7", "--min-confidence: expected a number from 0 to 1"),
                        ("clients --net 192.0.2.0/99", "the network: expected a prefix such as"),
                        ("verdict 192.0.2.77 --also 192.0.2.78",
                         "--also: expected the client's address of the other IP version\n")):
        done = daemon.cli(*words.split(), check=False)
        assert done.returncode == 2 and f"synprint: {what}" in done.stderr, done
    for words in ("--confirmed --confirmed", "--grade access --grade none", "--net 192.0.2.0/24 --net 192.0.2.9"):
        daemon.cli("clients", *words.split())
    unseen = daemon.cli("verdict", "192.0.2.77", check=False)
    assert unseen.returncode == 1, unseen


def verdicts(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    for source, destination in ((lab.CLIENT4, lab.SERVER4), (lab.CLIENT6, lab.SERVER6)):
        ports = [traffic.connect(lab_.client, destination) for _ in range(3)]
        for port in ports:
            ask_raw(daemon, source, port)
            ask_cli(daemon, source, port)
        other = daemon.verdict(source, 1)
        assert other["found"] and not other["exact"] and other["port"] == ports[-1], other
        assert other["client"]["syn_count"] == 3 and set(other["client"]["ports"]) == set(ports)
    status = daemon.status()
    assert status["packets"]["syn"] == 6 and daemon.received() == 6, status
    assert status["clients"]["used"] == 2, status
    # The rules are looked at once a second.
    lab.wait_until(lambda: (daemon.status()["rules"]["counted"], daemon.status()["rules"]["unclassified"]) == (6, 0),
                   "the rules counted 6 SYNs, and all were classified")
    listed = [json.loads(line) for line in daemon.cli("clients", "--json").stdout.splitlines()]
    assert {client["ip"] for client in listed} == {lab.CLIENT4, lab.CLIENT6}, listed
    assert {client["os"]["family"] for client in listed} == {"Linux"}, listed


def who_can_be_confirmed(lab_):
    """Where no handshake can be seen, an unconfirmed client is no worse than others, and it is said why."""
    lab_.adopt(traffic.Server(lab_.server))

    def confirmed(rules, why):
        daemon = lab_.daemon(lab_.write_config(rules=rules)).start()
        lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client, check=False)
        lab.wait_until(lambda: daemon.verdict(lab.CLIENT4)["found"], "its SYN was seen")
        reply, text = daemon.verdict(lab.CLIENT4), daemon.cli("verdict", lab.CLIENT4).stdout
        assert not reply["confirmed"] and why in reply.get("unconfirmable", ""), (why, reply)
        assert ("unconfirmable" in reply) == bool(why), reply
        shown = "no: no handshake can be seen here, whoever comes (" if why else "no: its handshake was not seen, "
        assert shown + reply.get("unconfirmable", "") in text, text
        return daemon
    confirmed("", "nobody uses conntrack here: set rules.conntrack = true").stop()
    confirmed("conntrack = true; mark_field = 0x100;", "no bit of rules.mark_field or of").stop()
    with subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "tcpdump", "-i", "nflog:175"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as taken:
        try:
            assert any("listening on" in line for line in iter(taken.stderr.readline, "")), "tcpdump listens"
            confirmed("conntrack = true;", "the log of handshakes cannot be read: ").stop()
        finally:
            taken.terminate()
    daemon = confirmed("conntrack = true;", "")
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: daemon.verdict(lab.CLIENT4)["confirmed"], "it is confirmed")
    assert "yes, by its handshake" in daemon.cli("verdict", lab.CLIENT4).stdout


def read_events(stream, count):
    return [json.loads(stream.readline()) for _ in range(count)]


def events(lab_):
    """A subscriber and `synprint watch --json` get the events of a new client, as they happen."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    traffic.connect(lab_.client, lab.SERVER4)
    watch = subprocess.Popen([lab.SYNPRINT, "--socket", daemon.socket, "watch", "--json"],
                             stdout=subprocess.PIPE, text=True)
    try:
        with daemon.connect() as conn:
            stream = conn.makefile("rw")
            print('{"op":"subscribe","id":"s"}', file=stream, flush=True)
            reply = json.loads(stream.readline())
            assert reply["ok"] and reply["id"] == "s", reply
            lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 2, "two subscribe")
            traffic.connect(lab_.client, lab.SERVER4)  # known: an event for watch alone
            seen = read_events(watch.stdout, 1)  # before the next, which another queue may have
            port6 = traffic.connect(lab_.client, lab.SERVER6)
            event, = read_events(stream, 1)
            assert event["event"] == "new" and event["seq"] == 1, event
            check_linux(event, lab.CLIENT6, port6)
        seen += read_events(watch.stdout, 1)
        assert [event["event"] for event in seen] == ["syn", "new"], seen
        assert seen[1]["port"] == port6 and seen[0]["ip"] == lab.CLIENT4, seen
    finally:
        watch.terminate()
        watch.wait()


def watch_outlives_restarts(lab_):
    """--reconnect waits for a daemon that is not there, tells of the gap and goes on; else it ends."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon()
    watch = subprocess.Popen([lab.SYNPRINT, "--socket", daemon.socket, "watch", "--json", "--reconnect"],
                             stdout=subprocess.PIPE, text=True)
    try:
        assert read_events(watch.stdout, 1) == [{"event": "disconnected"}]
        for _ in range(2):
            daemon.start()
            lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it subscribed", 20)
            port = traffic.connect(lab_.client, lab.SERVER4)
            event, = read_events(watch.stdout, 1)
            assert event["event"] in ("new", "syn") and event["port"] == port, event
            once = subprocess.Popen([lab.SYNPRINT, "--socket", daemon.socket, "watch"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 2, "two subscribe")
            assert daemon.stop() == 0
            assert read_events(watch.stdout, 1) == [{"event": "disconnected"}]
            assert "has gone away" in once.communicate(timeout=20)[1] and once.returncode == 3
        assert watch.poll() is None
    finally:
        watch.terminate()
        watch.wait()


def snapshot(lab_):
    """Who is known already is told with the times, which no SYN tells any more."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    traffic.connect(lab_.client, lab.SERVER4)
    with daemon.connect() as conn:
        stream = conn.makefile("rw")
        print('{"op":"subscribe","snapshot":true}', file=stream, flush=True)
        reply, known, end = (json.loads(stream.readline()) for _ in range(3))
        assert reply["ok"] and end["event"] == "snapshot_end", (reply, end)
        assert known["event"] == "client" and known["ip"] == lab.CLIENT4, known
        seen = known["client"]
        assert time.time() - 60 < seen["first_seen"] <= seen["last_seen"] <= time.time() + 1, known


if __name__ == "__main__":
    lab.run(verdicts, who_can_be_confirmed, events, watch_outlives_restarts, snapshot)
