#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a burst of bad luck does to the sets: clients that come back after their timeout, somebody
else's long commit, a subnet that is one client, and an address that is to be forgotten."""
import time

import lab
import test_first_syn
import traffic

CLIENTS = 100
PATIENT = test_first_syn.PATIENT


def returning(lab_):
    """An element that timed out is there again before the next SYN of its client goes on."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"; timeout = "2s"'], publish=PATIENT)).start()
    lab_.nft(test_first_syn.POLICY.format(table="inet synprint", name="all", sets=""))
    for visit in (1, 2):
        result = traffic.Load(lab_.client, 200, CLIENTS, CLIENTS, versions=(4,)).result()
        traffic.expect_no_failure(result, f"visit {visit}")
        got, passed = lab_.counter("inet synprint", "first4"), daemon.passed(visit * CLIENTS)
        assert got == visit * CLIENTS - passed, f"visit {visit}: {got} matched, and {passed} passed unasked"
        assert passed < CLIENTS // 2, f"{passed} passed unasked"
        lab.wait_until(lambda: not lab_.elements("all4"), "all elements have timed out")
    lab.figure(f"SYNs of clients, and of those who came back after their timeout, matched: {got} of {2 * CLIENTS}")


def long_commit(lab_):
    """Bursts that find no room while somebody loads a large set are made up for."""
    count = 3000
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    big = lab_.dir / "big.nft"
    elements = ",\n".join(f"10.{i >> 15}.{i >> 7 & 255}.{(i & 127) << 1}" for i in range(200000))
    big.write_text("table inet big { set s { type ipv4_addr; flags interval;\n"
                   f"elements = {{ {elements} }}\n}}\n}}\n")
    load = traffic.Load(lab_.client, 1000, count, count, versions=(4,))
    lab.sh("nft", "-f", str(big), namespace=lab_.gateway)
    lab_.nft("delete table inet big")
    result = load.result()
    traffic.expect_no_failure(result, "while 200,000 elements were loaded")
    known = daemon.status()["clients"]["used"]
    lab.wait_until(lambda: len(lab_.elements("all4")) == known,
                   f"all {known} clients are in the set", 30)
    publish = daemon.status()["publish"]
    lab.figure(f"beside a load of 200,000 elements: {known} clients, all in the set at the end; "
               f"{publish['late']} bursts late, {publish['lost']} lost, longest connect "
               f"{result['longest_ms']:.0f} ms")


def subnet(lab_):
    """With one client for each /64, sets still hold addresses that packets have."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'], publish=PATIENT,
                                           clients="ipv6_prefix = 64;")).start()
    sources = [lab.source6(i) for i in range(1, 6)]
    for source in sources:
        traffic.connect(lab_.client, lab.SERVER6, source)
    assert set(lab_.elements("all6")) == set(sources), lab_.elements("all6")
    assert daemon.status()["clients"]["used"] == 1, daemon.status()["clients"]


def forget(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("all4"), "the client is in the set")
    for is_known in (True, False):
        reply = daemon.request({"op": "forget", "ip": lab.CLIENT4})
        assert reply["ok"] and reply["forgotten"] is is_known, reply
        lab.wait_until(lambda: lab.CLIENT4 not in lab_.elements("all4"), "it is forgotten")
    assert daemon.verdict(lab.CLIENT4)["found"] is False


def forget_network(lab_):
    """All of a network, by the command line, and what is usual in it."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    inside = [lab.source4(number) for number in range(1, 101)]
    for source in [*inside, lab.source4(256)]:
        traffic.connect(lab_.client, lab.SERVER4, source)
    lab.wait_until(lambda: len(lab_.elements("all4")) == 101, "all are in the set")
    said = daemon.cli("forget", "198.18.0.0/24").stdout
    assert said == "100 clients forgotten\n", said
    lab.wait_until(lambda: set(lab_.elements("all4")) == {lab.source4(256)}, "they are gone")
    assert not daemon.verdict(inside[0])["found"] and daemon.verdict(lab.source4(256))["found"]
    assert daemon.cli("forget", "198.18.0.0/24").stdout == "nobody of 198.18.0.0/24 was known\n"
    assert daemon.cli("forget", "198.18.0.1").returncode == 0, "a set may have held it"
    assert daemon.cli("forget", "198.18.0.0/33", check=False).returncode != 0
    both = daemon.request({"op": "forget", "ip": lab.CLIENT4, "net": "198.18.0.0/24"})
    assert both["error"]["code"] == "bad_value", both
    assert daemon.request({"op": "forget"})["error"]["code"] == "missing_member"


def excepted(lab_):
    """Whom the configuration excepts is known as ever, and in no set, marked by nothing."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "all"', 'mark = 0x10000'],
        publish=f'except = [ "{lab.source4(1)}", "2001:db8:c::/120" ];')).start()
    lab_.nft("table inet seen { counter marked {}; chain c { type filter hook prerouting priority 0; "
             "tcp flags syn meta mark & 0x10000 != 0 counter name marked; }; }")
    for source in (lab.source4(1), lab.source4(2)):
        traffic.connect(lab_.client, lab.SERVER4, source)
        assert daemon.verdict(source)["found"]
    for number in (1, 256):
        traffic.connect(lab_.client, lab.SERVER6, lab.source6(number))
    assert set(lab_.elements("all4")) == {lab.source4(2)}, lab_.elements("all4")
    assert set(lab_.elements("all6")) == {lab.source6(256)}, lab_.elements("all6")
    assert lab_.counter("inet seen", "marked") == 2


def named(lab_):
    """Rules that name labels and links by pattern, and one that takes every client."""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.daemon(lab_.write_config([
        'nftset = "seen"', 'nftset = "linux"; labels = [ "FreeBSD*", "Linux*" ]',
        'nftset = "old"; labels = [ "Windows 7*" ]', 'nftset = "ether"; links = [ "Ethernet*" ]',
        'nftset = "openvpn"; links = [ "OpenVPN*" ]'])).start()
    traffic.connect(lab_.client, lab.SERVER4)
    for name, is_in in (("seen4", True), ("linux4", True), ("old4", False), ("ether4", True),
                        ("openvpn4", False)):
        assert (lab.CLIENT4 in lab_.elements(name)) is is_in, (name, lab_.elements(name))


def endless_queue(lab_):
    """Rules without our switch go on diverting, and the daemon comes to its end all the same."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(engine="none", queue="first = 0; count = 1;")
    rules = ("*raw\n-A PREROUTING -p tcp --syn -j NFQUEUE --queue-num 0 --queue-bypass\n"
             "COMMIT\n")
    for program in ("iptables-restore", "ip6tables-restore"):
        done = lab.sh(program, "--noflush", namespace=lab_.gateway, stdin=rules, check=False)
        if done.returncode:
            raise lab.Skip(f"{program}: {done.stderr.strip()}")
    daemon = lab_.daemon(config).start()
    load = lab_.adopt(traffic.Load(lab_.client, 500))
    lab.wait_until(lambda: daemon.received() > 100, "SYNs arrive")
    began = time.monotonic()
    assert daemon.stop() == 0, daemon.log()
    lab.figure(f"stopped in {time.monotonic() - began:.2f} s while SYNs kept coming")
    traffic.expect_no_failure(load.stop(), "rules of the administrator's, the daemon stopped")


if __name__ == "__main__":
    lab.run(returning, long_commit, subnet, forget, forget_network, excepted, named, endless_queue)
