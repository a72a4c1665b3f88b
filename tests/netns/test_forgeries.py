#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody can make synprint say of somebody else by packets that only claim to be his: nothing
that outlives them. `--long`: with the counts of `make check-forgeries`."""
import json
import signal
import struct
import subprocess
import sys
import time

import forger
import lab
import own
import packets
import speakers
import traffic

IS_LONG = "--long" in sys.argv
SERVED = ['nftset = "vpn"; flags = [ "vpn" ]; confirm = "served"',
          'nftset = "bad"; flags = [ "vpn", "scanner", "inconsistent" ]; confirm = "served"',
          'nftset = "everybody"; confirm = "served"; size = 1000000']
SETS = ("vpn", "bad", "everybody")
SILENT = 0x8000  # numbers from here on answer nothing, as behind a firewall
SETTLED_S = 2.5  # a server sends its SYN+ACK again after one second


def members(lab_, names=SETS):
    return {address for name in names for version in (4, 6)
            for address in lab_.elements(f"{name}{version}")}


def set_up(lab_, **config):
    config.setdefault("rules", "conntrack = true;")
    lab_.adopt(traffic.Server(lab_.server))
    lab_.sysctl(lab_.server, {"net/ipv4/tcp_fastopen": 0x602})  # accepts data without a cookie
    lab_.nft("table inet quiet { chain in { type filter hook input priority 0; "
             "ip daddr 198.18.128.0/17 drop; ip6 daddr 2001:db8:c::8000/113 drop; }; }", lab_.client)
    daemon = lab_.daemon(lab_.write_config(SERVED, **config)).start()
    return daemon, forger.Forger(lab_)


def source(version, number):
    return lab.source4(number) if version == 4 else lab.source6(number)


def baseline(daemon):
    return json.dumps(daemon.request({"op": "baseline"})["baseline"], sort_keys=True)


def shown(verdict):
    """What an answer says of the connection."""
    return {key: verdict[key] for key in ("exact", "confirmed", "port", "os", "link", "flags", "sig")}


def strangers(lab_):
    """Victims without a connection: each way, each shape, with a right and a wrong checksum, who
    answer with RST and who are silent."""
    daemon, forged = set_up(lab_)
    before, number = baseline(daemon), 0
    for version in (4, 6):
        for silent in (0, SILENT):
            for shape in forger.SHAPES:
                for is_wrong in (False, True):
                    for way in forged.WAYS:
                        number += 1
                        way(forged, source(version, number + silent),
                            lab.SERVER4 if version == 4 else lab.SERVER6, 1024 + number,
                            shape=shape, is_wrong=is_wrong)
    time.sleep(SETTLED_S)
    assert not members(lab_), members(lab_)
    assert baseline(daemon) == before
    status = daemon.status()
    assert status["confirm"]["connections"] == 0 and status["clients"]["confirmed"] == 0, status
    seen, passed = sum(status["packets"].values()), status["rules"]["unclassified"]
    assert seen + passed >= number and seen > number // 2, (seen, passed, number)
    lab.figure(f"{number} forgeries of {len(forged.WAYS)} kinds: 0 victims in a served set")


def nobodys(lab_):
    """From a wire no SYN is of 127.0.0.1, of everybody or of nobody: not even `syn` sets take them, for a
    policy that drops by them would cut the gateway off from itself."""
    daemon = lab_.daemon(lab_.write_config(sets=['nftset = "all";'])).start()
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    sources = ("127.0.0.1", "127.255.255.254", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.51.100.2")
    for number, address in enumerate(sources):
        segment = packets.tcp(address, lab.SERVER4, 20000 + number)
        wire.send(packets.ipv4(address, lab.SERVER4, segment), gateway.mac)
    lab.wait_until(lambda: lab_.elements("all4"), "the last one has gone through the queue")
    assert set(lab_.elements("all4")) == {sources[-1]}, lab_.elements("all4")
    assert daemon.received() == len(sources), daemon.status()["packets"]
    assert daemon.status()["packets"]["bad_ip"] == len(sources) - 1
    assert not daemon.verdict("127.0.0.1")["found"]


def guesses(lab_):
    """Data after a handshake on guessed numbers."""
    daemon, forged = set_up(lab_)
    tries = 10_000 if IS_LONG else 500
    for version in (4, 6):
        for silent in (0, SILENT):
            forged.guessed_handshake(source(version, 1 + silent),
                                     lab.SERVER4 if version == 4 else lab.SERVER6, 1024,
                                     shape="wireguard", tries=tries)
    time.sleep(SETTLED_S)
    assert not members(lab_) and daemon.status()["confirm"]["connections"] == 0, members(lab_)
    lab.figure(f"{4 * tries} guesses: 0 victims in a served set")


def both_ends(lab_):
    """A whole connection whose two ends both are the forger's, on a wire that is not the server's."""
    daemon, forged = set_up(lab_)
    lab_.adopt(traffic.Server(lab_.gateway))
    number, victims = 0, set()
    lab_.ip(lab_.gateway, "route add 203.0.113.78 dev g2")
    servers = [("203.0.113.77", False), ("2001:db8:2::77", False)]  # nobody is there
    servers += [(address, True) for address in (lab.SERVER4, lab.SERVER6, "198.51.100.1",
                                                "2001:db8:1::1")]

    def forge(victim, server, port, shape, again):
        forged.both_ends(victim, server, port, shape, again=again, wait=lambda: (
            lab.wait_until(lambda: daemon.verdict(victim)["found"], "the SYN was seen")))

    for server, again in servers:
        for silent in (0, SILENT):
            for shape in forger.SHAPES:
                number += 1
                victim = source(6 if ":" in server else 4, number + silent)
                forge(victim, server, 1024 + number, shape, again)
                victims.add(victim)
    real = {source(version, 1000): lab.SERVER4 if version == 4 else lab.SERVER6 for version in (4, 6)}
    for address, server in real.items():
        traffic.connect(lab_.client, server, address)
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] >= 2, "the real ones")
    assert members(lab_) == set(real), members(lab_) ^ set(real)
    assert not any(daemon.verdict(victim)["confirmed"] for victim in victims)
    assert daemon.status()["clients"]["confirmed"] == 2
    # On the server's own wire it is another matter.
    lab_.sysctl(lab_.gateway, {"net/ipv4/conf/g2/send_redirects": 0})
    forge(lab.source4(SILENT + 999), "203.0.113.78", 999, "wireguard", False)
    lab.wait_until(lambda: lab.source4(SILENT + 999) in members(lab_), "on the server's wire")
    lab.figure(f"{number} connections of which both ends are forged: 0 victims in a served set")


def own_tuples(lab_):
    """On the tuple of the victim's own connection, in each of its states."""
    daemon, forged = set_up(lab_)
    seen = {}
    for version in (4, 6):
        line = own.Line(lab_, forged, version)
        for number, state in enumerate(own.STATES, 1):
            address, port = state(line, number)
            seen[address, port] = f"{state.__name__}, IPv{version}"
    time.sleep(SETTLED_S)
    assert not members(lab_, ("vpn", "bad")), members(lab_, ("vpn", "bad"))
    for (address, port), what in seen.items():
        for told in (daemon.verdict(address, port), daemon.verdict(address)):
            assert not told["flags"] and told["link"]["grade"] == "none", (what, told)
            assert told["port"] == port or "forged" in what, (what, told)
    lab.figure(f"{len(seen)} connections under forged SYNs on their tuple: each has its own verdict")


def known_clients(lab_):
    """Victims with a confirmed connection: nothing that is told of it changes."""
    daemon, forged = set_up(lab_)
    victims = {}
    for version in (4, 6):
        server = lab.SERVER4 if version == 4 else lab.SERVER6
        for number in range(1, len(forged.WAYS) + 1):
            address = source(version, number)
            victims[address] = (server, traffic.connect(lab_.client, server, address))
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == len(victims),
                   "all are confirmed")
    lab.wait_until(lambda: members(lab_) == set(victims), "and in their set")
    told = {address: (shown(daemon.verdict(address)), shown(daemon.verdict(address, port)))
            for address, (_, port) in victims.items()}
    before = baseline(daemon)
    for index, (address, (server, port)) in enumerate(victims.items()):
        way = forged.WAYS[index % len(forged.WAYS)]
        for shape in forger.SHAPES:
            for k in range(7):
                way(forged, address, server, 3000 + k, shape=shape)
            way(forged, address, server, port, shape=shape)
    time.sleep(SETTLED_S)
    for address, (_, port) in victims.items():
        now = daemon.verdict(address)
        assert (shown(now), shown(daemon.verdict(address, port))) == told[address], (address, now)
        assert now["newer_differs"] and "shared" not in now["flags"], now
    assert not members(lab_, ("vpn", "bad")) and baseline(daemon) == before
    lab.figure(f"{len(victims)} known clients, {24 * len(victims)} forgeries: 0 changed answers")


def subscribers(lab_):
    """Who listens to events hears of a few changes of one client, however many SYNs say something else."""
    daemon, forged = set_up(lab_)
    victim, other, count = lab.source4(1), lab.source4(2), 301
    traffic.connect(lab_.client, lab.SERVER4, victim)
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == 1, "it is confirmed")

    def subscribe(**members):
        with daemon.connect() as connection:
            connection.settimeout(60 * lab.PATIENCE)
            stream = connection.makefile("rw")
        print(json.dumps({"op": "subscribe", **members}), file=stream, flush=True)
        assert json.loads(stream.readline())["ok"]
        return (json.loads(line) for line in stream)

    changes, syns, confirmed = subscribe(), subscribe(syns=True), subscribe(confirmed=True)
    watch = subprocess.Popen([lab.SYNPRINT, "--socket", daemon.socket, "watch", "--confirmed"],
                             stdout=subprocess.PIPE, text=True)
    try:
        lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 4, "all subscribe")
        began, shapes, before = time.monotonic(), sorted(forger.SHAPES), daemon.status()
        for k in range(count):
            forged.syn(victim, lab.SERVER4, 1024 + k, shapes[k % len(shapes)])

        def come():  # those that passed unclassified, on a slow machine, too
            now = daemon.status()
            return [now[group][name] - before[group][name]
                    for group, name in (("packets", "syn"), ("rules", "unclassified"))]
        lab.wait_until(lambda: sum(come()) == count, "all have come")
        count = come()[0]
        assert count > 100, come()
        each = [next(syns) for _ in range(count)]
        assert {event["event"] for event in each} == {"change"}, each
        heard = [next(changes)]
        while heard[-1]["sig"] != each[-1]["sig"] or len(heard) < 2:  # the newest is told, if late
            heard.append(next(changes))
        seconds = time.monotonic() - began
        # One, and one more for each flag and grade, in each ten seconds.
        assert len(heard) <= 6 * (1 + seconds // 10), (heard, seconds)
        assert {event["event"] for event in heard} == {"change"}, heard
        held = daemon.status()["control"]["events_held"]
        assert held >= count - len(heard), (held, len(heard))
        traffic.connect(lab_.client, lab.SERVER4, other)
        event = next(confirmed)
        assert (event["event"], event["ip"]) == ("confirmed", other), event
        assert other in watch.stdout.readline()
    finally:
        watch.terminate()
        watch.wait()
    lab.figure(f"{count} forged SYNs with a known client's address: {len(heard)} changes are told "
               f"in {seconds:.1f} s, {held} are held")


def suspects(lab_):
    """The real client behind a tunnel's MTU is in its sets after the first bytes of the answer."""
    daemon, _ = set_up(lab_)
    count = 250 if IS_LONG else 25
    lab_.ip(lab_.client, """route change default via 198.51.100.1 advmss 1380
        route change default via 2001:db8:1::1 advmss 1360
        route add 198.51.100.1/32 dev c0 advmss 1380
        route add 2001:db8:1::1/128 dev c0 advmss 1360""")
    reached = {}
    lab_.adopt(traffic.Server(lab_.gateway))  # its own service
    lab_.nft(f"table inet nat {{ chain pre {{ type nat hook prerouting priority -100; "
             f"ip daddr 198.51.100.1 tcp dport 9001 dnat ip to {lab.SERVER4}:{lab.PORT}; "
             f"ip6 daddr 2001:db8:1::1 tcp dport 9001 dnat ip6 to [{lab.SERVER6}]:{lab.PORT}; }}; "
             "chain post { type nat hook postrouting priority 100; oifname g1 tcp dport "
             f"{lab.PORT} ct original proto-dst 9001 masquerade; }}; }}")
    for version in (4, 6):
        server, router = ((lab.SERVER4, "198.51.100.1"), (lab.SERVER6, "2001:db8:1::1"))[version > 4]
        for number in range(count):
            for way, (address, port) in enumerate(((server, lab.PORT), (router, lab.PORT),
                                                   (router, 9001))):
                client = source(version, 1 + 4 * number + way)
                reached[client] = traffic.connect(lab_.client, address, client, port)
    missing = {name: set(reached) - members(lab_, (name,)) for name in ("vpn", "bad")}
    assert not any(missing.values()), missing
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == len(reached),
                   f"all are confirmed: {daemon.status()['confirm']}")
    for client in list(reached)[:12]:
        told = daemon.verdict(client, reached[client])
        assert told["exact"] and told["confirmed"] and "vpn" in told["flags"], told
    lab.figure(f"{len(reached)} of {len(reached)} suspects in their sets after the server's first "
               "bytes: forwarded, local, DNAT and masquerade")


def shapes_that_speak(lab_):
    """A scanner's own shape that goes on to speak is what it says, too."""
    daemon, _ = set_up(lab_)
    talk = speakers.Speakers(lab_)
    for number in range(1, 21):
        talk.begin(lab.source4(number), 1380, 64860)
        talk.begin(lab.source6(number), 1360, 65280)
    talk.finish()
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == 40, "all are confirmed")
    assert len(members(lab_, ("vpn",))) == 40, members(lab_, ("vpn",))


def one_syn(lab_):
    """What one SYN does say: of itself, and in sets that are filled at the SYN."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(
        ['nftset = "early"; flags = [ "vpn" ]; confirm = "syn"',
         'nftset = "while"; flags = [ "vpn" ]; confirm = "syn"; on_change = "remove"',
         'nftset = "conns"; key = "addr . port"; flags = [ "vpn" ]',
         'nftset = "late"; flags = [ "vpn" ]; confirm = "served"',
         'mark = 0x10000; flags = [ "vpn" ]'], rules="conntrack = true;")
    daemon, forged = lab_.daemon(config).start(), forger.Forger(lab_)
    lab_.nft("table inet seen { counter marked {}; chain c { type filter hook prerouting priority 0; "
             "tcp flags syn meta mark & 0x10000 != 0 counter name marked; }; }")
    victim = lab.source4(1)
    forged.syn(victim, lab.SERVER4, 1024, "wireguard")
    lab.wait_until(lambda: victim in lab_.elements("early4"), "the set that is filled at the SYN")
    assert victim in lab_.elements("while4")
    conns = json.dumps(lab_.nft_json("list", "set", "inet", "synprint", "conns4"))
    assert victim in conns and "1024" in conns, conns
    assert lab_.counter("inet seen", "marked") == 1 and not members(lab_, ("late",))
    told = daemon.verdict(victim)
    assert told["found"] and told["flags"] == ["vpn"] and not told["confirmed"], told
    assert not told["client"]["confirmed"], told
    forged.syn(victim, lab.SERVER4, 1025, "nmap")
    lab.wait_until(lambda: victim not in lab_.elements("while4"), "another SYN takes him out")
    assert victim in lab_.elements("early4")
    # It says so of no other connection.
    traffic.connect(lab_.client, lab.SERVER4, victim)
    assert lab_.counter("inet seen", "marked") == 1
    lab.wait_until(lambda: daemon.verdict(victim)["confirmed"], "the client's own")
    assert not daemon.verdict(victim)["flags"], daemon.verdict(victim)


def disputed(lab_):
    """A SYN on a suspect's tuple keeps this connection unconfirmed, and no other."""
    daemon, forged = set_up(lab_)
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1380")
    line = own.Line(lab_, forged, 4)
    client = line.new_client(1)
    with line.held(line.lab.client, f"tcp sport {line.server_port}"):
        line.start(client)
        source_, port = client.getsockname()[:2]
        lab.wait_until(lambda: daemon.verdict(source_)["found"], "its SYN was seen")
        before = daemon.received()
        forged.send(source_, line.server, port, forger.SYN, dst_port=line.server_port,
                    seq=forged.number(), window=65535, options=bytes.fromhex("020405b4"))
        lab.wait_until(lambda: daemon.received() > before, "the forged one, too")
    line.greet(client, line.accept())
    time.sleep(0.3)
    assert lab.source4(1) not in members(lab_, ("vpn",)), members(lab_, ("vpn",))
    traffic.connect(lab_.client, lab.SERVER4, lab.source4(1))
    assert lab.source4(1) in members(lab_, ("vpn",)), "the next one"


def disputed_member(lab_):
    """Nor does it take a suspect out of a set from which who changes is removed."""
    rule = 'nftset = "vpn"; flags = [ "vpn" ]; confirm = "served"; on_change = "remove"'
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([rule], rules="conntrack = true;")).start()
    line, suspect = own.Line(lab_, forger.Forger(lab_), 4), lab.source4(1)
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1380")
    traffic.connect(lab_.client, lab.SERVER4, suspect)
    assert suspect in members(lab_, ("vpn",)), "he is in the set"
    # Another tunnel: his next connection says something new, so its confirmation is asked for.
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1300")
    client = line.new_client(1)
    with line.held(line.lab.client, f"tcp sport {line.server_port}"):
        line.start(client)
        port = client.getsockname()[1]
        lab.wait_until(lambda: daemon.verdict(suspect, port)["exact"], "its SYN was seen")
        before = daemon.received()
        line.forger.send(suspect, line.server, port, forger.SYN, dst_port=line.server_port,
                         seq=line.forger.number(), window=65535, options=bytes.fromhex("020405b4"))
        lab.wait_until(lambda: daemon.received() > before, "the forged one, too")
    line.greet(client, line.accept())
    assert suspect in members(lab_, ("vpn",)), "he still is"


def labels_of_an_earlier_process(lab_):
    """The same where somebody takes the whole mark for himself."""
    lab_.nft(MULTI_WAN)
    of_an_earlier_process(lab_, by="label")


def of_an_earlier_process(lab_, by="mark"):
    """A candidate of a set that is another one's now: what its bit meant is forgotten at the start."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['nftset = "before"; families = [ "Linux" ]; confirm = "served"'],
                               rules="conntrack = true;")
    daemon, forged = lab_.daemon(config).start(), forger.Forger(lab_)
    assert daemon.status()["confirm"]["by"] == by, daemon.status()["confirm"]
    line = own.Line(lab_, forged, 4)
    client = line.new_client(1)
    accepted = line.connect(client)
    source_ = client.getsockname()[0]
    lab.wait_until(lambda: daemon.verdict(source_)["found"], "its SYN was seen")
    daemon.stop(signal.SIGKILL)
    lab_.write_config(['nftset = "behind"; families = [ "Windows" ]; confirm = "served"',
                       'nftset = "all"; confirm = "served"'], rules="conntrack = true;")
    daemon.start()
    line.greet(client, accepted)
    traffic.connect(lab_.client, lab.SERVER4, lab.source4(2))
    lab.wait_until(lambda: lab.source4(2) in members(lab_, ("all",)), "another one is confirmed")
    assert not members(lab_, ("behind",)), members(lab_, ("behind",))
    assert source_ not in members(lab_, ("all",)), "nothing is known of it"


def accomplice(lab_):
    """Whoever sees the server's numbers confirms whom he likes, there."""
    daemon, forged = set_up(lab_)
    wire = lab_.adopt(packets.Wire(lab_.server, "s0"))
    victim = lab.source4(SILENT + 1)
    forged.syn(victim, lab.SERVER4, 1024, "wireguard", seq=7)
    from_server = packets.is_from(lab.SERVER4)
    answer, = wire.packets(lambda packet: from_server(packet) and packet[9] == packets.TCP and
                           packet[33] == 0x12, 10 * lab.PATIENCE, 1, outgoing=True)
    number = struct.unpack_from("!I", answer, 24)[0]
    forged.send(victim, lab.SERVER4, 1024, forger.ACK, seq=8, ack=number + 1 & 0xFFFFFFFF)
    lab.wait_until(lambda: victim in members(lab_, ("vpn",)), "he is in the set")
    lab.wait_until(lambda: daemon.verdict(victim)["confirmed"], "and confirmed")


def are_in(lab_, name, addresses):
    return all(lab_.has_elements(f"{name}{version}", [address for address in addresses
                                                      if (":" in address) == (version == 6)])
               for version in (4, 6))


FLOODS = [  # what is said of the sources behind the number of the first one, and how it is called
    (["0"], "random sources"), (["256"], "the sources of one /24"),
    (["10000"], "two SYNs and more from each source"), (["0", "6"], "rotating /64 sources")]


def flood(lab_):
    """Forged SYNs beside honest connections: who is known stays known, and suspects are found, also
    in a set that a flood has filled."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        SERVED + ['nftset = "open"; confirm = "syn"'], rules="conntrack = true;",
        clients="capacity = 16384;")).start()
    known = {source(version, number): None for version in (4, 6) for number in range(1, 151)}
    for address in known:
        server = lab.SERVER6 if ":" in address else lab.SERVER4
        known[address] = traffic.connect(lab_.client, server, address)
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == len(known), "all are known")
    lab_.sysctl(lab_.server, {"net/ipv4/tcp_syncookies": 2})
    mac = lab.sh("cat", "/sys/class/net/g0/address", namespace=lab_.gateway).stdout.strip()
    program, seconds = str(lab.BUILD / "bench" / "syn_flood"), 10
    lab_.ip(lab_.client, """route change default via 198.51.100.1 advmss 1380
        route change default via 2001:db8:1::1 advmss 1360""")
    for turn, ((clients, *six), what) in enumerate(FLOODS):
        starts = time.monotonic()
        sent = lab.sh(program, "c0", mac, "1000", clients, "20000", str(seconds), *(six or ["4"]), "all",
                      namespace=lab_.client).stdout.strip()
        rate = int(sent) / (time.monotonic() - starts)
        began = time.monotonic()
        real = [source(version, 1000 * turn + number) for version in (4, 6)
                for number in range(201, 251)]

        def have_entered():
            """Behind a full queue the first ones pass unasked, and come again."""
            for address in set(real) - members(lab_, ("vpn",)):
                traffic.connect(lab_.client, lab.SERVER6 if ":" in address else lab.SERVER4, address)
            return set(real) <= members(lab_, ("vpn",))
        lab.wait_until(have_entered, f"{what}: all suspects are found")
        served = time.monotonic() - began
        lab.wait_until(lambda: are_in(lab_, "open", real), f"{what}: all have room", 60)
        opened = time.monotonic() - began
        for address, port in known.items():
            told = daemon.verdict(address, port)
            assert told["found"] and told["exact"] and told["confirmed"], (what, told)
            assert not told["flags"], (what, told)
        lab.figure(f"behind {sent} forged SYNs of {what}, {rate:,.0f} a second: {len(known)} known clients answered right, "
                   f"{len(real)} of {len(real)} suspects in a served set after {served:.1f} s, and "
                   f"in one that anybody can fill after {opened:.1f} s")
    assert are_in(lab_, "open", known), "who is confirmed stays"
    assert "10.0.0.0/16" not in baseline(daemon), "what forged SYNs say is in it"


def without_conntrack(lab_):
    """Where nobody uses conntrack it stays off, and everything says why sets are empty."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(SERVED)).start()
    traffic.connect(lab_.client, lab.SERVER4)
    tracked = lab.sh("cat", "/proc/sys/net/netfilter/nf_conntrack_count",
                     namespace=lab_.gateway).stdout
    assert tracked == "0\n" and not members(lab_), tracked
    status = daemon.status()["confirm"]
    assert status["by"] == "nothing" and not status["on"], status
    selftest = daemon.cli("selftest", check=False).stdout
    for text in (daemon.log(), status["note"], selftest):
        assert "vpn, bad, everybody" in text and "rules.conntrack = true" in text, text
    # Somebody begins to use it.
    lab_.nft("table inet site { chain c { type filter hook forward priority 0; "
             "ct state invalid counter; }; }")
    lab.wait_until(lambda: daemon.status()["confirm"]["on"], "it is used", 30)
    traffic.connect(lab_.client, lab.SERVER4)
    assert lab.CLIENT4 in members(lab_, ("everybody",))


MULTI_WAN = """
table inet wan { chain pre { type filter hook prerouting priority -150;
        meta mark set ct mark; meta mark 0 iifname g1 meta mark set 0x2; ct mark set meta mark; }; }
"""


def another_marks(lab_):
    """The usual recipe for several providers copies the whole connection mark: labels are used."""
    daemon, _ = set_up(lab_, rules="")
    lab_.nft(MULTI_WAN)
    # Whoever comes with another mark than the recipe's goes nowhere.
    lab_.ip(lab_.gateway, "rule add fwmark 0xff000000/0xff000000 blackhole")
    lab.wait_until(lambda: daemon.status()["confirm"]["by"] == "label", "labels are used", 30)
    assert "table inet wan, chain pre" in daemon.status()["confirm"]["note"]
    lab_.ip(lab_.client, "route change default via 198.51.100.1 advmss 1380")
    count = 1000 if IS_LONG else 50
    for number in range(1, count + 1):
        traffic.connect(lab_.client, lab.SERVER4, lab.source4(number))
    assert len(members(lab_, ("vpn",))) == count, len(members(lab_, ("vpn",)))
    lab.figure(f"beside an unmasked restore of the mark: 0 of {count} suspects harmed, all in their "
               "set")


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument != "--long"]
    lab.run(strangers, nobodys, guesses, both_ends, known_clients,
            (subscribers, without_conntrack, own_tuples, another_marks), suspects,
            shapes_that_speak, one_syn, disputed, disputed_member, of_an_earlier_process,
            labels_of_an_earlier_process, accomplice,
            *([flood] if IS_LONG else []))
